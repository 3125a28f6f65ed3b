"""Folders of a sidecar tree: made where they are missing, with the rights of those that they mirror; never left.

Not here: which folder mirrors which (plan/tree.py).
"""

from __future__ import annotations

import contextlib
import os
import stat

from immich_meta_writers.commit.durability import flush_directory
from immich_meta_writers.errors import AccessError

# Whatever the mirrored folder allows: its owner may write here, and not everybody.
_OWNERS, _AT_MOST = 0o700, 0o775


def make_folders(folder: str, tree: str, original: str) -> None:
    """Make `folder`, which is `tree` or below it; `original` is the one that it mirrors, whose mode and owner it gets.

    The tree itself is made when the folder that it is in is there. Raises AccessError, OSError.
    """
    if os.path.isdir(folder):
        return
    if folder != tree:
        make_folders(os.path.dirname(folder), tree, os.path.dirname(original))
    try:
        os.mkdir(folder, 0o755 if folder == tree else _OWNERS)
    except FileExistsError:  # another process was faster
        return
    if folder != tree:
        _give_rights(folder, original)
    flush_directory(os.path.dirname(folder))


def _give_rights(folder: str, original: str) -> None:
    with contextlib.suppress(OSError):  # Windows: the letter of a drive mirrors nothing; or not the owner
        status = os.stat(original)
        os.chmod(folder, stat.S_IMODE(status.st_mode) & _AT_MOST | _OWNERS)
        if hasattr(os, "chown") and (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(folder, status.st_uid, status.st_gid)


def require_inside(path: str, tree: str) -> None:
    """What is written at `path` has to be in the tree, all links resolved, whether it is there yet or not.

    Raises AccessError.
    """
    root = os.path.join(os.path.realpath(tree), "")
    if not os.path.join(os.path.realpath(os.path.dirname(path)), "").startswith(root):
        cure = "put the folder itself in place of the link"
        raise AccessError("a link in the sidecar directory leads out of it", cure=cure, path=path)
