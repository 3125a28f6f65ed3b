"""The faces that Immich knows on an asset, as shares of the picture that it shows.

Not here: regions in files (immich_meta.mapping.faces): those are of the picture as stored, before any edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Optional

from immich_meta.api.models import Face
from immich_meta.mapping.edits import number

MOST = 500


class FaceBox(NamedTuple):
    """`x`, `y`: the left upper corner; all from 0 to 1. `name` is "" for a face that has none."""

    name: str
    x: float
    y: float
    w: float
    h: float


def boxes_of(faces: Iterable[Face]) -> tuple[FaceBox, ...]:
    """From left to right; those of hidden people and those without an area are left out."""
    return tuple(sorted(_boxes(faces), key=lambda box: (box.x, box.name)))[:MOST]


def _boxes(faces: Iterable[Face]) -> Iterator[FaceBox]:
    for face in faces:
        person = face.person
        if person is not None and person.is_hidden:
            continue
        x1, x2 = _share(face.x1, face.image_width), _share(face.x2, face.image_width)
        y1, y2 = _share(face.y1, face.image_height), _share(face.y2, face.image_height)
        if x1 is None or x2 is None or y1 is None or y2 is None or x2 <= x1 or y2 <= y1:
            continue
        yield FaceBox("" if person is None else person.name.strip(), x1, y1, x2 - x1, y2 - y1)


def _share(edge: Optional[float], whole: Optional[float]) -> Optional[float]:
    at, size = number(edge), number(whole)
    if at is None or size is None or size <= 0:
        return None
    return min(1.0, max(0.0, at / size))
