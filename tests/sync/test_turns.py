"""Whose file it is that several users of one run reach."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta.errors import SettingsError
from immich_meta.sync.turns import Earlier, Turn


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    return folder


@pytest.fixture
def mounted_again(tmp_path: Path, library: Path) -> Iterator[Path]:
    """The library, a second time, as containers have it."""
    folder = tmp_path / "again"
    folder.mkdir()
    try:
        subprocess.run(["mount", "--bind", str(library), str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount a folder")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_the_first_of_three_users_is_named(library: Path) -> None:
    anna = Turn().next("anna")
    assert anna.reach(f"{library}/a.jpg") is None
    ben = anna.next("ben")
    assert ben.reach(f"{library}/a.jpg") == Earlier("anna")
    assert ben.reach(f"{library}/b.jpg") is None
    eve = ben.next("eve")
    assert [eve.reach(f"{library}/{name}.jpg") for name in "abc"] == [Earlier("anna"), Earlier("ben"), None]


def test_one_user_alone_is_never_behind_anybody(library: Path) -> None:
    turn = Turn()
    assert [turn.reach(f"{library}/a.jpg") for _ in range(2)] == [None, None]


def test_a_folder_that_is_mounted_twice_is_one(library: Path, mounted_again: Path) -> None:
    anna = Turn().next("anna")
    anna.reach(f"{library}/a.jpg")
    assert anna.next("ben").reach(f"{mounted_again}/a.jpg") == Earlier("anna")


def test_what_a_dry_run_would_write_is_pending(library: Path) -> None:
    anna = Turn().next("anna")
    for name in "ab":
        anna.reach(f"{library}/{name}.jpg")
    anna.would_write(f"{library}/a.jpg")
    ben = anna.next("ben")
    assert ben.reach(f"{library}/a.jpg") == Earlier("anna", is_pending=True)
    assert ben.reach(f"{library}/b.jpg") == Earlier("anna")


def test_what_was_settled_is_known_by_what_marks_it(library: Path) -> None:
    anna = Turn().next("anna")
    anna.left(["10:20:30||"])
    ben = anna.next("ben")
    assert ben.reach(f"{library}/a.jpg", "10:20:30||") == Earlier("anna")
    assert ben.reach(f"{library}/b.jpg", "10:20:31||") is None
    assert ben.reach(f"{library}/c.jpg") is None


def test_one_account_has_one_turn() -> None:
    anna = Turn().next("anna")
    anna.require_another("of-anna")
    ben = anna.next("ben")
    ben.require_another("of-ben")
    with pytest.raises(SettingsError, match="eve is of the same account as that of anna"):
        ben.next("eve").require_another("of-anna")
