"""JPEG XL as a container (ISO/IEC 18181-2): `Exif` and `xml ` boxes found, and a patch that changes them.

Not here: what a payload says, and the image: of the codestream only the size and the orientation are read.

Decisions where files disagree, and where the standard leaves a choice:
- Several Exif boxes: the first that begins like a TIFF block is the payload, the others stay. One of nothing but zeros
  is no payload, and gives its place to one.
- An `xml ` box is XMP when it names RDF's namespace; the first one is the payload. Other XML stays.
- A box that is compressed (`brob`) is written compressed.
- New boxes stand in front of the codestream, whose box may be open to the end of the file. Frame indices (`jxli`) count
  from the start of the codestream, so nothing points across them.
- A bare codestream is wrapped when it gets metadata. Without a box that says otherwise it is of level 5, bare or
  wrapped, so no level is added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.containers import Payloads, Room
from immich_meta_writers.containers.isobmff.boxes import Box, header, packed, top_level
from immich_meta_writers.containers.jxl_codestream import HEAD_BYTES, SIGNATURE, Image, image
from immich_meta_writers.containers.jxl_compressed import KIND_BYTES, compressed, decompressed
from immich_meta_writers.containers.replacing import EXIF_HEADER, MAX_PAYLOAD_BYTES, require_homes, shown, tiff_start
from immich_meta_writers.errors import EmptyFileError, NoRoomError, StructureError, TruncatedError
from immich_meta_writers.patch import Patch, Splice, narrowed
from immich_meta_writers.source import ByteSource

__all__ = ["ROOM", "JxlFile", "accepts", "patch", "read"]

ROOM = Room(exif=MAX_PAYLOAD_BYTES // 2, xmp=MAX_PAYLOAD_BYTES // 2, padding=2048)

_BOX_SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
_FILE_TYPE = packed(b"ftyp", b"jxl \0\0\0\0jxl ")
_CODESTREAM, _PARTIAL, _COMPRESSED, _EXIF, _XML = b"jxlc", b"jxlp", b"brob", b"Exif", b"xml "
_TOP_KINDS = frozenset((_CODESTREAM, _PARTIAL, _COMPRESSED, _EXIF, _XML, b"jumb", b"jbrd", b"jxli", b"jxll", b"free"))
_LAST_PART = 0x80
_RDF = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PACKET_STARTS = (b"<?xpacket", b"<x:xmpmeta")
_RECONSTRUCTION = "the exact reconstruction of the JPEG that this JPEG XL was made from would break"


class Home(NamedTuple):
    """The box that holds a payload, whose content has `front` bytes before it."""

    box: Box
    front: bytes
    is_compressed: bool


@dataclass(frozen=True)
class JxlFile:
    """A JPEG XL as found. `place`: where new boxes are put; `is_bare`: a codestream without boxes.

    `rebuilds_jpeg`: it holds what turns it back into the JPEG that it was (`jbrd`).
    """

    size: int
    payloads: Payloads
    image: Image
    c2pa: bool
    notes: tuple[str, ...]
    exif: Optional[Home]
    xmp: Optional[Home]
    place: int
    is_bare: bool
    rebuilds_jpeg: bool

    @property
    def raster(self) -> Optional[tuple[int, int]]:
        return self.image.width, self.image.height

    @property
    def orientation(self) -> Optional[int]:
        """The codestream's: readers of JPEG XL ignore that of the Exif block."""
        return self.image.orientation

    @property
    def room(self) -> Room:
        return ROOM

    def drawback(self, patch: Patch) -> Optional[str]:
        return _RECONSTRUCTION if self.rebuilds_jpeg and patch.splices else None


class _Content(NamedTuple):
    """A box that may hold metadata, and what it holds."""

    box: Box
    kind: bytes
    is_compressed: bool
    data: bytes


def accepts(head: bytes) -> bool:
    """Whether a file that begins so is a JPEG XL, with boxes or bare."""
    return head.startswith((SIGNATURE, _BOX_SIGNATURE))


def _may_trail(kind: bytes, seen: Collection[bytes]) -> bool:
    """Behind a whole codestream, and of no kind that JPEG XL knows."""
    return kind not in _TOP_KINDS and not {_CODESTREAM, _PARTIAL}.isdisjoint(seen)


def read(source: ByteSource) -> JxlFile:
    """The payloads of a JPEG XL. Raises EmptyFileError, TruncatedError and StructureError."""
    if source.size == 0:
        raise EmptyFileError("the file has no bytes")
    head = source.read_at(0, HEAD_BYTES)
    if head.startswith(SIGNATURE):
        return JxlFile(source.size, Payloads(), image(head), False, (), None, None, 0, True, False)
    if not head.startswith(_BOX_SIGNATURE):
        raise StructureError("not a JPEG XL: it begins with neither a codestream nor its boxes", place="offset 0")
    boxes = top_level(source, _may_trail).boxes
    stream = [box for box in boxes if box.kind in (_CODESTREAM, _PARTIAL)]
    contents = tuple(_contents(source, boxes))
    exif, block = _exif([content for content in contents if content.kind == _EXIF])
    xmp, packet = _xmp([content for content in contents if content.kind == _XML])
    return JxlFile(
        size=source.size,
        payloads=Payloads(exif=block, xmp=packet),
        image=image(_codestream_head(source, stream)),
        c2pa=any(box.kind == b"jumb" or _inner_kind(source, box) == b"jumb" for box in boxes),
        notes=tuple(_notes(contents, (exif, xmp))),
        exif=exif,
        xmp=xmp,
        place=stream[0].start,
        is_bare=False,
        rebuilds_jpeg=any(box.kind == b"jbrd" for box in boxes),
    )


