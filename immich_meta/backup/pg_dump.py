"""PostgreSQL's own pg_dump, started and listened to: the only place in this project that starts another program.

Not here: where the dump goes (making.py).

No shell, and no setting is an argument: pg_dump takes host, port, user, database and password from the environment
(PostgreSQL manual, 34.15), where other users of the machine do not see them.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Callable

from immich_meta.errors import BackupError, MissingProgramError
from immich_meta.logs import Redactor, one_line

PROGRAM = "pg_dump"
# Plain SQL that replaces what is there, as Immich's own backups are. A lock that somebody holds is waited for a minute.
_ARGUMENTS = ("--no-password", "--format=plain", "--clean", "--if-exists", "--lock-wait-timeout=60000")
_BLOCK = 1 << 18
_MOST_WORDS = 600
_OUR_SETTINGS = ("IMMICH_", "DB_", "FLASK_")
_CURES = (
    (r"server version mismatch", "install a pg_dump that is as new as the server, e.g. postgresql-client-17"),
    (r"password|authentication", "check DB_USERNAME and DB_PASSWORD"),
    (r"database .+ does not exist", "check DB_NAME"),
    (r"host name|connection refused|timeout|timed out|no route|unreachable|No such file", "check DB_HOST and DB_PORT"),
)


@dataclass(frozen=True)
class Database:
    """Where the database is. `password` empty: whatever libpq finds (PGPASSWORD, ~/.pgpass, none)."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    name: str


def dump(database: Database, environ: Mapping[str, str], take: Callable[[bytes], object]) -> None:
    """Hands the dump of a database, SQL, to `take`, piece by piece.

    Raises MissingProgramError without pg_dump on the PATH of `environ`; BackupError when it fails, with what it said
    and without the password; whatever `take` raises, with pg_dump ended.
    """
    program = shutil.which(PROGRAM, path=environ.get("PATH"))
    if program is None:
        raise MissingProgramError("pg_dump was not found on the PATH")
    with tempfile.TemporaryFile() as said:
        try:
            child = subprocess.Popen(  # noqa: S603
                (program, *_ARGUMENTS),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                env=_environment(database, environ),
            )
        except OSError as error:
            raise MissingProgramError(f"{program} cannot be started: {error.strerror or error}") from error
        with child:
            assert child.stdout is not None  # noqa: S101 - it is a pipe
            try:
                for block in iter(partial(child.stdout.read, _BLOCK), b""):
                    take(block)
            except BaseException:
                child.kill()
                raise
        if child.returncode:
            raise _failure(child.returncode, _words(said, database))


def _environment(database: Database, environ: Mapping[str, str]) -> dict[str, str]:
    """Without our own settings, the API key first of all; in English, for _CURES."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_OUR_SETTINGS)}
    where = {
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGUSER": database.username,
        "PGDATABASE": database.name,
        "PGCONNECT_TIMEOUT": kept.get("PGCONNECT_TIMEOUT", "30"),
        "LC_ALL": "C",
    }
    return {**kept, **where, **({"PGPASSWORD": database.password} if database.password else {})}


def _words(said: IO[bytes], database: Database) -> str:
    said.seek(0)
    text = said.read(1 << 16).decode("utf-8", "replace").strip()
    return Redactor((database.password,))(one_line(text))[:_MOST_WORDS]


def _failure(code: int, words: str) -> BackupError:
    how = f"exit code {code}" if code > 0 else _signal(-code)
    cure = next((cure for pattern, cure in _CURES if re.search(pattern, words, re.IGNORECASE)), "")
    return BackupError(f"pg_dump failed ({how}): {words or 'it did not say why'}", cure=cure)


def _signal(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
