"""A new file is read back before it takes the old one's place: one wrong byte, and it does not.

Not here: files in place (test_in_place.py).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from immich_meta_writers.commit import commit, create
from immich_meta_writers.commit.read_back import CHUNK_BYTES
from immich_meta_writers.commit.undo import Undo
from immich_meta_writers.errors import AccessError
from immich_meta_writers.patch import Patch, Splice
from tests.writers.commit.test_commit import LONG_AGO, fresh, stamp

SIZE = 2 * CHUNK_BYTES + 1000
CONTENT = random.Random(3).randbytes(SIZE)
HEAD, MIDDLE = Splice(100, 10, b"longer" * 9), Splice(CHUNK_BYTES, 5, b"")
PATCH = Patch(SIZE, (HEAD, MIDDLE))
NEW_SIZE = PATCH.new_size
PLACES = {
    "the first byte": 0,
    "before the patch": 99,
    "the patch's first byte": 100,
    "the patch's last byte": 153,
    "behind the patch": 154,
    "at a chunk's end": 154 + CHUNK_BYTES,
    "the last byte": NEW_SIZE - 1,
}


def disturbed(folder: Path, disturb: Callable[[Path], None]) -> Callable[[str], None]:
    """A disk that returns something else than it was given."""

    def on_step(step: str) -> None:
        if step == "flushed":
            (temporary,) = folder.glob(".immich-meta-*.tmp")
            disturb(temporary)

    return on_step


def flip(offset: int) -> Callable[[Path], None]:
    def disturb(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            (byte,) = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ 4]))

    return disturb


def refused(path: Path, disturb: Callable[[Path], None], *, is_kept: bool = True) -> AccessError:
    kept: list[Undo] = []
    on_step, keep = disturbed(path.parent, disturb), kept.append if is_kept else None
    with pytest.raises(AccessError) as raised:
        commit(str(path), PATCH, stamp(path), keep=keep, on_step=on_step)
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mtime_ns == LONG_AGO
    assert os.listdir(path.parent) == [path.name]
    assert kept == []
    assert raised.value.path == str(path)
    return raised.value


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("is_kept", [True, False])
def test_one_wrong_byte_anywhere_is_seen(tmp_path: Path, place: str, is_kept: bool) -> None:
    error = refused(fresh(tmp_path, content=CONTENT), flip(PLACES[place]), is_kept=is_kept)
    assert "did not read back as it was written" in error.cause
    assert "disk" in error.cure
    assert error.place.startswith("offset ")


@pytest.mark.parametrize("size", [0, 120, CHUNK_BYTES, NEW_SIZE - 1, NEW_SIZE + 1])
def test_another_length_is_seen(tmp_path: Path, size: int) -> None:
    refused(fresh(tmp_path, content=CONTENT), lambda path: os.truncate(path, size))


def test_a_new_file_is_read_back_too(tmp_path: Path) -> None:
    photo = fresh(tmp_path)
    for disturb in (flip(0), flip(3), lambda path: os.truncate(path, 3), lambda path: os.truncate(path, 5)):
        with pytest.raises(AccessError) as raised:
            create(str(tmp_path / "made"), b"<x/>", photo.stat(), on_step=disturbed(tmp_path, disturb))
        assert "did not read back" in raised.value.cause
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_a_file_that_only_its_group_may_read_is_read_back(tmp_path: Path) -> None:
    """The new file has got the rights of the old one before it is read."""
    path = fresh(tmp_path, content=CONTENT)
    path.chmod(0o640)
    commit(str(path), PATCH, stamp(path))
    assert path.read_bytes() == PATCH.apply(CONTENT)
