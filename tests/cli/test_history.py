"""`history`: past runs, newest first, what they wrote and what is kept."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.home import Home
from tests.cli.test_undo import killed, photos, write
from tests.cli.test_write import ALL, wish


def test_without_runs_it_says_so_and_makes_nothing(offline: Home) -> None:
    ran = offline.run("history")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Nothing is kept yet")
    assert offline.run("history", "--json").out == ""
    assert not (offline.directory.parent / "state").exists()


def test_runs_are_listed_newest_first_with_what_is_kept(offline: Home) -> None:
    paths = photos(offline)
    first = write(offline, paths, people=["Ada"])
    second = write(offline, paths[:1], people=["Eve"])
    offline.run("undo", "--last")
    ran = offline.run("history")
    newest, oldest, _, total = ran.out.splitlines()
    assert newest.split()[:4] == [second, "write", "1", "file"]
    assert newest.endswith("undone")
    assert oldest.split()[:4] == [first, "write", "3", "files"]
    assert "in all" in total
    found = [json.loads(line) for line in offline.run("history", "--json").out.splitlines()]
    assert [(each["run"], each["files"], each["undone"], each["interrupted"]) for each in found] == [
        (second, 1, True, False),
        (first, 3, False, False),
    ]
    assert all(each["size"] > 0 and each["ended"] >= each["started"] for each in found)
    assert found[1]["sums"] == {"updated": 3}


def test_a_run_shows_each_file_and_each_tag(offline: Home) -> None:
    paths = photos(offline, 2)
    run = write(offline, paths, people=["Zoë"], rating=4)
    ran = offline.run("history", "--run", run)
    assert ran.code == 0
    assert f"\n{paths[0]}\n" in ran.out
    assert '+"Zoë"' in ran.out
    assert "IFD0:Rating" in ran.out
    files = [json.loads(line) for line in offline.run("history", "--run", run, "--json").out.splitlines()]
    assert {each["path"] for each in files} == {str(path) for path in paths}
    changes = {change["tag"]: (change["old"], change["new"]) for change in files[0]["changes"]}
    assert changes["XMP-dc:Subject"] == (None, ["Zoë"])
    assert changes["IFD0:Rating"] == (None, 4)
    offline.run("undo", "--last")
    assert f"{paths[0]} (undone)" in offline.run("history", "--run", run).out


def test_an_unknown_run_is_an_error(offline: Home) -> None:
    assert offline.run("history", "--run", "x").code == 2


def test_an_interrupted_run_is_called_so(offline: Home) -> None:
    names = [str(path) for path in photos(offline)]
    wished = wish(offline, ALL)
    killed(offline, "write", *names, "--metadata", wished, module="undo_log", name="UndoLog", method="append", after=2)
    assert offline.run("history").out.splitlines()[0].endswith("interrupted")
    (found,) = map(json.loads, offline.run("history", "--json").out.splitlines())
    assert (found["interrupted"], found["running"], found["files"]) == (True, False, 2)


def test_the_state_directory_may_be_in_the_configuration(offline: Home, tmp_path: Path) -> None:
    run = write(offline, photos(offline))
    config = offline.directory / "my.env"
    config.write_text(f"IMMICH_META_STATE_DIR={tmp_path / 'state'}\n")
    ran = offline.run("history", "--config", "my.env", IMMICH_META_STATE_DIR=None)
    assert ran.out.startswith(run)


def test_a_damaged_store_is_named_and_the_others_are_shown(offline: Home, tmp_path: Path) -> None:
    run = write(offline, photos(offline))
    (tmp_path / "state" / "other.sqlite").write_bytes(b"no database" * 100)
    ran = offline.run("history")
    assert ran.code == 0
    assert "other.sqlite" in ran.err
    assert ran.out.startswith(run)
