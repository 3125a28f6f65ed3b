"""Who does the tasks: this process, or worker processes that a bad file can take down without harm to the run.

Not here: what is done to a file (work.py), and which tasks there are (engine.py).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from types import TracebackType
from typing import Optional, Protocol, Union

from immich_meta.state import UndoLog
from immich_meta.sync.pool import Begun, Pool
from immich_meta.sync.report import Status
from immich_meta.sync.task import Task
from immich_meta.sync.work import Answer, Outcome, Ready, Work
from immich_meta_writers.commit import sync_directory
from immich_meta_writers.plan.batch import Window

DEFAULT_TIMEOUT = 120.0
# Enough that no worker waits for this process to list the next assets; more would only be held in memory.
_AHEAD = 16
_LATEST_DIRECTORIES = 64


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


class Here:
    """All tasks in this process; the next photo is planned while the last ones go to the disk."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._log = UndoLog(work.log)
        self._window: Window[Answer] = Window()
        self._photos = _Photos()

    def __enter__(self) -> Here:
        self._window.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        self._window.__exit__(*problem)
        self._log.close()

    def hand_in(self, task: Task) -> None:
        if self._photos.has(task):
            self.settle()
        ready = self._work.prepare(task)
        if isinstance(ready, Ready):
            self._photos.add(task)
            self._window.carry_out(ready.plan, ready.told, ready.keep(self._log))
        else:
            self._window.known(ready)

    def known(self, answer: Answer) -> None:
        self._window.known(answer)

    def finished(self) -> Iterator[Answer]:
        return self._window.finished()

    def rest(self) -> Iterator[Answer]:
        return self._window.rest()

    def settle(self) -> None:
        self._window.settle()
        self._photos.clear()

    def at_once(self, task: Task) -> Answer:
        self.hand_in(task)
        *earlier, answer = self._window.rest()
        for each in earlier:
            self._window.known(each)
        return answer

    def flush(self) -> None:
        self._window.flush()


class Workers:
    """Tasks in `jobs` processes, which start with the first task.

    A task that takes longer than `timeout` seconds, or whose process dies, costs its own file only: the process is
    replaced. A killed write leaves the old file or the new one (immich_meta_writers.commit).
    """

    def __init__(self, work: Work, jobs: int, timeout: float = DEFAULT_TIMEOUT) -> None:
        self._most = jobs * _AHEAD
        self._pool = Pool(work, jobs, timeout)
        self._pending: deque[Union[Begun, Answer]] = deque()
        self._under_way: dict[str, Begun] = {}
        self._directories: dict[str, None] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._pool.end(at_once=kind is not None)

    def hand_in(self, task: Task) -> None:
        self._pending.append(self._begin(task))

    def known(self, answer: Answer) -> None:
        self._pending.append(answer)

    def finished(self) -> Iterator[Answer]:
        while self._pending and (len(self._pending) > self._most or _is_done(self._pending[0])):
            yield self._taken(self._pending.popleft())

    def rest(self) -> Iterator[Answer]:
        while self._pending:
            yield self._taken(self._pending.popleft())

    def settle(self) -> None:
        for begun in self._under_way.values():
            begun.answer()
        self._under_way.clear()

    def at_once(self, task: Task) -> Answer:
        return self._taken(self._begin(task))

    def flush(self) -> None:
        for directory in self._directories:
            sync_directory(directory)

    def _begin(self, task: Task) -> Begun:
        if len(self._under_way) > 2 * self._most:
            self._under_way = {photo: begun for photo, begun in self._under_way.items() if not begun.done()}
        photo = _photo(task)
        before = self._under_way.get(photo)
        if before is not None:
            before.answer()
        begun = self._under_way[photo] = self._pool.begin(task)
        return begun

    def _taken(self, entry: Union[Begun, Answer]) -> Answer:
        answer = entry.answer() if isinstance(entry, Begun) else entry
        if isinstance(answer, Outcome) and answer.result.status is Status.UPDATED:
            self._remember(os.path.dirname(answer.result.path))
        return answer

    def _remember(self, directory: str) -> None:
        self._directories.pop(directory, None)
        self._directories[directory] = None
        while len(self._directories) > _LATEST_DIRECTORIES:
            del self._directories[next(iter(self._directories))]


def _is_done(entry: Union[Begun, Answer]) -> bool:
    return not isinstance(entry, Begun) or entry.done()


def _photo(task: Task) -> str:
    """One for all photos that may share a sidecar: IMG.jpg and IMG.raf may have IMG.xmp."""
    directory, name = os.path.split(task.path)
    return os.path.join(_real(directory), name.partition(".")[0].casefold())


@lru_cache(maxsize=1024)
def _real(directory: str) -> str:
    """A photo may be reached in two ways."""
    return os.path.realpath(directory)


class _Photos:
    """The photos whose tasks may be under way; forgotten all at once."""

    _MOST = 1000

    def __init__(self) -> None:
        self._photos: set[str] = set()

    def has(self, task: Task) -> bool:
        return len(self._photos) >= self._MOST or _photo(task) in self._photos

    def add(self, task: Task) -> None:
        self._photos.add(_photo(task))

    def clear(self) -> None:
        self._photos.clear()
