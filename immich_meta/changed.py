"""A tag whose value changes, as reports and the history see it.

Not here: what changes (immich_meta_writers.merge) and how it is told (sync/report.py) or kept (state/changes.py).
"""

from __future__ import annotations

from typing import Protocol, Union

Value = Union[str, int, float, tuple[str, ...], None]


class ChangedTag(Protocol):
    """A tag whose value changes; None is an absent one."""

    @property
    def tag(self) -> str: ...
    @property
    def old(self) -> Value: ...
    @property
    def new(self) -> Value: ...
