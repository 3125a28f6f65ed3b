"""ExifBlock: a parsed EXIF block (a TIFF structure without pixels, or a TIFF file) and what its entries say.

Not here: changing it (exif_graft.py) and which tag holds what (tags.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Optional

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.ifd.extents import walk
from immich_meta_writers.ifd.layout import SHORT
from immich_meta_writers.ifd.pointers import pointer_targets
from immich_meta_writers.ifd.table import Entry, raw_value, value_span
from immich_meta_writers.ifd.tree import EXIF_POINTER, GPS_POINTER, INTEROP_POINTER, Tree
from immich_meta_writers.payloads import exif_values
from immich_meta_writers.source import ByteView

ORIENTATION = ExifAddress("IFD0", 0x0112, SHORT)
IN_ENTRY = -1
_COMPARED = ("IFD0", "ExifIFD", "GPS", "IFD1", "InteropIFD")
_POINTERS = (EXIF_POINTER, GPS_POINTER, INTEROP_POINTER)
# XMP, IPTC and image resources: of a TIFF file these are payloads of their own, which are checked as such.
_PAYLOADS = (0x02BC, 0x83BB, 0x8649)


@dataclass(frozen=True)
class ForeignEntry:
    """One entry as it has to survive.

    `place`: its bytes when they are the value, else zeros. `start` to `end` is where its value lies in the block, -1
    for one in the entry itself; the end may lie behind the block.
    """

    ifd: str
    tag: int
    type: int
    count: int
    place: bytes
    start: int = field(compare=False)
    end: int = field(compare=False)


@dataclass(frozen=True)
class ExifBlock(Tree):
    """The bytes, their layout, and the tables of IFD0, ExifIFD and GPS as far as they exist."""

    def get(self, address: ExifAddress) -> Optional[ExifValue]:
        """The value in the shape that the address wants; None when it is absent, unreadable or of a
        senseless type.
        """
        table = self.ifds.get(address.ifd)
        entry = table.by_tag.get(address.tag) if table is not None else None
        if entry is None:
            return None
        raw = raw_value(self.data, self.layout, entry)
        return None if raw is None else exif_values.decode(address, entry[1], raw, self.layout.order)

    @property
    def orientation(self) -> int:
        """IFD0 Orientation, 1 to 8; 1 when it is absent or senseless."""
        value = self.get(ORIENTATION)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1

    def foreign(self, asked: Collection[ExifAddress] = ()) -> tuple[ForeignEntry, ...]:
        """Every entry of IFD0, ExifIFD, GPS, IFD1 and Interop that nobody asked to change, in the file's
        order.

        Pointers are left out where they lead to one of these tables: it may move, and it is in the answer. So are the
        payloads of a TIFF file that are no EXIF.
        """
        wanted = {(address.ifd, address.tag) for address in asked}
        if not isinstance(self.data, bytes):
            wanted.update([("IFD0", tag) for tag in _PAYLOADS])
        found = []
        walked = dict(walk(self))
        tables = {name: walked[name] for name in _COMPARED if name in walked}
        places = {table.offset for table in tables.values()}
        for name, table in tables.items():
            for entry in table.entries:
                is_asked = (name, entry[0]) in wanted and entry[1] in self.layout.type_bytes
                is_pointer = entry[0] in _POINTERS or not places.isdisjoint(pointer_targets(self, entry))
                if not (is_asked or is_pointer):
                    found.append(self._foreign_entry(name, entry))
        return tuple(found)

    def _foreign_entry(self, name: str, entry: Entry) -> ForeignEntry:
        tag, kind, count, place = entry
        span = value_span(entry, self.layout)
        if span is None:
            return ForeignEntry(name, tag, kind, count, place, IN_ENTRY, IN_ENTRY)
        return ForeignEntry(name, tag, kind, count, bytes(len(place)), *span)


def parse(block: ByteView) -> ExifBlock:
    """Read a TIFF block (Exif 3.0 section 4.5; without `Exif\\0\\0`). A view that is not `bytes` is a TIFF file, and
    may be BigTIFF.

    Raises ExifError when the header is not TIFF or IFD0 cannot be read; everything behind that is tolerated.
    """
    return ExifBlock.read(block, may_be_big=not isinstance(block, bytes))
