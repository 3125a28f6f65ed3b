"""Movies: dates in UTC and with an offset, and places as one text; every home of a value says the same.

Not here: captions (texts.py), XMP in a movie (dates.py, places.py), and what a header can hold (payloads/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, Optional

from immich_meta_writers import iso6709
from immich_meta_writers.changes import Change, Shown
from immich_meta_writers.merge.dates import exif_text, iso_text, offset_text, parse_offset
from immich_meta_writers.merge.decisions import Decision, View, rows
from immich_meta_writers.merge.places import SAME_HEIGHT, Angle, is_same
from immich_meta_writers.metadata import Moment, Position
from immich_meta_writers.tags import Tag

UTC_DATES = (
    "QuickTime:CreateDate",
    "QuickTime:ModifyDate",
    "QuickTime:TrackCreateDate",
    "QuickTime:TrackModifyDate",
    "QuickTime:MediaCreateDate",
    "QuickTime:MediaModifyDate",
)
UNSET = "0000:00:00 00:00:00"
CREATION = "Keys:CreationDate"
ORIGINALS = ("Keys:DateTimeOriginal", "UserData:DateTimeOriginal")
CONTENT_DATES = ("UserData:ContentCreateDate", "ItemList:ContentCreateDate")
COORDINATES = ("Keys:GPSCoordinates", "UserData:GPSCoordinates", "ItemList:GPSCoordinates")
LOCATION = "UserData:LocationInformation"
# Degrees: it counts in 1/65536 (3GPP TS 26.244, 8.9), and many programs cut instead of rounding.
LOCATION_STEP = 2.1 / 65536

# ISO 8601 as programs write it, and EXIF's colons.
_DATE = re.compile(
    r"(\d{4})(?:[-:]?(\d\d)(?:[-:]?(\d\d))?)?"
    r"(?:[T ](\d\d):?(\d\d):?(\d\d)((?:\.\d+)?)\s*(Z|[+-]\d\d(?::?\d\d)?)?)?"
)


class _Clock(NamedTuple):
    """A date of a text. `days`: year, month and day, as far as they are told; `wall` None: no time of day."""

    days: tuple[int, ...]
    wall: Optional[datetime] = None
    fraction: str = ""
    offset: Optional[timedelta] = None


def merge_movie_dates(view: View, moment: Moment) -> Iterator[Decision]:
    """Headers say the instant in UTC; texts say the wall clock and its offset."""
    wanted = exif_text(_utc(moment))
    for name in UTC_DATES:
        found = _values(view, name)
        if any(text != wanted for text in found):
            yield Change(name, _told(text for text in found if text not in (wanted, UNSET)), wanted, wanted)
    for tag in rows(view, CREATION, *ORIGINALS, *CONTENT_DATES):
        yield from _text_date(view, tag, moment)


def merge_movie_position(view: View, position: Position) -> Iterator[Decision]:
    """The place in every text that has it; an altitude that stands there stays when none is known."""
    for tag in rows(view, *COORDINATES, LOCATION):
        found = _values(view, tag.name)
        places = [iso6709.parse(text) for text in found]
        step = LOCATION_STEP if tag.name == LOCATION else 0.0
        wrong = [text for text, place in zip(found, places) if not _is_there(place, position, step)]
        if wrong or not found:
            height = next((place.height for place in places if place is not None and place.height), "")
            if position.altitude is not None:
                height = iso6709.spell_height(position.altitude)
            text = iso6709.spell(position.latitude, position.longitude, height)
            yield Change(tag.name, _told(wrong), text, text)


def _utc(moment: Moment) -> datetime:
    return moment.instant.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)


def _values(view: View, name: str) -> tuple[str, ...]:
    value = view.get(name)
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)


def _told(texts: Iterable[str]) -> Shown:
    """What differing homes say: one text if they agree, nothing if they are empty."""
    distinct = tuple(dict.fromkeys(text for text in texts if text))
    return distinct[0] if len(distinct) == 1 else distinct or None


def _text_date(view: View, tag: Tag, moment: Moment) -> Iterator[Decision]:
    """A movie whose zone is the server's guess is not given a text that would make it a fact."""
    found = _values(view, tag.name)
    if not found and moment.guessed:
        return
    clocks = [_clock(text) for text in found]
    wrong = [text for text, clock in zip(found, clocks) if not _says(clock, moment, tag.name in CONTENT_DATES)]
    if wrong or not found:
        wall, offset = _wall(moment, clocks)
        fractions = (clock.fraction for clock in clocks if clock is not None and clock.wall == wall)
        text = iso_text(wall, None, next(fractions, ""))
        text += "" if offset is None else offset_text(offset, "")
        yield Change(tag.name, _told(wrong), text, text)


def _wall(moment: Moment, found: Iterable[Optional[_Clock]]) -> tuple[datetime, Optional[timedelta]]:
    """The wall clock and its offset; a zone that the file knows is worth more than one that the server guesses."""
    known = next((clock.offset for clock in found if clock is not None and clock.offset is not None), None)
    if moment.guessed and known is not None:
        return _utc(moment) + known, known
    return moment.wall, moment.offset


def _says(clock: Optional[_Clock], moment: Moment, may_be_short: bool) -> bool:
    """Whether a text says the moment already; a bare year or day does if it is the same one and may be short."""
    if clock is None:
        return False
    if clock.wall is None:
        return may_be_short and clock.days == moment.wall.timetuple()[: len(clock.days)]
    if moment.guessed and clock.offset is not None:
        return clock.wall - _utc(moment) == clock.offset
    return clock.wall == moment.wall and (moment.guessed or moment.offset in (None, clock.offset))


def _clock(text: str) -> Optional[_Clock]:
    match = _DATE.fullmatch(text.strip())
    if not match:
        return None
    days = tuple(int(part) for part in match.group(1, 2, 3) if part is not None)
    if match[4] is None:
        return _Clock(days)
    try:
        wall = datetime(*days, *map(int, match.group(4, 5, 6)))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # a time of no day, or no date of the calendar
        return None
    offset = match[8] or ""
    return _Clock(days, wall, match[7], parse_offset(offset if offset[3:] or offset == "Z" else f"{offset}00"))


def _is_there(place: Optional[iso6709.Place], position: Position, step: float) -> bool:
    if place is None:
        return False
    if position.altitude is not None and (
        place.altitude is None or abs(place.altitude - position.altitude) > SAME_HEIGHT
    ):
        return False
    return all(
        is_same(Angle(found.degrees, max(found.step, step)), wanted)
        for found, wanted in ((place.latitude, position.latitude), (place.longitude, position.longitude))
    )
