"""The loop of scheduled runs, on a clock that a test owns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timezone
from typing import Optional

import pytest

from immich_meta.schedule import Clocks, Health, LastRun, Plan, keep_running, parse_schedule
from immich_meta.schedule.health import BUSY, RUNNING, STOPPED, WAITING

HOUR = 3600.0
START = 1_000_000 * HOUR


class World:
    """A clock that moves while somebody sleeps or runs, and is stopped after so many runs."""

    def __init__(self, codes: Sequence[int], *, took: float = 60.0, chance: float = 0.0) -> None:
        self.time = START
        self.runs: list[float] = []
        self.told: list[Health] = []
        self.naps: list[float] = []
        self.jump = 0.0
        self._codes = iter(codes)
        self._took = took
        self.clocks = Clocks(lambda: self.time, self._sleep, lambda: chance)

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.time += seconds + self.jump
        self.jump = 0.0
        if len(self.naps) > 50_000:
            raise KeyboardInterrupt

    def run(self) -> Optional[int]:
        self.runs.append((self.time - START) / HOUR)
        self.time += self._took
        return next(self._codes, None)

    def go(
        self, schedule: str = "6h", *, jitter: float = 0.0, now: bool = False, before: Optional[Health] = None
    ) -> None:
        plan = Plan(parse_schedule(schedule), timezone.utc, jitter, begins_now=now)
        keep_running(plan, self.run, self.clocks, self.told.append, before)


def test_runs_come_at_their_times() -> None:
    world = World([0, 0])
    world.go()
    assert world.runs == [6, 12, 18]


def test_the_first_may_come_at_once() -> None:
    world = World([0, 1])
    world.go(now=True)
    assert world.runs == [0, 6, 12]


def test_a_run_that_takes_longer_than_the_interval_is_not_joined_by_another() -> None:
    world = World([0, 0], took=8 * HOUR)
    world.go()
    assert world.runs == [6, 18, 30]


def test_jitter_moves_a_run_and_not_those_after_it() -> None:
    world = World([0, 0], chance=0.5)
    world.go(jitter=HOUR)
    assert world.runs == [6.5, 12.5, 18.5]


def test_a_lost_server_is_tried_again_sooner_and_the_regular_time_stays() -> None:
    world = World([3, 3, 3, 0, 0], took=0)
    world.go()
    assert world.runs == pytest.approx([6, 6 + 5 / 60, 6 + 15 / 60, 6 + 35 / 60, 12, 18])


def test_a_server_that_stays_lost_is_tried_every_hour_and_at_the_regular_time() -> None:
    world = World([3] * 12, took=0)
    world.go()
    assert world.runs[:10] == pytest.approx([6 + each / 60 for each in (0, 5, 15, 35, 75, 135, 195, 255, 315, 360)])


@pytest.mark.parametrize("code", [1, 2, 130, 137])
def test_other_failures_wait_for_the_regular_time(code: int) -> None:
    world = World([code, 0])
    world.go()
    assert world.runs == [6, 12, 18]
    assert [each.last_run.exit_code for each in world.told if each.last_run and each.state == WAITING] == [code, 0]


def test_a_retry_never_comes_later_than_the_regular_run() -> None:
    world = World([3, 0], took=0)
    world.go("2m")
    assert [each * 60 for each in world.runs] == pytest.approx([2, 4, 6])


def test_a_machine_that_was_asleep_runs_when_it_wakes() -> None:
    world = World([0])
    world.jump = 9 * HOUR
    world.go()
    assert world.runs[0] == pytest.approx(9, abs=0.02)
    assert world.runs[1] == 12


def test_a_clock_that_is_put_back_does_not_stop_the_runs() -> None:
    world = World([0])
    world.jump = -10_000 * HOUR
    world.go()
    assert world.runs[0] == pytest.approx(-10_000 + 6, abs=0.02)


def test_no_nap_is_longer_than_a_minute() -> None:
    world = World([])
    world.go()
    assert max(world.naps) == 60
    assert sum(world.naps) == 6 * HOUR


@pytest.mark.parametrize(
    ("hours", "first"),
    [(2.5, 2.5), (-1, 0), (-1000, 0), (50, 6)],
    ids=["in time", "missed", "long ago", "clock was wrong"],
)
@pytest.mark.parametrize("state", [WAITING, STOPPED])
def test_a_restart_keeps_the_time_of_the_next_run(hours: float, first: float, state: str) -> None:
    world = World([0])
    world.go(before=Health(state, "6h", None, START + hours * HOUR))
    assert world.runs == [first, first + 6]


@pytest.mark.parametrize("code", [3, BUSY])
def test_who_was_busy_is_tried_again_as_who_was_not_reached(code: int) -> None:
    world = World([code], took=0)
    world.go()
    assert world.runs == pytest.approx([6, 6 + 5 / 60])


@pytest.mark.parametrize(
    ("hours_ago", "first"),
    [(5, 1), (7, 0), (1000, 0), (-3, 6)],
    ids=["goes on", "missed", "long ago", "from the future"],
)
def test_another_interval_goes_on_from_the_last_run(hours_ago: float, first: float) -> None:
    world = World([0])
    started = START - hours_ago * HOUR
    world.go(before=Health(STOPPED, "24h", LastRun(started, started + 60, 0), START + 9 * HOUR))
    assert world.runs[0] == first


def test_a_run_that_killed_its_process_does_not_come_again_at_once() -> None:
    world = World([0])
    world.go(before=Health(RUNNING, "6h", None, None))
    assert world.runs[0] == 6


def test_a_time_of_cron_that_was_missed_in_a_restart_is_made_up_for() -> None:
    started = START - 20 * HOUR
    world = World([0])
    world.go("0 0 * * *", before=Health(RUNNING, "0 0 * * *", LastRun(started, started + 60, 0), None))
    hour_of_day = (START / HOUR) % 24
    assert world.runs == ([0, 24 - hour_of_day] if hour_of_day < 20 else [24 - hour_of_day, 48 - hour_of_day])


def test_what_is_told_is_what_happens() -> None:
    world = World([0])
    world.go()
    assert [each.state for each in world.told] == [WAITING, RUNNING, WAITING, RUNNING, STOPPED]
    at_12 = START + 12 * HOUR
    assert [each.next_run for each in world.told] == [START + 6 * HOUR, None, at_12, None, at_12]
    assert world.told[0].last_run is None
    assert world.told[2].last_run == LastRun(START + 6 * HOUR, START + 6 * HOUR + 60, 0)
    assert world.told[0].schedule == "6h"


def test_a_sleep_that_is_broken_off_ends_it_and_is_told() -> None:
    world = World([])

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    clocks = Clocks(world.clocks.now, stop, world.clocks.chance)
    plan = Plan(parse_schedule("6h"), timezone.utc, 0)
    with pytest.raises(KeyboardInterrupt):
        keep_running(plan, world.run, clocks, world.told.append)
    assert (world.runs, world.told[-1].state) == ([], STOPPED)
