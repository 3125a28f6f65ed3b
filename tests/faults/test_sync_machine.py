"""A family and its library over days: whatever is done in whatever order, each run keeps what DESIGN.md promises.

Not here: what a single change becomes in a file (tests/cli, tests/mapping).

IMMICH_META_MACHINE=2000 tries that many days instead of a few, each time others.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from immich_meta.demo.heic import heic
from immich_meta.demo.library import DemoAsset
from immich_meta.demo.movies import mov
from immich_meta.demo.reading import found_in
from immich_meta.demo.reread import reread
from immich_meta.demo.server import DemoServer
from immich_meta_writers import PhotoMetadata, PlanOptions, plan
from tests.faults.library import _SIDECAR, RAW, SYNC, Kept, Mixed, picture, pixels, snapshot
from tests.faults.zygote import Ended, Zygote

NAMES = ("Ada", "Eve", "Zoë")
ALBUMS = ("Spring, 2024", "Berlin")
TAGS = ("Travel/Berlin", "Food")
CAPTIONS = ("", "Lake", "Lane", "Grandma's birthday\nwith cake")
FILES = 6
which = st.integers(0, FILES - 1)
names = st.sampled_from(NAMES)
CHANGES = st.one_of(
    *(
        st.tuples(st.just(kind), which, values)
        for kind, values in {
            "people": st.sets(names),
            "faces": st.tuples(names, st.sampled_from([5.0, 20.0])),
            "rename": st.tuples(names, st.sampled_from(["Lovelace", "Ada", "Eve"])),
            "caption": st.sampled_from(CAPTIONS),
            "rating": st.sampled_from([None, 1, 3, 5]),
            "favorite": st.booleans(),
            "album": st.tuples(st.sampled_from(ALBUMS), st.booleans()),
            "no_album": st.sampled_from(ALBUMS),
            "tags": st.sets(st.sampled_from(TAGS)),
            "place": st.sampled_from([(None, None), (52.5, 13.4), (-33.9, 151.2)]),
            "date": st.tuples(st.integers(1, 28), st.sampled_from(["Europe/Berlin", "Asia/Tokyo", None])),
        }.items()
    )
)


class Day(RuleBasedStateMachine):
    """A random day.

    What was written by others is remembered here, and must stay; all else is compared with the server."""

    zygote: Zygote

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.server = DemoServer()
        self.runs: dict[str, tuple[dict[str, Kept], dict[str, Kept]]] = {}
        self.saved: Optional[dict[str, Any]] = None
        self.foreign: dict[Path, set[str]] = {}
        self.is_settled = False  # nothing has changed since the last whole run
        self.calm = 0  # whole runs since something changed, but for Immich reading what they wrote

    @initialize()
    def begin(self) -> None:
        self.mixed = Mixed(self.folder, self.server, fills=False)
        self.mixed.add("IMG_1.jpg", picture("JPEG"))
        self.mixed.add("IMG_2.jpg", picture("JPEG", 1), beside=_SIDECAR)
        self.mixed.add("IMG_3.png", picture("PNG"))
        self.mixed.add("IMG_4.heic", heic())
        self.mixed.add("MOV_5.mov", mov([picture("JPEG")], (64, 48), None, {}), kind="VIDEO")
        self.mixed.add("RAW_6.raf", RAW)
        self.paths = list(self.mixed.assets)
        self.looks = {path: pixels(path) for path in self.paths}
        self.time = 0.3
        self.immich_reads_again()

    def teardown(self) -> None:
        self.server.close()
        shutil.rmtree(self.folder)

    # -- the family ---------------------------------------------------------------------------------------------------

    @rule(changes=st.lists(CHANGES, min_size=1, max_size=6))
    def family(self, changes: list[tuple[str, int, Any]]) -> None:
        for kind, at, value in changes:
            getattr(self, f"_{kind}")(self.mixed.assets[self.paths[at]], value)
        self._disturbed()

    def _people(self, asset: DemoAsset, names: set[str]) -> None:
        self._library.set_people(asset, sorted(names))

    def _faces(self, asset: DemoAsset, value: tuple[str, float]) -> None:
        self._library.add_face(asset, value[0], (value[1], 5.0, value[1] + 9, 15.0), size=(64, 48))
        asset.updated_at += timedelta(seconds=1)  # else only --verify would ask

    def _rename(self, asset: DemoAsset, value: tuple[str, str]) -> None:
        old, new = value
        if old in self._library.people and new not in self._library.people:
            self._library.rename_person(old, new)

    def _caption(self, asset: DemoAsset, caption: str) -> None:
        asset.description = caption

    def _rating(self, asset: DemoAsset, rating: Optional[int]) -> None:
        asset.rating = rating

    def _favorite(self, asset: DemoAsset, favorite: bool) -> None:
        asset.is_favorite = favorite

    def _album(self, asset: DemoAsset, value: tuple[str, bool]) -> None:
        name, is_in = value
        if is_in:
            self._library.put_in_album(asset, name)
        else:
            self._library.album(name).assets.pop(asset.id, None)

    def _no_album(self, asset: DemoAsset, name: str) -> None:
        self._library.albums.pop(name, None)

    def _tags(self, asset: DemoAsset, tags: set[str]) -> None:
        self._library.set_tags(asset, sorted(tags))

    def _place(self, asset: DemoAsset, place: tuple[Optional[float], Optional[float]]) -> None:
        asset.latitude, asset.longitude = place

    def _date(self, asset: DemoAsset, value: tuple[int, Optional[str]]) -> None:
        asset.set_date(datetime(2024, 2, value[0], 12), value[1])

    # -- other programs -----------------------------------------------------------------------------------------------

    @rule(at=which, keyword=st.sampled_from(["Holiday", "Print me"]))
    def another_program(self, at: int, keyword: str) -> None:
        path = self.paths[at]
        if path.suffix == ".raf" and not Path(f"{path}.xmp").exists():
            return
        wanted = PhotoMetadata(tags=(keyword,))
        found = plan(str(path), wanted, PlanOptions(claimant="someone1"))
        has = self.foreign.setdefault(path, set())
        has.clear()
        has.add(keyword)
        found.apply()
        self._disturbed()

    @rule(at=st.integers(0, 1))
    def trailer(self, at: int) -> None:
        with self.paths[at].open("ab") as file:
            file.write(b"a trailer")
        self._disturbed()

    @rule()
    def immich_reads_again(self) -> None:
        for path, asset in self.mixed.assets.items():
            found = found_in(path, (64, 48), is_video=asset.kind == "VIDEO")
            reread(self._library, asset, found)
            asset.updated_at += timedelta(seconds=1)
        # What others had written is Immich's now, and said in all the ways that it says things: once.
        self.is_settled = self.is_settled and self.calm > 1

    # -- runs ---------------------------------------------------------------------------------------------------------

    @rule(verify=st.booleans())
    def sync(self, verify: bool) -> None:
        before = snapshot(self.mixed.photos)
        was_settled = self.is_settled
        ended = self._run(*SYNC, *(["--verify"] if verify else []))
        assert (ended.code, ended.sums()["total"]) == (0, FILES), ended.said
        after = self._remember(before)
        if was_settled:
            assert after == before, ended.said
        self._judge()
        again = self._run(*SYNC, "--verify")
        assert (again.code, again.sums()["unchanged"]) == (0, FILES), again.said
        assert snapshot(self.mixed.photos) == after
        self.time = max(0.1, ended.seconds)
        self.is_settled = True
        self.calm += 1

    @rule(changes=st.lists(CHANGES, min_size=1, max_size=6))
    def family_and_sync(self, changes: list[tuple[str, int, Any]]) -> None:
        self.family(changes)
        self.sync(False)

    @rule(share=st.floats(0, 1))
    def crash(self, share: float) -> None:
        before = snapshot(self.mixed.photos)
        self._run(*SYNC, kill_after=share * self.time)
        self._remember(before)
        self._disturbed()

    @rule()
    def dry_run(self) -> None:
        before = snapshot(self.mixed.photos)
        assert self._run(*SYNC, "--dry-run").code == 0
        assert snapshot(self.mixed.photos) == before

    @rule()
    def undo(self) -> None:
        now = _without_strays(snapshot(self.mixed.photos))
        ended = self._run("undo", "--last")
        then = _without_strays(snapshot(self.mixed.photos))
        self.foreign.clear()  # whatever is there now is somebody's
        if "nothing to take back" in ended.said:
            assert then == now
            return
        run_id = ended.said.rpartition("\nRun ")[2].partition(":")[0]
        before, after = self.runs[run_id]
        self._disturbed()
        for path in {*before, *after}:
            if now.get(path) == after.get(path):
                assert then.get(path) == before.get(path), f"{path} was not taken back\n{ended.said}"
            elif now.get(path) != before.get(path):
                assert then.get(path) == now.get(path), f"{path} was not the run's\n{ended.said}"

    # -- the state ----------------------------------------------------------------------------------------------------

    @rule()
    def lose_the_state(self) -> None:
        shutil.rmtree(self.mixed.state, ignore_errors=True)
        self.runs.clear()

    @rule()
    def save_the_state(self) -> None:
        if self.mixed.state.exists():
            shutil.rmtree(self.folder / "saved", ignore_errors=True)
            shutil.copytree(self.mixed.state, self.folder / "saved")
            self.saved = dict(self.runs)

    @rule()
    def bring_an_old_state_back(self) -> None:
        if self.saved is not None:
            shutil.rmtree(self.mixed.state, ignore_errors=True)
            shutil.copytree(self.folder / "saved", self.mixed.state)
            self.runs = dict(self.saved)

    # -- the judge ----------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """What files say is what the server says; all else is as it was."""
        said = self.mixed.said()
        assert self.mixed.strays() == []
        for path, asset in self.mixed.assets.items():
            says = said.get(path) or said.get(Path(f"{path}.xmp"))
            names = {person.name for person in asset.people}
            subjects = set(says.subjects) if says else set()
            assert names <= subjects, (path, subjects)
            assert not (set(NAMES) | {"Lovelace"}) - names & subjects - {tag.value for tag in asset.tags}
            if says and asset.description.strip():
                assert str(says.caption) == asset.description
            if says and asset.rating:
                assert int(float(str(says.rating))) == asset.rating
            assert self.foreign.get(path, set()) <= subjects, (path, subjects)
            assert pixels(path) == self.looks[path]

    def _disturbed(self) -> None:
        self.is_settled, self.calm = False, 0

    # -- means --------------------------------------------------------------------------------------------------------

    @property
    def _library(self) -> Any:
        return self.server.library

    def _run(self, *arguments: str, kill_after: Optional[float] = None) -> Ended:
        ended = self.zygote.run(arguments, self.mixed.environ, self.mixed.directory, kill_after=kill_after)
        assert "Traceback" not in ended.said, ended.said
        assert kill_after is None or ended.was_killed or ended.code == 0, ended.said
        return ended

    def _remember(self, before: dict[str, Kept]) -> dict[str, Kept]:
        after = snapshot(self.mixed.photos)
        if after != before:
            newest = self._run("history", "--json").said.splitlines()[0]
            self.runs[str(json.loads(newest)["run"])] = _without_strays(before), _without_strays(after)
        return after


def _without_strays(files: dict[str, Kept]) -> dict[str, Kept]:
    return {path: kept for path, kept in files.items() if ".immich-meta-" not in path}


@pytest.mark.slow
def test_any_day_keeps_the_promises(zygote: Zygote) -> None:
    days = int(os.environ.get("IMMICH_META_MACHINE", "0"))
    Day.zygote = zygote
    run_state_machine_as_test(
        Day,
        settings=settings(
            max_examples=days or 8,
            stateful_step_count=25,
            derandomize=not days,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
            phases=tuple(set(Phase) - {Phase.explain}) if days else (Phase.explicit, Phase.generate),
        ),
    )


def test_the_machine_can_fail(zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a judge that wants what is not there."""
    day = Day()
    try:
        day.zygote = zygote
        day.begin()
        day.family([("people", 0, {"Ada"})])
        day.sync(False)
        day.foreign[day.paths[0]] = {"never written"}
        with pytest.raises(AssertionError):
            day._judge()
    finally:
        day.teardown()
