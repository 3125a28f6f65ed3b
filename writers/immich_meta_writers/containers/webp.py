"""WebP as a container (RFC 9649): EXIF and XMP chunks found, and a patch that changes them.

Not here: what a payload says, and the image: of its chunks only the headers are read.

Decisions where files disagree with the specification:
- Several EXIF chunks: the first that begins like a TIFF block is the payload; the others stay. So with XMP: the first
  that is not blank. An EXIF chunk of nothing but zeros is no payload, and gives its place to one.
- JPEG's `Exif\\0\\0` in front of the block is read, and not written again.
- The flags in VP8X are not believed; when a payload changes they are made true.
- A last chunk without its padding byte gets it when something is put behind it. Bytes behind the RIFF stay.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.containers import Payloads, Room
from immich_meta_writers.containers.replacing import BLANK, MAX_PAYLOAD_BYTES, require_homes, shown, tiff_start
from immich_meta_writers.containers.webp_chunks import EXIF_KIND, FIRST_CHUNK, XMP_KINDS, Chunk, Walk, encoded, walk
from immich_meta_writers.errors import NoRoomError, StructureError
from immich_meta_writers.patch import Patch, Splice, narrowed
from immich_meta_writers.source import ByteSource

__all__ = ["ROOM", "WebpFile", "accepts", "patch", "read"]

ROOM = Room(exif=MAX_PAYLOAD_BYTES // 2, xmp=MAX_PAYLOAD_BYTES // 2, padding=2048)

_HAS_ALPHA, _HAS_EXIF, _HAS_XMP = 0x10, 0x08, 0x04
_MAX_RIFF_BYTES = (1 << 32) - 10


class Home(NamedTuple):
    """The chunk that holds a payload; `front`: the bytes in front of it (`Exif\\0\\0`)."""

    chunk: Chunk
    front: bytes


@dataclass(frozen=True)
class WebpFile:
    """A WebP as found; `exif` and `xmp` are the chunks of the payloads, `structure` says where all stands."""

    size: int
    payloads: Payloads
    notes: tuple[str, ...]
    exif: Optional[Home]
    xmp: Optional[Home]
    structure: Walk

    @property
    def raster(self) -> Optional[tuple[int, int]]:
        """The canvas."""
        width, height, _ = self.structure.canvas
        return (width, height) if width and height else None

    @property
    def orientation(self) -> Optional[int]:
        """None: the Exif block says it."""
        return None

    @property
    def c2pa(self) -> bool:
        return self.structure.c2pa

    @property
    def room(self) -> Room:
        return ROOM

    def drawback(self, patch: Patch) -> Optional[str]:
        return None


def accepts(head: bytes) -> bool:
    """Whether a file that begins so is a WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def read(source: ByteSource) -> WebpFile:
    """The payloads of a WebP. Raises EmptyFileError, TruncatedError and StructureError."""
    structure = walk(source)
    exif = _exif(source, [chunk for chunk in structure.kept if chunk.kind == EXIF_KIND])
    xmp = _xmp(source, [chunk for chunk in structure.kept if chunk.kind in XMP_KINDS])
    return WebpFile(
        size=source.size,
        payloads=Payloads(exif=_block(source, exif), xmp=_payload(source, xmp)),
        notes=tuple(_notes(structure.kept, (exif, xmp))),
        exif=exif,
        xmp=xmp,
        structure=structure,
    )


def _exif(source: ByteSource, chunks: Sequence[Chunk]) -> Optional[Home]:
    for chunk in chunks:
        head = source.read_at(chunk.body, min(10, chunk.length))
        start = tiff_start(head)
        if start >= 0:
            return Home(chunk, head[:start])
    return Home(chunks[0], b"") if chunks else None


def _xmp(source: ByteSource, chunks: Sequence[Chunk]) -> Optional[Home]:
    if len(chunks) > 1:
        for chunk in chunks:
            if _content(source, chunk).strip(BLANK):
                return Home(chunk, b"")
    return Home(chunks[0], b"") if chunks else None


def _block(source: ByteSource, home: Optional[Home]) -> Optional[bytes]:
    block = _payload(source, home)
    return block if block is not None and block.strip(b"\0") else None


def _payload(source: ByteSource, home: Optional[Home]) -> Optional[bytes]:
    return None if home is None else _content(source, home.chunk)[len(home.front) :]


def _content(source: ByteSource, chunk: Chunk) -> bytes:
    if chunk.length > MAX_PAYLOAD_BYTES:
        raise StructureError(f"the chunk {shown(chunk.kind)} has {chunk.length} bytes", place=f"offset {chunk.start}")
    return source.read_at(chunk.body, chunk.length)


def _notes(kept: Sequence[Chunk], homes: Sequence[Optional[Home]]) -> Iterator[str]:
    used = [home.chunk for home in homes if home is not None]
    for chunk in kept:
        if chunk not in used:
            yield f"another {chunk.kind[:4].decode('ascii').strip()} chunk at offset {chunk.start} stays as it is"


