"""ISO 6709: a place as one text, `+52.520000+013.405000+034.500/` (annex H; QuickTime File Format, "Location").

Not here: when two places are the same (merge/places.py) and where a file keeps the text.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

# Degrees, degrees and minutes, or degrees, minutes and seconds, told apart by the digits before the point. Programs
# forget leading zeros, the solidus, or both. A coordinate system may follow.
_TEXT = re.compile(
    r"\s*([+-])(\d{1,2}|\d{4}|\d{6})(?:\.(\d{0,20}))?"
    r"\s*([+-])(\d{1,3}|\d{5}|\d{7})(?:\.(\d{0,20}))?"
    r"\s*([+-]\d{1,12}(?:\.\d{0,20})?)?"
    r"\s*(?:CRS[^/\0]{0,64})?/?[\s\0]*"
)
_SIXTIETHS = (1, 60, 3600)


class Coordinate(NamedTuple):
    """Signed degrees, and the step in which the text counts."""

    degrees: float
    step: float


class Place(NamedTuple):
    """Degrees (WGS 84, north and east positive) and metres; `height` is the text of the altitude, sign included."""

    latitude: Coordinate
    longitude: Coordinate
    height: str = ""

    @property
    def altitude(self) -> Optional[float]:
        return float(self.height) if self.height else None


def parse(text: str) -> Optional[Place]:
    """None for anything that is no place on earth."""
    match = _TEXT.fullmatch(text)
    if not match:
        return None
    latitude = _coordinate(match[1], match[2], match[3] or "", 2)
    longitude = _coordinate(match[4], match[5], match[6] or "", 3)
    if abs(latitude.degrees) > 90 or abs(longitude.degrees) > 180:
        return None
    return Place(latitude, longitude, match[7] or "")


def spell(latitude: float, longitude: float, height: str = "") -> str:
    """Six decimals of a degree; `height` as `spell_height` gives it, or as it was found."""
    return f"{_signed(latitude, 2)}{_signed(longitude, 3)}{height}/"


def spell_height(metres: float) -> str:
    """`+34.500`."""
    return f"{metres:+.3f}"


def _signed(degrees: float, digits: int) -> str:
    return f"{degrees:+0{digits + 8}.6f}"


def _coordinate(sign: str, whole: str, decimals: str, digits: int) -> Coordinate:
    sixtieths = max(0, len(whole) - digits) // 2
    cuts = [0] + [len(whole) - 2 * n for n in range(sixtieths, -1, -1)]
    parts = [whole[start:end] for start, end in zip(cuts, cuts[1:])]
    parts[-1] = f"{parts[-1]}.{decimals or 0}"
    degrees = sum(float(part) / unit for part, unit in zip(parts, _SIXTIETHS))
    return Coordinate(-degrees if sign == "-" else degrees, 10.0 ** -len(decimals) / _SIXTIETHS[sixtieths])
