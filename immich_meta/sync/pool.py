"""Worker processes: tasks handed to them, answers waited for, processes that are lost replaced.

Not here: what is to be said of tasks over which one was lost (bunches.py), and what is done (work.py).
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as TookTooLong
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Optional

from immich_meta.errors import WorkersError
from immich_meta.sync.task import Task
from immich_meta.sync.work import Answer, Work

if TYPE_CHECKING:
    from pebble import ProcessPool

# A process starts within this, also on a small machine that has much else to do.
_STARTING = 60.0
_LOOK_SECONDS = 1.0


class Pool:
    """`work` is done in `jobs` processes, which start with the first task; for a single thread.

    A task that takes longer than `timeout` seconds, or whose process dies, costs its own file only: the process is
    replaced. When they break all together (killed while nothing was to be done, stuck in each other's locks), others
    take their place, and what was under way is begun again.
    """

    def __init__(self, work: Work, jobs: int, timeout: float) -> None:
        self._work = work
        self._jobs = jobs
        self.timeout = timeout
        self._processes: Optional[ProcessPool] = None
        self._moved_at = 0.0

    def schedule(self, tasks: tuple[Task, ...]) -> Call:
        """Hand tasks to the next free process, together. Raises WorkersError when there can be none."""
        try:
            return self._scheduled(tasks)
        except OSError as error:
            self._processes = None
            raise WorkersError(f"no worker process can be started: {error.strerror or error}") from error

    def _scheduled(self, tasks: tuple[Task, ...]) -> Call:
        if self._processes is not None and not self._processes.active:
            self.give_up(self._processes)
        if self._processes is None:
            self._processes = _processes(self._jobs)
        try:
            future = self._processes.schedule(self._work, args=(tasks,), timeout=self.timeout)
        except RuntimeError:  # they broke in this moment
            self.give_up(self._processes)
            return self._scheduled(tasks)
        future.add_done_callback(self._moved)
        return Call(self, self._processes, future)

    def has_moved_since(self, moment: float) -> bool:
        """Whether any task has ended in all the time that one may take, or since that moment (time.monotonic)."""
        return time.monotonic() - max(moment, self._moved_at) < self.timeout + _STARTING

    def give_up(self, processes: ProcessPool) -> None:
        """Have these end now, whatever they do; others take their place."""
        if self._processes is processes:
            self._processes = None
        _end(processes, processes.stop)

    def end(self, *, at_once: bool) -> None:
        """No task comes any more; those under way are finished, or given up."""
        processes, self._processes = self._processes, None
        if processes is not None:
            _end(processes, processes.stop if at_once else processes.close)

    def _moved(self, _: object) -> None:
        self._moved_at = time.monotonic()


class Call:
    """Tasks that one of the processes has now, and their answers to come."""

    def __init__(self, pool: Pool, processes: ProcessPool, future: Future[tuple[Answer, ...]]) -> None:
        self._pool = pool
        self._processes = processes
        self._future = future
        self._began_at = time.monotonic()

    def done(self) -> bool:
        return self._future.done()

    def answers(self) -> tuple[Answer, ...]:
        """Waited for. Raises BrokenProcessPool when no answer will come, and what became of the process."""
        while not self._future.done():
            # They are gone, or none of them has moved for too long.
            if not self._processes.active or not self._pool.has_moved_since(self._began_at):
                if self._future.done():
                    break
                self._pool.give_up(self._processes)
                raise BrokenProcessPool
            wait([self._future], _LOOK_SECONDS)
        try:
            return self._future.result()
        except TookTooLong as error:
            if time.monotonic() - self._began_at < self._pool.timeout:  # the clock was put forward
                raise BrokenProcessPool from error
            raise


def _processes(jobs: int) -> ProcessPool:
    # The library and what it needs take 50 ms: a run in which nothing changed does without.
    import multiprocessing

    from pebble import ProcessPool

    return ProcessPool(max_workers=jobs, context=multiprocessing.get_context("spawn"), initializer=_leave_signals)


def _end(processes: ProcessPool, how: Callable[[], None]) -> None:
    how()
    processes.join()


def _leave_signals() -> None:
    """Ctrl-C in a terminal reaches every process: it is the parent's to finish what is in hand."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
