"""Commit: the new bytes, and everything else about the file as it was.

Not here: refusals (test_refusals.py), killed processes (test_kill.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
from pathlib import Path

import pytest
from hypothesis import given

from immich_meta_writers.commit import Stamp, commit, create, set_mtime, sweep, sync_directory
from immich_meta_writers.commit.replacement import temporary_file
from immich_meta_writers.errors import ChangedError
from immich_meta_writers.patch import Patch, Splice
from tests.writers.commit.children import NOBODY
from tests.writers.commit.test_patch import patched

OLD = bytes(range(256)) * 40
PATCH = Patch(len(OLD), (Splice(0, 10, b"head"), Splice(5000, 0, b"new" * 100), Splice(len(OLD) - 1, 1, b"")))
NEW = PATCH.apply(OLD)
LONG_AGO = 1_234_567_890_123_456_789


def fresh(folder: Path, name: str = "photo.jpg", content: bytes = OLD) -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


def stamp(path: Path) -> Stamp:
    return Stamp.of(path.stat())


def write(path: Path, patch: Patch = PATCH, **options: int) -> None:
    commit(str(path), patch, stamp(path), **options)


def test_the_file_has_the_new_bytes_and_its_folder_nothing_else(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    write(path)
    assert path.read_bytes() == NEW
    assert os.listdir(tmp_path) == ["photo.jpg"]


@given(case=patched())
def test_any_patch_is_written_as_it_applies(tmp_path: Path, case: tuple[bytes, Patch]) -> None:
    old, patch = case
    path = fresh(tmp_path, content=old)
    write(path, patch)
    assert path.read_bytes() == patch.apply(old)


@pytest.mark.parametrize("mtime_ns", [0, -86_400_000_000_000, 1_700_000_000_123_000_000, 4_000_000_000_000_000_000])
def test_the_modification_time_is_the_given_one(tmp_path: Path, mtime_ns: int) -> None:
    path = fresh(tmp_path)
    write(path, mtime_ns=mtime_ns)
    assert path.stat().st_mtime_ns == mtime_ns


def test_without_one_it_is_now(tmp_path: Path) -> None:
    path, clock = fresh(tmp_path), fresh(tmp_path, "clock")
    os.utime(clock)
    write(path)
    assert path.stat().st_mtime_ns >= clock.stat().st_mtime_ns - 1_000_000_000


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o664, 0o777, 0o640, 0o2755])
def test_the_mode_stays(tmp_path: Path, mode: int) -> None:
    path = fresh(tmp_path)
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.usefixtures("as_root")
def test_owner_and_group_stay(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    os.chown(path, NOBODY, 12345)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (NOBODY, 12345)


def acl(*entries: tuple[int, int, int]) -> bytes:
    """A POSIX ACL as Linux keeps it (posix_acl_xattr.h): tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


USER_OBJ, USER, GROUP_OBJ, MASK, OTHER, NO_ID = 1, 2, 4, 16, 32, 0xFFFFFFFF
FOR_ONE_MORE = acl((USER_OBJ, 6, NO_ID), (USER, 6, 1234), (GROUP_OBJ, 4, NO_ID), (MASK, 6, NO_ID), (OTHER, 4, NO_ID))


