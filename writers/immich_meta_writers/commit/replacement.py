"""A new file beside the old one, then one rename.

Not here: large files whose change fits its place (in_place.py), and what a killed run left (recovery.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from functools import partial
from typing import Optional

from immich_meta_writers.commit.attributes import copy_attributes
from immich_meta_writers.commit.durability import lock
from immich_meta_writers.commit.read_back import outside_digest, require_read_back
from immich_meta_writers.commit.refusals import mapped, require_writable
from immich_meta_writers.commit.replay import read_range
from immich_meta_writers.commit.stamp import Stamp, require_same
from immich_meta_writers.commit.undo import How, KeepUndo, OnStep, Undo, hand_over, unwatched
from immich_meta_writers.errors import ChangedError, naming
from immich_meta_writers.patch import Patch, Splice

# A dot name without a media ending: no photo scanner takes it for a picture.
TEMPORARY_PREFIX, TEMPORARY_SUFFIX = ".immich-meta-", ".tmp"
NO_STAMP = Stamp(0, 0, 0, 0)
_COPY_BYTES = 1 << 20
_KERNEL_CANNOT_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}


def replace(
    path: str,
    target: str,
    patch: Patch,
    stamp: Stamp,
    mtime_ns: Optional[int],
    keep: Optional[KeepUndo] = None,
    on_step: OnStep = unwatched,
) -> None:
    """Apply a patch to `target`, which `path` leads to, by a new file in its place; `keep` is called before the rename.

    Raises ChangedError, AccessError, OSError, and what `keep` raises.
    """
    with temporary_file(os.path.dirname(target)) as temporary:
        on_step("temporary created")
        with open(target, "rb", buffering=0, opener=_without_waiting) as old:
            status = os.fstat(old.fileno())
            require_same(status, stamp, path)
            require_writable(path)
            _fill(temporary, old.fileno(), patch, path, on_step)
            if mtime_ns is not None:
                os.utime(temporary.path, ns=(status.st_atime_ns, mtime_ns))
            os.fsync(temporary.descriptor)
            on_step("flushed")
            require_same(os.stat(target), stamp, path)
            outside = require_read_back(temporary.path, old.fileno(), patch, path, hashed=keep is not None)
            on_step("read back")
            if keep is not None:
                inverse = patch.invert(partial(read_range, old.fileno()))
                undo = Undo(target, How.REPLACED, inverse, stamp, patch.digest(), outside, mtime_ns)
                require_same(os.stat(target), stamp, path)
                hand_over(keep, undo)
        on_step("kept")
        require_same(os.stat(target), stamp, path)
        temporary.replace(target)
    on_step("renamed")


def create(
    path: str,
    data: bytes,
    beside: os.stat_result,
    mtime_ns: Optional[int] = None,
    *,
    keep: Optional[KeepUndo] = None,
    on_step: OnStep = unwatched,
) -> None:
    """Make a new file with the owner and read rights of the one `beside`; an existing file is never replaced.

    `keep` is called right before the file gets its name. Raises ChangedError when there is one, AccessError, and what
    `keep` raises.
    """
    directory, name = os.path.split(path)
    target = os.path.join(os.path.realpath(directory), name)
    with naming(path), mapped(path), temporary_file(os.path.dirname(target)) as temporary:
        on_step("temporary created")
        new = temporary.descriptor
        write_all(new, data)
        on_step("copied")
        os.chmod(temporary.path, stat.S_IMODE(beside.st_mode) & 0o666 | stat.S_IWUSR)
        if hasattr(os, "fchown"):
            with contextlib.suppress(PermissionError):  # not the owner: the new file is ours, as any copy would be
                os.fchown(new, beside.st_uid, beside.st_gid)
        on_step("attributes copied")
        if mtime_ns is not None:
            os.utime(temporary.path, ns=(mtime_ns, mtime_ns))
        os.fsync(new)
        on_step("flushed")
        require_read_back(temporary.path, new, Patch(0, (Splice(0, 0, data),)), path, hashed=False)
        on_step("read back")
        if keep is not None:
            _require_free(target, path)
            inverse = Patch(len(data))
            digest = outside_digest()
            digest.update(data)
            hand_over(keep, Undo(target, How.CREATED, inverse, NO_STAMP, inverse.digest(), digest.digest(), mtime_ns))
        on_step("kept")
        _link_new(temporary, target, path)
    on_step("renamed")


def set_mtime(
    path: str,
    stamp: Stamp,
    mtime_ns: int,
    *,
    keep: Optional[KeepUndo] = None,
    on_step: OnStep = unwatched,
) -> None:
    """Set only the modification time. `keep` is called before. Raises ChangedError, AccessError, what `keep` raises."""
    target = os.path.realpath(path)
    with naming(path), mapped(path):
        status = os.stat(target)
        require_same(status, stamp, path)
        require_writable(path)
        if keep is not None:
            inverse = Patch(status.st_size)
            hand_over(keep, Undo(target, How.TOUCHED, inverse, stamp, inverse.digest(), None, mtime_ns))
        on_step("kept")
        require_same(os.stat(target), stamp, path)
        os.utime(target, ns=(status.st_atime_ns, mtime_ns))
    on_step("time set")


def remove(path: str, stamp: Stamp) -> None:
    """Remove a file that is what `stamp` says. Raises ChangedError, AccessError."""
    with naming(path), mapped(path):
        require_same(os.lstat(path), stamp, path)
        os.unlink(path)


class Temporary:
    """A file on its way to a name."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def replace(self, target: str) -> None:
        if os.name == "nt":  # where an open file cannot be renamed
            self.close()
        os.replace(self.path, target)

    def close(self) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


