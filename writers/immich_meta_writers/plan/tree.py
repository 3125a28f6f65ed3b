"""A sidecar tree: the folders of the photos mirrored elsewhere, so that nothing is written where the photos are.

Not here: what a sidecar says (sidecars.py) and making folders (commit/folders.py).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from immich_meta_writers.commit.folders import make_folders, require_inside
from immich_meta_writers.commit.refusals import mapped
from immich_meta_writers.errors import AccessError
from immich_meta_writers.policy import PlanOptions

_SEPARATORS = re.compile(r"[\\/:?]+")


@dataclass(frozen=True)
class Mirrored:
    """Where the sidecar of a photo is in the tree; `photo` and `tree` are real paths."""

    tree: str
    photo: str

    @property
    def path(self) -> str:
        """`TREE/mnt/photos/2024/IMG.jpg.xmp` for `/mnt/photos/2024/IMG.jpg`: the whole path, so that the photos of two
        libraries, or of two configurations, never share a sidecar. A drive's letter is a folder."""
        drive, rest = os.path.splitdrive(self.photo)
        below = [part for text in (drive, rest) for part in _split(text)]
        return os.path.join(self.tree, *below) + ".xmp"

    def require_sound(self) -> None:
        """Raises AccessError when what is written there would not be in the tree, or the photo is."""
        with mapped(self.path):
            require_inside(self.path, self.tree)
        if os.path.join(self.photo, "").startswith(os.path.join(self.tree, "")):
            cure = "choose a directory that holds sidecars and nothing else"
            raise AccessError(f"the photo lies in the sidecar directory {self.tree}", cure=cure, path=self.photo)

    def prepare(self) -> None:
        """Make the folders that are missing. Raises AccessError."""
        self.require_sound()
        with mapped(self.path):
            make_folders(os.path.dirname(self.path), self.tree, os.path.dirname(self.photo))
        self.require_sound()


def mirrored(path: str, tree: str) -> Mirrored:
    """Of a photo, however it is reached."""
    return Mirrored(os.path.realpath(tree), os.path.realpath(path))


def written_in(path: str, options: PlanOptions) -> str:
    """The directory in which a plan for this photo may write."""
    place = path if options.sidecar_dir is None else mirrored(path, options.sidecar_dir).path
    return os.path.dirname(place)


def _split(text: str) -> list[str]:
    """Elsewhere than on Windows a backslash or a colon is part of a name."""
    return [part for part in (_SEPARATORS.split(text) if os.name == "nt" else text.split("/")) if part]
