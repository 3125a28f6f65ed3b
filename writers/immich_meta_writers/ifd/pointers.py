"""The pointers of a table: to the next IFD, to SubIFDs, Exif, GPS and Interoperability; and those that lead back.

Not here: which tables are reached through them (extents.py), and giving a table a new place (graft.py).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.ifd.layout import IFD, IFD8, LONG, LONG8, SHORT, Layout
from immich_meta_writers.ifd.table import Entry, Ifd, pointer_target, raw_value, value_span
from immich_meta_writers.ifd.tree import EXIF_POINTER, GPS_POINTER, INTEROP_POINTER, POINTER_TAGS, Tree

NEXT = -2
"""In place of the row of an entry: the pointer behind the table."""

SUB_IFDS = 0x014A
_GLOBAL_PARAMETERS, _KODAK = 0x0190, 0xFE00
SUB_NAMES: Mapping[int, str] = {
    EXIF_POINTER: "ExifIFD",
    GPS_POINTER: "GPS",
    INTEROP_POINTER: "InteropIFD",
    SUB_IFDS: "SubIFD",
    _GLOBAL_PARAMETERS: "GlobalParametersIFD",
    _KODAK: "KodakIFD",
}
# A picture of a million strips or tiles; what has more is left alone as a whole.
MAX_NUMBERS = 1 << 20
MAX_SUB_IFDS = 256
NUMBER_CODES: Mapping[int, str] = {SHORT: "H", LONG: "I", IFD: "I", LONG8: "Q", IFD8: "Q"}


class Pointer(NamedTuple):
    """One pointer of a table: in the entry of that row (the `number`-th of its offsets), or behind it (NEXT)."""

    row: int
    number: int
    target: int


def pointers(tree: Tree, table: Ifd) -> Iterator[Pointer]:
    """Every pointer of a table that is not 0, the next-IFD pointer first; at most 256 SubIFDs of an entry."""
    following = next_offset(table, tree.layout)
    if following:
        yield Pointer(NEXT, 0, following)
    for index, entry in enumerate(table.entries):
        if entry[0] in SUB_NAMES:
            yield from [Pointer(index, number, at) for number, at in enumerate(pointer_targets(tree, entry))]


def pointer_targets(tree: Tree, entry: Entry) -> list[int]:
    """Where an entry leads; empty for one that is no pointer."""
    if entry[0] == SUB_IFDS:
        return list((numbers(tree, entry) or ())[:MAX_SUB_IFDS])
    single = pointer_target(entry, tree.layout) if entry[0] in SUB_NAMES else None
    return [] if single is None else [single]


def next_offset(table: Ifd, layout: Layout) -> int:
    """Where the chain goes on; 0 where it ends."""
    return layout.read_offset(table.next) if len(table.next) == layout.offset_bytes else 0


def numbers(tree: Tree, entry: Optional[Entry]) -> Optional[array[int]]:
    """The numbers of an entry that holds offsets or lengths; None when it holds none, or too many."""
    code = NUMBER_CODES.get(entry[1]) if entry is not None else None
    if entry is None or code is None or entry[2] > MAX_NUMBERS:
        return None
    raw = raw_value(tree.data, tree.layout, entry)
    return None if raw is None else _unpacked(raw, code, tree.order)


def _unpacked(raw: bytes, code: str, order: str) -> array[int]:
    found: array[int] = array(code, raw)
    if (order == "<") != (array("H", b"\1\0")[0] == 1):
        found.byteswap()
    return found


@dataclass(frozen=True)
class BackLink:
    """A pointer to IFD0, ExifIFD or GPS (`target`) that is not the one through which the table was found.

    It is one of the table `holder`; `row` as in Pointer. Its `size` bytes are at offset `at`. `in_entry` is where
    in the place of the entry they are, None when they are not in it.
    """

    holder: str
    row: int
    target: str
    at: int
    size: int
    in_entry: Optional[int]

    def packed(self, offset: int, layout: Layout) -> Optional[bytes]:
        """The bytes that lead to `offset`; None when it needs more of them."""
        if offset >> 8 * self.size:
            return None
        return offset.to_bytes(self.size, "little" if layout.order == "<" else "big")


def back_links(tree: Tree, tables: Iterable[tuple[str, Ifd]]) -> Iterator[BackLink]:
    """Pointers of any table to those that may move: loops in the chain, tables that two pages share."""
    ours = {table.offset: name for name, table in tree.ifds.items()}
    for name, table in tables:
        for pointer in pointers(tree, table):
            target = ours.get(pointer.target)
            if target is not None and not _is_first(name, table, pointer, target):
                yield _back_link(tree, name, table, pointer, target)


def _is_first(name: str, table: Ifd, pointer: Pointer, target: str) -> bool:
    """True for IFD0's own pointers to ExifIFD and GPS."""
    return name == "IFD0" and pointer.row != NEXT and table.entries[pointer.row][0] == POINTER_TAGS.get(target)


def _back_link(tree: Tree, name: str, table: Ifd, pointer: Pointer, target: str) -> BackLink:
    layout = tree.layout
    if pointer.row == NEXT:
        return BackLink(name, NEXT, target, table.entries_end, layout.offset_bytes, None)
    entry = table.entries[pointer.row]
    size = _number_bytes(entry, layout)
    span = value_span(entry, layout) if entry[0] == SUB_IFDS else None
    if span is not None:
        return BackLink(name, pointer.row, target, span[0] + size * pointer.number, size, None)
    at = table.offset + layout.count_bytes + layout.entry_bytes * (pointer.row + 1) - layout.offset_bytes
    return BackLink(name, pointer.row, target, at + size * pointer.number, size, size * pointer.number)


def _number_bytes(entry: Entry, layout: Layout) -> int:
    """How many bytes of an entry were read as one offset (table.pointer_target, numbers)."""
    size = layout.type_bytes.get(entry[1], 0)
    if entry[0] == SUB_IFDS or (entry[2] == 1 and (entry[1] == SHORT or size == 4)):
        return size
    return layout.offset_bytes
