"""What is wanted, as any tag can hold it: clean texts, distinct names, numbers in range.

Not here: reading it from JSON (metadata_json.py) or from Immich.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Optional

from immich_meta_writers.errors import MetadataError
from immich_meta_writers.metadata import LONGEST_SIDE, Moment, PhotoMetadata, Raster, Region
from immich_meta_writers.text import clean, nfc

RATINGS = range(-1, 6)
ORIENTATIONS = range(1, 9)
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


def prepared(wanted: PhotoMetadata) -> PhotoMetadata:
    """The same with line breaks as LF and without control characters, blank names and repetitions; names sorted.

    Raises MetadataError for numbers out of range and dates that are none.
    """
    _require_valid(wanted)
    changes: dict[str, Any] = {}
    for name in ("people", "albums"):
        items = getattr(wanted, name)
        if items is not None:
            changes[name] = _distinct(map(one_line, items))
    if wanted.tags is not None:
        changes["tags"] = _distinct(map(_path, wanted.tags))
    if wanted.gps is not None and not (wanted.gps.latitude or wanted.gps.longitude):
        changes["gps"] = None  # no place, but what cameras and servers write without one
    if wanted.caption is not None:
        changes["caption"] = clean(wanted.caption).strip()
    if wanted.asset_id is not None:
        changes["asset_id"] = one_line(wanted.asset_id)
    if wanted.captured is not None:
        changes["captured"] = _whole(wanted.captured)
    if wanted.regions is not None:
        named = (replace(region, name=one_line(region.name)) for region in wanted.regions)
        changes["regions"] = tuple(dict.fromkeys(region for region in named if region.name))
    return replace(wanted, **changes)


def one_line(text: str) -> str:
    """A name: no line breaks, no blanks around it."""
    text = clean(text)
    return " ".join(text.split("\n")).strip() if "\n" in text else text.strip()


def _path(text: str) -> str:
    """A tag's path without blank components."""
    return "/".join(part for part in map(one_line, text.split("/")) if part)


def _distinct(items: Iterable[str]) -> tuple[str, ...]:
    distinct: dict[str, str] = {}
    for item in filter(None, items):
        distinct.setdefault(nfc(item), item)
    return tuple(sorted(distinct.values()))


def _whole(moment: Moment) -> Moment:
    """Whole seconds, and the offset in whole minutes: files hold no more (EXIF 3.0, 4.6.6)."""
    if moment.wall.tzinfo is not None or moment.instant.tzinfo is None:
        raise _wrong("captured", moment, "a naive wall clock and an aware instant")
    if moment.offset is not None and abs(moment.offset) >= _DAY:
        raise _wrong("captured.offset", moment.offset, "less than a day")
    offset = None if moment.offset is None else (moment.offset + _MINUTE / 2) // _MINUTE * _MINUTE
    return replace(moment, wall=moment.wall.replace(microsecond=0, fold=0), offset=offset)


def _require_valid(wanted: PhotoMetadata) -> None:
    if wanted.rating is not None and wanted.rating not in RATINGS:
        raise _wrong("rating", wanted.rating, "-1 to 5")
    if wanted.gps is not None:
        _require_number("gps.latitude", wanted.gps.latitude, 90)
        _require_number("gps.longitude", wanted.gps.longitude, 180)
        _require_number("gps.altitude", wanted.gps.altitude, 1_000_000)
    if wanted.raster is not None:
        _require_raster(wanted.raster)
    for region in wanted.regions or ():
        _require_region(region)


def _require_raster(raster: Raster) -> None:
    for name in ("width", "height"):
        if not 0 < getattr(raster, name) <= LONGEST_SIDE:
            raise _wrong(f"raster.{name}", getattr(raster, name), f"1 to {LONGEST_SIDE}")
    if raster.orientation not in ORIENTATIONS:
        raise _wrong("raster.orientation", raster.orientation, "1 to 8")


def _require_region(region: Region) -> None:
    for name in "xywh":
        _require_number(f"regions.{name}", getattr(region, name), 1_000_000)


def _require_number(name: str, value: Optional[float], limit: float) -> None:
    if value is not None and not (math.isfinite(value) and abs(value) <= limit):
        raise _wrong(name, value, f"-{limit} to {limit}")


def _wrong(name: str, value: object, allowed: str) -> MetadataError:
    return MetadataError(f"{value!r} is not allowed: {allowed}", place=name)
