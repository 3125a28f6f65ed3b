"""A large file whose change fits its place: the new bytes, where the file lies, and everything else as it was.

Not here: killed processes (test_in_place_killed.py), refusals (test_in_place_refused.py).
"""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from immich_meta_writers.commit import Stamp, commit, recover, sweep
from immich_meta_writers.commit import durability as durability_module
from immich_meta_writers.patch import Patch, Splice
from tests.writers.commit.large import ENDS, FIRST, GROWING, LONG_AGO, SIZE, make, steps, write
from tests.writers.commit.test_commit import FOR_ONE_MORE, attributes, set_attribute

pytestmark = pytest.mark.skipif(os.name != "posix", reason="in place only where there are locks")


@pytest.mark.parametrize("end", ENDS)
def test_the_file_has_the_new_bytes_and_its_folder_nothing_else(tmp_path: Path, end: str) -> None:
    path, patch = make(tmp_path / "movie.mov"), ENDS[end]
    inode = path.stat().st_ino
    write(path, patch)
    assert path.read_bytes() == patch.apply(FIRST)
    assert path.stat().st_ino == inode
    assert os.listdir(tmp_path) == ["movie.mov"]


@pytest.mark.parametrize("end", ENDS)
def test_the_inverse_patch_is_in_place_too_and_restores_the_file(tmp_path: Path, end: str) -> None:
    path, patch = make(tmp_path / "movie.mov", SIZE), ENDS[end]
    undo = patch.invert(lambda offset, length: FIRST[offset : offset + length])
    write(path, patch)
    write(path, undo)
    assert path.read_bytes() == FIRST
    assert path.stat().st_mtime_ns == LONG_AGO


