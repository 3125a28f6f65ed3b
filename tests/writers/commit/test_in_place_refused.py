"""When writing in place fails, or is somebody else's turn: one named error, and the old bytes.

Not here: killed processes (test_in_place_killed.py), what all writing refuses (test_refusals.py).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta_writers.commit import recover, sweep
from immich_meta_writers.commit.journal import journal_name
from immich_meta_writers.errors import AccessError
from tests.writers.commit.children import NOBODY, as_nobody, in_child
from tests.writers.commit.large import (
    FIRST,
    GROWING,
    SIZE,
    make,
    require_untouched,
    steps,
    write,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="in place only where there are locks")


def test_ctrl_c_at_any_step_takes_back_what_was_done(tmp_path: Path) -> None:
    path = tmp_path / "movie.mov"
    told = steps(tmp_path, GROWING)
    for number, step in enumerate(told):
        make(path)
        left = iter([False] * number + [True])

        def interrupt(told: str, left: Iterator[bool] = left) -> None:
            if next(left, False):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write(path, on_step=interrupt)
        if step == "journal created":
            sweep(str(tmp_path))
        if step == "journal removed":
            assert path.read_bytes() == GROWING.apply(FIRST)
        else:
            require_untouched(path)



@pytest.mark.parametrize(("free", "stopped"), [(8192, "journal created"), (160_000, "kept")])
def test_a_full_disk_is_one_error_and_the_old_bytes(tiny_disk: Path, free: int, stopped: str) -> None:
    path, filler = make(tiny_disk / "movie.mov"), tiny_disk / "filler"
    status = os.statvfs(tiny_disk)
    filler.write_bytes(b"x" * (status.f_bavail * status.f_bsize - free))
    told: list[str] = []
    with pytest.raises(AccessError) as raised:
        write(path, on_step=told.append)
    assert "space" in raised.value.cause
    assert told[-1] == stopped
    require_untouched(path, "filler")


def test_a_limit_of_file_sizes_is_one_error_and_the_old_bytes(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = make(tmp_path / "movie.mov")
    limit = SIZE + 1000
    answer = in_child(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)), lambda: write(path))
    assert answer is not None
    assert (answer[0], answer[2]) == ("access", str(path))
    require_untouched(path)


def test_a_file_that_cannot_be_put_back_at_once_is_put_back_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "movie.mov")
    really, calls = os.pwrite, iter([True, True])

    def fail(descriptor: int, data: bytes, offset: int) -> int:
        if next(calls, False):
            return really(descriptor, data, offset)
        raise OSError(errno.EIO, "the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", fail)
        with pytest.raises(AccessError, match="put back") as raised:
            write(path)
    assert journal_name("movie.mov") in raised.value.cure
    assert path.read_bytes() != FIRST
    assert recover(str(path))
    require_untouched(path)


def _give(*paths: Path) -> None:
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, NOBODY, NOBODY)


def test_a_read_only_file_is_refused(open_folder: Path) -> None:
    path = make(open_folder / "movie.mov")
    path.chmod(0o444)
    _give(path)
    answer = as_nobody(lambda: write(path))
    assert answer == ("access", "the file is read-only", str(path))
    require_untouched(path)


def test_a_folder_that_cannot_be_written_to_is_refused(open_folder: Path) -> None:
    path = make(open_folder / "movie.mov")
    _give(path)
    open_folder.chmod(0o555)
    answer = as_nobody(lambda: write(path))
    assert answer == ("access", "permission denied", str(path))
    open_folder.chmod(0o777)
    require_untouched(path)


@pytest.mark.usefixtures("as_root")
def test_another_users_file_is_refused(open_folder: Path) -> None:
    path = make(open_folder / "movie.mov")
    path.chmod(0o666)
    answer = as_nobody(lambda: write(path))
    assert answer is not None
    assert "owner" in answer[1]
    require_untouched(path)
