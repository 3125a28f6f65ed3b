"""The pictures of a TIFF file: which one is the main one, and whether their bytes are all there (TIFF 6.0 section 8,
15; DNG 1.7 for SubIFDs).

Not here: metadata (tiff.py), and the bytes of the pictures.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.errors import TruncatedError
from immich_meta_writers.ifd.extents import STRIPS, TILES, page_number, walk
from immich_meta_writers.ifd.pointers import SUB_IFDS, next_offset, numbers, pointer_targets
from immich_meta_writers.ifd.table import Ifd, is_beyond, pointer_target, read_ifd, value_span
from immich_meta_writers.ifd.tree import INTEROP_POINTER, POINTER_TAGS, Tree

_SUBFILE, _OLD_SUBFILE = 0x00FE, 0x00FF
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS = 0x0100, 0x0101, 0x0102, 0x0103, 0x0115, 0x0116
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT = 0x011C, 0x0142, 0x0143
_OLD_REDUCED = 2
_UNCOMPRESSED, _OLD_JPEG = 1, 6
_ALL_ROWS = 0xFFFFFFFF
_POINTERS = {tag: name for name, tag in POINTER_TAGS.items()}
# Pointers claim any size; of maker notes the length is often one.
_ELSEWHERE = frozenset({*_POINTERS, INTEROP_POINTER, 0x927C})


def raster(tree: Tree) -> Optional[tuple[int, int]]:
    """Stored width and height of the main picture: of IFD0, or, when that is a reduced one (DNG, raws), of the largest
    SubIFD that is not.
    """
    first = tree.ifds["IFD0"]
    if _is_reduced(tree, first):
        sizes = [_size(tree, table) for table in sub_ifds(tree) if not _number(tree, table, _SUBFILE, 0)]
        found = max([size for size in sizes if size is not None], key=lambda size: size[0] * size[1], default=None)
        if found is not None:
            return found
    return _size(tree, first)


def _size(tree: Tree, table: Ifd) -> Optional[tuple[int, int]]:
    width, height = _number(tree, table, _WIDTH, 0), _number(tree, table, _HEIGHT, 0)
    return (width, height) if width and height else None


def _is_reduced(tree: Tree, table: Ifd) -> bool:
    return bool(_number(tree, table, _SUBFILE, 0) & 1) or _number(tree, table, _OLD_SUBFILE, 0) == _OLD_REDUCED


def _number(tree: Tree, table: Ifd, tag: int, absent: int) -> int:
    found = numbers(tree, table.by_tag.get(tag))
    return found[0] if found else absent


def sub_ifds(tree: Tree) -> Iterator[Ifd]:
    """The pictures that IFD0 has below it."""
    for offset in _sub_offsets(tree):
        table = read_ifd(tree.data, tree.layout, offset)
        if table is not None:
            yield table


def _sub_offsets(tree: Tree) -> Sequence[int]:
    entry = tree.ifds["IFD0"].by_tag.get(SUB_IFDS)
    return pointer_targets(tree, entry) if entry is not None else ()


def require_first_page(tree: Tree) -> None:
    """Raises TruncatedError when a table or value of IFD0 is missing, or bytes of its picture or of one below it."""
    first = tree.ifds["IFD0"]
    for entry in first.entries:
        span = None if entry[0] in _POINTERS else value_span(entry, tree.layout)
        if span is not None and span[1] > len(tree.data):
            raise _truncated(tree, f"the value of IFD0 tag 0x{entry[0]:04x}", *span)
        target = pointer_target(entry, tree.layout) if entry[0] in _POINTERS else None
        if target is not None:
            _require_table(tree, _POINTERS[entry[0]], target)
    for offset in _sub_offsets(tree):
        _require_table(tree, "SubIFD", offset)
    for name, table in [*tree.ifds.items(), *(("SubIFD", table) for table in sub_ifds(tree))]:
        _require_page(tree, name, table)


def require_all_pages(tree: Tree) -> None:
    """Raises TruncatedError when a page of the chain is missing, or bytes of its picture are."""
    for name, table in walk(tree):
        if page_number(name) is not None:
            _require_page(tree, name, table)
            _require_table(tree, f"the page after {name}", next_offset(table, tree.layout))


def _require_table(tree: Tree, name: str, offset: int) -> None:
    if offset and is_beyond(tree.data, tree.layout, offset):
        raise _truncated(tree, name, offset, offset + tree.layout.count_bytes)


def _require_page(tree: Tree, name: str, table: Ifd) -> None:
    """A value that begins in the file has to end there; where both lie behind it, the entry is a lie (seen)."""
    if table.is_cut:
        raise _truncated(tree, f"{name} with {table.claimed} entries", table.offset, table.entries_end)
    for entry in table.entries:
        span = None if entry[0] in _ELSEWHERE else value_span(entry, tree.layout)
        if span is not None and span[0] <= len(tree.data) < span[1]:
            raise _truncated(tree, f"the value of {name} tag 0x{entry[0]:04x}", *span)
    _require_picture(tree, name, table)


def _require_picture(tree: Tree, name: str, table: Ifd) -> None:
    size = len(tree.data)
    for offsets, lengths in (STRIPS, TILES):
        starts = numbers(tree, table.by_tag.get(offsets))
        if not starts:
            continue
        stored = numbers(tree, table.by_tag.get(lengths))
        compression = _number(tree, table, _COMPRESSION, _UNCOMPRESSED)
        # Old-style JPEG counts as it likes (TIFF technical note 2); its pictures may lie elsewhere as a whole.
        counts = stored if stored and compression != _OLD_JPEG else [0] * len(starts)
        if max(starts) <= size and max(map(operator.add, starts, counts)) <= size:
            continue
        sizes = _part_sizes(tree, table, offsets) if compression == _UNCOMPRESSED else None
        for index, (start, count) in enumerate(zip(starts, counts)):
            needed = count if sizes is None or start + count <= size else min(count, sizes.of(index))
            if start + needed > size and (needed or start > size):
                raise _truncated(tree, f"part {index + 1} of the picture of {name}", start, start + needed)


class _PartSizes(NamedTuple):
    """What uncompressed strips or tiles need at most: counts that run past the end of the file are seen, and read."""

    height: int
    rows: int
    row_bytes: int

    def of(self, index: int) -> int:
        """Bytes of a part; those of the next sample follow when each has parts of its own."""
        first = index % max(1, -(-self.height // self.rows)) * self.rows
        return min(self.rows, self.height - first) * self.row_bytes


def _part_sizes(tree: Tree, table: Ifd, offsets: int) -> _PartSizes:
    bits = sum(numbers(tree, table.by_tag.get(_BITS)) or [1])
    if _number(tree, table, _PLANAR, 1) != 1:
        bits //= max(1, _number(tree, table, _SAMPLES, 1))
    if offsets == TILES[0]:
        # Tiles are whole, also where the picture ends inside of one.
        width, height = _number(tree, table, _TILE_WIDTH, 0), _number(tree, table, _TILE_HEIGHT, 0)
        return _PartSizes(height, max(1, height), -(-width * bits // 8))
    width, height = _number(tree, table, _WIDTH, 0), _number(tree, table, _HEIGHT, 0)
    rows = max(1, min(_number(tree, table, _ROWS, _ALL_ROWS), height))
    return _PartSizes(height, rows, -(-width * bits // 8))


def _truncated(tree: Tree, what: str, start: int, end: int) -> TruncatedError:
    return TruncatedError(
        f"{what} reaches to offset {end}, the file ends at {len(tree.data)}", place=f"offset {start}"
    )
