"""One run in the history: from its first write to its end, and how long what it wrote can be taken back.

Not here: each write (undo_log.py), and looking at past runs (archive.py).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from immich_meta.state.database import FAILURES, NewerStoreError, connect_reader
from immich_meta.state.place import stores_in
from immich_meta.state.store_file import StoreFile
from immich_meta_writers.commit.durability import lock

KEEP_DAYS = 90
_DAY = 86400.0
_MOST = 1 << 62  # bytes: damage may have made anything of a size
_ROWS_AT_ONCE = 2000
_PAGES_AT_ONCE = 4096
_IDS = "SELECT id FROM run WHERE id >= ? AND id < ?"
_BEGIN = "INSERT INTO run (id, command, details, started) VALUES (?, ?, ?, ?)"


class LogPlace(NamedTuple):
    """Where a run's writes are logged; goes to worker processes. `path` None: nowhere."""

    path: Optional[str]
    run: int


class Run:
    """A run that is under way; get one from `Store.begin_run`. `id` is unique over all stores of the directory."""

    def __init__(
        self, id: str, number: int, file: StoreFile, *, clock: Callable[[], float], keeps_undo: bool  # noqa: A002
    ) -> None:
        self.id = id
        self._number = number
        self._file = file
        self._clock = clock
        self._keeps_undo = keeps_undo
        self._directories: set[str] = set()

    def log_at(self) -> LogPlace:
        """Where UndoLog writes to, in this process and in others."""
        is_kept = self._keeps_undo and self._file.connection is not None
        return LogPlace(str(self._file.path) if is_kept else None, self._number)

    def will_write_in(self, directory: str) -> None:
        """Written down before it returns, so that the next run sweeps there should this one be killed."""
        if directory not in self._directories:
            self._directories.add(directory)
            row = (self._number, os.fsencode(directory))
            self._file.change(("INSERT OR IGNORE INTO directory (run, path) VALUES (?, ?)", [row]))

    def end(self, sums: Mapping[str, int], keep_days: int = KEEP_DAYS) -> None:
        """The run is over. What runs before these days wrote is taken out of the history; 0 keeps nothing."""
        now = self._clock()
        self._file.change(
            ("UPDATE run SET ended = ?, sums = ? WHERE number = ?", [(now, json.dumps(dict(sums)), self._number)]),
            ("DELETE FROM directory WHERE run <= ?", [(self._number,)]),
        )
        prune(self._file, now - keep_days * _DAY, None if keep_days <= 0 else self._number)


def begin(
    file: StoreFile,
    command: str,
    details: Mapping[str, object],
    *,
    clock: Callable[[], float],
    keeps_undo: bool,
) -> Run:
    """Write down that a run begins."""
    now = clock()
    number = 0
    if file.connection is None:
        run_id = _stamp(now)
    else:
        text = json.dumps(dict(details), default=str)
        with _one_at_a_time(file.path.parent):
            run_id = _free_id(file.path, _stamp(now), file)
            if file.change((_BEGIN, [(run_id, command, text, now)])):
                number = next((row[0] for row in file.ask("SELECT max(number) FROM run")), 0)
    return Run(run_id, number, file, clock=clock, keeps_undo=keeps_undo)


def prune(file: StoreFile, before: float, kept: Optional[int]) -> None:
    """Forget the runs that began before that moment, all but the `kept` one; without one, all runs."""
    if kept is None:
        old = [number for (number,) in file.ask("SELECT number FROM run")]
    else:
        found = file.ask("SELECT number FROM run WHERE started < ? AND number < ?", (before, kept))
        old = [number for (number,) in found]
    for number in old:
        rows = "SELECT number FROM written WHERE run = ? LIMIT ?"
        while file.ask("SELECT 1 FROM written WHERE run = ? LIMIT 1", (number,)):
            # In small transactions: one large one would double the file before it shrinks.
            file.change((f"DELETE FROM written WHERE number IN ({rows})", [(number, _ROWS_AT_ONCE)]))  # noqa: S608
        file.change(
            ("DELETE FROM run WHERE number = ?", [(number,)]), ("DELETE FROM directory WHERE run = ?", [(number,)])
        )
    if old:
        _shrink(file)


def _shrink(file: StoreFile) -> None:
    """Give freed pages back to the disk when they are more than an eighth."""
    (free,), (pages,) = (*file.ask("PRAGMA freelist_count"), (0,))[0], (*file.ask("PRAGMA page_count"), (0,))[0]
    if free > pages // 8:
        for _ in range(0, free, _PAGES_AT_ONCE):
            file.ask(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


def undo_size(file: StoreFile) -> int:
    """Bytes of what takes writes back."""
    return int(min(next((row[0] for row in file.ask("SELECT total(bytes) FROM written")), 0), _MOST))


def _stamp(now: float) -> str:
    """UTC: local clocks run twice through an hour of the year."""
    return datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H-%M-%S")


def _free_id(path: Path, stamp: str, file: StoreFile) -> str:
    """The stamp, with a number behind it when another run of any store has it."""
    taken = {row[0] for row in file.ask(_IDS, (stamp, stamp + "~"))}
    for other in stores_in(path.parent):
        if other != path:
            taken |= _ids_in(other, stamp)
    number, run_id = 1, stamp
    while run_id in taken:
        number += 1
        run_id = f"{stamp}-{number}"
    return run_id


def _ids_in(other: Path, stamp: str) -> set[str]:
    try:
        with contextlib.closing(connect_reader(other)) as connection:
            return {row[0] for row in connection.execute(_IDS, (stamp, stamp + "~"))}
    except (OSError, NewerStoreError, *FAILURES):  # its own runs will say what is wrong with it
        return set()


@contextlib.contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    """Two runs that begin in one second must not both find an id free."""
    try:
        descriptor = os.open(directory / "runs.lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:
        yield
        return
    try:
        lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)
