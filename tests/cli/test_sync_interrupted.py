"""`sync` that is stopped or killed in the middle: real processes, real signals."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from immich_meta.cli.interrupt import Interrupt
from immich_meta.demo.server import DemoServer
from immich_meta_writers import read
from tests.cli.gate import Gate
from tests.cli.home import KEY, ROOT, Home, jpeg, keywords, lines_of, snapshot, wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
SLOW = {"IMMICH_SEARCH_PAGE_SIZE": "2", "IMMICH_ASSET_BATCH_SIZE": "1"}


@pytest.fixture
def gate(server: DemoServer) -> Iterator[Gate]:
    gate = Gate(server)
    yield gate
    gate.open()


def started_and_waiting(home: Home, gate: Gate, written: int) -> subprocess.Popen[str]:
    """A run that has written the first so many photos and waits for the next page."""
    gate.close("/search/metadata", page=written // 2 + 1)
    child = home.start("sync", "--people", "--report", "r.jsonl", **SLOW)
    last = home.photos / f"2024/IMG_{written - 1:04}.jpg"
    wait_until(lambda: keywords(last) == ("Ada",))
    return child


def signalled(child: subprocess.Popen[str], number: signal.Signals) -> None:
    """A signal, when the child has come to wait: in the instant before that Python would not see it until later."""
    time.sleep(0.2)
    child.send_signal(number)


def ended(child: subprocess.Popen[str]) -> tuple[str, str]:
    """What a child has said, which has to come to its end by itself."""
    try:
        return child.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_at_once_with_its_summary(home: Home, gate: Gate, number: signal.Signals) -> None:
    home.fill(10)
    child = started_and_waiting(home, gate, 4)
    signalled(child, number)
    out, err = ended(child)
    assert child.returncode == 130
    assert "FINISH (interrupted) total=4 updated=4" in out
    assert err == ""
    assert [line["status"] for line in lines_of(home.directory / "r.jsonl")] == ["updated"] * 4
    assert home.checkpoints()


def test_a_killed_run_is_resumed_where_it_was_and_failed_ones_are_tried_again(home: Home, gate: Gate) -> None:
    paths = home.fill(30)
    paths[1].write_bytes(b"")
    child = started_and_waiting(home, gate, 20)
    child.kill()
    ended(child)
    assert child.returncode == -signal.SIGKILL
    assert home.checkpoints()
    gate.open()
    paths[1].write_bytes(jpeg())
    done = {path: path.stat().st_mtime_ns for path in paths[:20] if path is not paths[1]}
    ran = home.sync("--people", "--resume")
    sums = ran.sums()
    assert (ran.code, sums["updated"], sums["resumed"] + sums["total"]) == (0, 11, 30)
    assert sums["resumed"] >= 10  # a few files may have been written and not yet been told
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert all(keywords(path) == ("Ada",) for path in paths)
    assert home.checkpoints() == []
    assert sorted(path.name for path in (home.photos / "2024").iterdir()) == [path.name for path in paths]


def test_a_killed_runs_files_are_whole(home: Home) -> None:
    """Killed at many moments: each file is the old one or the new one, and the next run leaves nothing stray."""
    paths, report = home.fill(40), home.directory / "r.jsonl"
    for _ in range(3):
        child = home.start("sync", "--people", "--report", "r.jsonl", IMMICH_ASSET_BATCH_SIZE="1")
        wait_until(lambda: report.exists() and "updated" in report.read_text())
        child.kill()
        ended(child)
        report.unlink()
        assert all(keywords(path) in ((), ("Ada",)) for path in paths if read(path) is not None)
        for path in paths[:2]:
            path.write_bytes(jpeg())
    assert home.sync("--people").code == 0
    assert all(keywords(path) == ("Ada",) for path in paths)
    assert sorted(path.name for path in (home.photos / "2024").iterdir()) == [path.name for path in paths]


def test_a_signal_while_the_server_is_silent_ends_the_run_at_once(home: Home, gate: Gate) -> None:
    home.fill(1)
    gate.close("/")
    child = home.start("sync", "--people")
    assert gate.reached.wait(10)
    signalled(child, signal.SIGTERM)
    _, err = ended(child)
    assert child.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err


def test_a_signal_while_albums_are_fetched_ends_the_run_with_its_summary(home: Home, gate: Gate) -> None:
    home.add("a.jpg", albums=["Spring"])
    gate.close("/albums")
    child = home.start("sync", "--albums")
    assert gate.reached.wait(10)
    signalled(child, signal.SIGINT)
    out, err = ended(child)
    assert child.returncode == 130
    assert "FINISH (interrupted) total=0" in out
    assert "Traceback" not in err


@pytest.mark.parametrize(("answer", "written"), [(b"n\n", False), (b"y\n", True), (b"\x03", False), (b"\x04", False)])
def test_a_person_at_a_terminal_is_asked_before_originals_are_changed(
    home: Home, answer: bytes, written: bool
) -> None:
    path, _ = home.add("a.jpg", people=["Ada"], library_id=None)
    before = snapshot(home.photos)
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("IMMICH_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "immich_meta", "sync", "--people"],
        cwd=home.directory,
        env={**environ, **home.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'writers'}", "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    said = _read_until(ours, b"Go on?")
    # A signal in the instant between the question and the waiting for an answer is not seen by Python.
    time.sleep(0.2)
    os.write(ours, answer)
    said += _read_until(ours, b"")
    code = child.wait(20)
    os.close(ours)
    assert (keywords(path) == ("Ada",)) is written
    assert written or snapshot(home.photos) == before
    assert code == (130 if answer == b"\x03" else 0)
    assert b"FINISH" in said
    assert b"Traceback" not in said
    assert KEY.encode() not in said


def _read_until(terminal: int, wanted: bytes) -> bytes:
    """What a terminal shows until it has shown `wanted`, or (empty) until its program ends."""
    said = b""
    while not wanted or wanted not in said:
        assert select.select([terminal], [], [], 20)[0], "it is silent"
        try:
            more = os.read(terminal, 4096)
        except OSError:  # Linux: the other side is closed
            break
        if not more:
            break
        said += more
    return said


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_signal_in_the_middle_of_work_waits_for_the_work() -> None:
    with Interrupt() as stop:
        done = []
        for item in stop.waiting_for(range(5)):
            if item == 1:
                os.kill(os.getpid(), signal.SIGINT)
            done.append(item)
    assert done == [0, 1]
    assert stop.requested


def test_a_second_signal_ends_it_now() -> None:
    done = []

    def work() -> None:
        with Interrupt() as stop:
            for item in stop.waiting_for(range(5)):
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGTERM)
                done.append(item)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == []


def test_a_signal_that_came_before_a_wait_ends_it_too() -> None:
    with Interrupt() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt), stop.waiting():
            pytest.fail("nothing is begun any more")


def test_the_handlers_of_the_program_around_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interrupt():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
