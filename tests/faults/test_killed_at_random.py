"""Runs that are killed at any moment, one on top of the other: each file is an old one or a new one, whole.

Not here: kills at each step of one write (tests/writers/commit), worker processes (test_killed_workers.py).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults.library import SYNC, Mixed, Said, Wish, snapshot
from tests.faults.zygote import Zygote

KILLS = 50


def judge(mixed: Mixed, before: Mapping[Path, Said], wish: Wish) -> dict[Path, Said]:
    """What each file says after a killed run: all of the wish, or exactly what it said before."""
    after = mixed.said()
    assert set(before) <= set(after), "a file is gone"
    for path, said in after.items():
        assert wish.is_said(said) or said == before.get(path), f"{path} is neither old nor new: {said}"
    return after


def settle(zygote: Zygote, mixed: Mixed, wish: Wish) -> None:
    """One run to its end says everything, the next one touches nothing, and nothing is left over."""
    whole = zygote.run(mixed.command, mixed.environ, mixed.directory)
    assert whole.code == 0, whole.said
    assert all(wish.is_said(said) for said in mixed.said().values())
    assert mixed.strays() == []
    written = snapshot(mixed.photos)
    for more in ((), ("--verify",)):
        again = zygote.run((*mixed.command, *more), mixed.environ, mixed.directory)
        assert (again.code, again.sums()["unchanged"]) == (0, len(mixed.assets)), again.said
        assert snapshot(mixed.photos) == written
    verified = zygote.run(["verify"], mixed.environ, mixed.directory)
    assert (verified.code, ", none not as written" in verified.said) == (0, True), verified.said


def take_all_back(zygote: Zygote, mixed: Mixed) -> int:
    """Every run, newest first: how many there were. Each file is as it was in the beginning."""
    count = 0
    while True:
        taken = zygote.run(["undo", "--last"], mixed.environ, mixed.directory)
        assert taken.code == 0, taken.said
        if "There is nothing to take back" in taken.said:
            assert snapshot(mixed.photos) == mixed.first
            return count
        count += 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_is_killed_at_any_moment_leaves_whole_files_and_a_way_back(
    zygote: Zygote, mixed: Mixed, seed: int
) -> None:
    moments = random.Random(seed)
    if seed:  # quicker: each face is a request
        mixed.environ["IMMICH_META_XMP_ENGINE"] = "builtin"
        mixed.command = SYNC[:4]
    wish = mixed.wish(0)
    whole = zygote.run(mixed.command, mixed.environ, mixed.directory)
    assert (whole.code, whole.sums()["updated"]) == (0, len(mixed.assets)), whole.said
    said, killed, halfway = mixed.said(), 0, 0
    for number in range(1, KILLS + 1):
        wish = mixed.wish(number)
        ended = zygote.run(mixed.command, mixed.environ, mixed.directory, kill_after=moments.uniform(0, whole.seconds))
        assert ended.was_killed or ended.code == 0, ended.said
        said = judge(mixed, said, wish)
        killed += ended.was_killed
        halfway += len({wish.is_said(each) for each in said.values()}) == 2
    assert killed > KILLS // 2
    assert halfway > KILLS // 8
    settle(zygote, mixed, wish)
    assert take_all_back(zygote, mixed) > KILLS // 3
