"""What an interrupted run had finished is left out of the next one, and counted.

Not here: what is remembered of it (sync/checkpoint.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Union

from immich_meta.api.models import Asset, InvalidAsset, SettledAsset
from immich_meta.cli.watching import Watcher
from immich_meta.sync.checkpoint import Checkpoint

Listed = Union[Asset, InvalidAsset, SettledAsset]


class Resumed:
    """`count`: so many assets were left out."""

    def __init__(self, checkpoint: Checkpoint, watcher: Watcher) -> None:
        self._checkpoint = checkpoint
        self._watcher = watcher
        self.count = 0

    def without_done(self, assets: Iterator[Listed], passes_over: Callable[[Listed], None]) -> Iterator[Listed]:
        """The assets that are still to be done; `passes_over` hears of the others."""
        for asset in assets:
            if asset.id is not None and self._checkpoint.is_done(asset.id):
                self.count += 1
                self._watcher.passed_over()
                passes_over(asset)
            else:
                yield asset
