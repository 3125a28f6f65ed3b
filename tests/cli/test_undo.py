"""`undo`: each file as it was before, byte for byte, or left alone with a word on why."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from immich_meta.state import Settled, open_store
from tests.cli.home import Home, keywords, lines_of, snapshot
from tests.cli.test_write import ALL, wish
from tests.writers.commit.children import NOBODY, as_nobody

DIES = """
import os, signal, sys
from immich_meta.cli import commands, run
from immich_meta.state.{module} import {name}

real, left = {name}.{method}, [{after}]

def dying(self, *args):
    real(self, *args)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

{name}.{method} = dying
sys.exit(run(commands, "immich-meta", sys.argv[1:]))
"""


def write(home: Home, paths: list[Path], **values: object) -> str:
    """Writes it into the photos; the id of the run."""
    ran = home.run("write", *map(str, paths), "--metadata", wish(home, values or ALL))
    assert ran.code == 0, ran.said
    return latest(home)


def latest(home: Home) -> str:
    return str(json.loads(home.run("history", "--json").out.splitlines()[0])["run"])


def photos(home: Home, count: int = 3) -> list[Path]:
    made = [home.photo(f"{number}/IMG_{number}.jpg") for number in range(count)]
    for number, path in enumerate(made):
        os.utime(path, ns=(1, 1_600_000_000_123_456_789 + number))
    return made


def killed(home: Home, *arguments: str, module: str, name: str, method: str, after: int = 1) -> None:
    """A command that dies right after it has done something so many times."""
    script = DIES.format(module=module, name=name, method=method, after=after)
    child = home.start(*arguments, script=script)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL


def test_the_last_run_is_taken_back_byte_for_byte(offline: Home) -> None:
    paths = photos(offline)
    before = snapshot(offline.photos)
    write(offline, paths)
    after = snapshot(offline.photos)
    assert after != before
    simulated = offline.run("undo", "--last", "--dry-run")
    assert (simulated.code, simulated.err) == (0, "")
    assert f"{paths[0]}: would be restored" in simulated.out
    assert snapshot(offline.photos) == after
    ran = offline.run("undo", "--last")
    assert (ran.code, ran.err) == (0, "")
    assert f"{paths[0]}: restored" in ran.out
    assert "3 restored" in ran.out
    assert snapshot(offline.photos) == before
    again = offline.run("undo", "--last")
    assert (again.code, again.out) == (0, "There is nothing to take back.\n")


def test_a_sidecar_that_was_made_goes_again(offline: Home) -> None:
    path = offline.photo("IMG.heic", b"no picture, and yet a file that may have a sidecar")
    before = snapshot(offline.photos)
    ran = offline.run("write", str(path), "--metadata", wish(offline, ALL), "--write-to", "sidecar")
    assert ran.code == 0
    assert (offline.photos / "IMG.heic.xmp").exists()
    assert offline.run("undo", "--last").code == 0
    assert snapshot(offline.photos) == before


def test_runs_are_taken_back_one_after_the_other(offline: Home) -> None:
    paths = photos(offline)
    states = [snapshot(offline.photos)]
    for name in ("Ada", "Eve", "Zoë"):
        write(offline, paths, people=[name])
        states.append(snapshot(offline.photos))
    for state in states[-2::-1]:
        assert offline.run("undo", "--last").code == 0
        assert snapshot(offline.photos) == state


def test_an_older_run_waits_for_the_later_one(offline: Home) -> None:
    paths = photos(offline)
    before = snapshot(offline.photos)
    first = write(offline, paths, people=["Ada"])
    second = write(offline, paths[:1], people=["Eve"])
    ran = offline.run("undo", "--run", first, "--report", "-")
    assert ran.code == 1
    found = {line["path"]: line for line in map(json.loads, ran.out.splitlines())}
    assert found[str(paths[0])]["status"] == "later"
    assert second in found[str(paths[0])]["message"]
    assert [found[str(path)]["status"] for path in paths[1:]] == ["restored", "restored"]
    assert "2 restored, 1 changed again by a later run" in ran.err
    assert offline.run("undo", "--run", second).code == 0
    assert offline.run("undo", "--run", first).code == 0
    assert snapshot(offline.photos) == before


def test_one_file_goes_back_change_by_change(offline: Home) -> None:
    paths = photos(offline)
    before = snapshot(offline.photos)
    write(offline, paths, people=["Ada"])
    write(offline, paths, people=["Eve"])
    (offline.directory / "link.jpg").symlink_to(paths[0])
    assert offline.run("undo", "--file", "link.jpg").code == 0
    assert keywords(paths[0]) == ("Ada",)
    assert offline.run("undo", "--file", str(paths[0]), "--dry-run").code == 0
    assert keywords(paths[0]) == ("Ada",)
    ran = offline.run("undo", "--file", str(paths[0]))
    assert (ran.code, ran.out) == (0, f"{paths[0]}: restored\n")
    now = snapshot(offline.photos)
    assert now[str(paths[0])] == before[str(paths[0])]
    assert keywords(paths[1]) == ("Eve",)
    ran = offline.run("undo", "--file", str(paths[0]))
    assert ran.code == 2
    assert f"no change of {paths[0]} is kept" in ran.err
    assert offline.run("undo", "--last").code == 0
    assert offline.run("undo", "--last").code == 0
    assert snapshot(offline.photos) == before


def test_a_file_whose_sidecar_was_written_points_to_it(offline: Home) -> None:
    path = offline.photo("IMG.jpg")
    offline.run("write", str(path), "--metadata", wish(offline, {"people": ["Ada"]}), "--write-to", "sidecar")
    ran = offline.run("undo", "--file", str(path))
    assert ran.code == 2
    assert f"undo --file {path}.xmp" in ran.err
    assert offline.run("undo", "--file", f"{path}.xmp").code == 0
    assert not Path(f"{path}.xmp").exists()


def test_what_has_changed_since_or_is_gone_is_left_alone_and_the_rest_restored(offline: Home) -> None:
    paths = photos(offline, 4)
    before = snapshot(offline.photos)
    run = write(offline, paths)
    paths[0].write_bytes(paths[0].read_bytes() + b"edited")
    paths[1].unlink()
    edited = paths[0].read_bytes()
    simulated = offline.run("undo", "--last", "--dry-run")
    assert simulated.code == 1
    report = offline.directory / "undo.jsonl"
    ran = offline.run("undo", "--last", "--report", str(report))
    assert ran.code == 1
    assert {Path(line["path"]).name: line["status"] for line in lines_of(report)} == {
        "IMG_0.jpg": "changed",
        "IMG_1.jpg": "missing",
        "IMG_2.jpg": "restored",
        "IMG_3.jpg": "restored",
    }
    assert "2 restored, 1 changed since, left alone, 1 not there any more" in ran.out
    assert paths[0].read_bytes() == edited
    for path in paths[2:]:
        assert snapshot(offline.photos)[str(path)] == before[str(path)]
    # the run had its turn; what is left of it can still be asked for
    assert offline.run("undo", "--last").out == "There is nothing to take back.\n"
    assert "undone but for 2 files" in offline.run("history").out
    assert offline.run("undo", "--run", run).code == 1


def test_a_file_that_may_not_be_written_is_named_and_can_be_taken_back_later(
    offline: Home, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(offline.environ, "IMMICH_META_STATE_DIR", str(open_folder / "state"))
    path = open_folder / "IMG.jpg"
    path.write_bytes(offline.photo("a.jpg").read_bytes())
    before = path.read_bytes()
    run = write(offline, [path])
    if os.geteuid() == 0:
        for each in (open_folder / "state", *(open_folder / "state").iterdir(), path):
            os.chown(each, NOBODY, NOBODY)
    path.chmod(0o444)
    said: list[str] = []

    def act() -> None:
        monkeypatch.setattr(offline, "directory", open_folder)
        ran = offline.run("undo", "--run", run)
        said.append(f"{ran.code} {ran.said}")

    assert as_nobody(act) is None
    assert said[0].startswith("1 ")
    assert "refused" in said[0]
    assert "read-only" in said[0]
    path.chmod(0o644)
    assert offline.run("undo", "--run", run).code == 0
    assert path.read_bytes() == before


def test_settled_assets_are_looked_at_again_after_their_file_went_back(home: Home) -> None:
    path, asset = home.add("a.jpg", people=["Ada"])
    before = path.read_bytes()
    state = Path(home.environ["IMMICH_META_STATE_DIR"])
    settled = Settled(b"w" * 16, b"", "1:2:3")
    from immich_meta.state import UndoLog
    from immich_meta_writers import PhotoMetadata, plan

    for name in ("host-owner", "host-owner-shard-1-of-2"):
        with open_store(state, name, warn=print) as store:
            store.remember(asset.id, settled)
            store.remember("another", settled)
    with open_store(state, "host-owner", warn=print) as store:
        run = store.begin_run("sync", {})
        with UndoLog(run.log_at()) as log:
            planned = plan(path, PhotoMetadata(people=("Ada",)))
            planned.apply(lambda part, undo: log.append(undo, part.changes, asset.id))
        run.end({})
    assert home.run("undo", "--last").code == 0
    assert path.read_bytes() == before
    for name in ("host-owner", "host-owner-shard-1-of-2"):
        with open_store(state, name, warn=print) as store:
            assert (store.settled(asset.id), store.settled("another")) == (None, settled)


# -- killed -----------------------------------------------------------------------------------------------------------


def test_a_run_that_is_killed_before_its_rename_has_changed_nothing(offline: Home) -> None:
    paths = photos(offline, 1)
    before = snapshot(offline.photos)
    wished = wish(offline, ALL)
    killed(offline, "write", str(paths[0]), "--metadata", wished, module="undo_log", name="UndoLog", method="append")
    left = [name for name in os.listdir(paths[0].parent) if name.startswith(".")]
    assert len(left) == 1, "the kill came before the rename"
    ran = offline.run("undo", "--last")
    assert (ran.code, f"{paths[0]}: already as it was" in ran.out) == (0, True)
    assert snapshot(offline.photos) == before
    assert os.listdir(paths[0].parent) == ["IMG_0.jpg"]


def test_a_run_that_was_killed_can_be_taken_back(offline: Home) -> None:
    paths = photos(offline, 12)
    before = snapshot(offline.photos)
    names = [str(path) for path in paths]
    wished = wish(offline, ALL)
    killed(offline, "write", *names, "--metadata", wished, module="undo_log", name="UndoLog", method="append", after=9)
    assert "interrupted" in offline.run("history").out
    ran = offline.run("undo", "--last")
    assert ran.code == 0, ran.said
    assert snapshot(offline.photos) == before


@pytest.mark.parametrize(("name", "method"), [("Ledger", "note"), ("Ledger", "finish"), ("Entry", "undo")])
def test_an_undo_that_was_killed_is_run_again(offline: Home, name: str, method: str) -> None:
    paths = photos(offline, 5)
    before = snapshot(offline.photos)
    run = write(offline, paths)
    killed(offline, "undo", "--last", module="taking_back", name=name, method=method)
    ran = offline.run("undo", "--run", run)
    assert ran.code == 0, ran.said
    assert snapshot(offline.photos) == before
    assert [name for path in paths for name in os.listdir(path.parent)] == [path.name for path in paths]


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [[], ["--last", "--run", "x"], ["--file", "x", "--last"]])
def test_one_choice_has_to_be_made(offline: Home, flags: list[str]) -> None:
    ran = offline.run("undo", *flags)
    assert ran.code == 2
    assert "one of --last, --run ID and --file PATH" in ran.err


def test_an_unknown_run_is_named(offline: Home) -> None:
    ran = offline.run("undo", "--run", "2020-01-01T00-00-00")
    assert ran.code == 2
    assert "no run 2020-01-01T00-00-00 is kept (immich-meta history shows" in ran.err


def test_without_a_history_there_is_nothing_to_take_back(offline: Home) -> None:
    ran = offline.run("undo", "--last")
    assert (ran.code, ran.out, ran.err) == (0, "There is nothing to take back.\n", "")
    assert not (offline.directory.parent / "state").exists()


def test_while_the_run_is_under_way_undo_says_who_has_it(offline: Home) -> None:
    write(offline, photos(offline))
    state = Path(offline.environ["IMMICH_META_STATE_DIR"])
    with open_store(state, "files", warn=print, command="write"):
        ran = offline.run("undo", "--last")
        assert ran.code == 2
        assert f"write, process {os.getpid()}" in ran.err
        assert offline.run("undo", "--last", "--dry-run").code == 0
    assert offline.run("undo", "--last").code == 0


def test_nothing_is_kept_with_0_days(offline: Home) -> None:
    path = offline.photo("a.jpg")
    offline.run("write", str(path), "--metadata", wish(offline, ALL), "--keep-undo", "0")
    assert offline.run("undo", "--last").out == "There is nothing to take back.\n"
    offline.run("write", str(path), "--metadata", wish(offline, {"people": ["Eve"]}), IMMICH_META_KEEP_UNDO="0")
    assert offline.run("undo", "--last").out == "There is nothing to take back.\n"


def test_a_person_who_wants_it_to_end_gets_what_is_in_hand_and_the_rest_later(offline: Home) -> None:
    paths = photos(offline, 70)  # more than are taken back at a time
    before = snapshot(offline.photos)
    run = write(offline, paths)
    script = DIES.format(module="taking_back", name="Ledger", method="note", after=1)
    child = offline.start("undo", "--last", script=script.replace("SIGKILL", "SIGINT"))
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert f"Run {run}: 64 restored" in said
    assert "undone but for 6 files" in offline.run("history").out
    assert offline.run("undo", "--last").code == 0
    assert snapshot(offline.photos) == before


def test_every_sample_that_was_written_is_verified_and_taken_back(offline: Home, shared: Path) -> None:
    for number, sample in enumerate(sorted((shared / "media").rglob("*"))):
        if sample.is_file():
            shutil.copy2(sample, offline.photos / f"{number}-{sample.name}")
    paths = sorted(offline.photos.iterdir())
    before = snapshot(offline.photos)
    offline.run("write", *map(str, paths), "--metadata", wish(offline, ALL))
    assert len(snapshot(offline.photos).items() - before.items()) > 100
    ran = offline.run("verify")
    assert ran.code == 0, ran.out
    assert offline.run("undo", "--last").code == 0
    assert snapshot(offline.photos) == before


# -- the state itself -------------------------------------------------------------------------------------------------


def damage(home: Home, column: str) -> None:
    """What is kept of each write is nonsense now."""
    connection = sqlite3.connect(Path(home.environ["IMMICH_META_STATE_DIR"]) / "files.sqlite")
    connection.execute(f"UPDATE written SET {column} = x'00'")
    connection.commit()
    connection.close()


def test_what_takes_it_back_may_be_damaged(offline: Home) -> None:
    paths = photos(offline)
    write(offline, paths)
    after = snapshot(offline.photos)
    damage(offline, "undo")
    for flags in (["--dry-run"], []):
        ran = offline.run("undo", "--last", *flags)
        assert ran.code == 1
        assert f"{paths[0]}: what takes it back is damaged" in ran.out
    assert snapshot(offline.photos) == after


def test_what_was_changed_may_be_damaged_and_the_files_still_go_back(offline: Home) -> None:
    paths = photos(offline)
    before = snapshot(offline.photos)
    run = write(offline, paths)
    damage(offline, "changes")
    assert "this note is damaged" in offline.run("history", "--run", run).out
    ran = offline.run("verify", "--json")
    assert ran.code == 1
    assert [json.loads(line)["status"] for line in ran.out.splitlines()] == ["lost"] * 3
    assert offline.run("undo", "--last").code == 0
    assert snapshot(offline.photos) == before


def test_a_state_that_cannot_be_written_is_named_and_nothing_is_done(offline: Home) -> None:
    paths = photos(offline)
    write(offline, paths)
    after = snapshot(offline.photos)
    lock = Path(offline.environ["IMMICH_META_STATE_DIR"]) / "files.lock"
    lock.unlink()
    lock.mkdir()
    ran = offline.run("undo", "--last")
    assert ran.code == 2
    assert "files.sqlite cannot be written" in ran.err
    assert "run undo as the user who ran the sync" in ran.err
    assert snapshot(offline.photos) == after


def test_a_report_that_cannot_be_made_is_named_and_nothing_is_done(offline: Home) -> None:
    write(offline, photos(offline))
    after = snapshot(offline.photos)
    ran = offline.run("undo", "--last", "--report", "no/such/folder.jsonl")
    assert ran.code == 2
    assert "no/such/folder.jsonl cannot be written" in ran.err
    assert snapshot(offline.photos) == after


def test_a_report_that_fills_the_disk_does_not_keep_files_from_going_back(offline: Home) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no full device")
    paths = photos(offline)
    before = snapshot(offline.photos)
    write(offline, paths)
    ran = offline.run("undo", "--last", "--report", "/dev/full")
    assert (ran.code, ran.err.count("/dev/full is not complete")) == (0, 1)
    assert snapshot(offline.photos) == before

