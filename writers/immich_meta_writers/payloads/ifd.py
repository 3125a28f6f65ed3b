"""The IFD reader: header, entry tables and where values lie (TIFF 6.0 section 2, Exif 3.0 section 4.5).

Not here: what a value means (exif_values.py) and changing anything (ifd_graft.py).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.errors import ExifError

Entry = tuple[int, int, int, bytes]
"""Tag, type, count, and the four bytes that hold the value or its offset."""

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD, UTF8 = 6, 7, 8, 9, 10, 11, 12, 13, 129

TYPE_BYTES: Mapping[int, int] = {
    BYTE: 1,
    ASCII: 1,
    SHORT: 2,
    LONG: 4,
    RATIONAL: 8,
    SBYTE: 1,
    UNDEFINED: 1,
    SSHORT: 2,
    SLONG: 4,
    SRATIONAL: 8,
    FLOAT: 4,
    DOUBLE: 8,
    IFD: 4,
    UTF8: 1,
}
EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 0x8769, 0x8825, 0xA005
POINTER_TAGS: Mapping[str, int] = {"ExifIFD": EXIF_POINTER, "GPS": GPS_POINTER}
HEADER_BYTES = 8
ENTRY_BYTES = 12

_ORDERS: Mapping[bytes, str] = {b"II*\0": "<", b"MM\0*": ">"}
_ENTRIES = {order: struct.Struct(order + "HHI4s") for order in "<>"}
_SHORTS = {order: struct.Struct(order + "H") for order in "<>"}
_LONGS = {order: struct.Struct(order + "I") for order in "<>"}


@dataclass(frozen=True)
class Ifd:
    """One table. `claimed` is its count field; fewer `entries` fit when that lies. `next` has 4 bytes,
    fewer at the end.
    """

    offset: int
    entries: tuple[Entry, ...]
    next: bytes
    claimed: int
    by_tag: Mapping[int, Entry]

    @property
    def entries_end(self) -> int:
        """The offset behind the last entry; the next-IFD pointer stands there."""
        return self.offset + 2 + ENTRY_BYTES * len(self.entries)

    @property
    def is_cut(self) -> bool:
        """True when the table claims more entries than the block has bytes for."""
        return self.claimed != len(self.entries)


def byte_order(data: bytes) -> str:
    """`<` or `>` of a classic TIFF header. Raises ExifError for anything else, BigTIFF included."""
    order = _ORDERS.get(bytes(data[:4]))
    if order is None or len(data) < HEADER_BYTES:
        found = bytes(data[:4])
        raise ExifError(f"the TIFF header is {found!r}, not II*\\0 or MM\\0*", place="EXIF offset 0")
    return order


def read_short(data: bytes, order: str) -> int:
    """The 16-bit number at the start of `data`."""
    value: int = _SHORTS[order].unpack_from(data)[0]
    return value


def read_long(data: bytes, order: str, offset: int = 0) -> int:
    """The 32-bit number at `offset`."""
    value: int = _LONGS[order].unpack_from(data, offset)[0]
    return value


def pack_long(value: int, order: str) -> bytes:
    """Four bytes."""
    return _LONGS[order].pack(value)


def pack_table(order: str, entries: list[Entry]) -> bytes:
    """Count and entries, without the next-IFD pointer."""
    pack = _ENTRIES[order].pack
    return _SHORTS[order].pack(len(entries)) + b"".join([pack(*entry) for entry in entries])


def read_ifd(data: bytes, order: str, offset: int) -> Optional[Ifd]:
    """The table at `offset`, or None where no table can be.

    A count that runs past the end keeps the entries that fit, unless the first one is no entry at all: then
    the pointer led into something else.
    """
    start = offset + 2
    if offset < HEADER_BYTES or start > len(data):
        return None
    claimed = _SHORTS[order].unpack_from(data, offset)[0]
    count = min(claimed, (len(data) - start) // ENTRY_BYTES)
    end = start + ENTRY_BYTES * count
    entries: tuple[Entry, ...] = tuple(_ENTRIES[order].iter_unpack(data[start:end]))
    if count != claimed and (not entries or entries[0][1] not in TYPE_BYTES):
        return None
    # Of duplicates the last one counts, as ExifTool shows it; entries of unknown type are nobody's value.
    by_tag = {entry[0]: entry for entry in entries if entry[1] in TYPE_BYTES}
    return Ifd(offset, entries, data[end : end + 4], claimed, by_tag)


def value_bytes(entry: Entry) -> int:
    """What the entry claims as the size of its value in bytes; 0 for an unknown type."""
    return TYPE_BYTES.get(entry[1], 0) * entry[2]


def value_span(entry: Entry, order: str) -> Optional[tuple[int, int]]:
    """Where an out-of-line value starts and ends (the end may lie behind the block), None for one in its
    entry.
    """
    size = value_bytes(entry)
    if size <= 4:
        return None
    start = read_long(entry[3], order)
    return start, start + size


def raw_value(data: bytes, order: str, entry: Entry) -> Optional[bytes]:
    """The value's bytes; None when the type is unknown or it lies outside of the block."""
    if entry[1] not in TYPE_BYTES:
        return None
    span = value_span(entry, order)
    if span is None:
        return entry[3][: value_bytes(entry)]
    start, end = span
    return data[start:end] if end <= len(data) else None


def pointer_target(entry: Entry, order: str) -> Optional[int]:
    """Where an IFD pointer leads: its four bytes, whatever type it claims (ASCII, SLONG seen); None for a
    count of 0.
    """
    if entry[2] == 0:
        return None
    if entry[1] == SHORT and entry[2] == 1:
        return read_short(entry[3], order)
    return read_long(entry[3], order)


def find_sub_ifds(data: bytes, order: str, ifd0: Ifd) -> dict[str, Ifd]:
    """ExifIFD and GPS as far as their pointers lead to a table of their own (a GPS pointer equal to
    ExifIFD's: seen).
    """
    found: dict[str, Ifd] = {}
    taken = {ifd0.offset}
    for name, tag in POINTER_TAGS.items():
        for entry in ifd0.entries:
            target = pointer_target(entry, order) if entry[0] == tag else None
            if target is None or target in taken:
                continue
            table = read_ifd(data, order, target)
            if table is not None:
                found[name] = table
                taken.add(target)
                break
    return found
