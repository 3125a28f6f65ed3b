"""Many plans, carried out in order while the next ones are made: writing is mostly waiting for the disk.

Not here: making a plan (plan/__init__.py).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Optional

from immich_meta_writers.commit import sync_directory
from immich_meta_writers.errors import WriterError
from immich_meta_writers.plan.outcome import Plan

AT_ONCE = 4


def apply_all(plans: Iterable[Plan], *, at_once: int = AT_ONCE) -> Iterator[tuple[Plan, Optional[WriterError]]]:
    """Carry out plans, `at_once` flushes under way at a time; yields each plan with its error, in order.

    `plans` may be a generator: it is asked for the next plan while earlier ones are on their way to the disk, so two
    plans for one file must not be in it (the second fails with ChangedError). Afterwards the last renames are durable.
    """
    pending: deque[tuple[Plan, Future[Optional[WriterError]]]] = deque()
    latest: deque[str] = deque(maxlen=at_once)
    with ThreadPoolExecutor(at_once, thread_name_prefix="writer") as pool:
        for plan in plans:
            pending.append((plan, pool.submit(_apply, plan)))
            if not plan.is_empty:
                latest.append(os.path.dirname(os.path.abspath(plan.path)))
            while pending and (len(pending) > 2 * at_once or pending[0][1].done()):
                done, future = pending.popleft()
                yield done, future.result()
        for done, future in pending:
            yield done, future.result()
    for directory in dict.fromkeys(latest):
        sync_directory(directory)


def _apply(plan: Plan) -> Optional[WriterError]:
    try:
        plan.apply()
    except WriterError as error:
        return error
    return None
