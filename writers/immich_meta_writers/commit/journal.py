"""The journal of one write in place: what a few ranges of a large file held before, and what they are to hold.

Its file lies beside the large one, under a name that follows from that one's name. Layout, little endian:

    8 bytes  "IMMETAJ1"
    Q Q Q    inode, old size, new size
    q q      old access and modification time, ns since 1970
    H I      length of the file's name, number of ranges
             the name, as the file system has it
    Q I I    for each range: offset, lengths of the old and of the new bytes
             for each range: old bytes, new bytes
    32 bytes SHA-256 of all that

Not here: locks, flushing, and bringing the old bytes back (in_place.py, recovery.py).
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.patch import Patch, Splice

PREFIX, SUFFIX = ".immich-meta-", ".journal"
# Ranges are few and their bytes little: what is longer is nobody's journal.
MOST_BYTES = 80 << 20

_MAGIC = b"IMMETAJ1"
_HEAD = struct.Struct("<QQQqqHI")
_RANGE = struct.Struct("<QII")
_DIGEST_BYTES = 32


def journal_name(name: str) -> str:
    """The name of the journal of the file called `name`: hidden, and no picture by its ending."""
    return f"{PREFIX}{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}{SUFFIX}"


class Range(NamedTuple):
    """Bytes at an offset. Of different lengths only at the end of the file."""

    offset: int
    old: bytes
    new: bytes

    @property
    def length(self) -> int:
        """The longer of both."""
        return max(len(self.old), len(self.new))

    def may_hold(self, found: bytes) -> bool:
        """Whether an interrupted write, or an interrupted way back, may have left these bytes.

        Each is the old one or the new one, or, where the file grows, a zero that the system had put there.
        """
        if len(found) > self.length:
            return False
        if self.old.startswith(found) or self.new.startswith(found):
            return True
        grown = max(0, len(self.new) - len(self.old))
        old = self.old + bytes(grown)
        new = self.new + self.old[len(self.new) :]
        return all(byte in pair for byte, *pair in zip(found, old, new))


@dataclass(frozen=True)
class Journal:
    """`name` without a folder; sizes in bytes, times in ns; `ranges` sorted and apart."""

    name: str
    inode: int
    old_size: int
    new_size: int
    atime_ns: int
    mtime_ns: int
    ranges: tuple[Range, ...]

    def may_have_left(self, size: int, found: tuple[bytes, ...]) -> bool:
        """Whether a file of this size with these bytes in the ranges is one that this write was interrupted in.

        It is not when it was replaced, or edited by another program, since.
        """
        sizes = sorted((self.old_size, self.new_size))
        return sizes[0] <= size <= sizes[1] and all(
            part.may_hold(data) and len(data) == max(0, min(part.length, size - part.offset))
            for part, data in zip(self.ranges, found)
        )


def _joined(patch: Patch) -> tuple[tuple[Splice, ...], int]:
    """The splices, neighbours as one, and where the first byte moves (the end of the file: none does)."""
    joined: list[Splice] = []
    for splice in patch.splices:
        if joined and joined[-1].offset + joined[-1].length == splice.offset:
            last = joined.pop()
            splice = Splice(last.offset, last.length + splice.length, last.data + splice.data)
        joined.append(splice)
    moved = (part.offset for part in joined if len(part.data) != part.length)
    return tuple(joined), next(moved, patch.size)


def cost(patch: Patch) -> int:
    """The bytes, old ones and new ones together, of what `overwrites` answers with."""
    parts, moved = _joined(patch)
    return sum(2 * part.length for part in parts if part.offset < moved) + patch.size - moved + patch.new_size - moved


def overwrites(patch: Patch, read: Callable[[int, int], bytes]) -> tuple[Splice, ...]:
    """A patch as ranges that are overwritten, of which the last may make the file longer or shorter.

    From the first byte that moves on, all to the end of the file is one range; `read(offset, length)` reads the old.
    """
    parts, moved = _joined(patch)
    still = tuple(part for part in parts if part.offset < moved)
    behind = parts[len(still) :]
    if not behind:
        return still
    tail = Patch(patch.size - moved, tuple(Splice(part.offset - moved, part.length, part.data) for part in behind))
    return (*still, Splice(moved, tail.size, tail.apply(read(moved, tail.size))))


def encode(journal: Journal) -> bytes:
    """The journal's file."""
    name = os.fsencode(journal.name)
    times = (journal.atime_ns, journal.mtime_ns)
    head = _HEAD.pack(journal.inode, journal.old_size, journal.new_size, *times, len(name), len(journal.ranges))
    table = [_RANGE.pack(part.offset, len(part.old), len(part.new)) for part in journal.ranges]
    content = b"".join([_MAGIC, head, name, *table, *(part.old + part.new for part in journal.ranges)])
    return content + hashlib.sha256(content).digest()


def decode(data: bytes) -> Optional[Journal]:
    """None for what is cut short or not a journal: then nothing was overwritten yet."""
    content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if not content.startswith(_MAGIC) or hashlib.sha256(content).digest() != digest:
        return None
    try:
        inode, old_size, new_size, atime_ns, mtime_ns, name_length, count = _HEAD.unpack_from(content, len(_MAGIC))
        table = len(_MAGIC) + _HEAD.size + name_length
        name = os.fsdecode(content[len(_MAGIC) + _HEAD.size : table])
        ranges = _ranges(content, table, count)
    except struct.error:
        return None
    return None if ranges is None else Journal(name, inode, old_size, new_size, atime_ns, mtime_ns, ranges)


def _ranges(content: bytes, table: int, count: int) -> Optional[tuple[Range, ...]]:
    """None unless the ranges fill the content exactly."""
    if count * _RANGE.size > len(content):
        return None
    ranges, position = [], table + count * _RANGE.size
    for index in range(count):
        offset, old, new = _RANGE.unpack_from(content, table + index * _RANGE.size)
        middle, end = position + old, position + old + new
        ranges.append(Range(offset, content[position:middle], content[middle:end]))
        position = end
    return tuple(ranges) if position == len(content) else None
