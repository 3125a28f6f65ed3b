"""Worker processes over real files: what hangs, dies or breaks costs its own file; order, bounds, nothing left.

Not here: kills from outside (tests/faults), all tasks in one process (test_engine.py).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Optional
from zoneinfo import ZoneInfo

import pytest

from immich_meta.api.models import Asset, ExifInfo, Person
from immich_meta.mapping.compose import MappingOptions
from immich_meta.sync import pool
from immich_meta.sync import workers as crew
from immich_meta.sync.crew import Crew
from immich_meta.sync.engine import Engine
from immich_meta.sync.here import Here
from immich_meta.sync.path_outcomes import How, Resolved
from immich_meta.sync.report import Status
from immich_meta.sync.task import PlanningOptions, Task
from immich_meta.sync.work import Answer, Outcome, Planner, Work
from immich_meta.sync.workers import Workers
from immich_meta_writers import PhotoMetadata, PlanOptions, plan
from immich_meta_writers.plan import marks
from immich_meta_writers.tags import Module
from tests.cli.home import jpeg, keywords
from tests.sync.planners import capricious, clocked, dies_in_the_write

JOBS = 2
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes cannot be looked at here")


def task(path: Path, person: str = "Ada") -> Task:
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jpeg())
    return Task(path.name, str(path), PhotoMetadata(people=(person,)), PlanOptions(), files=marks(str(path)))


def workers(planner: Planner = plan, timeout: float = 60.0) -> Workers:
    return Workers(Work(planner), JOBS, timeout)


def outcomes(team: Crew, tasks: list[Task]) -> list[Outcome]:
    found: list[Answer] = []
    with team:
        for each in tasks:
            team.hand_in(each)
            found += team.finished()
        found += team.rest()
        team.flush()
    assert all(isinstance(each, Outcome) for each in found)
    return [each for each in found if isinstance(each, Outcome)]


def told(found: list[Outcome]) -> list[tuple[Optional[str], Status, str]]:
    return [(each.result.asset_id, each.result.status, _kind(each)) for each in found]


def _kind(outcome: Outcome) -> str:
    return "" if outcome.result.error is None else outcome.result.error.kind


def children() -> set[int]:
    """The processes that this one has started and not taken leave of: also dead ones. Without Python's own tracker."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                command = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(parent) == os.getpid() and b"resource_tracker" not in command:
                found.add(int(entry.name))
    return found


@needs_proc
def test_what_hangs_dies_or_breaks_costs_its_own_file_and_leaves_no_process(tmp_path: Path) -> None:
    before = children()
    names = [f"{at:02}.jpg" for at in range(12)]
    bad = {"hangs.jpg": "timeout", "dies.jpg": "worker_died", "exits.jpg": "worker_died", "breaks.jpg": "internal"}
    for at, name in enumerate(bad):
        names.insert(3 * at + 1, name)
    found = outcomes(workers(capricious, timeout=8.0), [task(tmp_path / name) for name in names])
    assert told(found) == [
        (name, Status.FAILED, bad[name]) if name in bad else (name, Status.UPDATED, "") for name in names
    ]
    by_kind = {_kind(each): each.result.error.message for each in found if each.result.error is not None}
    assert "8 seconds (--file-timeout)" in by_kind["timeout"]
    assert "ZeroDivisionError('a fault of the program')" in by_kind["internal"]
    words = [each.result.error.message for each in found if each.result.error and _kind(each) == "worker_died"]
    assert "SIGKILL" in words[0]
    assert "exit code 3" in words[1]
    for name in names:
        path = tmp_path / name
        assert (path.read_bytes() == jpeg()) if name in bad else keywords(path) == ("Ada",)
    assert sorted(os.listdir(tmp_path)) == sorted(names)
    assert children() <= before


def test_a_worker_that_is_killed_before_its_rename_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    names = ["00.jpg", "dies.jpg", "01.jpg", "02.jpg"]
    found = outcomes(workers(dies_in_the_write), [task(tmp_path / name) for name in names])
    assert [_kind(each) for each in found] == ["", "worker_died", "", ""]
    assert (tmp_path / "dies.jpg").read_bytes() == jpeg()
    assert sorted(os.listdir(tmp_path)) == sorted(names)


def test_no_more_than_a_bounded_number_of_tasks_is_begun_ahead(tmp_path: Path) -> None:
    listed = 0

    def assets() -> Iterator[Asset]:
        nonlocal listed
        for at in range(100):
            listed += 1
            yield asset(f"{at:03}.jpg")

    told, most = 0, 0
    for _ in engine(tmp_path, workers(capricious)).run(assets()):
        most = max(most, listed - told)
        told += 1
    assert told == 100
    assert JOBS < most <= JOBS * crew._AHEAD + 2


