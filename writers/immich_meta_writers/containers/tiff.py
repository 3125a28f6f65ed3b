"""TIFF, BigTIFF and DNG as containers (TIFF 6.0; XMP part 3, 1.1.6): finds the payloads, answers with a patch.

Not here: the tables (ifd/), what a payload says, and the pictures but for whether they are all there (tiff_pages.py).

Decisions where files disagree with the specifications:
- Only page one is touched: the tables, values and pictures of all others stay where they are.
- IPTC records whose bytes stand in groups of four turned around are handed out as they should be, and written as they
  were found. New ones are typed LONG: not what IIM means, but what Photoshop writes and every reader takes.
- A blank value of XMP, IPTC or image resources counts as none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.containers import Payloads, Room, tiff_pages
from immich_meta_writers.containers.replacing import MAX_PAYLOAD_BYTES, require_homes
from immich_meta_writers.errors import (
    EmptyFileError,
    ExifError,
    NoRoomError,
    StructureError,
    TruncatedError,
    UnsupportedError,
)
from immich_meta_writers.ifd.draft import Encoded
from immich_meta_writers.ifd.graft import plan_edits
from immich_meta_writers.ifd.layout import BYTE, LARGEST_HEADER_BYTES, LONG, SLONG, TYPE_BYTES, UNDEFINED, layout_of
from immich_meta_writers.ifd.table import Entry, is_beyond, value_bytes
from immich_meta_writers.ifd.tree import Place, Tree
from immich_meta_writers.patch import Patch, PatchedView
from immich_meta_writers.source import ByteSource, ByteView, SourceView

__all__ = ["TiffFile", "accepts", "check_whole", "patch", "read"]

XMP: Place = ("IFD0", 0x02BC)
IPTC: Place = ("IFD0", 0x83BB)
PHOTOSHOP: Place = ("IFD0", 0x8649)
_C2PA = 0xCD41

_NAMES: Mapping[Place, str] = {XMP: "XMP", IPTC: "IPTC", PHOTOSHOP: "Photoshop"}
_HOMES = ("tiff", "xmp", "iim", "photoshop")
_PADDING = 2048
_DATASET = 0x1C
_GROUP = 4


@dataclass(frozen=True)
class TiffFile:
    """A TIFF file as found.

    `payloads.tiff` is the file itself; `tree` its tables. `raster`: (width, height) of the main picture as stored.
    `is_turned`: the IPTC records stand in groups of four bytes turned around.
    """

    size: int
    payloads: Payloads
    raster: Optional[tuple[int, int]]
    c2pa: bool
    tree: Tree
    is_turned: bool

    @property
    def orientation(self) -> Optional[int]:
        """None: IFD0 says it."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    @property
    def room(self) -> Room:
        return Room(exif=self.tree.layout.room, xmp=MAX_PAYLOAD_BYTES, padding=_PADDING)

    def drawback(self, patch: Patch) -> Optional[str]:
        """None: nothing in a TIFF file moves."""
        return None


