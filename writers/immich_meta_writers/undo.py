"""Taking one written file back: what is there now, and the old bytes and time if that is what was written.

Not here: the values themselves (commit/undo.py), where they are kept, and which of them are taken back.
"""

from __future__ import annotations

import enum
import errno
import os
import stat
from collections.abc import Iterable
from functools import partial
from typing import Optional

from immich_meta_writers.commit import JOURNALLED_FROM, Stamp, commit, recover, remove, set_mtime
from immich_meta_writers.commit.read_back import CHUNK_BYTES, READ_FLAGS, outside_digest, stretches
from immich_meta_writers.commit.refusals import mapped
from immich_meta_writers.commit.replay import read_range
from immich_meta_writers.commit.undo import How, Undo, decode, encode
from immich_meta_writers.errors import naming

__all__ = ["Found", "How", "Undo", "decode", "encode", "found", "revert"]

# Opening a pipe of that name would wait for a writer for ever.
_FLAGS = READ_FLAGS | getattr(os, "O_NONBLOCK", 0)
_COARSEST = 2_000_000_000  # ns: what FAT makes of a time that is set
_State = tuple["Found", Optional[Stamp]]


class Found(enum.Enum):
    """What a file is, seen from a change that was made to it."""

    NEW = "as it was written"
    OLD = "as it was before"
    OTHER = "changed since"
    MISSING = "not there"


def found(undo: Undo) -> Found:
    """What the file is now, by its bytes; its times count only where nothing but the time was set.

    Every byte is read. Of a file that was changed IN_PLACE only the size and the changed ranges are: an edit by
    somebody else that left both alone is not seen, and is not lost either, as nothing else is written back. What a
    killed run left of it is brought back first. A CREATED file that is not there is OLD.

    Raises AccessError when the file cannot be read, ChangedError when it is being written at this moment.
    """
    with naming(undo.path), mapped(undo.path):
        return _state(undo)[0]


def revert(undo: Undo) -> Found:
    """Take the change back if the file is NEW; answers with what was found. Otherwise nothing is done.

    The bytes and the modification time are as before; owner, mode and attributes are left as they are now; a CREATED
    file is removed. Written as `commit` writes: a crash leaves the new file or the old one. Durable after
    `sync_directory`. Another hard link to the old file, which the change had parted from it, is not joined again.

    Raises AccessError when the file system refuses, ChangedError when the file changes meanwhile.
    """
    path = undo.path
    with naming(path), mapped(path):
        state, stamp = _state(undo)
        if state is not Found.NEW or stamp is None:
            return state
        if undo.how is How.CREATED:
            remove(path, stamp)
        elif undo.how is How.TOUCHED:
            set_mtime(path, stamp, undo.old.mtime_ns)
        else:
            commit(path, undo.inverse, stamp, undo.old.mtime_ns)
        return state


def _state(undo: Undo) -> _State:
    """What the file is, and what it looked like before it was read."""
    absent = Found.OLD if undo.how is How.CREATED else Found.MISSING
    try:
        status = os.lstat(undo.path)
        if not stat.S_ISREG(status.st_mode):
            return Found.OTHER, None
        if max(status.st_size, undo.old.size) >= JOURNALLED_FROM:
            recover(undo.path)
        descriptor = os.open(undo.path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return absent, None
    except OSError as error:
        if error.errno == errno.ELOOP:  # it has become a link
            return Found.OTHER, None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Found.OTHER, None
        return _by_time(undo, status) if undo.how is How.TOUCHED else _by_bytes(undo, descriptor, status)
    finally:
        os.close(descriptor)


def _by_time(undo: Undo, status: os.stat_result) -> _State:
    stamp, now = Stamp.of(status), status.st_mtime_ns
    if status.st_size != undo.inverse.size or undo.new_mtime_ns is None:
        return Found.OTHER, stamp
    times = ((undo.new_mtime_ns, Found.NEW), (undo.old.mtime_ns, Found.OLD))
    distance, state = min(((abs(now - time), index) for index, (time, _) in enumerate(times)))
    return (times[state][1] if distance < _COARSEST else Found.OTHER), stamp


def _by_bytes(undo: Undo, descriptor: int, status: os.stat_result) -> _State:
    stamp = Stamp.of(status)
    is_new = _is_new(undo, descriptor, status.st_size)
    # A patch may make the very same bytes of a file: then its time tells.
    if (not is_new or status.st_mtime_ns == undo.old.mtime_ns) and _is_old(undo, descriptor, status.st_size):
        return Found.OLD, stamp
    return (Found.NEW if is_new else Found.OTHER), stamp


def _is_new(undo: Undo, descriptor: int, size: int) -> bool:
    if size != undo.inverse.size:
        return False
    applied = undo.inverse.invert(partial(read_range, descriptor))
    if applied.digest() != undo.inside:
        return False
    places = ((stretch.old, stretch.length) for stretch in stretches(undo.inverse))
    return undo.outside is None or _digest(descriptor, places) == undo.outside


def _is_old(undo: Undo, descriptor: int, size: int) -> bool:
    if undo.how is How.CREATED or size != undo.old.size:
        return False
    shift = 0
    for splice in undo.inverse.splices:
        if read_range(descriptor, splice.offset + shift, len(splice.data)) != splice.data:
            return False
        shift += len(splice.data) - splice.length
    places = ((stretch.new, stretch.length) for stretch in stretches(undo.inverse))
    return undo.outside is None or _digest(descriptor, places) == undo.outside


def _digest(descriptor: int, places: Iterable[tuple[int, int]]) -> bytes:
    digest = outside_digest()
    for offset, length in places:
        for done in range(0, length, CHUNK_BYTES):
            digest.update(read_range(descriptor, offset + done, min(CHUNK_BYTES, length - done)))
    return digest.digest()
