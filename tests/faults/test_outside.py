"""Clocks that jump, servers that die, two runs at once, a state that is torn: the next run says the rest.

Not here: one request that fails (tests/api), one store that is damaged (tests/state).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

from immich_meta.demo.faults import Fault
from tests.cli.home import wait_until
from tests.faults.library import SYNC, Mixed, snapshot
from tests.faults.test_killed_at_random import judge, settle, take_all_back
from tests.faults.zygote import ROOT, Ended, Zygote

DAY = 86_400


def run(zygote: Zygote, mixed: Mixed, *more: str, prepare: str = "", **environ: str) -> Ended:
    return zygote.run((*SYNC, *more), {**mixed.environ, **environ}, mixed.directory, prepare=prepare)


# -- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-3650 * DAY, -3600, 3600, 40 * DAY])
def test_a_clock_that_jumps_costs_nothing(zygote: Zygote, small: Mixed, seconds: int) -> None:
    """Ten years: longer than what is written is kept, and longer than it was kept before."""
    small.wish(1)
    assert run(zygote, small).code == 0
    wish = small.wish(2)
    off = {"FAULT_SECONDS": str(seconds), "prepare": "tests.faults.prepared:another_day"}
    ended = run(zygote, small, **off)
    assert (ended.code, ended.sums()["updated"]) == (0, len(small.assets)), ended.said
    again = run(zygote, small, **off)
    assert (again.code, again.sums()["unchanged"]) == (0, len(small.assets)), again.said
    settle(zygote, small, wish)
    assert take_all_back(zygote, small) == 2


@pytest.mark.parametrize("year", [1969, 1971, 2037, 2100])
def test_files_from_the_past_and_the_future_are_written_once(zygote: Zygote, small: Mixed, year: int) -> None:
    moment = int(datetime(year, 6, 1, tzinfo=timezone.utc).timestamp())
    for path in small.assets:
        os.utime(path, ns=(moment * 10**9, moment * 10**9 + 5))
    small.first = snapshot(small.photos)
    settle(zygote, small, small.wish(1))
    assert take_all_back(zygote, small) == 1


# -- two runs ---------------------------------------------------------------------------------------------------------


def test_a_second_run_says_who_has_it_and_touches_nothing(zygote: Zygote, small: Mixed) -> None:
    wish = small.wish(1)
    small.server.slow(1.0, times=None, path="/search/metadata")
    ended: list[Ended] = []
    with Zygote() as other:
        first = threading.Thread(target=lambda: ended.append(run(other, small)))
        first.start()
        wait_until(lambda: bool(small.server.requests_to("/search/metadata")))
        before = snapshot(small.photos)
        asked = len(small.server.requests_to("/search/metadata"))
        second = zygote.run(SYNC, small.environ, small.photos.parent)
        assert len(small.server.requests_to("/search/metadata")) <= asked + 1  # that of the first run
        if not ended:
            assert snapshot(small.photos) == before
        first.join()
    assert second.code == 2, second.said
    assert "another run is under way: sync, process " in second.said
    assert "FINISH" not in second.said
    assert (ended[0].code, ended[0].sums()["updated"]) == (0, len(small.assets)), ended[0].said
    small.server.clear_faults()
    settle(zygote, small, wish)


def die_after(mixed: Mixed, requests: int) -> None:
    """After so many requests there is no answer any more."""
    if requests:
        mixed.server.add_fault(Fault(times=requests))
    mixed.server.drop(times=None)


# -- servers ----------------------------------------------------------------------------------------------------------


def test_a_server_that_dies_at_any_request_costs_only_what_was_not_listed(zygote: Zygote, small: Mixed) -> None:
    small.environ["IMMICH_SEARCH_PAGE_SIZE"] = "5"
    quick = "tests.faults.prepared:impatient"
    small.wish(0)
    assert run(zygote, small).code == 0
    count = len(small.server.requests)
    said, chance, halfway = small.said(), random.Random(3), 0
    for number in range(1, 6):
        wish = small.wish(number)
        die_after(small, chance.randrange(count))
        ended = run(zygote, small, prepare=quick)
        small.server.clear_faults()
        assert ended.code in (0, 3), ended.said
        assert "Traceback" not in ended.said, ended.said
        said = judge(small, said, wish)
        if "FINISH" in ended.said:
            sums = ended.sums()
            assert sums["failed"] == 0, ended.said
            halfway += 0 < sums["updated"] < len(small.assets)
            new = {Path(str(path).replace(".raf.xmp", ".raf")) for path in said if wish.is_said(said[path])}
            assert sums["updated"] == len(new & set(small.assets)), ended.said
    assert halfway
    settle(zygote, small, wish)
    take_all_back(zygote, small)


def test_a_slow_and_flapping_server_is_got_along_with(zygote: Zygote, small: Mixed) -> None:
    wish, server = small.wish(1), small.server
    for path in ("/search/metadata", "/faces", "/albums", "/people"):
        server.drop(path=path)
        server.fail(503, path=path)
        server.cut(40, path=path, breaks_off=True)
        server.slow(0.2, path=path)
        server.fail(429, path=path, retry_after="0")
    ended = run(zygote, small, prepare="tests.faults.prepared:impatient")
    assert (ended.code, ended.sums()["updated"]) == (0, len(small.assets)), ended.said
    settle(zygote, small, wish)


# -- the state --------------------------------------------------------------------------------------------------------


def test_a_state_with_any_bytes_torn_is_a_warning_and_everything_is_read_afresh(zygote: Zygote, small: Mixed) -> None:
    chance = random.Random(5)
    wish = small.wish(0)
    assert run(zygote, small).code == 0
    damaged = 0
    for number in range(1, 7):
        wish = small.wish(number)
        stores = sorted(small.state.glob("*.sqlite"))
        for store in stores:
            content = bytearray(store.read_bytes())
            for _ in range(chance.choice([1, 5, 200])):
                place = chance.randrange(200 if chance.random() < 0.2 else len(content))
                content[place : place + 8] = chance.randbytes(8)
            if chance.random() < 0.2:
                del content[chance.randrange(len(content)) :]
            store.write_bytes(content)
        ended = run(zygote, small)
        assert (ended.code, ended.sums()["updated"]) == (0, len(small.assets)), ended.said
        assert all(wish.is_said(said) for said in small.said().values())
        damaged += "damaged" in ended.said
        verified = zygote.run(["verify"], small.environ, small.directory)
        assert "Traceback" not in verified.said, verified.said
    assert damaged
    for store in small.state.glob("*.sqlite*"):
        store.unlink()
    settle(zygote, small, small.wish(50))


def test_a_state_that_is_no_state_is_a_warning(small: Mixed) -> None:
    """In a process of its own, as a user would run it."""
    small.state.mkdir()
    wish = small.wish(1)
    command = [sys.executable, "-m", "immich_meta", *SYNC]
    paths = f"{ROOT}:{ROOT / 'writers'}"
    environ = {**small.environ, "PYTHONPATH": paths, "IMMICH_META_STATE_DIR": "/dev/null/state"}
    ended = subprocess.run(command, env=environ, cwd=small.directory, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "cannot be used" in ended.stdout
    assert all(wish.is_said(said) for said in small.said().values())
