"""Taking back what runs wrote, newest first: each file as it was, or a word on why not.

Not here: how one file is taken back (immich_meta_writers.undo), and what was written (archive.py).
"""

from __future__ import annotations

import contextlib
import enum
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Callable, NamedTuple, Optional

from immich_meta.errors import HistoryError
from immich_meta.state.archive import Archive, Entry, KeptRun
from immich_meta.state.database import FAILURES, NewerStoreError, connect
from immich_meta.state.lock import take
from immich_meta.state.place import lock_path
from immich_meta.state.store import asset_key
from immich_meta_writers.commit import sweep, sync_directory
from immich_meta_writers.errors import ChangedError, DamagedError, WriterError
from immich_meta_writers.undo import Found, How, Undo, found, revert

_AT_ONCE = 4
_ENTRIES_AT_ONCE = 64


class Outcome(enum.Enum):
    """What became of one write. Those that `failed` are still there."""

    RESTORED = "restored"
    WOULD_BE_RESTORED = "would_be_restored"
    ALREADY = "already"
    CHANGED = "changed"
    LATER = "later"
    MISSING = "missing"
    REFUSED = "refused"
    LOST = "lost"

    @property
    def failed(self) -> bool:
        return self not in (Outcome.RESTORED, Outcome.WOULD_BE_RESTORED, Outcome.ALREADY)


WORDS = {
    Outcome.RESTORED: "restored",
    Outcome.WOULD_BE_RESTORED: "would be restored",
    Outcome.ALREADY: "already as it was",
    Outcome.CHANGED: "changed since, left alone",
    Outcome.LATER: "changed again by a later run, left alone",
    Outcome.MISSING: "not there any more",
    Outcome.REFUSED: "refused",
    Outcome.LOST: "what takes it back is damaged",
}


class TakenBack(NamedTuple):
    """One write and what became of it; `message` says more, when there is more to say."""

    entry: Entry
    outcome: Outcome
    message: str = ""


class Ledger:
    """Notes in a store what was taken back; holds its lock. A context manager; get one from `open_ledger`."""

    def __init__(
        self, store: Path, others: Sequence[Path], connection: sqlite3.Connection, release: Callable[[], None]
    ) -> None:
        self._connections = {store: connection}
        self._store = store
        self._others = others
        self._release = release

    def note(self, taken: Sequence[TakenBack], now: float) -> None:
        """These are as they were; what was remembered of their assets holds no more. Raises HistoryError."""
        numbers = [(now, each.entry.number) for each in taken if not each.outcome.failed]
        assets = {each.entry.asset_id for each in taken if not each.outcome.failed} - {None}
        keys = [(asset_key(asset),) for asset in assets if asset is not None]
        try:
            own = self._connections[self._store]
            with _transaction(own):
                own.executemany("UPDATE written SET undone = ? WHERE number = ?", numbers)
                own.executemany("DELETE FROM settled WHERE asset = ?", keys)
            for other in self._others if keys else ():  # another shard may have had the asset
                self._forget(other, keys)
        except FAILURES as error:
            raise HistoryError(
                f"the state {self._store} cannot be written ({error})",
                cure="the files are taken back; run undo again once it can be written, so that it knows",
            ) from error

    def finish(self, run: KeptRun, now: float) -> None:
        """An undo has gone through all of this run."""
        try:
            self._connections[self._store].execute("UPDATE run SET undone = ? WHERE number = ?", (now, run.number))
        except FAILURES as error:
            raise HistoryError(f"the state {self._store} cannot be written ({error})") from error

    def _forget(self, store: Path, keys: list[tuple[bytes]]) -> None:
        if store not in self._connections:
            try:
                self._connections[store] = connect(store)
            except (NewerStoreError, *FAILURES):  # it cannot be used for a run either: nothing to forget
                return
        with _transaction(self._connections[store]):
            self._connections[store].executemany("DELETE FROM settled WHERE asset = ?", keys)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        for connection in self._connections.values():
            connection.close()
        self._release()


