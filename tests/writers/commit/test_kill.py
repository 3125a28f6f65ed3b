"""A process that is killed while it writes leaves the old file or the new one, and what it leaves beside is swept.

Not here: errors that a living process handles (test_refusals.py).
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from immich_meta_writers.commit import Stamp, commit, sweep
from immich_meta_writers.patch import Patch, Splice

KILLS = 60
SIZE = 3 << 20
# Two states of one file, of different lengths: each is a patch of the other.
FIRST = random.Random(1).randbytes(SIZE)
GROWN = Patch(SIZE, (Splice(100, 10, b"grown" * 2000), Splice(SIZE - 5, 5, b"tail")))
SECOND = GROWN.apply(FIRST)
SHRUNK = GROWN.invert(lambda offset, length: FIRST[offset : offset + length])


def write_for_ever(path: Path) -> None:
    while True:
        status = path.stat()
        commit(str(path), GROWN if status.st_size == SIZE else SHRUNK, Stamp.of(status), status.st_mtime_ns)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_kill_at_any_time_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(FIRST)
    moments = random.Random(7)
    seen, orphans = set(), 0
    for _ in range(KILLS):
        child = os.fork()
        if child == 0:
            try:
                write_for_ever(path)
            finally:
                os._exit(1)
        time.sleep(moments.uniform(0.001, 0.03))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the child ended by itself"
        left = path.read_bytes()
        assert left in (FIRST, SECOND)
        seen.add(len(left))
        orphans += sweep(str(tmp_path))
        assert os.listdir(tmp_path) == ["photo.jpg"]
    assert seen == {len(FIRST), len(SECOND)}
    assert orphans
