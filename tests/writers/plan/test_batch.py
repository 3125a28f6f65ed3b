"""Many plans at once: in order, each with its own error, and no two at the same file at the same time.

Not here: one plan (test_access.py, test_sidecars.py), the run over assets (tests/sync/test_engine.py).
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional

import pytest

from immich_meta_writers import (
    FilePlan,
    Found,
    How,
    Moment,
    PhotoMetadata,
    Plan,
    PlanOptions,
    Undo,
    WriterError,
    WriteTo,
    plan,
    read,
    revert,
)
from immich_meta_writers.errors import AccessError, ChangedError
from immich_meta_writers.plan.batch import FLUSH_SECONDS, Window, apply_all
from tests.writers.plan.photos import BUILTIN, contents, photo

Told = Callable[[Optional[WriterError]], str]


def named(path: Path, *names: str) -> Plan:
    return plan(path, PhotoMetadata(people=names), BUILTIN)


@pytest.mark.parametrize("at_once", [1, 2, 4])
def test_every_plan_is_carried_out_and_answered_for_in_order(tmp_path: Path, at_once: int) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(30)]
    answers = list(apply_all((named(path, "Ada") for path in paths), at_once=at_once))
    assert [answer[0].path for answer in answers] == list(map(str, paths))
    assert {answer[1] for answer in answers} == {None}
    assert all(read(path)["XMP-dc:Subject"] == ("Ada",) for path in paths)
    assert len(os.listdir(tmp_path)) == 30


def test_plans_are_made_while_earlier_ones_are_carried_out(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(12)]
    asked_for = []

    def plans() -> Iterator[Plan]:
        for path in paths:
            asked_for.append(path)
            yield named(path, "Ada")

    answers = apply_all(plans(), at_once=1)
    next(answers)
    assert 0 < len(asked_for) <= 4
    assert len(list(answers)) == 11


def test_one_error_is_that_plans_and_the_others_go_on(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(6)]
    planned = [named(path, "Ada") for path in paths]
    paths[2].write_bytes(b"edited")
    errors = [error for _, error in apply_all(planned)]
    assert [type(error) for error in errors] == [type(None)] * 2 + [ChangedError] + [type(None)] * 3
    assert paths[2].read_bytes() == b"edited"


def test_two_plans_for_one_file_do_not_undo_each_other(tmp_path: Path) -> None:
    """Also by two names: the second was made for a file that is no more, and is told so."""
    for number in range(20):
        path = photo(tmp_path, f"IMG_{number}.jpg")
        link = tmp_path / f"link_{number}.jpg"
        link.symlink_to(path)
        errors = [error for _, error in apply_all([named(path, "Ada"), named(link, "Bob"), named(path, "Cem")])]
        assert [type(error) for error in errors] == [type(None), ChangedError, ChangedError]
        assert read(path)["XMP-dc:Subject"] == ("Ada",)


def test_plans_without_changes_do_nothing(tmp_path: Path) -> None:
    path = photo(tmp_path)
    before = contents(tmp_path)
    assert [error for _, error in apply_all([named(path)] * 20)] == [None] * 20
    assert contents(tmp_path) == before
    assert list(apply_all([])) == []


def test_who_stops_asking_gets_whole_files(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(12)]
    answers = apply_all(named(path, "Ada") for path in paths)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in paths)
    assert read(paths[0])["XMP-dc:Subject"] == ("Ada",)


def as_(name: str) -> Told:
    """What a plan is told as: its name, and its error's kind."""
    return lambda error: name if error is None else f"{name} {error.kind}"


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories that are opened to be flushed, which still are."""
    seen: list[str] = []
    plain = os.open

    def opened(path: Any, *rest: Any, **named: Any) -> int:
        if os.path.isdir(path):
            seen.append(os.fspath(path))
        return plain(path, *rest, **named)

    monkeypatch.setattr(os, "open", opened)
    return seen


needs_posix = pytest.mark.skipif(os.name != "posix", reason="directories are not flushed elsewhere")


@pytest.mark.parametrize("at_once", [1, 4])
def test_what_needs_no_disk_keeps_its_place_in_the_order(tmp_path: Path, at_once: int) -> None:
    expected: list[str] = []
    told: list[str] = []
    with Window[str](at_once) as window:
        for number in range(40):
            name = f"IMG_{number}.jpg"
            expected.append(name)
            if number % 3 == 0:
                window.carry_out(named(photo(tmp_path, name), "Ada"), as_(name))
            elif number % 3 == 1:
                window.carry_out(named(photo(tmp_path, name)), as_(name))
            else:
                window.known(name)
            told.extend(window.finished())
            assert told == expected[: len(told)]
            assert len(told) >= len(expected) - 2 * at_once
        told.extend(window.rest())
        assert told == expected
        assert list(window.rest()) == []


def test_an_unchanged_photo_costs_no_thread(tmp_path: Path) -> None:
    path, before = photo(tmp_path), threading.active_count()
    with Window[str]() as window:
        window.carry_out(named(path), as_("same"))
        window.known("missing")
        assert threading.active_count() == before
        assert list(window.finished()) == ["same", "missing"]
        window.carry_out(named(path, "Ada"), as_("changed"))
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_settled_means_written_though_no_result_was_taken(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(6)]
    with Window[str](2) as window:
        for path in paths:
            window.carry_out(named(path, "Ada"), as_(path.name))
        window.settle()
        assert all(read(path)["XMP-dc:Subject"] == ("Ada",) for path in paths)
        assert list(window.finished()) == [path.name for path in paths]
        window.settle()


def test_a_plan_made_after_the_window_has_settled_sees_what_was_written(tmp_path: Path) -> None:
    path = photo(tmp_path)
    stale = named(path, "Eve")
    with Window[str]() as window:
        window.carry_out(named(path, "Ada"), as_("first"))
        window.settle()
        window.carry_out(named(path, "Ada"), as_("same"))
        window.carry_out(named(path, "Bob"), as_("second"))
        window.carry_out(stale, as_("stale"))
        assert list(window.rest()) == ["first", "same", "second", "stale changed"]
    assert read(path)["XMP-dc:Subject"] == ("Bob",)


def test_a_fault_of_the_program_comes_in_its_place_and_hides_no_other_result(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(3)]

    def faulty(_: Optional[WriterError]) -> str:
        raise ZeroDivisionError

    told: list[str] = []
    with Window[str]() as window:
        for path, how in zip(paths, (as_("first"), faulty, as_("last"))):
            window.carry_out(named(path, "Ada"), how)
        with pytest.raises(ZeroDivisionError):
            told.extend(window.rest())
        told.extend(window.rest())
    assert told[-1] == "last"
    assert all(read(path)["XMP-dc:Subject"] == ("Ada",) for path in paths)


def test_what_is_under_way_is_finished_when_the_window_is_left(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(6)]

    def slowly(_: Optional[WriterError]) -> str:
        time.sleep(0.05)
        return ""

    with pytest.raises(KeyboardInterrupt), Window[str](2) as window:  # noqa: PT012
        for path in paths:
            window.carry_out(named(path, "Ada"), slowly)
        raise KeyboardInterrupt
    assert all(read(path)["XMP-dc:Subject"] == ("Ada",) for path in paths)
    assert len(os.listdir(tmp_path)) == 6


@needs_posix
def test_the_directories_of_the_latest_renames_are_flushed_once(tmp_path: Path, flushed: list[str]) -> None:
    folders = [tmp_path / str(number) for number in range(70)]
    for folder in folders:
        folder.mkdir()
    paths = [photo(folder) for folder in folders]
    again = photo(folders[0], "again.jpg")
    link = tmp_path / "link"
    link.symlink_to(folders[1])
    through = photo(link, "through.jpg")
    same = photo(folders[2], "same.jpg")
    changed = [*paths[:64], again, through, *paths[64:]]
    plans = [*(named(path, "Ada") for path in changed), named(same)]
    assert {error for _, error in apply_all(plans)} == {None}
    real = os.path.realpath(tmp_path)
    expected = [*folders[8:], folders[0], folders[1]]
    assert sorted(flushed) == sorted(os.path.join(real, folder.name) for folder in expected)


@needs_posix
def test_directories_are_flushed_now_and_then_so_that_a_power_failure_costs_seconds(
    tmp_path: Path, flushed: list[str]
) -> None:
    folders, now = [tmp_path / name for name in "abc"], [100.0]
    for folder in folders:
        folder.mkdir()
    a, b, c = (os.path.realpath(folder) for folder in folders)

    with Window[str](clock=lambda: now[0]) as window:

        def write(folder: Path, name: str) -> None:
            window.carry_out(named(photo(folder, name), "Ada"), as_(name))
            window.settle()

        write(folders[0], "1.jpg")
        write(folders[1], "2.jpg")
        now[0] += FLUSH_SECONDS - 0.1
        write(folders[0], "3.jpg")
        assert flushed == []
        now[0] += 0.2
        write(folders[2], "4.jpg")
        _ = list(window.rest())
        window.flush()
        assert sorted(flushed[:2]) == [a, b]
        assert flushed[2:] == [c]
        window.flush()
        assert len(flushed) == 3


@needs_posix
def test_the_directory_of_a_file_that_is_under_way_is_flushed_once_more(tmp_path: Path, flushed: list[str]) -> None:
    now, may_go_on = [0.0], threading.Event()

    def slowly(*_: object) -> None:
        assert may_go_on.wait(60)

    with Window[str](clock=lambda: now[0]) as window:
        window.carry_out(named(photo(tmp_path, "1.jpg"), "Ada"), as_("1"), slowly)
        now[0] += FLUSH_SECONDS
        (tmp_path / "other").mkdir()
        window.carry_out(named(photo(tmp_path / "other", "2.jpg"), "Ada"), as_("2"))
        may_go_on.set()
        assert list(window.rest()) == ["1", "2"]
        window.flush()
    real = os.path.realpath(tmp_path)
    assert sorted(flushed) == [real, real, os.path.join(real, "other")]


@needs_posix
def test_a_flush_on_the_way_that_failed_is_made_up_for_or_told_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, plain, fails = [0.0], os.open, [True]

    def failing(path: Any, *rest: Any, **named: Any) -> int:
        if fails[0] and os.path.isdir(path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return plain(path, *rest, **named)

    monkeypatch.setattr(os, "open", failing)
    with Window[str](clock=lambda: now[0]) as window:
        for name in ("1.jpg", "2.jpg", "3.jpg"):
            window.carry_out(named(photo(tmp_path, name), "Ada"), as_(name))
            window.settle()
            now[0] += FLUSH_SECONDS
        assert list(window.rest()) == ["1.jpg", "2.jpg", "3.jpg"]
        with pytest.raises(AccessError):
            window.flush()
        fails[0] = False
        window.flush()


# -- taking back ------------------------------------------------------------------------------------------------------


def test_what_takes_each_file_back_is_kept_before_it_is_touched_one_at_a_time(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(20)]
    before, plans = contents(tmp_path), [named(path, "Ada") for path in paths]
    kept: dict[str, tuple[FilePlan, Undo]] = {}
    inside: list[int] = []

    def keep(part: FilePlan, undo: Undo) -> None:
        inside.append(1)
        assert len(inside) == 1
        assert Path(undo.path).read_bytes() == before[Path(undo.path).name][0]
        kept[undo.path] = part, undo
        time.sleep(0.001)
        inside.pop()

    assert [error for _, error in apply_all(plans, keep=keep)] == [None] * 20
    assert [kept[os.path.realpath(path)][0] for path in paths] == [plan.media for plan in plans]
    assert [revert(undo) for _, undo in kept.values()] == [Found.NEW] * 20
    assert {name: content for name, (content, *_) in contents(tmp_path).items()} == {
        name: content for name, (content, *_) in before.items()
    }


def test_a_file_whose_way_back_cannot_be_kept_is_not_written_and_the_others_are(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(4)]
    before = paths[1].read_bytes()

    def keep(part: FilePlan, undo: Undo) -> None:
        if part.path == str(paths[1]):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    errors = [error for _, error in apply_all([named(path, "Ada") for path in paths], keep=keep)]
    assert [type(error) for error in errors] == [type(None), AccessError, type(None), type(None)]
    assert "could not be kept" in str(errors[1])
    assert paths[1].read_bytes() == before
    assert len(os.listdir(tmp_path)) == 4


def test_a_photo_and_its_new_sidecar_and_a_time_are_taken_back_by_three_values(tmp_path: Path) -> None:
    options = PlanOptions(xmp_engine="builtin", write_to=WriteTo.BOTH)
    taken = Moment(datetime(2020, 1, 2, 3, 4, 5), timedelta(0), datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc))
    path = photo(tmp_path)
    before = contents(tmp_path)
    kept: list[Undo] = []
    plan(path, PhotoMetadata(people=("Ada",), captured=taken), options).apply(lambda _, undo: kept.append(undo))
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, 1))
    plan(path, PhotoMetadata(captured=taken), options).apply(lambda _, undo: kept.append(undo))
    assert [undo.how for undo in kept] == [How.REPLACED, How.CREATED, How.TOUCHED]
    assert revert(kept[2]) is Found.NEW
    assert path.stat().st_mtime_ns == 1
    assert [revert(undo) for undo in kept[:2]] == [Found.NEW, Found.NEW]
    assert contents(tmp_path).keys() == before.keys()
    assert path.read_bytes() == before[path.name][0]


@needs_posix
def test_who_changed_nothing_flushes_nothing(tmp_path: Path, flushed: list[str]) -> None:
    assert len(list(apply_all([named(photo(tmp_path))] * 3))) == 3
    assert flushed == []


@needs_posix
def test_a_directory_that_cannot_be_flushed_is_told_after_every_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.open

    def failing(path: Any, *rest: Any, **named: Any) -> int:
        if os.path.isdir(path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return plain(path, *rest, **named)

    paths = [photo(tmp_path, f"IMG_{number}.jpg") for number in range(3)]
    monkeypatch.setattr(os, "open", failing)
    answers = apply_all([named(path, "Ada") for path in paths])
    assert [next(answers)[1] for _ in paths] == [None] * 3
    with pytest.raises(AccessError) as raised:
        next(answers)
    assert raised.value.path == os.path.realpath(tmp_path)
