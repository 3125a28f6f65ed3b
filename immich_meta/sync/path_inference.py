"""Where below the photo directory a directory of the server may be: every place that ends like it.

Not here: which of them is taken, and whether the file in it is the asset (paths.py, identity.py).
"""

from __future__ import annotations

import os
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

MAX_DEPTH = 5
MAX_DIRECTORIES = 10_000
# Recycle bins, snapshots and thumbnails of NAS systems: their copies would make everything ambiguous.
_NOT_PHOTOS = (".", "@", "#", "$")
DERIVED = ("encoded-video", "thumbs", "profile", "backups")


@dataclass(frozen=True)
class Place:
    """A local directory whose last `depth` components are those of the server's directory.

    `base` is the part before them: what a path map would give as its target.
    """

    directory: str
    depth: int
    base: str


def direct_places(photo_dir: str, parts: Sequence[str]) -> tuple[Place, ...]:
    """The places right below the photo directory, longest tail first; depth 0 is the photo directory."""
    found = []
    for depth in range(len(parts), -1, -1):
        directory = existing_directory(photo_dir, parts[len(parts) - depth :])
        if directory is not None:
            found.append(Place(directory, depth, photo_dir))
    return tuple(found)


def existing_directory(base: str, parts: Sequence[str]) -> Optional[str]:
    """The directory `base`/`parts`, each part as given or in another Unicode normal form; None if absent."""
    path = os.path.join(base, *parts)
    if os.path.isdir(path):
        return path
    if all(map(str.isascii, parts)):
        return None
    path = base
    for part in parts:
        forms = (os.path.join(path, form) for form in name_forms(part))
        found = next(filter(os.path.isdir, forms), None)
        if found is None:
            return None
        path = found
    return path


def name_forms(name: str) -> tuple[str, ...]:
    """A file's name as given, then composed (Linux, Windows) and decomposed (old macOS volumes)."""
    if name.isascii():
        return (name,)
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    return tuple(dict.fromkeys((name, composed, decomposed)))


class DirectoryIndex:
    """Directories below the photo directory by name, read when first asked: at most 5 deep, 10,000 in number.

    Links, hidden directories and the server's own derived files are not entered.
    """

    def __init__(self, photo_dir: str) -> None:
        self._photo_dir = photo_dir
        self._by_name: Optional[dict[str, list[str]]] = None

    def places(self, parts: Sequence[str]) -> tuple[Place, ...]:
        """The places deeper below the photo directory, longest common tail (at least one component) first."""
        if self._by_name is None:
            self._by_name = _read_index(self._photo_dir)
        found = []
        for depth in range(len(parts), 0, -1):
            first, *rest = parts[len(parts) - depth :]
            for start in self._by_name.get(unicodedata.normalize("NFC", first), ()):
                directory = existing_directory(start, rest)
                if directory is not None:
                    found.append(Place(directory, depth, os.path.dirname(start)))
        return tuple(found)


def _read_index(photo_dir: str) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    waiting = deque([(photo_dir, 1)])
    count = 0
    while waiting and count < MAX_DIRECTORIES:
        directory, depth = waiting.popleft()
        for entry in _subdirectories(directory):
            count += 1
            if depth > 1:  # what lies right below the photo directory is a direct place
                index.setdefault(unicodedata.normalize("NFC", entry.name), []).append(entry.path)
            if depth < MAX_DEPTH:
                waiting.append((entry.path, depth + 1))
    return index


def _subdirectories(directory: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            found = [entry for entry in entries if _is_photo_directory(entry)]
    except OSError:  # unreadable: nothing in it can be written either
        return iter(())
    return iter(sorted(found, key=lambda entry: entry.name))


def _is_photo_directory(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return not name.startswith(_NOT_PHOTOS) and name not in DERIVED and entry.is_dir(follow_symlinks=False)
