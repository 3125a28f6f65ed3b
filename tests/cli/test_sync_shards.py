"""`--shard I/N`: N runs with a part each do what one run does, side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from immich_meta.demo.server import DemoServer
from immich_meta.state import open_store
from tests.cli.home import Home, keywords, lines_of, snapshot
from tests.cli.opened import opened_below
from tests.cli.test_sync_live_photos import add_pair

COUNT = 3


def states(home: Home) -> list[str]:
    return sorted(path.name for path in Path(home.environ["IMMICH_META_STATE_DIR"]).glob("*.sqlite"))


def fill(home: Home) -> list[Path]:
    paths = home.fill(8)
    still, video, *_ = add_pair(home, "pair", people=["Eve"], albums=["Spring"])
    return [*paths, still, video]


def test_the_parts_do_together_what_one_run_does(home: Home) -> None:
    fill(home)
    untouched = snapshot(home.photos)
    whole = sorted(home.report(), key=lambda line: str(line["asset_id"]))
    expected = snapshot(home.photos)
    assert home.run("undo", "--last").code == 0
    assert snapshot(home.photos) == untouched
    parts = [home.report("--shard", f"{index}/{COUNT}") for index in range(COUNT)]
    assert all(0 < len(part) < len(whole) for part in parts)
    assert sorted((line for part in parts for line in part), key=lambda line: str(line["asset_id"])) == whole
    assert snapshot(home.photos) == expected


def test_each_part_has_a_state_of_its_own_and_settles(home: Home) -> None:
    fill(home)
    for index in range(COUNT):
        ran = home.sync("--shard", f"{index}/{COUNT}")
        assert (ran.code, f"modes=shard {index}/{COUNT}" in ran.out) == (0, True)
    assert [name.rpartition("-shard-")[2] for name in states(home)] == [
        f"{index}-of-{COUNT}.sqlite" for index in range(COUNT)
    ]
    for index in range(COUNT):
        with opened_below(home.photos) as names:
            ran = home.sync("--shard", f"{index}/{COUNT}")
        assert (ran.code, names, ran.sums()["updated"]) == (0, [], 0)


def test_a_part_asks_for_no_faces_but_its_own(home: Home, server: DemoServer) -> None:
    box = (8.0, 8.0, 24.0, 24.0)
    ids = {home.add(f"{number}.jpg", boxes={"Ada": box}, width=64, height=48)[1].id for number in range(9)}
    asked = []
    for _ in range(2):
        server.requests.clear()
        for index in range(COUNT):
            assert home.sync("--face-coordinates", "--shard", f"{index}/{COUNT}").code == 0
        asked.append(sorted(request.query["id"] for request in server.requests_to("/faces")))
    assert asked == [sorted(ids), []]


def test_parts_run_at_the_same_time_and_one_part_does_not_run_twice(home: Home) -> None:
    paths = fill(home)
    assert home.sync("--people", "--shard", "0/2").code == 0
    state = Path(home.environ["IMMICH_META_STATE_DIR"])
    (name,) = states(home)
    before = snapshot(home.photos)
    with open_store(state, name[: -len(".sqlite")], warn=pytest.fail, command="the first one"):
        ran = home.sync("--people", "--shard", "0/2")
        assert (ran.code, "another run is under way: the first one" in ran.err) == (2, True)
        assert snapshot(home.photos) == before
        assert home.sync("--people", "--shard", "1/2").code == 0
    assert all(keywords(path) for path in paths)


def test_undo_knows_the_runs_of_all_parts(home: Home) -> None:
    fill(home)
    before = snapshot(home.photos)
    for index in range(COUNT):
        assert home.sync("--shard", f"{index}/{COUNT}").code == 0
    for _ in range(COUNT):
        assert home.run("undo", "--last").code == 0
    assert snapshot(home.photos) == before
    assert home.run("undo", "--last").out == "There is nothing to take back.\n"


def test_a_part_and_the_whole_do_not_disturb_each_other(home: Home) -> None:
    fill(home)
    assert home.sync().code == 0
    before = snapshot(home.photos)
    for index in range(COUNT):
        assert home.sync("--shard", f"{index}/{COUNT}").sums()["updated"] == 0
    assert snapshot(home.photos) == before
    assert len(states(home)) == COUNT + 1


def test_an_asset_that_cannot_be_read_is_counted_by_one_part(home: Home) -> None:
    _, asset = home.add("a.jpg", people=["Ada"])
    asset.overrides["originalPath"] = None
    failed = [home.sync("--people", "--shard", f"{index}/{COUNT}").sums()["failed"] for index in range(COUNT)]
    assert sorted(failed) == [0, 0, 1]


@pytest.mark.parametrize("text", ["3/3", "-1/3", "0/0", "1", "a/b", "0/10001", ""])
def test_a_part_that_cannot_be_is_refused(home: Home, text: str) -> None:
    home.fill(1)
    before = snapshot(home.photos)
    ran = home.run("sync", "--all", f"--shard={text}")
    assert ran.code == 2
    assert "--shard" in ran.err
    assert snapshot(home.photos) == before
    assert states(home) == []


def test_the_parts_of_children_side_by_side_make_the_whole(home: Home) -> None:
    """Each with a folder and a state of its own, as on machines that share the photos."""
    fill(home)
    untouched = snapshot(home.photos)
    assert home.sync().code == 0
    expected = snapshot(home.photos)
    assert home.run("undo", "--last").code == 0
    assert snapshot(home.photos) == untouched
    shutil.rmtree(home.environ["IMMICH_META_STATE_DIR"])
    arguments = ("sync", "--all", "--albums", "--face-coordinates", "--tags", "--report")
    states = [str(home.directory / f"state-{index}") for index in range(2)]
    children = [
        home.start(*arguments, f"{index}.jsonl", "--shard", f"{index}/2", IMMICH_META_STATE_DIR=state)
        for index, state in enumerate(states)
    ]
    for child in children:
        said = "".join(child.communicate(timeout=120))
        assert child.returncode == 0, said
    assert snapshot(home.photos) == expected
    assert sum(len(lines_of(home.directory / f"{index}.jsonl")) for index in range(2)) == len(expected)
