"""Whoever watches a run: the bar on a terminal, the progress that the web page shows.

Not here: the run (session.py).
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Any, Optional

from immich_meta.sync.work import Outcome

if TYPE_CHECKING:
    from immich_meta.sync.statistics import Statistics


class Phase(Enum):
    """Where a run is; the phases come in this order."""

    CONNECTING = "connecting"
    ALBUMS = "albums"
    FILES = "files"
    ENDING = "ending"


class Watcher:
    """Hears of a run as it goes on, from the thread of the run; this one does not listen.

    Every method is quick and raises nothing: a run does not fail because of who looks at it.
    """

    wants_total = False
    """Whether the server shall be asked how many assets there are."""

    def entered(self, phase: Phase) -> None:
        """The run is in this phase now; ENDING comes however the run ends, when it got so far as to have files."""

    def expects(self, total: Optional[int]) -> None:
        """So many assets will come, as far as the server tells; None: it does not."""

    def passed_over(self) -> None:
        """An asset that an interrupted run had finished: no outcome comes for it."""

    def came(self, outcome: Outcome) -> None:
        """What became of one asset."""

    def is_kept_as(self, run_id: str) -> None:
        """The run's id in the history; a dry run has none."""

    def ended(self, sums: Statistics) -> None:
        """The last sums."""


class Bar(Watcher):
    """A bar on a terminal."""

    wants_total = True

    def __init__(self) -> None:
        self._bar: Any = None
        self._total: Optional[int] = None

    def entered(self, phase: Phase) -> None:
        if phase is Phase.FILES:
            from tqdm import tqdm

            self._bar = tqdm(total=self._total, unit=" files", dynamic_ncols=True, smoothing=0.1)
        elif phase is Phase.ENDING and self._bar is not None:
            self._bar.close()

    def expects(self, total: Optional[int]) -> None:
        self._total = total

    def passed_over(self) -> None:
        self._bar.update(1)

    def came(self, outcome: Outcome) -> None:
        self._bar.update(1)


def terminal() -> Watcher:
    """A bar where a person looks at a terminal, nobody elsewhere."""
    return Bar() if sys.stderr.isatty() else Watcher()
