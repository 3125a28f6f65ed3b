"""Values as people and machines are shown them: by ExifTool's tag name, in plain types.

Not here: comparing values (merge/).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from immich_meta_writers.addresses import LangAlt, QuickTimeAddress, RegionInfo, Value
from immich_meta_writers.changes import Shown
from immich_meta_writers.merge.places import exif_angle
from immich_meta_writers.tags import BY_NAME


def shown(values: Mapping[str, Value]) -> dict[str, Shown]:
    """Each tag's value: degrees for angles, texts for regions, the default language of an alternative."""
    return {name: _shown(name, value) for name, value in values.items()}


def _shown(name: str, value: Value) -> Shown:
    if isinstance(value, LangAlt):
        return value.default
    if isinstance(value, RegionInfo):
        return tuple(f"{r.name} ({r.x:.3f}, {r.y:.3f}, {r.w:.3f} x {r.h:.3f})" for r in value.regions)
    if name in ("GPS:GPSLatitude", "GPS:GPSLongitude"):
        angle = exif_angle(value)
        return None if angle is None else round(angle.degrees, 7)
    if isinstance(value, bytes):
        return value[0] if len(value) == 1 else ".".join(map(str, value))
    if isinstance(value, tuple) and value and isinstance(value[0], Fraction):
        return round(float(value[0]), 3) if len(value) == 1 else " ".join(f"{float(part):g}" for part in value)
    if isinstance(value, tuple) and isinstance(BY_NAME[name].address, QuickTimeAddress):
        return _once(value)
    return value  # type: ignore[return-value]


def _once(values: tuple[Any, ...]) -> Shown:
    """The homes of one value, and the tracks of a movie, say the same as a rule."""
    distinct = tuple(dict.fromkeys(values))
    return distinct[0] if len(distinct) == 1 else distinct
