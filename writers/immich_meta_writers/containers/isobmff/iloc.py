"""The item location box `iloc` (ISO/IEC 14496-12, 8.11.3): where the bytes of each item lie.

Not here: what an item is (containers/heif_items.py) and the offsets of movies (offsets.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from immich_meta_writers.errors import NoRoomError, StructureError

IN_FILE, IN_IDAT = 0, 1
MAX_ITEMS = 65536
# An extent may take no byte of the box (all field sizes 0): their number is not bounded by its size.
MAX_EXTENTS = 2 * MAX_ITEMS
_CODES = {0: "", 4: "I", 8: "Q"}

Move = Callable[[int], int]


class Extent(NamedTuple):
    """A part of an item; `number` is the field `item_reference_index` of items in items. `offset` counts from
    the location's base; a length of 0 means everything behind it."""

    number: int
    offset: int
    length: int


class Location(NamedTuple):
    """Where an item lies. `method`: IN_FILE, IN_IDAT, or 2, in another item; `reference`: 0 is this file, else an entry
    of dref."""

    item: int
    method: int
    reference: int
    base: int
    extents: tuple[Extent, ...]

    def spans(self) -> Iterable[tuple[int, int]]:
        """(start, length) of each extent, from the beginning of the file, of `idat` or of the item."""
        return ((self.base + extent.offset, extent.length) for extent in self.extents)


class Table(NamedTuple):
    """The content of an `iloc`; the sizes are bytes of the fields: 0, 4 or 8."""

    version: int
    flags: bytes
    offset_size: int
    length_size: int
    base_size: int
    index_size: int
    locations: tuple[Location, ...]


def parse(content: bytes, place: str) -> Table:
    """The content of an `iloc` box. Raises StructureError, at `place`, when it lies or is of an unknown version."""
    version, flags, sizes = content[0] if content else 255, content[1:4], int.from_bytes(content[4:6], "big")
    widths = (sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15 if version else 0)
    at = 10 if version == 2 else 8
    if version > 2 or len(content) < at or not all(width in _CODES for width in widths):
        raise StructureError(f"item locations of version {version}, with fields of {sizes:04X}", place=place)
    count = int.from_bytes(content[6:at], "big")
    if count > MAX_ITEMS:
        raise StructureError(f"{count} items are located, more than {MAX_ITEMS}", place=place)
    table = Table(version, flags, *widths, ())
    try:
        return table._replace(locations=tuple(_locations(content, at, count, table, place)))
    except struct.error:
        raise StructureError("the item locations end too early", place=place) from None


def _locations(content: bytes, at: int, count: int, sizes: Table, place: str) -> Iterator[Location]:
    """Raises struct.error when the content is too short, StructureError when there are too many extents."""
    version, total = sizes.version, 0
    head = struct.Struct(f">{'I' if version == 2 else 'H'}{'H' if version else ''}H{_CODES[sizes.base_size]}H")
    part = struct.Struct(f">{_CODES[sizes.index_size]}{_CODES[sizes.offset_size]}{_CODES[sizes.length_size]}")
    numbers, offsets, lengths = sizes.index_size > 0, sizes.offset_size > 0, sizes.length_size > 0
    for _ in range(count):
        fields = head.unpack_from(content, at)
        at += head.size
        total += fields[-1]
        if total > MAX_EXTENTS:
            raise StructureError(f"the items have more than {MAX_EXTENTS} extents", place=place)
        extents = []
        for _ in range(fields[-1]):
            found = part.unpack_from(content, at)
            at += part.size
            offset = found[numbers] if offsets else 0
            extents.append(Extent(found[0] if numbers else 0, offset, found[-1] if lengths else 0))
        method, reference = (fields[1] & 15, fields[2]) if version else (IN_FILE, fields[1])
        yield Location(fields[0], method, reference, fields[-2] if sizes.base_size else 0, tuple(extents))


def encode(table: Table) -> bytes:
    """The content of the box. Raises NoRoomError when a number outgrows its field (see `fitted`)."""
    version = table.version
    parts = [
        bytes((version,)) + table.flags,
        bytes((table.offset_size << 4 | table.length_size, table.base_size << 4 | table.index_size)),
        _number(len(table.locations), 4 if version == 2 else 2),
    ]
    for location in table.locations:
        parts.append(_number(location.item, 4 if version == 2 else 2))
        if version:
            parts.append(_number(location.method, 2))
        parts += [_number(location.reference, 2), _number(location.base, table.base_size)]
        parts.append(_number(len(location.extents), 2))
        for extent in location.extents:
            parts.append(_number(extent.number, table.index_size) + _number(extent.offset, table.offset_size))
            parts.append(_number(extent.length, table.length_size))
    return b"".join(parts)


def _number(value: int, size: int) -> bytes:
    if not 0 <= value < 1 << 8 * size:
        raise NoRoomError(f"{value} does not fit {size} bytes of the item locations", place="iloc")
    return value.to_bytes(size, "big")


def fitted(table: Table) -> Table:
    """The table with fields wide enough for its numbers, in a version that can hold its items; never narrower."""
    extents = [extent for location in table.locations for extent in location.extents]
    version = table.version
    if len(table.locations) > 0xFFFF or any(location.item > 0xFFFF for location in table.locations):
        version = 2
    elif any(location.method for location in table.locations):
        version = max(version, 1)
    return table._replace(
        version=version,
        offset_size=_width(table.offset_size, (extent.offset for extent in extents)),
        length_size=_width(table.length_size, (extent.length for extent in extents)),
        base_size=_width(table.base_size, (location.base for location in table.locations)),
    )


def _width(size: int, values: Iterable[int]) -> int:
    largest = max(values, default=0)
    return max(size, 0 if not largest else 4 if largest <= 0xFFFFFFFF else 8)


def moved(location: Location, move: Move, *, has_offsets: bool, references: frozenset[int]) -> Location:
    """A location after the bytes of the file moved; `has_offsets`: the table's offset fields hold a number.

    Only extents in the file itself move: `references` are the data references that mean it. Either the base or the
    extents take a shift, never both.
    """
    if location.method != IN_FILE or location.reference not in references or not location.extents:
        return location
    old = [start for start, _ in location.spans()]
    new = [move(start) for start in old]
    if new == old:
        return location
    steps = {after - before for before, after in zip(old, new)}
    base = location.base
    step = min(steps)
    if len(steps) == 1 and (base or not has_offsets) and base + step >= 0:
        base += step
    else:
        base = min(base, *new)
    extents = [extent._replace(offset=start - base) for extent, start in zip(location.extents, new)]
    return location._replace(base=base, extents=tuple(extents))


def placed(location: Location, start: int, length: int, *, has_offsets: bool) -> Location:
    """A location of one extent, in the same file, somewhere else."""
    base = min(location.base, start) if has_offsets else start
    return location._replace(base=base, extents=(Extent(location.extents[0].number, start - base, length),))
