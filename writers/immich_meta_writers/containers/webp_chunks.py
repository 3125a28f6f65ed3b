"""The chunks of a WebP (RFC 9649; the RIFF container): found by their headers, without reading the image.

Not here: how chunks are changed (webp.py).
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Optional

from immich_meta_writers.containers.replacing import shown
from immich_meta_writers.errors import EmptyFileError, StructureError, TruncatedError
from immich_meta_writers.source import ByteSource

FIRST_CHUNK = 12
EXIF_KIND = b"EXIF"
# The second spelling was written by old tools, and readers know it.
XMP_KINDS = (b"XMP ", b"XMP\0")

_HEADER = 8
_MAX_CHUNKS = 1 << 18
_MAX_KEPT = 4096
_LOSSY, _LOSSLESS, _ALPHA, _FRAME = b"VP8 ", b"VP8L", b"ALPH", b"ANMF"
_IMAGE_KINDS = frozenset({_LOSSY, _LOSSLESS, _ALPHA, _FRAME})
_EXTENDED = b"VP8X"


class Chunk(NamedTuple):
    """A chunk from `start` with `length` bytes of content; `end` is behind its padding, as far as the file has it."""

    kind: bytes
    start: int
    length: int
    end: int

    @property
    def body(self) -> int:
        return self.start + _HEADER

    @property
    def is_unpadded(self) -> bool:
        """An odd length, and no byte that makes it even: seen in the last chunk of a file."""
        return bool((self.end - self.start) % 2)


class Canvas(NamedTuple):
    """Width and height in pixels; `has_alpha`: the image says that it has."""

    width: int
    height: int
    has_alpha: bool


class Walk(NamedTuple):
    """`end`: where the RIFF chunk ends in the file; `counts_padding`: it claims one byte more, that of the last chunk.

    `extended`: VP8X. `image`: the last chunk of the image. `kept`: EXIF and XMP, in file order.
    """

    end: int
    counts_padding: bool
    extended: Optional[Chunk]
    flags: int
    canvas: Canvas
    image: Chunk
    kept: tuple[Chunk, ...]
    c2pa: bool


def encoded(kind: bytes, content: bytes) -> bytes:
    """A whole chunk with its padding."""
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def walk(source: ByteSource) -> Walk:
    """Follow the chunks from the RIFF header to its end.

    Raises EmptyFileError, TruncatedError (the RIFF or a chunk is longer than the file), StructureError.
    """
    claimed = _riff_end(source)
    end = min(claimed, source.size)
    extended: Optional[Chunk] = None
    first_image: Optional[Chunk] = None
    image: Optional[Chunk] = None
    kept: list[Chunk] = []
    c2pa, position = False, FIRST_CHUNK
    for _ in range(_MAX_CHUNKS):
        if position + _HEADER > end or len(kept) > _MAX_KEPT:
            break
        chunk = _chunk(source, position, end)
        if chunk.kind in _IMAGE_KINDS:
            first_image, image = first_image or chunk, chunk
        elif chunk.kind == _EXTENDED and extended is None:
            extended = chunk
        elif chunk.kind == EXIF_KIND or chunk.kind in XMP_KINDS:
            kept.append(chunk)
        elif chunk.kind == b"C2PA":
            c2pa = True
        position = chunk.end
    if position + _HEADER <= end:
        raise StructureError("more chunks than any image has", place=f"offset {position}")
    if first_image is None or image is None:
        raise StructureError("the WebP has no image data", place=f"offset {position}")
    flags, canvas = _extended(source, extended) if extended is not None else (0, _simple(source, first_image))
    return Walk(end, claimed > end, extended, flags, canvas, image, tuple(kept), c2pa)


def _riff_end(source: ByteSource) -> int:
    if source.size == 0:
        raise EmptyFileError("the file has no bytes")
    head = source.read_at(0, FIRST_CHUNK)
    if len(head) < FIRST_CHUNK:
        raise TruncatedError("the file ends in its header", place=f"offset {len(head)}")
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise StructureError("not a WebP: it does not begin with RIFF and WEBP", place="offset 0")
    size = struct.unpack_from("<I", head, 4)[0]
    end = _HEADER + int(size)
    if end < FIRST_CHUNK + _HEADER:
        raise StructureError(f"the RIFF chunk claims {size} bytes", place="offset 4")
    # Writers that forget the last padding byte count it all the same.
    if end > source.size + 1:
        raise TruncatedError(f"the RIFF chunk ends {end - source.size} bytes behind the file", place="offset 4")
    return end


def _chunk(source: ByteSource, position: int, end: int) -> Chunk:
    kind, length = struct.unpack("<4sI", source.read_at(position, _HEADER))
    behind = position + _HEADER + length
    if behind > end:
        error = TruncatedError if end == source.size else StructureError
        claim = f"the chunk {shown(kind)} claims {length} bytes, {behind - end} too many"
        raise error(claim, place=f"offset {position}")
    return Chunk(kind, position, length, min(end, behind + length % 2))


def _extended(source: ByteSource, chunk: Chunk) -> tuple[int, Canvas]:
    """VP8X: flags, three reserved bytes, width - 1 and height - 1 in 24 bits each (RFC 9649, 2.7.1)."""
    if chunk.length < 10:
        raise StructureError("the chunk VP8X is too short", place=f"offset {chunk.start}")
    body = source.read_at(chunk.body, 10)
    width, height = int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    return body[0], Canvas(width, height, bool(body[0] & 0x10))


def _simple(source: ByteSource, chunk: Chunk) -> Canvas:
    """The size that the image itself tells: VP8 (RFC 6386, 9.1), VP8L (RFC 9649, 3.4)."""
    head = source.read_at(chunk.body, min(10, chunk.length))
    if chunk.kind == _LOSSY and len(head) == 10 and not head[0] & 1 and head[3:6] == b"\x9d\x01\x2a":
        width, height = (number & 0x3FFF for number in struct.unpack_from("<HH", head, 6))
        if width and height:
            return Canvas(width, height, False)
    if chunk.kind == _LOSSLESS and len(head) >= 5 and head[0] == 0x2F:
        bits = struct.unpack_from("<I", head, 1)[0]
        return Canvas((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1))
    raise StructureError(f"the chunk {shown(chunk.kind)} does not begin an image", place=f"offset {chunk.start}")
