"""Tasks done in this process, one plan after the other.

Not here: worker processes (workers.py), and what is done to a file (work.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from immich_meta.state import UndoLog
from immich_meta.sync.crew import photo_of
from immich_meta.sync.task import Task
from immich_meta.sync.work import Answer, Ready, Work
from immich_meta_writers.plan.batch import Window


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


class _Photos:
    """The photos whose tasks may be under way; forgotten all at once."""

    _MOST = 1000

    def __init__(self) -> None:
        self._photos: set[str] = set()

    def has(self, task: Task) -> bool:
        return len(self._photos) >= self._MOST or photo_of(task) in self._photos

    def add(self, task: Task) -> None:
        self._photos.add(photo_of(task))

    def clear(self) -> None:
        self._photos.clear()
