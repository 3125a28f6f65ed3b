"""Tasks done in worker processes, which a bad file can take down without harm to the run.

Not here: the processes (pool.py), and what is done to a file (work.py).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Optional, Union

from immich_meta.sync.bunches import Begun, Bunch
from immich_meta.sync.crew import photo_of
from immich_meta.sync.pool import Pool
from immich_meta.sync.report import Status
from immich_meta.sync.task import Task
from immich_meta.sync.work import Answer, Outcome, Work
from immich_meta_writers.commit import sync_directory

DEFAULT_TIMEOUT = 120.0
# Enough that no worker waits for this process to list the next assets; more would only be held in memory.
_AHEAD = 48
# To send a task costs half as much as to look at an unchanged photo. What goes together is lost together, and begun
# again one by one: it is small enough to be done long before a file's time is over.
_BUNCH_TASKS, _BUNCH_BYTES = 16, 128 << 20
_LATEST_DIRECTORIES = 64


class Workers:
    """Tasks in `jobs` processes, which start with the first task.

    A task that takes longer than `timeout` seconds, or whose process dies, costs its own file only: the process is
    replaced. A killed write leaves the old file or the new one (immich_meta_writers.commit).

    While all processes have something to do, the tasks that come are gathered, and go to one of them together.
    """

    def __init__(self, work: Work, jobs: int, timeout: float = DEFAULT_TIMEOUT) -> None:
        self._jobs = jobs
        self._most = jobs * _AHEAD
        self._pool = Pool(work, jobs, timeout)
        self._pending: deque[Union[Begun, Answer]] = deque()
        self._under_way: dict[str, Begun] = {}
        self._gathered = Bunch(self._pool)
        self._sent: list[Bunch] = []
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
        self._send_to_idle()
        while self._pending and (len(self._pending) > self._most or _is_done(self._pending[0])):
            yield self._taken(self._pending.popleft())

    def rest(self) -> Iterator[Answer]:
        self._gathered.send()
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
        photo = photo_of(task)
        before = self._under_way.get(photo)
        if before is not None:
            before.answer()
        begun = self._under_way[photo] = self._bunch_for(task).add(task)
        return begun

    def _bunch_for(self, task: Task) -> Bunch:
        """The one that is being gathered, unless it is on its way already or full."""
        bunch = self._gathered
        if bunch.is_sent or len(bunch) == _BUNCH_TASKS or (len(bunch) and bunch.size + task.size > _BUNCH_BYTES):
            bunch.send()
            self._sent.append(bunch)
            self._gathered = Bunch(self._pool)
        return self._gathered

    def _send_to_idle(self) -> None:
        """What is gathered need not wait for more while a process has nothing to do; one bunch lies ready for it."""
        if len(self._gathered) and not self._gathered.is_sent:
            self._sent = [bunch for bunch in self._sent if not bunch.done()]
            if len(self._sent) <= self._jobs:
                self._gathered.send()

    def _taken(self, entry: Union[Begun, Answer]) -> Answer:
        answer = entry.answer() if isinstance(entry, Begun) else entry
        if isinstance(answer, Outcome) and answer.result.status is Status.UPDATED:
            self._remember(os.path.dirname(answer.result.sidecar or answer.result.path))
        return answer

    def _remember(self, directory: str) -> None:
        self._directories.pop(directory, None)
        self._directories[directory] = None
        while len(self._directories) > _LATEST_DIRECTORIES:
            del self._directories[next(iter(self._directories))]


def _is_done(entry: Union[Begun, Answer]) -> bool:
    return not isinstance(entry, Begun) or entry.done()
