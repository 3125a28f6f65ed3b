"""Visits that are over: a cookie of one that was logged out opens nothing any more, wherever a copy of it went.

Not here: the cookies themselves (gate.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Callable


class LeftVisits:
    """A folder with an empty file for each, kept for as long as a cookie can be used (`seconds`).

    `clock`: seconds since 1970.
    """

    def __init__(self, folder: Path, seconds: float, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._seconds = seconds
        self._clock = clock
        self._here: set[str] = set()

    def __contains__(self, visit: str) -> bool:
        name = _name(visit)
        return name in self._here or os.path.exists(self._folder / name)

    def add(self, visit: str) -> None:
        """Where nothing can be kept it holds until the page is started again."""
        name = _name(visit)
        self._here.add(name)
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._folder / name).touch(mode=0o600)
            self._sweep()

    def _sweep(self) -> None:
        oldest = self._clock() - self._seconds
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.path)


def _name(visit: str) -> str:
    return hashlib.sha256(visit.encode("utf-8", "surrogatepass")).hexdigest()[:32]
