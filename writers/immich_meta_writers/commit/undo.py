"""What takes one written file back: a small value, made before the file is touched, and its bytes for keeping.

Not here: taking it back (immich_meta_writers/undo.py), and where such values are kept.
"""

from __future__ import annotations

import enum
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.commit.refusals import CURES
from immich_meta_writers.commit.stamp import Stamp
from immich_meta_writers.errors import AccessError, DamagedError, UnsupportedError
from immich_meta_writers.patch import Patch, Splice

# What is longer would be no metadata any more: it is not written, as it could not be taken back.
MOST_BYTES = 128 << 20

_MAGIC = b"IMMU\x02"  # the last byte is the version
_INSIDE_BYTES, _OUTSIDE_BYTES = 32, 16
_DEEPEST_NUMBER = 19  # bytes of 7 bits: more than the 128 bits of an inode on ReFS
_LATEST = 1 << 63


class How(enum.Enum):
    """What was done to the file."""

    REPLACED = "a new file took its place"
    IN_PLACE = "its bytes were overwritten"
    CREATED = "it was not there before"
    TOUCHED = "only its modification time was set"


@dataclass(frozen=True)
class Undo:
    """What takes one written file back.

    `path` is absolute, its links resolved. `inverse` makes the old file of the new one; without splices, and of the new
    file's size, for CREATED and TOUCHED. `old` is the file before (CREATED: all 0). `inside` is the digest of the patch
    that was applied (Patch.digest: the new bytes and their places). `outside` is the digest of all bytes of the new
    file outside of the patch, as they were read back; of a CREATED file these are all; None for IN_PLACE and TOUCHED,
    whose other bytes are not read. `new_mtime_ns` is None where the file got the time of its writing.
    """

    path: str
    how: How
    inverse: Patch
    old: Stamp
    inside: bytes
    outside: Optional[bytes]
    new_mtime_ns: Optional[int]


KeepUndo = Callable[[Undo], None]
OnStep = Callable[[str], None]


def unwatched(step: str) -> None:
    """Who writes and is not watched."""


def hand_over(keep: Optional[KeepUndo], undo: Undo) -> None:
    """Have it kept. Raises AccessError where `keep` raises an OSError, else what it raises; nothing is touched then."""
    if keep is None:
        return
    try:
        keep(undo)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        cause = f"what takes the change back could not be kept: {reason}"
        raise AccessError(cause, cure=CURES.get(error.errno or 0, "")) from error


def encode(undo: Undo) -> bytes:
    """A few kB: the old bytes, compressed, with all else. Raises UnsupportedError where old or new are above 128 MiB.

    Layout: 5 bytes magic and version, then one zlib stream. In it numbers are varints, 7 bits a byte, the lowest first,
    signed ones zigzag: how, length of path, path, the 5 numbers of the stamp, size of the new file, number of splices,
    for each its distance from the last one's end and the lengths of new and old bytes, then all old bytes, the digest
    inside, and, each behind a byte that is 1 when it is there, the digest outside and the new modification time.
    """
    path, old, splices = os.fsencode(undo.path), undo.old, undo.inverse.splices
    parts = [_number(list(How).index(undo.how)), _number(len(path)), path]
    parts += [_number(old.size), _signed(old.mtime_ns), _number(old.inode), _number(old.device), _signed(old.ctime_ns)]
    parts += [_number(undo.inverse.size), _number(len(splices))]
    end = 0
    for splice in splices:
        parts += [_number(splice.offset - end), _number(splice.length), _number(len(splice.data))]
        end = splice.offset + splice.length
    parts += [*(splice.data for splice in splices), undo.inside]
    parts.append(b"\0" if undo.outside is None else b"\1" + undo.outside)
    parts.append(b"\0" if undo.new_mtime_ns is None else b"\1" + _signed(undo.new_mtime_ns))
    if max(sum(map(len, parts)), _new_bytes(undo.inverse)) > MOST_BYTES:
        raise UnsupportedError("the change is too large to be taken back", path=undo.path)
    return _MAGIC + zlib.compress(b"".join(parts))


