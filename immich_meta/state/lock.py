"""One run per store: a lock that the kernel drops when its holder dies, with a note of who that is.

Not here: what the lock guards (store.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
import weakref
from pathlib import Path
from typing import NamedTuple, Optional

from immich_meta.errors import StateBusyError
from immich_meta.state.place import readable
from immich_meta_writers.commit.durability import Lock, lock

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NOTE_BYTES = 4096
_TRIES, _PAUSE = 20, 0.01  # seconds
_LOCKED_BYTE = 1 << 30  # Windows: what is locked cannot be read by others, and the note has to be


class Holder(NamedTuple):
    """Who has a store: process id, name of its machine, moment (seconds since 1970), what it does."""

    pid: int
    host: str
    since: float
    command: str


class StoreLock:
    """Held until `close` or the death of this process; processes that it forks do not hold it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_Closing(weakref.ref(self)))

    def close(self) -> None:
        """Let the next one in, also while a forked process still has its copy of the descriptor."""
        if sys.platform != "win32" and self._descriptor >= 0:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.leave()

    def leave(self) -> None:
        """Close this process's descriptor; whoever else has it keeps the lock."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def take(path: Path, command: str, now: float) -> StoreLock:
    """Lock a store and say who holds it. Where the file system knows no locks, none is taken.

    Raises StateBusyError when somebody else has it, OSError when the file cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if not _try_for_long(descriptor):
            raise _busy(path, _noted(descriptor))
        note = {"pid": os.getpid(), "host": socket.gethostname(), "since": now, "command": command[:1000]}
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(note).encode())
    except BaseException:
        os.close(descriptor)
        raise
    return StoreLock(descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process has the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


def holder_of(path: Path) -> Optional[Holder]:
    """Who took the lock last, whether or not the lock is still held; None when that cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
    try:
        return _noted(descriptor)
    finally:
        os.close(descriptor)


class _Closing:
    """Called in each forked child: its copy of the descriptor would keep the lock alive after our death."""

    def __init__(self, held: weakref.ref[StoreLock]) -> None:
        self._held = held

    def __call__(self) -> None:
        store_lock = self._held()
        if store_lock is not None:
            with contextlib.suppress(OSError):
                store_lock.leave()


def _try(descriptor: int) -> bool:
    if sys.platform == "win32":
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    return lock(descriptor) is not Lock.BUSY


def _try_for_long(descriptor: int) -> bool:
    """Who only asks whether the lock is held (is_held) has it for an instant."""
    for left in reversed(range(_TRIES)):
        if _try(descriptor):
            return True
        if left:
            time.sleep(_PAUSE)
    return False


def _noted(descriptor: int) -> Optional[Holder]:
    """What the holder wrote; None when it has not written yet, or not in words that are understood."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        note = json.loads(os.read(descriptor, _NOTE_BYTES))
        return Holder(int(note["pid"]), str(note["host"]), float(note["since"]), str(note["command"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _busy(path: Path, holder: Optional[Holder]) -> StateBusyError:
    if holder is None:
        return StateBusyError("another run is under way", path=str(path))
    try:
        since = readable(holder.since)
    except (OverflowError, ValueError, OSError):
        since = "some time"
    here = "" if holder.host == socket.gethostname() else f" on {holder.host}"
    return StateBusyError(
        f"another run is under way: {holder.command or 'immich-meta'}, process {holder.pid}{here}, since {since}",
        path=str(path),
        holder=holder._asdict(),
    )
