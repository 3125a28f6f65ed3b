"""How far a run is, how quick, and how long it will still take.

Not here: where that is written (worker.py).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from immich_meta.cli.watching import Phase, Watcher
from immich_meta.sync.report import Status
from immich_meta.sync.statistics import Statistics
from immich_meta.sync.work import Outcome

_WINDOW = 15.0  # seconds over which the rate is taken
_LEAST = 2.0


@dataclass
class Meter(Watcher):
    """Counts in the run's thread what it does; `reading` may be called in another one. `clock`: monotonic seconds."""

    clock: Callable[[], float]
    phase: Phase = Phase.CONNECTING
    total: Optional[int] = None
    resumed: int = 0
    path: str = ""
    run_ids: list[str] = field(default_factory=list)
    sums: Optional[Statistics] = None
    _users: int = 0
    _counts: Counter[Status] = field(default_factory=Counter)
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    wants_total = True

    def entered(self, phase: Phase) -> None:
        self.phase = phase

    def expects(self, total: Optional[int]) -> None:
        """Of a household each user's are told when it is their turn."""
        self._users += 1
        if self._users == 1:
            self.total = total
        else:
            self.total = None if total is None or self.total is None else self.total + total

    def passed_over(self) -> None:
        self.resumed += 1

    def came(self, outcome: Outcome) -> None:
        self._counts[outcome.result.status] += 1
        self.path = outcome.result.path

    def is_kept_as(self, run_id: str) -> None:
        self.run_ids.append(run_id)

    def ended(self, sums: Statistics) -> None:
        self.sums = sums if self.sums is None else self.sums + sums

    def reading(self) -> dict[str, Any]:
        """What is on the page: `rate` in files per second, `left` in seconds, None while nobody can tell."""
        counts = {status.value: self._counts[status] for status in Status}
        done = sum(counts.values()) + self.resumed
        total = None if self.total is None else max(self.total, done)
        rate = self._rate(done)
        left = None if total is None or not rate else (total - done) / rate
        return {
            "phase": self.phase.value,
            "done": done,
            "total": total,
            "counts": counts,
            "resumed": self.resumed,
            "rate": None if rate is None else round(rate, 2),
            "left": None if left is None else round(left, 1),
            "path": self.path,
            "run": self.run_ids[-1] if self.run_ids else None,
            "runs": list(self.run_ids),
        }

    def _rate(self, done: int) -> Optional[float]:
        now = self.clock()
        if self.phase is not Phase.FILES:
            return None
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        since, before = self._samples[0]
        return (done - before) / (now - since) if now - since >= _LEAST else None
