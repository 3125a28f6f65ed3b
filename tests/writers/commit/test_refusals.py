"""When writing is refused: one named error, the file untouched, nothing left beside it.

Not here: what is refused before anything is written (tests/writers/plan).
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from immich_meta_writers.commit import Stamp, access_error, commit, create, set_mtime
from immich_meta_writers.errors import AccessError, ChangedError
from immich_meta_writers.patch import Patch, Splice
from tests.places import small_disk
from tests.writers.commit.children import NOBODY, as_nobody, in_child
from tests.writers.commit.test_commit import NEW, OLD, PATCH, fresh, stamp, write


def state(folder: Path) -> dict[str, object]:
    return {
        name: (status.st_ino, status.st_mtime_ns, status.st_mode, (folder / name).read_bytes())
        for name in sorted(os.listdir(folder))
        for status in ((folder / name).stat(),)
    }


# -- changed between reading and writing ------------------------------------------------------------------------------


def _edited(path: Path) -> None:
    path.write_bytes(b"edited")


def _touched(path: Path) -> None:
    os.utime(path)


def _replaced(path: Path) -> None:
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def _made_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES = [_edited, _touched, _replaced, _made_a_pipe]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = fresh(tmp_path)
    seen = stamp(path)
    change(path)
    before = path.lstat()
    with pytest.raises(ChangedError) as raised:
        commit(str(path), PATCH, seen, 7)
    assert raised.value.path == str(path)
    with pytest.raises(ChangedError) as raised:
        set_mtime(str(path), seen, 7)
    assert raised.value.path == str(path)
    assert (path.lstat().st_ino, path.lstat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_a_file_that_is_gone_is_an_access_error(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    seen = stamp(path)
    path.unlink()
    with pytest.raises(AccessError, match="no such file"):
        commit(str(path), PATCH, seen)
    with pytest.raises(AccessError, match="no such file"):
        set_mtime(str(path), seen, 7)
    assert os.listdir(tmp_path) == []


def test_a_file_that_became_a_directory_is_an_access_error(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    seen = stamp(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(AccessError):
        commit(str(path), PATCH, seen)


def test_a_file_that_shrinks_while_it_is_copied_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    seen = stamp(path)

    def shrink(*_: object) -> int:
        os.truncate(path, 100)
        raise OSError(errno.EXDEV, "not between these")

    monkeypatch.setattr(os, "copy_file_range", shrink, raising=False)
    with pytest.raises(ChangedError, match="shorter"):
        commit(str(path), PATCH, seen)
    assert path.read_bytes() == OLD[:100]
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_a_file_that_changes_while_it_is_copied_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh(tmp_path)
    seen = stamp(path)

    def edit(*_: object) -> int:
        path.write_bytes(OLD[::-1])
        raise OSError(errno.EXDEV, "not between these")

    monkeypatch.setattr(os, "copy_file_range", edit, raising=False)
    with pytest.raises(ChangedError):
        commit(str(path), PATCH, seen)
    assert path.read_bytes() == OLD[::-1]
    assert os.listdir(tmp_path) == ["photo.jpg"]


# -- no permission ----------------------------------------------------------------------------------------------------


def refused(path: Path, act: Callable[[], object]) -> str:
    """The cause of the AccessError that an ordinary user gets; nothing has changed."""
    before = state(path.parent)
    answer = as_nobody(act)
    assert answer is not None
    kind, cause, place = answer
    assert (kind, place) == ("access", str(path))
    assert state(path.parent) == before
    return cause


@pytest.mark.usefixtures("as_root")
def test_another_users_file_is_refused(open_folder: Path) -> None:
    path = fresh(open_folder)
    path.chmod(0o666)
    assert "owner" in refused(path, lambda: write(path))
    refused(path, lambda: set_mtime(str(path), stamp(path), 7))


def test_a_read_only_file_is_refused_although_a_rename_would_replace_it(open_folder: Path) -> None:
    path = fresh(open_folder)
    path.chmod(0o444)
    _give(path)
    assert "read-only" in refused(path, lambda: write(path))
    assert "read-only" in refused(path, lambda: set_mtime(str(path), stamp(path), 7))


def test_an_unreadable_file_is_refused(open_folder: Path) -> None:
    path = fresh(open_folder)
    seen = stamp(path)
    path.chmod(0o200)
    _give(path)
    before = path.stat()
    answer = as_nobody(lambda: commit(str(path), PATCH, seen))
    assert answer is not None
    assert (answer[0], path.stat()) == ("access", before)


def test_a_folder_that_cannot_be_written_to_is_refused(open_folder: Path) -> None:
    path = fresh(open_folder)
    _give(path)
    open_folder.chmod(0o555)
    assert "permission" in refused(path, lambda: write(path))
    made = open_folder / "made"
    answer = as_nobody(lambda: create(str(made), b"x", path.stat()))
    assert answer is not None
    assert answer[0] == "access"
    open_folder.chmod(0o777)
    assert os.listdir(open_folder) == ["photo.jpg"]


def test_a_folder_that_cannot_be_listed_is_no_obstacle(open_folder: Path) -> None:
    from immich_meta_writers.commit import sync_directory

    path = fresh(open_folder)
    _give(path)
    open_folder.chmod(0o333)

    def act() -> None:
        write(path)
        sync_directory(str(open_folder))

    assert as_nobody(act) is None
    open_folder.chmod(0o777)
    assert path.read_bytes() == NEW


@pytest.mark.usefixtures("as_root")
def test_an_ordinary_user_may_write_beside_another_users_photo(open_folder: Path) -> None:
    photo = fresh(open_folder)
    made = open_folder / "made"
    assert as_nobody(lambda: create(str(made), b"<x/>", photo.stat())) is None
    assert made.stat().st_uid == NOBODY


@pytest.mark.usefixtures("as_root")
def test_an_immutable_file_is_refused(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    try:
        subprocess.run(["chattr", "+i", str(path)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no immutable files here")
    try:
        with pytest.raises(AccessError):
            write(path)
        assert path.read_bytes() == OLD
        assert os.listdir(tmp_path) == ["photo.jpg"]
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


# -- no space ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for one photo and a half."""
    with small_disk(tmp_path, "64k") as folder:
        yield folder