def decode(data: bytes) -> Undo:
    """What `encode` made bytes of. Raises DamagedError for anything else; inflates to at most 128 MiB."""
    if not data.startswith(_MAGIC):
        raise _damaged("it begins otherwise")
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(memoryview(data)[len(_MAGIC) :], MOST_BYTES)
    except zlib.error as error:
        raise _damaged("it cannot be inflated") from error
    if not inflate.eof or inflate.unused_data:
        raise _damaged("it has another length")
    reader = _Reader(content)
    undo = _undo(reader)
    if not reader.is_at_end or not _makes_sense(undo):
        raise _damaged("its parts do not fit")
    return undo


def _undo(reader: _Reader) -> Undo:
    kinds, how = list(How), reader.number()
    if how >= len(kinds):
        raise _damaged("it is of an unknown kind")
    path = os.fsdecode(reader.take(reader.number()))
    old = Stamp(reader.number(), reader.signed(), reader.number(), reader.number(), reader.signed())
    inverse = _inverse(reader)
    inside = reader.take(_INSIDE_BYTES)
    outside = reader.take(_OUTSIDE_BYTES) if reader.flag() else None
    return Undo(path, kinds[how], inverse, old, inside, outside, reader.signed() if reader.flag() else None)


def _inverse(reader: _Reader) -> Patch:
    size, count = reader.number(), reader.number()
    if 3 * count > reader.left:
        raise _damaged("it ends too early")
    places = [(reader.number(), reader.number(), reader.number()) for _ in range(count)]
    try:
        return Patch(size, tuple(_splices(places, reader)))
    except ValueError as error:
        raise _damaged(str(error)) from error


def _splices(places: list[tuple[int, int, int]], reader: _Reader) -> Iterator[Splice]:
    end = 0
    for distance, length, old in places:
        yield Splice(end + distance, length, reader.take(old))
        end += distance + length


def _makes_sense(undo: Undo) -> bool:
    """Whether the numbers are a file's: a path that can be opened, times that can be set, sizes that go together."""
    times = (undo.old.mtime_ns, undo.old.ctime_ns, undo.new_mtime_ns or 0)
    if "\0" in undo.path or not os.path.isabs(undo.path) or not all(-_LATEST <= time < _LATEST for time in times):
        return False
    if _new_bytes(undo.inverse) > MOST_BYTES:  # they will be read into memory
        return False
    if undo.how is How.CREATED:
        return not undo.inverse.splices and undo.outside is not None
    if undo.how is How.TOUCHED and (undo.inverse.splices or undo.new_mtime_ns is None):
        return False
    return undo.inverse.new_size == undo.old.size and (undo.how is not How.REPLACED or undo.outside is not None)


def _new_bytes(inverse: Patch) -> int:
    return sum(splice.length for splice in inverse.splices)


def _damaged(cause: str) -> DamagedError:
    return DamagedError(f"what takes a change back is damaged: {cause}", cure="the file stays as it is")


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _signed(value: int) -> bytes:
    return _number(value << 1 if value >= 0 else (-value << 1) - 1)


class _Reader:
    """Numbers and bytes, one after the other. Each raises DamagedError at the end."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    @property
    def left(self) -> int:
        return len(self._content) - self._position

    @property
    def is_at_end(self) -> bool:
        return not self.left

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise _damaged("it ends too early")
        self._position += length
        return self._content[self._position - length : self._position]

    def number(self) -> int:
        value = 0
        for index in range(_DEEPEST_NUMBER):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return value
        raise _damaged("a number has no end")

    def signed(self) -> int:
        value = self.number()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def flag(self) -> bool:
        (byte,) = self.take(1)
        if byte > 1:
            raise _damaged("a flag is neither")
        return bool(byte)
