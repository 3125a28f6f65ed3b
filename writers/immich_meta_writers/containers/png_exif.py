"""An Exif block beside an old raw profile: a reader of both (ExifTool) takes two tables at one offset for a loop.

Not here: finding the chunks (png.py) and what the block says.
"""

from __future__ import annotations

from collections.abc import Mapping

from immich_meta_writers.errors import ExifError
from immich_meta_writers.ifd.extents import walk
from immich_meta_writers.ifd.table import Ifd, pointer_target
from immich_meta_writers.ifd.tree import EXIF_POINTER, GPS_POINTER, INTEROP_POINTER, Tree

_POINTERS = (EXIF_POINTER, GPS_POINTER, INTEROP_POINTER)


def apart(block: bytes, profile: bytes) -> bytes:
    """The same block, with no table at an offset where the profile has one: such tables are copied to the end, and the
    pointers to them follow. Values stay where they are, maker notes too. A block that cannot be parsed stays as it is.
    """
    try:
        ours, theirs = Tree.read(block, may_be_big=False), Tree.read(profile, may_be_big=False)
    except ExifError:
        return block
    taken = {table.offset for _, table in walk(theirs)}
    tables = [table for name, table in walk(ours) if not name.startswith("Sub")]
    clashing = [table for table in tables if table.offset in taken and not table.is_cut and len(table.next) == 4]
    made, places = bytearray(block), dict[int, int]()
    for table in clashing:
        made += bytes(len(made) % 2)
        while len(made) in taken:
            made += bytes(2)
        places[table.offset] = len(made)
        made += block[table.offset : table.entries_end + 4]
    for table in clashing:
        made[table.offset : table.entries_end + 4] = bytes(table.entries_end + 4 - table.offset)
    for position, target in _pointers(ours, tables, places):
        made[position : position + 4] = ours.layout.pack_offset(target)
    return bytes(made)


def _pointers(tree: Tree, tables: list[Ifd], places: Mapping[int, int]) -> list[tuple[int, int]]:
    """(where a pointer stands now, where it has to lead) for every pointer to a table that moved."""
    layout = tree.layout
    found = [(layout.ifd0_at, tree.ifds["IFD0"].offset)]
    for table in tables:
        start = places.get(table.offset, table.offset)
        for index, entry in enumerate(table.entries):
            if entry[0] in _POINTERS:
                value = start + layout.count_bytes + index * layout.entry_bytes + layout.entry_bytes - 4
                found.append((value, pointer_target(entry, layout) or 0))
        if len(table.next) == 4:
            found.append((start + table.entries_end - table.offset, layout.read_offset(table.next)))
    return [(position, places[target]) for position, target in found if target in places]
