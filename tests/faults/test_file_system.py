"""A file system that says no: each file is an old one or a new one, the run goes on, its sums add up.

Not here: one write that is refused (tests/writers/commit/test_refusals.py).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta.demo.server import DemoServer
from tests.faults.library import SYNC, Mixed, snapshot
from tests.faults.prepared import NOBODY
from tests.faults.test_killed_at_random import judge, settle, take_all_back
from tests.faults.zygote import Ended, Zygote

READING = ("stat", "open", "fstat", "read", "pread", "scandir")
WRITING = ("copy_file_range", "write", "fsync", "replace", "utime", "fchmod", "listxattr", "link")


@contextlib.contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    try:
        subprocess.run(["mount", *arguments, str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def run(zygote: Zygote, mixed: Mixed, prepare: str = "", **environ: str) -> Ended:
    ended = zygote.run(SYNC, {**mixed.environ, **environ}, mixed.directory, prepare=prepare)
    assert "Traceback" not in ended.said, ended.said
    assert ended.sums()["total"] == len(mixed.assets), ended.said
    assert ended.code == (1 if ended.sums()["failed"] else 0), ended.said
    return ended


def fail_in_turn(zygote: Zygote, mixed: Mixed, calls: list[tuple[str, str]]) -> set[str]:
    """Runs in which one call fails now and then; which of them cost a file. The last run has none and says the rest."""
    wish = mixed.wish(0)
    assert run(zygote, mixed).code == 0
    said = mixed.said()
    troubled = set()
    for number, (call, error) in enumerate(calls, 1):
        wish = mixed.wish(number)
        one_in = "12" if call in READING else "6"
        faults = {"FAULT_CALL": call, "FAULT_ERROR": error, "FAULT_ONE_IN": one_in}
        ended = run(zygote, mixed, "tests.faults.prepared:failing_calls", **faults)
        if ended.sums()["failed"] or ended.sums()["missing"]:
            troubled.add(call)
        said = judge(mixed, said, wish)
    settle(zygote, mixed, wish)
    return troubled


def test_calls_that_fail_now_and_then_cost_single_files(zygote: Zygote, small: Mixed) -> None:
    troubled = fail_in_turn(zygote, small, [(call, "EIO") for call in (*READING, *WRITING)])
    assert troubled >= {"open", "pread", "copy_file_range", "write", "fsync", "replace", "fchmod"}


def test_a_large_file_whose_disk_fails_is_whole_afterwards(zygote: Zygote, mixed: Mixed) -> None:
    assert fail_in_turn(zygote, mixed, [("pwrite", "EIO"), ("fsync", "EIO"), ("pwrite", "ENOSPC")]) >= {"fsync"}


def test_a_full_disk_costs_the_files_that_do_not_fit(zygote: Zygote, tmp_path: Path, server: DemoServer) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        mixed = Mixed(disk, server, has_movie=False)
        mixed.environ["IMMICH_META_STATE_DIR"] = str(tmp_path / "state")
        mixed.directory = tmp_path
        before, wish = mixed.said(), mixed.wish(25)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        with filler.open("r+b") as file:
            file.truncate(filler.stat().st_size - 3 * 4096)
        ended = run(zygote, mixed)
        assert ended.sums()["failed"], ended.said
        assert ended.sums()["updated"], ended.said
        assert "no space" in ended.said
        judge(mixed, before, wish)
        assert mixed.strays() == []
        filler.unlink()
        settle(zygote, mixed, wish)
        take_all_back(zygote, mixed)


def test_a_full_disk_under_the_state_costs_only_the_way_back(
    zygote: Zygote, tmp_path: Path, small: Mixed
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=100k", "tmpfs"):
        small.environ["IMMICH_META_STATE_DIR"] = str(disk / "state")
        for number in range(3):
            wish = small.wish(number)
            ended = run(zygote, small)
            assert (ended.code, ended.sums()["updated"]) == (0, len(small.assets)), ended.said
            assert all(wish.is_said(said) for said in small.said().values())
        assert "cannot be undone" in ended.said


def test_a_file_system_for_reading_only_is_named_and_left(zygote: Zygote, tmp_path: Path, small: Mixed) -> None:
    wish = small.wish(1)
    with mounted(small.photos, "--bind", str(small.photos)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(small.photos)], check=True)
        ended = run(zygote, small)
        assert ended.sums()["failed"] == len(small.assets), ended.said
        assert "read-only" in ended.said
        assert snapshot(small.photos) == small.first
    settle(zygote, small, wish)


@pytest.fixture
def shared_folder(server: DemoServer) -> Iterator[Mixed]:
    """Where every user may go."""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mixed = Mixed(folder, server, has_movie=False)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        yield mixed


def test_what_a_user_may_not_write_is_named_and_the_rest_is_written(zygote: Zygote, shared_folder: Mixed) -> None:
    mixed = shared_folder
    wish, before = mixed.wish(1), mixed.said()
    folder = mixed.photos
    (folder / "a").chmod(0o555)  # 6 photos
    os.chown(folder / "b/IMG_0.png", 0, 0)
    (folder / "b/IMG_1.png").chmod(0o444)
    (folder / "b/WEB_0.webp").chmod(0o000)
    prepare = "tests.faults.prepared:as_nobody"
    ended = run(zygote, mixed, prepare)
    assert (ended.sums()["failed"], ended.sums()["updated"]) == (9, len(mixed.assets) - 9), ended.said
    judge(mixed, before, wish)
    assert mixed.strays() == []
    (folder / "a").chmod(0o755)
    (folder / "b/IMG_1.png").chmod(0o644)
    (folder / "b/WEB_0.webp").chmod(0o644)
    os.chown(folder / "b/IMG_0.png", NOBODY, NOBODY)
    assert run(zygote, mixed, prepare).sums()["updated"] == 9
    assert all(wish.is_said(said) for said in mixed.said().values())


def test_a_state_that_a_user_may_not_write_costs_only_the_way_back(zygote: Zygote, shared_folder: Mixed) -> None:
    mixed, prepare = shared_folder, "tests.faults.prepared:as_nobody"
    mixed.wish(0)
    assert run(zygote, mixed, prepare).code == 0
    for path in (mixed.state, *mixed.state.iterdir()):
        os.chown(path, 0, 0)
        path.chmod(0o755 if path.is_dir() else 0o644)
    for number in (1, 1):
        wish = mixed.wish(number)
        ended = run(zygote, mixed, prepare)
        assert ended.code == 0
        assert "cannot be undone" in ended.said
        assert all(wish.is_said(said) for said in mixed.said().values())
    assert ended.sums()["unchanged"] == len(mixed.assets)
