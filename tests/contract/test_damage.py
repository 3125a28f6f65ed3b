"""Damaged files: one named error each and the file untouched, or a plan that holds.

Not here: the parsers' own tests, at every byte.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Union

import pytest

from fixtures.catalogue import ALL, CHAPTERS, Fixture
from fixtures.values import EVERYTHING
from immich_meta_writers import Plan, PlanOptions, WriterError, WriteTo, plan
from immich_meta_writers.errors import AccessError, DamagedError, EmptyFileError
from tests.contract.cases import PLAIN, digest, original
from tests.contract.skeletons import segments

FLIPS = 12


def _place(fixture: Fixture, folder: Path) -> tuple[Path, Path, PlanOptions]:
    """(file to damage, photo to plan for, options)."""
    path = folder / fixture.name
    path.write_bytes(original(fixture.name))
    if not fixture.name.endswith(".xmp"):
        return path, path, PlanOptions(xmp_engine="builtin", write_to=WriteTo.EMBED)
    photo = path.with_suffix("")
    photo.write_bytes(original(PLAIN))
    return path, photo, PlanOptions(xmp_engine="builtin", write_to=WriteTo.SIDECAR)


def _attempt(photo: Path, options: PlanOptions) -> Union[Plan, WriterError]:
    """The plan, or the error that refuses it; any other error is a failure."""
    try:
        return plan(photo, EVERYTHING, options)
    except WriterError as error:
        return error


def _try(path: Path, photo: Path, options: PlanOptions) -> None:
    """Either the file can be written and a second plan is empty, or an error says why not and names the file."""
    before = digest(path)
    outcome = _attempt(photo, options)
    assert digest(path) == before
    if isinstance(outcome, WriterError):
        assert outcome.path
        assert outcome.cause
        return
    outcome.apply()
    assert plan(photo, EVERYTHING, options).is_empty


# A box of size 0 ends where the file ends, and what stands behind the last structure may be cut off.
OPEN_ENDED = ("open-mdat.mp4", "open-ended.jxl", "bare.jxl")


def _picture_ends(fixture: Fixture) -> int:
    """Where a JPEG's scan begins: a file that is cut behind that may be taken for a whole one."""
    data = original(fixture.name)
    return len(data) - len(segments(data)[1]) if fixture.ending == "jpg" else 0


@pytest.mark.parametrize("fixture", ALL, ids=lambda fixture: fixture.name)
def test_truncated_at_every_percent(fixture: Fixture, tmp_path: Path) -> None:
    path, photo, options = _place(fixture, tmp_path)
    size, scan = path.stat().st_size, _picture_ends(fixture)
    for percent in range(99, -1, -1):
        os.truncate(path, size * percent // 100)
        before = digest(path)
        outcome = _attempt(photo, options)
        if isinstance(outcome, WriterError):
            assert outcome.path is not None
            assert outcome.path.startswith(str(photo))
        else:
            assert not outcome.is_empty
            assert path.stat().st_size > scan, "a photo without its scan was taken for a whole one"
        assert digest(path) == before


@pytest.mark.parametrize("fixture", ALL, ids=lambda fixture: fixture.name)
def test_random_bytes_flipped(fixture: Fixture, tmp_path: Path) -> None:
    path, photo, options = _place(fixture, tmp_path)
    data = path.read_bytes()
    head = _picture_ends(fixture) or len(data)
    dice = random.Random(fixture.name)
    for _ in range(FLIPS):
        damaged = bytearray(data)
        for _ in range(dice.choice((1, 1, 2, 8))):
            damaged[dice.randrange(head)] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        _try(path, photo, options)


HALVED = tuple(
    fixture
    for title, fixtures in CHAPTERS.items()
    for fixture in fixtures
    if title not in ("JPEG", "Sidecars") and fixture.name not in OPEN_ENDED
)


@pytest.mark.parametrize("fixture", HALVED, ids=lambda fixture: fixture.name)
def test_half_a_file_is_no_file(fixture: Fixture, tmp_path: Path) -> None:
    """Whatever of its structure is left: that there was more is noticed, and no sidecar hides it."""
    path, photo, options = _place(fixture, tmp_path)
    os.truncate(path, path.stat().st_size // 2)
    for write_to in (WriteTo.EMBED, WriteTo.AUTO):
        with pytest.raises(DamagedError):
            plan(photo, EVERYTHING, replace(options, write_to=write_to))


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    with pytest.raises(EmptyFileError):
        plan(path, EVERYTHING)


@pytest.mark.parametrize(
    "content", [original(PLAIN)[:-2], b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff", b"\xff" * 4000, b"<html>"]
)
def test_no_photo_at_all_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    before = digest(path)
    with pytest.raises(WriterError):
        plan(path, EVERYTHING, PlanOptions(write_to=WriteTo.EMBED)).apply()
    assert digest(path) == before


def test_a_directory_and_a_pipe_are_named(tmp_path: Path) -> None:
    directory, pipe = tmp_path / "directory.jpg", tmp_path / "pipe.jpg"
    directory.mkdir()
    os.mkfifo(pipe)
    for path in (directory, pipe, tmp_path / "missing.jpg"):
        with pytest.raises(AccessError):
            plan(path, EVERYTHING)


def test_a_damaged_photo_gets_no_sidecar_unless_one_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(original(PLAIN)[:100])
    with pytest.raises(WriterError):
        plan(path, EVERYTHING)
    assert os.listdir(tmp_path) == ["photo.jpg"]
    plan(path, EVERYTHING, PlanOptions(write_to=WriteTo.SIDECAR)).apply()
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]
    assert path.read_bytes() == original(PLAIN)[:100]


def test_a_trailer_that_counts_from_the_start_takes_the_sidecar(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(original("afcp-trailer.jpg"))
    plan(path, EVERYTHING).apply()
    assert path.read_bytes() == original("afcp-trailer.jpg")
    assert plan(path, EVERYTHING).is_empty
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]


def test_a_name_that_lies_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(original("exif-big-endian.jpg"))
    plan(path, EVERYTHING).apply()
    assert plan(path, EVERYTHING).is_empty
    assert os.listdir(tmp_path) == ["photo.heic"]
