"""ExifBlock: a parsed EXIF block (a TIFF structure without pixels) and what its entries say.

Not here: changing it (ifd_graft.py) and which tag holds what (tags.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Optional

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.errors import ExifError
from immich_meta_writers.payloads import exif_values, ifd, ifd_extents

ORIENTATION = ExifAddress("IFD0", 0x0112, ifd.SHORT)
_COMPARED = ("IFD0", "ExifIFD", "GPS", "IFD1", "InteropIFD")
_IN_ENTRY = -1
_POINTERS = (ifd.EXIF_POINTER, ifd.GPS_POINTER, ifd.INTEROP_POINTER)


@dataclass(frozen=True)
class ForeignEntry:
    """One entry as it has to survive.

    `start` is where its bytes lie in the block, -1 for those in the entry itself; `whole` is False where
    the value runs past the end of the block.
    """

    ifd: str
    tag: int
    type: int
    count: int
    raw: bytes
    start: int = field(compare=False)
    whole: bool


@dataclass(frozen=True)
class ExifBlock:
    """The bytes, their order (`<` or `>`), and the tables of IFD0, ExifIFD and GPS as far as they exist."""

    data: bytes
    order: str
    ifds: Mapping[str, ifd.Ifd]

    def get(self, address: ExifAddress) -> Optional[ExifValue]:
        """The value in the shape that the address wants; None when it is absent, unreadable or of a
        senseless type.
        """
        table = self.ifds.get(address.ifd)
        entry = table.by_tag.get(address.tag) if table is not None else None
        if entry is None:
            return None
        raw = ifd.raw_value(self.data, self.order, entry)
        return None if raw is None else exif_values.decode(address, entry[1], raw, self.order)

    @property
    def orientation(self) -> int:
        """IFD0 Orientation, 1 to 8; 1 when it is absent or senseless."""
        value = self.get(ORIENTATION)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1

    def foreign(self, asked: Collection[ExifAddress] = ()) -> tuple[ForeignEntry, ...]:
        """Every entry of IFD0, ExifIFD, GPS, IFD1 and Interop that nobody asked to change, in the file's
        order.

        Pointers to IFDs are left out: they may move, and what they lead to is in the answer.
        """
        wanted = {(address.ifd, address.tag) for address in asked}
        found = []
        tables = dict(ifd_extents.walk(self.data, self.order, self.ifds))
        for name in _COMPARED:
            table = tables.get(name)
            for entry in table.entries if table is not None else ():
                if entry[0] in _POINTERS or ((name, entry[0]) in wanted and entry[1] in ifd.TYPE_BYTES):
                    continue
                found.append(self._foreign_entry(name, entry))
        return tuple(found)

    def _foreign_entry(self, name: str, entry: ifd.Entry) -> ForeignEntry:
        tag, kind, count, place = entry
        span = ifd.value_span(entry, self.order)
        if span is None:
            return ForeignEntry(name, tag, kind, count, place, _IN_ENTRY, True)
        start, end = span
        return ForeignEntry(name, tag, kind, count, self.data[start:end], start, end <= len(self.data))


def parse(block: bytes) -> ExifBlock:
    """Read a TIFF block (Exif 3.0 section 4.5; without `Exif\\0\\0`).

    Raises ExifError when the header is not classic TIFF or IFD0 cannot be read; everything behind that is
    tolerated.
    """
    order = ifd.byte_order(block)
    offset = ifd.read_long(block, order, 4)
    ifd0 = ifd.read_ifd(block, order, offset)
    if ifd0 is None:
        raise ExifError(
            f"IFD0 is said to be at offset {offset} of a block of {len(block)} bytes, where no table fits",
            place=f"EXIF offset {offset}",
        )
    return ExifBlock(block, order, {"IFD0": ifd0, **ifd.find_sub_ifds(block, order, ifd0)})
