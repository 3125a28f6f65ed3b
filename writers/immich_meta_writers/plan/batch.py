"""Many plans, carried out in order while the next ones are made: writing is mostly waiting for the disk.

Not here: making a plan (plan/__init__.py).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Optional

from immich_meta_writers.commit import sync_directory
from immich_meta_writers.errors import WriterError
from immich_meta_writers.plan.outcome import Plan

AT_ONCE = 4


def apply_all(plans: Iterable[Plan], *, at_once: int = AT_ONCE) -> Iterator[tuple[Plan, Optional[WriterError]]]:
    """Carry out plans, `at_once` flushes under way at a time; yields each plan with its error, in order.

    `plans` may be a generator: it is asked for the next plan while earlier ones are on their way to the disk. Of two
    plans for one file that were made before either was carried out, the second fails with ChangedError. Afterwards the
    last renames are durable. When the generator raises, what was begun is carried out but not yielded.
    """
    pending: deque[_Pending] = deque()
    latest: deque[str] = deque(maxlen=at_once)
    with ThreadPoolExecutor(at_once, thread_name_prefix="writer") as pool:
        for plan in plans:
            files = frozenset(os.path.realpath(part.path) for part in plan.parts if part.changes)
            _wait_for(files, pending)
            pending.append(_Pending(plan, files, pool.submit(_apply, plan) if files else _nothing_to_do()))
            latest.extend(map(os.path.dirname, files))
            while pending and (len(pending) > 2 * at_once or pending[0].future.done()):
                done = pending.popleft()
                yield done.plan, done.future.result()
        for done in pending:
            yield done.plan, done.future.result()
    for directory in dict.fromkeys(latest):
        sync_directory(directory)


class _Pending(NamedTuple):
    plan: Plan
    files: frozenset[str]
    future: Future[Optional[WriterError]]


def _wait_for(files: frozenset[str], pending: Iterable[_Pending]) -> None:
    """Two renames over one file at the same time would both find it unchanged, and one would be lost."""
    for earlier in pending:
        if not files.isdisjoint(earlier.files):
            earlier.future.result()


def _nothing_to_do() -> Future[Optional[WriterError]]:
    """A thread would cost an unchanged photo more than its merge."""
    future: Future[Optional[WriterError]] = Future()
    future.set_result(None)
    return future


def _apply(plan: Plan) -> Optional[WriterError]:
    try:
        plan.apply()
    except WriterError as error:
        return error
    return None
