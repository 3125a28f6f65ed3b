"""Positions in the file that boxes hold: they stay true when bytes move.

Known: `stco` and `co64` (unless the samples are in another file), `saio` of a track; in a movie fragment the base of
`tfhd` and what counts from it (`trun`, `saio`); `tfra` in `mfra`; the first offset of `sidx`; `iloc` of every `meta` at
top level, in `moov` and in its tracks (ISO/IEC 14496-12: 8.7.5, 8.7.9, 8.8.7, 8.8.8, 8.8.10, 8.16.3, 8.11.3).
Relative, or counted from the end, so nothing to do: `mfro`, `ssix`, `senc`, `elst`.
Not here: positions that makers keep inside of user data, and moving the bytes (heif.py, quicktime.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Optional

from immich_meta_writers.containers.isobmff import iloc
from immich_meta_writers.containers.isobmff.boxes import Box, children, descend, first
from immich_meta_writers.containers.isobmff.fragments import (
    shifted_auxiliary,
    shifted_fragment,
    shifted_random_access,
    shifted_segment_index,
)
from immich_meta_writers.containers.isobmff.tables import Move, content, renumbered
from immich_meta_writers.errors import StructureError, UnsupportedError
from immich_meta_writers.patch import Splice
from immich_meta_writers.source import ByteSource

__all__ = ["Move", "Relocated", "in_this_file", "moves", "shifted"]

# Items that got other bytes than those that moved: (start, length) in the old file to those in the new one.
Relocated = Mapping[tuple[int, int], tuple[int, int]]


def moves(edits: Sequence[Splice]) -> Move:
    """Where a byte of the old file lies after `edits` (sorted, as in a Patch); bytes at an insertion move behind it."""
    grown = [edit for edit in edits if len(edit.data) != edit.length]
    ends = [edit.offset + edit.length for edit in grown]
    growth = [0, *accumulate(len(edit.data) - edit.length for edit in grown)]

    def move(position: int) -> int:
        return position + growth[bisect_right(ends, position)]

    return move


def shifted(
    source: ByteSource, boxes: Sequence[Box], move: Move, relocated: Optional[Relocated] = None
) -> tuple[Splice, ...]:
    """Same-length overwrites, at old positions, of every file offset in these top-level boxes; sorted.

    `move(old position) -> new position` (`moves` makes one of splices). Leave out a box whose offsets are the caller's
    own business. An item that lies exactly at a key of `relocated` follows that instead (libavif lists the Exif and XMP
    of a sequence twice, at top level and in the track). Each table is read in one piece.
    Raises NoRoomError when an offset outgrows its 32 bits, UnsupportedError when one cannot be followed (a compressed
    movie header, samples partly in other files), StructureError when a box lies.
    """
    relocated, splices = relocated or {}, list[Splice]()
    for box in boxes:
        if box.kind == b"moov":
            splices += _movie(source, box, move, relocated)
        elif box.kind == b"moof":
            splices += shifted_fragment(source, box, boxes, move)
        elif box.kind == b"mfra":
            splices += shifted_random_access(source, box, move)
        elif box.kind == b"sidx":
            splices += shifted_segment_index(source, box, move)
        elif box.kind == b"meta":
            splices += _items(source, box, move, relocated)
    return tuple(sorted(splices, key=lambda splice: splice.offset))


def _movie(source: ByteSource, moov: Box, move: Move, relocated: Relocated) -> Iterator[Splice]:
    for box in children(source, moov.body, moov.end):
        if box.kind == b"cmov":
            raise UnsupportedError("the movie header is compressed", place=f"offset {box.start}")
        if box.kind == b"meta":
            yield from _items(source, box, move, relocated)
        elif box.kind == b"trak":
            yield from _track(source, box, move, relocated)


def _track(source: ByteSource, trak: Box, move: Move, relocated: Relocated) -> Iterator[Splice]:
    for box in children(source, trak.body, trak.end):
        if box.kind == b"meta":
            yield from _items(source, box, move, relocated)
    minf = descend(source, trak, b"mdia", b"minf")
    stbl = minf and first(children(source, minf.body, minf.end), b"stbl")
    if minf is None or stbl is None:
        return
    answers = in_this_file(source, minf)
    if len(answers) > 1:
        raise UnsupportedError("the samples lie partly in other files", place=f"offset {minf.start}")
    if False in answers:
        return
    for box in children(source, stbl.body, stbl.end):
        if box.kind in (b"stco", b"co64"):
            yield from _chunks(source, box, move)
        elif box.kind == b"saio":
            yield from shifted_auxiliary(source, box, move)  # from the start of the file


def in_this_file(source: ByteSource, minf: Box) -> frozenset[bool]:
    """Whether the samples of a track lie in this very file (8.7.2): both answers where some do and some do not, none
    where nothing tells."""
    dref = descend(source, minf, b"dinf", b"dref")
    entries = children(source, dref.body + 8, dref.end) if dref else ()
    return frozenset(_names_this_file(source, entry) for entry in entries)


def _names_this_file(source: ByteSource, entry: Box) -> bool:
    """Flag 1, or an empty location: some muxers forget the flag."""
    head = source.read_at(entry.body, min(entry.size, 64))
    return bool(head[3:4] and head[3] & 1) or not any(head[4:])


def _chunks(source: ByteSource, box: Box, move: Move) -> Iterator[Splice]:
    width = 4 if box.kind == b"stco" else 8
    data = content(source, box)
    count = int.from_bytes(data[4:8], "big")
    if len(data) < 8 or count * width > len(data) - 8:
        raise StructureError(f"{count} chunks do not fit their table", place=f"offset {box.start}")
    yield from renumbered(data, box.body, 8, count, width, move)


def _items(source: ByteSource, meta: Box, move: Move, relocated: Relocated) -> Iterator[Splice]:
    """The items of a `meta`; QuickTime's own has no version and flags, and a box header where they would be."""
    head = source.read_at(meta.body, 8)
    skip = 0 if head[4:8] in (b"hdlr", b"keys", b"ilst", b"iloc", b"mhdr") else 4
    inside = children(source, meta.body + skip, meta.end)
    box = first(inside, b"iloc")
    if box is None:
        return
    table = iloc.parse(content(source, box), f"offset {box.start}")
    references = in_file_references(source, inside)
    has_offsets, new = table.offset_size > 0, []
    for location in table.locations:
        is_here = location.method == iloc.IN_FILE and location.reference in references
        spans = tuple(location.spans()) if is_here else ()
        if len(spans) == 1 and spans[0] in relocated:
            start, length = relocated[spans[0]]
            new.append(iloc.placed(location, start, length, has_offsets=has_offsets))
        else:
            new.append(iloc.moved(location, move, has_offsets=has_offsets, references=references))
    if tuple(new) != table.locations:
        yield Splice(box.body, box.size, iloc.encode(table._replace(locations=tuple(new))).ljust(box.size, b"\0"))


def in_file_references(source: ByteSource, inside: Sequence[Box]) -> frozenset[int]:
    """The data references of a `meta` that mean this file: 0, and those in its `dinf` that name no other."""
    dinf = first(tuple(inside), b"dinf")
    dref = dinf and first(children(source, dinf.body, dinf.end), b"dref")
    entries = children(source, dref.body + 8, dref.end) if dref else ()
    local = {0}
    for number, entry in enumerate(entries, 1):
        if _names_this_file(source, entry):
            local.add(number)
    return frozenset(local)
