"""The checkpoint: which assets an interrupted run had finished, so that --resume goes on behind them.

Not here: what is in the files themselves; that is read anew in every run.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional

CHECKPOINT = ".immich_sync_checkpoint.sqlite"
PATTERN = ".immich_sync_checkpoint.*"
FORMAT = "1"
COMMIT_SECONDS = 1.0

_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE done (asset_id BLOB PRIMARY KEY) WITHOUT ROWID;
"""


def fingerprint(owner: str, modules: Iterable[str], options: Iterable[str] = ()) -> str:
    """Tells runs apart: a checkpoint serves only the same server and user (`owner`), modules and options."""
    parts = (owner, ",".join(sorted(set(modules))), ",".join(sorted(set(options))))
    return sha256("\n".join(parts).encode()).hexdigest()


def checkpoint_path(directory: Path, owner: str = "") -> Path:
    """The checkpoint in a directory; each owner's own one where several users share it."""
    return directory / (CHECKPOINT if not owner else f".immich_sync_checkpoint.{owner[:12]}.sqlite")


def clear_checkpoint(directory: Path) -> tuple[Path, ...]:
    """Remove every checkpoint file in `directory`; returns those that were there. Raises OSError."""
    return _clear(directory, PATTERN)


def _clear(directory: Path, pattern: str) -> tuple[Path, ...]:
    found = tuple(sorted(path for path in directory.glob(pattern) if path.is_file() or path.is_symlink()))
    for path in found:
        path.unlink()
    return found


class Checkpoint:
    """Remembers finished assets in an SQLite file while the run goes on; get one from `open_checkpoint`.

    What was recorded is written after `batch_size` assets or one second, whichever comes first, and survives
    a kill. When the disk fails, `warn` hears of it once and the run goes on without remembering.
    `notes`: what there is to say about the start. `found`: assets that an earlier run had finished.
    """

    def __init__(
        self,
        path: Path,
        connection: Optional[sqlite3.Connection],
        *,
        batch_size: int,
        clock: Callable[[], float],
        warn: Callable[[str], None],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self.notes = notes
        self._connection = connection
        self._batch_size = batch_size
        self._clock = clock
        self._warn = warn
        self._pending: list[bytes] = []
        self._committed_at = clock()
        self.found = self._count()

    def _count(self) -> int:
        if self._connection is None:
            return 0
        return int(self._connection.execute("SELECT count(*) FROM done").fetchone()[0])

    def is_done(self, asset_id: str) -> bool:
        """Whether an earlier run had finished this asset."""
        if self._connection is None or not self.found:
            return False
        try:
            row = self._connection.execute("SELECT 1 FROM done WHERE asset_id = ?", (_key(asset_id),)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return False
        return row is not None

    def record(self, asset_id: str) -> None:
        """This asset is finished, and another try would change nothing. Not for failures."""
        if self._connection is None:
            return
        self._pending.append(_key(asset_id))
        if len(self._pending) >= self._batch_size or self._clock() - self._committed_at >= COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write down what is pending."""
        self._committed_at = self._clock()
        if self._connection is None or not self._pending:
            return
        rows = [(key,) for key in self._pending]
        self._pending.clear()
        try:
            with self._connection:
                self._connection.executemany("INSERT OR IGNORE INTO done VALUES (?)", rows)
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        self._warn(f"The checkpoint {self.path} fails ({error}): --resume will do more of this run again")
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """The run stops before its end: keep what was recorded."""
        self.commit()
        self._disconnect()

    def finish(self) -> None:
        """The run is complete: nothing is left to resume."""
        if self._connection is None:
            return
        self._disconnect()
        try:
            _clear(self.path.parent, PATTERN if self.path.name == CHECKPOINT else f"{self.path.name}*")
        except OSError as error:
            self._warn(f"The checkpoint {self.path} cannot be removed: {error.strerror or error}")

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def open_checkpoint(
    directory: Path,
    fingerprint: str,
    *,
    owner: str = "",
    resume: bool,
    batch_size: int,
    warn: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> Checkpoint:
    """The checkpoint of a run in `directory`; with `resume` what an equal run had finished is kept.

    `owner`: of several users who share the directory (checkpoint_path). Another run's checkpoint, or a damaged one, is
    replaced, as `notes` says. When none can be made (read-only directory, another run holds it), the run is not
    remembered.
    """
    path = checkpoint_path(directory, owner)
    try:
        connection, notes = _connect(path, fingerprint, resume)
    except (sqlite3.Error, OSError) as error:
        reason = f"The checkpoint {path} cannot be used ({error}): this run cannot be resumed"
        connection, notes = None, (reason,)
    return Checkpoint(path, connection, batch_size=batch_size, clock=clock, warn=warn, notes=notes)


def _connect(path: Path, fingerprint: str, resume: bool) -> tuple[sqlite3.Connection, tuple[str, ...]]:
    existed = path.exists()
    connection = _lock(path)
    try:
        found = _read_fingerprint(connection) if existed else None
    except (sqlite3.Error, UnicodeDecodeError) as error:  # of a damaged file even the error may be unreadable
        connection.close()
        os.unlink(path)
        return _start(_lock(path), fingerprint), (f"The checkpoint {path} is damaged ({error}): starting afresh",)
    if found == fingerprint and resume:
        return connection, ()
    _start(connection, fingerprint)
    return connection, _why_afresh(path, existed, found == fingerprint, resume)


def _why_afresh(path: Path, existed: bool, same: bool, resume: bool) -> tuple[str, ...]:
    if resume and not existed:
        return (f"There is no checkpoint {path} to resume: starting at the beginning",)
    if resume:
        return (f"The checkpoint {path} belongs to another server, user or set of modules: starting afresh",)
    if existed and same:
        return ("An interrupted run had left a checkpoint; --resume would have gone on behind it",)
    return ()


def _lock(path: Path) -> sqlite3.Connection:
    """Open the file, and keep any other run from using it.

    Without fsync: a checkpoint has to survive the death of this process, and one torn by a power failure is
    noticed and replaced. With fsync it would cost more than comparing the photos.
    """
    connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
    try:
        for pragma in ("locking_mode = EXCLUSIVE", "synchronous = OFF", "journal_mode = DELETE"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("BEGIN EXCLUSIVE")
        connection.commit()
    except sqlite3.OperationalError:  # held by another run, or no place for it
        connection.close()
        raise
    except (sqlite3.DatabaseError, UnicodeDecodeError):  # no database: found damaged by whoever reads it next
        connection.rollback()
    return connection


def _key(asset_id: str) -> bytes:
    return asset_id.encode("utf-8", "surrogatepass")


def _read_fingerprint(connection: sqlite3.Connection) -> Optional[str]:
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("the database is torn")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"about", "done"} <= tables:
        raise sqlite3.DatabaseError("it is not a checkpoint")
    about = dict(connection.execute("SELECT name, value FROM about"))
    return about.get("fingerprint") if about.get("format") == FORMAT else None


def _start(connection: sqlite3.Connection, fingerprint: str) -> sqlite3.Connection:
    connection.executescript(f"BEGIN EXCLUSIVE; DROP TABLE IF EXISTS about; DROP TABLE IF EXISTS done; {_SCHEMA}")
    rows = (("format", FORMAT), ("fingerprint", fingerprint))
    connection.executemany("INSERT INTO about VALUES (?, ?)", rows)
    connection.commit()
    return connection