def test_a_full_disk_is_one_error_and_the_file_is_untouched(tiny_disk: Path) -> None:
    content = bytes(40_000)
    path = fresh(tiny_disk, content=content)
    before = state(tiny_disk)
    with pytest.raises(AccessError) as raised:
        write(path, Patch(len(content), (Splice(0, 1, b"x"),)))
    assert "space" in raised.value.cause
    assert "space" in raised.value.cure
    assert state(tiny_disk) == before
    with pytest.raises(AccessError):
        create(str(tiny_disk / "made"), bytes(60_000), path.stat())
    assert state(tiny_disk) == before


def test_a_limit_of_file_sizes_is_one_error_and_the_file_is_untouched(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = fresh(tmp_path)
    before = state(tmp_path)
    limit = len(OLD) // 2

    answer = in_child(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)), lambda: write(path))
    assert answer is not None
    assert (answer[0], answer[2]) == ("access", str(path))
    assert state(tmp_path) == before


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_the_usual_refusals_come_with_a_cure(number: int) -> None:
    error = access_error(OSError(number, os.strerror(number)), "photo.jpg")
    assert (error.kind, error.path) == ("access", "photo.jpg")
    assert error.cure


def test_an_error_without_words_is_still_one() -> None:
    assert access_error(OSError("odd"), "photo.jpg").cause == "odd"


def test_a_stamp_is_what_tells_files_apart(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    status = path.stat()
    expected = Stamp(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)
    assert Stamp.of(status) == expected
