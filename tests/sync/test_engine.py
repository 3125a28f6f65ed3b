"""The engine over real files: order, what is in hand when the list ends early, the question that is asked once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any, Optional, Union
from zoneinfo import ZoneInfo

import pytest

from immich_meta.api.models import Asset, ExifInfo, InvalidAsset, Person
from immich_meta.errors import FaultError
from immich_meta.mapping.compose import MappingOptions
from immich_meta.sync.engine import Engine
from immich_meta.sync.here import Here
from immich_meta.sync.path_outcomes import How, NotFound, Resolution, Resolved
from immich_meta.sync.report import Status
from immich_meta.sync.task import PlanningOptions
from immich_meta.sync.work import Outcome, Planner, Work
from immich_meta_writers import PhotoMetadata, Plan, PlanOptions, plan
from immich_meta_writers.plan.outcome import Keep
from immich_meta_writers.tags import Module
from tests.cli.home import jpeg, keywords

UTC = timezone.utc


class Wish:
    """Photos in a folder, and an engine that wants a name in each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = 0

    def photo(self, name: str, content: Optional[bytes] = None) -> Path:
        path = self.folder / name
        path.write_bytes(jpeg() if content is None else content)
        return path

    def asset(self, name: str, *, person: str = "Ada", ident: str = "", library: Optional[str] = "l") -> Asset:
        return Asset(
            ident or name,
            f"/data/{name}",
            library_id=library,
            file_created_at=datetime(2024, 5, 1, tzinfo=UTC),
            exif=ExifInfo(),
            exif_known=True,
            people=(Person("p", person),),
            people_known=True,
        )

    def engine(
        self,
        *,
        dry_run: bool = False,
        answer: bool = True,
        modules: Iterable[Module] = (Module.PEOPLE,),
        planner: Planner = plan,
    ) -> Engine:
        def confirm() -> bool:
            self.asked += 1
            return answer

        mapping = MappingOptions(frozenset(modules), ZoneInfo("Europe/Berlin"))
        options = PlanningOptions(mapping, PlanOptions())
        crew = Here(Work(planner))
        return Engine(self.resolve, crew, options, date(2025, 1, 1), dry_run=dry_run, confirm=confirm)

    def resolve(self, asset: Asset) -> Resolution:
        path = self.folder / asset.original_path.rpartition("/")[2]
        if not path.exists():
            return NotFound(asset.original_path, (str(path),))
        return Resolved(str(path), How.MAP, path.stat().st_size)


@pytest.fixture
def wish(tmp_path: Path) -> Wish:
    return Wish(tmp_path)


def _statuses(outcomes: Iterable[Outcome]) -> list[Status]:
    return [outcome.result.status for outcome in outcomes]


def test_outcomes_come_in_the_order_of_the_assets(wish: Wish) -> None:
    names = [f"{at:02}.jpg" for at in range(40)]
    for name in names[::2]:
        wish.photo(name)
    outcomes = list(wish.engine().run(map(wish.asset, names)))
    assert [outcome.result.asset_id for outcome in outcomes] == names
    assert _statuses(outcomes) == [Status.UPDATED, Status.MISSING] * 20


def test_what_is_in_hand_is_finished_and_told_when_the_server_goes(wish: Wish) -> None:
    paths = [wish.photo(f"{at}.jpg") for at in range(5)]

    def assets() -> Iterator[Union[Asset, InvalidAsset]]:
        yield from (wish.asset(path.name) for path in paths)
        raise FaultError("gone")

    outcomes = wish.engine().run(assets())
    assert [next(outcomes).result.status for _ in paths] == [Status.UPDATED] * 5
    with pytest.raises(FaultError, match="gone"):
        next(outcomes)
    assert all(keywords(path) == ("Ada",) for path in paths)


def test_an_asset_that_makes_no_sense_fails_alone(wish: Wish) -> None:
    wish.photo("a.jpg")
    odd = InvalidAsset("x", "odd.jpg", "the server sent no path for it")
    outcomes = list(wish.engine().run([odd, wish.asset("a.jpg")]))
    assert _statuses(outcomes) == [Status.FAILED, Status.UPDATED]
    assert outcomes[0].result.error is not None
    assert outcomes[0].result.error.kind == "bad_answer"


def test_the_question_is_asked_once_before_the_first_original_of_the_upload_library(wish: Wish) -> None:
    for name in ("external.jpg", "one.jpg", "two.jpg"):
        wish.photo(name)
    assets = [wish.asset("external.jpg"), wish.asset("one.jpg", library=None), wish.asset("two.jpg", library=None)]
    outcomes = list(wish.engine().run(assets))
    assert wish.asked == 1
    assert [outcome.is_upload for outcome in outcomes] == [False, True, True]
    assert all(outcome.is_first_touch for outcome in outcomes)
    later = [wish.asset(name, person="Eve", library=None) for name in ("one.jpg", "two.jpg")]
    outcomes = list(wish.engine().run(later))
    assert (wish.asked, _statuses(outcomes)) == (1, [Status.UPDATED] * 2)
    assert not any(outcome.is_upload or outcome.is_first_touch for outcome in outcomes)


def test_a_no_leaves_the_upload_library_and_writes_the_rest(wish: Wish) -> None:
    upload, external = wish.photo("upload.jpg"), wish.photo("external.jpg")
    assets = [wish.asset("upload.jpg", library=None), wish.asset("external.jpg")]
    outcomes = list(wish.engine(answer=False).run(assets))
    assert _statuses(outcomes) == [Status.SIMULATED, Status.UPDATED]
    assert (upload.read_bytes(), keywords(external)) == (jpeg(), ("Ada",))


