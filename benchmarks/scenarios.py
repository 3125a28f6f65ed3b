"""Files of real size, side by side: first sync, unchanged with and without state, one album renamed.

Every round runs everybody on fresh copies, so that a slow minute is everybody's.
Not here: growth with the number of assets (growth.py).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import meter, product
from benchmarks.library import RENAMED, Shape
from benchmarks.photos import forget, make_files, refresh
from benchmarks.product import Sync
from benchmarks.rivals import ALBUM, ALL, files_of, taking_part
from benchmarks.rows import Row
from benchmarks.stand_in import StandIn

FIRST = "first sync"
SETTLED = "unchanged, with state"
VERIFY = "unchanged, --verify"
LOST = "unchanged, state lost"
ALBUM_RENAMED = "one album renamed"
TASKS = (FIRST, SETTLED, VERIFY, LOST, ALBUM_RENAMED)


class Scenarios:
    """`folder` is on the disk that is measured; `cold`: files are dropped from the page cache before each run."""

    def __init__(self, shape: Shape, folder: Path, *, cold: bool) -> None:
        self._shape = shape
        self._folder = folder
        self._cold = cold
        self._source, self._work = folder / "originals", folder / "work"
        self._originals = make_files(shape, self._source)
        self.rivals, self.left_out = taking_part()

    @property
    def mean_size(self) -> float:
        """Bytes per file."""
        return sum(path.stat().st_size for path in self._originals) / len(self._originals)

    def round(self) -> Iterator[Row]:
        """Everybody, once."""
        for name in self.rivals:
            self._fresh()
            yield self._rival(FIRST, name, "write", ALL)
        photos = self._fresh()
        state = self._folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        with StandIn(self._shape, product.environ()) as server:
            sync = Sync(server, self._work, state)
            yield from self._product(sync, photos)
            for name, rival in self.rivals.items():
                # They have no state to trust: what they can do about an unchanged file is to read it.
                if rival.reading != "":
                    row = self._rival(VERIFY, name, "read", ALL)
                    yield replace(row, who=rival.reading or f"{name}, reading")
                yield self._rival(ALBUM_RENAMED, name, "write", ALBUM)

    def _product(self, sync: Sync, photos: Sequence[Path]) -> Iterator[Row]:
        count = self._shape.count
        yield self._run(FIRST, sync, photos, count, ())
        yield self._run(SETTLED, sync, photos, 0, ())
        yield self._run(VERIFY, sync, photos, 0, ("--verify",))
        shutil.rmtree(sync.folder)
        yield self._run(LOST, sync, photos, 0, ())
        sync.server.rename_album(RENAMED, f"{RENAMED}, renamed")
        row = self._run(ALBUM_RENAMED, sync, photos, len(self._shape.album_numbers), ())
        yield replace(row, files=len(self._shape.album_numbers))

    def _run(self, task: str, sync: Sync, photos: Sequence[Path], updated: int, flags: Sequence[str]) -> Row:
        self._prepare(photos)
        usage, requests = sync.run(*flags, updated=updated, unchanged=self._shape.count - updated)
        return Row(task, product.NAME, self._shape.count, usage, requests)

    def _rival(self, task: str, name: str, verb: str, which: str) -> Row:
        self._prepare(files_of(self.rivals[name], self._shape, which, self._work))
        command = [sys.executable, "-m", "benchmarks.rivals", name, verb]
        command += [str(self._work), self._shape.as_text(), which]
        usage, said = meter.run(command, product.environ(), self._folder)
        work = json.loads(said.splitlines()[-1])
        # Of the work alone, but for the memory: to start an interpreter with this module is not their fault.
        files = work.pop("files")
        return Row(task, name, files, replace(usage, **work))

    def _fresh(self) -> tuple[Path, ...]:
        return refresh(self._originals, self._source, self._work)

    def _prepare(self, photos: Sequence[Path]) -> None:
        if self._cold:
            forget(photos)
