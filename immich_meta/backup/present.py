"""Which backups of a database are in a folder, how old each is, and whether somebody should be reminded.

Not here: making one (making.py).

Known are our own, Immich's (`immich-db-backup-*.sql.gz` in UPLOAD_LOCATION/backups), those of immich-metadata-sync
(`20261130_030000/database/immich_db_*.sql.gz`), and any other `*.sql` or `*.dump`, also compressed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional

DAY = 86_400
OURS = re.compile(r"immich-meta-db-\d{8}T\d{6}Z\.sql\.gz", re.ASCII)

_BACKUP = re.compile(r"[^.].*\.(sql|dump)(\.(gz|bz2|xz|zst))?", re.IGNORECASE | re.DOTALL)
_PREDECESSORS_FOLDER = re.compile(r"\d{8}_\d{6}", re.ASCII)
_DATE = re.compile(r"(?<!\d)(\d{8})[T_](\d{6})(?!\d)", re.ASCII)
_MILLISECONDS = re.compile(r"immich-db-backup-(\d{13})\.", re.ASCII)
# `pg_dump | gzip` leaves 20 bytes when pg_dump fails.
_SMALLEST = 100


@dataclass(frozen=True)
class Backup:
    """One file. `made`: seconds since 1970. `is_ours`: this program made it, and may remove it again."""

    path: Path
    made: float
    size: int
    is_ours: bool = False


@dataclass(frozen=True)
class Backups:
    """What is in a folder, newest first. `problem`: why the folder could not be read, else empty."""

    directory: Path
    found: tuple[Backup, ...] = ()
    problem: str = ""

    @property
    def newest(self) -> Optional[Backup]:
        return self.found[0] if self.found else None


@dataclass(frozen=True)
class Reminder:
    """Why a backup is due. `kind` is for machines: unreadable, none or old."""

    kind: str
    cause: str
    cure: str

    def __str__(self) -> str:
        """A sentence for a log."""
        return f"{self.cause[:1].upper()}{self.cause[1:]}: {self.cure}"


def backups_in(directory: Path) -> Backups:
    """The backups in a folder. One that cannot be read is no error: `problem` says so."""
    try:
        return Backups(directory, tuple(sorted(_found(directory), key=_newest_first)))
    except OSError as error:
        return Backups(directory, problem=error.strerror or str(error))


def reminder(backups: Backups, now: float, max_age_days: int) -> Optional[Reminder]:
    """Whether a backup is due: `now` in seconds since 1970; None when the newest is young enough."""
    folder = f"BACKUP_TARGET ({backups.directory})"
    if backups.problem:
        cure = "check that the disk is mounted and that this user may read the folder"
        return Reminder("unreadable", f"no backup of Immich's database was found: {folder}: {backups.problem}", cure)
    cure = "make one with immich-meta backup, or in Immich under Administration > Job Queues"
    if backups.newest is None:
        return Reminder("none", f"there is no backup of Immich's database in {folder}", cure)
    age = age_in_days(backups.newest, now)
    if age <= max_age_days:
        return None
    cause = (
        f"the newest backup of Immich's database, {backups.newest.path.name}, is {age:.0f} days old, more than "
        f"{max_age_days} (DB_BACKUP_MAX_AGE_DAYS)"
    )
    return Reminder("old", cause, cure)


def reminder_about(directory: Path, now: float, max_age_days: int) -> Optional[Reminder]:
    """The same of a folder."""
    return reminder(backups_in(directory), now, max_age_days)


def age_in_days(backup: Backup, now: float) -> float:
    """Never negative: a file from the future is new."""
    return max(0.0, now - backup.made) / DAY


def moment_in(name: str) -> Optional[float]:
    """When the file was made, by its name, in seconds since 1970; a date without a zone is taken for UTC."""
    number = _MILLISECONDS.match(name)
    if number is not None:
        return int(number[1]) / 1000
    date = _DATE.search(name)
    if date is None:
        return None
    try:
        return datetime.strptime("".join(date.groups()), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


def _newest_first(backup: Backup) -> tuple[float, str]:
    return -backup.made, str(backup.path)


def _found(directory: Path) -> Iterator[Backup]:
    yield from _files(directory)
    with os.scandir(directory) as entries:
        folders = [Path(entry.path) / "database" for entry in entries if _PREDECESSORS_FOLDER.fullmatch(entry.name)]
    for folder in folders:
        if folder.is_dir():
            yield from _files(folder)


def _files(directory: Path) -> Iterator[Backup]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if not _BACKUP.fullmatch(entry.name):
                continue
            try:
                status = entry.stat()
                is_file = entry.is_file()
            except OSError:  # gone in this moment, or a link that leads nowhere
                continue
            if is_file and status.st_size >= _SMALLEST:
                # A copy is as old as what it is a copy of.
                made = min(status.st_mtime, moment_in(entry.name) or status.st_mtime)
                ours = OURS.fullmatch(entry.name) is not None and not entry.is_symlink()
                yield Backup(Path(entry.path), made, status.st_size, ours)
