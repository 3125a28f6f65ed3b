"""What is wanted, as any tag can hold it: clean texts, distinct names, numbers in range.

Not here: reading it from JSON (metadata_json.py) or from Immich.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, Optional

from immich_meta_writers.errors import MetadataError
from immich_meta_writers.metadata import PhotoMetadata, Region
from immich_meta_writers.text import clean, nfc

RATINGS = range(-1, 6)


def prepared(wanted: PhotoMetadata) -> PhotoMetadata:
    """The same with line breaks as LF and without control characters, blank names and repetitions.

    Raises MetadataError for numbers out of range.
    """
    _require_valid(wanted)
    changes: dict[str, Any] = {}
    for name in ("people", "albums", "tags"):
        items = getattr(wanted, name)
        if items is not None:
            changes[name] = _names(items)
    if wanted.caption is not None:
        changes["caption"] = clean(wanted.caption).strip()
    if wanted.asset_id is not None:
        changes["asset_id"] = one_line(wanted.asset_id)
    if wanted.regions is not None:
        changes["regions"] = tuple(
            replace(region, name=one_line(region.name)) for region in wanted.regions if one_line(region.name)
        )
    return replace(wanted, **changes)


def one_line(text: str) -> str:
    """A name: no line breaks, no blanks around it."""
    return " ".join(clean(text).split("\n")).strip()


def _names(items: Iterable[str]) -> tuple[str, ...]:
    distinct: dict[str, str] = {}
    for item in map(one_line, items):
        if item:
            distinct.setdefault(nfc(item), item)
    return tuple(distinct.values())


def _require_valid(wanted: PhotoMetadata) -> None:
    if wanted.rating is not None and wanted.rating not in RATINGS:
        raise _wrong("rating", wanted.rating, "-1 to 5")
    if wanted.gps is not None:
        _require_number("gps.latitude", wanted.gps.latitude, 90)
        _require_number("gps.longitude", wanted.gps.longitude, 180)
        _require_number("gps.altitude", wanted.gps.altitude, 1_000_000)
    for region in wanted.regions or ():
        _require_region(region)


def _require_region(region: Region) -> None:
    for each in fields(region)[1:]:
        _require_number(f"regions.{each.name}", getattr(region, each.name), 1_000_000)


def _require_number(name: str, value: Optional[float], limit: float) -> None:
    if value is not None and not (math.isfinite(value) and abs(value) <= limit):
        raise _wrong(name, value, f"-{limit} to {limit}")


def _wrong(name: str, value: object, allowed: str) -> MetadataError:
    return MetadataError(f"{name} is {value!r}: allowed is {allowed}", place=name)