def patch(found: WebpFile, payloads: Payloads) -> Patch:
    """What turns the payloads of the file into `payloads`; only those that differ are touched.

    A simple file gets a VP8X. Raises NoRoomError (4 GiB) and UnsupportedError.
    """
    require_homes(found.payloads, payloads, ("exif", "xmp"), "WebP")
    splices = [
        *_changed(found.exif, found.payloads.exif, EXIF_KIND, payloads.exif),
        *_changed(found.xmp, found.payloads.xmp, XMP_KINDS[0], payloads.xmp),
        *_added(found, payloads),
    ]
    if not splices:
        return Patch(found.size)
    splices += _flags(found, payloads)
    # Stable: an insertion stands in front of a change at the same place, and behind the growth of the chunk before it.
    splices.sort(key=lambda splice: (splice.offset, splice.length > 0))
    return Patch(found.size, (*_riff_size(found, splices), *splices))


def _changed(home: Optional[Home], old: Optional[bytes], kind: bytes, new: Optional[bytes]) -> Sequence[Splice]:
    """A chunk that is there, with another content, or removed."""
    if home is None or new == old:
        return ()
    chunk = home.chunk
    if new is None:
        return (Splice(chunk.start, chunk.end - chunk.start, b""),)
    _require_room(kind, new)
    if old is None or home.front or chunk.kind != kind:
        return (Splice(chunk.start, chunk.end - chunk.start, encoded(kind, new)),)
    splices = [*narrowed(chunk.body, old, new)]
    if len(new) != len(old):
        splices.insert(0, Splice(chunk.start + 4, 4, struct.pack("<I", len(new))))
    # The byte of padding is a zero as a rule, and stays what it is.
    padding = chunk.end - chunk.body - chunk.length
    if padding != len(new) % 2:
        splices.append(Splice(chunk.body + chunk.length, padding, bytes(len(new) % 2)))
    return splices


def _added(found: WebpFile, payloads: Payloads) -> Sequence[Splice]:
    """New chunks: EXIF behind the image, XMP behind the image and EXIF."""
    exif = b"" if found.exif is not None or payloads.exif is None else encoded(EXIF_KIND, payloads.exif)
    xmp = b"" if found.xmp is not None or payloads.xmp is None else encoded(XMP_KINDS[0], payloads.xmp)
    _require_room(EXIF_KIND, exif)
    _require_room(XMP_KINDS[0], xmp)
    image = behind = found.structure.image
    if found.exif is not None and found.exif.chunk.start > image.start:
        behind = found.exif.chunk
    at_image, at_exif = (exif + xmp, b"") if behind is image else (b"", xmp)
    splices = []
    if at_image:
        splices.append(Splice(image.end, 0, bytes(image.is_unpadded) + at_image))
    if at_exif:
        is_unpadded = behind.is_unpadded and payloads.exif == found.payloads.exif
        splices.append(Splice(behind.end, 0, bytes(is_unpadded) + at_exif))
    return splices


def _require_room(kind: bytes, data: bytes) -> None:
    if len(data) > MAX_PAYLOAD_BYTES // 2:
        raise NoRoomError(f"{len(data)} bytes do not fit into a chunk", place=kind.decode("ascii"))


def _flags(found: WebpFile, payloads: Payloads) -> Sequence[Splice]:
    """VP8X's flags as they have to be; a simple file that now has metadata gets the chunk."""
    kept, homes = found.structure.kept, (found.exif, found.xmp)
    others = [chunk.kind for chunk in kept if not any(home is not None and home.chunk == chunk for home in homes)]
    flags = _HAS_EXIF if payloads.exif is not None or EXIF_KIND in others else 0
    if payloads.xmp is not None or any(kind in XMP_KINDS for kind in others):
        flags |= _HAS_XMP
    extended, (width, height, has_alpha) = found.structure.extended, found.structure.canvas
    if extended is not None:
        new = found.structure.flags & ~(_HAS_EXIF | _HAS_XMP) | flags
        return () if new == found.structure.flags else (Splice(extended.body, 1, bytes([new])),)
    if not flags:
        return ()
    flags |= _HAS_ALPHA if has_alpha else 0
    content = struct.pack("<I", flags) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return (Splice(FIRST_CHUNK, 0, encoded(b"VP8X", content)),)


def _riff_size(found: WebpFile, splices: Sequence[Splice]) -> Sequence[Splice]:
    growth = sum(len(splice.data) - splice.length for splice in splices)
    if not growth:
        return ()
    size = found.structure.end - 8 + growth
    if found.structure.counts_padding:
        size += size % 2
    if size > _MAX_RIFF_BYTES:
        raise NoRoomError("the file would be larger than the 4 GiB of a WebP", place="RIFF")
    return (Splice(4, 4, struct.pack("<I", size)),)
