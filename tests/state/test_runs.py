"""Runs in the history: their ids, what they wrote, how long it is kept, and what a killed run leaves."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.errors import HistoryError
from immich_meta.state import Archive, KeptChange, LogPlace, UndoLog, open_archive
from immich_meta.state.changes import pack, unpack
from immich_meta_writers.undo import encode
from tests.state.stores import ADA, CHANGES, SETTLED, Clock, Warnings, an_undo, log, opened

DAY = 86400.0
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]))
VALUES = st.one_of(
    st.none(), TEXTS, st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.lists(TEXTS).map(tuple)
)


def archive(directory: Path) -> Archive:
    return open_archive(directory, warn=Warnings())


def test_a_run_is_kept_with_all_that_it_wrote(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, clock=clock).store as store:
        run = store.begin_run("sync --all", {"modules": ["people"], "at": Path("/x")})
        log(run, "/photos/a.jpg", "/photos/b\udcff.jpg", clock=clock)
        clock.now += 5
        run.end({"updated": 2})
        assert store.undo_size() > 0
    with archive(tmp_path) as found:
        (kept,) = found.runs()
        assert kept.id == run.id == "2023-11-14T22-13-20"
        assert (kept.command, kept.details, kept.sums) == (
            "sync --all",
            {"modules": ["people"], "at": "/x"},
            {"updated": 2},
        )
        assert (kept.started, kept.ended, kept.undone) == (clock.now - 5, clock.now, None)
        assert (kept.files, kept.taken_back, kept.is_interrupted) == (2, 0, False)
        newest, oldest = found.entries(kept)
        assert (newest.path, oldest.path) == ("/photos/b\udcff.jpg", "/photos/a.jpg")
        assert (oldest.undo(), oldest.changes(), oldest.asset_id) == (an_undo(), CHANGES, ADA)
        assert found.newest_of("/photos/a.jpg") == oldest
        assert found.newest_of("/photos/c.jpg") is None
        assert found.latest() == kept
        assert found.run(kept.id) == kept
        with pytest.raises(HistoryError, match="no run nonsense"):
            found.run("nonsense")


def test_two_runs_in_one_second_have_two_ids_over_all_stores(tmp_path: Path) -> None:
    ids = []
    for name in ("one", "one", "two", "files"):
        with opened(tmp_path, name).store as store:
            ids += [store.begin_run("sync", {}).id for _ in range(2)]
    assert len(set(ids)) == 8
    assert ids[:3] == ["2023-11-14T22-13-20", "2023-11-14T22-13-20-2", "2023-11-14T22-13-20-3"]
    with archive(tmp_path) as found:
        assert {run.id for run in found.runs()} == set(ids)


def test_a_checkpoint_in_the_same_directory_is_no_store_and_nobody_waits_for_it(tmp_path: Path) -> None:
    checkpoint = sqlite3.connect(tmp_path / ".immich_sync_checkpoint.sqlite", isolation_level=None)
    with contextlib.closing(checkpoint):
        checkpoint.execute("CREATE TABLE assets (id)")
        checkpoint.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with opened(tmp_path).store as store:
            store.begin_run("sync --all", {}).end({})
        assert time.monotonic() - began < 10, "a locked database is waited for, half a minute"
        warnings = Warnings()
        with open_archive(tmp_path, warn=warnings) as found:
            assert len(found.runs()) == 1
        assert warnings == []


def test_the_newest_run_comes_first_whatever_store_it_is_in(tmp_path: Path) -> None:
    clock, ids = Clock(), []
    for name in ("one", "two", "one", "three"):
        clock.now += 60
        with opened(tmp_path, name, clock=clock).store as store:
            run = store.begin_run("sync", {})
            log(run, "/photos/a.jpg", clock=clock)
            run.end({})
            ids.append(run.id)
    with archive(tmp_path) as found:
        assert [run.id for run in found.runs()] == ids[::-1]
        newest = found.newest_of("/photos/a.jpg")
        assert newest is not None
        assert newest.run_id == ids[-1]
        (first,) = found.entries(found.run(ids[0]))
        assert found.later_run(first) == ids[-1]
        assert found.later_run(newest) is None


# -- how long ---------------------------------------------------------------------------------------------------------


def test_what_is_older_than_the_days_to_keep_goes_at_the_end_of_a_run(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(4):
        clock.now += 10 * DAY
        with opened(tmp_path, clock=clock).store as store:
            run = store.begin_run("sync", {})
            log(run, *(f"/photos/{number}.jpg" for number in range(600)))
            run.end({}, keep_days=15)
            size = store.undo_size()
    with archive(tmp_path) as found:
        assert [each.files for each in found.runs()] == [600, 600]
        assert sum(each.size for each in found.runs()) == size
    assert store.path.stat().st_size < 2 * size


def test_the_file_shrinks_when_much_goes(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, clock=clock).store as store:
        run = store.begin_run("sync", {})
        log(run, *(f"/photos/{number}.jpg" for number in range(2500)))
        run.end({})
    before = store.path.stat().st_size
    clock.now += 91 * DAY
    with opened(tmp_path, clock=clock).store as store:
        run = store.begin_run("sync", {})
        run.end({})
    assert store.path.stat().st_size < before // 10


def test_0_days_keep_nothing(tmp_path: Path) -> None:
    with opened(tmp_path).store as store:
        run = store.begin_run("sync", {})
        log(run, "/photos/a.jpg")
        run.end({}, keep_days=0)
        assert store.undo_size() == 0
        run = store.begin_run("sync", {}, keeps_undo=False)
        assert run.log_at().path is None
        log(run, "/photos/a.jpg")
        assert store.undo_size() == 0
    with archive(tmp_path) as found:
        assert found.latest() is None


def test_a_clock_that_was_wrong_does_not_cost_the_run_that_ends(tmp_path: Path) -> None:
    clock = Clock(0.0)
    with opened(tmp_path, clock=clock).store as store:
        run = store.begin_run("sync", {})
        log(run, "/photos/a.jpg")
        clock.now = 1_700_000_000.0
        run.end({})
    with archive(tmp_path) as found:
        assert found.latest() is not None


# -- where ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_the_directories_of_a_killed_run_are_known_until_the_next_one_ends(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            run = opened(tmp_path).store.begin_run("sync", {})
            for directory in ("/photos/2024", "/photos/\udcff", "/photos/2024"):
                run.will_write_in(directory)
            log(run, "/photos/2024/a.jpg")
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    with archive(tmp_path) as found:
        (killed,) = found.runs()
        assert (killed.is_interrupted, killed.files) == (True, 1)
        assert found.directories(killed) == {"/photos/2024", "/photos/\udcff"}
    for _ in range(2):
        with opened(tmp_path).store as store:
            assert set(store.unfinished_directories()) == {"/photos/2024", "/photos/\udcff"}
            run = store.begin_run("sync", {})
            run.will_write_in("/photos/2024")
    with opened(tmp_path).store as store:
        store.begin_run("sync", {}).end({})
        assert store.unfinished_directories() == ()


# -- the log ----------------------------------------------------------------------------------------------------------


def _append(place: LogPlace, worker: int, count: int) -> None:
    with UndoLog(place) as undo_log:
        for number in range(count):
            undo_log.append(an_undo(f"/photos/{worker}/{number}.jpg"), CHANGES, None)


@pytest.mark.parametrize("method", sorted({"spawn", "fork"} & set(multiprocessing.get_all_start_methods())))
def test_workers_append_at_the_same_time(tmp_path: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    with opened(tmp_path).store as store:
        run = store.begin_run("sync", {})
        place = pickle.loads(pickle.dumps(run.log_at()))
        workers = [context.Process(target=_append, args=(place, worker, 50)) for worker in range(2)]
        for worker in workers:
            worker.start()
        for number in range(2000):
            store.remember(f"asset {number}", SETTLED)
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
        run.end({})
    with archive(tmp_path) as found:
        (kept,) = found.runs()
        assert kept.files == 100
        entries = list(found.entries(kept))
        assert {entry.asset_id for entry in entries} == {None}
        for worker_number in range(2):  # each in its order, newest first
            theirs = [entry.path for entry in entries if entry.path.startswith(f"/photos/{worker_number}/")]
            assert theirs == [f"/photos/{worker_number}/{number}.jpg" for number in reversed(range(50))]


def test_threads_append_to_one_log(tmp_path: Path) -> None:
    with opened(tmp_path).store as store:
        run = store.begin_run("sync", {})
        with UndoLog(run.log_at()) as undo_log:

            def append(worker: int) -> None:
                for number in range(50):
                    undo_log.append(an_undo(f"/photos/{worker}/{number}.jpg"), CHANGES, ADA)

            threads = [threading.Thread(target=append, args=(worker,)) for worker in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    with archive(tmp_path) as found:
        assert found.runs()[0].files == 200


def test_without_a_place_nothing_is_logged() -> None:
    with UndoLog(LogPlace(None, 0)) as undo_log:
        assert not undo_log.is_kept
        undo_log.append(an_undo(), CHANGES, None)


def test_a_store_that_is_gone_is_one_warning_and_not_made_again(tmp_path: Path) -> None:
    warnings = Warnings()
    with UndoLog(LogPlace(str(tmp_path / "gone.sqlite"), 1), warn=warnings) as undo_log:
        undo_log.append(an_undo(), CHANGES, None)
    assert len(warnings) == 1
    assert "cannot be undone" in warnings[0]
    assert os.listdir(tmp_path) == []


def test_a_full_disk_ends_the_log_with_one_warning(tiny_disk: Path) -> None:
    store = opened(tiny_disk).store
    with store:
        run = store.begin_run("sync", {})
        warnings = Warnings()
        with UndoLog(run.log_at(), warn=warnings) as undo_log:
            for number in range(2000):
                undo_log.append(an_undo(f"/photos/{number}.jpg", os.urandom(1000)), CHANGES, None)
            assert not undo_log.is_kept
        assert len(warnings) == 1
    with archive(tiny_disk) as found:
        (kept,) = found.runs()
        assert 0 < kept.files < 2000
        for entry in found.entries(kept):
            entry.undo()


@given(st.lists(st.builds(KeptChange, TEXTS, VALUES, VALUES)).map(tuple))
def test_changes_come_back_as_they_were(changes: tuple[KeptChange, ...]) -> None:
    assert unpack(pack(changes)) == changes


@given(st.binary(max_size=100), st.integers(0, 200))
def test_damaged_changes_are_an_error(data: bytes, place: int) -> None:
    whole = pack(CHANGES)
    for damaged in (data, whole[:place] if place < len(whole) else b"", whole[:place] + data + whole[place:]):
        if damaged == whole:
            continue
        try:
            found = unpack(damaged)
        except ValueError:
            continue
        assert damaged.startswith(whole)
        assert found == CHANGES


def test_an_entry_of_another_file_is_damaged(tmp_path: Path) -> None:
    import sqlite3

    from immich_meta_writers.errors import DamagedError

    with opened(tmp_path).store as store:
        run = store.begin_run("sync", {})
        log(run, "/photos/a.jpg")
    connection = sqlite3.connect(store.path)
    connection.execute("UPDATE written SET undo = ?", (encode(an_undo("/etc/passwd")),))
    connection.commit()
    connection.close()
    with archive(tmp_path) as found:
        (entry,) = found.entries(found.runs()[0])
        with pytest.raises(DamagedError, match="another file"):
            entry.undo()
