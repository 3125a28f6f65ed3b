"""Several users of one run, one after another: a file that two of them reach is the first one's to write.

Not here: whose turn it is (cli/household.py), and what is done about a file (engine.py, work.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Optional

from immich_meta.errors import SameAccountError
from immich_meta.sync.identity import Claims


class Earlier(NamedTuple):
    """The first user who reached a file. `is_pending`: a dry run, in which that one's part is not written."""

    user: str
    is_pending: bool = False


class Places:
    """One name for each directory, however it is reached: by links, or mounted twice."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._first: dict[tuple[int, int], str] = {}

    def of(self, path: str) -> str:
        """The same for the same file, whether it is there or not."""
        directory, name = os.path.split(path)
        known = self._names.get(directory)
        if known is None:
            known = self._names[directory] = self._named(directory)
        return os.path.join(known, name)

    def _named(self, directory: str) -> str:
        real = os.path.realpath(directory)
        try:
            status = os.stat(real)
            first = self._first.setdefault((status.st_dev, status.st_ino), real)
            # Some network shares give a number that was in use a moment ago to another directory.
            return first if first == real or os.path.samefile(first, real) else real
        except OSError:
            return real


class Turn:
    """One user's turn: hears of each file that the user's assets reach. Without a name there are no others."""

    def __init__(self, user: str = "", before: Sequence[Turn] = (), places: Optional[Places] = None) -> None:
        self.user = user
        self._before = tuple(before)
        self._places = places or Places()
        self._owner = ""
        self._reached = Claims()
        self._pending = Claims()
        self._settled = Claims()

    def require_another(self, owner: str) -> None:
        """Note whose key it is (identity.owner_hash). Raises SameAccountError when an earlier user has that account."""
        self._owner = owner
        for turn in self._before:
            if turn._owner == owner:
                raise SameAccountError(turn.user, self.user)

    def reach(self, path: str, files: str = "") -> Optional[Earlier]:
        """Note that the file, which `files` marks (immich_meta_writers.marks), is this user's; whose it was before."""
        if not self.user:
            return None
        place = self._places.of(path)
        self._reached.add(place, self.user)
        for turn in self._before:
            if place in turn._reached or (files and files in turn._settled):
                return Earlier(turn.user, place in turn._pending)
        return None

    def left(self, files: Iterable[str]) -> None:
        """What marks the files that this user's last runs had settled: for one who is not heard of in this run. Until
        somebody writes to such a file it stays this user's."""
        for each in files:
            self._settled.add(each, self.user)

    def would_write(self, path: str) -> None:
        """In a dry run: this user's part of the file is not written."""
        if self.user:
            self._pending.add(self._places.of(path), self.user)

    def next(self, user: str) -> Turn:
        """The turn after this one."""
        return Turn(user, (*self._before, self) if self.user else (), self._places)
