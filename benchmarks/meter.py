"""A child process, run to its end and measured: seconds, CPU, memory, bytes moved, its own children included.

Memory and bytes come from /proc; where there is none (macOS), only what the system says of ended processes is told.
Not here: which commands are run.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

HAS_PROC = Path("/proc/self/io").exists()
_INTERVAL = 0.025
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_LONGEST_TAIL = 4000


@dataclass(frozen=True)
class Usage:
    """`seconds` of wall clock, `cpu` seconds of user and system, the rest in bytes; None: the system does not tell.

    `peak`: the largest process; `peak_together`: all at one moment, pages that they share counted for each.
    `asked_*`: what the processes asked the system for, mostly in its cache; `disk_*`: what storage gave and took.
    """

    seconds: float
    cpu: float
    peak: Optional[int]
    peak_together: Optional[int]
    asked_read: Optional[int] = None
    asked_written: Optional[int] = None
    disk_read: Optional[int] = None
    disk_written: Optional[int] = None


class ChildFailedError(RuntimeError):
    """The child did not end well; the message has the end of what it said."""


def run(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> tuple[Usage, str]:
    """Run `command` in `folder`. Returns what it took, and its standard output. Raises ChildFailedError."""
    said = folder / ".child-output"
    with said.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(environ), cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        with _Watch(process.pid) as watch:
            if HAS_PROC:
                # As a zombie it still has its counters, those of its own children added.
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            else:
                process.wait()
            seconds = time.perf_counter() - start
        counted = traffic(process.pid)
    usage, code = _reap(process)
    text = said.read_bytes().decode("utf-8", "replace")
    if code:
        raise ChildFailedError(f"{' '.join(command[:6])} ended with {code}:\n{text[-_LONGEST_TAIL:]}")
    peak = watch.largest or (usage.ru_maxrss * _MAXRSS_UNIT if usage else None)
    cpu = usage.ru_utime + usage.ru_stime if usage else 0.0
    return Usage(seconds, cpu, peak, watch.together or None, *counted), text


def _reap(process: subprocess.Popen[bytes]) -> tuple[Optional[resource.struct_rusage], int]:
    if process.returncode is not None:
        return resource.getrusage(resource.RUSAGE_CHILDREN), process.returncode
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage, process.returncode


def traffic(pid: int) -> tuple[Optional[int], ...]:
    """Bytes asked to read, asked to write, from disk, to disk: of a process and its children that have ended."""
    if not HAS_PROC:
        return (None,) * 4
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    counts = {name: int(value) for name, value in (line.split(": ") for line in lines)}
    written = max(0, counts["write_bytes"] - counts["cancelled_write_bytes"])
    return counts["rchar"], counts["wchar"], counts["read_bytes"], written


class _Watch:
    """Looks at a process and all below it again and again: the peak of each, and of the sum."""

    def __init__(self, pid: int) -> None:
        self.largest = self.together = 0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Watch:
        if HAS_PROC:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if HAS_PROC:
            self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(_INTERVAL):
            memory = [_memory(pid) for pid in _tree(self._pid)]
            self.largest = max([self.largest, *(highest for highest, _ in memory)])
            self.together = max(self.together, sum(now for _, now in memory))


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children = file.read().split()
            for child in children:
                yield from _tree(int(child))
    except (FileNotFoundError, ProcessLookupError):
        return  # it has ended meanwhile


def _memory(pid: int) -> tuple[int, int]:
    """The highest and the present resident size, in bytes; zeros for a process that has ended."""
    try:
        with open(f"/proc/{pid}/status") as file:
            found = dict(line.split(":", 1) for line in file if line.startswith(("VmHWM", "VmRSS")))
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    return tuple(int(found.get(name, "0 kB").split()[0]) * 1024 for name in ("VmHWM", "VmRSS"))  # type: ignore[return-value]
