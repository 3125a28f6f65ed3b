"""What Immich makes of a file when it reads it again (IMMICH.md, 3, 4 and 6.5).

Not here: reading the file. The caller says what a reader found; this applies the server's rules to it.
Touched: dates, zone, place, caption, rating, tags, size, mtime, imported faces. Not touched, as in Immich:
favourite, albums, visibility, people and boxes that were not imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from math import floor
from typing import Optional

from immich_meta.demo.library import DemoAsset, DemoFace, Library
from immich_meta.demo.zones import label_of, offset_at

RATING_NULL_SINCE = (2, 6, 0)
_SWAPPING = ("5", "6", "7", "8")


@dataclass(frozen=True)
class FoundRegion:
    """A region of the file: centre and size, 0-1 of the stored raster."""

    name: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Found:
    """What a reader found in a file and its sidecar together; None is "not there".

    `date`: the naive wall clock; `offset`: its distance from UTC; `zone`: an IANA name where the position
    gives one, which wins over the offset. `mtime`: aware. `size`: bytes. `tags`: of the first list that is
    not empty, as paths with `/`. `regions` count when face import is on; `applied`: AppliedToDimensions.
    """

    mtime: datetime
    date: Optional[datetime] = None
    offset: Optional[timedelta] = None
    zone: Optional[str] = None
    rating: Optional[int] = None
    description: Optional[str] = None
    latitude: Optional[float] = None
    longitude: Optional[float] = None
    tags: Sequence[str] = ()
    size: Optional[int] = None
    regions: Sequence[FoundRegion] = ()
    applied: Optional[tuple[int, int]] = None


def reread(
    library: Library,
    asset: DemoAsset,
    found: Found,
    *,
    version: tuple[int, int, int] = (3, 2, 2),
    imports_faces: bool = False,
) -> None:
    """Changes the asset as a server of that version does after a rescan."""
    asset.file_modified_at = found.mtime.astimezone(timezone.utc)
    asset.modify_date = None
    if found.size is not None:
        asset.size = found.size
    _take_date(asset, found, version)
    asset.rating = stored_rating(found.rating, version)
    asset.description = (found.description or "").strip()
    asset.latitude, asset.longitude = _place(found)
    asset.altitude = None
    # Lightroom writes `/` inside a keyword; Immich keeps it as `|`, and the levels apart by `/`.
    library.set_tags(asset, [value for value in found.tags if value])
    if imports_faces and found.applied and found.regions:
        _import_faces(library, asset, found.regions, found.applied)


def stored_rating(stars: Optional[int], version: tuple[int, int, int]) -> Optional[int]:
    """What is kept of a file's stars: 0 is none since 2.6, and since 3.0 anything but 1 to 5."""
    if stars is None:
        return None
    if version >= (3, 0, 0):
        return stars if 1 <= stars <= 5 else None
    if stars == 0 and version >= RATING_NULL_SINCE:
        return None
    return stars if -1 <= stars <= 5 else None


def _take_date(asset: DemoAsset, found: Found, version: tuple[int, int, int]) -> None:
    if found.date is None:
        mtime = asset.file_modified_at
        earliest = min(asset.file_created_at, mtime) if version >= (3, 0, 0) else mtime
        asset.set_date(earliest.replace(tzinfo=None), None)
        return
    zone = found.zone
    if zone is None and found.offset is not None:
        zone = label_of(found.offset)
    if zone is None and asset.kind == "VIDEO":
        zone = "UTC"  # the reader's defaultVideosToUTC
    wall = found.date
    if found.zone is not None and found.offset is not None:
        # The offset says which instant it was, the place which clock hung on the wall.
        utc = found.date - found.offset
        wall = utc + offset_at(found.zone, utc)
        wall = utc + offset_at(found.zone, wall)
    asset.set_date(wall, zone)


def _place(found: Found) -> tuple[Optional[float], Optional[float]]:
    if found.latitude is None or found.longitude is None or (found.latitude == 0 and found.longitude == 0):
        return None, None
    return found.latitude, found.longitude


def _import_faces(
    library: Library, asset: DemoAsset, regions: Sequence[FoundRegion], applied: tuple[int, int]
) -> None:
    """Replaces the faces of an earlier import; those that were found or drawn stay beside them (6.6)."""
    asset.faces = [face for face in asset.faces if face.source_type != "exif"]
    width, height = reversed(applied) if asset.orientation in _SWAPPING else applied
    names = {name.lower(): name for name in library.people}
    for region in regions:
        if not region.name:
            continue
        person = library.person(names.get(region.name.lower(), region.name))
        if person not in asset.people:
            asset.people.append(person)
        x, y, w, h = shown(region, asset.orientation)
        box = (
            floor((x - w / 2) * width),
            floor((y - h / 2) * height),
            floor((x + w / 2) * width),
            floor((y + h / 2) * height),
        )
        asset.faces.append(DemoFace(library.new_id(), person, box, (width, height), "exif"))


def shown(region: FoundRegion, orientation: str) -> tuple[float, float, float, float]:
    """A stored region as displayed: centre and size (IMMICH.md, 4.3, the column `read`)."""
    x, y = region.x, region.y
    centre = {
        "2": (1 - x, y),
        "3": (1 - x, 1 - y),
        "4": (x, 1 - y),
        "5": (y, x),
        "6": (1 - y, x),
        "7": (1 - y, 1 - x),
        "8": (y, 1 - x),
    }.get(orientation, (x, y))
    size = (region.h, region.w) if orientation in _SWAPPING else (region.w, region.h)
    return (*centre, *size)
