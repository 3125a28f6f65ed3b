"""Worker processes do what one process does; what is kept of a run to take it back, and what is said of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta.demo.photos import make_library
from immich_meta.demo.server import DemoServer
from tests.cli.home import EVERYTHING, Home, Ran, keywords, lines_of, snapshot

WAY_BACK = re.compile(
    r"To take it back: (immich-meta undo --run [-0-9T]+) "
    r"\(kept for (\d+) days; the whole history takes [\d.]+ (?:bytes|kB)\)"
)
WRONG = (("--jobs", "-1"), ("--jobs", "65"), ("--file-timeout", "0"), ("--keep-undo", "-1"))


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Home]:
    """A home with every kind of photo and movie that the demo has."""
    library = make_library(tmp_path / "made")
    with DemoServer(library) as server:
        home = Home(tmp_path, server, monkeypatch, capsys)
        del home.environ["IMMICH_PATH_MAP"]
        yield home


def with_jobs(home: Home, jobs: int) -> tuple[Ran, dict[str, tuple[bytes, int]], list[dict[str, object]]]:
    """A run over a fresh copy of the photos: what it said, left and reported, with paths below the copy."""
    copy = home.photos / str(jobs)
    shutil.copytree(home.photos.parent / "made", copy)
    report = home.directory / f"{jobs}.jsonl"
    ran = home.sync(
        *EVERYTHING, "--jobs", str(jobs), "--report", str(report), "--mtime", "keep",
        IMMICH_PHOTO_DIR=str(copy), IMMICH_META_STATE_DIR=str(home.directory / f"state-{jobs}"),
    )  # fmt: skip
    left = {str(Path(path).relative_to(copy)): content for path, content in snapshot(copy).items()}
    return ran, left, [_below(copy, line) for line in lines_of(report)]


def _below(copy: Path, line: dict[str, object]) -> dict[str, object]:
    return {name: value.replace(str(copy), "") if isinstance(value, str) else value for name, value in line.items()}


def test_two_workers_do_byte_for_byte_what_one_process_does(demo: Home) -> None:
    alone, left, lines = with_jobs(demo, 0)
    together, left_by_two, lines_of_two = with_jobs(demo, 2)
    assert (alone.code, together.code) == (0, 0)
    assert alone.sums() == together.sums()
    assert alone.sums()["updated"] > 5
    assert left_by_two == left
    assert lines_of_two == lines


def test_what_workers_wrote_settles_is_verified_and_taken_back(demo: Home) -> None:
    shutil.copytree(demo.photos.parent / "made", demo.photos, dirs_exist_ok=True)
    before = snapshot(demo.photos)
    first = demo.sync("--jobs", "2")
    assert first.code == 0
    written = snapshot(demo.photos)
    assert demo.sync("--jobs", "2").sums()["updated"] == 0
    assert snapshot(demo.photos) == written
    found = WAY_BACK.search(first.out)
    assert found
    run = found.group(1).split()[-1]
    assert demo.run("verify", "--run", run).code == 0
    assert demo.run(*found.group(1).split()[1:]).code == 0
    assert snapshot(demo.photos) == before


def test_the_way_back_is_shown_when_there_is_one(home: Home) -> None:
    path = home.fill(1)[0]
    before = snapshot(home.photos)
    found = WAY_BACK.search(home.sync("--people", "--keep-undo", "7").out)
    assert found
    assert found.group(2) == "7"
    assert "To take it back" not in home.sync("--people").out
    assert "To take it back" not in home.sync("--caption", "--dry-run").out
    assert keywords(path) == ("Ada",)
    assert home.run(*found.group(1).split()[1:]).code == 0
    assert snapshot(home.photos) == before


def test_keep_undo_0_keeps_no_way_back_and_says_so_by_silence(home: Home) -> None:
    paths = home.fill(2)
    assert home.sync("--people").code == 0
    home.library.rename_person("Ada", "Eve")
    ran = home.sync("--people", "--keep-undo", "0")
    assert (ran.code, "To take it back" in ran.out) == (0, False)
    assert [keywords(path) for path in paths] == [("Eve",)] * 2
    after = snapshot(home.photos)
    assert home.run("undo", "--last").out == "There is nothing to take back.\n"
    assert "Nothing is kept yet" in home.run("history").out
    assert home.run("undo", "--file", str(paths[0])).code == 2
    assert snapshot(home.photos) == after
    assert home.sync("--people").sums()["unchanged"] == 2


def test_keep_undo_may_be_a_setting_and_the_option_wins(home: Home) -> None:
    home.fill(1)
    ran = home.sync("--people", IMMICH_META_KEEP_UNDO="0")
    assert "To take it back" not in ran.out
    home.library.rename_person("Ada", "Eve")
    assert "(kept for 3 days" in home.sync("--people", "--keep-undo", "3", IMMICH_META_KEEP_UNDO="0").out


@pytest.mark.parametrize("arguments", WRONG)
def test_numbers_that_cannot_be_are_refused(home: Home, arguments: tuple[str, str]) -> None:
    assert home.run("sync", "--people", *arguments).code == 2


def test_a_settled_run_starts_no_worker(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(3)
    assert home.sync("--people").code == 0
    import pebble

    monkeypatch.setattr(pebble, "ProcessPool", None)
    ran = home.sync("--people", "--jobs", "2")
    assert (ran.code, ran.sums()["unchanged"]) == (0, 3)


def test_the_state_is_of_this_user_alone(home: Home) -> None:
    home.fill(1)
    assert home.sync("--people").code == 0
    state = Path(home.environ["IMMICH_META_STATE_DIR"])
    assert state.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in state.iterdir())
