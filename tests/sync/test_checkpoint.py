"""The checkpoint: what an interrupted run leaves, and who may go on from it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from immich_meta.sync.checkpoint import CHECKPOINT, Checkpoint, clear_checkpoint, fingerprint, open_checkpoint


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _open(directory: Path, run: str = "run", *, resume: bool = True, batch_size: int = 1) -> Checkpoint:
    return open_checkpoint(directory, run, resume=resume, batch_size=batch_size, warn=pytest.fail, clock=Clock())


def _interrupted(directory: Path, *asset_ids: str, run: str = "run") -> None:
    with _open(directory, run, resume=False) as checkpoint:
        for asset_id in asset_ids:
            checkpoint.record(asset_id)


def test_a_resumed_run_knows_what_was_done_and_only_that(tmp_path: Path) -> None:
    _interrupted(tmp_path, "a1", "a2")
    with _open(tmp_path) as checkpoint:
        assert [checkpoint.is_done(asset_id) for asset_id in ("a1", "a2", "failed")] == [True, True, False]
        assert (checkpoint.found, checkpoint.notes) == (2, ())
        checkpoint.record("a3")
    with _open(tmp_path) as checkpoint:
        assert checkpoint.found == 3


def test_without_resume_the_run_starts_afresh_and_says_what_was_there(tmp_path: Path) -> None:
    _interrupted(tmp_path, "a1")
    with _open(tmp_path, resume=False) as checkpoint:
        assert not checkpoint.is_done("a1")
        assert "--resume" in checkpoint.notes[0]


def test_another_runs_checkpoint_is_not_used_and_that_is_said(tmp_path: Path) -> None:
    _interrupted(tmp_path, "a1", run="another")
    with _open(tmp_path) as checkpoint:
        assert not checkpoint.is_done("a1")
        assert "belongs to another" in checkpoint.notes[0]


def test_resuming_without_a_checkpoint_says_so(tmp_path: Path) -> None:
    with _open(tmp_path) as checkpoint:
        assert "no checkpoint" in checkpoint.notes[0]
        assert not checkpoint.is_done("a1")


def test_runs_differ_by_owner_modules_and_options_in_any_order() -> None:
    same = {fingerprint("u", ["gps", "people"]), fingerprint("u", ["people", "gps", "gps"])}
    other = {
        fingerprint("v", ["gps", "people"]),
        fingerprint("u", ["gps"]),
        fingerprint("u", ["gps"], ["sidecar"]),
    }
    assert (len(same), len(same | other)) == (1, 4)


def test_a_complete_run_leaves_nothing(tmp_path: Path) -> None:
    checkpoint = _open(tmp_path)
    checkpoint.record("a1")
    checkpoint.finish()
    checkpoint.close()
    assert list(tmp_path.iterdir()) == []


def test_clearing_removes_every_checkpoint_and_nothing_else(tmp_path: Path) -> None:
    _interrupted(tmp_path, "a1")
    (tmp_path / ".immich_sync_checkpoint.json").touch()
    (tmp_path / "photo.jpg").touch()
    assert len(clear_checkpoint(tmp_path)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
    assert clear_checkpoint(tmp_path) == ()


def _written(directory: Path) -> int:
    """Assets that another process would see."""
    copy = sqlite3.connect(":memory:")
    try:
        copy.execute("ATTACH ? AS state", (f"{directory / CHECKPOINT}",))
        return int(copy.execute("SELECT count(*) FROM state.done").fetchone()[0])
    finally:
        copy.close()


def test_assets_are_written_in_batches_and_at_least_once_a_second(tmp_path: Path) -> None:
    clock = Clock()
    checkpoint = open_checkpoint(tmp_path, "run", resume=False, batch_size=3, warn=pytest.fail, clock=clock)
    sizes = []
    for number in range(4):
        checkpoint.record(f"a{number}")
        sizes.append(len(checkpoint._pending))
    clock.now += 1
    checkpoint.record("late")
    sizes.append(len(checkpoint._pending))
    checkpoint.close()
    assert sizes == [1, 2, 0, 1, 0]
    assert _written(tmp_path) == 5


def test_what_was_recorded_survives_a_kill(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from immich_meta.sync.checkpoint import open_checkpoint\n"
        "c = open_checkpoint(Path(sys.argv[1]), 'run', resume=False, batch_size=25, warn=print)\n"
        "for n in range(10_000_000):\n"
        "    c.record(f'a{n}')\n"
        "    if n == 1000: print('go', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"go\n"
        os.kill(process.pid, signal.SIGKILL)
    with _open(tmp_path) as checkpoint:
        assert checkpoint.notes == ()
        assert checkpoint.found >= 1000
        assert all(checkpoint.is_done(f"a{number}") for number in range(checkpoint.found))


@pytest.mark.parametrize("content", [b"", b"x", b"not a database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
@pytest.mark.parametrize("resume", [False, True])
def test_a_damaged_checkpoint_is_replaced_with_a_word(tmp_path: Path, content: bytes, resume: bool) -> None:
    (tmp_path / CHECKPOINT).write_bytes(content)
    with _open(tmp_path, resume=resume) as checkpoint:
        assert "is damaged" in checkpoint.notes[0]
        checkpoint.record("a1")
    with _open(tmp_path) as checkpoint:
        assert checkpoint.is_done("a1")


def test_another_programs_database_is_replaced(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / CHECKPOINT)
    database.execute("CREATE TABLE done (x)")
    database.execute("CREATE TABLE about (x)")
    database.close()
    with _open(tmp_path) as checkpoint:
        assert "is damaged" in checkpoint.notes[0]
        checkpoint.record("a1")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_torn_checkpoint_never_stops_a_run(tmp_path: Path, data: st.DataObject) -> None:
    clear_checkpoint(tmp_path)
    _interrupted(tmp_path, *(f"a{number}" for number in range(300)))
    path = tmp_path / CHECKPOINT
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(20):
            content[data.draw(st.integers(0, len(content) - 1))] ^= 0xFF
    path.write_bytes(content)
    said: list[str] = []
    with open_checkpoint(tmp_path, "run", resume=True, batch_size=1, warn=said.append) as checkpoint:
        checkpoint.is_done("a1")
        checkpoint.record("new")
        checkpoint.finish()


def test_two_runs_do_not_share_a_checkpoint(tmp_path: Path) -> None:
    _interrupted(tmp_path, "a1")
    with _open(tmp_path) as first:
        for resume in (True, False):
            with _open(tmp_path, resume=resume) as second:
                assert "cannot be used" in second.notes[0]
                assert not second.is_done("a1")
                second.record("a2")
                second.finish()
        first.record("a3")
    with _open(tmp_path) as checkpoint:
        assert [checkpoint.is_done(asset_id) for asset_id in ("a1", "a2", "a3")] == [True, False, True]


def test_where_none_can_be_made_the_run_goes_on(tmp_path: Path) -> None:
    with _open(tmp_path / "gone") as checkpoint:
        assert "cannot be used" in checkpoint.notes[0]
        checkpoint.record("a1")
        assert not checkpoint.is_done("a1")
        checkpoint.finish()
    (tmp_path / CHECKPOINT).mkdir()
    with _open(tmp_path) as checkpoint:
        assert "cannot be used" in checkpoint.notes[0]


def test_a_disk_that_fails_is_one_warning(tmp_path: Path) -> None:
    said: list[str] = []
    with open_checkpoint(tmp_path, "run", resume=False, batch_size=1, warn=said.append) as checkpoint:
        assert checkpoint._connection is not None
        checkpoint._connection.execute("PRAGMA max_page_count = 1").fetchall()
        for number in range(500):
            checkpoint.record(f"{number:040}")
        assert not checkpoint.is_done("a1")
    assert len(said) == 1
    assert "full" in said[0]


def test_any_id_can_be_recorded(tmp_path: Path) -> None:
    ids = ("", "é", "\ud800", "'; DROP TABLE done; --", "x" * 10_000)
    _interrupted(tmp_path, *ids, *ids)
    with _open(tmp_path) as checkpoint:
        assert checkpoint.found == len(ids)
        assert all(map(checkpoint.is_done, ids))
