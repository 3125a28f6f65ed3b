"""The only place that writes to a user's file.

A temporary file beside it and one rename; or, for a large file whose change fits its place, in place under a journal.

Not here: deciding what to write (plan) and which bytes (containers, Patch).
"""

from __future__ import annotations

import os
from typing import Optional

from immich_meta_writers.commit import in_place, replacement
from immich_meta_writers.commit.durability import sync_directory
from immich_meta_writers.commit.recovery import recover, sweep
from immich_meta_writers.commit.refusals import access_error, mapped
from immich_meta_writers.commit.replacement import create, remove, set_mtime
from immich_meta_writers.commit.stamp import JOURNALLED_FROM, Stamp
from immich_meta_writers.commit.undo import How, KeepUndo, OnStep, Undo, unwatched
from immich_meta_writers.errors import naming
from immich_meta_writers.patch import Patch

__all__ = [
    "How",
    "JOURNALLED_FROM",
    "KeepUndo",
    "OnStep",
    "Stamp",
    "Undo",
    "access_error",
    "commit",
    "create",
    "recover",
    "remove",
    "set_mtime",
    "sweep",
    "sync_directory",
]


def commit(
    path: str,
    patch: Patch,
    stamp: Stamp,
    mtime_ns: Optional[int] = None,
    *,
    keep: Optional[KeepUndo] = None,
    on_step: OnStep = unwatched,
) -> None:
    """Apply a patch. A crash at any point leaves the old file or the new one.

    Owner, group, mode, extended attributes and ACLs stay. `mtime_ns` None is now. A symbolic link is followed and
    stays a link; another hard link to the file keeps the old bytes, and is from then on a file of its own.

    A file of at least 32 MiB is changed in place when what is overwritten, with all that moves to its end, is less than
    1 MiB, or than a 64th of the file. After a crash `recover` and `sweep` bring its old bytes back; until then it may
    be between the two. All other files are replaced whole, by a rename that is durable after `sync_directory`; before
    it the new file is read back from its beginning to its end and compared.

    `keep` is given what takes the change back, right before the file is touched, with everything in it: a kill that
    comes later leaves nothing that cannot be taken back, and one that comes between leaves the old file (undo.found
    tells). When `keep` raises, the file stays as it is, nothing is left beside it, and the error comes through, an
    OSError as AccessError. `on_step` is told each step as it is done.

    Raises ChangedError when the file is no longer what `stamp` says, AccessError when the file system refuses or when
    the new bytes do not read back.
    """
    target = os.path.realpath(path)
    with naming(path), mapped(path):
        if in_place.overwrite(path, target, patch, stamp, mtime_ns, keep, on_step):
            return
        if patch.size >= JOURNALLED_FROM:
            recover(path)  # its stamp tells afterwards whether it is still the one that was read
        replacement.replace(path, target, patch, stamp, mtime_ns, keep, on_step)
