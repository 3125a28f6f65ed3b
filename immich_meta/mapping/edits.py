"""Immich's non-destructive edits, undone: from a place in the edited image to the place in the original.

Not here: whose face it is (faces.py). The original file never sees an edit, so its regions must not either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from immich_meta.api.models import Edit

Size = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Edges as shares of the displayed width and height; outside of 0-1 when a crop cut through."""

    left: float
    top: float
    right: float
    bottom: float


class UndoError(ValueError):
    """An edit that cannot be undone; says why."""


@dataclass(frozen=True)
class Undo:
    """The way back. `turns`: clockwise degrees and mirrored axes, as applied; `crop`: shares of the whole."""

    turns: tuple[str, ...]
    crop: Optional[Box]

    def __call__(self, box: Box) -> Box:
        """Mirrors and turns last to first, then the crop's offset and scale (IMMICH.md, Edits trap)."""
        for turn in reversed(self.turns):
            box = _UNDONE[turn](box)
        crop = self.crop
        if crop is None:
            return box
        width, height = crop.right - crop.left, crop.bottom - crop.top
        return Box(
            crop.left + box.left * width,
            crop.top + box.top * height,
            crop.left + box.right * width,
            crop.top + box.bottom * height,
        )

    def edited(self, size: Size) -> Size:
        """Width and height that an image of this size has after the edits."""
        width, height = size
        if self.crop is not None:
            width, height = width * (self.crop.right - self.crop.left), height * (self.crop.bottom - self.crop.top)
        is_on_its_side = sum(turn in _QUARTERS for turn in self.turns) % 2 == 1
        return (height, width) if is_on_its_side else (width, height)


_UNDONE = {
    "x": lambda b: Box(1 - b.right, b.top, 1 - b.left, b.bottom),
    "y": lambda b: Box(b.left, 1 - b.bottom, b.right, 1 - b.top),
    "90": lambda b: Box(b.top, 1 - b.right, b.bottom, 1 - b.left),
    "180": lambda b: Box(1 - b.right, 1 - b.bottom, 1 - b.left, 1 - b.top),
    "270": lambda b: Box(1 - b.bottom, b.left, 1 - b.top, b.right),
}
_QUARTERS = frozenset({"90", "270"})
_MIRRORS = {"horizontal": "x", "vertical": "y"}


def undo(edits: tuple[Edit, ...], original_size: Optional[Size]) -> Undo:
    """How to undo `edits`. `original_size`: width and height in pixels of the whole image as displayed.

    The server applies the first crop before all else, wherever it stands, then the others in order.
    Raises UndoError for an edit of an unknown kind or without a usable parameter.
    """
    turns: list[str] = []
    crop: Optional[Box] = None
    for edit in edits:
        if edit.action == "crop":
            crop = crop or _crop(edit.parameters, original_size)
        elif edit.action == "rotate":
            turns += _turn(edit.parameters)
        elif edit.action == "mirror":
            turns.append(_mirror(edit.parameters))
        else:
            raise UndoError(f"an edit of the unknown kind {str(edit.action)[:32]!r}")
    return Undo(tuple(turns), crop)


def _turn(parameters: Mapping[str, object]) -> list[str]:
    angle = number(parameters.get("angle"))
    if angle is None or angle % 90:
        raise UndoError("a rotation that is not by quarter turns")
    return [str(int(angle % 360))] if angle % 360 else []


def _mirror(parameters: Mapping[str, object]) -> str:
    axis = parameters.get("axis")
    if not isinstance(axis, str) or axis not in _MIRRORS:
        raise UndoError("a mirror without an axis")
    return _MIRRORS[axis]


def _crop(parameters: Mapping[str, object], size: Optional[Size]) -> Box:
    if size is None:
        raise UndoError("a crop of an image of unknown size")
    x, y, width, height = (number(parameters.get(key)) for key in ("x", "y", "width", "height"))
    if x is None or y is None or width is None or height is None or width <= 0 or height <= 0:
        raise UndoError("a crop without an area")
    return Box(x / size[0], y / size[1], (x + width) / size[0], (y + height) / size[1])


def number(value: object) -> Optional[float]:
    """A finite number of sane size, as JSON may hold any other; else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e9 < value < 1e9:
        return None
    return float(value) if math.isfinite(value) else None
