"""Starting to take something back, one at a time, and stopping that.

Not here: what the process does (worker.py).
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, Optional

from immich_meta.errors import StateBusyError
from immich_meta.web.runs.folders import RunFolder, RunFolders
from immich_meta.web.undoing.worker import carry_out

_KEPT = 20
Write = tuple[str, int]
"""The id of a kept run, and the number of one of its writes."""


class UndoControl:
    """`state_dir` is where the runs are remembered; `clock` in seconds since 1970."""

    def __init__(self, state_dir: Path, clock: Callable[[], float]) -> None:
        self.folders = RunFolders(state_dir / "web" / "undo", clock)
        self._state_dir = state_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._process: Optional[multiprocessing.process.BaseProcess] = None

    def start(
        self, runs: Sequence[str], shown_as: str, writes: Optional[Sequence[Write]], *, dry_run: bool
    ) -> RunFolder:
        """Begin to take these kept runs back, or of them only some `writes`; `shown_as` is what the pages call them.

        Raises StateBusyError, OSError.
        """
        asked = {
            "runs": list(runs),
            "shown_as": shown_as,
            "writes": None if writes is None else [list(each) for each in writes],
        }
        return self._start({**asked, "dry_run": dry_run, "asked": self._clock()})

    def again(self, look: RunFolder) -> RunFolder:
        """Begin what was only looked at. Raises as `start`."""
        return self._start({**look.request(), "dry_run": False, "asked": self._clock()})

    def _start(self, request: Mapping[str, Any]) -> RunFolder:
        with self._lock:
            if self.active() is not None:
                raise StateBusyError("something is being taken back already")
            folder = self.folders.create(request)
            process = multiprocessing.get_context("spawn").Process(
                target=carry_out, args=(folder, self._state_dir), name="immich-meta undo", daemon=False
            )
            process.start()
            self._process = process
        self.folders.prune(_KEPT)
        return folder

    def active(self) -> Optional[RunFolder]:
        newest = self.folders.newest()
        return newest if newest is not None and newest.state(self._clock()).is_active else None

    def stop(self, folder: RunFolder) -> None:
        """Have it finish the files in hand, and end. Raises OSError."""
        folder.stop.touch(mode=0o600)

    def close(self, seconds: float) -> None:
        """The page ends: stop what it has started, and wait so long for its end."""
        process, active = self._process, self.active()
        if process is None:
            return
        if active is not None and process.is_alive():
            self.stop(active)
        process.join(seconds)