def test_the_modification_time_is_the_given_one_or_now(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    commit(str(path), GROWING, Stamp.of(path.stat()), 1_700_000_000_123_000_000)
    assert path.stat().st_mtime_ns == 1_700_000_000_123_000_000
    before = time.time_ns()
    commit(str(path), Patch(path.stat().st_size, (Splice(9, 1, b"x"),)), Stamp.of(path.stat()))
    assert path.stat().st_mtime_ns >= before - 1_000_000_000


def test_mode_attributes_and_acls_stay(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    path.chmod(0o2755)
    set_attribute(path, "user.colour", b"red")
    set_attribute(path, "system.posix_acl_access", FOR_ONE_MORE)
    before, mode = attributes(path), path.stat().st_mode
    write(path)
    assert attributes(path) == before
    assert path.stat().st_mode == mode


def test_an_owner_keeps_his_set_id_bits(open_folder: Path) -> None:
    from tests.writers.commit.children import NOBODY, as_nobody

    path = make(open_folder / "movie.mov")
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    path.chmod(0o6755)
    assert as_nobody(lambda: write(path)) is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o6755
    assert path.read_bytes() == GROWING.apply(FIRST)


def test_a_symbolic_link_stays_one_and_the_journal_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = make(tmp_path / "elsewhere" / "movie.mov")
    link = tmp_path / "link.mov"
    link.symlink_to(path)
    inode = path.stat().st_ino
    seen: list[int] = []
    write(link, on_step=lambda step: seen.append(len(os.listdir(tmp_path / "elsewhere"))))
    assert link.is_symlink()
    assert (path.read_bytes() == GROWING.apply(FIRST), path.stat().st_ino) == (True, inode)
    assert max(seen) == 2
    assert (sorted(os.listdir(tmp_path)), os.listdir(path.parent)) == (["elsewhere", "link.mov"], ["movie.mov"])


def test_another_hard_link_keeps_the_old_bytes(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    os.link(path, tmp_path / "backup.mov")
    write(path)
    assert path.read_bytes() == GROWING.apply(FIRST)
    assert (tmp_path / "backup.mov").read_bytes() == FIRST
    assert sorted(os.listdir(tmp_path)) == ["backup.mov", "movie.mov"]


@pytest.mark.parametrize(
    "patch",
    [Patch(SIZE, (Splice(100, 4, b"moved"),)), Patch(SIZE, (Splice(0, 1 << 20, bytes(1 << 20)),))],
    ids=["moves bytes", "is not little"],
)
def test_any_other_patch_makes_a_new_file(tmp_path: Path, patch: Patch) -> None:
    path = make(tmp_path / "movie.mov")
    told: list[str] = []
    write(path, patch, on_step=told.append)
    assert path.read_bytes() == patch.apply(FIRST)
    assert (told[0], told[-1]) == ("temporary created", "renamed")


@pytest.mark.parametrize("lacking", ["locks", "flushable folders"])
def test_where_a_journal_could_not_be_trusted_a_new_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "not here")

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refuse()

    path = make(tmp_path / "movie.mov")
    inode = path.stat().st_ino
    if lacking == "locks":
        monkeypatch.setattr(durability_module.fcntl, "flock", refuse)
    else:
        monkeypatch.setattr(os, "fsync", only_files)
    write(path)
    assert path.read_bytes() == GROWING.apply(FIRST)
    assert path.stat().st_ino != inode
    assert os.listdir(tmp_path) == ["movie.mov"]


def test_a_system_without_locks_makes_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "movie.mov")
    seen, inode = Stamp.of(path.stat()), path.stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(durability_module, "lock", lambda *_, **__: durability_module.Lock.NONE)
        patch.setattr("immich_meta_writers.commit.in_place.lock", lambda *_, **__: durability_module.Lock.NONE)
        commit(str(path), GROWING, seen)
    assert path.read_bytes() == GROWING.apply(FIRST)
    assert path.stat().st_ino != inode


def test_the_steps_come_in_the_order_that_keeps_a_way_back(tmp_path: Path) -> None:
    assert steps(tmp_path, ENDS["shrinks"]) == [
        "journal created",
        "journal written",
        "journal durable",
        "kept",
        *["range written"] * 3,
        "shortened",
        "flushed",
        "read back",
        "journal removed",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the disk is flushed by another call")
def test_a_power_failure_finds_the_journal_before_a_byte_and_the_bytes_before_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = make(tmp_path / "movie.mov"), []
    fsync, pwrite, unlink = os.fsync, os.pwrite, os.unlink

    def flush(descriptor: int) -> None:
        status = os.fstat(descriptor)
        kind = (
            "folder" if stat.S_ISDIR(status.st_mode) else "file" if status.st_ino == path.stat().st_ino else "journal"
        )
        calls.append(f"flush {kind}")
        fsync(descriptor)

    def write_at(descriptor: int, data: bytes, offset: int) -> int:
        calls.append("write")
        return pwrite(descriptor, data, offset)

    def remove(name: str) -> None:
        calls.append("remove journal")
        unlink(name)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "pwrite", write_at)
    monkeypatch.setattr(os, "unlink", remove)
    write(path)
    before = ["flush journal", "flush folder"]
    assert calls == [*before, *["write"] * 3, "flush file", "remove journal", "flush folder"]


def test_four_gigabytes_take_a_moment_and_less_than_a_megabyte(tmp_path: Path) -> None:
    size = 4 << 30
    path = make(tmp_path / "movie.mov", size)
    patch = Patch(
        size, (Splice(40, 8, b"20240101"), Splice(3 << 30, 2000, bytes(2000)), Splice(size, 0, b"x" * 90_000))
    )
    before, began = transferred(), time.monotonic()
    write(path, patch)
    took, after = time.monotonic() - began, transferred()
    assert took < 1
    assert path.stat().st_size == patch.new_size
    if before and after:
        assert after[0] - before[0] < 1 << 20
        assert after[1] - before[1] < 1 << 20
    with path.open("rb") as file:
        for splice in patch.splices:
            file.seek(splice.offset)
            assert file.read(len(splice.data)) == splice.data


def transferred() -> tuple[int, ...]:
    """Bytes that this process has read and written by system calls, where the system counts them."""
    try:
        lines = Path("/proc/self/io").read_text().split("\n")
    except OSError:
        return ()
    counts = dict(line.split(": ") for line in lines if line)
    return int(counts["rchar"]), int(counts["wchar"])


def test_there_is_nothing_to_recover_where_nothing_was_left(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    before = path.stat()
    assert recover(str(path)) is False
    assert recover(str(tmp_path / "gone")) is False
    assert recover(str(path / "below a file")) is False
    assert sweep(str(tmp_path)) == 0
    assert path.stat() == before
