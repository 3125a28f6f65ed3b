"""A process that is killed at any step of a write: the old file or the new one, and what was kept tells which it is.

Not here: kills at random times (test_kill.py), in place without keeping (test_in_place_killed.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from immich_meta_writers.commit import OnStep, Stamp, commit, create, set_mtime, sweep
from immich_meta_writers.patch import Patch
from immich_meta_writers.undo import Found, Undo, decode, encode, found, revert
from tests.writers.commit.large import ENDS, FIRST, killed_at, make
from tests.writers.commit.test_commit import LONG_AGO, NEW, OLD, PATCH, fresh

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
NEWER = 1_600_000_000_987_000_000
REPLACEMENT = ["temporary created", "copied", "attributes copied", "flushed", "read back", "kept", "renamed"]


class Case(NamedTuple):
    """A write of `photo` and what it may leave there: (bytes or None, modification time)."""

    fresh: Callable[[Path], object]
    write: Callable[[Path, Callable[[Undo], None], OnStep], None]
    old: tuple[object, int]
    new: tuple[object, int]


def _patched(patch: Patch) -> Callable[[Path, Callable[[Undo], None], OnStep], None]:
    return lambda path, keep, on_step: commit(
        str(path), patch, Stamp.of(path.stat()), NEWER, keep=keep, on_step=on_step
    )


def _created(path: Path, keep: Callable[[Undo], None], on_step: OnStep) -> None:
    create(str(path), NEW, path.parent.stat(), NEWER, keep=keep, on_step=on_step)


def _touched(path: Path, keep: Callable[[Undo], None], on_step: OnStep) -> None:
    set_mtime(str(path), Stamp.of(path.stat()), NEWER, keep=keep, on_step=on_step)


CASES = {
    "replaced": Case(lambda path: fresh(path.parent), _patched(PATCH), (OLD, LONG_AGO), (NEW, NEWER)),
    "created": Case(lambda path: path.unlink(missing_ok=True), _created, (None, 0), (NEW, NEWER)),
    "touched": Case(lambda path: fresh(path.parent), _touched, (OLD, LONG_AGO), (OLD, NEWER)),
    "in place": Case(make, _patched(ENDS["grows"]), (FIRST, LONG_AGO), (ENDS["grows"].apply(FIRST), NEWER)),
}


def left(path: Path) -> tuple[object, int]:
    return (path.read_bytes(), path.stat().st_mtime_ns) if path.exists() else (None, 0)


def steps(case: Case, path: Path) -> list[str]:
    """What a write is told of; the folder is empty again."""
    told: list[str] = []
    case.fresh(path)
    case.write(path, lambda undo: None, told.append)
    path.unlink()
    return told


@pytest.mark.parametrize("name", CASES)
def test_a_kill_at_any_step_leaves_the_old_file_or_the_new_one_and_a_way_back(tmp_path: Path, name: str) -> None:
    case, path, store = CASES[name], tmp_path / "photo.jpg", tmp_path / "kept"

    def keep(undo: Undo) -> None:
        store.write_bytes(encode(undo))

    for number, step in enumerate(steps(case, path)):
        case.fresh(path)
        store.unlink(missing_ok=True)
        killed_at(lambda on_step: case.write(path, keep, on_step), number)
        sweep(str(tmp_path))
        there, is_new = left(path), step in ("renamed", "time set", "journal removed")
        assert there == (case.new if is_new else case.old), step
        assert set(os.listdir(tmp_path)) <= {"photo.jpg", "kept"}, step
        assert store.exists() or not is_new, step
        if store.exists():
            undo = decode(store.read_bytes())
            assert found(undo) is (Found.NEW if is_new else Found.OLD), step
            assert left(path) == there, step
            revert(undo)
            assert left(path) == case.old, step
            assert found(undo) is Found.OLD, step


@pytest.mark.parametrize("name", ["replaced", "created", "in place"])
def test_a_way_back_that_is_killed_at_any_step_is_gone_again(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each call that the file system sees: a new name, a flush, a byte, a removal."""
    case, path = CASES[name], tmp_path / "photo.jpg"
    kept: list[Undo] = []
    for number in range(3):
        case.fresh(path)
        case.write(path, kept.append, lambda step: None)
        undo = kept[-1]

        def act(on_step: OnStep, undo: Undo = undo) -> None:
            for call in ("replace", "fsync", "pwrite", "unlink"):
                monkeypatch.setattr(os, call, _watched(call, on_step))
            revert(undo)
            for _ in range(3):  # a removal has but one
                on_step("done")

        killed_at(act, number)
        sweep(str(tmp_path))
        assert left(path) in (case.old, case.new)
        assert revert(undo) in (Found.NEW, Found.OLD)
        assert left(path) == case.old
        assert set(os.listdir(tmp_path)) <= {"photo.jpg"}


def _watched(name: str, on_step: OnStep) -> Callable[..., object]:
    plain = getattr(os, name)

    def call(*arguments: object, **options: object) -> object:
        on_step(name)
        return plain(*arguments, **options)

    return call


def test_the_steps_are_those_that_are_documented(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    assert steps(CASES["replaced"], path) == REPLACEMENT
    assert steps(CASES["created"], path) == REPLACEMENT
    assert steps(CASES["touched"], path) == ["kept", "time set"]
