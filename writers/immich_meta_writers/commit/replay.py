"""Ranges of an open file: read, overwritten, and brought back to what a journal holds.

Not here: finding journals (recovery.py) and making them (in_place.py).
"""

from __future__ import annotations

import os

from immich_meta_writers.commit.durability import flush
from immich_meta_writers.commit.journal import Journal

# A target is opened so: a pipe of its name would wait for ever, and a link of its name is not it.
TARGET_FLAGS = os.O_RDWR | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def read_range(descriptor: int, offset: int, length: int) -> bytes:
    """What there is of it: less at the end of the file. Without pread (Windows) the file's position moves."""
    parts = []
    while length > 0:
        if hasattr(os, "pread"):
            part = os.pread(descriptor, length, offset)
        else:
            os.lseek(descriptor, offset, os.SEEK_SET)
            part = os.read(descriptor, length)
        if not part:
            break
        parts.append(part)
        offset, length = offset + len(part), length - len(part)
    return b"".join(parts)


def write_range(descriptor: int, offset: int, data: bytes) -> None:
    """All of it: the system may take less at a time."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset, view = offset + written, view[written:]


def restore(descriptor: int, journal: Journal) -> bool:
    """Bring the old bytes, size and times back, onto the disk. May be interrupted and done again.

    False, and nothing done, when the file is not one that this journal's write was interrupted in. Raises OSError.
    """
    status = os.fstat(descriptor)
    found = tuple(read_range(descriptor, part.offset, part.length) for part in journal.ranges)
    if not journal.may_have_left(status.st_size, found):
        return False
    stale = [part for part, data in zip(journal.ranges, found) if not data.startswith(part.old)]
    if stale or status.st_size != journal.old_size:
        for part in stale:
            write_range(descriptor, part.offset, part.old)
        os.ftruncate(descriptor, journal.old_size)
        os.utime(descriptor, ns=(journal.atime_ns, journal.mtime_ns))
    flush(descriptor)  # also what an interrupted way back had written, and had not flushed
    return True
