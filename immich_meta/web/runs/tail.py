"""The last lines of a log, and those that came since: a look takes the same time however long the log is.

Not here: writing it (worker.py, immich_meta.logs).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
MOST_BYTES = 64 << 10
MOST_LINES = 300


class Line(NamedTuple):
    time: str
    level: str
    message: str


class Tail(NamedTuple):
    """`next` is where to go on; `skipped`: there is more before these lines than was read."""

    lines: tuple[Line, ...]
    next: int
    skipped: bool


def tail(path: Path, level: str = "DEBUG", after: Optional[int] = None) -> Tail:
    """The lines of `level` or above behind byte `after` (what an earlier look gave as `next`), else the last ones."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            wanted = 0 if after is None or not 0 <= after <= size else after
            start = max(wanted, size - MOST_BYTES)
            file.seek(start)
            data = file.read(MOST_BYTES)
    except OSError:
        return Tail((), 0, False)
    if start > wanted:  # amid a line
        cut = data.find(b"\n") + 1
        start, data = start + cut, data[cut:]
    whole = data[: data.rfind(b"\n") + 1]
    least = LEVELS.index(level) if level in LEVELS else 0
    lines = tuple(_lines(whole, least))
    return Tail(lines[-MOST_LINES:], start + len(whole), start > wanted or len(lines) > MOST_LINES)


def _lines(data: bytes, least: int) -> Iterator[Line]:
    for raw in data.splitlines():
        try:
            found = json.loads(raw)
            line = Line(str(found["timestamp"]), str(found["level"]), str(found["message"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if line.level not in LEVELS or LEVELS.index(line.level) >= least:
            yield line
