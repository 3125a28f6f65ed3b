"""What Immich's reader finds in a file and its sidecar: one value of each kind, by its priorities (IMMICH.md, 4).

Not here: what the server then keeps of it (reread.py). Independent of the sync's own mapping, so that one checks
the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Optional, Union

from immich_meta.demo.reread import Found, FoundRegion
from immich_meta_writers.errors import UnsupportedError
from immich_meta_writers.plan import read, read_sidecar_of

Values = Mapping[str, object]

_DATE = re.compile(
    r"(\d{4})[-:](\d\d)[-:](\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_XMP_ANGLE = re.compile(r"(\d+),(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?([NSEW])", re.ASCII)
_ISO_6709 = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)", re.ASCII)
_IMAGE_DATES = (
    # The composites that exist only with an offset; then the plain dates (MWG: EXIF, IPTC, XMP).
    (("ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal"), ("ExifIFD:CreateDate", "ExifIFD:OffsetTimeDigitized")),
    ("ExifIFD:DateTimeOriginal", "XMP-photoshop:DateCreated", "XMP-exif:DateTimeOriginal"),
    ("ExifIFD:CreateDate", "XMP-xmp:CreateDate"),
)
_VIDEO_DATES = (
    (),
    ("XMP-exif:DateTimeOriginal", "XMP-photoshop:DateCreated", "Keys:CreationDate", "QuickTime:CreateDate"),
    ("QuickTime:MediaCreateDate", "XMP-xmp:CreateDate"),
)
_SIDECAR_DATES = (
    (("XMP-exif:DateTimeOriginal", "XMP-exif:OffsetTimeOriginal"),),
    ("XMP-photoshop:DateCreated", "XMP-exif:DateTimeOriginal"),
    ("XMP-xmp:CreateDate",),
)
_NOTHING: Values = MappingProxyType({})
_NO_TIME = datetime(1970, 1, 1, tzinfo=timezone.utc)
_Dates = tuple[tuple[tuple[str, str], ...], tuple[str, ...], tuple[str, ...]]


class Clock(NamedTuple):
    """A naive wall clock and its distance from UTC."""

    wall: datetime
    offset: Optional[timedelta]


def found_in(
    path: Union[str, Path], raster: tuple[int, int], *, is_video: bool = False, beside: bool = True
) -> Found:
    """What a re-read of the file finds. `raster`: its stored size, to which regions apply; `beside`: its sidecar
    is read, too.

    Raises a WriterError when the file or its sidecar cannot be read.
    """
    try:
        values: Values = read(path)
    except UnsupportedError:
        values = {}
    status = Path(path).stat()
    found = found_of(values, read_sidecar_of(path)[1] if beside else _NOTHING, is_video=is_video)
    mtime = datetime.fromtimestamp(status.st_mtime_ns // 10**6 / 1000, timezone.utc)
    return replace(found, mtime=mtime, size=status.st_size, applied=raster)


def found_of(values: Values, beside: Values = _NOTHING, *, is_video: bool = False) -> Found:
    """The same of what a file and its sidecar say, by ExifTool's names; without the file's time and sizes."""
    # A sidecar with any date hides every date of the file, and its zone.
    clock = clock_in(beside, _SIDECAR_DATES) or clock_in(values, _VIDEO_DATES if is_video else _IMAGE_DATES)
    latitude, longitude = _place(beside) or _place(values) or (None, None)
    rating = _text(beside, "XMP-xmp:Rating") or _text(values, "XMP-xmp:Rating", "IFD0:Rating")
    return Found(
        mtime=_NO_TIME,
        date=clock.wall if clock else None,
        offset=clock.offset if clock else None,
        rating=None if rating is None else round(float(rating)),
        description=_description(values, beside),
        latitude=latitude,
        longitude=longitude,
        tags=_tags(values, beside),
        regions=_regions(beside) or _regions(values),
    )


def clock_in(values: Values, dates: _Dates) -> Optional[Clock]:
    """The first date; one without an offset borrows it from another date of the same file."""
    pairs, *plain = dates
    for date, offset in pairs:
        clock, distance = _clock(values.get(date)), _offset(_text(values, offset))
        if clock is not None and distance is not None:
            return Clock(clock.wall, distance)
    found = [clock for name in (*plain[0], *plain[1]) for clock in (_clock(values.get(name)),) if clock is not None]
    if not found:
        return None
    lent = next((clock.offset for clock in found if clock.offset is not None), None)
    return Clock(found[0].wall, found[0].offset if found[0].offset is not None else lent)


def _clock(value: object) -> Optional[Clock]:
    value = value[0] if isinstance(value, tuple) and value else value
    match = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        wall = datetime(*(int(part or 0) for part in match.groups()[:6]))  # type: ignore[arg-type]
    except ValueError:  # 0000:00:00, as cameras without a clock write it
        return None
    return Clock(wall, _offset(match[7]))


def _offset(text: Optional[str]) -> Optional[timedelta]:
    if not text:
        return None
    if text == "Z":
        return timedelta(0)
    size = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -size if text[0] == "-" else size


def _place(values: Values) -> Optional[tuple[float, float]]:
    """Degrees, south and west negative."""
    found = (_degrees(values, "GPSLatitude", "S"), _degrees(values, "GPSLongitude", "W"))
    for name in ("Keys:GPSCoordinates", "UserData:GPSCoordinates"):
        match = _ISO_6709.match(_text(values, name) or "")
        if match and found == (None, None):
            found = (float(match[1]), float(match[2]))
    latitude = _xmp_angle(_text(values, "XMP-exif:GPSLatitude")) if found[0] is None else found[0]
    longitude = _xmp_angle(_text(values, "XMP-exif:GPSLongitude")) if found[1] is None else found[1]
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(values: Values, name: str, negative: str) -> Optional[float]:
    value = values.get(f"GPS:{name}")
    if not isinstance(value, (int, float)):
        return None
    return -float(value) if values.get(f"GPS:{name}Ref") == negative else float(value)


def _xmp_angle(text: Optional[str]) -> Optional[float]:
    match = _XMP_ANGLE.fullmatch(text or "")
    if match is None:
        return None
    size = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
    return -size if match[4] in "SW" else size


def _description(values: Values, beside: Values) -> Optional[str]:
    """The bare ImageDescription beats every Description, and the sidecar's of each name the file's."""
    return (
        _text(beside, "XMP-tiff:ImageDescription")
        or _text(values, "IFD0:ImageDescription", "XMP-tiff:ImageDescription")
        or _text(beside, "XMP-dc:Description")
        or _text(values, "Keys:Description", "ItemList:Description", "XMP-dc:Description", "IPTC:Caption-Abstract")
    )


def _tags(values: Values, beside: Values) -> tuple[str, ...]:
    for name in ("XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject", "XMP-dc:Subject", "IPTC:Keywords"):
        found = _items(beside, name) or _items(values, name)
        if found:
            return tuple(tag.replace("|", "/") for tag in found) if name.startswith("XMP-lr") else found
    return ()


def _regions(values: Values) -> tuple[FoundRegion, ...]:
    found = []
    for text in _items(values, "XMP-mwg-rs:RegionInfo"):
        name, _, numbers = text.rpartition(" (")
        x, y, rest = numbers.rstrip(")").split(", ")
        w, h = rest.split(" x ")
        found.append(FoundRegion(name, float(x), float(y), float(w), float(h)))
    return tuple(found)


def _items(values: Values, name: str) -> tuple[str, ...]:
    found = values.get(name)
    if found is None:
        return ()
    return tuple(map(str, found)) if isinstance(found, tuple) else (str(found),)


def _text(values: Values, *names: str) -> Optional[str]:
    """The first that is not empty."""
    return next((str(values[name]) for name in names if values.get(name) not in (None, "", ())), None)
