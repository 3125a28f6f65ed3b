"""The place of an asset.

Not here: references, rationals and what counts as the same place (the writers).
"""

from __future__ import annotations

import math
from typing import Optional

from immich_meta.api.models import Asset
from immich_meta.mapping.notes import Note, NoteKind, Notes
from immich_meta_writers.metadata import Position

# An EXIF altitude is a 32-bit rational; beyond this no camera and no person has been.
HIGHEST_METRES = 1_000_000.0


def position_of(asset: Asset) -> tuple[Optional[Position], Notes]:
    """The position in degrees and metres, or None: leave the file's alone (TAGS.md, GPS).

    Both coordinates must be finite, in range and not both 0, which is how a missing place is often stored.
    """
    exif = asset.exif
    if exif.latitude is None or exif.longitude is None:
        return None, ()
    latitude, longitude = _finite(exif.latitude), _finite(exif.longitude)
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None, (_invalid_place(exif.latitude, exif.longitude),)
    if latitude == 0 and longitude == 0:
        return None, ()
    altitude, notes = _altitude(exif.altitude)
    return Position(latitude, longitude, altitude), notes


def _altitude(value: Optional[float]) -> tuple[Optional[float], Notes]:
    if value is None:
        return None, ()
    metres = _finite(value)
    if metres is not None and abs(metres) <= HIGHEST_METRES:
        return metres, ()
    text = f"an altitude of {_shown(value)} m cannot be: left out"
    return None, (Note(NoteKind.ALTITUDE_INVALID, text, (("altitude", _shown(value)),)),)


def _finite(value: float) -> Optional[float]:
    try:
        number = float(value)
    except OverflowError:  # JSON has integers of any length
        return None
    return number if math.isfinite(number) else None


def _shown(value: float) -> str:
    number = _finite(value)
    return "not a finite number" if number is None else f"{number:g}"


def _invalid_place(latitude: float, longitude: float) -> Note:
    data = (("latitude", _shown(latitude)), ("longitude", _shown(longitude)))
    text = f"{data[0][1]}, {data[1][1]} is no place on earth: ignored"
    return Note(NoteKind.COORDINATES_INVALID, text, data)
