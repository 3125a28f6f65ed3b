"""The files a plan looks at, opened for reading only, and where a photo's sidecar lies.

Not here: writing (commit/), and what the bytes say.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.commit import JOURNALLED_FROM, Stamp, recover
from immich_meta_writers.commit.refusals import mapped
from immich_meta_writers.errors import AccessError
from immich_meta_writers.file_types import MEDIA_ENDINGS
from immich_meta_writers.plan.tree import mirrored
from immich_meta_writers.source import FileSource


@dataclass(frozen=True)
class OpenFile:
    """A regular file, open for reading."""

    path: str
    status: os.stat_result
    source: FileSource

    @property
    def stamp(self) -> Stamp:
        return Stamp.of(self.status)


@contextlib.contextmanager
def opened(path: str, *, mends: bool = True) -> Iterator[OpenFile]:
    """Open a file. `mends`: what a killed run left half written of it is brought back first.

    Raises AccessError for what cannot be opened or read, and for directories, pipes and devices.
    """
    # O_NONBLOCK: opening a pipe would wait for a writer for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise _refused(error, path) from error
    try:
        with mapped(path):  # a disk that fails, a share that is gone: also later, while it is read
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise AccessError("this is not a regular file", cure="name a photo or a video", path=path)
            # A killed run may have left it half written.
            if mends and status.st_size >= JOURNALLED_FROM and recover(path):
                status = os.fstat(descriptor)
            yield OpenFile(path, status, FileSource(descriptor, status.st_size))
    finally:
        os.close(descriptor)


def _refused(error: Exception, path: str) -> AccessError:
    if isinstance(error, PermissionError):
        return AccessError("permission denied", cure="let this user read the file", path=path)
    cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return AccessError(cause.lower(), path=path)


@dataclass(frozen=True)
class SidecarPlace:
    """`path`: where the sidecar is or would be. `shared`: it is `IMG.xmp`, which another photo may claim."""

    path: str
    exists: bool
    shared: bool = False


def find_sidecar(path: str) -> SidecarPlace:
    """`IMG.jpg.xmp`; `IMG.xmp` only when that is there alone and no other media file of that stem is."""
    own = path + ".xmp"
    if os.path.lexists(own):
        return SidecarPlace(own, True)
    stem = os.path.splitext(path)[0]
    shared = stem + ".xmp"
    if stem != path and os.path.lexists(shared) and _is_alone(path, stem):
        return SidecarPlace(shared, True, shared=True)
    return SidecarPlace(own, False)


def _is_alone(path: str, stem: str) -> bool:
    """Whether no other media file has the photo's stem: `IMG.xmp` beside IMG.jpg and IMG.raf may be the raw's."""
    directory, name = os.path.split(path)
    start = os.path.basename(stem) + "."
    try:
        with os.scandir(directory or ".") as entries:
            return not any(
                entry.name.startswith(start)
                and entry.name != name
                and entry.name[len(start) :].lower() in MEDIA_ENDINGS
                for entry in entries
            )
    except OSError:
        return False


def marks(path: str, sidecar_dir: Optional[str] = None) -> str:
    """Size, modification time and inode of a photo and of what may be its sidecar, in a tree of sidecars (PlanOptions)
    too, without opening them.

    Equal marks: nobody has written to any of them, made one or removed one. Empty when the photo cannot be looked at.
    """
    photo = _mark(path)
    if not photo:
        return ""
    sidecars = [path + ".xmp", os.path.splitext(path)[0] + ".xmp"]
    if sidecar_dir is not None:
        sidecars.append(mirrored(path, sidecar_dir).path)
    return "|".join((photo, *map(_mark, sidecars)))


def _mark(path: str) -> str:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"


def require_near(path: str) -> None:
    """A sidecar that is a link into another folder is not touched: it may belong to anything.

    Raises AccessError.
    """
    if os.path.islink(path):
        target = os.path.dirname(os.path.realpath(path))
        if target != os.path.realpath(os.path.dirname(path) or "."):
            cure = "put the sidecar itself in place of the link"
            raise AccessError("the sidecar is a link into another folder", cure=cure, path=path)


def ending(path: str) -> str:
    """The name's ending without its dot, in upper case: what photoshop:SidecarForExtension holds."""
    return os.path.splitext(path)[1].lstrip(".").upper()


