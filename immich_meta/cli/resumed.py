"""What a run finishes is noted; what an interrupted one had finished is left out of the next, and counted.

Not here: what is remembered of it (sync/checkpoint.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from immich_meta.api.models import Listed
from immich_meta.cli.watching import Watcher
from immich_meta.sync.checkpoint import Checkpoint
from immich_meta.sync.report import Status
from immich_meta.sync.work import Outcome

_DONE = (Status.UPDATED, Status.UNCHANGED, Status.UNSUPPORTED)


class Resumed:
    """`passed`: so many assets were left out."""

    def __init__(self, checkpoint: Checkpoint, watcher: Watcher) -> None:
        self._checkpoint = checkpoint
        self._watcher = watcher
        self.passed = 0

    def without_done(self, assets: Iterator[Listed], passes_over: Callable[[Listed], None]) -> Iterator[Listed]:
        """The assets that are still to be done; `passes_over` hears of the others."""
        for asset in assets:
            if asset.id is not None and self._checkpoint.is_done(asset.id):
                self.passed += 1
                self._watcher.passed_over()
                passes_over(asset)
            else:
                yield asset

    def count(self, outcome: Outcome) -> None:
        """One asset is done: should this run be interrupted, it need not be looked at again."""
        if outcome.result.status in _DONE and outcome.result.asset_id:
            self._checkpoint.record(outcome.result.asset_id)
