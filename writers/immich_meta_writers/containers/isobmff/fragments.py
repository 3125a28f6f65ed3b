"""Positions that movie fragments, their indexes and `saio` hold (ISO/IEC 14496-12, 8.7.9, 8.8 and 8.16.3).

Not here: the offsets of a movie header (offsets.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Optional

from immich_meta_writers.containers.isobmff.boxes import Box, children, first
from immich_meta_writers.containers.isobmff.tables import Move, full_box, renumbered
from immich_meta_writers.errors import NoRoomError, StructureError, UnsupportedError
from immich_meta_writers.patch import Splice
from immich_meta_writers.source import ByteSource

_MAX_ENTRIES = 1 << 20
_HAS_BASE, _BASE_IS_MOOF, _HAS_DATA_OFFSET = 0x1, 0x20000, 0x1


def shifted_fragment(source: ByteSource, moof: Box, boxes: Sequence[Box], move: Move) -> Iterator[Splice]:
    """The base of each track fragment (8.8.7), and what counts from it: `trun` (8.8.8) and `saio` (8.7.9).

    Without a base the second track fragment counts from the end of the first one's data, which only the samples tell:
    such a fragment has to move as one. Raises UnsupportedError when it does not.
    """
    for number, traf in enumerate(box for box in children(source, moof.body, moof.end) if box.kind == b"traf"):
        inside = children(source, traf.body, traf.end)
        tfhd = first(inside, b"tfhd")
        if tfhd is None:
            raise StructureError("a track fragment has no header", place=f"offset {traf.start}")
        _, flags, data = full_box(source, tfhd)
        base = moof.start
        if flags & _HAS_BASE:
            if len(data) < 16:
                raise StructureError("a track fragment's header is too short", place=f"offset {tfhd.start}")
            base = int.from_bytes(data[8:16], "big")
            yield from renumbered(data, tfhd.body, 8, 1, 8, move)
        elif not flags & _BASE_IS_MOOF and number:
            _require_one_step(moof, boxes, move)
            continue
        for box in inside:
            if box.kind == b"trun":
                yield from _run(source, box, base, move)
            elif box.kind == b"saio":
                yield from shifted_auxiliary(source, box, _from_base(base, move))


def first_run(source: ByteSource, moof: Box) -> Optional[int]:
    """Where the media of the first run with samples begin; None when there is none, or only the samples tell.

    Raises StructureError, UnsupportedError.
    """
    for number, traf in enumerate(box for box in children(source, moof.body, moof.end) if box.kind == b"traf"):
        inside = children(source, traf.body, traf.end)
        tfhd, trun = first(inside, b"tfhd"), first(inside, b"trun")
        if tfhd is None or trun is None:
            continue
        _, flags, data = full_box(source, tfhd)
        if not flags & (_HAS_BASE | _BASE_IS_MOOF) and number:
            continue
        base = int.from_bytes(data[8:16], "big") if flags & _HAS_BASE else moof.start
        _, flags, data = full_box(source, trun)
        if any(data[4:8]):
            return base + (int.from_bytes(data[8:12], "big", signed=True) if flags & _HAS_DATA_OFFSET else 0)
    return None


def _require_one_step(moof: Box, boxes: Sequence[Box], move: Move) -> None:
    step = move(moof.start) - moof.start
    for box in boxes:
        if box.start > moof.start:
            if move(box.start) - box.start != step or move(box.end - 1) - (box.end - 1) != step:
                raise UnsupportedError("a movie fragment's base cannot be moved", place=f"offset {moof.start}")
            if box.kind == b"moof":
                return


def _from_base(base: int, move: Move) -> Move:
    """The new distance from a base, of a distance that may be negative."""
    return lambda distance: move(base + distance) - move(base)


def _run(source: ByteSource, box: Box, base: int, move: Move) -> Iterator[Splice]:
    """The one distance of a run is signed."""
    _, flags, data = full_box(source, box)
    if not flags & _HAS_DATA_OFFSET:
        return
    if len(data) < 12:
        raise StructureError("a track run is too short", place=f"offset {box.start}")
    old = int.from_bytes(data[8:12], "big", signed=True)
    new = _from_base(base, move)(old)
    if new == old:
        return
    if not -1 << 31 <= new < 1 << 31:
        raise NoRoomError(f"a distance of {new} does not fit 32 bits", place=f"offset {box.start}")
    yield Splice(box.body + 8, 4, new.to_bytes(4, "big", signed=True))


def shifted_auxiliary(source: ByteSource, box: Box, move: Move) -> Iterator[Splice]:
    """The offsets of a `saio` (8.7.9): in a track from the start of the file, in a fragment from its base."""
    version, flags, data = full_box(source, box)
    at, width = (12 if flags & 1 else 4), (8 if version else 4)
    count = int.from_bytes(data[at : at + 4], "big")
    if at + 4 + count * width > len(data):
        raise StructureError(f"{count} offsets do not fit their box", place=f"offset {box.start}")
    yield from renumbered(data, box.body, at + 4, count, width, move)


def shifted_random_access(source: ByteSource, mfra: Box, move: Move) -> Iterator[Splice]:
    """The offsets of the fragments in every `tfra` (8.8.10)."""
    for box in children(source, mfra.body, mfra.end):
        if box.kind != b"tfra":
            continue
        version, _, data = full_box(source, box)
        if len(data) < 16:
            raise StructureError("a random access table is too short", place=f"offset {box.start}")
        sizes, count = struct.unpack_from(">II", data, 8)
        width = 8 if version else 4
        step = 2 * width + sum((sizes >> bits & 3) + 1 for bits in (4, 2, 0))
        if count > _MAX_ENTRIES or 16 + count * step > len(data):
            raise StructureError(f"{count} fragments do not fit their table", place=f"offset {box.start}")
        for at in range(16, 16 + count * step, step):
            yield from renumbered(data, box.body, at + width, 1, width, move)


def shifted_segment_index(source: ByteSource, sidx: Box, move: Move) -> Iterator[Splice]:
    """The distance from the index to what it indexes, which has to move as one (8.16.3). Raises UnsupportedError."""
    version, _, data = full_box(source, sidx)
    width = 8 if version else 4
    at = 12 + width
    head = at + width + 4
    count = int.from_bytes(data[head - 2 : head], "big")
    if head + 12 * count > len(data):
        raise StructureError(f"{count} references do not fit their index", place=f"offset {sidx.start}")
    distance = int.from_bytes(data[at : at + width], "big")
    start = position = sidx.end + distance
    for entry in range(head, head + 12 * count, 12):
        position += int.from_bytes(data[entry : entry + 4], "big") & 0x7FFFFFFF
        if move(position - 1) - (position - 1) != move(start) - start:
            raise UnsupportedError("bytes that a segment index counts would grow", place=f"offset {sidx.start}")
    # What is inserted right behind the index lies between it and its material.
    anchor = move(sidx.end - 1) + 1
    yield from renumbered(data, sidx.body, at, 1, width, lambda old: move(sidx.end + old) - anchor)
