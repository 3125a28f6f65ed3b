"""Stores, and writes to log in them, for tests.

Not here: the tests (test_*.py).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

from immich_meta.state import KeptChange, Run, Settled, Store, UndoLog, open_store
from immich_meta_writers.commit import Stamp
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.undo import How, Undo

ADA = "11111111-2222-3333-4444-555555555555"
SETTLED = Settled(b"w" * 16, b"f" * 16, "12:34:56|7:8:9")
CHANGES = (KeptChange("XMP-dc:Subject", ("Zoë",), ("Zoë", "Ada")), KeptChange("IFD0:Rating", None, 4))


class Warnings(list[str]):
    """What was warned of."""

    def __call__(self, text: str) -> None:
        self.append(text)


class Clock:
    """Stands still until it is told."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Opened(NamedTuple):
    store: Store
    warnings: Warnings


def opened(
    directory: Path, name: str = "host-owner", clock: Optional[Callable[[], float]] = None, **more: Any
) -> Opened:
    warnings = Warnings()
    return Opened(open_store(directory, name, warn=warnings, clock=clock or Clock(), **more), warnings)


def an_undo(path: str = "/photos/a.jpg", old: bytes = b"old") -> Undo:
    inverse = Patch(100, (Splice(10, 5, old),))
    stamp = Stamp(100 - 5 + len(old), 1_600_000_000_123_456_789, 7, 8)
    inside, outside = hashlib.sha256(b"in").digest(), b"outside digest !"
    return Undo(path, How.REPLACED, inverse, stamp, inside, outside, None)


def log(run: Run, *paths: str, asset_id: Optional[str] = ADA, clock: Optional[Clock] = None) -> None:
    """A run writes these files."""
    with UndoLog(run.log_at(), clock=clock or Clock()) as undo_log:
        for path in paths:
            undo_log.append(an_undo(path), CHANGES, asset_id)
