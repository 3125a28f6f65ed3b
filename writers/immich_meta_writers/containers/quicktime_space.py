"""Room in a movie: free boxes give and take, boxes get new sizes, `moov` is shifted or moves to the end.

Not here: what grows or shrinks (quicktime.py, quicktime_packets.py), and positions inside of boxes (isobmff).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.containers.isobmff.boxes import Box, first, header, packed
from immich_meta_writers.containers.isobmff.offsets import moves, shifted
from immich_meta_writers.containers.quicktime_boxes import BODY, FREE, MAX_CONTENT_BYTES, METADATA, Movie
from immich_meta_writers.containers.replacing import shown
from immich_meta_writers.errors import NoRoomError, UnsupportedError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.source import ByteSource

# What a shifted movie gets behind its header, so that the next edits shift nothing.
SLACK_BYTES = 2048
# From this size on a header that does not fit its place goes to the end: to shift the samples is to copy them all.
LONG_BYTES = 32 << 20
FRAGMENTS_MOVE = "a fragmented movie has to stay where it is, and too little space is free behind its header"
_HEADER = 8
_LARGEST_SMALL = 0xFFFFFFFF
# Free boxes are looked through that far; and a header that moves to the end is held in memory.
_MAX_FREE_BYTES, _MAX_MOOV_BYTES = 256 << 10, 256 << 20
# Nothing counts from these: they may be moved without a look at any table.
_STILL = frozenset((*FREE, b"wide", b"uuid", b"moov", b"mfra"))
_HOLDS_SAMPLES = frozenset((b"mdat", b"moof", b"sidx", b"styp"))


class Grown(NamedTuple):
    """Splices that make room, and bytes that go to the end of the file; `replaces_header`: moov is among them."""

    splices: tuple[Splice, ...]
    tail: bytes = b""
    replaces_header: bool = False


def in_order(splices: Iterable[Splice]) -> tuple[Splice, ...]:
    """As a Patch has them: at one place insertions in the order given, in front of a removal."""
    return tuple(sorted(splices, key=lambda splice: (splice.offset, splice.length > 0)))


def resized(box: Box, growth: int) -> Splice:
    """The size field of a box that becomes longer by `growth` bytes. Raises NoRoomError at 4 GiB."""
    size = box.end - box.start + growth
    if box.body - box.start > _HEADER:
        return Splice(box.start + _HEADER, 8, size.to_bytes(8, "big"))
    if size > _LARGEST_SMALL:
        raise NoRoomError(f"the box {shown(box.kind)} would pass 4 GiB", place=f"offset {box.start}")
    return Splice(box.start, 4, size.to_bytes(4, "big"))


def free_behind(movie: Movie, box: Box, needed: int = 0) -> Optional[Box]:
    """The blank free box right behind another one."""
    behind = movie.behind(box)
    return behind[0] if behind and is_blank(movie.source, behind[0], needed) else None


def is_blank(source: ByteSource, box: Box, needed: int = 0) -> bool:
    """Whether this is free space. Dash cameras and others keep data in `free` and `skip`: only zeros are free."""
    if box.kind not in FREE or box.is_open or box.body - box.start > _HEADER:
        return False
    return not any(source.read_at(box.body, min(box.size, max(_MAX_FREE_BYTES, 2 * needed))).strip(b"\0"))


def taken(free: Box, count: int) -> Optional[Splice]:
    """`count` bytes from the front of a free box; negative: given to it. None: it is too small."""
    left = free.end - free.start - count
    if left == 0:
        return Splice(free.start, free.end - free.start, b"")
    if left < _HEADER or left > _LARGEST_SMALL:
        return None
    return Splice(free.start, _HEADER + max(count, 0), header(free.kind, left - _HEADER) + bytes(max(-count, 0)))


def freed(box: Box) -> tuple[Splice, ...]:
    """The box becomes free space: its content may be private."""
    return (Splice(box.start + 4, 4, b"free"), Splice(box.body, box.size, bytes(box.size)))


def is_last(movie: Movie, box: Box) -> bool:
    """Whether nothing behind the box minds being moved."""
    behind = movie.behind(box)
    return not any(each.kind in _HOLDS_SAMPLES or each.kind == b"moov" for each in behind) and not (
        behind and _has_maker_positions(movie)
    )


def _has_maker_positions(movie: Movie) -> bool:
    """Novatek's dash cameras: moov/`gps ` holds positions of `free` boxes anywhere in the file."""
    return first(movie.inside, b"gps ") is not None


