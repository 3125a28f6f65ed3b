"""Which bytes of a TIFF block are known to mean something: every table and value that can be reached.

Not here: maker notes, which are one opaque value (but see maker_notes.py), and changing anything.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Optional

from immich_meta_writers.payloads import ifd

Owner = tuple[str, int]
"""IFD name and index of the entry; TABLE for the entry table, NEXT for the pointer behind it."""

TABLE, NEXT = -1, -2
HEADER: Owner = ("header", TABLE)

_MAX_TABLES = 256
_MAX_ENTRIES = 65536
_SUB_IFDS, _GLOBAL_PARAMETERS, _KODAK = 0x014A, 0x0190, 0xFE00
_SUB_NAMES: Mapping[int, str] = {
    ifd.EXIF_POINTER: "ExifIFD",
    ifd.GPS_POINTER: "GPS",
    ifd.INTEROP_POINTER: "InteropIFD",
    _SUB_IFDS: "SubIFD",
    _GLOBAL_PARAMETERS: "GlobalParametersIFD",
    _KODAK: "KodakIFD",
}
_SINGLE_POINTERS = (ifd.EXIF_POINTER, ifd.GPS_POINTER, ifd.INTEROP_POINTER)
# Offsets and byte counts of data that is not a value: thumbnail, strips, tiles (TIFF 6.0; Exif 3.0 section
# 4.6.4).
_DATA_TAGS = ((0x0201, 0x0202), (0x0111, 0x0117), (0x0144, 0x0145))


class Extent(NamedTuple):
    """Bytes start to end; the end may lie behind the block, as files claim."""

    start: int
    end: int
    owner: Owner


def walk(data: bytes, order: str, known: Mapping[str, ifd.Ifd]) -> Iterator[tuple[str, ifd.Ifd]]:
    """Every reachable table once, under a unique name: IFD0, ExifIFD, GPS, IFD1, InteropIFD, SubIFD ... ;
    bounded.

    A chain that comes back to IFD0 ends; one that leads into ExifIFD or GPS names them a second time, as
    IFD1.
    """
    seen = {table.offset for table in known.values()}
    names = set(known)
    todo = list(known.items())
    budget = _MAX_ENTRIES
    for position in range(_MAX_TABLES):
        if position >= len(todo) or budget < 0:
            return
        name, table = todo[position]
        budget -= len(table.entries)
        yield name, table
        for child, target in _children(data, order, name, table):
            chained = child.startswith("IFD")
            if target in seen and not (chained and target != known["IFD0"].offset and position < len(known)):
                continue
            found = ifd.read_ifd(data, order, target)
            if found is None or len(todo) >= _MAX_TABLES:
                continue
            seen.add(target)
            unique = child if child not in names else f"{child}@{target}"
            names.add(unique)
            todo.append((unique, found))


def _children(data: bytes, order: str, name: str, table: ifd.Ifd) -> Iterator[tuple[str, int]]:
    if name.startswith("IFD") and len(table.next) == 4:
        target = ifd.read_long(table.next, order)
        if target:
            number = name[3:].split("@")[0]
            yield f"IFD{int(number) + 1}", target
    for entry in table.entries:
        child = _SUB_NAMES.get(entry[0])
        if child is None:
            continue
        if entry[0] == _SUB_IFDS:
            for target in _numbers(data, order, entry)[:_MAX_TABLES]:
                yield child, target
        else:
            single = ifd.pointer_target(entry, order)
            if single is not None:
                yield child, single


def _numbers(data: bytes, order: str, entry: Optional[ifd.Entry]) -> tuple[int, ...]:
    raw = ifd.raw_value(data, order, entry) if entry is not None else None
    if raw is None or entry is None:
        return ()
    code = {ifd.SHORT: "H", ifd.LONG: "I", ifd.IFD: "I"}.get(entry[1])
    return struct.unpack(f"{order}{entry[2]}{code}", raw) if code is not None else ()


def known_extents(data: bytes, order: str, known: Mapping[str, ifd.Ifd]) -> list[Extent]:
    """The header, every table, every value outside of its entry, thumbnails, strips and tiles."""
    extents = [Extent(0, ifd.HEADER_BYTES, HEADER)]
    for name, table in walk(data, order, known):
        extents.append(Extent(table.offset, table.entries_end, (name, TABLE)))
        extents.append(Extent(table.entries_end, table.entries_end + len(table.next), (name, NEXT)))
        for index, entry in enumerate(table.entries):
            span = ifd.value_span(entry, order)
            # The claimed size of an IFD pointer (ASCII x 154: seen) is not the size of a value.
            if span is not None and entry[0] not in _SINGLE_POINTERS:
                extents.append(Extent(span[0], span[1], (name, index)))
        extents += _data_extents(data, order, name, table)
    return extents


def _data_extents(data: bytes, order: str, name: str, table: ifd.Ifd) -> Iterator[Extent]:
    for offset_tag, length_tag in _DATA_TAGS:
        if offset_tag in table.by_tag:
            starts = _numbers(data, order, table.by_tag[offset_tag])
            lengths = _numbers(data, order, table.by_tag.get(length_tag))
            for start, length in zip(starts, lengths):
                yield Extent(start, start + length, (f"{name}:0x{offset_tag:04x}", start))
