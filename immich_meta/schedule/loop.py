"""Waits, runs, waits again; until somebody says stop.

Not here: when runs are due (times.py), and what a run is. Moments are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Optional

from immich_meta.schedule.health import BUSY, RUNNING, STOPPED, WAITING, Health, LastRun
from immich_meta.schedule.times import MINUTE, Schedule

# A machine that was asleep, or whose clock was put right, is found out within this.
_LOOK = 60.0
_FIRST_RETRY, _LAST_RETRY = 5 * MINUTE, 60 * MINUTE
# The server was not reached; another run was under way (sysexits.h: EX_TEMPFAIL).
_SOON_AGAIN = (3, BUSY)


@dataclass(frozen=True)
class Clocks:
    """Time, and chance. `sleep` may be broken off by KeyboardInterrupt; `chance` is at least 0 and less than 1."""

    now: Callable[[], float]
    sleep: Callable[[float], object]
    chance: Callable[[], float]


@dataclass(frozen=True)
class Plan:
    """`jitter`: so many seconds later, at most. `begins_now`: the first run comes at once."""

    schedule: Schedule
    zone: tzinfo
    jitter: float
    begins_now: bool = False


def keep_running(
    plan: Plan,
    run: Callable[[], Optional[int]],
    clocks: Clocks,
    tell: Callable[[Health], None],
    before: Optional[Health] = None,
) -> None:
    """Run after run, one at a time, until `run` answers None or a sleep is broken off.

    `run` answers with its exit code; after 3 (the server was not reached) and BUSY it is tried again sooner, after 5
    minutes, then 10, 20, ... `tell` hears of each change. `before`: what was told last, by another process, whose times
    are kept: a run that was missed since then is made up for.
    """
    health = Health(WAITING, str(plan.schedule), None if before is None else before.last_run)
    row, due = _first(plan, before, clocks)
    failures = 0
    try:
        while True:
            tell(replace(health, next_run=due))
            if not _slept_until(due, clocks):
                row, due = _following(plan, clocks.now(), clocks)
                continue
            tell(replace(health, state=RUNNING))
            started = clocks.now()
            code = run()
            if code is None:
                return
            health = replace(health, last_run=LastRun(started, clocks.now(), code))
            failures = failures + 1 if code in _SOON_AGAIN else 0
            following = _following(plan, row, clocks)
            retry = clocks.now() + min(_LAST_RETRY, _FIRST_RETRY * 2.0 ** min(failures - 1, 10))
            row, due = (row, retry) if failures and retry < following[1] else following
    finally:
        tell(replace(health, state=STOPPED, next_run=due))


def _first(plan: Plan, before: Optional[Health], clocks: Clocks) -> tuple[float, float]:
    now = clocks.now()
    if plan.begins_now:
        return now, now
    following = _following(plan, now, clocks)
    if before is None:
        return following
    if before.schedule == str(plan.schedule) and before.next_run is not None:
        due = max(now, min(before.next_run, following[1]))
        return due, due
    last = before.last_run
    if last is None or last.started > now:
        return following
    if plan.schedule.next_after(last.started, last.started, plan.zone) <= now:
        return now, now
    return _following(plan, last.started, clocks)


def _following(plan: Plan, row: float, clocks: Clocks) -> tuple[float, float]:
    """The next moment of the row of times, and when the run that belongs to it is due."""
    moment = plan.schedule.next_after(row, clocks.now(), plan.zone)
    return moment, moment + plan.jitter * clocks.chance()


def _slept_until(due: float, clocks: Clocks) -> bool:
    """False: the clock went back, and nobody knows how long that would be."""
    left = due - clocks.now()
    while left > 0:
        clocks.sleep(min(left, _LOOK))
        before, left = left, due - clocks.now()
        if left > before + _LOOK:
            return False
    return True
