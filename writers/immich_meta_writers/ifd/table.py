"""One IFD: its entries, where their values lie, and where a pointer leads (TIFF 6.0 section 2).

Not here: which tables a file has (tree.py), what a value means, and changing anything.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.ifd.layout import SHORT, Layout
from immich_meta_writers.source import ByteView

Entry = tuple[int, int, int, bytes]
"""Tag, type, count, and the four (BigTIFF: eight) bytes that hold the value or its offset."""

# Classic TIFF cannot count further; of the 64 bits of BigTIFF nobody needs more.
MAX_ENTRIES = 0xFFFF
# Captions of microscopes hold whole XML documents; what claims more than 64 MiB is no value of ours.
LARGEST_VALUE = 1 << 26

_SHORTS = {order: struct.Struct(order + "H") for order in "<>"}


@dataclass(frozen=True)
class Ifd:
    """One table. `claimed` is its count field; fewer `entries` fit when that lies. `next` has the bytes of an offset,
    fewer at the end.
    """

    offset: int
    entries: tuple[Entry, ...]
    next: bytes
    claimed: int
    by_tag: Mapping[int, Entry]
    entries_end: int
    """The offset behind the last entry; the next-IFD pointer stands there."""

    @property
    def is_cut(self) -> bool:
        """True when the table claims more entries than the block has bytes for."""
        return self.claimed != len(self.entries)


def read_ifd(data: ByteView, layout: Layout, offset: int) -> Optional[Ifd]:
    """The table at `offset`, or None where no table can be.

    A count that runs past the end keeps the entries that fit, unless the first one is no entry at all: then
    the pointer led into something else.
    """
    size = len(data)
    start = offset + layout.count_bytes
    if offset < layout.header_bytes or start > size:
        return None
    claimed = layout.count.unpack(data[offset:start])[0]
    if claimed > MAX_ENTRIES:
        return None
    entry_bytes = layout.entry_bytes
    count = min(claimed, (size - start) // entry_bytes)
    end = start + entry_bytes * count
    entries: tuple[Entry, ...] = tuple(layout.entry.iter_unpack(data[start:end]))
    types = layout.type_bytes
    if count != claimed and (not entries or entries[0][1] not in types):
        return None
    # Of duplicates the last one counts, as ExifTool shows it; entries of unknown type are nobody's value.
    by_tag = {entry[0]: entry for entry in entries if entry[1] in types}
    return Ifd(offset, entries, data[end : min(size, end + layout.offset_bytes)], claimed, by_tag, end)


def is_beyond(data: ByteView, layout: Layout, offset: int) -> bool:
    """True when a table at `offset` would run past the end, as far as it can be read."""
    start = offset + layout.count_bytes
    if start > len(data):
        return True
    claimed: int = layout.count.unpack(data[offset:start])[0]
    return claimed <= MAX_ENTRIES and start + claimed * layout.entry_bytes > len(data)


def pack_table(layout: Layout, entries: list[Entry]) -> bytes:
    """Count and entries, without the next-IFD pointer."""
    pack = layout.entry.pack
    return layout.count.pack(len(entries)) + b"".join([pack(*entry) for entry in entries])


def table_bytes(layout: Layout, entries: int) -> int:
    """The size of a table with its next-IFD pointer."""
    return layout.count_bytes + layout.entry_bytes * entries + layout.offset_bytes


def value_bytes(entry: Entry, layout: Layout) -> int:
    """What the entry claims as the size of its value in bytes; 0 for an unknown type."""
    return layout.type_bytes.get(entry[1], 0) * entry[2]


def value_span(entry: Entry, layout: Layout) -> Optional[tuple[int, int]]:
    """Where an out-of-line value starts and ends (the end may lie behind the block), None for one in its
    entry.
    """
    size = layout.type_bytes.get(entry[1], 0) * entry[2]
    if size <= layout.offset_bytes:
        return None
    start: int = layout.offset.unpack(entry[3])[0]
    return start, start + size


def raw_value(data: ByteView, layout: Layout, entry: Entry) -> Optional[bytes]:
    """The value's bytes; None when the type is unknown, it lies outside of the block, or is larger than 64 MiB."""
    size = layout.type_bytes.get(entry[1], -1) * entry[2]
    if 0 <= size <= layout.offset_bytes:
        return entry[3][:size]
    if not 0 <= size <= LARGEST_VALUE:
        return None
    start: int = layout.offset.unpack(entry[3])[0]
    return data[start : start + size] if start + size <= len(data) else None


def read_short(data: bytes, order: str) -> int:
    """The 16-bit number at the start of `data`."""
    value: int = _SHORTS[order].unpack_from(data)[0]
    return value


def pointer_target(entry: Entry, layout: Layout) -> Optional[int]:
    """Where an IFD pointer leads: its bytes, whatever type they claim (ASCII, SLONG seen); None for a count of 0.

    In BigTIFF a LONG or IFD fills half of them.
    """
    if entry[2] == 0:
        return None
    if entry[1] == SHORT and entry[2] == 1:
        return read_short(entry[3], layout.order)
    if layout.is_big and layout.type_bytes.get(entry[1]) == 4 and entry[2] == 1:
        return int.from_bytes(entry[3][:4], "little" if layout.order == "<" else "big")
    return layout.read_offset(entry[3])
