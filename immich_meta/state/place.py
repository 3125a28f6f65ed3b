"""Where the state is: its directory, and the names of the files in it.

Not here: what is in the files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional

ENDING = ".sqlite"
_LONGEST = 100  # characters of a name; the ending and SQLite's own additions have to fit, too


def state_directory(configured: Optional[Path]) -> Path:
    """The one that was configured (IMMICH_META_STATE_DIR), else the platform's place for this user's state."""
    if configured is not None:
        return configured
    import platformdirs

    return platformdirs.user_state_path("immich-meta", appauthor=False)


def store_path(directory: Path, name: str) -> Path:
    """Where the store of that name is. Names that differ are in files that differ, on every file system."""
    safe = re.sub(r"[^a-z0-9._-]", "_", name).lstrip("._-")
    if safe != name or len(name) > _LONGEST:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        safe = f"{safe[: _LONGEST - 9]}-{digest}".lstrip("-")
    return directory / f"{safe}{ENDING}"


def stores_in(directory: Path) -> list[Path]:
    """All stores there, sorted. A hidden file is none: runs that work in this directory have their checkpoint in it."""
    return sorted(path for path in directory.glob(f"*{ENDING}") if not path.name.startswith("."))


def lock_path(store: Path) -> Path:
    return store.with_suffix(".lock")


def make_private(store: Path) -> None:
    """Make the directory and an empty file for this user alone: paths and names are private. Raises OSError."""
    store.parent.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        store.parent.mkdir(mode=0o700)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(store, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def set_aside(store: Path, now: float) -> Path:
    """Rename a damaged store, with what SQLite keeps beside it; it may hold what takes files back. Raises OSError."""
    date = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H-%M-%S")
    aside, number = store.with_suffix(f".damaged-{date}"), 1
    while aside.exists():
        number += 1
        aside = store.with_suffix(f".damaged-{date}-{number}")
    store.rename(aside)
    for ending in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{store}{ending}").rename(f"{aside}{ending}")
    return aside


def paths_of(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    """The paths in these rows, without those that damage has made no paths."""
    return [os.fsdecode(path) for (path,) in rows if isinstance(path, bytes) and path and b"\0" not in path]


def readable(now: float) -> str:
    """A moment as people read it, on this machine's clock, which the log's need not be, in whole seconds."""
    return datetime.fromtimestamp(now, timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
