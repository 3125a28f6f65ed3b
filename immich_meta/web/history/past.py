"""Past runs as the pages see them: a run of the page and what the state keeps of it are one.

Not here: how they look (immich_meta.web.pages.runs).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from immich_meta.state import KeptRun
from immich_meta.web.pages.summary import RunSummary
from immich_meta_writers.tags import Module

_ORDER = [module.value for module in Module]
_STATES = {"done": "done", "failed": "failed", "error": "error", "stopped": "stopped", "interrupted": "interrupted"}


@dataclass(frozen=True)
class PastRun:
    """One run, as the page asked for it (`asked`), as the state keeps what it wrote (`kept`), or both.

    Of several users each has a part of it in the state.
    """

    asked: Optional[RunSummary]
    kept: tuple[KeptRun, ...]

    @property
    def id(self) -> str:
        return self.asked.id if self.asked else self.kept[0].id

    @property
    def ids(self) -> frozenset[str]:
        """What the state calls its parts."""
        return frozenset(each.id for each in self.kept)

    @property
    def is_of_the_page(self) -> bool:
        return self.asked is not None

    @property
    def command(self) -> str:
        return "sync" if self.asked else self.kept[0].command

    @property
    def started(self) -> Any:
        """Seconds since 1970; None when nobody knows."""
        return self.asked.asked if self.asked else self.kept[0].started

    @property
    def seconds(self) -> Any:
        if self.asked:
            return self.asked.seconds
        ended = self.kept[0].ended
        return None if ended is None else ended - self.kept[0].started

    @property
    def is_dry_run(self) -> bool:
        return self.asked is not None and self.asked.is_dry_run

    @property
    def is_running(self) -> bool:
        return self.asked.state.is_active if self.asked else self.kept[0].is_running

    @property
    def modules(self) -> tuple[str, ...]:
        found = self.asked.modules if self.asked else _texts(self.kept[0].details.get("modules"))
        return tuple(sorted(found, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)))

    @property
    def modes(self) -> tuple[str, ...]:
        """What else it was told, in the words of the command line."""
        if self.asked:
            modules = {f"--{module}" for module in self.asked.modules} | {"--face-coordinates", "--all", "--dry-run"}
            return tuple(word for word in self.asked.arguments if word not in modules)
        return _texts(self.kept[0].details.get("modes"))

    @property
    def counts(self) -> Mapping[str, int]:
        """Status to files, without those that are none."""
        found: Mapping[str, Any] = self.asked.counts if self.asked else self.kept[0].sums
        counts = {name: count for name, count in found.items() if isinstance(count, int) and count > 0}
        return counts or ({"updated": self.written} if self.written else {})  # who was killed has no sums

    @property
    def state(self) -> str:
        """running, undone, undone_in_part, or how it ended: done, failed, error, stopped, interrupted."""
        if self.is_running:
            return "running"
        if self.taken_back:
            return "undone_in_part" if self.left else "undone"
        if self.asked:
            return _STATES.get(self.asked.outcome, "interrupted")
        return "interrupted" if self.kept[0].is_interrupted else "done"

    @property
    def written(self) -> int:
        """How many of its writes are kept, taken back or not."""
        return sum(each.files for each in self.kept)

    @property
    def taken_back(self) -> int:
        return sum(each.taken_back for each in self.kept)

    @property
    def left(self) -> int:
        return self.written - self.taken_back

    @property
    def can_be_undone(self) -> bool:
        return not self.is_running and self.left > 0


def joined(asked: Sequence[RunSummary], kept: Iterable[KeptRun]) -> tuple[PastRun, ...]:
    """All of them, newest first."""
    by_id = {run.id: run for run in kept}
    runs = [PastRun(each, tuple(by_id.pop(name) for name in each.histories if name in by_id)) for each in asked]
    runs += [PastRun(None, (run,)) for run in by_id.values()]
    return tuple(sorted(runs, key=_moment, reverse=True))


def _moment(run: PastRun) -> float:
    return run.started if isinstance(run.started, (int, float)) else 0.0


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
