"""Runs with worker processes, when the run, a worker or all of them are killed: no file and no process is left over.

Not here: workers that hang or die by themselves (tests/sync/test_crew.py).
"""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence

import pytest

from tests.cli.home import wait_until
from tests.faults.library import SYNC, Mixed, Wish
from tests.faults.test_killed_at_random import judge, settle, take_all_back
from tests.faults.zygote import Ended, Zygote, members

WORKERS = {"IMMICH_META_JOBS": "2"}


def has_ended(ended: Ended) -> bool:
    return not list(members(ended.session, only_workers=False))


def run(
    zygote: Zygote,
    mixed: Mixed,
    victim: str,
    kill_after: float,
    number: int = signal.SIGKILL,
    command: Sequence[str] = SYNC,
) -> Ended:
    environ = {**mixed.environ, **WORKERS}
    ended = zygote.run(command, environ, mixed.directory, kill_after=kill_after, victim=victim, number=number)
    wait_until(lambda: has_ended(ended))
    return ended


@pytest.fixture
def started(zygote: Zygote, mixed: Mixed) -> tuple[Wish, float]:
    """What is said by all files, and how long it takes workers to say it."""
    wish = mixed.wish(0)
    whole = zygote.run(SYNC, {**mixed.environ, **WORKERS}, mixed.directory)
    assert (whole.code, whole.sums()["updated"]) == (0, len(mixed.assets)), whole.said
    wait_until(lambda: has_ended(whole))  # Python's own tracker goes a moment later
    mixed.said()
    return wish, whole.seconds


@pytest.mark.slow
def test_whoever_is_killed_files_are_whole_and_no_process_stays(
    zygote: Zygote, mixed: Mixed, started: tuple[Wish, float]
) -> None:
    moments = random.Random(7)
    wish, seconds = started
    said = mixed.said()
    for number, victim in enumerate(("run", "worker", "workers", "group", "run") * 2, 1):
        wish = mixed.wish(number)
        ended = run(zygote, mixed, victim, moments.uniform(0.3 * seconds, seconds))
        said = judge(mixed, said, wish)
        if victim in ("worker", "workers"):
            sums = ended.sums()
            failed = {line for line in ended.said.splitlines() if "[ERROR  ]" in line}
            assert sums["failed"] == len(failed) <= (1 if victim == "worker" else 2), ended.said
            assert all("died (SIGKILL)" in line for line in failed), ended.said
            assert ended.code == (1 if failed else 0), ended.said
            assert sum(wish.is_said(each) for each in said.values()) >= len(said) - 2 * len(failed)
        else:
            assert ended.was_killed or ended.code == 0, ended.said
    settle(zygote, mixed, wish)
    assert take_all_back(zygote, mixed) >= 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_finishes_what_is_in_hand(
    zygote: Zygote, mixed: Mixed, started: tuple[Wish, float], number: signal.Signals
) -> None:
    """As Ctrl-C in a terminal, and as the end of a container."""
    mixed.environ["IMMICH_SEARCH_PAGE_SIZE"] = "4"
    mixed.server.slow(0.5 * started[1], times=None, path="/search/metadata")
    victim = "group" if number is signal.SIGINT else "run"
    for attempt, moment in enumerate((1.8, 1.4, 2.3, 1.0, 3.0), 1):  # a busy machine may come too early or too late
        said, wish = mixed.said(), mixed.wish(attempt)
        ended = run(zygote, mixed, victim, moment * started[1], number, SYNC[:2])
        assert ended.code in (0, 130), ended.said
        if ended.code == 130 and "FINISH" in ended.said and 0 < ended.sums()["total"] < len(mixed.assets):
            break
    else:
        pytest.fail("no run was interrupted in the middle")
    assert "FINISH (interrupted)" in ended.said
    sums = ended.sums()
    assert sums["total"] == sums["updated"], ended.said
    after = judge(mixed, said, wish)
    new = sum(wish.is_said(after[path]) for path in mixed.assets if path in after)
    assert sums["updated"] - 2 <= new <= sums["updated"]  # two of them have only sidecars
    assert mixed.strays() == []


def test_a_signal_that_comes_while_the_workers_start_costs_no_file(
    zygote: Zygote, mixed: Mixed, started: tuple[Wish, float]
) -> None:
    for number in range(1, 4):
        mixed.wish(number)
        ended = run(zygote, mixed, "group", number * 0.2 * started[1], signal.SIGINT)
        assert ended.code in (0, 130), ended.said
        assert "FINISH" not in ended.said or ended.sums()["failed"] == 0, ended.said
    assert mixed.strays() == []
