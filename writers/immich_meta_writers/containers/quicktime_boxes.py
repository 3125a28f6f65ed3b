"""Where a movie's metadata lies: the boxes of MP4, M4V, 3GP and MOV, found by their headers.

Not here: what is read out of them (quicktime.py), the picture (quicktime_picture.py), and any change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

from immich_meta_writers.containers.isobmff.boxes import Box, children, first, top_level
from immich_meta_writers.containers.isobmff.c2pa import is_c2pa
from immich_meta_writers.containers.replacing import BLANK
from immich_meta_writers.errors import DamagedError, StructureError, UnsupportedError
from immich_meta_writers.source import ByteSource

# Extended type of a `uuid` box: XMP part 3, 1.2.7.1.
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
# More is no metadata: `meta` and `udta` of that size stay as they are.
MAX_CONTENT_BYTES = 16 << 20
FREE = (b"free", b"skip")
# In a movie's header, or a track's, these may hold names, places, captions and pictures.
METADATA = (b"meta", b"udta", b"uuid")
# Boxes that files are made of; others, where they come last, may be found from the end of the file: `mfra`, a maker's.
BODY = frozenset(
    (*FREE, *b"ftyp styp moov mdat wide uuid meta moof sidx ssix emsg prft pdin pnot PICT junk udta jumb".split())
)
_MAX_TRACKS, _MAX_INSIDE = 1024, 65536
_MAX_HEADER_BYTES = 4096


class Packet(NamedTuple):
    """An XMP packet: its box, the `udta` that the box is in (None: top level), and where in the file it begins."""

    box: Box
    parent: Optional[Box]
    start: int
    content: bytes


class Track(NamedTuple):
    """A `trak`, as far as it is of use; `handler`: `vide`, `soun` ... `told`: its own metadata."""

    tkhd: Optional[Box]
    mdhd: Optional[Box]
    handler: bytes
    minf: Optional[Box]
    told: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Movie:
    """A movie as found. The source has to stay open until the patch is made: tables are only read when bytes move.

    `top`: boxes of the file, up to `end`, where a trailer of other bytes begins. `inside`: those of `moov`. `homes`:
    the boxes of payloads by path, `contents` what is in them (`udta` without its packet); `closed` are too large.
    `packets`: by `uuid` and `udta`; both when they say the same. `rival`: a packet that says something else.
    """

    source: ByteSource = field(repr=False, compare=False)
    top: tuple[Box, ...]
    end: int
    moov: Box
    inside: tuple[Box, ...]
    tracks: tuple[Track, ...]
    homes: Mapping[str, Box]
    contents: Mapping[str, bytes]
    closed: frozenset[str]
    packets: Mapping[str, Packet]
    rival: Optional[Box]
    c2pa: bool

    @property
    def is_fragmented(self) -> bool:
        """Whether samples are found through `moof` boxes (ISO/IEC 14496-12, 8.8)."""
        return first(self.inside, b"mvex") is not None or first(self.top, b"moof") is not None

    @property
    def is_quicktime(self) -> bool:
        """Brand `qt  `, or from before brands; else it is of the MP4 family."""
        return self.contents.get("ftyp", b"qt  ")[:4] == b"qt  "

    def behind(self, box: Box) -> tuple[Box, ...]:
        """The boxes of the file behind one of them."""
        return tuple(each for each in self.top if each.start >= box.end)


def find(source: ByteSource) -> Movie:
    """Raises TruncatedError, StructureError, and UnsupportedError for a compressed header or a huge XMP packet."""
    top = top_level(source, _may_trail)
    moov = first(top.boxes, b"moov")
    if moov is None:
        raise StructureError("the movie has no header (moov)", place=f"offset {top.end}")
    inside = children(source, moov.body, moov.end)
    compressed = first(inside, b"cmov")
    if compressed is not None:
        raise UnsupportedError("the movie header is compressed (cmov)", place=f"offset {compressed.start}")
    tracks = _tracks(source, inside)
    homes, closed = _homes(top.boxes, inside, tracks)
    contents = {name: source.read_at(box.body, box.size) for name, box in homes.items()}
    packets, rival = _settled(_packets(source, top.boxes, inside), contents.get("ftyp", b"qt  ")[:4] == b"qt  ")
    packet = packets.get("udta")
    if packet is not None and "udta" in homes and packet.parent == homes["udta"]:
        cut = packet.box.start - homes["udta"].body
        contents["udta"] = contents["udta"][:cut] + contents["udta"][cut + packet.box.end - packet.box.start :]
    c2pa = any(is_c2pa(source, box) for box in top.boxes)
    return Movie(
        source, top.boxes, top.end, moov, inside, tracks, homes, contents, closed, packets, rival, c2pa
    )


def _may_trail(kind: bytes, seen: Collection[bytes]) -> bool:
    """Behind a whole movie, and of no kind that belongs to one."""
    return kind not in BODY and kind != b"mfra" and {b"moov", b"mdat"}.issubset(seen)


def _tracks(source: ByteSource, inside: tuple[Box, ...]) -> tuple[Track, ...]:
    tracks = []
    count = len(inside)
    for trak in inside:
        if trak.kind != b"trak":
            continue
        parts = children(source, trak.body, trak.end)
        mdia = first(parts, b"mdia")
        media = children(source, mdia.body, mdia.end) if mdia else ()
        hdlr = first(media, b"hdlr")
        handler = source.read_at(hdlr.body, min(hdlr.size, 12))[8:12] if hdlr else b""
        told = tuple(box for box in (*parts, *media) if box.kind in METADATA)
        tracks.append(Track(first(parts, b"tkhd"), first(media, b"mdhd"), handler, first(media, b"minf"), told))
        count += len(parts) + len(media)
        if len(tracks) > _MAX_TRACKS or count > _MAX_INSIDE:
            raise StructureError(f"more than {_MAX_TRACKS} tracks or {_MAX_INSIDE} boxes", place=f"offset {trak.start}")
    return tuple(tracks)


def _homes(
    top: tuple[Box, ...], inside: tuple[Box, ...], tracks: tuple[Track, ...]
) -> tuple[dict[str, Box], frozenset[str]]:
    """The boxes of payloads, and the names of those that are too large to be handed out."""
    found = {"ftyp": first(top, b"ftyp"), "mvhd": first(inside, b"mvhd")}
    for number, track in enumerate(tracks, 1):
        found[f"trak{number}/tkhd"] = track.tkhd
        found[f"trak{number}/mdhd"] = track.mdhd
    found["meta"], found["udta"] = first(inside, b"meta"), first(inside, b"udta")
    homes, closed = {}, set()
    for name, box in found.items():
        if box is None:
            continue
        if box.size > (MAX_CONTENT_BYTES if name in ("meta", "udta") else _MAX_HEADER_BYTES):
            closed.add(name)
        else:
            homes[name] = box
    return homes, frozenset(closed)


def _is_packet(source: ByteSource, box: Box) -> bool:
    return box.kind == b"uuid" and box.size >= 16 and source.read_at(box.body, 16) == XMP_UUID


def _packets(source: ByteSource, top: tuple[Box, ...], inside: tuple[Box, ...]) -> list[Packet]:
    """Every XMP packet that says something, where the two families have theirs."""
    places: list[tuple[Box, Optional[Box], int]] = [
        (box, None, box.body + 16) for box in top if _is_packet(source, box)
    ]
    for udta in inside:
        if udta.kind == b"udta":
            places += [(box, udta, box.body) for box in user_data(source, udta) if box.kind == b"XMP_"]
    packets = []
    for box, parent, start in places:
        if box.end - start > MAX_CONTENT_BYTES:
            raise UnsupportedError("the XMP packet is larger than 16 MiB", place=f"offset {box.start}")
        content = source.read_at(start, box.end - start)
        if content.strip(BLANK):
            packets.append(Packet(box, parent, start, content))
    return packets


def user_data(source: ByteSource, udta: Box) -> tuple[Box, ...]:
    """What is in user data; nothing when it does not consist of boxes, as some makers' does not."""
    try:
        return children(source, udta.body, udta.end)
    except DamagedError:
        return ()


def _settled(packets: list[Packet], is_quicktime: bool) -> tuple[dict[str, Packet], Optional[Box]]:
    """The packets to keep in step: the first of each family's place; and one that says something else, if any.

    Where the two differ, the one at the family's own place counts.
    """
    names = ("udta", "uuid") if is_quicktime else ("uuid", "udta")
    kept: dict[str, Packet] = {}
    for name in names:
        found = next((packet for packet in packets if (packet.parent is None) == (name == "uuid")), None)
        if found is not None and all(_same(found, other) for other in kept.values()):
            kept[name] = found
    rival = next((packet.box for packet in packets if packet not in kept.values()), None)
    return kept, rival


def _same(one: Packet, other: Packet) -> bool:
    return one.content.strip(BLANK) == other.content.strip(BLANK)
