"""How the scheduled runs go, in a small file that another process can read: a container's health check.

Not here: the runs. Moments are seconds since 1970 here, and ISO 8601 in the file.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Any, Optional

WAITING, RUNNING, STOPPED = "waiting", "running", "stopped"
# A run that did nothing, because another one was under way.
BUSY = 75
# 1: a file failed. The other files are done, and that one may fail for years.
_WELL = (0, 1, BUSY)
_OVERDUE_SECONDS = 600
_LONGEST = 1 << 16


@dataclass(frozen=True)
class LastRun:
    """A run that came to its end."""

    started: float
    ended: float
    exit_code: int


@dataclass(frozen=True)
class Health:
    """`state`: waiting, running or stopped, and then `next_run` is when it would have been. None: one is running."""

    state: str
    schedule: str
    last_run: Optional[LastRun] = None
    next_run: Optional[float] = None


def problem_of(health: Health, now: float) -> str:
    """Why this is not well; empty when it is."""
    last = health.last_run
    if health.state == STOPPED:
        return "no run will come: it was stopped"
    if last is not None and last.exit_code not in _WELL:
        return f"the last run ended with exit code {last.exit_code}"
    if health.state == WAITING and health.next_run is not None and now > health.next_run + _OVERDUE_SECONDS:
        return "the next run is overdue"
    return ""


def write_health(path: Path, health: Health, zone: tzinfo) -> None:
    """Replaces the file in one step. Raises OSError."""
    last = health.last_run
    said = {
        "state": health.state,
        "schedule": health.schedule,
        "last_run": last
        and {
            "started": _text(last.started, zone),
            "ended": _text(last.ended, zone),
            "exit_code": last.exit_code,
        },
        "next_run": None if health.next_run is None else _text(health.next_run, zone),
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(said, indent=2) + "\n", "utf-8")
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def read_health(path: Path) -> Health:
    """Raises OSError, and ValueError for a file that says something else."""
    with path.open("rb") as file:
        content = file.read(_LONGEST)
    try:
        said = json.loads(content)
    except RecursionError as error:
        raise ValueError("not a health file") from error
    if not isinstance(said, dict) or said.get("state") not in (WAITING, RUNNING, STOPPED):
        raise ValueError("not a health file")
    last = said.get("last_run")
    return Health(
        said["state"],
        str(said.get("schedule", "")),
        _last_run(last) if isinstance(last, dict) else None,
        None if said.get("next_run") is None else _moment(said["next_run"]),
    )


def _last_run(said: Mapping[str, Any]) -> LastRun:
    code = said.get("exit_code")
    if not isinstance(code, int):
        raise ValueError("an exit code that is no number")
    return LastRun(_moment(said.get("started")), _moment(said.get("ended")), code)


def _text(moment: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(moment, zone).isoformat("T", "seconds")


def _moment(text: object) -> float:
    date = datetime.fromisoformat(text) if isinstance(text, str) else None
    if date is None:
        raise ValueError("a moment that is no text")
    return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()
