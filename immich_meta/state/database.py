"""Opening a store's SQLite file: for the run, for its workers, for those who only look.

Not here: what is asked of it (settled.py, runs.py, undo_log.py, archive.py).
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from immich_meta.state.schema import APPLICATION_ID, MIGRATIONS

BUSY_SECONDS = 30.0
# In a damaged file even the text of an error may be unreadable.
FAILURES = (sqlite3.Error, UnicodeDecodeError)
# Kinds of file systems on other machines begin so.
_NETWORKED = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "fuse.rclone", "ceph", "fuse.gluster", "afs", "virtiofs")


class NewerStoreError(Exception):
    """The store was made by a later version of this program."""


class DamagedStoreError(sqlite3.DatabaseError):
    """The file is no store."""


def is_damage(error: Exception) -> bool:
    """Whether the file itself is to blame, not the disk, a lock or a permission."""
    if isinstance(error, sqlite3.OperationalError):
        return "malformed" in str(error) or "no such" in str(error)
    return isinstance(error, (sqlite3.DatabaseError, UnicodeDecodeError))


def connect(path: Path, *, migrations: Sequence[str] = MIGRATIONS) -> sqlite3.Connection:
    """Open the file of a store for reading and writing; an empty one gets its tables, an older one today's.

    Raises NewerStoreError, DamagedStoreError and other sqlite3.Error, UnicodeDecodeError.
    """
    connection = _open(path, "rw")
    try:
        _require_ours(connection, migrations)
        if not _pragma(connection, "user_version"):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before anything is in the file
        networked = _is_networked(path.parent)
        for mode in ("DELETE",) if networked else ("WAL", "DELETE"):
            if _set_journal(connection, mode):
                break
        _migrate(connection, migrations)
        _require_tables(connection, migrations)
        _require_sound(connection)
        connection.execute("DELETE FROM run WHERE number < 0")  # says whether it can be written to; there is none
    except BaseException:
        connection.close()
        raise
    return connection


def connect_worker(path: Path) -> sqlite3.Connection:
    """Open a store that the run has open, to append to its log from several threads, one at a time.

    What is appended is on the disk before the append returns: a rename that survives a power failure has its way back.
    """
    return _open(path, "rw", synchronous="FULL")


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a store to look at it; nothing is written. Raises as `connect`, also for a store that is not there."""
    in_use = any(Path(f"{path}{ending}").exists() for ending in ("-wal", "-journal"))
    # One that nobody has open is read without SQLite's help files, which would be left behind.
    for mode in ("mode=ro", "immutable=1") if in_use else ("immutable=1",):
        connection = _open(path, mode)
        try:
            _require_ours(connection, MIGRATIONS)
            _require_tables(connection, MIGRATIONS)
        except sqlite3.OperationalError as error:
            connection.close()
            if mode == "immutable=1" or is_damage(error):
                raise
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise AssertionError("unreachable")


def _open(path: Path, mode: str, *, synchronous: str = "NORMAL") -> sqlite3.Connection:
    address = f"file:{quote(str(path.resolve()), errors='surrogateescape')}?{mode if '=' in mode else f'mode={mode}'}"
    connection = sqlite3.connect(
        address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # A damaged text is no reason to fail: it will not be equal to anything.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cache_size = -16384")  # kB
        # Assets come in any order and touch pages all over the file: copied back rarely, that costs half.
        connection.execute("PRAGMA wal_autocheckpoint = 8192")  # pages of 4 kB
    except BaseException:
        connection.close()
        raise
    return connection


def _require_ours(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    version = _pragma(connection, "user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not version and not tables:
        return
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise DamagedStoreError("it is not a store of this program")
    if version > len(migrations):
        raise NewerStoreError(f"its version is {version}, this program knows {len(migrations)}")


def _set_journal(connection: sqlite3.Connection, mode: str) -> bool:
    try:
        answer = connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    except sqlite3.OperationalError as error:
        if is_damage(error) or mode == "DELETE":
            raise
        return False
    return str(answer[0]).upper() == mode


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    version = _pragma(connection, "user_version")
    for number, script in enumerate(migrations[version:], version + 1):
        header = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number};"
        connection.executescript(f"BEGIN IMMEDIATE; {script}; {header} COMMIT;")


def _require_tables(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    with _Memory(migrations) as expected:
        if _tables(connection) != expected:
            raise DamagedStoreError("its tables are not those of a store")


def _require_sound(connection: sqlite3.Connection) -> None:
    """Look at what every run uses: 0.2 s for a million assets. Not at what was written, which may be gigabytes."""
    for table in ("settled", "run", "directory"):
        found = connection.execute(f"PRAGMA quick_check({table})").fetchone()
        if found is None or found[0] != "ok":
            raise DamagedStoreError(f"the table {table} is torn")


class _Memory:
    """The tables of a fresh store."""

    def __init__(self, migrations: Iterable[str]) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._migrations = migrations

    def __enter__(self) -> list[tuple[object, ...]]:
        for script in self._migrations:
            self._connection.executescript(script)
        return _tables(self._connection)

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _tables(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    return sorted((tuple(row) for row in found), key=str)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def has_wal(connection: sqlite3.Connection) -> bool:
    """Whether those who read and those who write do not wait for each other."""
    try:
        return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")
    except FAILURES:  # whoever asks next will say what is wrong
        return False


def _is_networked(directory: Path) -> bool:
    """Whether the directory is on a file system of another machine, where WAL's shared memory is not shared."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        table = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape")
    except OSError:
        return False
    return file_system_of(str(directory.resolve()), table).startswith(_NETWORKED)


def file_system_of(place: str, table: str) -> str:
    """The kind of file system that an absolute path is on, by a table of mounts (fstab(5)); "" when it is in none."""
    kind, longest = "", -1
    for line in table.splitlines():
        fields = line.split(" ")
        point = fields[1].replace("\\040", " ").rstrip("/") if len(fields) > 2 else "?"
        # The last of several at one place is the one that is seen.
        if (place == point or place.startswith(point + "/")) and len(point) >= longest:
            kind, longest = fields[2], len(point)
    return kind
