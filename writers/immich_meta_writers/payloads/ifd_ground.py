"""What an edit may stand on: which bytes of a block are free to change, and where our own tail begins.

Not here: what is put there (ifd_graft.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from immich_meta_writers.addresses import ExifAddress
from immich_meta_writers.payloads import ifd, maker_notes
from immich_meta_writers.payloads.exif_block import ExifBlock
from immich_meta_writers.payloads.ifd_extents import NEXT, TABLE, Extent, Owner, known_extents
from immich_meta_writers.tags import TABLE as TAGS

GAP_BYTES = 32
EDITABLE = ("IFD0", "ExifIFD", "GPS")
_OURS = frozenset((t.address.ifd, t.address.tag) for t in TAGS if isinstance(t.address, ExifAddress))


@dataclass(frozen=True)
class Ground:
    """A block, everything known in it, and `tail`: from there to the end lie only tables and values that we
    rewrite.

    `tail` is the block's length when there is no such place yet.
    """

    block: ExifBlock
    extents: tuple[Extent, ...]
    tail: int

    @property
    def has_tail(self) -> bool:
        """True when a tail of ours stands at the end, to be laid out anew by every edit."""
        return self.tail < len(self.block.data)

    def may_write(self, start: int, end: int, owner: Owner) -> bool:
        """True when the bytes lie in the block and no other known extent overlaps them (shared date
        strings: seen).
        """
        if end > len(self.block.data):
            return False
        return not any(e.start < end and start < e.end and e.owner != owner for e in self.extents)

    def may_rewrite_table(self, name: str, table: ifd.Ifd) -> bool:
        """True when the entries can be overwritten where they are."""
        return not table.is_cut and self.may_write(table.offset, table.entries_end, (name, TABLE))

    def start_of_new_bytes(self, *, trim: bool) -> int:
        """Where new tables and values go.

        Behind a gap of 32 zero bytes: dangling pointers just past the old end (seen in Canon and Nikon
        notes) must not meet an entry count. `trim` gives up zero bytes that nothing known points to.
        """
        data = self.block.data
        if trim:
            pinned = [min(e.end, len(data)) for e in self.extents if e.start < self.tail]
            used = max([ifd.HEADER_BYTES, *pinned, maker_notes.reach(self.block, self.tail)])
            start = used + used % 2 + GAP_BYTES
            if start < self.tail and not any(data[used : self.tail]):
                return start
        if self.has_tail:
            return self.tail
        gap = 0 if self._ends_in_gap() else GAP_BYTES
        return len(data) + len(data) % 2 + gap

    def _ends_in_gap(self) -> bool:
        """True when the block ends in zeros as our gap does, after all of our own bytes were removed."""
        end = len(self.block.data)
        gap = end - GAP_BYTES
        return not any(self.block.data[gap:]) and not any(e.start < end and gap < e.end for e in self.extents)


def survey(block: ExifBlock, asked: Collection[ExifAddress]) -> Ground:
    """Walk the whole block once; only needed when something is to be changed."""
    extents = known_extents(block.data, block.order, block.ifds)
    extents += [Extent(start, end, ("MakerNote", start)) for start, end in maker_notes.escapes(block)]
    ours = _OURS | {(address.ifd, address.tag) for address in asked}
    return Ground(block, tuple(extents), _find_tail(block, extents, ours))


def _find_tail(block: ExifBlock, extents: list[Extent], ours: Collection[tuple[str, int]]) -> int:
    """The lowest offset from which on there is nothing but what we rewrite, behind a gap of zeros or the
    header.
    """
    data = block.data
    movable = [extent for extent in extents if _is_movable(block, extent, ours)]
    fixed = {extent for extent in extents if extent.end <= len(data)} - set(movable)
    fixed_end = max(extent.end for extent in fixed)
    cursor = tail = len(data)
    for start, end in sorted({(e.start, e.end) for e in movable}, reverse=True):
        if end == start:
            continue
        if start < fixed_end or not (end == cursor or (end == cursor - 1 and data[end] == 0)):
            break
        cursor = start
        gap = cursor - GAP_BYTES
        is_free = gap >= fixed_end and not any(e.start < cursor and gap < e.end for e in movable)
        if start == ifd.HEADER_BYTES or (is_free and not any(data[gap:cursor])):
            tail = cursor
    return tail


def _is_movable(block: ExifBlock, extent: Extent, ours: Collection[tuple[str, int]]) -> bool:
    name, index = extent.owner
    table = block.ifds.get(name) if name in EDITABLE else None
    if table is None or extent.end > len(block.data):
        return False
    if index in (TABLE, NEXT):
        return not table.is_cut
    return (name, table.entries[index][0]) in ours
