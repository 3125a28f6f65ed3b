"""The check of the library's directories before a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from immich_meta.errors import PathsError
from immich_meta.path_map import parse_path_map
from immich_meta.sync.path_check import check_library


def _photos(path: Path) -> Path:
    path.mkdir()
    (path / "a.jpg").touch()
    return path


def test_a_directory_with_something_in_it_is_fine(tmp_path: Path) -> None:
    check_library((), str(_photos(tmp_path / "photos")))


def _missing(path: Path) -> None:
    """Nothing there."""


def _file(path: Path) -> None:
    path.touch()


def _empty(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "reason"), [(_missing, "does not exist"), (_file, "is not a directory"), (_empty, "is empty")]
)
@pytest.mark.parametrize("mapped", [False, True])
def test_an_unusable_directory_is_explained(tmp_path: Path, make: object, reason: str, mapped: bool) -> None:
    path = tmp_path / "photos"
    assert callable(make)
    make(path)
    rules = parse_path_map(f"/data={path}") if mapped else ()
    with pytest.raises(PathsError, match=reason) as caught:
        check_library(rules, "/nowhere" if mapped else str(path))
    assert caught.value.exit_code == 2
    assert str(path) in str(caught.value)
    assert ("IMMICH_PATH_MAP" if mapped else "IMMICH_PHOTO_DIR") in str(caught.value)


def test_with_a_map_every_target_is_looked_at_and_the_photo_directory_is_not(tmp_path: Path) -> None:
    good = _photos(tmp_path / "good")
    check_library(parse_path_map(f"/data={good}"), "/nowhere")
    with pytest.raises(PathsError) as caught:
        check_library(parse_path_map(f"/data={good};/mnt={tmp_path}/gone"), "/nowhere")
    assert f"the directory {tmp_path}/gone does not exist (correct the pair /mnt={tmp_path}/gone;" in str(caught.value)


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_an_unreadable_directory_is_explained(tmp_path: Path) -> None:
    path = _photos(tmp_path / "photos")
    path.chmod(0)
    try:
        with pytest.raises(PathsError, match="no permission"):
            check_library((), str(path))
    finally:
        path.chmod(0o700)


def test_a_name_that_is_too_long_is_explained() -> None:
    with pytest.raises(PathsError, match="cannot be read"):
        check_library((), "/" + "x" * 5000)
