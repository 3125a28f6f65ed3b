"""The store of one run: what each asset's last run ended with, and the way to the history.

Not here: opening it (opening.py), a run's history (runs.py), and what is done about an asset (the sync decides).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Callable, NamedTuple, Optional
from uuid import UUID

from immich_meta.state.lock import StoreLock
from immich_meta.state.place import paths_of, set_aside
from immich_meta.state.runs import Run, begin, undo_size
from immich_meta.state.store_file import StoreFile

COMMIT_SECONDS = 1.0
COMMIT_ASSETS = 500
_FIND = "SELECT wanted, faces, files, listed FROM settled WHERE asset = ?"
_PUT = "INSERT OR REPLACE INTO settled (asset, wanted, faces, files, listed) VALUES (?, ?, ?, ?, ?)"
_DROP = "DELETE FROM settled WHERE asset = ?"


class Settled(NamedTuple):
    """What an asset's run ended with.

    `wanted`: digest of all wanted inputs but faces, and of the options (16 bytes). `faces`: digest of what was known of
    faces, b"" when they were not asked for. `files`: size:mtime_ns:inode of the photo and, behind "|", of its sidecar,
    after our write. `listed`: digest of all that the server had listed of it, and of the options (16 bytes).
    """

    wanted: bytes
    faces: bytes
    files: str
    listed: bytes = b""


def asset_key(asset_id: str) -> bytes:
    """16 bytes for a UUID, which all ids of Immich are; any other text and an end mark, in another length."""
    if len(asset_id) == 36:
        try:
            key = bytes.fromhex(asset_id.replace("-", ""))
        except ValueError:
            key = b""
        if len(key) == 16:
            return key
    key = asset_id.encode("utf-8", "surrogatepass") + b"\xff"
    return key + b"\xff" if len(key) == 16 else key


def asset_of(key: bytes) -> str:
    """The id of a key."""
    return str(UUID(bytes=key)) if len(key) == 16 else key.rstrip(b"\xff").decode("utf-8", "replace")


class Store:
    """What is remembered of one server and user; get one from `open_store`. For a single thread.

    `is_kept` False: there is nowhere to write to, everything is read afresh and nothing can be undone. `notes`: what
    there is to say about the start.
    """

    def __init__(
        self,
        path: Path,
        connection: Optional[sqlite3.Connection],
        *,
        warn: Callable[[str], None],
        clock: Callable[[], float],
        lock: Optional[StoreLock] = None,
        writable: bool = True,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self.notes = notes
        self._file = StoreFile(path, connection, warn)
        self._warn = warn
        self._clock = clock
        self._lock = lock
        self._writable = writable
        self._pending: dict[bytes, Optional[Settled]] = {}
        self._committed_at = clock()

    @property
    def is_kept(self) -> bool:
        """Whether what this run does is written down."""
        return self._writable and self._file.connection is not None

    def settled(self, asset_id: str) -> Optional[Settled]:
        """What the asset's last run ended with; None when nothing is known."""
        key = asset_key(asset_id)
        if key in self._pending:
            return self._pending[key]
        row = self._file.find(_FIND, (key,))
        if row is None or any(type(value) is not bytes for value in row):
            return None
        return Settled(row[0], row[1], row[2].decode("utf-8", "replace"), row[3])

    def remember(self, asset_id: str, settled: Settled) -> None:
        """The asset is settled. Written after 500 assets or a second."""
        self._note(asset_id, settled)

    def forget(self, asset_id: str) -> None:
        """The asset is to be looked at again."""
        self._note(asset_id, None)

    def _note(self, asset_id: str, settled: Optional[Settled]) -> None:
        if not self.is_kept:
            return
        self._pending[asset_key(asset_id)] = settled
        # abs: a clock that is set back is no reason to wait
        if len(self._pending) >= COMMIT_ASSETS or abs(self._clock() - self._committed_at) >= COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write down what is pending."""
        self._committed_at = self._clock()
        self._file.refresh()
        if not self._pending or not self.is_kept:
            return
        pending = self._pending.items()
        puts = [(key, one.wanted, one.faces, one.files.encode(), one.listed) for key, one in pending if one is not None]
        drops = [(key,) for key, one in pending if one is None]
        self._pending.clear()
        self._file.change((_PUT, puts), (_DROP, drops))

    def unfinished_directories(self) -> tuple[str, ...]:
        """Where runs that never ended had written. To be swept before the next run; its end forgets them."""
        return tuple(paths_of(self._file.ask("SELECT DISTINCT path FROM directory")))

    def begin_run(self, command: str, details: Mapping[str, object], *, keeps_undo: bool = True) -> Run:
        """A new run in the history. `details` is kept as JSON and shown; nothing secret belongs there.

        `keeps_undo` False: what it writes cannot be taken back.
        """
        file = self._file if self.is_kept else StoreFile(self.path, None, self._warn)
        return begin(file, command, details, clock=self._clock, keeps_undo=keeps_undo)

    def undo_size(self) -> int:
        """Bytes of what is kept to take writes back."""
        return undo_size(self._file)

    def close(self) -> None:
        """Write down what is pending and let the next run in."""
        self.commit()
        self._file.close()
        if self._file.is_damaged and self._writable:
            self._file.is_damaged = False
            # Only now: until here workers may have written to it, and they go by its name.
            try:
                aside = set_aside(self.path, self._clock())
                self._warn(f"The damaged state is now {aside}; the next run begins a new one")
            except OSError as error:
                self._warn(f"The damaged state {self.path} cannot be renamed: {error.strerror or error}")
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
