"""HEIC, HEIF, AVIF and image sequences as a container (ISO/IEC 23008-12): finds the payloads, answers with a patch.

Not here: what a payload says, and the images: only headers, the tables of `meta` and the metadata items are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Optional

from immich_meta_writers.containers import Payloads, Room, heif_layout
from immich_meta_writers.containers.heif_meta import EXIF, MOST, XMP, Held, Meta, Metadata, read_meta, read_metadata
from immich_meta_writers.containers.heif_properties import Properties, read_properties
from immich_meta_writers.containers.isobmff.boxes import Box, top_level
from immich_meta_writers.containers.isobmff.c2pa import is_c2pa
from immich_meta_writers.errors import EmptyFileError, NoRoomError, StructureError, TruncatedError, UnsupportedError
from immich_meta_writers.patch import Patch
from immich_meta_writers.source import ByteSource

__all__ = ["HeifFile", "accepts", "patch", "read"]

_STILLS = b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1 miaf avif avis avio avci avcs".split()
# Camera raws and movies may name a still's brand among those they are compatible with.
_OTHERS = frozenset(b"crx |qt  |isom|iso2|iso4|iso5|iso6|mp41|mp42|avc1|M4V |M4A |dash".split(b"|"))
_PADDING = 2048
_TOP_KINDS = frozenset(b"ftyp meta mdat moov moof mfra free skip wide uuid jumb mpvd sefd idat sidx styp".split())


@dataclass(frozen=True)
class HeifFile:
    """A HEIF file as found.

    `boxes`: those at top level; they end at `end`, what follows is a trailer. `meta`: None without a primary image.
    `held`: the metadata items of the primary image by the names of their payloads; `closed`: why one must stay.
    `source`: the file, for the tables of offsets that a patch may have to change.
    """

    size: int
    payloads: Payloads
    raster: Optional[tuple[int, int]]
    orientation: int
    c2pa: bool
    notes: tuple[str, ...]
    brands: tuple[bytes, ...]
    boxes: tuple[Box, ...]
    end: int
    meta: Optional[Meta]
    held: Mapping[str, Held]
    closed: Mapping[str, str]
    source: ByteSource = field(repr=False, compare=False)

    @property
    def room(self) -> Room:
        """Blank bytes are not for files that keep their length (see heif_layout)."""
        return Room(MOST, MOST, 0 if any(box.kind in (b"mpvd", b"sefd") for box in self.boxes) else _PADDING)

    def drawback(self, patch: Patch) -> Optional[str]:
        return None


def accepts(head: bytes) -> bool:
    """Whether a file that begins so is a HEIF file: by its brand, or by one it is compatible with (14496-12, 4.3)."""
    brands = _brands(head)
    if not brands or brands[0] in _OTHERS or brands[0][:2] == b"3g":
        return False
    return any(brand in _STILLS for brand in brands)


def _brands(head: bytes) -> tuple[bytes, ...]:
    """The major brand and the compatible ones; none when the file does not begin with `ftyp`."""
    if head[4:8] != b"ftyp":
        return ()
    end = min(len(head), int.from_bytes(head[:4], "big"))
    return (head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4)))


def read(source: ByteSource) -> HeifFile:
    """The payloads of the primary image.

    Raises EmptyFileError, TruncatedError (a box or an item ends behind the file), StructureError (a box lies).
    """
    if source.size == 0:
        raise EmptyFileError("the file has no bytes")
    boxes, end = top_level(source, _may_trail)
    if boxes[0].kind != b"ftyp":
        raise StructureError("the file does not begin with its brand", place="offset 0")
    if not any(box.kind in (b"meta", b"moov") for box in boxes):
        raise TruncatedError("the file ends before its metadata box", place=f"offset {end}")
    meta = read_meta(source, boxes)
    metadata = read_metadata(source, meta) if meta else Metadata({}, {}, ())
    properties = read_properties(source, meta.child(b"iprp"), meta.primary) if meta else Properties(None, 1)
    exif, xmp = (metadata.held[kind].payload or None if kind in metadata.held else None for kind in (EXIF, XMP))
    return HeifFile(
        size=source.size,
        payloads=Payloads(exif=exif, xmp=xmp),
        raster=properties.raster,
        orientation=properties.orientation,
        c2pa=any(is_c2pa(source, box) for box in boxes),
        notes=metadata.notes,
        brands=_brands(source.read_at(0, min(boxes[0].end, 4096))),
        boxes=boxes,
        end=end,
        meta=meta,
        held=metadata.held,
        closed=metadata.closed,
        source=source,
    )


def _may_trail(kind: bytes, seen: Collection[bytes]) -> bool:
    """Behind a whole picture, and of no kind that a HEIF file has at its top."""
    return kind not in _TOP_KINDS and b"meta" in seen and b"mdat" in seen


def patch(found: HeifFile, payloads: Payloads) -> Patch:
    """What turns the payloads of the file into `payloads`; only those that differ are touched.

    Raises NoRoomError when one is larger than 64 MiB or an offset outgrows its field, UnsupportedError when there is no
    primary image, or an item that cannot be replaced, or a trailer that may not move.
    """
    wanted: dict[str, Optional[bytes]] = {}
    for kind, old, new in ((EXIF, found.payloads.exif, payloads.exif), (XMP, found.payloads.xmp, payloads.xmp)):
        if (new or None) != (old or None):
            wanted[kind] = None if not new else new[:]
    if not wanted:
        return Patch(found.size)
    if found.meta is None:
        raise UnsupportedError("the file has no primary image that metadata could describe", place="meta")
    for kind, data in wanted.items():
        if kind in found.closed:
            raise UnsupportedError(found.closed[kind], place=kind)
        if data and len(data) > MOST:
            raise NoRoomError(f"the payload takes {len(data)} of at most {MOST} bytes", place=kind)
    is_avif = any(brand in (b"avif", b"avis") for brand in found.brands)
    file = heif_layout.File(found.source, found.boxes, found.end, found.meta, found.held, is_avif)
    return heif_layout.rewritten(file, wanted)
