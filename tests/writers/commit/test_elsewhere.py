"""Systems that lack something: attributes, owners, locks, directories that can be flushed.

Not here: what this system can really do (test_commit.py, test_refusals.py).
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from immich_meta_writers.commit import Stamp, commit, create, sweep, sync_directory
from immich_meta_writers.errors import AccessError
from immich_meta_writers.undo import Found, Undo, revert
from tests.writers.commit.test_commit import NEW, OLD, PATCH, fresh, set_attribute, write


def failing(number: int, when: Callable[..., bool] = lambda *_: True) -> Callable[..., None]:
    def fail(*arguments: object, **_: object) -> None:
        if when(*arguments):
            raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_attributes_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = fresh(tmp_path)
    monkeypatch.setattr(os, "listxattr", failing(number), raising=False)
    write(path)
    assert path.read_bytes() == NEW


def test_attributes_that_cannot_be_read_are_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    monkeypatch.setattr(os, "listxattr", failing(errno.EIO), raising=False)
    _refused(path)


@pytest.mark.skipif(sys.platform != "linux", reason="extended attributes of Linux")
def test_an_attribute_that_cannot_be_set_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    set_attribute(path, "user.colour", b"red")
    monkeypatch.setattr(os, "setxattr", failing(errno.ENOSPC))
    _refused(path)


@pytest.mark.skipif(sys.platform != "linux", reason="extended attributes of Linux")
def test_the_systems_own_attributes_are_left_to_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    monkeypatch.setattr(os, "listxattr", lambda file: ["security.selinux"])
    monkeypatch.setattr(os, "getxattr", lambda file, name: b"label")
    monkeypatch.setattr(os, "setxattr", failing(errno.EPERM))
    write(path)
    assert path.read_bytes() == NEW


def test_an_owner_that_cannot_be_kept_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    monkeypatch.setattr(os, "fstat", _of_another_user(os.fstat, path.stat().st_ino))
    monkeypatch.setattr(os, "fchown", failing(errno.EPERM))
    _refused(path)


def _of_another_user(fstat: Callable[[int], os.stat_result], inode: int) -> Callable[[int], os.stat_result]:
    def seen(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        return (
            os.stat_result((*status[:4], 4321, *status[5:]), {"st_mtime_ns": status.st_mtime_ns})
            if (status.st_ino == inode)
            else status
        )

    return seen


def _refused(path: Path) -> None:
    with pytest.raises(AccessError):
        write(path)
    assert path.read_bytes() == OLD
    assert os.listdir(path.parent) == [path.name]


def test_a_system_without_owners_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    monkeypatch.delattr(os, "fchown")
    write(path)
    create(str(tmp_path / "made"), b"x", path.stat())
    assert sorted(os.listdir(tmp_path)) == ["made", "photo.jpg"]


def test_a_system_with_other_attributes_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    write(path)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_flush_a_directory_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", failing(number))
    sync_directory(str(tmp_path))


def test_a_directory_that_fails_to_flush_is_not_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(AccessError) as raised:
        sync_directory(str(tmp_path))
    assert raised.value.path == str(tmp_path)


def test_without_posix_nothing_is_locked_or_flushed_and_orphans_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = fresh(tmp_path), str(tmp_path)
    orphan = tmp_path / ".immich-meta-1-ab.tmp"
    orphan.write_bytes(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        sync_directory(folder + "-that-is-not-there")
        removed = sweep(folder)
    assert removed == 1
    assert os.listdir(tmp_path) == [path.name]


def test_a_system_that_reads_only_where_the_file_stands_writes_and_takes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fresh(tmp_path)
    kept: list[Undo] = []
    monkeypatch.delattr(os, "pread")
    commit(str(path), PATCH, Stamp.of(path.stat()), keep=kept.append)
    assert path.read_bytes() == NEW
    assert revert(kept[0]) is Found.NEW
    assert path.read_bytes() == OLD