def set_attribute(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except (AttributeError, OSError) as error:
        pytest.skip(f"no {name} here: {error}")


def attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def test_extended_attributes_and_acls_stay(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    set_attribute(path, "user.colour", b"red")
    set_attribute(path, "system.posix_acl_access", FOR_ONE_MORE)
    before, mode = attributes(path), path.stat().st_mode
    write(path)
    assert attributes(path) == before
    assert path.stat().st_mode == mode


def test_an_acl_that_the_folder_hands_down_is_not_given_to_a_file_without_one(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    path.chmod(0o644)
    set_attribute(tmp_path, "system.posix_acl_default", FOR_ONE_MORE)
    write(path)
    assert attributes(path) == {}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = fresh(tmp_path / "elsewhere")
    link = tmp_path / "link.jpg"
    link.symlink_to(path)
    write(link)
    assert link.is_symlink()
    assert path.read_bytes() == NEW
    assert os.listdir(tmp_path / "elsewhere") == ["photo.jpg"]


def test_another_hard_link_keeps_the_old_bytes(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    os.link(path, tmp_path / "other")
    write(path)
    assert (tmp_path / "other").read_bytes() == OLD


def test_a_path_without_a_folder_is_in_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    monkeypatch.chdir(tmp_path)
    write(Path("photo.jpg"))
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("kernel", ["absent", "refuses", "stops"])
def test_where_the_kernel_cannot_copy_bytes_go_through_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "not between these")

    if kernel == "absent":
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    else:
        monkeypatch.setattr(os, "copy_file_range", refuse if kernel == "refuses" else lambda *_: 0, raising=False)
    path = fresh(tmp_path)
    write(path)
    assert path.read_bytes() == NEW


# -- create, set_mtime, sync ------------------------------------------------------------------------------------------


def test_a_new_file_is_made_beside_the_photo_with_its_read_rights(tmp_path: Path) -> None:
    photo = fresh(tmp_path)
    photo.chmod(0o754)
    made = tmp_path / "photo.jpg.xmp"
    create(str(made), b"<x/>", photo.stat(), LONG_AGO)
    assert made.read_bytes() == b"<x/>"
    assert stat.S_IMODE(made.stat().st_mode) == 0o644
    assert made.stat().st_mtime_ns == LONG_AGO
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]


def test_a_sidecar_of_a_read_only_photo_can_be_written_again(tmp_path: Path) -> None:
    photo = fresh(tmp_path)
    photo.chmod(0o444)
    create(str(tmp_path / "made"), b"<x/>", photo.stat())
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o644


@pytest.mark.usefixtures("as_root")
def test_a_new_file_belongs_to_the_photos_owner(tmp_path: Path) -> None:
    photo = fresh(tmp_path)
    os.chown(photo, NOBODY, 12345)
    create(str(tmp_path / "made"), b"<x/>", photo.stat())
    assert ((tmp_path / "made").stat().st_uid, (tmp_path / "made").stat().st_gid) == (NOBODY, 12345)


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_never_replaces_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    photo, there = fresh(tmp_path), fresh(tmp_path, "there", b"foreign")
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    with pytest.raises(ChangedError) as raised:
        create(str(there), b"<x/>", photo.stat())
    assert raised.value.path == str(there)
    assert there.read_bytes() == b"foreign"
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "there"]


def test_where_there_are_no_hard_links_a_new_file_is_made_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _no_links)
    create(str(tmp_path / "made"), b"<x/>", fresh(tmp_path).stat())
    assert (tmp_path / "made").read_bytes() == b"<x/>"
    assert sorted(os.listdir(tmp_path)) == ["made", "photo.jpg"]


def _no_links(*_: object) -> None:
    raise OSError(errno.EPERM, "this file system has no links")


def test_only_the_modification_time_is_set(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    before = path.stat()
    set_mtime(str(path), stamp(path), 1_700_000_000_000_000_000)
    after = path.stat()
    assert after.st_mtime_ns == 1_700_000_000_000_000_000
    assert (after.st_ino, after.st_atime_ns, path.read_bytes()) == (before.st_ino, before.st_atime_ns, OLD)


def test_a_directory_can_be_made_durable(tmp_path: Path) -> None:
    sync_directory(str(tmp_path))
    sync_directory(str(tmp_path / "gone"))  # with it went what there was to flush


# -- sweep ------------------------------------------------------------------------------------------------------------


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (".immich-meta-1-ab.tmp", ".immich-meta-2-cd.tmp", "photo.jpg", ".immich-meta.json", "x.tmp"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".immich-meta-folder.tmp").mkdir()
    (tmp_path / ".immich-meta-link.tmp").symlink_to(tmp_path / "photo.jpg")
    assert sweep(str(tmp_path)) == 2
    left = {".immich-meta-folder.tmp", ".immich-meta-link.tmp", ".immich-meta.json", "photo.jpg", "x.tmp"}
    assert set(os.listdir(tmp_path)) == left


def test_a_temporary_file_that_somebody_writes_to_stays(tmp_path: Path) -> None:
    with temporary_file(str(tmp_path)) as live:
        assert sweep(str(tmp_path)) == 0
        assert os.path.exists(live.path)
    assert os.listdir(tmp_path) == []


def test_sweeping_a_folder_that_is_not_there_removes_nothing(tmp_path: Path) -> None:
    assert sweep(str(tmp_path / "gone")) == 0


def test_a_temporary_file_is_hidden_and_no_picture_by_its_name(tmp_path: Path) -> None:
    with temporary_file(str(tmp_path)) as temporary:
        name = temporary.path
        assert os.path.basename(name).startswith(".")
        assert name.endswith(".tmp")
        assert stat.S_IMODE(os.fstat(temporary.descriptor).st_mode) == 0o600
    with contextlib.suppress(FileNotFoundError):
        os.stat(name)
        pytest.fail("it is still there")
