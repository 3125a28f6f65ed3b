"""A new backup as a whole file or none, and the oldest of our own removed.

Not here: the program that dumps (pg_dump.py).
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Callable

from immich_meta.backup.present import DAY, Backup
from immich_meta.errors import BackupError, PathsError
from immich_meta_writers.commit import sync_directory

Take = Callable[[bytes], object]
_TEMPORARY = re.compile(r"\.immich-meta-db-\d{8}T\d{6}Z\.sql\.gz\.\d+\.tmp", re.ASCII)


def make_backup(directory: Path, dump: Callable[[Take], None], now: float) -> Backup:
    """What `dump` hands out, compressed, in a new file that this user alone may read. `now`: seconds since 1970.

    The folder is not made: it would hide that a disk is not mounted. Raises PathsError, BackupError and what `dump`
    raises; then there is no new file.
    """
    if not directory.is_dir():
        raise PathsError(
            f"BACKUP_TARGET ({directory}) is not a folder that is there",
            path=str(directory),
            cure="make it, or mount the disk that it is on",
        )
    stamp = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = directory / f"immich-meta-db-{stamp}.sql.gz"
    temporary = directory / f".{path.name}.{os.getpid()}.tmp"
    try:
        _sweep(directory, now)
        with contextlib.ExitStack() as on_failure:
            # A dump holds password hashes and the keys of shared links.
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            on_failure.callback(temporary.unlink)
            with os.fdopen(descriptor, "wb") as file:
                _pack(file, path.name[: -len(".gz")], dump, now)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            on_failure.pop_all()
        sync_directory(str(directory))
        return Backup(path, now, path.stat().st_size, is_ours=True)
    except OSError as error:
        raise BackupError(
            f"the backup cannot be written into {directory}: {error.strerror or error}",
            cure="see that there is room, and that this user may write there",
        ) from error


def prune(backups: Iterable[Backup], made: Backup, keep: int) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Removes all but the newest `keep` of our own backups, never `made`. What went, and what would not go."""
    ours = sorted((each.path.name, each.path) for each in backups if each.is_ours and each.path != made.path)
    removed, problems = [], []
    for _, path in ours[: max(0, len(ours) - (keep - 1))]:
        try:
            path.unlink()
            removed.append(path)
        except OSError as error:
            problems.append(f"{path} cannot be removed: {error.strerror or error}")
    return tuple(removed), tuple(problems)


def _pack(file: IO[bytes], name: str, dump: Callable[[Take], None], now: float) -> None:
    size = 0
    with gzip.GzipFile(name, "wb", compresslevel=6, fileobj=file, mtime=now) as packed:

        def take(block: bytes) -> None:
            nonlocal size
            size += packed.write(block)

        dump(take)
    if not size:
        raise BackupError("pg_dump wrote nothing", cure="check that pg_dump is PostgreSQL's own")


def _sweep(directory: Path, now: float) -> None:
    """What a killed backup left; a younger one may still be under way."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime < now - DAY:
                os.unlink(entry.path)
