"""Many plans at once: in order, each with its own error, and no two at the same file at the same time.

Not here: one plan (test_access.py, test_sidecars.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta_writers import PhotoMetadata, Plan, plan, read
from immich_meta_writers.errors import ChangedError
from immich_meta_writers.plan.batch import apply_all
from tests.writers.plan.photos import BUILTIN, contents, photo


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
