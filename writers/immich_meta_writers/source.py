"""ByteSource: bounded random access to a file that is only read.

Not here: any knowledge of formats.
"""

from __future__ import annotations

import os
from typing import Protocol

from immich_meta_writers.errors import ChangedError

HEAD_BYTES = 65536
_BLOCK_BYTES, _MAX_BLOCKS = 4096, 256


class ByteSource(Protocol):
    """What a container reads from. `read_at` answers with what really arrives: fewer bytes at the end of the file."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes: ...


class ByteView(Protocol):
    """Bytes that are sliced and measured, and maybe not all in memory; `bytes` is one. Positive indices only."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: slice) -> bytes: ...


class MemorySource:
    """A ByteSource over bytes in memory, or over a view that is put together where it is looked at."""

    def __init__(self, data: ByteView) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


class SourceView:
    """A ByteView over a ByteSource. Small slices come out of blocks of 4 KiB, of which the last 256 are kept.

    Slicing raises ChangedError when the file ends earlier than it did.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._blocks: dict[int, bytes] = {}

    def __len__(self) -> int:
        return self._source.size

    def __getitem__(self, place: slice) -> bytes:
        start, end, _ = place.indices(self._source.size)
        first, last = start // _BLOCK_BYTES, (end - 1) // _BLOCK_BYTES
        if end <= start:
            return b""
        if last - first > 1:
            return self._read(start, end)
        data = self._block(first) if first == last else self._block(first) + self._block(last)
        return data[start - first * _BLOCK_BYTES : end - first * _BLOCK_BYTES]

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            while len(self._blocks) >= _MAX_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            start = number * _BLOCK_BYTES
            block = self._blocks[number] = self._read(start, min(start + _BLOCK_BYTES, self._source.size))
        return block

    def _read(self, start: int, end: int) -> bytes:
        data = self._source.read_at(start, end - start)
        if len(data) < end - start:
            raise ChangedError("the file became shorter while it was read", place=f"offset {start + len(data)}")
        return data


class FileSource:
    """A ByteSource over an open file descriptor; the first 64 kB are read once and kept.

    `bytes_read` counts what was asked of the file system.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.bytes_read = 0
        self._head = self._read(0, HEAD_BYTES)

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        return self._read(offset, length)

    def _read(self, offset: int, length: int) -> bytes:
        if hasattr(os, "pread"):
            data = os.pread(self._descriptor, length, offset)
        else:  # Windows
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            data = os.read(self._descriptor, length)
        self.bytes_read += len(data)
        return data
