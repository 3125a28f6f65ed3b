"""`sync` as a user who may not do everything."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta.demo.server import DemoServer
from immich_meta_writers import read
from tests.cli.home import Home, keywords, snapshot, statuses

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """As an ordinary user, where the tests run as root."""
    if os.getuid() != 0:
        yield
        return
    os.setresgid(NOBODY, NOBODY, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


@pytest.fixture
def humble(
    server: DemoServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Home]:
    """A home of an ordinary user. A run as root has loaded every module before: they may lie out of reach."""
    folder = Path(tempfile.mkdtemp(prefix="immich-meta-test-"))
    folder.chmod(0o755)
    home = Home(folder, server, monkeypatch, capsys)
    home.fill(3)
    assert home.sync("--people", "--dry-run").code == 0
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    yield home
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def test_read_only_and_unreadable_files_fail_by_name_and_the_run_goes_on(humble: Home) -> None:
    read_only, unreadable, good = sorted(humble.photos.rglob("*.jpg"))
    read_only.chmod(0o444)
    unreadable.chmod(0)
    with nobody():
        lines = humble.report("--people")
    unreadable.chmod(0o644)
    assert statuses(lines) == {read_only.name: "failed", unreadable.name: "failed", good.name: "updated"}
    assert [line["error"]["kind"] for line in lines if line["error"]] == ["access", "access"]
    assert "chmod u+w" in lines[0]["error"]["message"]
    assert keywords(good) == ("Ada",)
    assert "XMP-dc:Subject" not in {**read(read_only), **read(unreadable)}


def test_a_read_only_folder_fails_its_files_by_name(humble: Home) -> None:
    folder = humble.photos / "2024"
    folder.chmod(0o555)
    before = snapshot(folder)
    with nobody():
        lines = humble.report("--people")
    assert {line["status"] for line in lines} == {"failed"}
    assert {line["error"]["kind"] for line in lines} == {"access"}
    assert snapshot(folder) == before


def test_a_folder_that_may_not_be_entered_fails_its_files_by_name(humble: Home) -> None:
    humble.add("other/a.jpg", people=["Ada"])
    folder = humble.photos / "2024"
    folder.chmod(0)
    if os.getuid() == 0:
        os.chown(humble.photos / "other", NOBODY, NOBODY)
        os.chown(humble.photos / "other/a.jpg", NOBODY, NOBODY)
    with nobody():
        lines = humble.report("--people")
    assert sorted(statuses(lines).values()).count("updated") == 1
    assert all(line["error"] for line in lines if line["status"] != "updated")


def test_an_unreadable_photo_directory_is_explained(humble: Home) -> None:
    humble.photos.chmod(0)
    with nobody():
        ran = humble.sync("--people")
    assert ran.code == 2
    assert "no permission" in ran.err


def test_a_working_directory_that_cannot_be_written_is_said_and_the_run_goes_on(humble: Home) -> None:
    humble.directory.chmod(0o555)
    (humble.directory / "immich_ultra_sync.txt").chmod(0o444)
    with nobody():
        ran = humble.sync("--people")
    assert (ran.code, ran.sums()["updated"]) == (0, 3)
    assert "cannot be resumed" in ran.out
    assert "The log file" in ran.out


def test_the_demo_says_that_it_may_not_write(humble: Home) -> None:
    folder = humble.directory / "demo"
    folder.mkdir()
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    with nobody():
        ran = humble.run("demo", "--folder", str(folder))
    assert ran.code == 2
    assert str(folder) in ran.err
    assert "Traceback" not in ran.err
