"""PhotoMetadata from a JSON object: strict, with an error that names the field.

Not here: reading files, and what Immich's API looks like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timezone, tzinfo
from typing import Any

from immich_meta_writers.errors import MetadataError
from immich_meta_writers.merge.dates import as_moment, parse_iso
from immich_meta_writers.metadata import LONGEST_SIDE, Moment, PhotoMetadata, Position, Raster, Region
from immich_meta_writers.text import clean, nfc

FIELDS = "people, caption, rating, favorite, gps, captured, albums, tags, regions, raster"
_OLDEST, _NEWEST = 1000, 9999  # EXIF years have four digits
_PRINTED = 1e15  # JSON's integers have any number of digits
# Python's own parser takes more forms with every version; these are the same on all. A date alone is midnight.
_WITHOUT_SECONDS = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d))?(Z|[+-]\d\d:?\d\d)?")


def photo_metadata(values: object, zone: tzinfo) -> PhotoMetadata:
    """PhotoMetadata of a decoded JSON object with the fields in FIELDS; null and absent mean "leave it alone".

    `gps` {latitude, longitude, altitude}: degrees and metres. `captured`: ISO 8601; without an offset it is a wall
    clock, whose instant is read in `zone`; or {at, guessed}, `guessed` when the offset is no fact, as Immich's UTC of a
    movie is none. `regions` [{name, x, y, w, h}]: as displayed, centre-based, 0-1. `raster` {width, height,
    orientation}: pixels as stored and EXIF Orientation, a hint for the regions of files that do not tell.

    Raises MetadataError.
    """
    if not isinstance(values, Mapping):
        raise MetadataError(f"expected a JSON object, not {_kind(values)}", cure=f"the fields are {FIELDS}")
    unknown = sorted(str(key) for key in values if key not in _READERS)
    if unknown:
        raise MetadataError(f"unknown field {unknown[0]!r}", cure=f"the fields are {FIELDS}")
    read: dict[str, Any] = {}
    for name, value in values.items():
        if value is not None:
            read[name] = _READERS[name](name, value, zone)
    return PhotoMetadata(**read)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _wrong(name: str, value: object, expected: str) -> MetadataError:
    return MetadataError(f"{_kind(value)} where {expected} is expected", place=name)


def _text(name: str, value: object, zone: tzinfo) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "a text")
    return clean(value).strip()


def _line(name: str, value: object) -> str:
    return " ".join(_text(name, value, _NO_ZONE).split("\n")).strip()


def _names(name: str, value: object, zone: tzinfo) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(name, value, "a list of texts")
    distinct = {nfc(line): line for line in (_line(f"{name}[{i}]", item) for i, item in enumerate(value)) if line}
    return tuple(sorted(distinct.values()))


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(name, value, "a number")
    if not low <= value <= high:
        shown = f"{value}" if abs(value) < _PRINTED else "this number"
        raise MetadataError(f"{shown} is not allowed: {low:g} to {high:g}", place=name)
    return float(value)


def _whole(name: str, value: object, low: int, high: int) -> int:
    number = _number(name, value, low, high)
    if not number.is_integer():
        raise MetadataError(f"{number} is not allowed: whole numbers from {low} to {high}", place=name)
    return int(number)


def _rating(name: str, value: object, zone: tzinfo) -> int:
    return _whole(name, value, -1, 5)


def _flag(name: str, value: object, zone: tzinfo) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _position(name: str, value: object, zone: tzinfo) -> Position:
    fields = _fields(name, value, ("latitude", "longitude"), ("altitude",))
    altitude = fields.get("altitude")
    return Position(
        _number("gps.latitude", fields["latitude"], -90, 90),
        _number("gps.longitude", fields["longitude"], -180, 180),
        None if altitude is None else _number("gps.altitude", altitude, -20_000, 1_000_000),
    )


def _captured(name: str, value: object, zone: tzinfo) -> Moment:
    if not isinstance(value, Mapping):
        return _moment(name, value, zone)
    fields = _fields(name, value, ("at",), ("guessed",))
    guessed = fields.get("guessed")
    moment = _moment("captured.at", fields["at"], zone)
    return replace(moment, guessed=guessed is not None and _flag("captured.guessed", guessed, zone))


def _moment(name: str, value: object, zone: tzinfo) -> Moment:
    text = _text(name, value, zone)
    spelled = text.replace(" ", "T", 1)
    short = _WITHOUT_SECONDS.fullmatch(spelled)
    clock = parse_iso(f"{short[1]}T{short[2] or '00:00'}:00{short[3] or ''}" if short else spelled)
    if clock is None:
        expected = "ISO 8601 is expected, as 2024-01-15T10:30:45+01:00"
        raise MetadataError(f"{text[:80]!r} is no moment: {expected}", place=name)
    if not _OLDEST < clock.wall.year < _NEWEST:
        raise MetadataError(f"{text[:80]!r}: the year is out of range", place=name)
    return as_moment(clock.wall, clock.offset, lambda wall: wall.replace(tzinfo=zone))


def _regions(name: str, value: object, zone: tzinfo) -> tuple[Region, ...]:
    if not isinstance(value, list):
        raise _wrong(name, value, "a list of regions")
    regions = []
    for index, item in enumerate(value):
        place = f"{name}[{index}]"
        fields = _fields(place, item, ("name", "x", "y", "w", "h"), ())
        x, y, w, h = (_number(f"{place}.{key}", fields[key], 0, 1) for key in "xywh")
        regions.append(Region(_line(f"{place}.name", fields["name"]), x, y, w, h))
    return tuple(regions)


def _raster(name: str, value: object, zone: tzinfo) -> Raster:
    fields = _fields(name, value, ("width", "height"), ("orientation",))
    orientation = fields.get("orientation")
    return Raster(
        _whole("raster.width", fields["width"], 1, LONGEST_SIDE),
        _whole("raster.height", fields["height"], 1, LONGEST_SIDE),
        1 if orientation is None else _whole("raster.orientation", orientation, 1, 8),
    )


def _fields(
    name: str, value: object, needed: tuple[str, ...], allowed: tuple[str, ...]
) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _wrong(name, value, "an object")
    for key in needed:
        if value.get(key) is None:
            raise MetadataError(f"{key} is missing", place=name)
    for key in value:
        if key not in needed and key not in allowed:
            raise MetadataError(f"unknown field {key!r}", place=name)
    return value


_NO_ZONE: tzinfo = timezone.utc
_READERS: Mapping[str, Callable[[str, object, tzinfo], object]] = {
    "people": _names,
    "caption": _text,
    "rating": _rating,
    "favorite": _flag,
    "gps": _position,
    "captured": _captured,
    "albums": _names,
    "tags": _names,
    "regions": _regions,
    "raster": _raster,
}
