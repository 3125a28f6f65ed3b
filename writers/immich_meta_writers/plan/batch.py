"""Many plans, carried out in order while the next ones are made: writing is mostly waiting for the disk.

Not here: making a plan (plan/__init__.py).
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Generic, Optional, TypeVar, Union

from immich_meta_writers.commit import Undo, sync_directory
from immich_meta_writers.errors import WriterError
from immich_meta_writers.plan.outcome import FilePlan, Keep, Plan

# A few at once overlap their flushes, more bring nothing.
AT_ONCE = 4
# A directory's flush costs as much as a photo's: so seldom it is not felt, and a power failure loses no more than that.
FLUSH_SECONDS = 5.0
_LATEST_DIRECTORIES = 64
_T = TypeVar("_T")
_Answer = tuple[Plan, Optional[WriterError]]


def apply_all(
    plans: Iterable[Plan], *, at_once: int = AT_ONCE, keep: Optional[Keep] = None
) -> Iterator[tuple[Plan, Optional[WriterError]]]:
    """Carry out plans, `at_once` flushes under way at a time; yields each plan with its error, in order.

    `keep` is given what takes each file back, right before it is touched: from another thread, one at a time.

    `plans` may be a generator: it is asked for the next plan while earlier ones are on their way to the disk. Of two
    plans for one file that were made before either was carried out, the second fails with ChangedError. Afterwards the
    last renames are durable. When the generator raises, what was begun is carried out but not yielded.
    """
    window: Window[_Answer] = Window(at_once)
    with window:
        for plan in plans:
            window.carry_out(plan, partial(_answer, plan), keep)
            yield from window.finished()
        yield from window.rest()
        window.flush()


def _answer(plan: Plan, error: Optional[WriterError]) -> _Answer:
    return plan, error


class Window(Generic[_T]):
    """The plans that are on their way to the disk; their results come in the order in which they were handed in.

    For a single thread. It is left when nothing is under way any more; results that nobody has taken are dropped then.

    A rename is durable once its directory is flushed, or, on file systems with one log for all (ext4, XFS), any later
    file. The directories of what was written are flushed by `flush`, and beside the plans every `FLUSH_SECONDS` of
    `clock` when the next plan comes: a power failure brings back the old files, whole, of the last seconds at most.
    """

    def __init__(self, at_once: int = AT_ONCE, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="writer")
        self._most = 2 * at_once
        self._pending: deque[Union[Future[_T], _Known[_T]]] = deque()
        self._under_way: dict[Future[_T], frozenset[str]] = {}
        self._keeping = threading.Lock()
        self._latest: dict[str, None] = {}
        self._clock = clock
        self._flushed_at = clock()
        self._flushing: Optional[tuple[Future[None], tuple[str, ...]]] = None

    def __enter__(self) -> Window[_T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def carry_out(self, plan: Plan, told: Callable[[Optional[WriterError]], _T], keep: Optional[Keep] = None) -> None:
        """Begin to apply a plan; `told` makes its result of the error, None when there was none.

        Waits while a file of the plan is on its way: two renames over one file at the same time would both find it
        unchanged, and one would be lost. `keep` is called in a thread of the window, one at a time.
        """
        files = frozenset(os.path.realpath(part.path) for part in plan.parts if part.changes)
        if files:
            self._wait_for(files)
            self._flush_now_and_then()
            future = self._pool.submit(_apply, plan, told, keep and partial(self._kept, keep))
            self._under_way[future] = files
            self._pending.append(future)
            self._remember(map(os.path.dirname, files))
        else:  # a thread would cost an unchanged photo more than its merge
            self.known(told(None))

    def known(self, value: _T) -> None:
        """A result that needs no disk, in its place among the others."""
        self._pending.append(_Known(value))

    def finished(self) -> Iterator[_T]:
        """The results that are there; when too many are under way, the first is waited for."""
        while self._pending and (len(self._pending) > self._most or self._pending[0].done()):
            yield self._pending.popleft().result()

    def rest(self) -> Iterator[_T]:
        """All results that were not taken yet; each is waited for."""
        while self._pending:
            yield self._pending.popleft().result()

    def settle(self) -> None:
        """Wait for everything under way; no result is taken."""
        wait(self._under_way)

    def flush(self) -> None:
        """Make the latest renames durable; call it when everything is settled.

        Raises AccessError, also when a flush on the way had failed and fails again.
        """
        self._see_to_flushing(wait_for_it=True)
        for directory in self._latest:
            sync_directory(directory)
        self._latest.clear()

    def _kept(self, keep: Keep, part: FilePlan, undo: Undo) -> None:
        with self._keeping:
            keep(part, undo)

    def _wait_for(self, files: frozenset[str]) -> None:
        self._under_way = {future: theirs for future, theirs in self._under_way.items() if not future.done()}
        wait([future for future, theirs in self._under_way.items() if not files.isdisjoint(theirs)])

    def _flush_now_and_then(self) -> None:
        """Have the directories flushed, beside the plans. Those with a plan under way will have to be once more."""
        now = self._clock()
        if now - self._flushed_at < FLUSH_SECONDS or not self._latest or not self._see_to_flushing():
            return
        directories, self._latest, self._flushed_at = tuple(self._latest), {}, now
        self._remember(os.path.dirname(file) for files in self._under_way.values() for file in files)
        self._flushing = self._pool.submit(_flush, directories), directories

    def _see_to_flushing(self, *, wait_for_it: bool = False) -> bool:
        """Whether no flush is under way. The directories of one that has failed are to be flushed again."""
        if self._flushing is None:
            return True
        future, directories = self._flushing
        if not wait_for_it and not future.done():
            return False
        self._flushing = None
        try:
            future.result()
        except WriterError:
            self._remember(directories)
        return True

    def _remember(self, directories: Iterable[str]) -> None:
        for directory in directories:
            self._latest.pop(directory, None)
            self._latest[directory] = None
        while len(self._latest) > _LATEST_DIRECTORIES:
            del self._latest[next(iter(self._latest))]


class _Known(Generic[_T]):
    """What was there at once; a future costs several times as much to make."""

    def __init__(self, value: _T) -> None:
        self._value = value

    def done(self) -> bool:
        return True

    def result(self) -> _T:
        return self._value


def _flush(directories: Iterable[str]) -> None:
    for directory in directories:
        sync_directory(directory)


def _apply(plan: Plan, told: Callable[[Optional[WriterError]], _T], keep: Optional[Keep]) -> _T:
    try:
        plan.apply(keep)
    except WriterError as error:
        return told(error)
    return told(None)
