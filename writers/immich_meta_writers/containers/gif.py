"""GIF as a container (GIF89a; XMP part 3, 1.1.2): the XMP block found, and a patch that changes it.

Not here: what the packet says, and the pixels: of image data only the lengths of the sub-blocks are looked at.

Decisions where files disagree with the specification:
- The packet stands raw in its block, and a ramp of falling bytes behind it leads readers of sub-blocks to the end. A
  packet in proper sub-blocks, or with a ramp that is not whole, is read, and written as it should be when it changes.
- Several XMP blocks: the first that is not blank is the payload, the others stay.
- A missing trailer, and bytes behind it, are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.containers import Payloads, Room
from immich_meta_writers.containers.gif_blocks import SIGNATURES, XMP_IDENTITY, Block, walk
from immich_meta_writers.containers.replacing import BLANK, MAX_PAYLOAD_BYTES, require_homes
from immich_meta_writers.errors import NoRoomError, StructureError, UnsupportedError
from immich_meta_writers.patch import Patch, Splice, narrowed
from immich_meta_writers.source import ByteSource

__all__ = ["ROOM", "GifFile", "accepts", "patch", "read"]

ROOM = Room(exif=0, xmp=MAX_PAYLOAD_BYTES // 2, padding=2048)

_FRONT = b"\x21\xff\x0b" + XMP_IDENTITY
# Wherever a reader that takes the packet for sub-blocks lands in it, the next step is the terminator.
_RAMP = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_RAMP_START = b"\xff\xfe\xfd\xfc"
_BOM = b"\xef\xbb\xbf"


class Home(NamedTuple):
    """The block that holds the packet; `is_regular`: raw, with a whole ramp behind it."""

    block: Block
    is_regular: bool


@dataclass(frozen=True)
class GifFile:
    """A GIF as found. `is_old`: GIF87a, which has no extensions. `place`: where a new block is put."""

    size: int
    payloads: Payloads
    raster: Optional[tuple[int, int]]
    c2pa: bool
    notes: tuple[str, ...]
    is_old: bool
    xmp: Optional[Home]
    place: int

    @property
    def orientation(self) -> Optional[int]:
        """A GIF is shown as it is stored."""
        return 1

    @property
    def room(self) -> Room:
        return ROOM

    def drawback(self, patch: Patch) -> Optional[str]:
        return None


def accepts(head: bytes) -> bool:
    """Whether a file that begins so is a GIF."""
    return head.startswith(SIGNATURES)


def read(source: ByteSource) -> GifFile:
    """The payload of a GIF. Raises EmptyFileError, TruncatedError and StructureError."""
    walked = walk(source)
    home, packet = _xmp(source, walked.packets)
    return GifFile(
        size=source.size,
        payloads=Payloads(xmp=packet),
        raster=walked.raster,
        c2pa=walked.c2pa,
        notes=tuple(_notes(walked.packets, home)),
        is_old=walked.is_old,
        xmp=home,
        place=walked.place,
    )


def _xmp(source: ByteSource, blocks: Sequence[Block]) -> tuple[Optional[Home], Optional[bytes]]:
    first: tuple[Optional[Home], Optional[bytes]] = (None, None)
    for block in blocks:
        if block.end - block.body > MAX_PAYLOAD_BYTES:
            raise StructureError(f"the XMP block has {block.end - block.body} bytes", place=f"offset {block.start}")
        content = source.read_at(block.body, block.end - block.body)
        packet, is_regular = _packet(content)
        if packet.strip(BLANK):
            return Home(block, is_regular), packet
        if first[0] is None:
            first = Home(block, is_regular), packet
    return first


def _packet(content: bytes) -> tuple[bytes, bool]:
    """The packet in a block, and whether it stands there as it should."""
    if content.endswith(_RAMP):
        return content[: -len(_RAMP)], True
    if content[1:2] == b"<" or content[1:4] == _BOM:
        return _joined(content), False
    ramp = content.rfind(_RAMP_START)
    if ramp < 0:
        return content[:-1], False
    return content[: ramp - content[:ramp].endswith(b"\x01")], False


def _joined(content: bytes) -> bytes:
    """The contents of proper sub-blocks."""
    parts, at = [], 0
    while at < len(content) and content[at]:
        parts.append(content[at + 1 : at + 1 + content[at]])
        at += 1 + content[at]
    return b"".join(parts)


def _notes(blocks: Sequence[Block], home: Optional[Home]) -> Iterator[str]:
    for block in blocks:
        if home is not None and block != home.block:
            yield f"another XMP block at offset {block.start} stays as it is"


def patch(found: GifFile, payloads: Payloads) -> Patch:
    """What turns the packet of the file into that of `payloads`; None removes it. A GIF87a becomes a GIF89a.

    Raises NoRoomError, and UnsupportedError for other payloads and a packet with zero bytes (UTF-16).
    """
    require_homes(found.payloads, payloads, ("xmp",), "GIF")
    old, new = found.payloads.xmp, payloads.xmp
    if old == new:
        return Patch(found.size)
    home = found.xmp
    if new is None:
        start, end = (home.block.start, home.block.end) if home is not None else (0, 0)
        return Patch(found.size, (Splice(start, end - start, b""),))
    _require_writable(new)
    version = (Splice(4, 1, b"9"),) if found.is_old else ()
    if home is None or old is None:
        return Patch(found.size, (*version, Splice(found.place, 0, _FRONT + new + _RAMP)))
    body, end = home.block.body, home.block.end
    if home.is_regular:
        return Patch(found.size, (*version, *narrowed(body, old, new)))
    return Patch(found.size, (*version, Splice(body, end - body, new + _RAMP)))


def _require_writable(packet: bytes) -> None:
    if len(packet) > ROOM.xmp:
        raise NoRoomError(f"the XMP packet takes {len(packet)} bytes", place="XMP")
    if b"\0" in packet:
        raise UnsupportedError("a zero byte in the XMP packet would end its block too early", place="XMP")
