"""Layouts: the four ways in which TIFF writes its numbers, and the value types of its entries.

Classic TIFF 6.0 section 2; BigTIFF with offsets of 8 bytes and entries of 20.
Not here: tables (table.py).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD, UTF8 = 6, 7, 8, 9, 10, 11, 12, 13, 129
LONG8, SLONG8, IFD8 = 16, 17, 18

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
_BIG_TYPE_BYTES: Mapping[int, int] = {**TYPE_BYTES, LONG8: 8, SLONG8: 8, IFD8: 8}

LARGEST_HEADER_BYTES = 16


@dataclass(frozen=True)
class Layout:
    """How one file writes: `order` is `<` or `>`.

    Sizes in bytes. `offset_bytes` is the size of an offset, and so of what an entry can hold itself; `ifd0_at` is where
    the header says where IFD0 is; `room` is the largest file that the offsets can address.
    """

    order: str
    is_big: bool
    header: bytes
    header_bytes: int
    ifd0_at: int
    count_bytes: int
    entry_bytes: int
    offset_bytes: int
    room: int
    count: struct.Struct
    entry: struct.Struct
    offset: struct.Struct
    type_bytes: Mapping[int, int]

    @property
    def offset_type(self) -> int:
        """The type of an entry that holds an offset: LONG, or LONG8."""
        return LONG8 if self.is_big else LONG

    def pack_offset(self, value: int) -> bytes:
        return self.offset.pack(value)

    def read_offset(self, data: bytes, position: int = 0) -> int:
        """The offset at `position` of bytes in memory."""
        value: int = self.offset.unpack_from(data, position)[0]
        return value


def _classic(order: str, header: bytes) -> Layout:
    return Layout(
        order=order,
        is_big=False,
        header=header,
        header_bytes=8,
        ifd0_at=4,
        count_bytes=2,
        entry_bytes=12,
        offset_bytes=4,
        room=0xFFFFFFFF,
        count=struct.Struct(order + "H"),
        entry=struct.Struct(order + "HHI4s"),
        offset=struct.Struct(order + "I"),
        type_bytes=TYPE_BYTES,
    )


def _big(order: str, header: bytes) -> Layout:
    return Layout(
        order=order,
        is_big=True,
        header=header,
        header_bytes=16,
        ifd0_at=8,
        count_bytes=8,
        entry_bytes=20,
        offset_bytes=8,
        room=0x7FFFFFFFFFFFFFFF,
        count=struct.Struct(order + "Q"),
        entry=struct.Struct(order + "HHQ8s"),
        offset=struct.Struct(order + "Q"),
        type_bytes=_BIG_TYPE_BYTES,
    )


CLASSIC: Mapping[str, Layout] = {"<": _classic("<", b"II*\0"), ">": _classic(">", b"MM\0*")}
# Behind the magic: the size of an offset, which is 8, and two zeros.
BIG: Mapping[str, Layout] = {"<": _big("<", b"II+\0\x08\0\0\0"), ">": _big(">", b"MM\0+\0\x08\0\0")}
_CLASSIC_HEADERS = {layout.header: layout for layout in CLASSIC.values()}
_BIG_HEADERS = {layout.header: layout for layout in BIG.values()}


def layout_of(head: bytes, *, may_be_big: bool) -> Optional[Layout]:
    """The layout that a header of 8 bytes (BigTIFF: 16) announces, or None."""
    layout = _CLASSIC_HEADERS.get(head[:4])
    if layout is None and may_be_big:
        layout = _BIG_HEADERS.get(head[:8])
    return layout if layout is not None and len(head) >= layout.header_bytes else None
