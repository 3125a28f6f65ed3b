"""This program, as a user runs it: the command line in a process of its own, worker processes by default.

Not here: how a process is measured (meter.py).
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks import meter
from benchmarks.library import ROOT
from benchmarks.stand_in import PROJECT, StandIn

NAME = "immich-meta"
COMMAND = ("sync", "--all", "--albums")
_QUIET = ("--yes", "--log-level", "error")
HOOKS = Path(__file__).resolve().parent / "hooks"


class NotAsExpectedError(RuntimeError):
    """A run did something else than what was to be measured."""


def environ(*first: Path) -> dict[str, str]:
    """That of every child: the project's modules, `first` before them; no setting of the user's gets in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMMICH_", "PYTHON"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, (*first, PROJECT, PROJECT / "writers")))}


@dataclass(frozen=True)
class Sync:
    """One household: its server, its files, and the folder where the runs keep what they remember."""

    server: StandIn
    photos: Path
    folder: Path

    def settings(self) -> dict[str, str]:
        self.folder.mkdir(parents=True, exist_ok=True)
        return {
            "IMMICH_INSTANCE_URL": self.server.url,
            "IMMICH_API_KEY": self.server.api_key,
            "IMMICH_PHOTO_DIR": str(self.photos),
            "IMMICH_PATH_MAP": f"{ROOT}={self.photos}",
            "IMMICH_META_STATE_DIR": str(self.folder / "state"),
            "IMMICH_LOG_FILE": "-",
            "TZ": "UTC",
        }

    def run(self, *flags: str, updated: int, unchanged: int) -> tuple[meter.Usage, int]:
        """One run. Returns what it took and the number of requests. Raises NotAsExpectedError, ChildFailedError."""
        self.server.requests()
        command = [sys.executable, "-m", "immich_meta", *COMMAND, *_QUIET, "--export-stats", "json", *flags]
        usage, _ = meter.run(command, {**environ(), **self.settings()}, self.folder)
        self._expect(updated, unchanged)
        return usage, self.server.requests()

    def _expect(self, updated: int, unchanged: int) -> None:
        found = sorted(self.folder.glob("immich_sync_stats_*.json"))
        sums = json.loads(found[-1].read_bytes())["statistics"]
        for path in found:
            path.unlink()
        if (sums["updated"], sums["unchanged"]) != (updated, unchanged):
            raise NotAsExpectedError(f"expected {updated} updated and {unchanged} unchanged files, but: {sums}")

    def opened(self, *flags: str) -> Counter[str]:
        """How often each file of the library was opened in a run, all processes counted (not a run to be timed)."""
        log = self.folder / "opened"
        log.write_bytes(b"")
        watched = {"BENCHMARK_LIBRARY": str(self.photos), "BENCHMARK_OPENS": str(log)}
        command = [sys.executable, "-m", "immich_meta", *COMMAND, *_QUIET, *flags]
        meter.run(command, {**environ(HOOKS), **self.settings(), **watched}, self.folder)
        return Counter(log.read_text(errors="surrogateescape").splitlines())

    def profile(self, *flags: str) -> Path:
        """A cProfile of the parent process of a run."""
        target = self.folder / "profile"
        command = [sys.executable, "-m", "benchmarks.profiled", str(target), *COMMAND, *_QUIET, *flags]
        meter.run(command, {**environ(), **self.settings()}, self.folder)
        return target
