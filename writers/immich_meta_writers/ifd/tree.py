"""Tree: a TIFF structure with the tables that we edit: IFD0, ExifIFD and GPS.

Not here: the tables that must only not be harmed (extents.py), and what values mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional, TypeVar

from immich_meta_writers.errors import ExifError
from immich_meta_writers.ifd.layout import LARGEST_HEADER_BYTES, Layout, layout_of
from immich_meta_writers.ifd.table import Ifd, pointer_target, raw_value, read_ifd
from immich_meta_writers.source import ByteView

EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 0x8769, 0x8825, 0xA005
POINTER_TAGS: Mapping[str, int] = {"ExifIFD": EXIF_POINTER, "GPS": GPS_POINTER}
EDITABLE = ("IFD0", "ExifIFD", "GPS")

Place = tuple[str, int]
"""The name of a table, and a tag in it."""


_T = TypeVar("_T", bound="Tree")


@dataclass(frozen=True)
class Tree:
    """The bytes, how they are laid out, and the tables of IFD0, ExifIFD and GPS as far as they exist.

    `data` may be a file of any size that is read where it is looked at.
    """

    data: ByteView
    layout: Layout
    ifds: Mapping[str, Ifd]

    @classmethod
    def read(cls: type[_T], data: ByteView, *, may_be_big: bool) -> _T:
        """Read the header and up to three tables.

        Raises ExifError when the header is not TIFF's (BigTIFF: only where it `may_be`) or IFD0 cannot be read;
        everything behind that is tolerated.
        """
        head = data[0:LARGEST_HEADER_BYTES]
        layout = layout_of(head, may_be_big=may_be_big)
        if layout is None:
            raise ExifError(f"the TIFF header is {head[:4]!r}, not II*\\0 or MM\\0*", place="EXIF offset 0")
        offset = layout.read_offset(head, layout.ifd0_at)
        ifd0 = read_ifd(data, layout, offset)
        if ifd0 is None:
            raise ExifError(
                f"IFD0 is said to be at offset {offset} of a block of {len(data)} bytes, where no table fits",
                place=f"EXIF offset {offset}",
            )
        return cls(data, layout, {"IFD0": ifd0, **_sub_ifds(data, layout, ifd0)})

    @property
    def order(self) -> str:
        """`<` or `>`."""
        return self.layout.order

    def raw(self, place: Place) -> Optional[bytes]:
        """The bytes of a value; None when it is absent, of an unknown type, or lies outside of the block."""
        table = self.ifds.get(place[0])
        entry = table.by_tag.get(place[1]) if table is not None else None
        return None if entry is None else raw_value(self.data, self.layout, entry)


def _sub_ifds(data: ByteView, layout: Layout, ifd0: Ifd) -> dict[str, Ifd]:
    """ExifIFD and GPS as far as their pointers lead to a table of their own (a GPS pointer equal to
    ExifIFD's: seen).
    """
    found: dict[str, Ifd] = {}
    taken = {ifd0.offset}
    for name, tag in POINTER_TAGS.items():
        for entry in ifd0.entries:
            target = pointer_target(entry, layout) if entry[0] == tag else None
            if target is None or target in taken:
                continue
            table = read_ifd(data, layout, target)
            if table is not None:
                found[name] = table
                taken.add(target)
                break
    return found
