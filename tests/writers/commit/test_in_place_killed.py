"""A process that is killed while it writes in place: once recovery ran, the file is the old one or the new one.

Not here: errors that a living process handles (test_in_place_refused.py).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from immich_meta_writers.commit import Stamp, commit, recover, sweep
from immich_meta_writers.errors import ChangedError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.plan.files import opened
from tests.writers.commit.large import ENDS, FIRST, GROWING, LONG_AGO, SIZE, killed_at, leave, make, steps, write

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
KILLS = 40


def by_recover(path: Path) -> None:
    recover(str(path))


def by_sweep(path: Path) -> None:
    sweep(str(path.parent))


def by_opening(path: Path) -> None:
    with opened(str(path)) as file:
        assert file.stamp == Stamp.of(path.stat())
        assert file.source.read_at(0, 1000) == path.read_bytes()[:1000]


def by_writing(path: Path) -> None:
    """The next write takes the old bytes back first, and then sees that they are not what it was planned for."""
    status = path.stat()
    planned = Patch(status.st_size, (Splice(7, 1, FIRST[7:8]),))
    try:
        commit(str(path), planned, Stamp.of(status), status.st_mtime_ns)
    except ChangedError:
        assert path.read_bytes() == FIRST


@pytest.mark.parametrize("way", [by_recover, by_sweep, by_opening, by_writing])
@pytest.mark.parametrize("end", ["grows", "shrinks"])
def test_a_kill_at_any_step_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, end: str, way: Callable[[Path], None]
) -> None:
    patch, path = ENDS[end], tmp_path / "movie.mov"
    told, new = steps(tmp_path, patch), ENDS[end].apply(FIRST)
    for number, step in enumerate(told):
        make(path)
        killed_at(lambda count: write(path, patch, on_step=count), number)
        way(path)
        left = path.read_bytes()
        assert left == (new if step == "journal removed" else FIRST), step
        assert path.stat().st_mtime_ns == LONG_AGO, step
        assert os.listdir(tmp_path) == ["movie.mov"], step


def test_a_kill_at_any_time_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    second = GROWING.apply(FIRST)
    back = GROWING.invert(lambda offset, length: FIRST[offset : offset + length])
    moments = random.Random(7)
    seen, recovered = set(), 0
    for _ in range(KILLS):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    write(path, GROWING if path.stat().st_size == SIZE else back)
            finally:
                os._exit(1)
        time.sleep(moments.uniform(0.001, 0.03))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the child ended by itself"
        recovered += recover(str(path))
        left = path.read_bytes()
        assert left in (FIRST, second)
        seen.add(len(left))
        assert path.stat().st_mtime_ns == LONG_AGO
        assert os.listdir(tmp_path) == ["movie.mov"]
    assert seen == {len(FIRST), len(second)}
    assert recovered


@settings(max_examples=30)
@given(st.data())
def test_whatever_part_of_the_new_bytes_arrived_the_old_ones_come_back(tmp_path: Path, data: st.DataObject) -> None:
    """A power failure keeps any of the blocks that were on their way, in any order."""
    patch = ENDS[data.draw(st.sampled_from(sorted(ENDS)))]
    path = make(tmp_path / "movie.mov")
    leave(
        path,
        patch.size,
        patch.new_size,
        [(s.offset, FIRST[s.offset : s.offset + s.length], s.data) for s in patch.splices],
    )
    with path.open("r+b") as file:
        for splice in patch.splices:
            start = data.draw(st.integers(0, len(splice.data)))
            end = data.draw(st.integers(start, len(splice.data)))
            file.seek(splice.offset + start)
            file.write(splice.data[start:end])
        if patch.new_size < patch.size:
            file.truncate(data.draw(st.integers(patch.new_size, patch.size)))
    assert recover(str(path))
    assert path.read_bytes() == FIRST
    assert os.listdir(tmp_path) == ["movie.mov"]


def test_a_recovery_that_is_killed_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "movie.mov")
    killed_at(lambda count: write(path, on_step=count), len(steps(tmp_path, GROWING)) - 2)
    flushed = os.fsync
    for number in range(2):  # before the old bytes are on the disk, and before the journal's end is
        child = os.fork()
        if child == 0:
            left = [number]

            def flush(descriptor: int, left: list[int] = left) -> None:
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                flushed(descriptor)

            os.fsync = flush
            try:
                recover(str(path))
            finally:
                os._exit(1)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    recover(str(path))
    assert path.read_bytes() == FIRST
    assert path.stat().st_mtime_ns == LONG_AGO
    assert os.listdir(tmp_path) == ["movie.mov"]


def test_half_a_journal_goes_and_the_file_was_not_touched(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    place = leave(path, SIZE, SIZE, [(100, FIRST[100:104], b"2024")])
    whole, before = place.read_bytes(), path.stat()
    for length in range(len(whole)):
        place.write_bytes(whole[:length])
        assert recover(str(path))
        assert not place.exists()
    assert path.stat() == before


def test_a_folder_that_was_copied_with_its_journal_is_recovered_too(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    place = leave(path, SIZE, SIZE, [(100, FIRST[100:104], b"2024")])
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / place.name).write_bytes(place.read_bytes())
    (copy / "movie.mov").write_bytes(FIRST[:100] + b"20" + FIRST[102:])
    assert sweep(str(copy)) == 1
    assert (copy / "movie.mov").read_bytes() == FIRST
    assert os.listdir(copy) == ["movie.mov"]
