"""Owner, group, mode, extended attributes and ACLs of a file, given to the one that takes its place.

Not here: its bytes and times (replacement.py).
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from immich_meta_writers.commit.refusals import CURES
from immich_meta_writers.errors import AccessError


def copy_attributes(old: int, new: int, status: os.stat_result, path: str) -> None:
    """Raises AccessError when the owner cannot be kept, OSError when an attribute cannot."""
    if hasattr(os, "fchown"):
        found = os.fstat(new)
        if (found.st_uid, found.st_gid) != (status.st_uid, status.st_gid):
            try:
                os.fchown(new, status.st_uid, status.st_gid)
            except PermissionError as error:
                cause = "the new file could not keep the owner and group of the old one"
                raise AccessError(cause, cure=CURES[errno.EPERM], path=path) from error
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
