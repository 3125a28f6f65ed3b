"""Patch: byte ranges of one file and what replaces them.

Not here: writing to a file (commit.py) and knowing what the bytes mean (containers/).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Splice:
    """`length` bytes at `offset` of the old file become `data`; a length of 0 inserts, empty data removes."""

    offset: int
    length: int
    data: bytes


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

    def digest(self) -> bytes:
        """SHA-256 of what the patch does; the same patch on the same places has the same digest."""
        sha = hashlib.sha256()
        for splice in self.splices:
            sha.update(b"%d %d %d " % (splice.offset, splice.length, len(splice.data)))
            sha.update(splice.data)
        return sha.digest()
