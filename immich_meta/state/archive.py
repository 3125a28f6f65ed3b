"""The history of all stores in a state directory: runs, what they wrote, and what takes that back.

Not here: taking it back (taking_back.py), and writing any of it (runs.py, undo_log.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, NamedTuple, Optional

from immich_meta.errors import HistoryError
from immich_meta.state.changes import KeptChange, unpack
from immich_meta.state.database import FAILURES, NewerStoreError, connect_reader
from immich_meta.state.lock import is_held
from immich_meta.state.place import lock_path, paths_of, stores_in
from immich_meta.state.store import asset_of
from immich_meta.state.undo_log import place_number
from immich_meta_writers.errors import DamagedError
from immich_meta_writers.undo import Undo, decode

_MOST = 1 << 62  # bytes: what damage may have made of a size is no number to count with
_RUNS = """
SELECT run.number, id, command, details, started, ended, sums, run.undone,
       count(written.run), count(written.undone), total(written.bytes)
FROM run LEFT JOIN written ON written.run = run.number WHERE {} GROUP BY run.number
"""
_ENTRY = """
SELECT written.number, run, run.id, at, path, asset, written.undone, undo, changes
FROM written JOIN run ON run.number = run WHERE {}
"""


class KeptRun(NamedTuple):
    """One run. `files` writes are kept, `taken_back` of them were undone; `size` in bytes; times since 1970 in seconds.

    `ended` None: it was interrupted, or it `is_running`. `undone`: when an undo went through all of it.
    """

    store: Path
    number: int
    id: str
    command: str
    details: Mapping[str, Any]
    started: float
    ended: Optional[float]
    sums: Mapping[str, Any]
    undone: Optional[float]
    files: int
    taken_back: int
    size: int
    is_running: bool

    @property
    def is_interrupted(self) -> bool:
        return self.ended is None and not self.is_running


class Entry(NamedTuple):
    """One write to one file. `undone`: when it was taken back."""

    store: Path
    number: int
    run: int
    run_id: str
    at: float
    path: str
    asset_id: Optional[str]
    undone: Optional[float]
    kept_undo: bytes
    kept_changes: bytes

    def undo(self) -> Undo:
        """Raises DamagedError."""
        undo = decode(self.kept_undo)
        if undo.path != self.path:
            raise DamagedError("what takes a change back is damaged: it is of another file", path=self.path)
        return undo

    def changes(self) -> tuple[KeptChange, ...]:
        """Raises ValueError when they are damaged."""
        return unpack(self.kept_changes)


class Archive:
    """All runs that are kept, of all stores; get one from `open_archive`. Nothing is written."""

    def __init__(self, stores: Mapping[Path, sqlite3.Connection], warn: Callable[[str], None]) -> None:
        self._stores = stores
        self._warn = warn

    def runs(self) -> tuple[KeptRun, ...]:
        """All of them, newest first."""
        found = [run for store in self._stores for run in self._runs_of(store)]
        return tuple(sorted(found, key=lambda run: (run.started, run.number), reverse=True))

    def run(self, run_id: str) -> KeptRun:
        """Raises HistoryError when there is none of that id."""
        for store in self._stores:
            for run in self._runs_of(store, "id = ?", (_storable(run_id),)):
                return run
        raise HistoryError(f"no run {run_id} is kept")

    def latest(self) -> Optional[KeptRun]:
        """The newest run that wrote something and is not undone."""
        return next((run for run in self.runs() if run.undone is None and run.files > run.taken_back), None)

    def entries(self, run: KeptRun) -> Iterator[Entry]:
        """What a run wrote, newest first, also what was taken back since."""
        numbers = self._ask(run.store, "SELECT number FROM written WHERE run = ?", (run.number,))
        for (number,) in sorted(numbers, reverse=True):
            yield from self._entries(run.store, "written.number = ?", (number,))

    def last_number(self, run: KeptRun) -> int:
        """The number of the newest write of a run; 0 when there is none."""
        found = self._ask(run.store, "SELECT coalesce(max(number), 0) FROM written WHERE run = ?", (run.number,))
        return int(found[0][0]) if found else 0

    def entries_after(self, run: KeptRun, number: int, most: int) -> tuple[Entry, ...]:
        """What a run wrote, oldest first, behind the write of that number; at most so many."""
        question = "SELECT number FROM written WHERE run = ? AND number > ? ORDER BY number LIMIT ?"
        numbers = self._ask(run.store, question, (run.number, number, most))
        return tuple(
            entry for (each,) in numbers for entry in self._entries(run.store, "written.number = ?", (each,))
        )

    def entry(self, run: KeptRun, number: int) -> Entry:
        """The write of that number. Raises HistoryError when it is not, or no longer, kept."""
        for entry in self._entries(run.store, "written.number = ? AND run = ?", (number, run.number)):
            return entry
        raise HistoryError(f"no write {number} of the run {run.id} is kept")

    def of_path(self, path: str) -> tuple[Entry, ...]:
        """Every write to a file that is kept, newest first, also what was taken back; `path` is the real one."""
        return tuple(sorted(self._of(path, "1"), key=lambda entry: (entry.at, entry.number), reverse=True))

    def newest_of(self, path: str) -> Optional[Entry]:
        """The newest write to a file that is not taken back; `path` is the real one."""
        return max(self._of(path), key=lambda entry: (entry.at, entry.number), default=None)

    def later_run(self, entry: Entry) -> Optional[str]:
        """The id of the newest run that wrote to the file after that, and is not taken back."""
        later = (other for other in self._of(entry.path) if _is_later(other, entry) and other.run_id != entry.run_id)
        newest = max(later, key=lambda other: (other.at, other.number), default=None)
        return newest and newest.run_id

    def directories(self, run: KeptRun) -> frozenset[str]:
        """Where a run wrote, or was about to when it was interrupted."""
        written = self._ask(run.store, "SELECT path FROM written WHERE run = ?", (run.number,))
        begun = self._ask(run.store, "SELECT path FROM directory")
        return frozenset((*map(os.path.dirname, paths_of(written)), *paths_of(begun)))

    def settled_files(self, user: str) -> Iterator[str]:
        """What marks the files of all that is settled (Settled.files) for one of several users, by the details of the
        runs."""
        for store in {run.store for run in self.runs() if run.details.get("user") == user}:
            try:
                for (files,) in self._stores[store].execute("SELECT files FROM settled"):
                    yield files.decode("utf-8", "replace") if isinstance(files, bytes) else ""
            except FAILURES as error:
                self._warn(f"The state {store} cannot be read any further ({error})")

    def stores(self) -> tuple[Path, ...]:
        """The files that are looked at."""
        return tuple(self._stores)

    def close(self) -> None:
        for connection in self._stores.values():
            connection.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def _of(self, path: str, which: str = "written.undone IS NULL") -> Iterator[Entry]:
        place = place_number(os.fsencode(path))
        for store in self._stores:
            found = self._entries(store, f"place = ? AND {which}", (place,))
            yield from (entry for entry in found if entry.path == path)

    def _runs_of(self, store: Path, where: str = "1", values: Sequence[object] = ()) -> Iterator[KeptRun]:
        rows = self._ask(store, _RUNS.format(where), values)
        is_running = bool(rows) and is_held(lock_path(store))
        found = self._ask(store, "SELECT max(number) FROM run") if is_running else []
        newest = found[0][0] if found else 0
        for number, run_id, command, details, started, ended, sums, undone, files, back, size in rows:
            if not isinstance(started, float) or not isinstance(ended, (float, type(None))):
                self._warn(f"The state {store} is damaged: the run {run_id} is left out")
                continue
            yield KeptRun(
                store=store,
                number=number,
                id=str(run_id),
                command=str(command),
                details=_object(details),
                started=started,
                ended=ended,
                sums=_object(sums),
                undone=undone,
                files=files,
                taken_back=back,
                size=int(min(size, _MOST)),
                is_running=is_running and ended is None and number == newest,
            )

    def _entries(self, store: Path, where: str, values: Sequence[object]) -> Iterator[Entry]:
        for number, run, run_id, at, path, asset, undone, undo, changes in self._ask(
            store, _ENTRY.format(where), values
        ):
            # Damage may have made anything of a value; SQLite's columns take all types.
            is_sound = isinstance(at, float) and isinstance(undo, bytes) and isinstance(changes, bytes)
            if not (is_sound and paths_of([(path,)])):
                self._warn(f"The state {store} is damaged: a file of the run {run_id} is left out")
                continue
            yield Entry(
                store=store,
                number=number,
                run=run,
                run_id=str(run_id),
                at=at,
                path=os.fsdecode(path),
                asset_id=asset_of(asset) if isinstance(asset, bytes) else None,
                undone=undone,
                kept_undo=undo,
                kept_changes=changes,
            )

    def _ask(self, store: Path, question: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._stores[store].execute(question, values).fetchall()
        except FAILURES as error:
            self._warn(f"The state {store} cannot be read any further ({error}): what is shown is not all")
            return []


def open_archive(directory: Path, *, warn: Callable[[str], None]) -> Archive:
    """The history in a state directory. Stores that cannot be read are left out, and `warn` hears why."""
    with contextlib.ExitStack() as stack:
        stores: dict[Path, sqlite3.Connection] = {}
        for path in stores_in(directory):
            try:
                if not path.stat().st_size:  # a run that died when it had only made it
                    continue
                stores[path] = connect_reader(path)
                stack.callback(stores[path].close)
            except NewerStoreError as error:
                warn(f"The state {path} is of a later version of immich-meta ({error}) and is left out")
            except (OSError, *FAILURES) as error:
                warn(f"The state {path} cannot be read ({error}) and is left out")
        stack.pop_all()
    return Archive(stores, warn)


def _storable(text: str) -> str:
    """SQLite takes no lone surrogates; an id has none."""
    return text.encode("utf-8", "replace").decode()


def _is_later(other: Entry, entry: Entry) -> bool:
    return other.number > entry.number if other.store == entry.store else other.at > entry.at


def _object(text: Optional[str]) -> Mapping[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
