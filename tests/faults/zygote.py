"""A process without threads that has the whole program imported: each run is a fork of it, and begins at once.

Not here: what is run, and what is demanded of it (test_*.py).

    with Zygote() as zygote:
        ended = zygote.run(["sync", "--all"], environ, directory)
        killed = zygote.run(["sync", "--all"], environ, directory, kill_after=0.05)
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Optional

import immich_meta
import immich_meta_writers

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 60.0
_NEEDED = ("requests", "sqlite3", "piexif", "PIL.Image", "platformdirs", "logging.handlers", "iptcinfo3")


class Ended(NamedTuple):
    """How a run ended: its exit code, or the signal that killed it; what it said; the session all of it was in."""

    code: Optional[int]
    signal: Optional[int]
    seconds: float
    said: str
    session: int

    @property
    def was_killed(self) -> bool:
        return self.signal == signal.SIGKILL

    def sums(self) -> dict[str, int]:
        """The counts of the FINISH line."""
        (line,) = (line for line in self.said.splitlines() if "] FINISH" in line)
        pairs = (word.split("=", 1) for word in line.split() if "=" in word)
        found = {name: int(value) for name, value in pairs if value.isdigit()}
        counted = {name: count for name, count in found.items() if name not in ("total", "resumed")}
        assert sum(counted.values()) == found["total"], line
        return found


class Zygote:
    """A context manager; for a single thread. `victim`: "run" is the run's own process, "worker" one of its workers,
    "workers" all these, "group" both."""

    def __init__(self) -> None:
        paths = os.pathsep.join(str(ROOT / each) for each in (".", "writers"))
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.faults.zygote import serve; serve()"],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        directory: Path,
        *,
        kill_after: Optional[float] = None,
        victim: str = "run",
        number: int = signal.SIGKILL,
        prepare: str = "",
    ) -> Ended:
        """A command in a fork. `kill_after` seconds SIGKILL comes. `prepare` is `module:function`, called before."""
        order = {
            "arguments": list(arguments),
            "environ": dict(environ),
            "directory": str(directory),
            "kill_after": kill_after,
            "victim": victim,
            "number": number,
            "prepare": prepare,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that forks the runs is gone"
        return Ended(**json.loads(answer))

    def __enter__(self) -> Zygote:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._process.communicate()


def serve() -> None:
    """The process itself: one order a line, one answer a line."""
    for package in (immich_meta, immich_meta_writers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in _NEEDED:
        importlib.import_module(name)
    _warm_up()
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for line in sys.stdin:
        print(json.dumps(_carry_out(json.loads(line))), flush=True)


def _warm_up() -> None:
    """One photo planned: what is loaded or compiled at the first use is there then, also for who may not read it."""
    from immich_meta_writers import PhotoMetadata, plan
    from tests.faults.library import picture

    for encoding in ("utf-16-be", "utf-16-le", "utf-16", "utf-32", "utf-8-sig", "cp437", "latin-1", "idna"):
        "".encode(encoding)
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("JPEG", "PNG"):
            path = Path(folder) / f"photo.{kind}"
            path.write_bytes(picture(kind))
            wanted = PhotoMetadata(people=("Ada",), caption="x", rating=3)
            assert plan(str(path), wanted).changes


def _carry_out(order: dict[str, Any]) -> dict[str, Any]:
    said = Path(order["directory"]) / "said.txt"
    said.write_text("")
    said.chmod(0o666)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_run(order, said)
    status = _waited(child, LONGEST if order["kill_after"] is None else order["kill_after"])
    if status is None:
        _kill(child, order["victim"], order["number"])
        status = _waited(child, LONGEST)
    if status is None:
        os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        raise AssertionError(f"it did not end: {order['arguments']}\n{said.read_text()}")
    return {
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "seconds": time.monotonic() - began,
        "said": said.read_text("utf-8", "replace"),
        "session": child,
    }


def _be_the_run(order: dict[str, Any], said: Path) -> None:
    code = 70
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        os.chdir(order["directory"])
        stream = os.open(said, os.O_WRONLY | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        for name in [name for name in os.environ if name.startswith("IMMICH_")]:
            del os.environ[name]
        os.environ.update(order["environ"])
        if order["prepare"]:
            module, _, name = order["prepare"].partition(":")
            getattr(importlib.import_module(module), name)()
        from immich_meta.cli import commands, run

        code = run(commands, "immich-meta", order["arguments"])
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - it is what the run said
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _waited(child: int, seconds: float) -> Optional[int]:
    """The status of the child, or None after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        left = end - time.monotonic()
        if left <= 0:
            return None
        signal.sigtimedwait({signal.SIGCHLD}, left)


def _kill(child: int, victim: str, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if victim == "worker":
            for pid in list(members(child))[:1]:
                os.kill(pid, number)
        elif victim == "workers":
            for pid in list(members(child)):
                os.kill(pid, number)
        elif victim == "group":
            os.killpg(child, number)
        else:
            os.kill(child, number)


def members(session: int, *, only_workers: bool = True) -> Iterator[int]:
    """The living processes of a session: its workers, or all."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _, _, theirs = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            command = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(theirs) == session and state != "Z" and (not only_workers or b"spawn_main" in command):
            yield int(entry.name)