def asset(name: str) -> Asset:
    return Asset(
        name,
        f"/data/{name}",
        library_id="l",
        exif=ExifInfo(),
        exif_known=True,
        people=(Person("p", "Ada"),),
        people_known=True,
    )


def engine(folder: Path, team: Crew) -> Engine:
    def resolve(asset: Asset) -> Resolved:
        path = folder / asset.original_path.rpartition("/")[2]
        if not path.exists():
            path.write_bytes(jpeg())
        return Resolved(str(path), How.MAP, path.stat().st_size)

    mapping = MappingOptions(frozenset([Module.PEOPLE]), ZoneInfo("Europe/Berlin"))
    return Engine(resolve, team, PlanningOptions(mapping, PlanOptions()), date(2025, 1, 1))


def test_photos_that_may_share_a_sidecar_are_never_worked_on_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    names = ["IMG.jpg", "IMG.JPEG", "img.png.jpg", "IMG.x.jpg"]
    tasks = [task(folder / name) for name in names]
    (tmp_path / "way").symlink_to(folder)
    tasks.insert(1, task(tmp_path / "way" / "IMG.jpe"))
    with workers(clocked) as team:
        for each in [*(task(folder / f"{at}.jpg") for at in range(6)), *tasks]:  # the first ones start both processes
            team.hand_in(each)
        list(team.rest())
    times = [tuple(map(float, log.read_text().split())) for log in folder.glob("times-[Ii]*.txt")]
    assert len(times) == len(tasks)
    times.sort()
    assert all(first[1] <= second[0] for first, second in zip(times, times[1:]))


def test_a_task_at_once_and_a_wait_for_all_take_no_answer_away(tmp_path: Path) -> None:
    for team in (workers(), Here(Work())):
        folder = tmp_path / type(team).__name__
        folder.mkdir()
        with team:
            team.hand_in(task(folder / "a.jpg"))
            team.settle()
            assert keywords(folder / "a.jpg") == ("Ada",)
            team.hand_in(task(folder / "b.jpg"))
            last = team.at_once(task(folder / "c.jpg"))
            assert isinstance(last, Outcome)
            assert last.result.asset_id == "c.jpg"
            names = [each.result.asset_id for each in team.rest() if isinstance(each, Outcome)]
        assert names == ["a.jpg", "b.jpg"]


@needs_proc
def test_a_worker_that_is_killed_while_it_is_idle_costs_nothing(tmp_path: Path) -> None:
    before = children()
    with workers() as team:
        team.hand_in(task(tmp_path / "a.jpg"))
        team.settle()
        for pid in children() - before:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)  # until it is found out
        for at in range(8):
            team.hand_in(task(tmp_path / f"{at}.jpg"))
        found = [each for each in team.rest() if isinstance(each, Outcome)]
    assert [each.result.status for each in found] == [Status.UPDATED] * 9
    assert children() <= before


@needs_proc
def test_workers_that_are_stuck_before_they_begin_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children()
    plain = pool.Pool.give_up

    def given_up(self: pool.Pool, processes: Any) -> None:
        monkeypatch.setattr(pool, "_STARTING", 60.0)
        plain(self, processes)

    monkeypatch.setattr(pool.Pool, "give_up", given_up)
    with Workers(Work(), 1, 30.0) as team:
        team.hand_in(task(tmp_path / "a.jpg"))
        team.settle()
        monkeypatch.setattr(pool, "_STARTING", -29.5)
        for pid in children() - before:
            os.kill(pid, signal.SIGSTOP)
        team.hand_in(task(tmp_path / "b.jpg"))
        found = [each for each in team.rest() if isinstance(each, Outcome)]
    assert [each.result.status for each in found] == [Status.UPDATED] * 2
    assert children() <= before


def test_a_clock_that_is_put_forward_is_no_time_that_has_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, jumped = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: plain() + jumped[0])
    with workers(clocked) as team:
        for at in range(16):
            team.hand_in(task(tmp_path / f"{at}.jpg"))
        team.at_once(task(tmp_path / "now.jpg"))
        for at in range(16, 24):
            team.hand_in(task(tmp_path / f"{at}.jpg"))
        jumped[0] = 86_400.0
        found = [each for each in team.rest() if isinstance(each, Outcome)]
    # One that was given up right after its rename, and begun again, finds everything said.
    assert {each.result.status for each in found} <= {Status.UPDATED, Status.UNCHANGED}
    assert [keywords(Path(each.result.path)) for each in found] == [("Ada",)] * 24


@needs_proc
def test_an_error_in_the_run_ends_the_workers_at_once(tmp_path: Path) -> None:
    before = children()

    def interrupted() -> None:
        with workers(capricious) as team:
            for name in ("a.jpg", "hangs.jpg", "b.jpg"):
                team.hand_in(task(tmp_path / name))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert children() <= before
    assert (tmp_path / "hangs.jpg").read_bytes() == jpeg()
