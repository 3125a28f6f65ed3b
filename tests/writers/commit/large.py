"""A large file that takes no room, two states of it, and processes that write it and are killed.

Not here: the tests (test_in_place*.py).
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

from immich_meta_writers.commit import Stamp, commit
from immich_meta_writers.commit.journal import Journal, Range, encode, journal_name
from immich_meta_writers.patch import Patch, Splice

SIZE = 32 << 20
LONG_AGO = 1_234_567_890_123_456_789
# What is not zero in the first state: (offset, bytes).
POCKETS = [(offset, random.Random(offset).randbytes(9000)) for offset in (0, 5_000_000, SIZE - 9000)]
GROWING = Patch(
    SIZE,
    (
        Splice(100, 4, b"2024"),
        Splice(5_000_010, 6000, b"new" * 2000),
        Splice(SIZE - 50, 50, b"tail" * 30_000),
    ),
)
ENDS = {
    "grows": GROWING,
    "stays": Patch(SIZE, GROWING.splices[:2]),
    "appends": Patch(SIZE, (Splice(SIZE, 0, b"x" * 9),)),
}
ENDS["shrinks"] = Patch(SIZE, (*GROWING.splices[:2], Splice(SIZE - 8000, 8000, b"short")))
ENDS["loses its tail"] = Patch(SIZE, (Splice(SIZE - 8000, 8000, b""),))


def first_state() -> bytes:
    content = bytearray(SIZE)
    for offset, pocket in POCKETS:
        content[offset : offset + len(pocket)] = pocket
    return bytes(content)


FIRST = first_state()


def make(path: Path, size: int = SIZE) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, pocket in POCKETS:
            file.seek(offset)
            file.write(pocket)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


def write(path: Path, patch: Patch = GROWING, *, on_step: Callable[[str], None] = lambda step: None) -> None:
    """Write in place, with the modification time that there is."""
    status = path.stat()
    commit(str(path), patch, Stamp.of(status), status.st_mtime_ns, on_step=on_step)


def steps(folder: Path, patch: Patch) -> list[str]:
    """The steps that writing takes, in order."""
    told: list[str] = []
    path = make(folder / "steps")
    write(path, patch, on_step=told.append)
    path.unlink()
    return told


def killed_at(act: Callable[[Callable[[str], None]], None], number: int) -> None:
    """In a child that is killed as soon as it is told of the step of this number."""
    child = os.fork()
    if child == 0:
        left = [number]

        def count(step: str) -> None:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

        try:
            act(count)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the child ended by itself"


def leave(path: Path, old_size: int, new_size: int, parts: list[tuple[int, bytes, bytes]]) -> Path:
    """The journal that a killed run would have left."""
    ranges = tuple(Range(*part) for part in parts)
    journal = Journal(path.name, path.stat().st_ino, old_size, new_size, LONG_AGO, LONG_AGO, ranges)
    place = path.with_name(journal_name(path.name))
    place.write_bytes(encode(journal))
    return place


def require_untouched(path: Path, *left: str) -> None:
    assert path.read_bytes() == FIRST
    assert path.stat().st_mtime_ns == LONG_AGO
    assert sorted(os.listdir(path.parent)) == sorted([path.name, *left])


class Paused:
    """A child that writes and stops at a step until it is released."""

    def __init__(self, path: Path, step: str, patch: Patch = GROWING) -> None:
        reached, tell = os.pipe()
        wait, self._release = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(self._release)

            def stop(told: str) -> None:
                if told == step:
                    os.write(tell, b"!")
                    os.read(wait, 1)

            try:
                write(path, patch, on_step=stop)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(tell)
        os.close(wait)
        assert os.read(reached, 1) == b"!"
        os.close(reached)

    def release(self) -> int:
        """Its exit status."""
        os.write(self._release, b"!")
        os.close(self._release)
        return os.waitpid(self.child, 0)[1]
