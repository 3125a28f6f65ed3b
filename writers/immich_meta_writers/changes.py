"""What a plan says about one file: changes, what is kept, what is skipped. Values only.

Not here: deciding any of it (merge/) or bytes (patch.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from immich_meta_writers.addresses import ExifValue, XmpEdit

Shown = Union[str, int, float, tuple[str, ...], None]
Edit = Union[ExifValue, XmpEdit, None]


@dataclass(frozen=True)
class Change:
    """One tag, as ExifTool names it, with its old and new value; None is absent. `edit` is what the codec is given."""

    tag: str
    old: Shown
    new: Shown
    edit: Edit = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Kept:
    """A value of somebody else that the tag contract keeps, though Immich says otherwise."""

    tag: str
    value: Shown
    reason: str


@dataclass(frozen=True)
class Skipped:
    """A row that this file cannot take."""

    tag: str
    reason: str
