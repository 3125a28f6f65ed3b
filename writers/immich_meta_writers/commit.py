"""The only place that writes to a user's file: a temporary file beside it, then one rename.

Not here: deciding what to write (plan) and which bytes (containers, Patch).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.errors import AccessError, ChangedError, WriterError
from immich_meta_writers.patch import Patch

# A dot name without a media ending: no photo scanner takes it for a picture.
_TEMPORARY_PREFIX, _TEMPORARY_SUFFIX = ".immich-meta-", ".tmp"
_COPY_BYTES = 1 << 20
_KERNEL_CANNOT_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}
_CURES = {
    errno.EACCES: "give this user write access to the folder, or run as the owner of the files",
    errno.EPERM: "run as the owner of the files, or as root",
    errno.EROFS: "mount the library writable",
    errno.ENOSPC: "free some space: a photo is written anew beside the old one",
    errno.EDQUOT: "free some space: the quota is used up",
}


@dataclass(frozen=True)
class Stamp:
    """What a file looked like when it was read: enough to see that somebody else has written to it since."""

    size: int
    mtime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)


def access_error(error: OSError, path: str) -> WriterError:
    """An operating system's no, in this package's words."""
    cause = (error.strerror or str(error)).lower()
    return AccessError(cause, cure=_CURES.get(error.errno or 0, ""), path=path)


def commit(path: str, patch: Patch, stamp: Stamp, mtime_ns: Optional[int] = None) -> None:
    """Apply a patch. A crash at any point leaves the old file or the new one.

    Owner, group, mode, extended attributes and ACLs stay. `mtime_ns` None is now.
    The rename is durable after `sync_directory`. A symbolic link is followed and stays a link; another hard link to
    the file keeps the old bytes.

    Raises ChangedError when the file is no longer what `stamp` says, AccessError when the file system refuses.
    """
    target = os.path.realpath(path)
    with _mapped(path), _temporary(os.path.dirname(target)) as temporary:
        new = temporary.descriptor
        with open(target, "rb", buffering=0, opener=_without_waiting) as old:
            status = os.fstat(old.fileno())
            _require_same(status, stamp, path)
            _require_writable(path)
            _write(old.fileno(), new, patch)
            _copy_attributes(old.fileno(), new, status, path)
        if mtime_ns is not None:
            os.utime(temporary.path, ns=(status.st_atime_ns, mtime_ns))
        os.fsync(new)
        if os.fstat(new).st_size != patch.new_size:
            raise ChangedError("the file became shorter while it was copied", path=path)
        _require_same(os.stat(target), stamp, path)
        temporary.replace(target)


def create(path: str, data: bytes, beside: os.stat_result, mtime_ns: Optional[int] = None) -> None:
    """Make a new file with the owner and read rights of the one `beside`; an existing file is never replaced."""
    directory = os.path.dirname(os.path.realpath(path))
    with _mapped(path), _temporary(directory) as temporary:
        new = temporary.descriptor
        _write_all(new, data)
        os.chmod(temporary.path, stat.S_IMODE(beside.st_mode) & 0o666 | stat.S_IWUSR)
        if hasattr(os, "fchown"):
            with contextlib.suppress(PermissionError):  # not the owner: the new file is ours, as any copy would be
                os.fchown(new, beside.st_uid, beside.st_gid)
        if mtime_ns is not None:
            os.utime(temporary.path, ns=(mtime_ns, mtime_ns))
        os.fsync(new)
        _link_new(temporary, path)


def set_mtime(path: str, stamp: Stamp, mtime_ns: int) -> None:
    """Set only the modification time."""
    with _mapped(path):
        status = os.stat(path)
        _require_same(status, stamp, path)
        _require_writable(path)
        os.utime(path, ns=(status.st_atime_ns, mtime_ns))


def sweep(directory: str) -> int:
    """Remove what a killed run left in a directory; a temporary file that somebody still holds stays. How many went."""
    removed = 0
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(_TEMPORARY_PREFIX) and entry.name.endswith(_TEMPORARY_SUFFIX):
                removed += _remove_orphan(entry.path)
    return removed


@contextlib.contextmanager
def _mapped(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise access_error(error, path) from error


class _Temporary:
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
def _temporary(directory: str) -> Iterator[_Temporary]:
    """A new, locked file that is gone afterwards unless it was renamed."""
    name = f"{_TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}{_TEMPORARY_SUFFIX}"
    path = os.path.join(directory, name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    temporary = _Temporary(path, os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600))
    try:
        _lock(temporary.descriptor)
        yield temporary
    finally:
        temporary.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe, should the file have become one, would wait for a writer for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _write(old: int, new: int, patch: Patch) -> None:
    position = 0
    for splice in patch.splices:
        _copy(old, new, position, splice.offset - position)
        _write_all(new, splice.data)
        position = splice.offset + splice.length
    _copy(old, new, position, patch.size - position)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


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
        _write_all(new, chunk)
        length -= len(chunk)


def _copy_attributes(old: int, new: int, status: os.stat_result, path: str) -> None:
    if hasattr(os, "fchown"):
        found = os.fstat(new)
        if (found.st_uid, found.st_gid) != (status.st_uid, status.st_gid):
            try:
                os.fchown(new, status.st_uid, status.st_gid)
            except PermissionError as error:
                cause = "the new file could not keep the owner and group of the old one"
                raise AccessError(cause, cure=_CURES[errno.EPERM], path=path) from error
        _copy_extended_attributes(old, new)
        os.fchmod(new, stat.S_IMODE(status.st_mode))


def _copy_extended_attributes(old: int, new: int) -> None:
    """ACLs too: they are the attribute system.posix_acl_access, which a new file inherits from its folder."""
    if sys.platform != "linux":
        return
    try:
        names, inherited = os.listxattr(old), os.listxattr(new)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENOSYS):
            return
        raise
    for name in (*names, *inherited):
        try:
            if name in names:
                os.setxattr(new, name, os.getxattr(old, name))
            else:
                os.removexattr(new, name)
        except OSError:
            if not name.startswith(("security.", "trusted.")):  # the system's own: only it may set them
                raise


def _require_same(status: os.stat_result, stamp: Stamp, path: str) -> None:
    if Stamp.of(status) != stamp:
        raise ChangedError("the file has changed since it was read", path=path)


def _require_writable(path: str) -> None:
    """A rename would replace a read-only file all the same; its owner meant it."""
    if not os.access(path, os.W_OK):
        raise AccessError("the file is read-only", cure="allow writing to it (chmod u+w)", path=path)


def _link_new(temporary: _Temporary, path: str) -> None:
    try:
        os.link(temporary.path, path)
    except FileExistsError as error:
        raise ChangedError("the file was made by another program meanwhile", path=path) from error
    except OSError:  # no hard links here (FAT, some network shares)
        if os.path.lexists(path):
            raise ChangedError("the file was made by another program meanwhile", path=path) from None
        temporary.replace(path)


def sync_directory(directory: str) -> None:
    """Make renames in a directory durable; a run does this once for many files, since it costs as much as a photo.

    Without it a power failure may bring the old file back, whole; a batch's later files make it durable as well.
    Raises AccessError.
    """
    if os.name != "posix":
        return
    with _mapped(directory):
        try:
            descriptor = os.open(directory, os.O_RDONLY)
        except (PermissionError, FileNotFoundError):  # it may be written to and not be listed; or it is gone
            return
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot sync a directory
                raise
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Held until the file is closed, so that a sweep can tell a live file from a dead one."""
    if os.name == "posix":
        import fcntl

        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_orphan(path: str) -> int:
    """Unlink a temporary file unless its writer lives; where locks are missing, an open file cannot be removed."""
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            if os.name == "posix":
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
        finally:
            os.close(descriptor)
        if os.name != "posix":
            os.unlink(path)
    except OSError:
        return 0
    return 1
