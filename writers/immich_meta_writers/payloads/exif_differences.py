"""The self check of a graft: what changed in a block although nobody asked.

Not here: the graft.
"""

from __future__ import annotations

from collections.abc import Collection

from immich_meta_writers.addresses import ExifAddress
from immich_meta_writers.payloads import ifd
from immich_meta_writers.payloads.exif_block import ExifBlock, ForeignEntry
from immich_meta_writers.payloads.ifd_ground import EDITABLE, survey

_IFD0_POINTER = (4, ifd.HEADER_BYTES)


def differences(before: ExifBlock, after: ExifBlock, asked: Collection[ExifAddress]) -> tuple[str, ...]:
    """What became of foreign entries: `ExifIFD:0x927c` and the like; empty when all is well.

    Three things change by nature, and only where a file lies: a value that runs past the end of the old
    block, behind that end or in the tail that every graft lays out anew; one that lies over the header's
    pointer to IFD0; and what a dangling IFD1 or Interop pointer, or a table that claims more entries than
    fit, finds behind the old end. Compare before `shift_maker_note`, which changes the note on purpose.
    """
    old, new = before.foreign(asked), after.foreign(asked)
    if old == new:
        return ()
    tail = survey(before, asked).tail
    whole = [name for name in EDITABLE if name not in before.ifds or not before.ifds[name].is_cut]
    lost = []
    for name in dict.fromkeys(entry.ifd for entry in (*old, *new)):
        ours, theirs = [e for e in old if e.ifd == name], [e for e in new if e.ifd == name]
        lost += [a for a, b in zip(ours, theirs) if not _is_same(a, b, tail)]
        lost += ours[len(theirs) :]
        lost += theirs[len(ours) :] if name in whole else []
    return tuple([f"{entry.ifd}:0x{entry.tag:04x}" for entry in lost])


def _is_same(old: ForeignEntry, new: ForeignEntry, tail: int) -> bool:
    if (old.tag, old.type, old.count) != (new.tag, new.type, new.count):
        return False
    size = len(old.raw) if old.whole else min(len(old.raw), max(0, tail - old.start))
    return _without_header(old, size) == _without_header(new, size)


def _without_header(entry: ForeignEntry, size: int) -> bytes:
    raw = entry.raw[:size]
    if not 0 <= entry.start < ifd.HEADER_BYTES:
        return raw
    start, end = (max(0, offset - entry.start) for offset in _IFD0_POINTER)
    return raw[:start] + raw[end:]