def open_ledger(store: Path, others: Sequence[Path], now: float) -> Ledger:
    """For taking back what one store's runs wrote. Raises StateBusyError, HistoryError."""
    try:
        lock = take(lock_path(store), "undo", now)
    except OSError as error:
        raise _unusable(store, error.strerror or str(error)) from error
    try:
        connection = connect(store)
    except (NewerStoreError, *FAILURES) as error:
        lock.close()
        raise _unusable(store, str(error)) from error
    return Ledger(store, [other for other in others if other != store], connection, lock.close)


def _unusable(store: Path, reason: str) -> HistoryError:
    return HistoryError(
        f"the state {store} cannot be written ({reason})", cure="run undo as the user who ran the sync, or as root"
    )


def would_be(archive: Archive, entries: Iterable[Entry]) -> Iterator[TakenBack]:
    """What `take_back` would answer; nothing is written."""
    restored: set[str] = set()
    for entry in entries:
        if entry.path in restored:  # the newer write to it goes first
            yield TakenBack(entry, Outcome.WOULD_BE_RESTORED)
            continue
        taken = _explained(archive, _settle(entry, found, Outcome.WOULD_BE_RESTORED))
        if taken.outcome is Outcome.WOULD_BE_RESTORED:
            restored.add(entry.path)
        yield taken


def take_back(
    archive: Archive, ledger: Ledger, entries: Iterable[Entry], *, clock: Callable[[], float]
) -> Iterator[TakenBack]:
    """Take the writes back, newest first; several files at a time, the answers in order.

    May be interrupted at any point and done again. Raises HistoryError when it cannot be noted.
    """
    left = iter(entries)
    directories: set[str] = set()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="undo") as pool:
        while batch := list(islice(left, _ENTRIES_AT_ONCE)):
            by_path: dict[str, list[Entry]] = {}
            for entry in batch:
                by_path.setdefault(entry.path, []).append(entry)
            answers = {each.entry.number: each for group in pool.map(_revert_all, by_path.values()) for each in group}
            taken = [_explained(archive, answers[entry.number]) for entry in batch]
            directories.update(os.path.dirname(each.entry.path) for each in taken if each.outcome is Outcome.RESTORED)
            ledger.note(taken, clock())
            yield from taken
    for directory in directories:
        sync_directory(directory)


def undo(
    archive: Archive,
    store: Path,
    entries: Iterable[Entry],
    *,
    run: Optional[KeptRun],
    directories: Iterable[str],
    clock: Callable[[], float],
    is_stopped: Callable[[], bool],
) -> Iterator[TakenBack]:
    """Take the writes of one store's run back, with its lock; first what killed runs left in `directories` goes.

    `run`: whose writes these all are, None for single ones. Raises StateBusyError, HistoryError.
    """
    with open_ledger(store, archive.stores(), clock()) as ledger:
        for directory in directories:
            sweep(directory)
        yield from take_back(archive, ledger, entries, clock=clock)
        if run is not None and not is_stopped():
            ledger.finish(run, clock())


def _revert_all(entries: Sequence[Entry]) -> list[TakenBack]:
    """Of one file, newest first."""
    return [_settle(entry, revert, Outcome.RESTORED) for entry in entries]


def _settle(entry: Entry, act: Callable[[Undo], Found], done: Outcome) -> TakenBack:
    try:
        undo = entry.undo()
    except DamagedError as error:
        return TakenBack(entry, Outcome.LOST, str(error))
    try:
        seen = act(undo)
    except ChangedError as error:
        return TakenBack(entry, Outcome.CHANGED, str(error))
    except WriterError as error:
        return TakenBack(entry, Outcome.REFUSED, str(error))
    if seen is Found.MISSING:
        return TakenBack(entry, Outcome.ALREADY if undo.how is How.CREATED else Outcome.MISSING)
    return TakenBack(entry, {Found.NEW: done, Found.OLD: Outcome.ALREADY, Found.OTHER: Outcome.CHANGED}[seen])


def _explained(archive: Archive, taken: TakenBack) -> TakenBack:
    """A file that has changed since may have been changed by ourselves."""
    if taken.outcome is not Outcome.CHANGED:
        return taken
    later = archive.later_run(taken.entry)
    if later is None:
        return taken
    return TakenBack(taken.entry, Outcome.LATER, f"undo the later run {later} first")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
