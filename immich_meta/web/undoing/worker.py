"""The process that takes something back, or only looks what would be, and writes into its folder what becomes of it.

Not here: starting it (control.py). It lives on when the page's process ends, and stops when `stop` is in its folder.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, TextIO

from immich_meta.cli import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from immich_meta.errors import ImmichMetaError
from immich_meta.logs import json_line
from immich_meta.state import Archive, Entry, KeptRun, open_archive
from immich_meta.state.taking_back import Outcome, TakenBack, undo, would_be
from immich_meta.web.runs.folders import RunFolder, replace_object
from immich_meta.web.runs.process import detach, locked

_WRITE_SECONDS = 0.5
_BACK = (Outcome.RESTORED, Outcome.WOULD_BE_RESTORED)


def carry_out(folder: RunFolder, state_dir: Path) -> None:
    """The entry of the process."""
    detach()
    with locked(folder, "undo from the web page"):
        code = Undoing(folder, state_dir).run()
    os._exit(code)


@dataclass
class Undoing:
    """One of them. What goes wrong is in result.json."""

    folder: RunFolder
    state_dir: Path
    counts: Counter[str] = field(default_factory=Counter)
    total: Optional[int] = None
    _written: float = 0.0

    def run(self) -> int:
        error: Optional[dict[str, str]] = None
        try:
            code = self._all()
        except ImmichMetaError as wrong:
            code, error = wrong.exit_code, {"kind": wrong.kind, "message": wrong.cause, "cure": wrong.cure}
        except Exception as wrong:  # noqa: BLE001 - the page has to hear of it, whatever it is
            code, error = EXIT_FAILED, {"kind": "crash", "message": f"{type(wrong).__name__}: {wrong}", "cure": ""}
        self._write_progress()
        replace_object(
            self.folder.path / "result.json",
            {"exit_code": code, "sums": dict(self.counts), "error": error, "ended": time.time()},
        )
        return code

    def _all(self) -> int:
        request = self.folder.request()
        with open_archive(self.state_dir, warn=lambda text: None) as archive, self._report() as report:
            runs = [archive.run(str(run)) for run in request["runs"]]
            writes = request.get("writes")
            self.total = sum(run.files - run.taken_back for run in runs) if writes is None else len(writes)
            for run in runs:
                wanted = _of_run(archive, run) if writes is None else _single(archive, run, writes)
                for taken in self._taken(archive, run, wanted, request):
                    self._tell(report, taken)
        if self._is_stopped():
            return EXIT_INTERRUPTED
        return EXIT_FAILED if any(Outcome(status).failed for status in self.counts) else EXIT_OK

    def _taken(
        self, archive: Archive, run: KeptRun, wanted: Iterable[Entry], request: dict[str, Any]
    ) -> Iterator[TakenBack]:
        entries = self._until_stopped(wanted)
        if request.get("dry_run") is not False:
            return would_be(archive, entries)
        is_whole = request.get("writes") is None
        return undo(
            archive,
            run.store,
            entries,
            run=run if is_whole else None,
            directories=archive.directories(run) if is_whole else (),
            clock=time.time,
            is_stopped=self._is_stopped,
        )

    def _until_stopped(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            if self._is_stopped():
                return
            yield entry

    def _is_stopped(self) -> bool:
        return self.folder.stop.exists()

    @contextlib.contextmanager
    def _report(self) -> Iterator[TextIO]:
        descriptor = os.open(self.folder.report, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as report:
            self._write_progress()
            yield report

    def _tell(self, report: TextIO, taken: TakenBack) -> None:
        self.counts[taken.outcome.value] += 1
        with contextlib.suppress(OSError):  # a full disk keeps no file from going back
            report.write(json_line(_line(taken)) + "\n")
            report.flush()
        if time.monotonic() - self._written >= _WRITE_SECONDS:
            self._write_progress()

    def _write_progress(self) -> None:
        self._written = time.monotonic()
        progress = {
            "done": sum(self.counts.values()),
            "total": self.total,
            "counts": dict(self.counts),
            "updated": time.time(),
            "pid": os.getpid(),
        }
        with contextlib.suppress(OSError):
            replace_object(self.folder.path / "progress.json", progress)


def _of_run(archive: Archive, run: KeptRun) -> Iterator[Entry]:
    """What is not taken back yet, newest first."""
    return (entry for entry in archive.entries(run) if entry.undone is None)


def _single(archive: Archive, run: KeptRun, writes: Iterable[tuple[str, int]]) -> list[Entry]:
    """Those writes that are the run's, newest first."""
    numbers = sorted((number for name, number in writes if name == run.id), reverse=True)
    entries = (archive.entry(run, number) for number in numbers)
    return [entry for entry in entries if entry.undone is None]


def _line(taken: TakenBack) -> dict[str, Any]:
    """As `undo --report` says it, and what is new and old again."""
    entry = taken.entry
    try:
        changes = entry.changes() if taken.outcome in _BACK else ()
    except ValueError:  # the way back does not need them
        changes = ()
    return {
        "path": entry.path,
        "status": taken.outcome.value,
        "run": entry.run_id,
        "asset_id": entry.asset_id,
        "message": taken.message,
        "changes": [{"tag": change.tag, "old": change.new, "new": change.old} for change in changes],
        "number": entry.number,
    }
