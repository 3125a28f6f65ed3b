"""Starting runs, one at a time, and stopping them.

Not here: what a run's process does (worker.py).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Sequence
from typing import Callable, Optional

from immich_meta.errors import PathsError, RunUnderWayError
from immich_meta.web.runs.asked import chosen, parsed
from immich_meta.web.runs.folders import RunFolder, RunFolders, State
from immich_meta.web.runs.worker import Surroundings, carry_out
from immich_meta_writers.tags import Module


class Control:
    """`around` is what a `sync` in the same place would have; `clock` in seconds since 1970."""

    def __init__(self, folders: RunFolders, around: Surroundings, clock: Callable[[], float]) -> None:
        self._folders = folders
        self._around = around
        self._clock = clock
        self._lock = threading.Lock()
        self._process: Optional[multiprocessing.process.BaseProcess] = None

    def start(self, arguments: Sequence[str]) -> RunFolder:
        """Begin a run with these arguments of `sync`. Raises RunUnderWayError, BadFormError, PathsError."""
        modules, _ = parsed(arguments)
        with self._lock:
            active = self.active()
            if active is not None:
                raise RunUnderWayError(active.id)
            folder = self._folder(arguments, modules)
            # Not a daemon: a run has worker processes of its own.
            process = multiprocessing.get_context("spawn").Process(
                target=carry_out, args=(folder, self._around), name="immich-meta run", daemon=False
            )
            process.start()
            self._process = process
        self._folders.prune()
        return folder

    def _folder(self, arguments: Sequence[str], modules: frozenset[Module]) -> RunFolder:
        said = chosen(arguments)
        request = {
            "arguments": list(arguments),
            "modules": [module.value for module in Module if module in modules],
            "options": said,
            "dry_run": "dry_run" in said,
            "asked": self._clock(),
        }
        try:
            return self._folders.create(request)
        except OSError as error:
            raise PathsError(
                f"the folder of the run cannot be made: {error.strerror or error}: {error.filename or ''}".rstrip(": "),
                path=str(error.filename or ""),
                cure="IMMICH_META_STATE_DIR chooses another directory",
            ) from error

    def active(self) -> Optional[RunFolder]:
        """The run that is under way; only the newest one can be."""
        newest = self._folders.newest()
        return newest if newest is not None and self.state(newest).is_active else None

    def state(self, folder: RunFolder) -> State:
        return folder.state(self._clock())

    def stop(self, folder: RunFolder) -> None:
        """Have it finish what is in hand, and end. Raises OSError."""
        folder.stop.touch(mode=0o600)

    def close(self, seconds: float) -> bool:
        """The page ends: stop the run that it has started, and wait so long for its end. Whether there is none left."""
        process, active = self._process, self.active()
        if process is None or not process.is_alive() or active is None:
            return True
        with contextlib.suppress(OSError):
            self.stop(active)
        process.join(seconds)
        return not process.is_alive()
