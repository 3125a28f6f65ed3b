"""One run per store: the second one is told who has it; a dead one's lock is no obstacle."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from immich_meta.errors import StateBusyError
from immich_meta.state import open_archive, open_free_store
from immich_meta.state.lock import is_held, take
from tests.state.stores import Clock, Warnings, opened

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from immich_meta.state import open_store
store = open_store(Path(sys.argv[1]), "host-owner", warn=print, command="sync --all")
store.begin_run("sync --all", {})
print("open", flush=True)
sys.stdin.read()
"""


LOOK = """
import sys
from pathlib import Path
from immich_meta.state.lock import is_held
print("open", flush=True)
while True:
    is_held(Path(sys.argv[1]))
"""


@contextmanager
def running(script: str, place: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which has said that it is at work."""
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(place)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in (".", "writers"))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "open\n"
            yield child
        finally:
            child.kill()


def another_process(directory: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    """Has the store open."""
    return running(HOLD, directory)


def test_who_looks_whether_a_run_is_under_way_is_in_no_ones_way(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with running(LOOK, path), running(LOOK, path):
        for _ in range(500):
            take(path, "sync", 0.0).close()


def test_a_second_run_is_told_who_has_the_store(tmp_path: Path) -> None:
    with another_process(tmp_path) as child:
        with pytest.raises(StateBusyError) as caught:
            opened(tmp_path)
        assert caught.value.exit_code == 2
        said = rf"sync --all, process {child.pid}, since 20[-0-9]+ [:0-9]+ \S.* \(wait until it has ended, then"
        assert re.search(said, str(caught.value))
        holder = caught.value.holder
        assert (holder["pid"], holder["host"], holder["command"]) == (child.pid, socket.gethostname(), "sync --all")
        opened(tmp_path, "host-other").store.close()
        opened(tmp_path, writable=False).store.close()
        with open_archive(tmp_path, warn=Warnings()) as archive:
            (run,) = archive.runs()
        assert (run.is_running, run.is_interrupted) == (True, False)
        child.send_signal(signal.SIGKILL)
        child.wait()
        store, warnings = opened(tmp_path)
        with store:
            assert (store.is_kept, warnings) == (True, [])
    with open_archive(tmp_path, warn=Warnings()) as archive:
        (run,) = archive.runs()
    assert (run.is_running, run.is_interrupted) == (False, True)


def test_the_same_process_may_not_open_it_twice_and_closing_frees_it(tmp_path: Path) -> None:
    with opened(tmp_path).store as store:
        with pytest.raises(StateBusyError, match="another run is under way"):
            opened(tmp_path)
        assert is_held(store.path.with_suffix(".lock"))
    assert not is_held(store.path.with_suffix(".lock"))
    opened(tmp_path).store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("ends", ["closed", "killed"])
def test_a_forked_worker_that_survives_does_not_hold_it(tmp_path: Path, ends: str) -> None:
    alive, told = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(alive[1])
            store = opened(tmp_path).store
            if os.fork() == 0:  # the worker
                os.write(told[1], b"w")
                os.read(alive[0], 1)  # until the test is over
                os._exit(0)
            os.read(told[0], 1) if ends == "killed" else store.close()
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    try:
        store, warnings = opened(tmp_path)
        with store:
            assert (store.is_kept, warnings) == (True, [])
    finally:
        for descriptor in (*alive, *told):
            os.close(descriptor)


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff" * 9000, b'{"pid": 1}'])
def test_a_lock_without_a_note_is_still_one(tmp_path: Path, note: bytes) -> None:
    with opened(tmp_path).store as store:
        store.path.with_suffix(".lock").write_bytes(note)
        with pytest.raises(StateBusyError, match="another run is under way"):
            opened(tmp_path)
    opened(tmp_path).store.close()


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ({"pid": 7, "host": "nas", "since": 1e300, "command": "sync"}, "sync, process 7 on nas, since some time"),
        ({"pid": 7, "host": "nas", "since": 0, "command": ""}, "immich-meta, process 7 on nas, since 19"),
    ],
)
def test_the_note_is_in_words(tmp_path: Path, note: dict[str, Any], words: str) -> None:
    with opened(tmp_path).store as store:
        store.path.with_suffix(".lock").write_text(json.dumps(note))
        with pytest.raises(StateBusyError, match=words):
            opened(tmp_path)


def test_runs_that_may_overlap_take_the_next_free_store(tmp_path: Path) -> None:
    def free(most: int = 3) -> Any:
        return open_free_store(tmp_path, "files", warn=Warnings(), clock=Clock(), most=most)

    with free() as one, free() as two, free() as three:
        assert [each.path.name for each in (one, two, three)] == ["files.sqlite", "files-2.sqlite", "files-3.sqlite"]
        ids = {each.begin_run("write", {}).id for each in (one, two, three)}
        assert len(ids) == 3
        with pytest.raises(StateBusyError):
            free()
    with free() as again:
        assert again.path.name == "files.sqlite"
