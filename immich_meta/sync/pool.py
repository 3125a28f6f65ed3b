"""Worker processes: tasks sent to them, and what is to be said of those that hang or die.

Not here: which tasks may be under way together, and the order of their answers (crew.py); what is done (work.py).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as TookTooLong
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Optional

from immich_meta.sync.task import Task
from immich_meta.sync.work import Answer, Work, lost
from immich_meta_writers.commit import sweep

if TYPE_CHECKING:
    from pebble import ProcessPool

# Doing a task once more is harmless: what was written already is found to be there.
_ATTEMPTS = 3
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

    def begin(self, task: Task) -> Begun:
        """Hand a task to the next free process."""
        return Begun(self, task)

    def schedule(self, task: Task) -> tuple[ProcessPool, Future[Answer]]:
        """The processes that have the task now, and its answer to come."""
        if self._processes is not None and not self._processes.active:
            self.give_up(self._processes)
        if self._processes is None:
            self._processes = _processes(self._jobs)
        try:
            future = self._processes.schedule(self._work, args=(task,), timeout=self.timeout)
        except RuntimeError:  # they broke in this moment
            self.give_up(self._processes)
            return self.schedule(task)
        future.add_done_callback(self._moved)
        return self._processes, future

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


class Begun:
    """A task under way in another process."""

    def __init__(self, pool: Pool, task: Task) -> None:
        self._pool = pool
        self._task = task
        self._attempts = 0
        self._answer: Optional[Answer] = None
        self._begin()

    def done(self) -> bool:
        return self._answer is not None or self._future.done()

    def answer(self) -> Answer:
        """What the worker said, or what is to be said of a worker that said nothing; waited for."""
        while self._answer is None:
            self._answer = self._said()
            if self._answer is None and self._attempts < _ATTEMPTS:
                self._begin()
            elif self._answer is None:
                self._answer = lost(self._task, "worker_died", "all worker processes died, again and again")
        return self._answer

    def _begin(self) -> None:
        self._attempts += 1
        self._began_at = time.monotonic()
        self._processes, self._future = self._pool.schedule(self._task)

    def _said(self) -> Optional[Answer]:
        """None: nothing, and the task is not to blame."""
        if not self._waited():
            self._pool.give_up(self._processes)
            return None
        error = self._future.exception()
        if error is None:
            return self._future.result()
        sweep(os.path.dirname(self._task.path))
        if isinstance(error, BrokenProcessPool):
            return None
        if isinstance(error, TookTooLong):
            if time.monotonic() - self._began_at < self._pool.timeout:  # the clock was put forward
                return None
            return lost(
                self._task, "timeout", f"not done after {self._pool.timeout:g} seconds (--file-timeout): given up"
            )
        from pebble import ProcessExpired

        if isinstance(error, ProcessExpired):
            return lost(self._task, "worker_died", f"the process that worked on it died ({_how(error.exitcode)})")
        # A fault of this program costs one file, not the run.
        return lost(self._task, "internal", f"this should not happen, please report it: {error!r}")

    def _waited(self) -> bool:
        """False when no answer will come: the processes are gone, or none of them has moved for too long."""
        while not self._future.done():
            if not self._processes.active or not self._pool.has_moved_since(self._began_at):
                return self._future.done()
            wait([self._future], _LOOK_SECONDS)
        return True


def _how(code: Optional[int]) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"


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
