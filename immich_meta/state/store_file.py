"""The open SQLite file of a store: asked and changed as long as it works; when it fails, that is said once.

Not here: what is asked (store.py, runs.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Callable, Optional

from immich_meta.state.database import FAILURES, has_wal, is_damage

Row = tuple[Any, ...]


class StoreFile:
    """Without a connection, and after a failure, questions have no answers and changes are dropped."""

    def __init__(self, path: Path, connection: Optional[sqlite3.Connection], warn: Callable[[str], None]) -> None:
        self.path = path
        self.connection = connection
        self.is_damaged = False
        self._is_reading = False
        self._has_wal = connection is not None and has_wal(connection)
        self._warn = warn

    def find(self, question: str, values: Sequence[object]) -> Optional[Row]:
        """The first row of the answer.

        With WAL many such questions in a row cost half, as they see the file as it was at the first one. `refresh`, and
        each change, ends that: until then what others write piles up (without WAL they would have to wait).
        """
        if self.connection is None:
            return None
        try:
            if self._has_wal and not self._is_reading:
                self.connection.execute("BEGIN")
                self._is_reading = True
            row: Optional[Row] = self.connection.execute(question, values).fetchone()
        except FAILURES as error:
            self.give_up(error)
            return None
        return row

    def refresh(self) -> None:
        """See what was written meanwhile."""
        if self.connection is not None and self._is_reading:
            self._is_reading = False
            try:
                self.connection.execute("COMMIT")
            except FAILURES as error:
                self.give_up(error)

    def ask(self, question: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of the answer."""
        self.refresh()
        if self.connection is None:
            return []
        try:
            return self.connection.execute(question, values).fetchall()
        except FAILURES as error:
            self.give_up(error)
            return []

    def change(self, *statements: tuple[str, Iterable[Sequence[object]]]) -> bool:
        """Each statement with each of its rows, all in one transaction; whether it was done."""
        self.refresh()
        if self.connection is None:
            return False
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            for statement, rows in statements:
                self.connection.executemany(statement, rows)
            self.connection.execute("COMMIT")
        except FAILURES as error:
            self.give_up(error)
            return False
        return True

    def give_up(self, error: Exception) -> None:
        """Say why, once, and go on without."""
        if self.connection is None:
            return
        self.is_damaged = is_damage(error)
        what = "is damaged" if self.is_damaged else "cannot be written"
        self._warn(
            f"The state {self.path} {what} ({error}): this run goes on, but remembers nothing from here on, "
            "and what it writes cannot be undone"
        )
        self.close()

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is None:
            return
        try:
            connection.close()  # takes back what was not committed
        except FAILURES as error:
            self.is_damaged = self.is_damaged or is_damage(error)