def _codestream_head(source: ByteSource, stream: Sequence[Box]) -> bytes:
    """The first bytes of the codestream, whose parts each begin with a number; the last one's has its top bit set."""
    if not stream:
        raise TruncatedError("the file ends before its codestream", place=f"offset {source.size}")
    if stream[0].kind == _CODESTREAM:
        return source.read_at(stream[0].body, min(HEAD_BYTES, stream[0].size))
    parts = [box for box in stream if box.kind == _PARTIAL and box.size >= 4]
    if not any(source.read_at(box.body, 1)[0] & _LAST_PART for box in reversed(parts)):
        raise TruncatedError("the last part of the codestream is missing", place=f"offset {source.size}")
    head = b""
    for box in parts:
        head += source.read_at(box.body + 4, min(HEAD_BYTES - len(head), box.size - 4))
        if len(head) == HEAD_BYTES:
            break
    return head


def _inner_kind(source: ByteSource, box: Box) -> bytes:
    """The kind of box that a compressed one stands for."""
    return source.read_at(box.body, min(KIND_BYTES, box.size)) if box.kind == _COMPRESSED else b""


def _contents(source: ByteSource, boxes: Sequence[Box]) -> Iterator[_Content]:
    for box in boxes:
        inner = _inner_kind(source, box)
        if box.kind not in (_EXIF, _XML) and inner not in (_EXIF, _XML):
            continue
        place = f"offset {box.start}"
        if box.size > MAX_PAYLOAD_BYTES:
            raise StructureError(f"the box {shown(box.kind)} has {box.size} bytes", place=place)
        data = source.read_at(box.body, box.size)
        if inner:
            yield _Content(box, inner, True, decompressed(data[KIND_BYTES:], place))
        else:
            yield _Content(box, box.kind, False, data)


def _exif(contents: Sequence[_Content]) -> tuple[Optional[Home], Optional[bytes]]:
    """The Exif box, and the block in it."""
    for content in contents:
        start = _block_start(content.data)
        if start >= 0:
            return Home(content.box, content.data[:start], content.is_compressed), content.data[start:]
    if not contents:
        return None, None
    box, _, is_compressed, data = contents[0]
    return Home(box, data[:4], is_compressed), data[4:] if data.strip(b"\0") else None


def _block_start(data: bytes) -> int:
    """Where the TIFF block begins: 4 bytes say how far behind them, usually 0; or 6, behind `Exif\\0\\0`.

    Boxes without these bytes, or with wrong ones, are read too. -1: there is no block.
    """
    told = 4 + int.from_bytes(data[:4], "big")
    if tiff_start(data[told : told + 4]) == 0:
        return told
    for front in (4, 0):
        start = tiff_start(data[front : front + 10])
        if start >= 0:
            return front + start
    return -1


def _xmp(contents: Sequence[_Content]) -> tuple[Optional[Home], Optional[bytes]]:
    for content in contents:
        text = content.data.replace(b"\0", b"")  # as it would be in UTF-8
        if _RDF in text or text.lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n").startswith(_PACKET_STARTS):
            return Home(content.box, b"", content.is_compressed), content.data
    return None, None


def _notes(contents: Sequence[_Content], homes: Sequence[Optional[Home]]) -> Iterator[str]:
    used = [home.box for home in homes if home is not None]
    for content in contents:
        if content.box not in used:
            kind = content.kind.decode("ascii").strip()
            yield f"another {kind} box at offset {content.box.start} stays as it is"


def patch(found: JxlFile, payloads: Payloads) -> Patch:
    """What turns the payloads of the file into `payloads`; only those that differ are touched.

    A bare codestream is wrapped in boxes. Raises NoRoomError and UnsupportedError.
    """
    require_homes(found.payloads, payloads, ("exif", "xmp"), "JPEG XL")
    old = found.payloads
    splices = [
        *_changed(found.exif, old.exif, _EXIF, payloads.exif),
        *_changed(found.xmp, old.xmp, _XML, payloads.xmp),
    ]
    added = b""
    if found.exif is None and payloads.exif is not None:
        added += _new_box(_EXIF, bytes(4) + payloads.exif)
    if found.xmp is None and payloads.xmp is not None:
        added += _new_box(_XML, payloads.xmp)
    if added and found.is_bare:
        added = _BOX_SIGNATURE + _FILE_TYPE + added + header(_CODESTREAM, found.size)
    if added:
        splices.append(Splice(found.place, 0, added))
    splices.sort(key=lambda splice: (splice.offset, splice.length > 0))
    return Patch(found.size, tuple(splices))


def _new_box(kind: bytes, content: bytes) -> bytes:
    if len(content) > MAX_PAYLOAD_BYTES // 2 + len(EXIF_HEADER):
        raise NoRoomError(f"{len(content)} bytes are too many for a box", place=kind.decode("ascii"))
    return packed(kind, content)


def _changed(home: Optional[Home], old: Optional[bytes], kind: bytes, new: Optional[bytes]) -> Sequence[Splice]:
    """A box that is there, with another content, or removed."""
    if home is None or new == old:
        return ()
    box = home.box
    if new is None:
        return (Splice(box.start, box.end - box.start, b""),)
    front = home.front
    if kind == _EXIF and (old is None or _block_start(front + new) != len(front)):
        front = bytes(4)
    whole = front + new
    if old is None or home.is_compressed or front != home.front:
        whole = compressed(kind, whole) if home.is_compressed else whole
        return (Splice(box.start, box.end - box.start, _new_box(_COMPRESSED if home.is_compressed else kind, whole)),)
    content = narrowed(box.body + len(front), old, new)
    if len(new) == len(old) or box.is_open:
        return content
    head = header(kind, len(whole), large=box.body - box.start > 8)
    return (*narrowed(box.start, header(kind, box.size, large=box.body - box.start > 8), head), *content)
