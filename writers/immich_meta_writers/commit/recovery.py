"""What a killed run left: temporary files go, and what it was overwriting becomes again what it was.

Not here: writing (replacement.py, in_place.py).
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import Optional

from immich_meta_writers.commit.durability import Lock, flush_directory, lock
from immich_meta_writers.commit.journal import MOST_BYTES, PREFIX, SUFFIX, Journal, decode, journal_name
from immich_meta_writers.commit.refusals import mapped
from immich_meta_writers.commit.replacement import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from immich_meta_writers.commit.replay import TARGET_FLAGS, read_range, restore
from immich_meta_writers.errors import AccessError, ChangedError, WriterError

BEING_WRITTEN = "the file is being written at this moment"
_INTERRUPTED = "an earlier write was interrupted"


def recover(path: str) -> bool:
    """Bring back the old bytes of a file that a killed run was overwriting. Whether there was something to do.

    Raises ChangedError when a living process is writing it, or when another program has edited it since; AccessError
    when this user may not bring it back. The file is not to be read then.
    """
    target = os.path.realpath(path)
    directory, name = os.path.split(target)
    with mapped(path):
        try:
            return recover_journal(os.path.join(directory, journal_name(name)))
        except WriterError as error:
            error.path = path
            raise


def sweep(directory: str) -> int:
    """Tidy a directory: how many temporary files were removed and interrupted writes taken back.

    What somebody still holds stays, and so does a journal that cannot be worked off: opening its file says why.
    """
    settled = 0
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY_PREFIX) and entry.name.endswith(TEMPORARY_SUFFIX):
                settled += _remove_orphan(entry.path)
            elif entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError, WriterError):
                    settled += recover_journal(entry.path)
    return settled


def recover_journal(place: str) -> bool:
    """Work off the journal at `place`, unless a living process holds it. Whether there was one.

    A journal whose file is gone stays: the file may have been moved, and nothing else can mend it. Raises ChangedError,
    AccessError, OSError.
    """
    with _held(place) as descriptor:
        if descriptor is None:
            return False
        journal = _read(descriptor)
        if journal is None:  # half of one: its file was not touched yet
            with contextlib.suppress(PermissionError):
                os.unlink(place)
            return True
        if journal_name(journal.name) != os.path.basename(place) or os.path.basename(journal.name) != journal.name:
            return False
        return _work_off(place, os.fstat(descriptor).st_uid, journal)


def is_at(descriptor: int, place: str) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(place))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _held(place: str) -> Iterator[Optional[int]]:
    """The journal, open and locked; None when there is none, or none any more."""
    try:
        descriptor = os.open(place, TARGET_FLAGS) if stat.S_ISREG(os.lstat(place).st_mode) else None
    except (FileNotFoundError, NotADirectoryError):
        descriptor = None
    except PermissionError as error:
        raise AccessError(_INTERRUPTED, cure="run once as the user whose run it was, or as root") from error
    if descriptor is None:
        yield None
        return
    try:
        held = lock(descriptor)
        if held is Lock.BUSY:
            raise ChangedError(BEING_WRITTEN)
        if held is Lock.NONE:
            raise AccessError(_INTERRUPTED, cure="run where it was running: the old bytes can be brought back there")
        yield descriptor if is_at(descriptor, place) else None
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> Optional[Journal]:
    return decode(read_range(descriptor, 0, MOST_BYTES))


def _work_off(place: str, owner: int, journal: Journal) -> bool:
    target = os.path.join(os.path.dirname(place), journal.name)
    try:
        status = os.lstat(target)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(status.st_mode) or owner not in (os.geteuid(), status.st_uid):
        # In a folder that everybody may write to, a stranger's journal would have us write his bytes.
        raise AccessError("a journal of another user lies beside the file", cure=f"look at {place} and remove it")
    descriptor = os.open(target, TARGET_FLAGS)
    try:
        restored = restore(descriptor, journal)
    finally:
        os.close(descriptor)
    if not restored and status.st_ino == journal.inode:
        cause = f"{_INTERRUPTED}, and another program has edited the file since"
        raise ChangedError(cause, cure=f"see whether the file is whole, then remove {place}")
    os.unlink(place)  # worked off; or the whole file was replaced, and what the journal is about is no more
    flush_directory(os.path.dirname(place))
    return True


def _remove_orphan(path: str) -> int:
    """Unlink a temporary file unless its writer lives; where locks are missing, an open file cannot be removed."""
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            held = lock(descriptor)
            if held is Lock.HELD:
                os.unlink(path)
        finally:
            os.close(descriptor)
        if os.name != "posix":
            os.unlink(path)
    except OSError:
        return 0
    return int(held is Lock.HELD or os.name != "posix")
