"""What an edit may stand on: which bytes are free to change, and where our own tail begins.

Not here: what is put there (graft.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from immich_meta_writers.ifd.extents import TABLE, Extent, Extents, Owner, known_extents, walk
from immich_meta_writers.ifd.pointers import NEXT, BackLink, back_links
from immich_meta_writers.ifd.table import Ifd
from immich_meta_writers.ifd.tree import EDITABLE, Place, Tree

GAP_BYTES = 32
# More unused zeros than a camera leaves; looking for them must not read a whole file.
_MAX_TRIMMED = 1 << 20

# Values that we write, and that mean the same wherever they lie: what our tail may consist of. A program that only
# edits some of them has to know them all, or it takes the tail of another edit for somebody else's.
# Captions, dates, ratings; XMP, IPTC and Photoshop's resources in a TIFF; dates with offsets, UserComment; GPS.
MOVABLE: frozenset[Place] = frozenset(
    [("IFD0", tag) for tag in (0x010E, 0x0132, 0x4746, 0x4749, 0x02BC, 0x83BB, 0x8649)]
    + [("ExifIFD", tag) for tag in (0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9286)]
    + [("GPS", tag) for tag in range(0x0007)]
)


class Pins(Protocol):
    """Bytes that mean something although no table says so: what a maker note leads to."""

    def escapes(self) -> Sequence[tuple[int, int]]:
        """Start and end of such bytes."""

    def reach(self, limit: int) -> int:
        """The furthest offset, up to `limit`, that such bytes may have; 0 without any."""


class NoPins:
    """Nothing but what the tables say."""

    def escapes(self) -> Sequence[tuple[int, int]]:
        return ()

    def reach(self, limit: int) -> int:
        return 0


@dataclass(frozen=True)
class Ground:
    """A structure, everything known in it, and `tail`: from there to the end lie only tables and values that we
    rewrite.

    `tail` is the block's length when there is no such place yet. `links` are the pointers to tables that may move.
    """

    tree: Tree
    extents: Extents
    tail: int
    pins: Pins
    links: Mapping[Owner, Sequence[BackLink]]

    @property
    def size(self) -> int:
        """Bytes of the block."""
        return len(self.tree.data)

    @property
    def has_tail(self) -> bool:
        """True when a tail of ours stands at the end, to be laid out anew by every edit."""
        return self.tail < self.size

    def may_write(self, start: int, end: int, owner: Owner) -> bool:
        """True when the bytes lie in the block and no other known extent overlaps them (shared date
        strings: seen).
        """
        if end > self.size or not self.extents.is_whole:
            return False
        return all(extent.owner == owner for extent in self.extents.overlapping(start, end))

    def may_rewrite_table(self, name: str, table: Ifd) -> bool:
        """True when the entries can be overwritten where they are."""
        return not table.is_cut and self.may_write(table.offset, table.entries_end, (name, TABLE))

    def may_relink(self, link: BackLink) -> bool:
        """True when the bytes are a pointer and nothing else (a value in place of the next-IFD pointer: seen)."""
        if not self.extents.is_whole or link.at + link.size > self.size:
            return False
        found = self.extents.of_one_span(link.at, link.at + link.size)
        if link.in_entry is not None:
            return bool(found) and all(extent.owner[1] == TABLE for extent in found)
        return bool(found) and all(extent.owner in self.links for extent in found)

    def start_of_new_bytes(self, *, trim: bool) -> int:
        """Where new tables and values go.

        Behind a gap of 32 zero bytes: dangling pointers just past the old end (seen in Canon and Nikon
        notes) must not meet an entry count. `trim` gives up zero bytes that nothing known points to.
        """
        data = self.tree.data
        if trim and self.extents.is_whole:
            pinned = [min(e.end, self.size) for e in self.extents.sorted if e.start < self.tail]
            used = max([self.tree.layout.header_bytes, *pinned, self.pins.reach(self.tail)])
            start = used + used % 2 + GAP_BYTES
            if start < self.tail <= used + _MAX_TRIMMED and not any(data[used : self.tail]):
                return start
        if self.has_tail:
            return self.tail
        gap = 0 if self._ends_in_gap() else GAP_BYTES
        return self.size + self.size % 2 + gap

    def _ends_in_gap(self) -> bool:
        """True when the block ends in zeros as our gap does, after all of our own bytes were removed."""
        gap = max(0, self.size - GAP_BYTES)
        return not any(self.tree.data[gap : self.size]) and not any(self.extents.overlapping(gap, self.size))


def survey(tree: Tree, asked: Iterable[Place], pins: Pins) -> Ground:
    """Walk the whole block once; only needed when something is to be changed."""
    tables = tuple(walk(tree))
    known = known_extents(tree, tables)
    escapes = [Extent(start, end, ("MakerNote", start)) for start, end in pins.escapes()]
    extents = Extents.of((*known.sorted, *escapes), is_whole=known.is_whole) if escapes else known
    tail = _find_tail(tree, extents, MOVABLE.union(asked))
    return Ground(tree, extents, tail, pins, _links(tree, tables))


def _links(tree: Tree, tables: Sequence[tuple[str, Ifd]]) -> dict[Owner, list[BackLink]]:
    """The links that lead to a table under its only name: what is a page of the chain, and ExifIFD too, keeps its old
    place as that page.
    """
    names = Counter([table.offset for _, table in tables])
    found: dict[Owner, list[BackLink]] = {}
    for link in back_links(tree, tables):
        if names[tree.ifds[link.target].offset] == 1:
            found.setdefault((link.holder, link.row), []).append(link)
    return found


def _find_tail(tree: Tree, extents: Extents, ours: Collection[Place]) -> int:
    """The lowest offset from which on there is nothing but what we rewrite, behind a gap of zeros or the
    header.
    """
    size = len(tree.data)
    movable = [extent for extent in extents.sorted if _is_movable(tree, extent, ours)]
    last = max([extent.end for extent in movable], default=0)
    if not extents.is_whole or size - last > 1:
        return size
    free = set(movable)
    fixed_end = max([e.end for e in extents.sorted if e.end <= size and e not in free])
    cursor = tail = size
    for start, end in sorted({extent[:2] for extent in movable}, reverse=True):
        if end == start:
            continue
        if start < fixed_end or not (end == cursor or (end == cursor - 1 and not any(tree.data[end:cursor]))):
            break
        cursor = start
        gap = cursor - GAP_BYTES
        is_free = gap >= fixed_end and not any(e in free for e in extents.overlapping(gap, cursor))
        if start == tree.layout.header_bytes or (is_free and not any(tree.data[gap:cursor])):
            tail = cursor
    return tail


def _is_movable(tree: Tree, extent: Extent, ours: Collection[Place]) -> bool:
    name, index = extent.owner
    table = tree.ifds.get(name) if name in EDITABLE else None
    if table is None or extent.end > len(tree.data):
        return False
    if index in (TABLE, NEXT):
        return not table.is_cut
    return (name, table.entries[index][0]) in ours
