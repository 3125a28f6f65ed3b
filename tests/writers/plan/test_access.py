"""Files that cannot be read or written: one named error each, and nothing waits for ever.

Not here: damaged files (test_sidecars.py, tests/contract).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from immich_meta_writers import FilePlan, PhotoMetadata, Plan, WriterError, plan, read
from immich_meta_writers.errors import AccessError, ChangedError
from tests.writers.commit.children import NOBODY, as_nobody
from tests.writers.plan.photos import BUILTIN, MOMENT, contents, photo

WANTED = PhotoMetadata(people=("Ada",), captured=MOMENT)



def refused(path: Path) -> AccessError:
    with pytest.raises(AccessError) as raised:
        plan(path, WANTED, BUILTIN)
    with pytest.raises(AccessError):
        read(path)
    assert raised.value.path == str(path)
    assert raised.value.cause
    return raised.value


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "gone.jpg").cause


def test_a_folder(tmp_path: Path) -> None:
    assert "regular" in refused(tmp_path).cause


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "IMG.jpg")
    assert "regular" in refused(tmp_path / "IMG.jpg").cause


def test_a_device() -> None:
    assert "regular" in refused(Path(os.devnull)).cause


def test_a_link_that_leads_nowhere_or_round_in_circles(tmp_path: Path) -> None:
    (tmp_path / "nowhere.jpg").symlink_to("gone")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    refused(tmp_path / "nowhere.jpg")
    refused(tmp_path / "circle.jpg")


def test_a_name_that_no_file_can_have() -> None:
    for name in ("a\0b.jpg", "x" * 5000):
        refused(Path(name))


def test_a_link_to_a_photo_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = photo(tmp_path / "elsewhere")
    link = tmp_path / "link.jpg"
    link.symlink_to(target)
    plan(link, WANTED, BUILTIN).apply()
    assert link.is_symlink()
    assert read(target)["XMP-dc:Subject"] == ("Ada",)


def test_an_unreadable_file_says_so(open_folder: Path) -> None:
    path = photo(open_folder)
    path.chmod(0)
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    answer = as_nobody(lambda: plan(path, WANTED, BUILTIN))
    assert answer == ("access", "permission denied", str(path))


def test_a_read_only_file_can_be_planned_for_and_not_written(open_folder: Path) -> None:
    path = photo(open_folder)
    path.chmod(0o444)
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    planned = plan(path, WANTED, BUILTIN)
    before = contents(open_folder)
    answer = as_nobody(planned.apply)
    assert answer is not None
    assert answer[0] == "access"
    assert "read-only" in answer[1]
    assert contents(open_folder) == before


def test_a_file_that_changed_between_plan_and_apply_is_untouched(tmp_path: Path) -> None:
    path = photo(tmp_path)
    planned = plan(path, WANTED, BUILTIN)
    path.write_bytes(b"edited")
    with pytest.raises(ChangedError):
        planned.apply()
    assert path.read_bytes() == b"edited"
    assert os.listdir(tmp_path) == ["IMG.jpg"]


def test_a_plan_is_good_for_one_time(tmp_path: Path) -> None:
    path = photo(tmp_path)
    planned = plan(path, WANTED, BUILTIN)
    planned.apply()
    after = contents(tmp_path)
    with pytest.raises(ChangedError):
        planned.apply()
    assert contents(tmp_path) == after


def test_planning_writes_nothing(tmp_path: Path) -> None:
    path = photo(tmp_path)
    before = contents(tmp_path)
    planned = plan(path, WANTED, BUILTIN)
    assert not planned.is_empty
    assert contents(tmp_path) == before


def test_a_plan_without_changes_does_nothing() -> None:
    empty = Plan("gone.jpg", FilePlan("gone.jpg"), FilePlan("gone.jpg.xmp"))
    assert empty.is_empty
    assert (empty.changes, empty.kept, empty.skipped, empty.notes) == ((), (), (), ())
    empty.apply()


def test_every_refusal_is_one_of_this_packages_errors(tmp_path: Path) -> None:
    for error in (refused(tmp_path), refused(tmp_path / "gone")):
        assert isinstance(error, WriterError)
