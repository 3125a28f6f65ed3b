"""ByteSource: bounded random access to a file that is only read.

Not here: any knowledge of formats.
"""

from __future__ import annotations

import os
from typing import Protocol

HEAD_BYTES = 65536


class ByteSource(Protocol):
    """What a container reads from. `read_at` answers with what really arrives: fewer bytes at the end of the file."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes: ...


class ByteView(Protocol):
    """Bytes that are sliced and measured, and maybe not all in memory; `bytes` is one. Positive indices only."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: slice) -> bytes: ...


class MemorySource:
    """A ByteSource over bytes in memory: tests, and payloads that are containers themselves."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


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
