"""What a file should say, free of Immich and of any format.

Not here: how a value is written (tags.py) or when one gives way to another (merge/).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional

LOCAL_CLAIMANT = "local"
LONGEST_SIDE = (1 << 31) - 1  # pixels


class RatingSource(Enum):
    """Where the stars come from; it decides what happens to a rating that somebody else wrote."""

    STARS = "stars"
    HEART = "heart"
    UNRATED = "unrated"


@dataclass(frozen=True)
class Position:
    """A place on earth: degrees (WGS 84, north and east positive), altitude in metres above sea level."""

    latitude: float
    longitude: float
    altitude: Optional[float] = None


@dataclass(frozen=True)
class Moment:
    """When the picture was taken.

    `wall`: the naive local wall clock, whole seconds. `offset`: its distance from UTC, None when unknown.
    `instant`: the same moment as an aware UTC time (an unknown offset was read in the caller's time zone).
    `guessed`: the offset is only the server's guess: a movie does not tell its zone.
    """

    wall: datetime
    offset: Optional[timedelta]
    instant: datetime
    guessed: bool = False


@dataclass(frozen=True)
class Region:
    """A named face as the viewer sees it: centre and size, 0-1 of the displayed width and height."""

    name: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Raster:
    """A picture as stored, as somebody else has read it: pixels, and how it is turned for display (EXIF 1-8)."""

    width: int
    height: int
    orientation: int = 1


@dataclass(frozen=True)
class PhotoMetadata:
    """What is wanted in a file.

    None means "not asked: leave it alone"; an empty value means "there is none: remove ours".
    `rating` is -1 (rejected) to 5. `tags` are full paths, `Travel/Berlin`. `asset_id` is recorded, never compared.
    `raster` is only a hint for `regions`, where the file itself does not tell: it is never written for its own sake.
    """

    people: Optional[tuple[str, ...]] = None
    caption: Optional[str] = None
    rating: Optional[int] = None
    rating_source: RatingSource = RatingSource.STARS
    favorite: Optional[bool] = None
    gps: Optional[Position] = None
    captured: Optional[Moment] = None
    albums: Optional[tuple[str, ...]] = None
    tags: Optional[tuple[str, ...]] = None
    regions: Optional[tuple[Region, ...]] = None
    raster: Optional[Raster] = None
    asset_id: Optional[str] = None
