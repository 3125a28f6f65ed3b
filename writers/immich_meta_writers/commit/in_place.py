"""A large file, changed where it lies, under a journal: its other gigabytes are neither read nor written.

Not here: bringing back what a killed write left (recovery.py), and the journal's bytes (journal.py).
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.commit.durability import Lock, flush, flush_directory, lock
from immich_meta_writers.commit.journal import Journal, Range, cost, encode, journal_name, overwrites
from immich_meta_writers.commit.recovery import BEING_WRITTEN, is_at, recover_journal
from immich_meta_writers.commit.refusals import require_writable
from immich_meta_writers.commit.replacement import write_all
from immich_meta_writers.commit.replay import TARGET_FLAGS, read_range, restore, write_range
from immich_meta_writers.commit.stamp import LARGE, Stamp, little, require_same
from immich_meta_writers.commit.undo import How, KeepUndo, OnStep, Undo, hand_over
from immich_meta_writers.errors import AccessError, ChangedError
from immich_meta_writers.patch import Patch

_ATTEMPTS = 5


def fits(patch: Patch) -> bool:
    """Whether the file is large, and the ranges that the patch overwrites are little, with all that moves behind."""
    return patch.size >= LARGE and cost(patch) < little(patch.size)


def overwrite(
    path: str,
    target: str,
    patch: Patch,
    stamp: Stamp,
    mtime_ns: Optional[int],
    keep: Optional[KeepUndo],
    on_step: OnStep,
) -> bool:
    """Apply a patch in `target`, which `path` leads to. False, and nothing done, where that cannot be done safely.

    That is: what the patch overwrites and moves is not little, the file has other hard links (which keep their bytes)
    or another owner (only he may set its times), or lies where there are no locks or where a folder cannot be flushed.
    `keep` is called when the journal is durable, before the first byte; `on_step` is told each step as it is done.
    Raises ChangedError, AccessError, OSError, what `keep` raises; the old bytes are back then, or come back with the
    next opening.
    """
    if not fits(patch) or os.name != "posix":
        return False
    require_same(os.stat(target), stamp, path)
    require_writable(path)
    descriptor = os.open(target, TARGET_FLAGS)
    try:
        status = os.fstat(descriptor)
        require_same(status, stamp, path)
        if status.st_nlink > 1 or os.geteuid() not in (0, status.st_uid):
            return False
        journal = _journal(descriptor, os.path.basename(target), status, patch)
        with _kept(os.path.dirname(target), journal, on_step) as kept:
            if kept is None:
                return False
            require_same(os.stat(target), stamp, path)
            if keep is not None:
                hand_over(keep, _undo(descriptor, target, patch, stamp, mtime_ns))
                require_same(os.stat(target), stamp, path)
            on_step("kept")
            with _or_taken_back(descriptor, journal, kept):
                _write(descriptor, journal, on_step)
                _settle(descriptor, status, mtime_ns)
                on_step("flushed")
                _require_written(descriptor, target, journal, path)
                on_step("read back")
    finally:
        os.close(descriptor)
    on_step("journal removed")
    flush_directory(os.path.dirname(target))
    return True


def _undo(descriptor: int, target: str, patch: Patch, stamp: Stamp, mtime_ns: Optional[int]) -> Undo:
    inverse = patch.invert(functools.partial(read_range, descriptor))
    return Undo(target, How.IN_PLACE, inverse, stamp, patch.digest(), None, mtime_ns)


def _journal(descriptor: int, name: str, status: os.stat_result, patch: Patch) -> Journal:
    read = functools.partial(read_range, descriptor)
    parts = (Range(part.offset, read(part.offset, part.length), part.data) for part in overwrites(patch, read))
    times = (status.st_atime_ns, status.st_mtime_ns)
    return Journal(name, status.st_ino, patch.size, patch.new_size, *times, tuple(parts))


@dataclass
class _Kept:
    """A journal on the disk; `needed` from the first overwritten byte until all are new, or old again."""

    place: str
    needed: bool = False


@contextlib.contextmanager
def _kept(directory: str, journal: Journal, on_step: OnStep) -> Iterator[Optional[_Kept]]:
    """The journal, durable and locked, and removed afterwards unless it is needed; None where that is not to be had."""
    kept = _Kept(os.path.join(directory, journal_name(journal.name)))
    descriptor, held = _locked(kept.place, on_step)
    try:
        try:
            write_all(descriptor, encode(journal))
            on_step("journal written")
            flush(descriptor)
            durable = held is Lock.HELD and flush_directory(directory)
            on_step("journal durable")
            yield kept if durable else None
        finally:
            if not kept.needed:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(kept.place)
    finally:
        os.close(descriptor)


def _locked(place: str, on_step: OnStep) -> tuple[int, Lock]:
    """A new journal, locked. A sweep that comes between the two takes it for a dead one's: then once more."""
    for _ in range(_ATTEMPTS):
        descriptor = _created(place)
        try:
            on_step("journal created")
            held = lock(descriptor, wait=True)
            if held is Lock.NONE or is_at(descriptor, place):
                kept, descriptor = descriptor, -1
                return kept, held
        finally:
            if descriptor >= 0:
                os.close(descriptor)
    raise ChangedError(BEING_WRITTEN)


def _created(place: str) -> int:
    """A new journal. That of a killed run is worked off first; that of a living one is a ChangedError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(FileExistsError):
        return os.open(place, flags, 0o600)
    recover_journal(place)
    try:
        return os.open(place, flags, 0o600)
    except FileExistsError as error:
        raise ChangedError(BEING_WRITTEN) from error


@contextlib.contextmanager
def _or_taken_back(descriptor: int, journal: Journal, kept: _Kept) -> Iterator[None]:
    kept.needed = True
    try:
        yield
        kept.needed = False
    finally:
        if kept.needed:
            _take_back(descriptor, journal, kept)


def _take_back(descriptor: int, journal: Journal, kept: _Kept) -> None:
    cure = f"the next run brings the old bytes back: keep {kept.place}"
    try:
        kept.needed = not restore(descriptor, journal)
    except OSError as error:
        raise AccessError(f"the file could not be put back: {error.strerror}".lower(), cure=cure) from error
    if kept.needed:
        raise ChangedError("another program wrote to the file while it was changed", cure=cure)


def _write(descriptor: int, journal: Journal, on_step: OnStep) -> None:
    """Back to front: a full disk shows at the growing end, before any old byte is overwritten."""
    for part in reversed(journal.ranges):
        write_range(descriptor, part.offset, part.new)
        on_step("range written")
    if journal.new_size < journal.old_size:
        os.ftruncate(descriptor, journal.new_size)
        on_step("shortened")


def _settle(descriptor: int, status: os.stat_result, mtime_ns: Optional[int]) -> None:
    """Mode, time, and everything onto the disk."""
    if os.fstat(descriptor).st_mode != status.st_mode:  # writing takes the set-id bits
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
    if mtime_ns is None:
        os.utime(descriptor)
    else:
        os.utime(descriptor, ns=(status.st_atime_ns, mtime_ns))
    flush(descriptor)


def _require_written(descriptor: int, target: str, journal: Journal, path: str) -> None:
    """The new bytes are there, and they are in the file of that name."""
    same = all(read_range(descriptor, part.offset, len(part.new)) == part.new for part in journal.ranges)
    if not same or os.fstat(descriptor).st_size != journal.new_size:
        raise ChangedError("the file did not read back as it was written", path=path)
    if not is_at(descriptor, target):
        raise ChangedError("the file was moved or replaced while it was written", path=path)
