"""Patch: byte ranges of one file and what replaces them.

Not here: writing to a file (commit/) and knowing what the bytes mean (containers/).
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

from immich_meta_writers.source import ByteView


@dataclass(frozen=True)
class Splice:
    """`length` bytes at `offset` of the old file become `data`; a length of 0 inserts, empty data removes."""

    offset: int
    length: int
    data: bytes


def common_start(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def narrowed(offset: int, old: bytes, new: bytes) -> tuple[Splice, ...]:
    """What turns `old` at `offset` into `new`, without the bytes that are the same at both ends: undo stays small."""
    if old == new:
        return ()
    front = common_start(old, new)
    back = common_start(old[front:][::-1], new[front:][::-1])
    return (Splice(offset + front, len(old) - front - back, new[front : len(new) - back]),)


@dataclass(frozen=True)
class Patch:
    """Sorted, non-overlapping splices over a file of `size` bytes. No splices: the file stays as it is.

    Raises ValueError when the splices overlap, are unsorted or reach outside of the file.
    """

    size: int
    splices: tuple[Splice, ...] = ()

    def __post_init__(self) -> None:
        end = 0
        for splice in self.splices:
            if splice.offset < end or splice.length < 0:
                raise ValueError(f"splices overlap or are unsorted at {splice.offset}")
            end = splice.offset + splice.length
        if end > self.size:
            raise ValueError(f"splice ends at {end}, behind the file's {self.size} bytes")

    @property
    def new_size(self) -> int:
        """Bytes of the file after the patch."""
        return self.size + sum(len(splice.data) - splice.length for splice in self.splices)

    def apply(self, old: bytes) -> bytes:
        """The new file's bytes; `old` has to be the `size` bytes that the patch was made for."""
        if len(old) != self.size:
            raise ValueError(f"patch is for {self.size} bytes, not {len(old)}")
        parts, position = [], 0
        for splice in self.splices:
            parts += [old[position : splice.offset], splice.data]
            position = splice.offset + splice.length
        return b"".join([*parts, old[position:]])

    def invert(self, read: Callable[[int, int], bytes]) -> Patch:
        """The patch that turns the new file back; `read(offset, length)` reads the old one."""
        undo, shift = [], 0
        for splice in self.splices:
            undo.append(Splice(splice.offset + shift, len(splice.data), read(splice.offset, splice.length)))
            shift += len(splice.data) - splice.length
        return Patch(self.new_size, tuple(undo))

    def then(self, other: Patch) -> Patch:
        """Both as one patch: `other` is for the file that this one makes. Raises ValueError when it is not."""
        if other.size != self.new_size:
            raise ValueError(f"the second patch is for {other.size} bytes, the first one makes {self.new_size}")
        if not self.splices or not other.splices:
            return other if not self.splices else self
        made, position, new = [], 0, b""
        for start, end, data in _overlaid(list(_pieces(self)), other):
            if end == start:
                new += data
                continue
            if new or start > position:
                made.append(Splice(position, start - position, new))
            position, new = end, b""
        if new or position < self.size:
            made.append(Splice(position, self.size - position, new))
        return Patch(self.size, tuple(made))

    def digest(self) -> bytes:
        """SHA-256 of what the patch does; the same patch on the same places has the same digest."""
        sha = hashlib.sha256()
        for splice in self.splices:
            sha.update(b"%d %d %d " % (splice.offset, splice.length, len(splice.data)))
            sha.update(splice.data)
        return sha.digest()


_Piece = tuple[int, int, bytes]
"""Bytes start to end of the old file, or, where these are equal, new ones."""


def _pieces(patch: Patch) -> Iterator[_Piece]:
    """The new file, in order."""
    position = 0
    for splice in patch.splices:
        if splice.offset > position:
            yield position, splice.offset, b""
        if splice.data:
            yield splice.offset, splice.offset, splice.data
        position = splice.offset + splice.length
    if position < patch.size:
        yield position, patch.size, b""


def _overlaid(pieces: list[_Piece], patch: Patch) -> Iterator[_Piece]:
    """The pieces with a second patch made; its positions count over all pieces."""
    index, skipped = 0, 0  # what is left begins `skipped` bytes into pieces[index]
    position = 0
    for splice in (*patch.splices, Splice(patch.size, 0, b"")):
        for is_kept, until in ((True, splice.offset), (False, splice.offset + splice.length)):
            while position < until:
                start, end, data = pieces[index]
                length = end - start or len(data)
                taken = min(length - skipped, until - position)
                if is_kept:
                    yield _part((start, end, data), skipped, taken)
                position, skipped = position + taken, skipped + taken
                if skipped == length:
                    index, skipped = index + 1, 0
        if splice.data:
            yield 0, 0, splice.data


def _part(piece: _Piece, skipped: int, taken: int) -> _Piece:
    start, end, data = piece
    if end == start:
        return start, end, data[skipped : skipped + taken]
    return start + skipped, start + skipped + taken, b""


class PatchedView:
    """What a patch makes of a file that is too large for memory: a ByteView over both, put together where it is
    looked at.
    """

    def __init__(self, base: ByteView, patch: Patch) -> None:
        if len(base) != patch.size:
            raise ValueError(f"patch is for {patch.size} bytes, not {len(base)}")
        self.base = base
        self.patch = patch
        self._size = patch.new_size
        self._pieces: list[_Piece] = []
        self._starts: list[int] = []
        position = 0
        for piece in _pieces(patch):
            self._pieces.append(piece)
            self._starts.append(position)
            position += piece[1] - piece[0] or len(piece[2])

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: slice) -> bytes:
        position, end, _ = place.indices(self._size)
        index = bisect.bisect_right(self._starts, position) - 1
        parts = []
        while position < end:
            start, stop, data = self._pieces[index]
            skipped = position - self._starts[index]
            taken = min((stop - start or len(data)) - skipped, end - position)
            if stop == start:
                parts.append(data[skipped : skipped + taken])
            else:
                parts.append(self.base[start + skipped : start + skipped + taken])
            position, index = position + taken, index + 1
        return parts[0] if len(parts) == 1 else b"".join(parts)


def patched(view: ByteView, patch: Patch) -> ByteView:
    """The view with a patch made: bytes of bytes, else a view that knows its patch over the file at its bottom."""
    if isinstance(view, bytes):
        return patch.apply(view)
    if isinstance(view, PatchedView):
        return PatchedView(view.base, view.patch.then(patch))
    return PatchedView(view, patch)
