"""How time and memory grow with the number of assets: small files, first sync, unchanged with state and without.

Then, at the largest size: whether a media file is opened, and where the time goes.
Not here: the plot (plot.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from benchmarks import product, profiled
from benchmarks.library import Shape, make_small_files
from benchmarks.product import Sync
from benchmarks.rows import Row
from benchmarks.scenarios import FIRST, LOST, SETTLED, VERIFY
from benchmarks.stand_in import StandIn

ALBUMS = 100


@dataclass(frozen=True)
class Opened:
    """Files of the library that a run opened: how many, and how often altogether."""

    task: str
    files: int
    times: int


@dataclass(frozen=True)
class Linearity:
    """Seconds at `large` assets by those at `small`: wall clock, and CPU; linear growth is large / small."""

    task: str
    small: int
    large: int
    ratio: float
    cpu_ratio: float


class Growth:
    """One size after the other; files are removed before the next."""

    def __init__(self, folder: Path, sizes: Sequence[int], rounds: int) -> None:
        self._folder = folder
        self._sizes = tuple(sorted(sizes))
        self._rounds = rounds
        self.opened: tuple[Opened, ...] = ()
        self.profile: Optional[profiled.Profile] = None

    def rows(self) -> Iterator[Row]:
        """Each run as it is done: the first sync once, the others `rounds` times."""
        for size in self._sizes:
            yield from self._at(size)

    def _at(self, size: int) -> Iterator[Row]:
        photos, state = self._folder / "small", self._folder / "small-state"
        make_small_files(size, photos)
        try:
            with StandIn(Shape(size, albums=ALBUMS), product.environ()) as server:
                sync = Sync(server, photos, state)
                yield _row(FIRST, size, sync, (), first=True)
                for _ in range(self._rounds):
                    yield _row(SETTLED, size, sync, ())
                    yield _row(VERIFY, size, sync, ("--verify",))
                if size == self._sizes[-1]:
                    self._look_inside(sync)
                for _ in range(self._rounds):
                    shutil.rmtree(state)
                    yield _row(LOST, size, sync, ())
        finally:
            shutil.rmtree(photos)
            shutil.rmtree(state, ignore_errors=True)

    def _look_inside(self, sync: Sync) -> None:
        runs = ((SETTLED, ()), (VERIFY, ("--verify",)))
        opened = {task: sync.opened(*flags) for task, flags in runs}
        self.opened = tuple(Opened(task, len(found), sum(found.values())) for task, found in opened.items())
        self.profile = profiled.read(sync.profile())


def _row(task: str, size: int, sync: Sync, flags: Sequence[str], *, first: bool = False) -> Row:
    usage, requests = sync.run(*flags, updated=size if first else 0, unchanged=0 if first else size)
    return Row(task, product.NAME, size, usage, requests)


def linearity(rows: Sequence[Row]) -> tuple[Linearity, ...]:
    """Each size beside the one before it."""
    found = []
    for task in dict.fromkeys(row.task for row in rows):
        line = sorted((row for row in rows if row.task == task), key=lambda row: row.files)
        for small, large in zip(line, line[1:]):
            ratio = large.usage.seconds / small.usage.seconds
            found.append(Linearity(task, small.files, large.files, ratio, large.usage.cpu / small.usage.cpu))
    return tuple(found)
