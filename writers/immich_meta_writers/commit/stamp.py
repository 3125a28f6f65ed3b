"""What a file looked like when it was read.

Not here: what is done about a file that has changed since (replacement.py, in_place.py).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from immich_meta_writers.errors import ChangedError

# A file of at least LARGE bytes is written in place when that takes little, old bytes and new ones together: less than
# 1 MiB, or than a 64th of the file. The header of a long movie has some MB; a copy of the file costs far more.
LARGE, LITTLE, MOST = 32 << 20, 1 << 20, 64 << 20
# What a file that was cut in place measures at least.
JOURNALLED_FROM = LARGE - LITTLE


def little(size: int) -> int:
    """The bytes that may be written in place in a file of `size` bytes."""
    return min(MOST, max(LITTLE, size >> 6))


@dataclass(frozen=True)
class Stamp:
    """What a file looked like when it was read: enough to see that somebody else has written to it since.

    `ctime_ns` is 0 for a file that is too small to be written in place: each write makes a new inode of it. A large
    one may keep its size, inode and modification time, and yet be another.
    """

    size: int
    mtime_ns: int
    inode: int
    device: int
    ctime_ns: int = 0

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        ctime_ns = status.st_ctime_ns if status.st_size >= JOURNALLED_FROM else 0
        return cls(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev, ctime_ns)


def require_same(status: os.stat_result, stamp: Stamp, path: str) -> None:
    """Raises ChangedError."""
    if Stamp.of(status) != stamp:
        raise ChangedError("the file has changed since it was read", path=path)
