"""What a page says of a run: how it stands, in numbers.

Not here: its files (the report).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from immich_meta.sync.report import Status
from immich_meta.web.parts import parts
from immich_meta.web.runs.folders import RunFolder, State

_INTERRUPTED = 130


@dataclass(frozen=True)
class RunSummary:
    """`counts`: status to number of files. `left`, `seconds` in seconds, `rate` in files per second.

    `outcome`: done, failed (some files), error, stopped, interrupted (killed), running, starting.
    `histories`: what the state calls it, a name for each user's part.
    """

    id: str
    state: State
    outcome: str
    is_dry_run: bool
    modules: tuple[str, ...]
    arguments: tuple[str, ...]
    asked: Any
    started: Any
    updated: Any
    ended: Any
    phase: str
    done: int
    total: Optional[int]
    counts: dict[str, int]
    resumed: int
    rate: Any
    left: Any
    seconds: Any
    path: str
    is_stopping: bool
    error: Optional[dict[str, Any]]
    histories: tuple[str, ...]

    @property
    def percent(self) -> Optional[int]:
        """0 to 100; None while nobody can tell."""
        if self.outcome in ("done", "failed"):
            return 100
        return None if not self.total else min(100, 100 * self.done // self.total)

    @property
    def can_resume(self) -> bool:
        return self.outcome in ("stopped", "interrupted") and not self.is_dry_run


def summary_of(folder: RunFolder) -> RunSummary:
    """A look at three small files, however long the run is."""
    state = parts().control.state(folder)
    request, progress, result = folder.request(), folder.progress(), folder.result() or {}
    found = progress.get("counts")
    counts = {status.value: _whole(found.get(status.value) if isinstance(found, dict) else 0) for status in Status}
    started, ended = progress.get("started"), result.get("ended")
    error = result.get("error")
    return RunSummary(
        id=folder.id,
        state=state,
        outcome=_outcome(state, result),
        is_dry_run=request.get("dry_run") is True,
        modules=_texts(request.get("modules")),
        arguments=folder.arguments(),
        asked=request.get("asked"),
        started=started,
        updated=progress.get("updated"),
        ended=ended,
        phase=str(progress.get("phase", "connecting")),
        done=_whole(progress.get("done")),
        total=_whole(progress["total"]) if isinstance(progress.get("total"), int) else None,
        counts=counts,
        resumed=_whole(progress.get("resumed")),
        rate=progress.get("rate"),
        left=progress.get("left"),
        seconds=result.get("seconds", _between(started, progress.get("updated"))),
        path=str(progress.get("path", "")),
        is_stopping=progress.get("stopping") is True or (state.is_active and folder.stop.exists()),
        error=error if isinstance(error, dict) else None,
        histories=_texts(result.get("runs")) or _texts(progress.get("runs")),
    )


def _outcome(state: State, result: dict[str, Any]) -> str:
    if state is not State.ENDED:
        return str(state.value)
    if result.get("error"):
        return "error"
    code = result.get("exit_code")
    if code == _INTERRUPTED:
        return "stopped"
    return "done" if code == 0 else "failed"


def _between(start: Any, end: Any) -> Optional[float]:
    return end - start if isinstance(start, (int, float)) and isinstance(end, (int, float)) else None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
