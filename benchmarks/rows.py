"""What was measured: one row for each task and each who did it.

Not here: how rows are shown (tables.py).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Optional

from benchmarks.meter import Usage


@dataclass(frozen=True)
class Row:
    """`files`: how many the task is about. `requests`: to the server; None for those who ask none."""

    task: str
    who: str
    files: int
    usage: Usage
    requests: Optional[int] = None

    @property
    def rate(self) -> float:
        """Files per second."""
        return self.files / self.usage.seconds if self.usage.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "who": self.who,
            "files": self.files,
            "files_per_second": self.rate,
            "requests": self.requests,
            **asdict(self.usage),
        }


def middle(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Of each task and contender the run whose time was the (lower) median: a whole run, not a mixture of several."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.task, row.who), []).append(row)
    return tuple(_median(group) for group in groups.values())


def _median(rows: list[Row]) -> Row:
    seconds = statistics.median_low(row.usage.seconds for row in rows)
    return next(row for row in rows if row.usage.seconds == seconds)
