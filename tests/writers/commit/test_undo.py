"""A change that is taken back: the old bytes, time, mode and attributes; and nothing is done to what changed since.

Not here: killed processes (test_steps_killed.py), the value's bytes (test_undo_bytes.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128

from immich_meta_writers.commit import Stamp, commit, create, set_mtime
from immich_meta_writers.errors import AccessError, ChangedError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.undo import Found, How, Undo, decode, encode, found, revert
from tests.writers.commit.children import as_nobody
from tests.writers.commit.large import ENDS, FIRST, make
from tests.writers.commit.test_commit import (
    FOR_ONE_MORE,
    LONG_AGO,
    NEW,
    OLD,
    PATCH,
    attributes,
    fresh,
    set_attribute,
    stamp,
)
from tests.writers.commit.test_patch import patched

NEWER = 1_600_000_000_987_000_000
mtimes = st.none() | st.integers(1, 1 << 61)


def written(path: Path, patch: Patch = PATCH, mtime_ns: Optional[int] = NEWER) -> Undo:
    kept: list[Undo] = []
    commit(str(path), patch, stamp(path), mtime_ns, keep=kept.append)
    (undo,) = kept
    assert decode(encode(undo)) == undo
    return undo


def touched(path: Path) -> Undo:
    kept: list[Undo] = []
    set_mtime(str(path), stamp(path), NEWER, keep=kept.append)
    return kept[0]


def created(path: Path, content: bytes = b"<x/>") -> Undo:
    kept: list[Undo] = []
    create(str(path), content, path.parent.stat(), NEWER, keep=kept.append)
    return kept[0]


def facts(path: Path) -> tuple[object, ...]:
    """All that reading a file does not change."""
    status = path.stat()
    return path.read_bytes(), status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode


def left_alone(path: Path, undo: Undo, expected: Found) -> None:
    before = facts(path)
    assert revert(undo) is expected
    assert facts(path) == before


# -- taken back -------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(patched(), mtimes)
def test_any_patch_is_taken_back(tmp_path: Path, case: tuple[bytes, Patch], mtime_ns: Optional[int]) -> None:
    old, patch = case
    assume(patch.apply(old) != old)
    path = fresh(tmp_path, content=old)
    undo = written(path, patch, mtime_ns)
    assert found(undo) is Found.NEW
    assert revert(undo) is Found.NEW
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (old, LONG_AGO)
    left_alone(path, undo, Found.OLD)
    assert os.listdir(tmp_path) == ["photo.jpg"]


@settings(max_examples=50)
@given(patched(), st.data())
def test_an_edit_of_any_byte_is_seen(tmp_path: Path, case: tuple[bytes, Patch], data: st.DataObject) -> None:
    old, patch = case
    path = fresh(tmp_path, content=old)
    undo = written(path, patch)
    content = bytearray(path.read_bytes())
    assume(content)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assume(content != old)
    path.write_bytes(content)
    os.utime(path, ns=(NEWER, NEWER))
    left_alone(path, undo, Found.OTHER)


@settings(max_examples=50)
@given(patched(), st.data())
def test_a_file_that_became_longer_or_shorter_is_left_alone(
    tmp_path: Path, case: tuple[bytes, Patch], data: st.DataObject
) -> None:
    old, patch = case
    path = fresh(tmp_path, content=old)
    undo = written(path, patch)
    new = path.read_bytes()
    edited = data.draw(st.binary(max_size=3)).join([new[: data.draw(st.integers(0, len(new)))], b"!"])
    assume(edited not in (new, old))
    path.write_bytes(edited)
    left_alone(path, undo, Found.OTHER)


def test_what_is_kept_says_all_of_the_file_before_and_after(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    seen = stamp(path)
    undo = written(path)
    outside = OLD[10:5000] + OLD[5000:-1]
    assert undo == Undo(
        os.path.realpath(path),
        How.REPLACED,
        PATCH.invert(lambda offset, length: OLD[offset : offset + length]),
        seen,
        PATCH.digest(),
        xxh3_128(outside).digest(),
        NEWER,
    )


def test_mode_attributes_and_acls_are_as_before(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    path.chmod(0o640)
    set_attribute(path, "user.colour", b"red")
    set_attribute(path, "system.posix_acl_access", FOR_ONE_MORE)
    before, mode = attributes(path), path.stat().st_mode
    undo = written(path)
    assert revert(undo) is Found.NEW
    assert (attributes(path), path.stat().st_mode) == (before, mode)


def test_a_patch_that_makes_the_very_same_bytes_is_taken_back_once(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    undo = written(path, Patch(len(OLD), (Splice(5, 3, OLD[5:8]),)))
    assert revert(undo) is Found.NEW
    assert path.stat().st_mtime_ns == LONG_AGO
    left_alone(path, undo, Found.OLD)


@pytest.mark.skipif(os.name != "posix", reason="in place only where there are locks")
@pytest.mark.parametrize("end", ENDS)
def test_a_change_in_place_is_taken_back_in_place(tmp_path: Path, end: str) -> None:
    path, patch = make(tmp_path / "movie.mov"), ENDS[end]
    inode = path.stat().st_ino
    undo = written(path, patch)
    assert (undo.how, undo.outside) == (How.IN_PLACE, None)
    assert len(encode(undo)) < 20_000
    assert revert(undo) is Found.NEW
    assert path.read_bytes() == FIRST
    assert path.stat().st_mtime_ns == LONG_AGO
    assert path.stat().st_ino == inode or end in ("shrinks", "loses its tail")  # then it is not large any more
    assert found(undo) is Found.OLD


@pytest.mark.skipif(os.name != "posix", reason="in place only where there are locks")
def test_an_edit_of_what_was_changed_in_place_is_seen(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    undo = written(path, ENDS["stays"])
    with path.open("r+b") as file:
        file.seek(5_000_020)
        file.write(b"!")
    left_alone(path, undo, Found.OTHER)


def test_several_changes_are_taken_back_the_latest_first(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    first = written(path)
    second = written(path, Patch(len(NEW), (Splice(7, 100, b"again"),)), None)
    left_alone(path, first, Found.OTHER)
    assert [revert(second), found(first), revert(first)] == [Found.NEW] * 3
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (OLD, LONG_AGO)


# -- made, touched, moved ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"<x/>", bytes(3_000_000)])
def test_a_file_that_was_made_is_removed(tmp_path: Path, content: bytes) -> None:
    undo = created(tmp_path / "made.xmp", content)
    assert decode(encode(undo)) == undo
    assert found(undo) is Found.NEW
    assert revert(undo) is Found.NEW
    assert os.listdir(tmp_path) == []
    assert revert(undo) is Found.OLD


def test_a_file_that_was_made_and_edited_stays(tmp_path: Path) -> None:
    undo = created(tmp_path / "made.xmp")
    (tmp_path / "made.xmp").write_bytes(b"<y/>")
    left_alone(tmp_path / "made.xmp", undo, Found.OTHER)


def test_a_time_that_was_set_is_set_back(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    undo = touched(path)
    assert decode(encode(undo)) == undo
    assert revert(undo) is Found.NEW
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (OLD, LONG_AGO)
    left_alone(path, undo, Found.OLD)


def test_a_time_on_a_coarse_clock_is_the_one_that_was_set(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    undo = touched(path)
    os.utime(path, ns=(NEWER, NEWER // 2_000_000_000 * 2_000_000_000))  # FAT
    assert revert(undo) is Found.NEW
    assert path.stat().st_mtime_ns == LONG_AGO


@pytest.mark.parametrize("edit", ["time", "size"])
def test_a_time_is_not_set_back_when_the_file_changed(tmp_path: Path, edit: str) -> None:
    path = fresh(tmp_path)
    undo = touched(path)
    path.write_bytes(OLD if edit == "time" else OLD + b"!")
    if edit == "size":
        os.utime(path, ns=(NEWER, NEWER))
    left_alone(path, undo, Found.OTHER)


@pytest.mark.parametrize("make_undo", [written, touched])
def test_a_file_that_is_gone_is_missing(tmp_path: Path, make_undo: Callable[[Path], Undo]) -> None:
    (tmp_path / "folder").mkdir()
    path = fresh(tmp_path / "folder")
    undo = make_undo(path)
    path.unlink()
    assert revert(undo) is Found.MISSING
    (tmp_path / "folder").rmdir()
    assert revert(undo) is Found.MISSING
    (tmp_path / "folder").write_bytes(b"")
    assert revert(undo) is Found.MISSING
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("what", ["link", "folder", "pipe"])
@pytest.mark.parametrize("make_undo", [written, touched, created])
def test_what_is_no_file_any_more_is_left_alone(tmp_path: Path, what: str, make_undo: Callable[[Path], Undo]) -> None:
    path = tmp_path / "photo.jpg" if make_undo is created else fresh(tmp_path)
    undo = make_undo(path)
    path.rename(tmp_path / "moved.jpg")
    if what == "link":
        path.symlink_to(tmp_path / "moved.jpg")
    elif what == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    before = facts(tmp_path / "moved.jpg")
    assert revert(undo) is Found.OTHER
    assert facts(tmp_path / "moved.jpg") == before


def test_through_a_symbolic_link_the_file_is_taken_back_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path, link = fresh(tmp_path / "elsewhere"), tmp_path / "link.jpg"
    link.symlink_to(path)
    undo = written(link)
    assert undo.path == os.path.realpath(path)
    assert revert(undo) is Found.NEW
    assert link.is_symlink()
    assert path.read_bytes() == OLD


def test_another_hard_link_is_never_touched(tmp_path: Path) -> None:
    path, other = fresh(tmp_path), tmp_path / "other.jpg"
    os.link(path, other)
    before = (other.stat().st_ino, OLD)
    undo = written(path)
    assert revert(undo) is Found.NEW
    assert (other.stat().st_ino, other.read_bytes()) == before
    assert path.read_bytes() == OLD


def test_a_copy_that_came_back_from_a_backup_counts_by_its_bytes(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    undo = written(path)
    shutil.copyfile(path, tmp_path / "backup")
    os.replace(tmp_path / "backup", path)
    assert revert(undo) is Found.NEW
    assert path.read_bytes() == OLD


# -- refused ----------------------------------------------------------------------------------------------------------


def test_what_the_file_system_refuses_is_one_error(open_folder: Path) -> None:
    path = fresh(open_folder)
    undo = written(path)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    open_folder.chmod(0o555)
    answer = as_nobody(lambda: revert(undo))
    assert answer is not None
    assert (answer[0], answer[2]) == ("access", undo.path)
    open_folder.chmod(0o777)
    assert path.read_bytes() == NEW


def test_what_cannot_be_read_is_one_error(open_folder: Path) -> None:
    path = fresh(open_folder)
    undo = written(path)
    path.chmod(0)
    answer = as_nobody(lambda: found(undo))
    assert answer is not None
    assert (answer[0], answer[2]) == ("access", undo.path)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device"), ZeroDivisionError])
@pytest.mark.parametrize("large", [False, True])
def test_when_it_cannot_be_kept_nothing_is_written(tmp_path: Path, failure: BaseException, large: bool) -> None:
    path = make(tmp_path / "photo.jpg") if large else fresh(tmp_path)
    before, status = facts(path), path.stat()
    patch = ENDS["grows"] if large else PATCH

    def keep(undo: Undo) -> None:
        assert facts(path) == before
        raise failure

    expected = AccessError if isinstance(failure, OSError) else failure
    seen = stamp(path)
    for act in (
        lambda: commit(str(path), patch, seen, keep=keep),
        lambda: set_mtime(str(path), seen, NEWER, keep=keep),
        lambda: create(str(tmp_path / "made"), b"x", status, keep=keep),
    ):
        with pytest.raises(expected):  # type: ignore[arg-type]
            act()
    assert facts(path) == before
    assert os.listdir(tmp_path) == ["photo.jpg"]


@pytest.mark.parametrize("large", [False, True])
def test_a_file_that_changes_while_it_is_kept_is_not_written(tmp_path: Path, large: bool) -> None:
    """Keeping may wait for a busy store."""
    path = make(tmp_path / "photo.jpg") if large else fresh(tmp_path)
    kept: list[Undo] = []

    def keep(undo: Undo) -> None:
        kept.append(undo)
        with path.open("r+b") as file:
            file.seek(150)
            file.write(b"edited")

    with pytest.raises(ChangedError):
        commit(str(path), ENDS["grows"] if large else PATCH, stamp(path), keep=keep)
    assert path.read_bytes()[150:156] == b"edited"
    assert os.listdir(tmp_path) == ["photo.jpg"]
    assert len(kept) == 1
    left_alone(path, kept[0], Found.OLD if large else Found.OTHER)  # in place it looks at nothing else


def test_what_is_refused_anyway_is_not_kept(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    kept: list[Undo] = []
    stale = Stamp(len(OLD), 1, 1, 1)
    for act in (
        lambda: commit(str(path), PATCH, stale, keep=kept.append),
        lambda: set_mtime(str(path), stale, NEWER, keep=kept.append),
        lambda: create(str(path), b"x", path.stat(), keep=kept.append),
    ):
        with pytest.raises(ChangedError):
            act()
    assert kept == []
