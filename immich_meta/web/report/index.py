"""Where each file of a run is told of, in a small SQLite file: found by status, by tag, by a part of its path.

Not here: what is told (entry.py) and where (report_file.py, kept_files.py). The index can be made again at any time.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Callable, NamedTuple, Optional, Union

# Stands for every status but these: what a person wants to see of a run that left most files alone.
NOTABLE = "notable"
_QUIET = ("unchanged", "already")
_VERSION = 1
_ROWS_AT_ONCE = 256
_MOST_TAGS = 1000  # different ones; the table of tags has some sixty
_PATIENCE = 5.0  # seconds; whoever writes does so for a tenth of one
_SURROGATES = re.compile("[\ud800-\udfff]")
_TABLES = (
    "CREATE TABLE row (number INTEGER PRIMARY KEY, place INTEGER NOT NULL, size INTEGER NOT NULL, "
    "status TEXT NOT NULL, path TEXT NOT NULL)",
    "CREATE INDEX row_of_status ON row (status)",
    "CREATE TABLE touched (tag INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (tag, row)) WITHOUT ROWID",
    "CREATE TABLE tag (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, files INTEGER NOT NULL)",
    "CREATE TABLE status (name TEXT PRIMARY KEY, files INTEGER NOT NULL)",
    "CREATE TABLE progress (reached INTEGER NOT NULL)",
    "INSERT INTO progress VALUES (0)",
    f"PRAGMA user_version = {_VERSION}",
)


class Item(NamedTuple):
    """A file that is told of: `place` and `size` find it again, `after` is where the next one is looked for."""

    place: int
    size: int
    after: int
    path: str
    status: str
    tags: Sequence[str]


class Row(NamedTuple):
    """A file in the index; `number` counts from 1 in the order in which they were told."""

    number: int
    place: int
    size: int


@dataclass(frozen=True)
class Wanted:
    """Which files: `status` NOTABLE, or one, or "" for all; `tag` and `text` (a part of the path) "" for any."""

    status: str = ""
    tag: str = ""
    text: str = ""


class Overview(NamedTuple):
    """How many files have each status, and how many tell of each tag. `reached`: where the next one is looked for."""

    files: int
    by_status: Mapping[str, int]
    by_tag: Mapping[str, int]
    reached: int

    @property
    def notable(self) -> int:
        return self.files - sum(self.by_status.get(status, 0) for status in _QUIET)


class Index:
    """The index of one run; get one from `open_index`. For a single thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def catch_up(
        self,
        feed: Callable[[int], Iterator[Item]],
        seconds: Optional[float],
        clock: Callable[[], float] = time.monotonic,
    ) -> bool:
        """Take in what `feed` yields from where the index has reached, for so long; None: to the end.

        False: there is more, or another one is at it.
        """
        deadline = None if seconds is None else clock() + seconds
        with _transaction(self._connection) as is_ours:
            if not is_ours:
                return False
            items = feed(self._reached())

            def is_late() -> bool:
                return deadline is not None and clock() >= deadline

            while batch := list(islice(_until(is_late, items), _ROWS_AT_ONCE)):
                self._add(batch)
                if is_late():
                    return False
        return True

    def overview(self) -> Overview:
        by_status = dict(self._connection.execute("SELECT name, files FROM status ORDER BY files DESC, name"))
        by_tag = dict(self._connection.execute("SELECT name, files FROM tag ORDER BY name"))
        return Overview(sum(by_status.values()), by_status, by_tag, self._reached())

    def count(self, wanted: Wanted) -> int:
        if not wanted.tag and not wanted.text:
            overview = self.overview()
            counts = {"": overview.files, NOTABLE: overview.notable}
            return counts.get(wanted.status, overview.by_status.get(wanted.status, 0))
        where, values = _where(wanted)
        return int(self._connection.execute(f"SELECT count(*) FROM row{where}", values).fetchone()[0])  # noqa: S608

    def rows(self, wanted: Wanted, *, most: int, skip: int = 0, after: int = 0) -> list[Row]:
        """Those that are wanted, in the order of the run, behind the number `after`."""
        where, values = _where(wanted, after)
        question = f"SELECT number, place, size FROM row{where} ORDER BY number LIMIT ? OFFSET ?"  # noqa: S608
        return [Row(*row) for row in self._connection.execute(question, (*values, most, skip))]

    def row(self, number: int) -> Optional[Row]:
        question = "SELECT number, place, size FROM row WHERE number = ?"
        found = self._connection.execute(question, (number,)).fetchone()
        return None if found is None else Row(*found)

    def forget(self) -> None:
        """What it was made of is another one now."""
        with _transaction(self._connection) as is_ours:
            for table in ("row", "touched", "tag", "status") if is_ours else ():
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608
            if is_ours:
                self._connection.execute("UPDATE progress SET reached = 0")

    def _reached(self) -> int:
        return int(self._connection.execute("SELECT reached FROM progress").fetchone()[0])

    def _add(self, items: Sequence[Item]) -> None:
        ask = self._connection.execute
        first = ask("SELECT coalesce(max(number), 0) + 1 FROM row").fetchone()[0]
        rows = [
            (number, item.place, item.size, _storable(item.status), folded(item.path))
            for number, item in enumerate(items, first)
        ]
        self._connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?)", rows)
        statuses = [(row[3],) for row in rows]
        self._connection.executemany(
            "INSERT INTO status VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET files = files + 1", statuses
        )
        self._touch((number, item.tags) for number, item in enumerate(items, first))
        ask("UPDATE progress SET reached = ?", (items[-1].after,))

    def _touch(self, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        numbers: dict[str, int] = dict(self._connection.execute("SELECT name, number FROM tag"))
        touched: list[tuple[int, int]] = []
        counts: dict[int, int] = {}
        for row, names in rows:
            for name in set(map(_storable, names)):
                if name not in numbers and len(numbers) < _MOST_TAGS:
                    numbers[name] = len(numbers) + 1
                    self._connection.execute("INSERT INTO tag VALUES (?, ?, 0)", (numbers[name], name))
                if name in numbers:
                    touched.append((numbers[name], row))
                    counts[numbers[name]] = counts.get(numbers[name], 0) + 1
        self._connection.executemany("INSERT INTO touched VALUES (?, ?)", touched)
        self._connection.executemany(
            "UPDATE tag SET files = files + ? WHERE number = ?", [(count, number) for number, count in counts.items()]
        )


def _until(is_late: Callable[[], bool], items: Iterator[Item]) -> Iterator[Item]:
    """One of them at least: a single line may take longer than there is time."""
    for item in items:
        yield item
        if is_late():
            return


@contextlib.contextmanager
def open_index(path: Path) -> Iterator[Index]:
    """The index in that file; made when it is not there, and made anew when it is damaged or of another version."""
    connection = _connected(path)
    try:
        yield Index(connection)
    finally:
        connection.close()


def folded(text: str) -> str:
    """So that large and small letters, and letters that are put together in two ways, are the same."""
    return _storable(unicodedata.normalize("NFC", text).casefold())


def _connected(path: Path) -> sqlite3.Connection:
    try:
        return _ready(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise
    path.unlink(missing_ok=True)
    return _ready(path)


def _ready(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.DatabaseError."""
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    try:
        # It can be made again: no reason to wait for the disk.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA trusted_schema = OFF")
        if _version(connection) != _VERSION:
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) == 0:  # else another one was quicker
                for statement in _TABLES:
                    connection.execute(statement)
            connection.execute("COMMIT")
        if _version(connection) != _VERSION or not connection.execute("SELECT reached FROM progress").fetchone():
            raise sqlite3.DatabaseError("it is of another version")
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _where(wanted: Wanted, after: int = 0) -> tuple[str, tuple[Union[str, int], ...]]:
    parts: list[tuple[str, tuple[Union[str, int], ...]]] = [("number > ?", (after,))]
    if wanted.status == NOTABLE:
        parts.append((f"status NOT IN ({', '.join('?' * len(_QUIET))})", _QUIET))
    elif wanted.status:
        parts.append(("status = ?", (_storable(wanted.status),)))
    if wanted.tag:
        tagged = "number IN (SELECT row FROM touched WHERE tag = (SELECT number FROM tag WHERE name = ?))"
        parts.append((tagged, (_storable(wanted.tag),)))
    if wanted.text:
        parts.append(("instr(path, ?) > 0", (folded(wanted.text),)))
    words = " AND ".join(part for part, _ in parts)
    return f" WHERE {words}", tuple(value for _, values in parts for value in values)


def _storable(text: str) -> str:
    """SQLite's texts are UTF-8; names of files need not be."""
    return _SURROGATES.sub("\ufffd", text)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[bool]:
    """False: another one is writing."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        yield False
        return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(_PATIENCE * 1000)}")
    try:
        yield True
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
