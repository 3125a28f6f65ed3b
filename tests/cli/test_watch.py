"""`watch`: real processes that run on schedule, are stopped, and say how it goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from immich_meta.cli import commands
from immich_meta.demo.server import DemoServer
from immich_meta.schedule import Health, LastRun, write_health
from immich_meta.settings_values import time_zone
from tests.cli.gate import Gate
from tests.cli.home import KEY, ROOT, Home, keywords, wait_until

posix = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
PATIENCE = 60.0
SLOW = {"IMMICH_SEARCH_PAGE_SIZE": "2", "IMMICH_ASSET_BATCH_SIZE": "1"}


@pytest.fixture
def gate(server: DemoServer) -> Iterator[Gate]:
    gate = Gate(server)
    yield gate
    gate.open()


def health_of(home: Home) -> dict[str, Any]:
    path = Path(home.environ["IMMICH_META_STATE_DIR"]) / "watch.json"
    said = json.loads(path.read_text()) if path.exists() else {}
    assert isinstance(said, dict)
    return said


def has_run(home: Home) -> bool:
    said = health_of(home)
    return said.get("state") == "waiting" and bool(said["last_run"])


def ended(child: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return child.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_runs_and_waits_and_is_stopped(home: Home, number: signal.Signals, code: int) -> None:
    (path,) = home.fill(1)
    child = home.start("watch", "--every", "6h", "--now", "--people", "--jitter", "0")
    wait_until(lambda: has_run(home), PATIENCE)
    time.sleep(0.2)
    child.send_signal(number)
    out, err = ended(child)
    assert (child.returncode, err) == (code, "")
    assert keywords(path) == ("Ada",)
    lines = [line.partition("] ")[2].partition("] ")[2] for line in out.splitlines()]
    assert lines[0].startswith("Next run: ")
    assert sum(line.startswith("FINISH total=1 updated=1") for line in lines) == 1
    assert lines[-1].startswith("Next run: ")
    assert lines[-1].endswith("(6h)")
    said = health_of(home)
    assert (said["state"], said["last_run"]["exit_code"]) == ("stopped", 0)
    assert home.log.count("Next run") == 2
    assert home.run("watch", "--health").code == 1


@posix
@pytest.mark.slow
@pytest.mark.parametrize("whom", ["the watch", "all of a terminal"])
def test_a_run_in_hand_finishes_its_files_when_it_is_stopped(home: Home, gate: Gate, whom: str) -> None:
    paths = home.fill(10)
    gate.close("/search/metadata", page=3)
    child = subprocess.Popen(
        [sys.executable, "-m", "immich_meta", "watch", "--every", "6h", "--now", "--people"],
        cwd=home.directory,
        env={**os.environ, **home.environ, **SLOW, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'writers'}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: keywords(paths[3]) == ("Ada",), PATIENCE)
    time.sleep(0.2)
    if whom == "the watch":
        child.send_signal(signal.SIGTERM)
    else:
        os.killpg(child.pid, signal.SIGINT)
    out, err = ended(child)
    assert child.returncode == (0 if whom == "the watch" else 130)
    assert "FINISH (interrupted) total=4 updated=4" in out
    assert err == ""
    assert [keywords(path) for path in paths] == [("Ada",)] * 4 + [()] * 6
    said = health_of(home)
    assert (said["state"], said["last_run"]) == ("stopped", None)


@posix
@pytest.mark.slow
def test_a_run_that_fails_does_not_end_it_and_is_tried_again_soon(home: Home) -> None:
    home.fill(1)
    assert home.server is not None
    home.server.fail(500, times=None, path="/users/me")
    child = home.start("watch", "--cron", "0 3 * * *", "--now", "--people", TZ="UTC")
    wait_until(lambda: has_run(home), PATIENCE)
    ran = home.run("watch", "--health")
    child.terminate()
    out, err = ended(child)
    assert (ran.code, child.returncode) == (1, 0)
    assert "exit code 3" in ran.out
    assert "the server failed with 500" in err
    assert "Next run: after exit code 3, " in out
    said = health_of(home)
    assert said["last_run"]["exit_code"] == 3
    assert said["next_run"] < said["last_run"]["ended"][:11] + "99"  # the same day, or the first minutes of the next
    assert KEY not in out + err


@posix
@pytest.mark.slow
def test_a_container_needs_no_command_line(home: Home) -> None:
    path, _ = home.add("a.jpg", people=["Ada"], rating=4)
    health = home.directory / "health" / "h.json"
    settings = {
        "IMMICH_META_SCHEDULE": "0 3 * * *",
        "IMMICH_META_SYNC_OPTIONS": "--people --write-to sidecar",
        "IMMICH_META_HEALTH_FILE": str(health),
    }
    child = home.start("watch", "--now", "--write-to", "embed", **settings)
    wait_until(lambda: health.exists() and bool(json.loads(health.read_text())["last_run"]), PATIENCE)
    well = home.run("watch", "--health", **settings)
    child.terminate()
    ended(child)
    assert (well.code, well.out) == (0, "well: waiting (0 3 * * *)\n")
    assert keywords(path) == ("Ada",)
    assert not Path(f"{path}.xmp").exists()


@posix
@pytest.mark.slow
def test_a_household_is_synced_by_one_watch(home: Home) -> None:
    (path,) = home.fill(1)
    del home.environ["IMMICH_API_KEY"]
    home.environ["IMMICH_API_KEYS"] = f"anna:{KEY},ben:the-key-of-ben-that-is-none"
    assert "no such user" in home.run("watch", "--every", "6h", "--people", "--user", "eve").err
    child = home.start("watch", "--every", "6h", "--now", "--people")
    wait_until(lambda: has_run(home), PATIENCE)
    child.terminate()
    out, err = ended(child)
    assert (child.returncode, keywords(path)) == (0, ("Ada",))
    assert health_of(home)["last_run"]["exit_code"] == 3
    assert "the-key-of-ben" not in out + err
    assert KEY not in out + err


@posix
@pytest.mark.slow
def test_another_run_under_way_is_waited_for(home: Home, gate: Gate) -> None:
    home.fill(4)
    gate.close("/search/metadata", page=2)
    other = home.start("sync", "--people", **SLOW)
    assert gate.reached.wait(PATIENCE)
    child = home.start("watch", "--every", "6h", "--now", "--people")
    wait_until(lambda: has_run(home), PATIENCE)
    assert home.run("watch", "--health").code == 0
    child.terminate()
    _, err = ended(child)
    gate.open()
    ended(other)
    assert (child.returncode, health_of(home)["last_run"]["exit_code"]) == (0, 75)
    assert "another run" in err


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["--people"], {}, "IMMICH_META_SCHEDULE"),
        (["--people", "--every", "6h", "--cron", "@daily"], {}, "--every and --cron"),
        (["--people", "--every", "6"], {}, "write 6h"),
        (["--people", "--every", "5s"], {}, "between 1m"),
        (["--people", "--cron", "0 25 * * *"], {}, "bad hour"),
        (["--people", "--every", "6h", "--jitter", "x"], {}, "write 6h"),
        (["--every", "6h"], {}, "IMMICH_META_SYNC_OPTIONS"),
        (["--every", "6h"], {"IMMICH_META_SYNC_OPTIONS": "--dry-run"}, "nothing was chosen"),
        (["--every", "6h"], {"IMMICH_META_SYNC_OPTIONS": "--al"}, "'--al': No such option"),
        (["--every", "6h"], {"IMMICH_META_SYNC_OPTIONS": "--all '"}, "No closing quotation"),
        (["--every", "6h"], {"IMMICH_META_SYNC_OPTIONS": "--help"}, "asks for help"),
        (["--people"], {"IMMICH_META_SCHEDULE": "sometimes"}, "'sometimes' is no time"),
        (["--people", "--every", "6h"], {"IMMICH_API_KEY": ""}, "IMMICH_API_KEY"),
        (["--people", "--every", "6h", "--config", "none.conf"], {}, "none.conf"),
        (["--people", "--every", "6h", "--shard", "9/3"], {}, "--shard"),
    ],
)
def test_what_is_wrong_is_said_before_the_waiting_begins(
    home: Home, arguments: list[str], settings: dict[str, str], words: str
) -> None:
    ran = home.run("watch", *arguments, **settings)
    assert ran.code == 2
    assert words.lower() in ran.err.lower()
    assert health_of(home) == {}


def test_every_option_of_sync_goes_with_it_and_means_the_same() -> None:
    watch, sync = (commands.get_command(click.Context(commands), name) for name in ("watch", "sync"))
    assert watch is not None
    assert sync is not None
    assert set(sync.params) <= set(watch.params)
    names = [name for each in watch.params for name in each.opts]
    assert len(set(names)) == len(names)
    assert len({each.name for each in watch.params}) == len(watch.params)


@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_without_a_watch_its_health_is_not_well(offline: Home, tmp_path: Path, content: object) -> None:
    path = tmp_path / "h.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    ran = offline.run("watch", "--health", "--health-file", str(path))
    assert ran.code == 1
    assert str(path) in ran.err


def test_health_is_told_without_a_server(offline: Home, tmp_path: Path) -> None:
    path, now = tmp_path / "h.json", time.time()
    write_health(path, Health("waiting", "6h", LastRun(now - 60, now, 1), now + 60), time_zone("UTC"))
    ran = offline.run("watch", "--health", "--health-file", str(path))
    assert (ran.code, ran.out) == (0, "well: waiting (6h)\n")
    write_health(path, Health("waiting", "6h", LastRun(now - 60, now, 0), now - 3600), time_zone("UTC"))
    assert offline.run("watch", "--health", "--health-file", str(path)).code == 1


@posix
@pytest.mark.slow
def test_a_health_file_that_cannot_be_written_stops_nothing(home: Home) -> None:
    (path,) = home.fill(1)
    folder = home.directory / "h.json"
    (folder / "x").mkdir(parents=True)
    child = home.start("watch", "--every", "6h", "--now", "--people", IMMICH_META_HEALTH_FILE=str(folder))
    wait_until(lambda: keywords(path) == ("Ada",), PATIENCE)
    time.sleep(0.5)
    child.terminate()
    out, err = ended(child)
    assert (child.returncode, err) == (0, "")
    assert "cannot be written" in out