def test_a_dry_run_asks_nothing_and_writes_nothing(wish: Wish) -> None:
    path = wish.photo("a.jpg")
    outcomes = list(wish.engine(dry_run=True).run([wish.asset("a.jpg", library=None)]))
    assert (_statuses(outcomes), wish.asked, path.read_bytes()) == ([Status.SIMULATED], 0, jpeg())


def test_of_two_assets_with_one_file_the_first_decides(wish: Wish) -> None:
    path = wish.photo("a.jpg")
    others = [wish.photo(f"{at}.jpg").name for at in range(3)]
    assets = [
        wish.asset("a.jpg", ident="first"),
        *map(wish.asset, others),
        wish.asset("a.jpg", ident="same"),
        wish.asset("a.jpg", person="Eve", ident="different"),
    ]
    outcomes = list(wish.engine().run(assets))
    assert _statuses(outcomes)[-2:] == [Status.UNCHANGED, Status.PATH_MISMATCH]
    assert keywords(path) == ("Ada",)
    assert _statuses(wish.engine().run(assets)) == [Status.UNCHANGED] * 5 + [Status.PATH_MISMATCH]


def test_the_second_asset_of_a_file_waits_for_what_the_first_writes(wish: Wish) -> None:
    class Slow(Plan):
        def apply(self, keep: Optional[Keep] = None) -> None:
            time.sleep(0.1)
            super().apply(keep)

    def planner(path: str, wanted: PhotoMetadata, options: PlanOptions) -> Plan:
        planned = plan(path, wanted, options)
        return Slow(planned.path, planned.media, planned.sidecar)

    path = wish.photo("a.jpg")
    assets = [wish.asset("a.jpg", ident=ident) for ident in ("first", "same")]
    other = wish.asset("a.jpg", person="Eve", ident="different")
    outcomes = list(wish.engine(planner=planner).run([*assets, other]))
    assert _statuses(outcomes) == [Status.UPDATED, Status.UNCHANGED, Status.PATH_MISMATCH]
    assert keywords(path) == ("Ada",)


def test_a_date_that_an_older_source_moved_is_marked(wish: Wish) -> None:
    wish.photo("a.jpg")
    asset = wish.asset("a.jpg")
    exif = ExifInfo(date_time_original=datetime(2024, 6, 1, tzinfo=UTC), time_zone="UTC")
    moved = Asset(**{**vars(asset), "exif": exif})
    (outcome,) = wish.engine(modules=[Module.TIME]).run([moved])
    assert outcome.date_moved
    assert any("older than dateTimeOriginal" in note for note in outcome.result.notes)


def test_one_bad_file_stops_nothing_and_each_outcome_keeps_its_place(wish: Wish) -> None:
    """Also one that another program edits after it was read."""
    names = [f"{at:02}.jpg" for at in range(24)]
    for at, name in enumerate(names):
        wish.photo(name, b"" if at % 6 == 1 else None)

    def disturbed(path: str, wanted: PhotoMetadata, options: PlanOptions) -> Plan:
        planned = plan(path, wanted, options)
        if names.index(os.path.basename(path)) % 6 == 3:
            Path(path).write_bytes(b"edited")
        return planned

    outcomes = list(wish.engine(planner=disturbed).run(map(wish.asset, names)))
    assert [outcome.result.asset_id for outcome in outcomes] == names
    kinds = [outcome.result.error.kind if outcome.result.error else "" for outcome in outcomes]
    assert kinds == ["", "empty", "", "changed", "", ""] * 4
    assert (wish.folder / names[3]).read_bytes() == b"edited"


def test_an_unchanged_photo_costs_no_thread(wish: Wish) -> None:
    assets = [wish.asset(wish.photo(f"{at}.jpg").name) for at in range(3)]
    before = threading.active_count()
    assert _statuses(wish.engine().run(assets)) == [Status.UPDATED] * 3
    outcomes = wish.engine().run([*assets, wish.asset("none.jpg")])
    seen = [(outcome.result.status, threading.active_count()) for outcome in outcomes]
    assert seen == [(Status.UNCHANGED, before)] * 3 + [(Status.MISSING, before)]


def test_who_stops_listening_gets_whole_files(wish: Wish) -> None:
    names = [wish.photo(f"{at}.jpg").name for at in range(12)]
    outcomes = wish.engine().run(map(wish.asset, names))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert sorted(os.listdir(wish.folder)) == sorted(names)
    assert all(keywords(wish.folder / name) in ((), ("Ada",)) for name in names)


@pytest.mark.skipif(os.name != "posix", reason="directories are not flushed elsewhere")
def test_the_directories_that_were_written_into_are_flushed_at_the_end(
    wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    plain = os.open

    def opened(path: Any, *rest: Any, **named: Any) -> int:
        if os.path.isdir(path):
            flushed.append(os.path.basename(path))
        return plain(path, *rest, **named)

    monkeypatch.setattr(os, "open", opened)
    for folder in ("a", "b", "elsewhere"):
        (wish.folder / folder).mkdir()
    (wish.folder / "link.jpg").symlink_to(wish.photo("elsewhere/far.jpg"))
    names = [wish.photo(name).relative_to(wish.folder) for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg")]
    assets = [wish.asset(str(name)) for name in (*names, "link.jpg")]

    def resolve(asset: Asset) -> Resolution:
        path = wish.folder / asset.id
        return Resolved(str(path), How.MAP, path.stat().st_size)

    def run(*, dry_run: bool = False) -> list[str]:
        for outcome in replace(wish.engine(dry_run=dry_run), resolve=resolve).run(assets):
            assert (outcome.result.error, flushed) == (None, [])
        return sorted(flushed)

    assert run(dry_run=True) == []
    assert run() == ["a", "b", "elsewhere"]
    flushed.clear()
    assert run() == []  # it is all there already
