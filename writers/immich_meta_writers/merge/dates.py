"""Dates: each tag is compared on its own, by its wall clock to the second and its offset where both are known.

Not here: which date is right (the caller's mapping) and the file's modification time (plan/times.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Callable, NamedTuple, Optional

from immich_meta_writers.changes import Change
from immich_meta_writers.merge.decisions import Decision, View, rows
from immich_meta_writers.metadata import Moment
from immich_meta_writers.tags import Tag

# EXIF 3.0, 4.6.6: a date and the tag that holds its offset.
WITH_OFFSET = (
    ("ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal"),
    ("ExifIFD:CreateDate", "ExifIFD:OffsetTimeDigitized"),
    ("IFD0:ModifyDate", "ExifIFD:OffsetTime"),
)
XMP_DATES = (
    "XMP-xmp:CreateDate",
    "XMP-xmp:ModifyDate",
    "XMP-xmp:MetadataDate",
    "XMP-photoshop:DateCreated",
    "XMP-exif:DateTimeOriginal",
    "XMP-exif:DateTimeDigitized",
    "XMP-tiff:DateTime",
)

_EXIF = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)(\.\d+)?")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?\s*(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?")
_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):?([0-5]\d)")


class Clock(NamedTuple):
    """A date as a file holds it; `fraction` is its text, with the point."""

    wall: datetime
    fraction: str = ""
    offset: Optional[timedelta] = None


def exif_text(wall: datetime) -> str:
    """`2024:01:15 10:30:45` (EXIF 3.0, 4.6.6)."""
    return f"{wall.year:04}:{wall:%m:%d %H:%M:%S}"


def iso_text(wall: datetime, offset: Optional[timedelta], fraction: str = "") -> str:
    """ISO 8601 (XMP part 1, 8.2.1.1): `2024-01-15T10:30:45+01:00`."""
    return f"{wall.year:04}-{wall:%m-%dT%H:%M:%S}{fraction}{offset_text(offset) if offset is not None else ''}"


def offset_text(offset: timedelta, colon: str = ":") -> str:
    """`+01:00`; whole minutes."""
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def parse_offset(text: str) -> Optional[timedelta]:
    """The offset of `+01:00`, `+0100` or `Z`; None for anything else."""
    if text.strip() == "Z":
        return timedelta(0)
    match = _OFFSET.fullmatch(text.strip())
    if not match:
        return None
    span = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -span if match[1] == "-" else span


def _wall(match: Optional[re.Match[str]]) -> Optional[datetime]:
    if not match:
        return None
    try:
        return datetime(*(int(match[group]) for group in range(1, 7)))  # type: ignore[arg-type]
    except ValueError:
        return None


def parse_exif(text: str) -> Optional[datetime]:
    return _wall(_EXIF.fullmatch(text.strip()))


def parse_iso(text: str) -> Optional[Clock]:
    match = _ISO.fullmatch(text.strip())
    wall = _wall(match)
    if match is None or wall is None:
        return None
    return Clock(wall, match[7] or "", parse_offset(match[8]) if match[8] else None)


def merge_dates(view: View, moment: Moment) -> Iterator[Decision]:
    """Every home of the date says the chosen moment; sub-seconds stay where the second is equal."""
    for date_name, offset_name in WITH_OFFSET:
        yield from _pair(view, moment, date_name, offset_name, parse_exif, exif_text)
    text = iso_text(moment.wall, moment.offset)
    for tag in rows(view, *XMP_DATES):
        if view.text(tag.name) != text:
            yield from _iso(view, tag, moment)
    yield from _sidecar_offset(view, moment)
    yield from _iptc(view, moment)


def _pair(
    view: View,
    moment: Moment,
    date_name: str,
    offset_name: str,
    parse: Callable[[str], Optional[datetime]],
    render: Callable[[datetime], str],
) -> Iterator[Decision]:
    wanted, found = render(moment.wall), view.text(date_name)
    moved = found != wanted and parse(found) != moment.wall
    for tag in rows(view, date_name):
        if moved:
            yield _change(view, tag.name, wanted)
    yield from _offset(view, moment, offset_name, moved)


def _offset(view: View, moment: Moment, name: str, moved: bool) -> Iterator[Decision]:
    """Known: set. Unknown: kept where its wall clock stays the same, removed where that changes."""
    for tag in rows(view, name):
        if moment.offset is None:
            if moved and tag.name in view.values:
                yield _change(view, tag.name, None)
        else:
            wanted, found = offset_text(moment.offset), view.text(name)
            if found != wanted and parse_offset(found) != moment.offset:
                yield _change(view, tag.name, wanted)


def _sidecar_offset(view: View, moment: Moment) -> Iterator[Decision]:
    clock = parse_iso(view.text("XMP-exif:DateTimeOriginal"))
    moved = clock is None or clock.wall != moment.wall
    yield from _offset(view, moment, "XMP-exif:OffsetTimeOriginal", moved)


def _iso(view: View, tag: Tag, moment: Moment) -> Iterator[Decision]:
    clock = parse_iso(view.text(tag.name))
    if clock is None or clock.wall != moment.wall:
        yield _change(view, tag.name, iso_text(moment.wall, moment.offset))
    elif moment.offset is not None and clock.offset != moment.offset:
        yield _change(view, tag.name, iso_text(moment.wall, moment.offset, clock.fraction))


def _iptc(view: View, moment: Moment) -> Iterator[Decision]:
    """IIM 4.2, 2:55 `CCYYMMDD` and 2:60 `HHMMSS+HHMM`; the offset is left out when it is not known."""
    wall = moment.wall
    date, time = f"{wall.year:04}{wall:%m%d}", f"{wall:%H%M%S}"
    same_date = re.sub(r"[-:]", "", view.text("IPTC:DateCreated").strip()) == date
    for tag in rows(view, "IPTC:DateCreated"):
        if not same_date:
            yield _change(view, tag.name, date)
    for tag in rows(view, "IPTC:TimeCreated"):
        found = view.text(tag.name).strip()
        same_offset = same_date or not found[6:]
        if moment.offset is not None:
            same_offset = parse_offset(found[6:]) == moment.offset
        if found[:6] != time or not same_offset:
            zone = "" if moment.offset is None else offset_text(moment.offset, "")
            yield _change(view, tag.name, time + zone)


def _change(view: View, name: str, new: Optional[str]) -> Change:
    return Change(name, view.text(name) or None, new, new)


def as_moment(wall: datetime, offset: Optional[timedelta], local: Callable[[datetime], datetime]) -> Moment:
    """A Moment of a naive wall clock; `local` reads a wall clock of unknown offset in the caller's time zone."""
    wall = wall.replace(microsecond=0, tzinfo=None)
    if offset is None:
        return Moment(wall, None, local(wall).astimezone(timezone.utc))
    return Moment(wall, offset, wall.replace(tzinfo=timezone(offset)).astimezone(timezone.utc))
