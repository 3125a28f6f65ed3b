"""An edit of a HEIF file, with everything checked that has to be true of each.

Not here: what the files are made of (pictures.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Optional

from immich_meta_writers.containers import heif
from immich_meta_writers.patch import Patch
from immich_meta_writers.source import MemorySource
from tests.writers.heif.pictures import items_of, types_of


def read(data: bytes) -> heif.HeifFile:
    return heif.read(MemorySource(data))


def changed(data: bytes, **payloads: Optional[bytes]) -> bytes:
    """The new file; it holds what was asked for, settles at once, and everything else is where it was."""
    found = read(data)
    wanted = replace(found.payloads, **payloads)  # type: ignore[arg-type]
    patch = heif.patch(found, wanted)
    made = patch.apply(data)
    again = read(made)
    assert (again.payloads.exif, again.payloads.xmp) == (wanted.exif, wanted.xmp)
    assert heif.patch(again, wanted) == Patch(len(made))
    assert patch.invert(lambda offset, length: data[offset : offset + length]).apply(made) == data
    assert (again.raster, again.orientation, again.notes) == (found.raster, found.orientation, found.notes)
    if found.meta:
        ours = {held.item for held in (*found.held.values(), *again.held.values())}
        assert foreign(made, ours) == foreign(data, ours)
        assert types_of(made).keys() - ours == types_of(data).keys() - ours
    return made


def foreign(data: bytes, ours: set[int]) -> Mapping[int, bytes]:
    return {item: content for item, content in items_of(data).items() if item not in ours}
