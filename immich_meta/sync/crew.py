"""Who does the tasks, as the engine sees it: what a crew answers to, whoever it is.

Not here: the two crews, this process (here.py) and worker processes (workers.py); what is done to a file (work.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from types import TracebackType
from typing import Optional, Protocol

from immich_meta.sync.task import Task
from immich_meta.sync.work import Answer


class Crew(Protocol):
    """A context manager. Answers come in the order in which tasks and known answers were handed in.

    Two tasks for one photo, or for photos that may share a sidecar, are never done at the same time.
    """

    def hand_in(self, task: Task) -> None:
        """Begin a task; may wait until there is room."""

    def known(self, answer: Answer) -> None:
        """An answer that needs no work, in its place among the others."""

    def finished(self) -> Iterator[Answer]:
        """The answers that are there; when too many tasks are under way, the first is waited for."""

    def rest(self) -> Iterator[Answer]:
        """All answers that were not taken yet; each is waited for."""

    def settle(self) -> None:
        """Wait for all tasks; no answer is taken."""

    def at_once(self, task: Task) -> Answer:
        """Do one task now, and wait for it."""

    def flush(self) -> None:
        """Make the latest renames durable."""

    def __enter__(self) -> Crew: ...

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None: ...


def default_jobs() -> int:
    """Worker processes: one for each core that this process may use, at most 4."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(4, usable or 1))


def photo_of(task: Task) -> str:
    """One for all photos that may share a sidecar: IMG.jpg and IMG.raf may have IMG.xmp."""
    directory, name = os.path.split(task.path)
    return os.path.join(_real(directory), name.partition(".")[0].casefold())


@lru_cache(maxsize=1024)
def _real(directory: str) -> str:
    """A photo may be reached in two ways."""
    return os.path.realpath(directory)
