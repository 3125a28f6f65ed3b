"""PNG and APNG as a container (PNG 3rd edition): eXIf and iTXt chunks found, and a patch that changes them.

Not here: what a payload says, and the pixels: of IDAT and fdAT only the headers are read.

Decisions where files disagree with the specification:
- Several eXIf chunks: the first that begins like a TIFF block is the payload; the others stay. One of nothing but zeros
  is no payload, and gives its place to one.
- Several XMP chunks: the first that is not blank. One in a compressed iTXt, in zTXt or in tEXt becomes an uncompressed
  iTXt when it changes.
- Raw profiles of ImageMagick stay; what they hold is the payload only where the PNG has no chunk of its own for it.
  Readers for which the last one counts (ExifTool, and so Immich) would not see new chunks in front of such a profile.
- CRCs of foreign chunks are not checked; bytes behind IEND stay.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.containers import Payloads, Room, png_text
from immich_meta_writers.containers.png_chunks import (
    SIGNATURE,
    XMP_KEYWORD,
    Chunk,
    Split,
    checksum,
    encoded,
    walk,
)
from immich_meta_writers.containers.png_exif import apart
from immich_meta_writers.containers.replacing import BLANK, MAX_PAYLOAD_BYTES, require_homes, tiff_start
from immich_meta_writers.errors import NoRoomError, StructureError
from immich_meta_writers.patch import Patch, Splice, narrowed
from immich_meta_writers.source import ByteSource

__all__ = ["ROOM", "PngFile", "accepts", "patch", "read"]

ROOM = Room(exif=MAX_PAYLOAD_BYTES // 2, xmp=MAX_PAYLOAD_BYTES // 2, padding=2048)

# Keyword, no compression, method 0, no language, no translated keyword.
_XMP_FRONT = XMP_KEYWORD + bytes(5)
_OUTRANKED = "an old text chunk with metadata stands behind the image: many readers would believe it more"


class Home(NamedTuple):
    """The chunk that holds a payload: `front` bytes of its content stand before it.

    `is_plain`: the payload stands there as it is, in the kind of chunk that it should have.
    """

    chunk: Chunk
    front: bytes
    is_plain: bool


@dataclass(frozen=True)
class PngFile:
    """A PNG as found. `place`: where a new chunk is put; `exif` and `xmp`: the chunks of the payloads.

    `profile`: the Exif block of a raw profile. `is_outranked`: a raw profile of ours stands behind the image.
    """

    size: int
    payloads: Payloads
    raster: Optional[tuple[int, int]]
    c2pa: bool
    notes: tuple[str, ...]
    exif: Optional[Home]
    xmp: Optional[Home]
    place: int
    split: Optional[Split]
    profile: Optional[bytes]
    is_outranked: bool

    @property
    def orientation(self) -> Optional[int]:
        """None: the Exif block says it."""
        return None

    @property
    def room(self) -> Room:
        return ROOM

    def drawback(self, patch: Patch) -> Optional[str]:
        return _OUTRANKED if self.is_outranked and patch.splices else None


def accepts(head: bytes) -> bool:
    """Whether a file that begins so is a PNG (MNG and JNG are not)."""
    return head.startswith(SIGNATURE)


def read(source: ByteSource) -> PngFile:
    """The payloads of a PNG. Raises EmptyFileError, TruncatedError and StructureError."""
    walked = walk(source)
    exif, block = _exif(source, [chunk for chunk in walked.kept if chunk.kind == b"eXIf"])
    xmp, packet = _xmp(source, [chunk for chunk in walked.kept if chunk.keyword == XMP_KEYWORD])
    profiles = [chunk for chunk in walked.kept if png_text.is_profile(chunk)]
    old = [png_text.read_profile(source, chunk) for chunk in profiles]
    for profile in old:
        block = profile.exif if block is None else block
        packet = profile.xmp if packet is None else packet
    return PngFile(
        size=source.size,
        payloads=Payloads(exif=block, xmp=packet),
        raster=walked.raster,
        c2pa=walked.c2pa,
        notes=tuple(_notes(walked.kept, (exif, xmp), profiles)),
        exif=exif,
        xmp=xmp,
        place=walked.place,
        split=walked.split,
        profile=next((profile.exif for profile in old if profile.exif is not None), None),
        is_outranked=any(chunk.start > walked.place and png_text.is_ours(chunk) for chunk in profiles),
    )


def _exif(source: ByteSource, chunks: Sequence[Chunk]) -> tuple[Optional[Home], Optional[bytes]]:
    """The chunk of the Exif block, and the block."""
    if not chunks:
        return None, None
    starts = [tiff_start(source.read_at(chunk.body, min(10, chunk.length))) for chunk in chunks]
    index = next((index for index, start in enumerate(starts) if start >= 0), 0)
    chunk, start = chunks[index], max(0, starts[index])
    if chunk.length > MAX_PAYLOAD_BYTES:
        raise StructureError(f"the Exif block has {chunk.length} bytes", place=f"offset {chunk.start}")
    content = source.read_at(chunk.body, chunk.length)
    return Home(chunk, content[:start], not start), content[start:] if content.strip(b"\0") else None


def _xmp(source: ByteSource, chunks: Sequence[Chunk]) -> tuple[Optional[Home], Optional[bytes]]:
    """The chunk of the XMP packet, and the packet; of several the first that can be read and is not blank."""
    found: list[tuple[Home, bytes]] = []
    broken: list[StructureError] = []
    for chunk in chunks:
        try:
            text = png_text.read_text(source, chunk)
        except StructureError as error:
            broken.append(error)
            continue
        home = Home(chunk, text.front, text.is_plain and chunk.kind == b"iTXt")
        if text.text.strip(BLANK):
            return home, text.text
        found.append((home, text.text))
    if broken:
        raise broken[0]
    return found[0] if found else (None, None)


def _notes(kept: Iterable[Chunk], homes: Sequence[Optional[Home]], profiles: Sequence[Chunk]) -> Iterable[str]:
    used = [home.chunk for home in homes if home is not None]
    for chunk in kept:
        if chunk in profiles:
            yield f"the old text chunk {chunk.keyword.decode('ascii')!r} at offset {chunk.start} stays as it is"
        elif (chunk.kind == b"eXIf" or chunk.keyword == XMP_KEYWORD) and chunk not in used:
            kind = "eXIf" if chunk.kind == b"eXIf" else "XMP"
            yield f"another {kind} chunk at offset {chunk.start} stays as it is"


def patch(found: PngFile, payloads: Payloads) -> Patch:
    """What turns the payloads of the file into `payloads`; only those that differ are touched.

    A payload that is None is removed; a raw profile stays all the same. Raises NoRoomError and UnsupportedError.
    """
    require_homes(found.payloads, payloads, ("exif", "xmp"), "PNG")
    splices: list[Splice] = []
    if payloads.exif != found.payloads.exif:
        block = payloads.exif
        if block is not None and found.profile is not None:
            block = apart(block, found.profile)
        splices += _replaced(found, found.exif, found.payloads.exif, b"eXIf", b"", block)
    if payloads.xmp != found.payloads.xmp:
        front = found.xmp.front if found.xmp is not None and found.xmp.is_plain else _XMP_FRONT
        splices += _replaced(found, found.xmp, found.payloads.xmp, b"iTXt", front, payloads.xmp)
    # Stable: at one place eXIf comes first.
    splices.sort(key=lambda splice: (splice.offset, splice.length > 0))
    if found.split is not None:
        splices += _split_splices(found.split, splices)
        splices.sort(key=lambda splice: (splice.offset, splice.length > 0))
    return Patch(found.size, tuple(splices))


def _replaced(
    found: PngFile, home: Optional[Home], old: Optional[bytes], kind: bytes, front: bytes, new: Optional[bytes]
) -> Sequence[Splice]:
    if new is None:
        return [Splice(home.chunk.start, home.chunk.end - home.chunk.start, b"")] if home is not None else []
    if len(new) > MAX_PAYLOAD_BYTES // 2:
        raise NoRoomError(f"{len(new)} bytes do not fit into a chunk", place=kind.decode("ascii"))
    if home is None:
        return [Splice(found.place, 0, encoded(kind, front + new))]
    chunk = home.chunk
    if old is None or not home.is_plain:
        return [Splice(chunk.start, chunk.end - chunk.start, encoded(kind, front + new))]
    content = narrowed(chunk.body + len(front), old, new)
    crc = Splice(chunk.end - 4, 4, checksum(kind, front + new))
    if len(new) == len(old):
        return [*content, crc]
    return [Splice(chunk.start, 4, struct.pack(">I", len(front) + len(new))), *content, crc]


def _split_splices(split: Split, splices: Sequence[Splice]) -> Sequence[Splice]:
    """Keeps the offsets of an iDOT true when a chunk between it and the image grows."""
    words = list(split.words)
    for index in split.leads:
        target = split.chunk.start + split.words[index]
        words[index] += sum(
            len(splice.data) - splice.length for splice in splices if split.chunk.end <= splice.offset < target
        )
    if tuple(words) == split.words:
        return ()
    content = struct.pack(">7I", *words)
    return [
        *narrowed(split.chunk.body, struct.pack(">7I", *split.words), content),
        Splice(split.chunk.end - 4, 4, checksum(split.chunk.kind, content)),
    ]
