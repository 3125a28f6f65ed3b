"""Which bytes of a TIFF structure are known to mean something: every table and value that can be reached.

Not here: maker notes, which are one opaque value (payloads/maker_notes.py), and changing anything.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.ifd.pointers import (
    MAX_NUMBERS,
    MAX_SUB_IFDS,
    NEXT,
    NUMBER_CODES,
    SUB_IFDS,
    SUB_NAMES,
    numbers,
    pointers,
)
from immich_meta_writers.ifd.table import Ifd, value_span
from immich_meta_writers.ifd.table import read_ifd as read_table
from immich_meta_writers.ifd.tree import EDITABLE, EXIF_POINTER, GPS_POINTER, INTEROP_POINTER, Tree

Owner = tuple[str, int]
"""IFD name and index of the entry; TABLE for the entry table, NEXT for the pointer behind it."""

TABLE = -1
HEADER: Owner = ("header", TABLE)

STRIPS, TILES, THUMBNAIL = (0x0111, 0x0117), (0x0144, 0x0145), (0x0201, 0x0202)
_MAX_TABLES = 65536
_MAX_WEIGHT = 1 << 18
_SINGLE_POINTERS = (EXIF_POINTER, GPS_POINTER, INTEROP_POINTER)
# Offsets and byte counts of data that is not a value: thumbnail, strips, tiles (TIFF 6.0; Exif 3.0 section
# 4.6.4).
_DATA_TAGS = (THUMBNAIL, STRIPS, TILES)


class Extent(NamedTuple):
    """Bytes start to end; the end may lie behind the block, as files claim."""

    start: int
    end: int
    owner: Owner


@dataclass(frozen=True)
class Extents:
    """Extents sorted by their start. `is_whole` is False when there were too many to know them all."""

    sorted: tuple[Extent, ...]
    is_whole: bool
    _furthest: tuple[int, ...]

    @classmethod
    def of(cls, extents: Iterable[Extent], *, is_whole: bool) -> Extents:
        ordered = tuple(sorted(extents, key=lambda extent: extent[:2]))
        return cls(ordered, is_whole, tuple(itertools.accumulate([extent.end for extent in ordered], max)))

    def overlapping(self, start: int, end: int) -> Iterator[Extent]:
        """Those that share a byte with start to end."""
        index = bisect.bisect_left(self.sorted, (end,)) - 1
        while index >= 0 and self._furthest[index] > start:
            extent = self.sorted[index]
            if extent.end > start and extent.start < end:
                yield extent
            index -= 1

    def of_one_span(self, start: int, end: int) -> tuple[Extent, ...]:
        """The same as long as they all are the same bytes; none when they are not. Quick, whatever overlaps."""
        index = bisect.bisect_left(self.sorted, (end,)) - 1
        found: list[Extent] = []
        while index >= 0 and self._furthest[index] > start:
            extent = self.sorted[index]
            if extent.end <= start or (found and extent[:2] != found[0][:2]):
                return ()
            found.append(extent)
            index -= 1
        return tuple(found)


def walk(tree: Tree) -> Iterator[tuple[str, Ifd]]:
    """Every reachable table once, under a unique name: IFD0, ExifIFD, GPS, IFD1, InteropIFD, SubIFD ... ;
    bounded.

    A chain that comes back to IFD0 ends; one that leads into ExifIFD or GPS names them a second time, as
    IFD1. What hangs from a later page is named after it: IFD1/ExifIFD.
    """
    seen = {table.offset for table in tree.ifds.values()}
    names = set(tree.ifds)
    todo = list(tree.ifds.items())
    budget = _MAX_WEIGHT
    for position in range(_MAX_TABLES):
        if position >= len(todo) or budget < 0:
            return
        name, table = todo[position]
        budget -= _weight(table)
        yield name, table
        for child, target in _children(tree, name, table):
            known = position < len(tree.ifds)
            chained = page_number(child) is not None
            if target in seen and not (chained and target != tree.ifds["IFD0"].offset and known):
                continue
            found = read_table(tree.data, tree.layout, target)
            if found is None or len(todo) >= _MAX_TABLES:
                continue
            seen.add(target)
            unique = child if chained or (known and child not in EDITABLE) else f"{name}/{child}"
            unique = unique if unique not in names else f"{unique}@{target}"
            names.add(unique)
            todo.append((unique, found))


def _weight(table: Ifd) -> int:
    """How much there is to look at: entries, and SubIFDs, which many pages can share."""
    return len(table.entries) + sum([min(e[2], MAX_SUB_IFDS) for e in table.entries if e[0] == SUB_IFDS])


def page_number(name: str) -> Optional[int]:
    """0 for IFD0, 1 for IFD1 ... ; None for a table that is no page of the chain."""
    digits = name[3:].partition("@")[0]
    return int(digits) if name.startswith("IFD") and digits.isdigit() else None


def _children(tree: Tree, name: str, table: Ifd) -> Iterator[tuple[str, int]]:
    number = page_number(name)
    for pointer in pointers(tree, table):
        if pointer.row != NEXT:
            yield SUB_NAMES[table.entries[pointer.row][0]], pointer.target
        elif number is not None:
            yield f"IFD{number + 1}", pointer.target


def known_extents(tree: Tree, tables: Iterable[tuple[str, Ifd]]) -> Extents:
    """The header, every table that `walk` gives, every value outside of its entry, thumbnails, strips and tiles."""
    extents = [Extent(0, tree.layout.header_bytes, HEADER)]
    is_whole, weight, number = True, 0, 0
    for name, table in tables:
        weight, number = weight + _weight(table), number + 1
        extents.append(Extent(table.offset, table.entries_end, (name, TABLE)))
        extents.append(Extent(table.entries_end, table.entries_end + len(table.next), (name, NEXT)))
        for index, entry in enumerate(table.entries):
            span = value_span(entry, tree.layout)
            # The claimed size of an IFD pointer (ASCII x 154: seen) is not the size of a value.
            if span is not None and entry[0] not in _SINGLE_POINTERS:
                extents.append(Extent(span[0], span[1], (name, index)))
        for tags in _DATA_TAGS:
            found = data_spans(tree, table, tags)
            is_whole = is_whole and found is not None
            extents += [Extent(start, end, (f"{name}:0x{tags[0]:04x}", start)) for start, end in joined(found or ())]
    return Extents.of(extents, is_whole=is_whole and weight <= _MAX_WEIGHT and number < _MAX_TABLES)


def data_spans(tree: Tree, table: Ifd, tags: tuple[int, int]) -> Optional[list[tuple[int, int]]]:
    """Start and end of each strip, or tile, or the thumbnail, as the entries say; None when they are too many."""
    starts, lengths = table.by_tag.get(tags[0]), table.by_tag.get(tags[1])
    if starts is None:
        return []
    if starts[2] > MAX_NUMBERS and starts[1] in NUMBER_CODES:
        return None
    pairs = zip(numbers(tree, starts) or (), numbers(tree, lengths) or ())
    return [(start, start + length) for start, length in pairs]


def joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same bytes in as few spans as possible, sorted: strips stand one behind another."""
    made: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if made and start <= made[-1][1]:
            made[-1] = made[-1][0], max(made[-1][1], end)
        else:
            made.append((start, end))
    return made
