"""Boxes: size, four characters, content (ISO/IEC 14496-12, 4.2); found without reading what is in them.

Not here: what a box means, and positions that boxes hold (offsets.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection
from typing import NamedTuple, Optional

from immich_meta_writers.containers.replacing import shown
from immich_meta_writers.errors import StructureError, TruncatedError, UnsupportedError
from immich_meta_writers.source import ByteSource

MAX_BOXES = 65536
_HEADER, _LARGE_HEADER = 8, 16
_LARGEST_SMALL = 0xFFFFFFFF


class Box(NamedTuple):
    """A box from `start` to `end`; its content begins at `body`. `is_open`: its size is 0, "to the end of the file"."""

    kind: bytes
    start: int
    body: int
    end: int
    is_open: bool = False

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return self.end - self.body


class TopLevel(NamedTuple):
    """The boxes of a file, and where bytes begin that are none (a trailer; else the size of the file)."""

    boxes: tuple[Box, ...]
    end: int


MayTrail = Callable[[bytes, Collection[bytes]], bool]


def _never(kind: bytes, seen: Collection[bytes]) -> bool:
    return False


def header(kind: bytes, size: int, *, large: bool = False) -> bytes:
    """The header of a box with `size` bytes of content; with 64 bits when it has to be, or when asked."""
    if large or size + _HEADER > _LARGEST_SMALL:
        return struct.pack(">I4sQ", 1, kind, size + _LARGE_HEADER)
    return struct.pack(">I4s", size + _HEADER, kind)


def packed(kind: bytes, content: bytes) -> bytes:
    """A whole box."""
    return header(kind, len(content)) + content


def top_level(source: ByteSource, may_trail: MayTrail = _never) -> TopLevel:
    """The boxes of a whole file. Behind the first one, what does not look like a box begins a trailer.

    A trailer (Insta360, ID3v1, a text) may begin like a box that is longer than the file: `may_trail(kind, seen)` tells
    whether it can be one, of that kind and behind boxes of the kinds `seen`.
    Raises TruncatedError when a box runs past the end of the file, StructureError when the first is none, and
    UnsupportedError for more than 65,536 (a long recording in tiny fragments).
    """
    boxes: list[Box] = []
    position = 0
    while position < source.size:
        try:
            box = _box(source, position, source.size, may_be_open=True)
        except TruncatedError:
            if not may_trail(source.read_at(position + 4, 4), {box.kind for box in boxes}):
                raise
            break
        if box is None:
            if not boxes:
                raise StructureError("the file does not begin with a box", place="offset 0")
            break
        boxes.append(box)
        if len(boxes) > MAX_BOXES:
            raise UnsupportedError(f"more than {MAX_BOXES} boxes are not followed", place=f"offset {position}")
        position = box.end
    return TopLevel(tuple(boxes), position)


def children(source: ByteSource, start: int, end: int) -> tuple[Box, ...]:
    """The boxes between two offsets, inside of another one. Up to 7 bytes behind the last are not one (QuickTime ends
    user data with four zeros), and neither are zeros.

    Raises StructureError when a box is longer than its parent.
    """
    boxes: list[Box] = []
    position = start
    while position + _HEADER <= end:
        box = _box(source, position, end, any_kind=True)
        if box is None:
            if any(source.read_at(position, min(end - position, 4096))):
                raise StructureError("this is no box", place=f"offset {position}")
            break
        boxes.append(box)
        if len(boxes) > MAX_BOXES:
            raise StructureError(f"more than {MAX_BOXES} boxes in one", place=f"offset {position}")
        position = box.end
    return tuple(boxes)


def first(boxes: tuple[Box, ...], kind: bytes) -> Optional[Box]:
    """The first box of a kind."""
    return next((box for box in boxes if box.kind == kind), None)


def descend(source: ByteSource, box: Optional[Box], *path: bytes) -> Optional[Box]:
    """The first box of each kind on the way inwards; None where there is none."""
    for kind in path:
        box = first(children(source, box.body, box.end), kind) if box else None
    return box


def _box(
    source: ByteSource, position: int, end: int, *, may_be_open: bool = False, any_kind: bool = False
) -> Optional[Box]:
    """The box at `position`; None when its header is none."""
    head = source.read_at(position, _LARGE_HEADER)
    if len(head) < _HEADER:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    if not (any_kind or _is_kind(kind)):
        return None
    if size == 0:
        return Box(kind, position, position + _HEADER, end, True) if may_be_open else None
    body = position + _HEADER
    if size == 1:
        if len(head) < _LARGE_HEADER:
            raise TruncatedError(f"the box {shown(kind)} has no size", place=f"offset {position}")
        size, body = struct.unpack_from(">Q", head, _HEADER)[0], position + _LARGE_HEADER
    if position + size < body:
        raise StructureError(
            f"the box {shown(kind)} claims {size} bytes, less than its header", place=f"offset {position}"
        )
    if position + size > end:
        error = TruncatedError if end == source.size else StructureError
        raise error(
            f"the box {shown(kind)} claims {size} bytes, {end - position} are there", place=f"offset {position}"
        )
    return Box(kind, position, body, position + size)


def _is_kind(kind: bytes) -> bool:
    """Four printable characters, or Mac Roman's copyright sign: `ftyp`, `XMP_`, `©xyz`."""
    return all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind)
