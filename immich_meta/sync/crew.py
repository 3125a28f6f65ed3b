"""Who does the tasks: this process, or worker processes that a bad file can take down without harm to the run.

Not here: what is done to a file (work.py), and which tasks there are (engine.py).
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as TookTooLong
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Optional, Protocol, Union

from immich_meta.state import UndoLog
from immich_meta.sync.report import Status
from immich_meta.sync.task import Task
from immich_meta.sync.work import Answer, Outcome, Ready, Work, lost
from immich_meta_writers.commit import sweep, sync_directory
from immich_meta_writers.plan.batch import Window

if TYPE_CHECKING:
    from pebble import ProcessPool

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
        self._work = work
        self._jobs = jobs
        self._timeout = timeout
        self._pool: Optional[ProcessPool] = None
        self._pending: deque[Union[_Begun, Answer]] = deque()
        self._under_way: dict[str, Future[Answer]] = {}
        self._directories: dict[str, None] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._pool is None:
            return
        end: Callable[[], None] = self._pool.close if kind is None else self._pool.stop
        end()
        self._pool.join()

    def hand_in(self, task: Task) -> None:
        self._wait_for_photo(task)
        self._pending.append(self._begin(task))

    def known(self, answer: Answer) -> None:
        self._pending.append(answer)

    def finished(self) -> Iterator[Answer]:
        while self._pending and (len(self._pending) > self._jobs * _AHEAD or _is_done(self._pending[0])):
            yield self._taken(self._pending.popleft())

    def rest(self) -> Iterator[Answer]:
        while self._pending:
            yield self._taken(self._pending.popleft())

    def settle(self) -> None:
        wait(self._under_way.values())
        self._under_way.clear()

    def at_once(self, task: Task) -> Answer:
        self._wait_for_photo(task)
        return self._taken(self._begin(task))

    def flush(self) -> None:
        for directory in self._directories:
            sync_directory(directory)

    def _begin(self, task: Task) -> _Begun:
        if self._pool is None:
            self._pool = _pool(self._jobs)
        future = self._pool.schedule(self._work, args=(task,), timeout=self._timeout)
        self._under_way[_photo(task)] = future
        return _Begun(task, future)

    def _wait_for_photo(self, task: Task) -> None:
        if len(self._under_way) > 2 * self._jobs * _AHEAD:
            self._under_way = {photo: future for photo, future in self._under_way.items() if not future.done()}
        before = self._under_way.get(_photo(task))
        if before is not None:
            wait([before])

    def _taken(self, entry: Union[_Begun, Answer]) -> Answer:
        answer = entry.answer(self._timeout) if isinstance(entry, _Begun) else entry
        if isinstance(answer, Outcome) and answer.result.status is Status.UPDATED:
            self._remember(os.path.dirname(answer.result.path))
        return answer

    def _remember(self, directory: str) -> None:
        self._directories.pop(directory, None)
        self._directories[directory] = None
        while len(self._directories) > _LATEST_DIRECTORIES:
            del self._directories[next(iter(self._directories))]


class _Begun:
    """A task under way in another process."""

    def __init__(self, task: Task, future: Future[Answer]) -> None:
        self._task = task
        self._future = future

    def done(self) -> bool:
        return self._future.done()

    def answer(self, timeout: float) -> Answer:
        """What the worker said, or what is to be said of a worker that said nothing."""
        error = self._future.exception()
        if error is None:
            return self._future.result()
        sweep(os.path.dirname(self._task.path))
        if isinstance(error, TookTooLong):
            return lost(self._task, "timeout", f"not done after {timeout:g} seconds (--file-timeout): given up")
        from pebble import ProcessExpired

        if isinstance(error, ProcessExpired):
            return lost(self._task, "worker_died", f"the process that worked on it died ({_how(error.exitcode)})")
        # A fault of this program costs one file, not the run.
        return lost(self._task, "internal", f"this should not happen, please report it: {error!r}")


def _is_done(entry: Union[_Begun, Answer]) -> bool:
    return not isinstance(entry, _Begun) or entry.done()


def _how(code: Optional[int]) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"


def _pool(jobs: int) -> ProcessPool:
    # The library and what it needs take 50 ms: a run in which nothing changed does without.
    import multiprocessing

    from pebble import ProcessPool

    return ProcessPool(max_workers=jobs, context=multiprocessing.get_context("spawn"), initializer=_leave_signals)


def _leave_signals() -> None:
    """Ctrl-C in a terminal reaches every process: it is the parent's to finish what is in hand."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
