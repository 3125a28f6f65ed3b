"""The blocks of a GIF (GIF89a specification): found by following the lengths of their sub-blocks.

Not here: what is in the XMP block, and how it is changed (gif.py).
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from immich_meta_writers.errors import EmptyFileError, StructureError, TruncatedError
from immich_meta_writers.source import ByteSource

SIGNATURES = (b"GIF87a", b"GIF89a")
XMP_IDENTITY = b"XMP DataXMP"

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_APPLICATION, _GRAPHIC_CONTROL, _PLAIN_TEXT = 0xFF, 0xF9, 0x01
_LOOP_IDENTITIES = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_C2PA = b"C2PA_GIF"
_WINDOW_BYTES = 1 << 18
_MAX_BLOCKS = 1 << 20
_MAX_KEPT = 4096
_ZEROS_BYTES = 4096


class Block(NamedTuple):
    """An XMP block: `body` is the first byte behind its identity, `end` is behind its terminator."""

    start: int
    body: int
    end: int


class Walk(NamedTuple):
    """`place`: where a new block may stand."""

    is_old: bool
    raster: Optional[tuple[int, int]]
    packets: tuple[Block, ...]
    place: int
    c2pa: bool


class _Window:
    """The bytes read last: a block's sub-blocks of at most 255 bytes are followed without reading each alone."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._start = 0
        self._data = source.read_at(0, _WINDOW_BYTES)

    def get(self, position: int, length: int) -> bytes:
        at = position - self._start
        if at < 0 or at + length > len(self._data):
            self._start, at = position, 0
            self._data = self._source.read_at(position, _WINDOW_BYTES)
        return self._data[at : at + length]

    def behind(self, position: int) -> int:
        """Where the sub-blocks that begin at `position` end. Raises TruncatedError."""
        while True:
            data, at = self._data, position - self._start
            while 0 <= at < len(data):
                length = data[at]
                at += length + 1
                if not length:
                    return self._start + at
            position = self._start + at
            if not self.get(position, 1):
                raise TruncatedError("the file ends inside of a block", place=f"offset {self._source.size}")


def walk(source: ByteSource) -> Walk:
    """Follow the blocks to the trailer. Files without one, or with bytes that are no block behind the image, are read.

    Raises EmptyFileError, TruncatedError (the file ends inside of a block), StructureError (no GIF, no image).
    """
    if source.size == 0:
        raise EmptyFileError("the file has no bytes")
    window = _Window(source)
    head = window.get(0, 13)
    if head[:6] not in SIGNATURES:
        raise StructureError("not a GIF: it begins with neither GIF87a nor GIF89a", place="offset 0")
    if len(head) < 13:
        raise TruncatedError("the file ends in its header", place=f"offset {len(head)}")
    width, height = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    blocks = _Blocks(window, source.size, 13 + _table(head[10]))
    blocks.follow()
    return Walk(
        is_old=head[:6] == SIGNATURES[0],
        raster=(width, height) if width and height else None,
        packets=tuple(blocks.packets),
        place=blocks.place,
        c2pa=blocks.c2pa,
    )


def _table(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


class _Blocks:
    def __init__(self, window: _Window, size: int, start: int) -> None:
        if start > size:
            raise TruncatedError("the file ends in its colour table", place=f"offset {size}")
        self._window, self._size = window, size
        self._has_image = self._has_frame = False
        self.packets: list[Block] = []
        self.place = self._start = start
        self.c2pa = False

    def follow(self) -> None:
        """To the end of the last block."""
        position = self._start
        for _ in range(_MAX_BLOCKS):
            head = self._window.get(position, 14)
            kind = head[0] if head else _TRAILER
            if kind == _IMAGE:
                position = self._image(position, head)
            elif kind == _EXTENSION:
                position = self._extension(position, head)
            elif kind == 0:  # belongs to no block; readers step over it
                run = self._window.get(position, _ZEROS_BYTES)
                position += len(run) - len(run.lstrip(b"\0"))
            else:
                self._require_image(position, bool(head))
                return
            if len(self.packets) > _MAX_KEPT:
                break
        raise StructureError("more blocks than any image has", place=f"offset {position}")

    def _require_image(self, position: int, is_there: bool) -> None:
        if not self._has_image:
            error = StructureError if is_there else TruncatedError
            raise error("the GIF has no image", place=f"offset {position}")

    def _image(self, position: int, head: bytes) -> int:
        """Descriptor, colour table, code size, sub-blocks."""
        if len(head) < 10:
            raise TruncatedError("the file ends in an image descriptor", place=f"offset {position}")
        self._has_image = self._has_frame = True
        return self._window.behind(position + 11 + _table(head[9]))

    def _extension(self, position: int, head: bytes) -> int:
        if len(head) < 3:
            raise TruncatedError("the file ends in an extension", place=f"offset {position}")
        end = self._window.behind(position + 2)
        identity = head[3:14] if head[1:3] == bytes([_APPLICATION, 11]) else b""
        if head[1] in (_GRAPHIC_CONTROL, _PLAIN_TEXT):
            self._has_frame = True
        elif identity == XMP_IDENTITY:
            self.packets.append(Block(position, position + 14, end))
        elif identity in _LOOP_IDENTITIES and not self._has_frame:
            self.place = end
        elif identity.startswith(_C2PA):
            self.c2pa = True
        return end
