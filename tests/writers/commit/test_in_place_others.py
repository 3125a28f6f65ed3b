"""Writing in place beside others: two at once, files that change meanwhile, journals that are not ours.

Not here: failures (test_in_place_refused.py), killed processes (test_in_place_killed.py).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from immich_meta_writers.commit import Stamp, commit, recover, sweep
from immich_meta_writers.commit import durability as durability_module
from immich_meta_writers.commit.journal import Journal, Range, encode, journal_name
from immich_meta_writers.errors import AccessError, ChangedError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.plan.files import opened
from tests.writers.commit.children import NOBODY, as_nobody
from tests.writers.commit.large import (
    ENDS,
    FIRST,
    GROWING,
    SIZE,
    Paused,
    killed_at,
    leave,
    make,
    require_untouched,
    write,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="in place only where there are locks")
MOVES = Patch(SIZE, (Splice(100, 4, b"moved"),))


# -- two at once ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["journal durable", "range written", "read back"])
def test_while_one_writes_all_others_are_refused_and_sweep_waits(tmp_path: Path, step: str) -> None:
    path = make(tmp_path / "movie.mov")
    writer = Paused(path, step)
    try:
        for act in (lambda: recover(str(path)), lambda: opened(str(path)).__enter__(), lambda: write(path, MOVES)):
            with pytest.raises(ChangedError, match="being written") as raised:
                act()
            assert raised.value.path == str(path)
        assert sweep(str(tmp_path)) == 0
    finally:
        assert writer.release() == 0
    assert path.read_bytes() == GROWING.apply(FIRST)
    assert os.listdir(tmp_path) == ["movie.mov"]


def test_two_that_write_the_same_file_in_place_do_not_mix(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    writer = Paused(path, "journal durable")
    with pytest.raises(ChangedError):
        write(path, ENDS["stays"])
    assert writer.release() == 0
    assert path.read_bytes() == GROWING.apply(FIRST)


@pytest.mark.parametrize("patch", [ENDS["stays"], MOVES], ids=["in place", "anew"])
def test_what_was_planned_before_another_wrote_is_refused_although_size_and_time_are_the_same(
    tmp_path: Path, patch: Patch
) -> None:
    path = make(tmp_path / "movie.mov")
    seen = Stamp.of(path.stat())
    write(path, ENDS["stays"])
    with pytest.raises(ChangedError):
        commit(str(path), patch, seen)
    assert path.read_bytes() == ENDS["stays"].apply(FIRST)


def test_a_sweep_between_making_a_journal_and_locking_it_does_no_harm(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    sweeps = iter([True, True])

    def sweep_twice(step: str) -> None:
        if step == "journal created" and next(sweeps, False):
            assert sweep(str(tmp_path)) == 1

    write(path, on_step=sweep_twice)
    assert path.read_bytes() == GROWING.apply(FIRST)
    assert os.listdir(tmp_path) == ["movie.mov"]


def test_sweeps_without_end_are_an_error(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    with pytest.raises(ChangedError):
        write(path, on_step=lambda step: sweep(str(tmp_path)) and None)
    require_untouched(path)


# -- changed meanwhile ------------------------------------------------------------------------------------------------


def test_a_file_that_is_replaced_while_it_is_written_is_left_to_the_other(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    moved = tmp_path / "moved.mov"

    def replace(step: str) -> None:
        if step == "flushed":
            path.rename(moved)
            path.write_bytes(b"another")

    with pytest.raises(ChangedError, match="moved or replaced"):
        write(path, on_step=replace)
    assert (path.read_bytes(), moved.read_bytes() == FIRST) == (b"another", True)
    assert sorted(os.listdir(tmp_path)) == ["moved.mov", "movie.mov"]


def test_a_file_that_changes_before_the_first_byte_is_left_alone(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")

    def edit(step: str) -> None:
        if step == "journal durable":
            with path.open("r+b") as file:
                file.write(b"edited")

    with pytest.raises(ChangedError):
        write(path, on_step=edit)
    assert path.read_bytes() == b"edited" + FIRST[6:]
    assert os.listdir(tmp_path) == ["movie.mov"]


def test_bytes_that_another_program_writes_into_ours_are_not_overwritten(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")

    def edit(step: str) -> None:
        if step == "flushed":
            with path.open("r+b") as file:
                file.seek(100)
                file.write(b"????")

    with pytest.raises(ChangedError) as raised:
        write(path, on_step=edit)
    assert journal_name("movie.mov") in raised.value.cure
    with pytest.raises(ChangedError, match="edited") as raised:
        recover(str(path))
    assert journal_name("movie.mov") in raised.value.cure
    assert path.read_bytes()[100:104] == b"????"
    assert (tmp_path / journal_name("movie.mov")).exists()


def test_an_edit_of_a_half_written_file_is_not_overwritten(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    killed_at(lambda count: write(path, on_step=count), 5)
    edited = b"edited" + path.read_bytes()[6:] + b"and longer" * 50_000
    path.write_bytes(edited)
    with pytest.raises(ChangedError):
        opened(str(path)).__enter__()
    assert sweep(str(tmp_path)) == 0
    assert path.read_bytes() == edited


def test_a_file_that_was_replaced_since_is_left_alone_and_the_journal_goes(tmp_path: Path) -> None:
    path = make(tmp_path / "movie.mov")
    killed_at(lambda count: write(path, on_step=count), 5)
    other = tmp_path / "other"
    other.write_bytes(b"from the backup, and another one")
    other.replace(path)
    assert sweep(str(tmp_path)) == 1
    assert path.read_bytes() == b"from the backup, and another one"
    assert os.listdir(tmp_path) == ["movie.mov"]


def test_a_journal_whose_file_is_gone_stays_until_it_is_back(tmp_path: Path) -> None:
    path, away = make(tmp_path / "movie.mov"), tmp_path / "away.mov"
    killed_at(lambda count: write(path, on_step=count), 5)
    path.rename(away)
    assert sweep(str(tmp_path)) == 0
    away.rename(path)
    assert sweep(str(tmp_path)) == 1
    require_untouched(path)


# -- journals ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("as_root")
def test_what_roots_run_left_an_ordinary_user_is_told(open_folder: Path) -> None:
    path = make(open_folder / "movie.mov")
    path.chmod(0o666)
    killed_at(lambda count: write(path, on_step=count), 5)
    answer = as_nobody(lambda: recover(str(path)))
    assert answer == ("access", "an earlier write was interrupted", str(path))
    assert recover(str(path))
    require_untouched(path)


@pytest.mark.usefixtures("as_root")
def test_a_strangers_journal_is_not_replayed_into_my_file(open_folder: Path) -> None:
    path = make(open_folder / "movie.mov")
    place = leave(path, SIZE, SIZE, [(100, b"evil", FIRST[100:104])])
    os.chown(place, NOBODY, NOBODY)
    with pytest.raises(AccessError, match="another user"):
        recover(str(path))
    require_untouched(path, place.name)


@pytest.mark.parametrize("name", ["../movie.mov", "/etc/passwd", "other.mov", "."])
def test_a_journal_under_a_wrong_name_or_that_leads_elsewhere_is_not_ours(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / "movie.mov")
    place = leave(path, SIZE, SIZE, [(100, b"evil", FIRST[100:104])])
    journal = Journal(name, 1, SIZE, SIZE, 0, 0, (Range(100, b"evil", FIRST[100:104]),))
    place.write_bytes(encode(journal))
    place.rename(tmp_path / journal_name(name if "/" in name else "elsewhere.mov"))
    assert sweep(str(tmp_path)) == 0
    assert path.read_bytes() == FIRST


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_only_has_a_journals_name_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = make(tmp_path / "movie.mov")
    place = tmp_path / journal_name("movie.mov")
    make_it: dict[str, Callable[[], object]] = {
        "folder": place.mkdir,
        "link": lambda: place.symlink_to(path),
        "pipe": lambda: os.mkfifo(place),
    }
    make_it[kind]()
    assert recover(str(path)) is False
    assert sweep(str(tmp_path)) == 0
    require_untouched(path, place.name)
    with pytest.raises(ChangedError):
        write(path)
    require_untouched(path, place.name)


def test_a_journal_that_cannot_be_locked_is_not_worked_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    path = make(tmp_path / "movie.mov")
    killed_at(lambda count: write(path, on_step=count), 5)
    with monkeypatch.context() as patch:
        patch.setattr(durability_module.fcntl, "flock", refuse)
        with pytest.raises(AccessError, match="interrupted"):
            recover(str(path))
        assert sweep(str(tmp_path)) == 0
    assert recover(str(path))
    require_untouched(path)
