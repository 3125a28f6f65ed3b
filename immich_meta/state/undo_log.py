"""What takes each write back, written down before the file is touched; one log in each process that writes.

Not here: what an undo is (immich_meta_writers.undo) and who takes writes back (cli/undo.py).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional

from immich_meta.changed import ChangedTag
from immich_meta.state.changes import KeptChange, pack, unpack
from immich_meta.state.database import FAILURES, connect_worker
from immich_meta.state.runs import LogPlace
from immich_meta.state.store import asset_key
from immich_meta_writers.undo import Undo, encode

_APPEND = (
    "INSERT INTO written (run, at, place, bytes, asset, path, undo, changes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_WRITTEN = "SELECT changes FROM written WHERE run = ? AND asset = ? ORDER BY number"
_ROW_BYTES = 64  # numbers, lengths and both indexes


class UndoLog:
    """Appends to a run's log; safe to use from several threads.

    When it fails (full disk, damaged store), `warn` hears of it once, and what is written from then on cannot be
    taken back. Without a place it does nothing.
    """

    def __init__(
        self,
        place: LogPlace,
        *,
        warn: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run = place.run
        self._clock = clock
        self._warn = warn
        self._lock = threading.Lock()
        self._connection: Optional[sqlite3.Connection] = None
        if place.path is not None:
            try:
                self._connection = connect_worker(Path(place.path))
            except FAILURES as error:
                self._say(error)

    @property
    def is_kept(self) -> bool:
        """Whether what is appended can be found again."""
        return self._connection is not None

    def append(self, undo: Undo, changes: Sequence[ChangedTag], asset_id: Optional[str]) -> None:
        """Write it down. It outlives this process, and a power failure, when this returns."""
        if self._connection is None:
            return
        path = os.fsencode(undo.path)
        kept, told = encode(undo), pack(changes)
        asset = None if asset_id is None else asset_key(asset_id)
        size = len(path) + len(kept) + len(told) + _ROW_BYTES
        row = (self._run, self._clock(), place_number(path), size, asset, path, kept, told)
        with self._lock:
            connection = self._connection
            try:
                if connection is not None:
                    connection.execute(_APPEND, row)
            except FAILURES as error:
                self._say(error)
                self._close()

    def changes_of(self, asset_id: str) -> tuple[KeptChange, ...]:
        """What this run has written to an asset's files so far; empty when nothing can be read."""
        with self._lock:
            if self._connection is None:
                return ()
            try:
                rows = self._connection.execute(_WRITTEN, (self._run, asset_key(asset_id))).fetchall()
                return tuple(change for (changes,) in rows for change in unpack(changes))
            except (ValueError, *FAILURES):
                return ()

    def _say(self, error: Exception) -> None:
        self._warn(f"The undo log fails ({error}): what is written from here on cannot be undone")

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> UndoLog:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def place_number(path: bytes) -> int:
    """A path in 8 bytes, by which its writes are found; others of the same number are sorted out by the path."""
    return int.from_bytes(blake2b(path, digest_size=8).digest(), "big", signed=True)