def accepts(head: bytes) -> bool:
    """Whether a file that begins so is a TIFF file, raws that are built on TIFF included."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(source: ByteSource) -> TiffFile:
    """The payloads of a TIFF file; of its pictures only the tables are read.

    Raises EmptyFileError, TruncatedError (a value or a part of the first page is missing), StructureError (not a TIFF
    file, no IFD0), UnsupportedError (a payload over 64 MiB).
    """
    view = SourceView(source)
    try:
        tree = Tree.read(view, may_be_big=True)
    except ExifError as error:
        raise _unreadable(view, error) from error
    tiff_pages.require_first_page(tree)
    records = _value(tree, IPTC)
    is_turned = records is not None and records[0] != _DATASET and records[3:4] == b"\x1c"
    records = _turned(records) if records is not None and is_turned else records
    return TiffFile(
        size=source.size,
        payloads=Payloads(
            xmp=_value(tree, XMP),
            photoshop=_value(tree, PHOTOSHOP),
            tiff=view,
            iim=None if records is None else _unpadded(records),
        ),
        raster=tiff_pages.raster(tree),
        c2pa=_C2PA in tree.ifds["IFD0"].by_tag,
        tree=tree,
        is_turned=is_turned,
    )


def check_whole(source: ByteSource, found: TiffFile) -> None:
    """Raises TruncatedError when a later page, or a part of its picture, is missing."""
    tiff_pages.require_all_pages(found.tree)


def _unreadable(view: ByteView, error: ExifError) -> Exception:
    if len(view) == 0:
        return EmptyFileError("the file has 0 bytes")
    head = view[0:LARGEST_HEADER_BYTES]
    layout = layout_of(head, may_be_big=True)
    if layout is None:
        if accepts(head) and len(head) < LARGEST_HEADER_BYTES:
            return TruncatedError(f"the file ends in its header, after {len(head)} bytes", place="offset 0")
        return StructureError("the file does not begin like a TIFF file", place="offset 0")
    offset = layout.read_offset(head, layout.ifd0_at)
    is_cut = offset >= layout.header_bytes and is_beyond(view, layout, offset)
    kind = TruncatedError if is_cut else StructureError
    return kind(f"no IFD0 is at offset {offset} of {len(view)} bytes", place=f"offset {layout.ifd0_at}")


def _entry(tree: Tree, place: Place) -> Optional[Entry]:
    return tree.ifds[place[0]].by_tag.get(place[1])


def _value(tree: Tree, place: Place) -> Optional[bytes]:
    entry = _entry(tree, place)
    size = value_bytes(entry, tree.layout) if entry is not None else 0
    if size > MAX_PAYLOAD_BYTES:
        raise UnsupportedError(f"{_NAMES[place]} of {size} bytes is more than we read", place=f"tag {place[1]}")
    raw = tree.raw(place)
    return raw if raw is not None and raw.strip(b"\0 \t\r\n") else None


def _turned(raw: bytes) -> bytes:
    """Every four bytes in the other order; zeros fill the last group."""
    turned = bytearray(raw + bytes(-len(raw) % _GROUP))
    for at in range(_GROUP // 2):
        turned[at::_GROUP], turned[3 - at :: _GROUP] = turned[3 - at :: _GROUP], turned[at::_GROUP]
    return bytes(turned)


def _unpadded(records: bytes) -> bytes:
    """Without the zeros that fill the last group of four: every edit would add some. Datasets may end in zeros too, so
    their lengths tell (IIM 4.2, 1.5).
    """
    end = 0
    while records[end : end + 1] == b"\x1c" and end + 5 <= len(records):
        length = int.from_bytes(records[end + 3 : end + 5], "big")
        extended = length & 0x7FFF if length >> 15 else 0
        start = end + 5 + extended
        end = start + (int.from_bytes(records[end + 5 : start], "big") if extended else length)
    return records if any(records[end:]) else records[:end]


def patch(found: TiffFile, payloads: Payloads) -> Patch:
    """What turns the payloads of the file into `payloads`; only those that differ are touched.

    `payloads.tiff` is the view that was found, or a PatchedView over it. Raises NoRoomError when the file would outgrow
    its offsets (4 GiB), UnsupportedError for payloads that TIFF has no place for, and when tables point behind the end.
    """
    require_homes(found.payloads, payloads, _HOMES, "TIFF")
    before = _patch_of(found, payloads.tiff)
    wanted: dict[Place, Optional[Encoded]] = {}
    if payloads.xmp != found.payloads.xmp:
        wanted[XMP] = _bytes_value(found.tree, XMP, payloads.xmp)
    if payloads.iim != found.payloads.iim:
        wanted[IPTC] = _records_value(found, payloads.iim)
    if payloads.photoshop != found.payloads.photoshop:
        wanted[PHOTOSHOP] = _bytes_value(found.tree, PHOTOSHOP, payloads.photoshop)
    if not wanted:
        return _readable(found, before)
    tree = Tree.read(payloads.tiff, may_be_big=True) if payloads.tiff is not None and before.splices else found.tree
    plan = plan_edits(tree, wanted, room=tree.layout.room)
    if plan.skipped:
        name = _NAMES[plan.skipped[0]]
        raise NoRoomError(f"{name} does not fit: the file would grow past its {tree.layout.room} bytes", place=name)
    return _readable(found, before.then(plan.patch))


def _readable(found: TiffFile, made: Patch) -> Patch:
    """The patch, unless a value that a table has far behind the end of the file would begin in the new bytes."""
    if made.new_size <= found.size or found.payloads.tiff is None:
        return made
    try:
        tiff_pages.require_first_page(Tree.read(PatchedView(found.payloads.tiff, made), may_be_big=True))
    except TruncatedError as error:
        cause = f"new bytes would come where a lost value should be: {error.cause}"
        raise UnsupportedError(cause, place=error.place) from error
    return made


def _patch_of(found: TiffFile, view: Optional[ByteView]) -> Patch:
    if view is found.payloads.tiff:
        return Patch(found.size)
    if isinstance(view, PatchedView) and view.base is found.payloads.tiff:
        return view.patch
    raise UnsupportedError("a TIFF file is patched as a whole, or not at all", place="EXIF")


def _bytes_value(tree: Tree, place: Place, payload: Optional[bytes]) -> Optional[Encoded]:
    """A payload in the type that the file gives it, if that counts bytes."""
    if not payload:
        return None
    entry = _entry(tree, place)
    _require_small(place, payload)
    kind = entry[1] if entry is not None and TYPE_BYTES.get(entry[1]) == 1 else BYTE
    return Encoded(kind, len(payload), payload)


def _records_value(found: TiffFile, payload: Optional[bytes]) -> Optional[Encoded]:
    if not payload:
        return None
    entry = _entry(found.tree, IPTC)
    _require_small(IPTC, payload)
    raw = _turned(payload) if found.is_turned else payload
    if entry is None or entry[1] in (LONG, SLONG):
        raw += bytes(-len(raw) % _GROUP)
        return Encoded(LONG if entry is None else entry[1], len(raw) // _GROUP, raw)
    return Encoded(entry[1] if TYPE_BYTES.get(entry[1]) == 1 else UNDEFINED, len(raw), raw)


def _require_small(place: Place, payload: bytes) -> None:
    if len(payload) > MAX_PAYLOAD_BYTES:
        name = _NAMES[place]
        raise NoRoomError(f"{name} takes {len(payload)} of at most {MAX_PAYLOAD_BYTES} bytes", place=name)
