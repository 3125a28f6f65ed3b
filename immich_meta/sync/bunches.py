"""Tasks that go to a worker process together, and what is to be said of those over which one hangs or dies.

Not here: the processes (pool.py); which tasks go together, and the order of their answers (workers.py).
"""

from __future__ import annotations

import signal
from concurrent.futures import TimeoutError as TookTooLong
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Optional, Union

from immich_meta.sync.pool import Call, Pool
from immich_meta.sync.task import Task
from immich_meta.sync.work import Answer, lost
from immich_meta_writers.commit import sweep
from immich_meta_writers.plan import written_in

# Doing a task once more is harmless: what was written already is found to be there.
_ATTEMPTS = 3


class Bunch:
    """Tasks that go to a process together. When it is lost over them, each of them goes once more, by itself."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tasks: list[Task] = []
        self._call: Optional[Call] = None
        self._answers: Optional[tuple[Union[Answer, _Alone], ...]] = None
        self.size = 0

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def is_sent(self) -> bool:
        return self._call is not None

    def add(self, task: Task) -> Begun:
        """One more, while it is not sent."""
        self._tasks.append(task)
        self.size += task.size
        return Begun(self, len(self._tasks) - 1)

    def send(self) -> None:
        if self._call is None and self._tasks:
            self._call = self._pool.schedule(tuple(self._tasks))

    def done(self) -> bool:
        """Whether the process has answered, or is lost."""
        return self._call is not None and self._call.done()

    def answers(self) -> tuple[Union[Answer, _Alone], ...]:
        """What was said of each task, or that it is under way once more; waited for."""
        if self._answers is None:
            self.send()
            assert self._call is not None  # noqa: S101 - it is sent now
            try:
                self._answers = self._call.answers()
            except Exception:  # noqa: BLE001 - whatever it is, it will show which task is to blame
                for directory in {written_in(task.path, task.options) for task in self._tasks}:
                    sweep(directory)
                self._answers = tuple(_Alone(self._pool, task) for task in self._tasks)
        return self._answers


class Begun:
    """A task of a bunch."""

    def __init__(self, bunch: Bunch, index: int) -> None:
        self._bunch = bunch
        self._index = index

    def done(self) -> bool:
        if not self._bunch.done():
            return False
        found = self._bunch.answers()[self._index]
        return not isinstance(found, _Alone) or found.done()

    def answer(self) -> Answer:
        """What the worker said, or what is to be said of a worker that said nothing; waited for."""
        found = self._bunch.answers()[self._index]
        return found.answer() if isinstance(found, _Alone) else found


class _Alone:
    """A task that a process has for itself, after one was lost over it."""

    def __init__(self, pool: Pool, task: Task) -> None:
        self._pool = pool
        self._task = replace(task, is_again=True)
        self._answer: Optional[Answer] = None
        self._attempts = 1
        self._call = pool.schedule((self._task,))

    def done(self) -> bool:
        return self._answer is not None or self._call.done()

    def answer(self) -> Answer:
        while self._answer is None:
            self._answer = self._said()
            if self._answer is None and self._attempts < _ATTEMPTS:
                self._attempts += 1
                self._call = self._pool.schedule((self._task,))
            elif self._answer is None:
                self._answer = lost(self._task, "worker_died", "all worker processes died, again and again")
        return self._answer

    def _said(self) -> Optional[Answer]:
        """None: nothing, and the task is not to blame."""
        from pebble import ProcessExpired

        try:
            (answer,) = self._call.answers()
            return answer
        except BrokenProcessPool:
            failure = None
        except TookTooLong:
            what = f"not done after {self._pool.timeout:g} seconds (--file-timeout): given up"
            failure = lost(self._task, "timeout", what)
        except ProcessExpired as error:
            failure = lost(self._task, "worker_died", f"the process that worked on it died ({_how(error.exitcode)})")
        except Exception as error:  # noqa: BLE001 - a fault of this program costs one file, not the run
            failure = lost(self._task, "internal", f"this should not happen, please report it: {error!r}")
        sweep(written_in(self._task.path, self._task.options))
        return failure


def _how(code: Optional[int]) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"
