"""The chunks of a PNG (PNG 3rd edition, 5.3 and 5.6): found by their headers, without reading the image.

Not here: what is in a text chunk (png_text.py), and how chunks are changed (png.py).
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple, Optional

from immich_meta_writers.containers.replacing import shown
from immich_meta_writers.errors import EmptyFileError, StructureError, TruncatedError
from immich_meta_writers.source import ByteSource

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_KINDS = (b"iTXt", b"tEXt", b"zTXt")
XMP_KEYWORD = b"XML:com.adobe.xmp"
PROFILE_KEYWORD = b"Raw profile type "
# Screenshots of macOS: how the image is split in two, to inflate both at once (part: first row, rows, offset).
SPLIT_KIND = b"iDOT"

_MAX_LENGTH = (1 << 31) - 1
_MAX_CHUNKS = 1 << 20
_MAX_KEPT = 4096
_KEYWORD_BYTES = 80
_FRAMING = 12  # length, kind, CRC
# Nothing new comes behind these: frames stay next to their control chunks, and iDOT counts from itself.
_IMAGE_KINDS = frozenset({b"IDAT", b"acTL", b"fcTL", b"fdAT", SPLIT_KIND})


class Chunk(NamedTuple):
    """A chunk from `start` to `end` with `length` bytes of content; `keyword` names a text chunk."""

    kind: bytes
    start: int
    length: int
    keyword: bytes = b""

    @property
    def body(self) -> int:
        return self.start + 8

    @property
    def end(self) -> int:
        return self.start + _FRAMING + self.length


class Split(NamedTuple):
    """An iDOT chunk and which of its 32-bit words (by number) lead from its start to an IDAT."""

    chunk: Chunk
    words: tuple[int, ...]
    leads: tuple[int, ...]


class Walk(NamedTuple):
    """`kept`: the chunks that may hold metadata, in file order. `place`: where new ones may stand."""

    raster: Optional[tuple[int, int]]
    kept: tuple[Chunk, ...]
    place: int
    split: Optional[Split]
    c2pa: bool


def encoded(kind: bytes, content: bytes) -> bytes:
    """A whole chunk."""
    return struct.pack(">I", len(content)) + kind + content + checksum(kind, content)


def checksum(kind: bytes, content: bytes) -> bytes:
    """The CRC behind the content."""
    return zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big")


def walk(source: ByteSource) -> Walk:
    """Follow the chunks from the signature to IEND; of each 8 bytes are read, of text chunks the keyword too.

    Raises EmptyFileError, TruncatedError (a chunk behind the end of the file, no IEND), StructureError.
    """
    if source.size == 0:
        raise EmptyFileError("the file has no bytes")
    if source.read_at(0, 8) != SIGNATURE:
        raise StructureError("not a PNG: its signature is another", place="offset 0")
    header = _chunk(source, 8)
    if header.kind == b"CgBI":  # Apple's PNGs for its phones
        header = _chunk(source, header.end)
    raster, position = _raster(source, header), header.end
    kept: list[Chunk] = []
    place, split, c2pa = 0, _Split(), False
    for _ in range(_MAX_CHUNKS):
        chunk = _chunk(source, position)
        kind = chunk.kind
        if kind == b"IEND":
            if not place:
                raise StructureError("the PNG has no image data", place=f"offset {position}")
            return Walk(raster, tuple(kept), place, split.found(), c2pa)
        if kind in _IMAGE_KINDS:
            place = place or chunk.start
            split.meet(source, chunk)
        elif kind == b"eXIf":
            kept.append(chunk)
        elif kind in TEXT_KINDS:
            named = _named(source, chunk)
            if named.keyword:
                kept.append(named)
        elif kind == b"caBX":
            c2pa = True
        if len(kept) > _MAX_KEPT:
            break
        position = chunk.end
    raise StructureError("more chunks than any image has", place=f"offset {position}")


def _chunk(source: ByteSource, position: int) -> Chunk:
    head = source.read_at(position, 8)
    place = f"offset {position}"
    if len(head) < 8:
        raise TruncatedError("the file ends before IEND", place=place)
    length, kind = struct.unpack(">I4s", head)
    if not (kind.isalpha() and kind.isascii()):
        raise StructureError(f"{shown(kind)} is no chunk", place=place)
    if length > _MAX_LENGTH:
        raise StructureError(f"the chunk {shown(kind)} claims {length} bytes", place=place)
    chunk = Chunk(kind, position, length)
    if chunk.end > source.size:
        beyond = chunk.end - source.size
        raise TruncatedError(f"the chunk {shown(kind)} ends {beyond} bytes behind the file", place=place)
    return chunk


def _raster(source: ByteSource, chunk: Chunk) -> Optional[tuple[int, int]]:
    if chunk.kind != b"IHDR" or chunk.length < 13:
        raise StructureError("the PNG does not begin with IHDR", place=f"offset {chunk.start}")
    width, height = struct.unpack(">II", source.read_at(chunk.body, 8))
    return (width, height) if width and height else None


def _named(source: ByteSource, chunk: Chunk) -> Chunk:
    """The chunk with its keyword when it is one that we know."""
    head = source.read_at(chunk.body, min(_KEYWORD_BYTES, chunk.length))
    keyword = head.partition(b"\0")[0]
    is_known = len(keyword) < len(head) and (keyword == XMP_KEYWORD or keyword.startswith(PROFILE_KEYWORD))
    return chunk._replace(keyword=keyword) if is_known else chunk


class _Split:
    """Looks for the IDATs that an iDOT leads to. Only offsets that are true are kept true."""

    def __init__(self) -> None:
        self._chunk: Optional[Chunk] = None
        self._words: tuple[int, ...] = ()
        self._met: set[int] = set()

    def meet(self, source: ByteSource, chunk: Chunk) -> None:
        if chunk.kind == SPLIT_KIND and self._chunk is None and chunk.length == 28:
            self._chunk = chunk
            self._words = struct.unpack(">7I", source.read_at(chunk.body, 28))
        elif self._chunk is not None and chunk.kind == b"IDAT" and chunk.start - self._chunk.start in self._words[3::3]:
            self._met.add(chunk.start - self._chunk.start)

    def found(self) -> Optional[Split]:
        if self._chunk is None or not self._met:
            return None
        return Split(self._chunk, self._words, tuple(index for index in (3, 6) if self._words[index] in self._met))
