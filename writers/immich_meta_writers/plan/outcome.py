"""Plan: the changes and patches for one photo and its sidecar, and the one verb that carries them out.

Not here: how the changes came about (plan/__init__.py) and how bytes reach the disk (commit/).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Optional

from immich_meta_writers.changes import Change, Kept, Skipped
from immich_meta_writers.commit import Stamp, Undo, commit, create, set_mtime
from immich_meta_writers.patch import Patch
from immich_meta_writers.plan.tree import Mirrored


@dataclass(frozen=True)
class FilePlan:
    """One file on disk. `patch` None leaves its bytes alone; `stamp` None makes it, with `content`.

    `mtime_ns` None is "now" for a file that is written, and "leave it" for one that is not. `mirrored`: it is a sidecar
    in a tree, whose folders may have to be made.
    """

    path: str
    changes: tuple[Change, ...] = ()
    kept: tuple[Kept, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    stamp: Optional[Stamp] = None
    patch: Optional[Patch] = None
    content: Optional[bytes] = None
    mtime_ns: Optional[int] = None
    beside: Optional[os.stat_result] = None
    mirrored: Optional[Mirrored] = None

    def apply(self, keep: Optional[Keep] = None) -> None:
        """`keep` is given what takes the change back, right before the file is touched; when it raises, it is not."""
        if not self.changes:
            return
        if self.mirrored is not None:
            self.mirrored.prepare()
        kept = None if keep is None else partial(keep, self)
        if self.stamp is None:
            if self.content is not None and self.beside is not None:
                create(self.path, self.content, self.beside, self.mtime_ns, keep=kept)
        elif self.patch is not None and self.patch.splices:
            commit(self.path, self.patch, self.stamp, self.mtime_ns, keep=kept)
        elif self.mtime_ns is not None:
            set_mtime(self.path, self.stamp, self.mtime_ns, keep=kept)


Keep = Callable[[FilePlan, Undo], None]


@dataclass(frozen=True)
class Plan:
    """What would happen to one photo. Nothing is written before `apply()`; without changes that does nothing.

    `media` is None when only a sidecar is concerned, `sidecar` None when there is none and none is wanted.
    """

    path: str
    media: Optional[FilePlan] = None
    sidecar: Optional[FilePlan] = None

    @property
    def parts(self) -> tuple[FilePlan, ...]:
        return tuple(part for part in (self.media, self.sidecar) if part is not None)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What changes in the photo, then what changes in its sidecar."""
        return tuple(change for part in self.parts for change in part.changes)

    @property
    def kept(self) -> tuple[Kept, ...]:
        """Foreign values that stay although Immich says otherwise."""
        return tuple(dict.fromkeys(kept for part in self.parts for kept in part.kept))

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Rows that a file cannot take."""
        return tuple(dict.fromkeys(skipped for part in self.parts for skipped in part.skipped))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the owner of the file should know."""
        return tuple(dict.fromkeys(note for part in self.parts for note in part.notes))

    @property
    def is_empty(self) -> bool:
        return not self.changes

    def apply(self, keep: Optional[Keep] = None) -> None:
        """Write the photo, then the sidecar. `keep` is given what takes each back, right before it is touched.

        When `keep` raises, that file is left alone, and the error comes through.
        Raises ChangedError when a file has changed since it was read, AccessError when the file system refuses.
        """
        for part in self.parts:
            part.apply(keep)
