"""A run in the history: that it began, where it may have left something, how it ended, how it is taken back.

Not here: what is kept (immich_meta.state), and taking it back (undo.py).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from immich_meta.cli.options import may_sweep
from immich_meta.cli.past import size
from immich_meta.state import Run, Store
from immich_meta.sync.report import Status
from immich_meta.sync.statistics import Statistics
from immich_meta_writers.commit import sweep


@dataclass(frozen=True)
class Chronicle:
    """`run` None: nothing is going to be written. `keep_days`: so long it can be taken back."""

    store: Store
    run: Optional[Run]
    keep_days: int

    @property
    def run_id(self) -> Optional[str]:
        """None when there will be nothing in the history."""
        return self.run.id if self.run is not None and self.store.is_kept else None

    def end(self, sums: Statistics, log: logging.Logger) -> None:
        """All that was begun is done."""
        if self.run is None:
            return
        self.run.end({status.value: sums[status] for status in Status}, self.keep_days)
        if sums[Status.UPDATED] and self.store.is_kept and self.keep_days:
            log.info(
                "To take it back: immich-meta undo --run %s (kept for %d days; the whole history takes %s)",
                self.run.id,
                self.keep_days,
                size(self.store.undo_size()),
            )


def begin_chronicle(
    store: Store, shown: Mapping[str, object], *, keep_days: int, sidecar_dir: Optional[str], dry_run: bool
) -> Chronicle:
    """A run begins; what a killed one had left in the folders where it wrote goes first."""
    if dry_run:
        return Chronicle(store, None, keep_days)
    for directory in store.unfinished_directories():
        if may_sweep(directory, sidecar_dir):
            sweep(directory)
    return Chronicle(store, store.begin_run("sync", shown, keeps_undo=keep_days > 0), keep_days)
