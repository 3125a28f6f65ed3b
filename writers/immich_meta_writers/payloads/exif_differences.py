"""The self check of a graft: what changed in a block although nobody asked.

Not here: the graft.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Callable

from immich_meta_writers.addresses import ExifAddress
from immich_meta_writers.ifd.ground import survey
from immich_meta_writers.ifd.tree import EDITABLE
from immich_meta_writers.patch import PatchedView
from immich_meta_writers.payloads.exif_block import IN_ENTRY, ExifBlock, ForeignEntry
from immich_meta_writers.payloads.maker_notes import NotePins
from immich_meta_writers.source import ByteView

_CHUNK = 1 << 20


def differences(before: ExifBlock, after: ExifBlock, asked: Collection[ExifAddress]) -> tuple[str, ...]:
    """What became of foreign entries: `ExifIFD:0x927c` and the like; empty when all is well.

    Three things change by nature, and only where a file lies: a value that runs past the end of the old
    block, behind that end or in the tail that every graft lays out anew; one that lies over the header's
    pointer to IFD0; and what a dangling IFD1 or Interop pointer, or a table that claims more entries than
    fit, finds behind the old end. Compare before `shift_maker_note`, which changes the note on purpose.
    """
    if after.data is before.data:
        return ()

    def tail() -> int:
        return survey(before, [(address.ifd, address.tag) for address in asked], NotePins(before)).tail

    old, new = before.foreign(asked), after.foreign(asked)
    whole = [name for name in EDITABLE if name not in before.ifds or not before.ifds[name].is_cut]
    lost: list[ForeignEntry] = []
    for name in dict.fromkeys(entry.ifd for entry in (*old, *new)):
        ours, theirs = [e for e in old if e.ifd == name], [e for e in new if e.ifd == name]
        lost += [a for a, b in zip(ours, theirs) if not (a == b and _is_same_value(before, a, after, b, tail))]
        lost += ours[len(theirs) :]
        lost += theirs[len(ours) :] if name in whole else []
    return tuple([f"{entry.ifd}:0x{entry.tag:04x}" for entry in lost])


def _is_same_value(
    before: ExifBlock, old: ForeignEntry, after: ExifBlock, new: ForeignEntry, tail: Callable[[], int]
) -> bool:
    if old.start == IN_ENTRY:
        return True
    end = min(old.end, len(before.data))
    ranges = [(old.start, end)] if end > old.start else []
    if new.start == old.start:
        ranges = [part for start, end in ranges for part in _touched(before.data, after.data, start, end)]
    # The header's pointer to IFD0 changes by nature.
    header = before.layout.ifd0_at, before.layout.header_bytes
    ranges = [part for start, end in ranges for part in _without(start, end, *header)]
    if _are_equal(before.data, after.data, ranges, new.start - old.start):
        return True
    if old.end <= len(before.data):
        return False
    limit = tail()
    return _are_equal(before.data, after.data, [(s, min(e, limit)) for s, e in ranges], new.start - old.start)


def _without(start: int, end: int, cut: int, until: int) -> Iterator[tuple[int, int]]:
    for low, high in ((start, min(end, cut)), (max(start, until), end)):
        if low < high:
            yield low, high


def _touched(before: ByteView, after: ByteView, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a range that can differ: of a patched file those that the patch overwrites."""
    if not isinstance(after, PatchedView) or after.base is not before:
        yield start, end
        return
    for splice in after.patch.splices:
        if splice.offset >= end:
            return
        if len(splice.data) != splice.length:
            yield max(start, splice.offset), end
            return
        if splice.offset + splice.length > start:
            yield max(start, splice.offset), min(end, splice.offset + splice.length)


def _are_equal(before: ByteView, after: ByteView, ranges: Collection[tuple[int, int]], shift: int) -> bool:
    return all(
        before[at : min(at + _CHUNK, end)] == after[at + shift : min(at + _CHUNK, end) + shift]
        for start, end in ranges
        for at in range(start, end, _CHUNK)
    )
