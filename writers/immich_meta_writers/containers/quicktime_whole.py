"""Whether a movie's media are still there: a download that ended behind the header leaves one that looks whole.

Not here: boxes that run past the end of the file (isobmff/boxes.py). What cannot be read is not judged: a sound movie
is never refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.containers.isobmff.boxes import Box, children, descend, first
from immich_meta_writers.containers.isobmff.fragments import first_run
from immich_meta_writers.containers.isobmff.offsets import in_this_file
from immich_meta_writers.containers.quicktime_boxes import Movie, Track
from immich_meta_writers.errors import DamagedError, TruncatedError, UnsupportedError
from immich_meta_writers.source import ByteSource

# Chunks stand in the order of time, so the last ones tell: of each table that much is read.
_TAIL_BYTES = 4096
_MAX_MAP_BYTES, _MAX_SIZES_BYTES = 16 << 20, 1 << 16
_RUN = struct.Struct(">III")  # of stsc: first chunk, samples in each, description


def require_media(movie: Movie) -> None:
    """Raises TruncatedError when the media of a track begin behind the end of the file, or no fragment is there where
    all of the movie is in fragments, or the last one has no media (ISO/IEC 14496-12, 8.7.5, 8.8).
    """
    source = movie.source
    tables = [_table(source, track) for track in movie.tracks]
    for number, table in enumerate(tables, 1):
        if table is not None and _is_cut(source, table):
            raise _truncated(source, f"the file ends before the media of track {number}")
    fragments = [box for box in movie.top if box.kind == b"moof"]
    if fragments:
        if all(table is not None for table in tables) and _begins_behind(source, fragments[-1]):
            raise _truncated(source, "the file ends before the media of its last fragment")
    elif tables and first(movie.inside, b"mvex") and all(table is not None and not table.chunks for table in tables):
        raise _truncated(source, "the file ends before the first fragment of the movie")


def _truncated(source: ByteSource, cause: str) -> TruncatedError:
    return TruncatedError(cause, place=f"offset {source.size}")


class _Table(NamedTuple):
    """A track's chunks: their offsets, of `width` bytes each, from `start` on. `inside`: all that is in its `stbl`."""

    start: int
    chunks: int
    width: int
    inside: tuple[Box, ...]


def _table(source: ByteSource, track: Track) -> Optional[_Table]:
    """None when the media are in another file, or this cannot be told."""
    if track.minf is None:
        return None
    try:
        stbl = descend(source, track.minf, b"stbl")
        if stbl is None or in_this_file(source, track.minf) != {True}:
            return None
        inside = children(source, stbl.body, stbl.end)
    except DamagedError:
        return None
    box = first(inside, b"stco") or first(inside, b"co64")
    if box is None:
        return _Table(stbl.end, 0, 4, inside)
    count, width = int.from_bytes(source.read_at(box.body + 4, 4), "big"), 4 if box.kind == b"stco" else 8
    return _Table(box.body + 8, count, width, inside) if count * width <= box.size - 8 else None


def _is_cut(source: ByteSource, table: _Table) -> bool:
    """Whether a chunk begins behind the end of the file. One without bytes may (a text track's last)."""
    kept = min(table.chunks, _TAIL_BYTES // table.width)
    skipped = table.chunks - kept
    data = source.read_at(table.start + skipped * table.width, kept * table.width)
    offsets = struct.iter_unpack(">I" if table.width == 4 else ">Q", data)
    behind = [chunk for chunk, (offset,) in enumerate(offsets, skipped + 1) if offset >= source.size]
    stsc, sizes = first(table.inside, b"stsc"), first(table.inside, b"stsz") or first(table.inside, b"stz2")
    if not behind or stsc is None or sizes is None or stsc.size > _MAX_MAP_BYTES:
        return False
    return any(_has_bytes(source, sizes, samples) for samples in _samples(source.read_at(stsc.body, stsc.size), behind))


def _samples(stsc: bytes, chunks: Sequence[int]) -> Iterator[range]:
    """The samples of each chunk, counted from 0 (8.7.4); chunks are numbered from 1, and sorted."""
    count = min(int.from_bytes(stsc[4:8], "big"), len(stsc) // _RUN.size)
    runs = stsc[8 : 8 + count * _RUN.size]
    runs = runs[: len(runs) // _RUN.size * _RUN.size]
    start, at = 0, 0
    following = runs[_RUN.size :] + _RUN.pack(0xFFFFFFFF, 0, 0)
    for (chunk, length, _), (until, _, _) in zip(_RUN.iter_unpack(runs), _RUN.iter_unpack(following)):
        while at < len(chunks) and chunks[at] < until:
            sample = start + (chunks[at] - chunk) * length
            yield range(max(sample, 0), max(sample + length, 0))
            at += 1
        start += (until - chunk) * length


def _has_bytes(source: ByteSource, sizes: Box, samples: range) -> bool:
    """Whether a sample has (8.7.3): one size for all, or a table with 32 bits each, in `stz2` 4, 8 or 16."""
    head = source.read_at(sizes.body, 12)
    chosen = range(samples.start, min(samples.stop, int.from_bytes(head[8:12], "big")))
    if not chosen or len(head) < 12:
        return False
    if sizes.kind == b"stsz" and any(head[4:8]):
        return True
    bits = 32 if sizes.kind == b"stsz" else head[7]
    start, end = (sizes.body + 12 + number * bits // 8 for number in (chosen.start, chosen.stop))
    return any(source.read_at(start, max(0, min(end, sizes.end, start + _MAX_SIZES_BYTES) - start)))


def _begins_behind(source: ByteSource, moof: Box) -> bool:
    try:
        place = first_run(source, moof)
    except (DamagedError, UnsupportedError):
        return False
    return place is not None and place >= source.size