@contextlib.contextmanager
def temporary_file(directory: str) -> Iterator[Temporary]:
    """A new, locked file that is gone afterwards unless it was renamed."""
    name = f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}"
    path = os.path.join(directory, name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    temporary = Temporary(path, os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600))
    try:
        lock(temporary.descriptor)
        yield temporary
    finally:
        temporary.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def write_all(descriptor: int, data: bytes) -> None:
    """All of it: the system may take less at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe, should the file have become one, would wait for a writer for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _fill(temporary: Temporary, old: int, patch: Patch, path: str, on_step: OnStep) -> None:
    new = temporary.descriptor
    _write(old, new, patch)
    if os.fstat(new).st_size != patch.new_size:
        raise ChangedError("the file became shorter while it was copied", path=path)
    on_step("copied")
    copy_attributes(old, new, os.fstat(old), path)
    on_step("attributes copied")


def _write(old: int, new: int, patch: Patch) -> None:
    position = 0
    for splice in patch.splices:
        _copy(old, new, position, splice.offset - position)
        write_all(new, splice.data)
        position = splice.offset + splice.length
    _copy(old, new, position, patch.size - position)


def _copy(old: int, new: int, offset: int, length: int) -> None:
    """Copy a range: by the kernel, without a copy where the file system can share blocks, else through memory."""
    kernel: Optional[Callable[..., int]] = getattr(os, "copy_file_range", None)
    while length and kernel:
        try:
            copied = kernel(old, new, length, offset)
        except OSError as error:
            if error.errno not in _KERNEL_CANNOT_COPY:
                raise
            break
        if not copied:
            break
        offset, length = offset + copied, length - copied
    os.lseek(old, offset, os.SEEK_SET)
    while length:
        chunk = os.read(old, min(length, _COPY_BYTES))
        if not chunk:
            return  # the file became shorter: the caller compares the sizes
        write_all(new, chunk)
        length -= len(chunk)


def _require_free(target: str, path: str) -> None:
    if os.path.lexists(target):
        raise ChangedError("the file was made by another program meanwhile", path=path)


def _link_new(temporary: Temporary, target: str, path: str) -> None:
    try:
        os.link(temporary.path, target)
    except FileExistsError as error:
        raise ChangedError("the file was made by another program meanwhile", path=path) from error
    except OSError:  # no hard links here (FAT, some network shares)
        _require_free(target, path)
        temporary.replace(target)
