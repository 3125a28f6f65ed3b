"""The file system's no, in this package's words, and the no of a file's owner.

Not here: whether a file has changed (stamp.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from immich_meta_writers.errors import AccessError, WriterError

CURES = {
    errno.EACCES: "give this user write access to the folder, or run as the owner of the files",
    errno.EPERM: "run as the owner of the files, or as root",
    errno.EROFS: "mount the library writable",
    errno.ENOSPC: "free some space: a photo is written anew beside the old one",
    errno.EDQUOT: "free some space: the quota is used up",
}


def access_error(error: OSError, path: str) -> WriterError:
    """An operating system's no, in this package's words."""
    cause = (error.strerror or str(error)).lower()
    return AccessError(cause, cure=CURES.get(error.errno or 0, ""), path=path)


@contextlib.contextmanager
def mapped(path: str) -> Iterator[None]:
    """OSError becomes AccessError."""
    try:
        yield
    except OSError as error:
        raise access_error(error, path) from error


def require_writable(path: str) -> None:
    """A rename would replace a read-only file all the same; its owner meant it. Raises AccessError."""
    if not os.access(path, os.W_OK):
        raise AccessError("the file is read-only", cure="allow writing to it (chmod u+w)", path=path)
