"""Tasks that go to a process together: what is said of each when that one is lost over one of them.

Not here: which tasks go together (test_crew.py).
"""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta.errors import WorkersError
from immich_meta.state import LogPlace, open_store
from immich_meta.sync.bunches import Bunch
from immich_meta.sync.pool import Pool
from immich_meta.sync.report import Status
from immich_meta.sync.task import Task
from immich_meta.sync.work import NOWHERE, Outcome, Work
from immich_meta_writers import PhotoMetadata, PlanOptions
from immich_meta_writers.plan import marks
from tests.cli.home import jpeg, keywords
from tests.sync.planners import capricious


def bunch_of(folder: Path, names: list[str], log: LogPlace) -> list[Outcome]:
    pool = Pool(Work(capricious, log), 1, 60.0)
    bunch = Bunch(pool)
    try:
        begun = [bunch.add(task(folder / name)) for name in names]
        answers = [each.answer() for each in begun]
    finally:
        pool.end(at_once=False)
    return [answer for answer in answers if isinstance(answer, Outcome)]


def test_where_no_process_can_be_started_the_error_names_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:  # as with a /dev/shm that cannot be written
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("multiprocessing.synchronize.RLock", refuse)
    with pytest.raises(WorkersError, match=r"Read-only file system.*--jobs 0"):
        bunch_of(tmp_path, ["a.jpg"], NOWHERE)


def task(path: Path) -> Task:
    path.write_bytes(jpeg())
    wanted = PhotoMetadata(people=("Ada",), asset_id=path.stem)
    return Task(path.name, str(path), wanted, PlanOptions(), files=marks(str(path)))


@pytest.mark.parametrize("last", ["dies.jpg", "exits.jpg", "breaks.jpg"])
def test_what_was_written_before_the_process_was_lost_is_told_as_written(tmp_path: Path, last: str) -> None:
    with open_store(tmp_path / "state", "s", warn=pytest.fail, command="sync") as store:
        run = store.begin_run("sync", {}, keeps_undo=True)
        *good, bad = bunch_of(tmp_path, ["a.jpg", "b.jpg", "c.jpg", last], run.log_at())
    assert bad.result.status is Status.FAILED
    for each in good:
        assert each.result.status is Status.UPDATED
        assert keywords(Path(each.result.path)) == ("Ada",)
        assert ("IPTC:Keywords", ("Ada",)) in [(change.tag, change.new) for change in each.result.changes]
        assert each.is_first_touch
        assert each.files == marks(each.result.path)


def test_without_a_history_it_is_told_too_but_not_which_tags(tmp_path: Path) -> None:
    first, _ = bunch_of(tmp_path, ["a.jpg", "breaks.jpg"], NOWHERE)  # what is under way is written first
    assert first.result.status is Status.UPDATED
    assert not first.result.changes


def test_a_file_that_nobody_has_to_write_is_unchanged_however_often_it_is_looked_at(tmp_path: Path) -> None:
    bunch_of(tmp_path, ["a.jpg"], NOWHERE)
    pool = Pool(Work(capricious), 1, 60.0)
    bunch = Bunch(pool)
    settled = tmp_path / "a.jpg"
    as_it_is = replace(task(tmp_path / "b.jpg"), path=str(settled), files=marks(str(settled)))
    first, _ = bunch.add(as_it_is), bunch.add(task(tmp_path / "dies.jpg"))
    answer = first.answer()
    pool.end(at_once=False)
    assert isinstance(answer, Outcome)
    assert answer.result.status is Status.UNCHANGED
