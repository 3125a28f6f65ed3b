"""Runs that the page starts: real processes, watched, stopped, killed and resumed."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta.web.runs.folders import KEPT, RunFolder, RunFolders, State
from tests.cli.gate import Gate
from tests.cli.home import KEY, Home, keywords, lines_of, wait_until
from tests.web.visitor import Site, ended, started

SLOW = {"IMMICH_SEARCH_PAGE_SIZE": "2", "IMMICH_ASSET_BATCH_SIZE": "1"}


@pytest.fixture
def slow_site(home: Home, gate: Gate) -> Iterator[Site]:
    """Asks for two photos at a time, and is kept waiting behind the first four."""
    home.environ |= SLOW
    home.fill(10)
    gate.close("/search/metadata", page=3)
    site = Site(home)
    yield site
    gate.open()
    site.close()


def waits_behind_four(folder: RunFolder, home: Home) -> None:
    wait_until(lambda: keywords(home.photos / "2024/IMG_0003.jpg") == ("Ada",), 30)
    # How many of them the run has told yet depends on the disk.
    wait_until(lambda: folder.progress().get("phase") == "files", 30)


def test_a_dry_run_writes_nothing_and_tells_everything(site: Site, home: Home) -> None:
    paths, visitor = home.fill(3), site.visitor()
    folder = started(site, visitor, people="1", dry_run="1")
    result = ended(folder)
    assert (result["exit_code"], result["error"], result["run"]) == (0, None, None)
    assert result["sums"]["simulated"] == 3
    assert all(keywords(path) == () for path in paths)
    assert [line["status"] for line in lines_of(folder.report)] == ["simulated"] * 3
    assert any("FINISH" in line["message"] for line in lines_of(folder.log))
    assert os.name != "posix" or stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    progress = folder.progress()
    assert (progress["done"], progress["total"], progress["counts"]["simulated"]) == (3, 3, 3)
    page = visitor.get(f"/sync/{folder.id}").text
    assert "Write these changes now" in page
    assert "Nothing was written." in page


def test_what_a_dry_run_has_shown_is_written_at_the_press_of_a_button(site: Site, home: Home) -> None:
    (path,), visitor = home.fill(1), site.visitor()
    looked = started(site, visitor, people="1", dry_run="1", mtime="keep")
    ended(looked)
    answer = visitor.post(f"/sync/{looked.id}/again", {"how": "write"}, form=f"/sync/{looked.id}")
    assert answer.status_code == 303
    wrote = site.parts.folders.newest()
    assert wrote is not None
    result = ended(wrote)
    assert result["run"]
    assert keywords(path) == ("Ada",)
    assert wrote.request()["arguments"] == ["--people", "--mtime=keep"]
    # Only a dry run that is over can be written.
    assert visitor.post(f"/sync/{wrote.id}/again", {"how": "write"}).status_code == 400


def test_there_is_one_run_at_a_time_and_it_is_said_kindly(slow_site: Site, home: Home) -> None:
    visitor = slow_site.visitor()
    folder = started(slow_site, visitor, people="1")
    answer = visitor.post("/sync", {"people": "1"})
    assert answer.status_code == 409
    assert "A run is under way. There is one at a time." in answer.text
    assert f"/sync/{folder.id}" in answer.text
    assert len(slow_site.parts.folders.all()) == 1


def test_a_run_that_is_stopped_finishes_what_is_in_hand_and_can_be_resumed(
    slow_site: Site, home: Home, gate: Gate
) -> None:
    visitor = slow_site.visitor()
    folder = started(slow_site, visitor, people="1")
    waits_behind_four(folder, home)
    page = f"/sync/{folder.id}"
    assert "Under way" in visitor.get(page).text
    assert visitor.get("/healthz").get_json()["running"] is True
    assert visitor.post(f"{page}/stop", form=page).status_code == 303
    result = ended(folder)
    assert (result["exit_code"], result["error"]) == (130, None)
    assert result["sums"]["updated"] == 4
    assert "Go on where it stopped" in visitor.get(page).text
    gate.open()
    assert visitor.post(f"{page}/again", {"how": "resume"}, form=page).status_code == 303
    again = slow_site.parts.folders.newest()
    assert again is not None
    sums = ended(again)["sums"]
    assert (sums["updated"], sums["resumed"]) == (6, 4)
    assert again.progress()["done"] == 10


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX has them")
def test_a_killed_run_is_recognised_and_can_be_resumed(slow_site: Site, home: Home, gate: Gate) -> None:
    visitor = slow_site.visitor()
    folder = started(slow_site, visitor, people="1")
    waits_behind_four(folder, home)
    os.kill(folder.progress()["pid"], signal.SIGKILL)
    wait_until(lambda: slow_site.parts.control.state(folder) is State.INTERRUPTED)
    gate.open()
    # Another page, after a restart, sees the same.
    other = Site(home)
    visitor = other.visitor()
    page = f"/sync/{folder.id}"
    assert "Interrupted" in visitor.get(page).text
    assert "Go on where it stopped" in visitor.get("/").text
    assert visitor.post(f"{page}/again", {"how": "resume"}, form=page).status_code == 303
    again = other.parts.folders.newest()
    assert again is not None
    sums = ended(again)["sums"]
    other.close()
    assert sums["updated"] + sums["unchanged"] + sums["resumed"] == 10
    assert all(keywords(path) == ("Ada",) for path in (home.photos / "2024").iterdir())


@pytest.mark.slow
def test_a_run_goes_on_without_the_page_that_has_started_it(slow_site: Site, home: Home, gate: Gate) -> None:
    folder = started(slow_site, slow_site.visitor(), people="1")
    waits_behind_four(folder, home)
    other = Site(home)
    assert other.parts.control.active() == folder
    assert "Under way" in other.visitor().get(f"/sync/{folder.id}").text
    gate.open()
    assert ended(folder)["sums"]["updated"] == 10


@pytest.mark.slow
def test_the_end_of_the_page_stops_its_run_where_it_can_go_on(slow_site: Site, home: Home) -> None:
    folder = started(slow_site, slow_site.visitor(), people="1")
    waits_behind_four(folder, home)
    assert slow_site.parts.control.close(20)
    assert ended(folder)["exit_code"] == 130


def test_an_error_of_a_run_is_shown_with_its_cure_and_without_secrets(site: Site, home: Home) -> None:
    assert home.server is not None
    home.fill(1)
    home.server.fail(401, times=None, message=f"no {KEY}")
    visitor = site.visitor()
    folder = started(site, visitor, people="1", dry_run="1")
    result = ended(folder)
    assert result["exit_code"] == 3
    assert result["error"]["kind"] == "wrong_key"
    page = visitor.get(f"/sync/{folder.id}").text
    assert "make a key in Immich" in page
    assert "Broke off" in page


@pytest.mark.slow
def test_a_run_on_the_command_line_is_respected(slow_site: Site, home: Home, gate: Gate) -> None:
    child = home.start("sync", "--people", **SLOW)
    wait_until(lambda: keywords(home.photos / "2024/IMG_0003.jpg") == ("Ada",), 30)
    folder = started(slow_site, slow_site.visitor(), people="1")
    error = ended(folder)["error"]
    gate.open()
    child.communicate(timeout=30)
    assert error["kind"] == "state_busy"
    assert "another run is under way" in error["message"]


def test_secrets_are_in_no_page_no_answer_and_no_file_of_a_run(home: Home) -> None:
    home.add(f"{KEY}.jpg", people=[KEY])
    site = Site(home)
    visitor = site.visitor()
    folder = started(site, visitor, people="1", dry_run="1", log_level="DEBUG")
    ended(folder)
    paths = ("/?ask=1", "/settings", "/sync", f"/sync/{folder.id}", f"/api/runs/{folder.id}/log?level=DEBUG")
    shown = [visitor.get(path).text for path in (*paths, f"/api/runs/{folder.id}/progress")]
    kept = [path.read_text("utf-8") for path in folder.path.iterdir()]
    assert not [text for text in (*shown, *kept) if KEY in text]
    site.close()


def test_names_from_the_server_are_text_on_every_page(home: Home) -> None:
    evil = "<img src=x onerror=alert(1)>"
    home.add(f"{evil}.jpg", people=[evil], albums=[evil], tags=[evil], description=evil)
    site = Site(home)
    visitor = site.visitor()
    folder = started(site, visitor, people="1", albums="1", tags="1", caption="1", dry_run="1")
    ended(folder)
    page, panel = visitor.get(f"/sync/{folder.id}").text, visitor.get(f"/api/runs/{folder.id}/panel").text
    assert "<img" not in page + panel
    assert "&lt;img src=x" in page
    # A program gets them as they are, and no browser takes that for a page.
    answer = visitor.get(f"/api/runs/{folder.id}/log")
    assert answer.mimetype == "application/json"
    assert evil in json.dumps(answer.get_json())
    site.close()


def test_the_newest_fifty_folders_are_kept(site: Site) -> None:
    folders = site.parts.folders
    made = []
    for number in range(KEPT + 5):
        folder = folders.create({"asked": number})
        (folder.path / "result.json").write_text("{}")
        made.append(folder)
    folders.prune()
    assert len(folders.all()) == KEPT
    kept = folders.all()
    (kept[1].path / "report.jsonl").write_bytes(bytes(1000))
    folders.prune(most=900)
    assert folders.all() == kept[:5]


def test_a_clock_that_goes_back_hides_no_run(tmp_path: Path) -> None:
    now = [2e9]
    folders = RunFolders(tmp_path, lambda: now[0])
    made = [folders.create({})]
    now[0] = 1e9
    made += [folders.create({}) for _ in range(3)]
    assert folders.all() == tuple(reversed(made))
    assert folders.newest() == made[-1]


def test_a_run_that_never_began_is_waited_for_no_longer_when_the_clock_goes_back(tmp_path: Path) -> None:
    folder = RunFolders(tmp_path, time.time).create({})
    assert folder.state(time.time()) is State.STARTING
    assert folder.state(time.time() - 3600) is State.INTERRUPTED


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
def test_a_full_disk_leaves_no_run_that_never_was(tmp_path: Path) -> None:
    import resource

    folders = RunFolders(tmp_path, time.time)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # as if there was room for names, and for no byte
    try:
        with pytest.raises(OSError, match="File too large"):
            folders.create({})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert folders.all() == ()


def test_a_folder_that_is_damaged_is_shown_as_far_as_it_goes(site: Site) -> None:
    visitor = site.visitor()
    folder = site.parts.folders.create({"arguments": 7, "modules": {"a": 1}, "asked": "<b>", "dry_run": "yes"})
    for name in ("progress.json", "result.json"):
        for content in (b"", b"{", b"[]", b"\xff\xfe", b'{"counts": [], "total": "x", "done": -1, "error": 5}'):
            (folder.path / name).write_bytes(content)
            for path in (f"/sync/{folder.id}", f"/api/runs/{folder.id}/progress", "/", "/sync?again=" + folder.id):
                assert visitor.get(path).status_code == 200, (name, content, path)


def test_what_is_damaged_cannot_be_done_again(site: Site) -> None:
    visitor = site.visitor()
    folder = site.parts.folders.create({"arguments": ["--nonsense"], "dry_run": True})
    (folder.path / "result.json").write_text('{"exit_code": 0}')
    assert visitor.post(f"/sync/{folder.id}/again", {"how": "write"}).status_code == 400


def test_where_no_run_can_be_remembered_it_is_said(site: Site, home: Home) -> None:
    (home.directory.parent / "state").mkdir(exist_ok=True)
    (home.directory.parent / "state" / "web").write_bytes(b"")
    answer = site.visitor().post("/sync", {"people": "1", "dry_run": "1"})
    assert answer.status_code == 409
    assert "IMMICH_META_STATE_DIR chooses another directory" in answer.text


def test_what_looks_like_a_folder_and_leads_elsewhere_is_none(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    folder = site.parts.folders.create({})
    link = folder.path.with_name("20240501-120000-0a1b2c3d")
    link.symlink_to(target)
    assert site.parts.folders.get(link.name) is None
