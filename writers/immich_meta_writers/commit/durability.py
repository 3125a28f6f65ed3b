"""Getting bytes and names onto the disk, and locks that a killed process loses.

Not here: what is written (replacement.py, in_place.py).
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import sys

from immich_meta_writers.commit.refusals import mapped

if sys.platform != "win32":
    import fcntl

_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP)


class Lock(enum.Enum):
    HELD = "ours until the file is closed"
    BUSY = "another process has it"
    NONE = "there are no locks here"


def lock(descriptor: int, *, wait: bool = False) -> Lock:
    """Lock a whole file until it is closed, so that others can tell a live file from a dead one's."""
    if os.name != "posix":
        return Lock.NONE
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Lock.BUSY
    except OSError:  # a file system without locks
        return Lock.NONE
    return Lock.HELD


def flush(descriptor: int) -> None:
    """Onto the disk itself: on macOS fsync alone stops at the drive's cache."""
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def flush_directory(directory: str) -> bool:
    """Make the names in a directory durable. False where that cannot be done; raises OSError when it fails."""
    if os.name != "posix":
        return False
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except (PermissionError, FileNotFoundError):  # it may be written to and not be listed; or it is gone
        return False
    try:
        flush(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:  # file systems that cannot sync a directory
            raise
        return False
    finally:
        os.close(descriptor)
    return True


def sync_directory(directory: str) -> None:
    """Make renames in a directory durable; a run does this once for many files, since it costs as much as a photo.

    Without it a power failure may bring the old file back, whole; a batch's later files make it durable as well.
    Raises AccessError.
    """
    with mapped(directory):
        flush_directory(directory)
