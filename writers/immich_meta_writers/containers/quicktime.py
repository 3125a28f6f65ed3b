"""MP4, M4V, 3GP and MOV as a container (ISO/IEC 14496-12; QuickTime File Format): finds the payloads, answers with a
patch.

Not here: what a payload says, and the samples: only headers of boxes and boxes of metadata are read.

Decisions where files disagree with the specifications:
- An XMP packet at the other family's place is used where it stands. Two that say the same are kept in step; of two that
  differ the one at the family's own place is the payload, the other stays, and mode `auto` takes the sidecar.
- Several `moov`, `udta` or `meta`: the first; the others stay.
- `free` and `skip` are free space only when they are blank. What is cut out becomes free space, so that the file keeps
  its length and nothing moves.
- A movie header that has to grow in front of the samples shifts them, and leaves 2 KiB for the next edits; when a
  position cannot follow, the header moves to the end of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.containers import Payloads, Room
from immich_meta_writers.containers.isobmff.boxes import Box, first, packed
from immich_meta_writers.containers.quicktime_boxes import FREE, MAX_CONTENT_BYTES, Movie, Packet, find
from immich_meta_writers.containers.quicktime_packets import UserData, top_level_packet, user_data_with
from immich_meta_writers.containers.quicktime_picture import picture
from immich_meta_writers.containers.quicktime_space import (
    FRAGMENTS_MOVE,
    Grown,
    ended,
    followed,
    header_grown,
    in_order,
    resized,
    tail_place,
)
from immich_meta_writers.containers.quicktime_whole import require_media
from immich_meta_writers.containers.replacing import require_homes
from immich_meta_writers.errors import NoRoomError, UnsupportedError
from immich_meta_writers.patch import Patch, Splice, narrowed
from immich_meta_writers.source import ByteSource

__all__ = ["ROOM", "QuickTimeFile", "accepts", "check_whole", "patch", "read"]

ROOM = Room(exif=0, xmp=MAX_CONTENT_BYTES, padding=2048)

# HEIF and its kin, JPEG 2000, JPEG XL, Canon's raw.
_OTHERS_BRANDS = frozenset(
    brand.ljust(4)
    for brand in b"avif avis heic heix heim heis hevc hevx mif1 mif2 mif3 msf1 miaf crx jp2 jpx jpm mj2s jxl".split()
)


@dataclass(frozen=True)
class QuickTimeFile:
    """A movie as found. `raster`: stored width and height of its first enabled video track, `orientation` its turn."""

    size: int
    payloads: Payloads
    raster: Optional[tuple[int, int]]
    orientation: int
    notes: tuple[str, ...]
    movie: Movie

    @property
    def c2pa(self) -> bool:
        return self.movie.c2pa

    @property
    def room(self) -> Room:
        return ROOM

    def drawback(self, patch: Patch) -> Optional[str]:
        """A second packet that says something else would be left behind."""
        if self.movie.rival is not None and patch.splices:
            return f"another XMP packet, at offset {self.movie.rival.start}, would no longer agree"
        return None


_MAY_BEGIN = frozenset((b"wide", b"pnot", b"PICT", b"pict", b"junk", b"uuid", b"udta", *FREE))


def accepts(head: bytes) -> bool:
    """Whether a file that begins so is a movie: by its brand, or, from before brands, by its first box."""
    kind = head[4:8]
    if kind == b"ftyp":
        return head[8:12] not in _OTHERS_BRANDS
    # Three letters and a dash in front of "free" are a text.
    return kind in (b"moov", b"mdat") or (kind in _MAY_BEGIN and head[:1] < b"\x20")


def read(source: ByteSource) -> QuickTimeFile:
    """The payloads of a movie; `source` has to stay open until the patch is made.

    Raises TruncatedError (a box goes past the end of the file), StructureError (no movie header, lying sizes),
    UnsupportedError (a compressed header, an XMP packet over 16 MiB).
    """
    movie = find(source)
    packet = next(iter(movie.packets.values()), None)
    raster, orientation = picture(movie)
    return QuickTimeFile(
        size=source.size,
        payloads=Payloads(xmp=packet.content if packet else None, atoms=movie.contents),
        raster=raster,
        orientation=orientation,
        notes=tuple(_notes(movie)),
        movie=movie,
    )


def check_whole(source: ByteSource, found: QuickTimeFile) -> None:
    """Raises TruncatedError when the file ends behind a header whose media it should hold."""
    require_media(found.movie)


def _notes(movie: Movie) -> Iterator[str]:
    for kind, boxes in ((b"moov", movie.top), (b"udta", movie.inside), (b"meta", movie.inside)):
        for box in [box for box in boxes if box.kind == kind][1:]:
            yield f"another {kind.decode()} box at offset {box.start} stays as it is"
    for name in sorted(movie.closed):
        yield f"the box {name} is too large for metadata and stays as it is"
    if movie.rival is not None:
        yield f"another XMP packet at offset {movie.rival.start} stays as it is"


def patch(found: QuickTimeFile, payloads: Payloads) -> Patch:
    """What turns the payloads of the movie into `payloads`; only those that differ are touched.

    An `atoms` key that is missing removes its box, a new one (`meta`, `udta`) makes it; headers keep their length.
    Raises UnsupportedError and NoRoomError when the movie cannot take it.
    """
    require_homes(found.payloads, payloads, ("xmp", "atoms"), "movie")
    _require_room(payloads)
    movie = found.movie
    headers = tuple(_headers(movie, payloads))
    outside = Grown(())
    touches_xmp = payloads.xmp != found.payloads.xmp
    if touches_xmp and ("uuid" in movie.packets or not (movie.packets or movie.is_quicktime)):
        outside = top_level_packet(movie, movie.packets.get("uuid"), payloads.xmp)
    changes = [*_meta_changes(movie, payloads), *_user_data_changes(movie, payloads, touches_xmp)]
    if not changes:
        return _finished(found, Grown(headers + outside.splices, outside.tail))
    refusal = UnsupportedError(FRAGMENTS_MOVE, place=f"offset {movie.moov.end}")
    inner = [*headers, *(splice for change in changes for splice in change.splices())]
    for way in header_grown(movie, inner, changes[0].end):
        try:
            grown = Grown(outside.splices + way.splices, way.tail + outside.tail, way.replaces_header)
            return _finished(found, grown)
        except UnsupportedError as error:  # a position cannot be followed, or does not fit its 32 bits
            refusal = error
    raise refusal


def _finished(found: QuickTimeFile, grown: Grown) -> Patch:
    movie, splices = found.movie, grown.splices
    if grown.tail:
        splices += (*ended(movie, splices), Splice(tail_place(movie), 0, grown.tail))
    return Patch(found.size, in_order(splices + followed(movie, splices, grown.replaces_header)))


def _require_room(payloads: Payloads) -> None:
    sizes = {"XMP": len(payloads.xmp or b""), **{name: len(content) for name, content in payloads.atoms.items()}}
    for name, size in sizes.items():
        if size > MAX_CONTENT_BYTES:
            raise NoRoomError(f"{size} bytes of at most {MAX_CONTENT_BYTES}", place=name)


def _headers(movie: Movie, payloads: Payloads) -> Iterator[Splice]:
    """Overwritten where they are."""
    for name in sorted((movie.contents.keys() | payloads.atoms.keys()) - {"meta", "udta"}):
        old, new = movie.contents.get(name), payloads.atoms.get(name)
        if old == new:
            continue
        if old is None or new is None or len(old) != len(new) or name == "ftyp":
            raise UnsupportedError("this box can neither be made nor removed nor change its length", place=name)
        yield from narrowed(movie.homes[name].body, old, new)


class _Change(NamedTuple):
    """A box in moov: its content before and after; None: no box. A new one comes at `end`."""

    kind: bytes
    box: Optional[Box]
    end: int
    old: bytes
    new: Optional[bytes]

    def splices(self) -> tuple[Splice, ...]:
        box = self.box
        if box is None:
            return () if self.new is None else (Splice(self.end, 0, packed(self.kind, self.new)),)
        if self.new is None:
            return (Splice(box.start, box.end - box.start, b""),)
        growth = len(self.new) - len(self.old)
        return narrowed(box.body, self.old, self.new) + ((resized(box, growth),) if growth else ())


def _meta_changes(movie: Movie, payloads: Payloads) -> Iterator[_Change]:
    old, new = movie.contents.get("meta"), payloads.atoms.get("meta")
    if old != new:
        _require_open(movie, "meta")
        box = movie.homes.get("meta")
        udta = first(movie.inside, b"udta")
        place = box.end if box else udta.start if udta else _last_place(movie)
        yield _Change(b"meta", box, place, old or b"", new)


def _user_data_changes(movie: Movie, payloads: Payloads, touches_xmp: bool) -> Iterator[_Change]:
    """Of the first `udta`, and of another one that has the packet."""
    old_packet = movie.packets.get("udta")
    new_packet = old_packet.content if old_packet else None
    if touches_xmp and (old_packet or (movie.is_quicktime and not movie.packets)):
        new_packet = payloads.xmp
    changes_packet = new_packet != (old_packet.content if old_packet else None)
    box = movie.homes.get("udta")
    rest, new_rest = movie.contents.get("udta"), payloads.atoms.get("udta")
    if old_packet is not None and old_packet.parent != box:
        if changes_packet:
            yield _repacked(movie, old_packet, new_packet)
        old_packet = new_packet = None
        changes_packet = False
    if rest == new_rest and not changes_packet:
        return
    _require_open(movie, "udta")
    old = _user_data(movie, box, old_packet)
    new = None if new_rest is None and new_packet is None else user_data_with(old, new_rest or b"", new_packet)
    yield _Change(b"udta", box, box.end if box else _last_place(movie), old.content, new)


def _repacked(movie: Movie, packet: Packet, new: Optional[bytes]) -> _Change:
    """A packet in a `udta` that is not handed out."""
    box = packet.parent
    if box is None or box.size > MAX_CONTENT_BYTES:
        raise NoRoomError("the user data is too large to be changed", place=f"offset {packet.box.start}")
    old = _user_data(movie, box, packet)
    return _Change(b"udta", box, box.end, old.content, user_data_with(old, old.rest, new))


def _user_data(movie: Movie, box: Optional[Box], packet: Optional[Packet]) -> UserData:
    content = movie.source.read_at(box.body, box.size) if box else b""
    place = (packet.box.start - box.body, packet.box.end - box.body) if packet and box else None
    return UserData(content, place)


def _require_open(movie: Movie, name: str) -> None:
    if name in movie.closed:
        raise NoRoomError("the box is too large to be changed", place=name)


def _last_place(movie: Movie) -> int:
    """Behind the last box in moov, before free ones at its end."""
    last = movie.moov.body
    for box in movie.inside:
        if box.kind not in FREE:
            last = box.end
    return last
