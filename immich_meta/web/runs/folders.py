"""The folders of runs: making, finding and removing them, and reading what is in them.

Not here: who writes into them (control.py, worker.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any, Callable, Optional

from immich_meta.logs import json_line
from immich_meta.state.lock import is_held

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
KEPT = 50
KEPT_BYTES = 2 << 30
_ALWAYS_KEPT = 5
STARTING_SECONDS = 30.0
_MOST_BYTES = 1 << 20
_TICKS = 0x10000  # in a second
# Who looks whether a lock is held, holds it for an instant: threads would take each other for the run.
_LOOKING = threading.Lock()


class State(Enum):
    """STARTING: its process is not there yet. INTERRUPTED: it is not there any more, and left no result."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"
    INTERRUPTED = "interrupted"

    @property
    def is_active(self) -> bool:
        return self in (State.STARTING, State.RUNNING)


@dataclass(frozen=True)
class RunFolder:
    """One run. `request`, `progress` and `result` are read anew each time; {} and None where there is none."""

    id: str
    path: Path

    @property
    def report(self) -> Path:
        return self.path / "report.jsonl"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def stop(self) -> Path:
        return self.path / "stop"

    def request(self) -> dict[str, Any]:
        return read_object(self.path / "request.json") or {}

    def arguments(self) -> tuple[str, ...]:
        """The arguments of `sync` that were asked for."""
        found = self.request().get("arguments")
        return tuple(map(str, found)) if isinstance(found, list) else ()

    def progress(self) -> dict[str, Any]:
        return read_object(self.path / "progress.json") or {}

    def result(self) -> Optional[dict[str, Any]]:
        return read_object(self.path / "result.json")

    def size(self) -> int:
        """Bytes of all that is in it."""
        try:
            with os.scandir(self.path) as entries:
                return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
        except OSError:  # somebody removes it in this moment
            return 0

    def state(self, now: float) -> State:
        """`now`: seconds since 1970. Costs a look at two files, however long the run is."""
        if (self.path / "result.json").exists():
            return State.ENDED
        with _LOOKING:
            is_alive = is_held(self.lock)
        if is_alive:
            return State.RUNNING
        if (self.path / "result.json").exists():  # it ended between these two looks
            return State.ENDED
        try:
            age = abs(now - (self.path / "request.json").stat().st_mtime)  # a clock may be put back
        except OSError:
            return State.INTERRUPTED
        return State.STARTING if not self.lock.exists() and age < STARTING_SECONDS else State.INTERRUPTED


class RunFolders:
    """All folders below `root`; `clock` in seconds since 1970."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._root = root
        self._clock = clock

    def create(self, request: Mapping[str, Any]) -> RunFolder:
        """A new folder for this user alone, with the request in it. Raises OSError."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        run_id = f"{self._next_moment()}{secrets.token_hex(2)}"
        folder = RunFolder(run_id, self._root / run_id)
        folder.path.mkdir(mode=0o700)
        try:
            replace_object(folder.path / "request.json", request)
        except OSError:  # without it this would be a run that broke off
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        return folder

    def _next_moment(self) -> str:
        """Second and fraction, so that the newest one sorts last, also of two of the same second, and when the clock
        was put back since."""
        ticks = int(self._clock() * _TICKS)
        newest = self.newest()
        if newest is not None:
            with contextlib.suppress(ValueError):  # no such day
                moment = datetime.strptime(newest.id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=timezone.utc)
                ticks = max(ticks, int(moment.timestamp()) * _TICKS + int(newest.id[16:20], 16) + 1)
        return f"{datetime.fromtimestamp(ticks // _TICKS, timezone.utc):%Y%m%d-%H%M%S}-{ticks % _TICKS:04x}"

    def get(self, run_id: str) -> Optional[RunFolder]:
        """The run of that id; None for any text that is not the id of one."""
        if not RUN_ID.fullmatch(run_id):
            return None
        path = self._root / run_id
        return RunFolder(run_id, path) if path.is_dir() and not path.is_symlink() else None

    def all(self) -> tuple[RunFolder, ...]:
        """Newest first."""
        try:
            names = sorted(filter(RUN_ID.fullmatch, os.listdir(self._root)), reverse=True)
        except OSError:
            return ()
        return tuple(RunFolder(name, self._root / name) for name in names)

    def newest(self) -> Optional[RunFolder]:
        return next(iter(self.all()), None)

    def prune(self, kept: int = KEPT, most: int = KEPT_BYTES) -> None:
        """Remove all but the newest ones: so many, and so many bytes; five stay in any case, and what is under way."""
        size = 0
        for number, folder in enumerate(self.all()):
            size += folder.size()
            is_old = number >= kept or (size > most and number >= _ALWAYS_KEPT)
            if is_old and not folder.state(self._clock()).is_active:
                shutil.rmtree(folder.path, ignore_errors=True)


def read_object(path: Path) -> Optional[dict[str, Any]]:
    """The JSON object in a small file; None when there is none."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def replace_object(path: Path, value: Mapping[str, Any], *, tries: int = 20) -> None:
    """Write a JSON file so that a reader sees the old or the new one, whole. Raises OSError."""
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json_line(value, ascii_only=True))
    for left in reversed(range(tries)):
        try:
            os.replace(temporary, path)
        except PermissionError:  # Windows, while somebody reads it
            if not left:
                with contextlib.suppress(OSError):
                    temporary.unlink()
                raise
            time.sleep(0.05)
        else:
            return