def header_grown(movie: Movie, inner: Sequence[Splice], place: int) -> Iterator[Grown]:
    """The ways to take up what `inner`, the splices within moov, make it grow, best first; none: there is no way.

    `place`: where in moov a free box may come.
    """
    growth = sum(len(splice.data) - splice.length for splice in inner)
    settled = _in_free_space(movie, growth, place) if growth else ()
    if settled is not None:
        yield Grown((*inner, *settled))
        return
    grown = (*inner, resized(movie.moov, growth))
    if is_last(movie, movie.moov):
        yield Grown(grown)
    if movie.is_fragmented:
        return
    if movie.source.size >= LONG_BYTES:
        yield _at_the_end(movie, grown)
    if not _has_maker_positions(movie):
        yield Grown((*grown, Splice(movie.moov.end, 0, packed(b"free", bytes(SLACK_BYTES - _HEADER)))))
    yield _at_the_end(movie, grown)


def _in_free_space(movie: Movie, growth: int, place: int) -> Optional[tuple[Splice, ...]]:
    """Free space in moov or right behind it takes up the growth, or is made of what is left over."""
    for box in reversed(movie.inside):
        if is_blank(movie.source, box, growth):
            splice = taken(box, growth)
            if splice is not None:
                return (splice,)
    free = free_behind(movie, movie.moov, growth)
    splice = free and taken(free, growth)
    if splice:
        return (resized(movie.moov, growth), splice)
    if growth <= -_HEADER:
        return (Splice(place, 0, packed(b"free", bytes(-growth - _HEADER))),)
    return None


def _at_the_end(movie: Movie, edits: Sequence[Splice]) -> Grown:
    """A new moov for the end of the file; the old one becomes free, so nothing else moves.

    Its tables stay readable there, which keeps undo small; its metadata may be private and do not.
    """
    moov = movie.moov
    size = moov.end - moov.start
    if size > _MAX_MOOV_BYTES:
        raise UnsupportedError(f"the movie header has {size} bytes", place=f"offset {moov.start}")
    inside = [Splice(edit.offset - moov.start, edit.length, edit.data) for edit in in_order(edits)]
    new = Patch(size, tuple(inside)).apply(movie.source.read_at(moov.start, size))
    told = [box for box in movie.inside if box.kind in METADATA] + [box for track in movie.tracks for box in track.told]
    blank = [Splice(box.body, box.size, bytes(box.size)) for box in told if 0 < box.size <= MAX_CONTENT_BYTES]
    return Grown((Splice(moov.start + 4, 4, b"free"), *blank), new, True)


def followed(movie: Movie, splices: Iterable[Splice], replaces_header: bool) -> tuple[Splice, ...]:
    """What keeps the positions in the file true; the tables are only read when something moves that they may mean.

    Raises UnsupportedError and NoRoomError.
    """
    move = moves(in_order(splices))
    moving = [box for box in movie.top if box.kind not in _STILL and move(box.start) != box.start]
    if not moving:
        return ()
    if movie.is_fragmented and any(box.kind in _HOLDS_SAMPLES for box in moving):
        raise UnsupportedError(FRAGMENTS_MOVE, place=f"offset {moving[0].start}")
    found = shifted(movie.source, movie.top, move)
    if replaces_header and any(movie.moov.start <= splice.offset < movie.moov.end for splice in found):
        raise UnsupportedError("samples lie behind the end of the media data", place=f"offset {moving[0].start}")
    return found


def tail_place(movie: Movie) -> int:
    """The end of the file for new boxes: before `mfra` and what else may be found from the end."""
    return next(box.end for box in reversed(movie.top) if box.kind in BODY)


def ended(movie: Movie, splices: Iterable[Splice]) -> tuple[Splice, ...]:
    """Before something comes behind it, an open last box gets its true size: in its header, or in a `wide` before it.

    Raises UnsupportedError when there is no place for 64 bits.
    """
    last = movie.top[-1]
    if not last.is_open or last.end != tail_place(movie) or _is_resized(last, splices):
        return ()
    if last.end - last.start <= _LARGEST_SMALL:
        return (resized(last, 0),)
    wide = movie.top[-2] if len(movie.top) > 1 else last
    if wide.kind != b"wide" or wide.end - wide.start != _HEADER:
        raise UnsupportedError("the open last box has no place for its size", place=f"offset {last.start}")
    return (Splice(wide.start, 2 * _HEADER, header(last.kind, last.size, large=True)),)


def _is_resized(box: Box, splices: Iterable[Splice]) -> bool:
    return any(splice.offset == box.start and splice.length for splice in splices)
