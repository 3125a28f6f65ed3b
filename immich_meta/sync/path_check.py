"""Whether the directories that a run depends on are there.

Not here: single files (paths.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from immich_meta.errors import PathsError
from immich_meta.path_map import PathRule


def check_library(rules: Sequence[PathRule], photo_dir: str) -> None:
    """Look at the directories that a run depends on: the targets of the map, else the photo directory.

    Raises PathsError when one is missing, not a directory, unreadable or empty.
    """
    if not rules:
        _check_directory(photo_dir, "the photo directory", "set IMMICH_PHOTO_DIR to where the originals are")
    for rule in rules:
        _check_directory(rule.target, "in IMMICH_PATH_MAP, the directory", f"correct the pair {rule}")


def check_sidecar_dir(directory: str, roots: Iterable[str]) -> None:
    """Look at the directory of a sidecar tree, which is made when the folder that it is in is there.

    Raises PathsError when it cannot be made, or when it and one of the libraries (`roots`) lie in each other.
    """
    if not os.path.isdir(directory if os.path.lexists(directory) else os.path.dirname(directory)):
        cause = f"the sidecar directory {directory} cannot be made: there is no folder to make it in"
        raise PathsError(cause, path=directory, cure="is its disk, or the volume, mounted?")
    inner = os.path.join(os.path.realpath(directory), "")
    for root in roots:
        outer = os.path.join(os.path.realpath(root), "")
        if inner.startswith(outer) or outer.startswith(inner):
            cause = f"the sidecar directory {directory} and the library {root} lie in each other"
            raise PathsError(cause, path=directory, cure="choose a directory beside the library")


def _check_directory(path: str, name: str, cure: str) -> None:
    mount = "in a container, mount it there, e.g. -v /path/on/the/host"
    try:
        with os.scandir(path) as entries:
            empty = next(entries, None) is None
    except FileNotFoundError:
        reason = "does not exist"
    except NotADirectoryError:
        reason = "is not a directory"
    except PermissionError:
        raise PathsError(
            f"{name} {path} cannot be read: no permission",
            path=path,
            cure=f"let the user that runs this read and write it (uid {getattr(os, 'getuid', int)()})",
        ) from None
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    else:
        if not empty:
            return
        reason = "is empty: is the disk, or the volume, mounted?"
    raise PathsError(f"{name} {path} {reason}", path=path, cure=f"{cure}; {mount}:{path}")
