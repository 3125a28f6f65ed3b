"""The ledger: an equal wish has an equal digest, another one has another, and only what decides is looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from immich_meta.api.models import Asset, Face, Person
from immich_meta.mapping.compose import MappingOptions
from immich_meta.state import Settled
from immich_meta.sync.settled import Ledger
from immich_meta.sync.task import Mode, PlanningOptions, Task
from immich_meta_writers import PhotoMetadata, PlanOptions
from immich_meta_writers.metadata import Moment, Position, Raster, RatingSource, Region
from immich_meta_writers.plan import marks
from immich_meta_writers.policy import FileTime, WriteTo
from immich_meta_writers.tags import Module

UTC = timezone.utc
LISTED = b"what the server had listed"
ODD = ("Ada", "Ada'", 'A"da', "a, b", "(", "')", "\n", "None")
NAMES = st.lists(st.text(max_size=6) | st.sampled_from(ODD), max_size=3)
NUMBERS = st.sampled_from([0.5, 1.5, -1.5, 1e-9, 52.52])
MOMENTS = st.builds(
    Moment,
    wall=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    offset=st.none() | st.sampled_from([timedelta(0), timedelta(hours=2), timedelta(hours=-2)]),
    instant=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    guessed=st.booleans(),
)
WISHES: Mapping[str, st.SearchStrategy[Any]] = {
    "people": st.none() | NAMES.map(tuple),
    "caption": st.none() | st.text(max_size=8),
    "rating": st.none() | st.integers(-1, 5),
    "rating_source": st.sampled_from(RatingSource),
    "favorite": st.none() | st.booleans(),
    "gps": st.none() | st.builds(Position, NUMBERS, NUMBERS, st.none() | NUMBERS),
    "captured": st.none() | MOMENTS,
    "albums": st.none() | NAMES.map(tuple),
    "tags": st.none() | NAMES.map(tuple),
    "asset_id": st.none() | st.sampled_from(["a", "b"]),
}
FACES: Mapping[str, st.SearchStrategy[Any]] = {
    "regions": st.none() | st.lists(st.builds(Region, st.just("Ada"), NUMBERS, NUMBERS, NUMBERS, NUMBERS)).map(tuple),
    "raster": st.none() | st.builds(Raster, st.integers(1, 9), st.integers(1, 9), st.integers(1, 8)),
}
MANNERS: Mapping[str, st.SearchStrategy[Any]] = {
    "write_to": st.sampled_from(WriteTo),
    "claimant": st.sampled_from(["local", "0123abcd", "abcd0123"]),
    "mtime": st.none() | st.sampled_from(FileTime),
    "xmp_engine": st.sampled_from(["auto", "builtin", "exempi"]),
    "microsoft_percent": st.booleans(),
    "clear_ratings": st.booleans(),
    "protect": st.booleans(),
    "protect_after": st.none() | NUMBERS,
    "sidecar_dir": st.none() | st.sampled_from(["/side", "/other"]),
}
TASKS = st.builds(
    lambda wanted, options: Task("a", "/a.jpg", PhotoMetadata(**wanted), PlanOptions(**options), files="1:1:1||"),
    st.fixed_dictionaries({}, optional={**WISHES, **FACES}),
    st.fixed_dictionaries({}, optional=MANNERS),
)


class Shelf(dict[str, Settled]):
    """Records in memory."""

    def settled(self, asset_id: str) -> Optional[Settled]:
        return self.get(asset_id)

    def remember(self, asset_id: str, settled: Settled) -> None:
        self[asset_id] = settled


def digest(task: Task, rules: str = "") -> bytes:
    shelf = Shelf()
    Ledger(shelf, rules=rules).remember(task, b"", "1:1:1||", LISTED)
    return shelf["a"].wanted


def wish(task: Task) -> tuple[object, ...]:
    """All that decides what is written, faces apart."""
    return replace(task.wanted, regions=None, raster=None), task.options


def test_nothing_that_can_be_wished_for_is_left_out_here() -> None:
    assert {each.name for each in fields(PhotoMetadata)} == {*WISHES, *FACES}
    assert {each.name for each in fields(PlanOptions)} == set(MANNERS)


@given(one=TASKS, other=TASKS)
@settings(max_examples=150)
def test_digests_are_equal_where_wishes_are(one: Task, other: Task) -> None:
    assert (digest(one) == digest(other)) == (wish(one) == wish(other))


@given(task=TASKS, data=st.data())
@settings(max_examples=150)
def test_one_field_of_another_value_is_another_wish(task: Task, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*WISHES, *MANNERS]))
    if name in WISHES:
        other = replace(task, wanted=replace(task.wanted, **{name: data.draw(WISHES[name])}))
    else:
        other = replace(task, options=replace(task.options, **{name: data.draw(MANNERS[name])}))
    assert (digest(task) == digest(other)) == (wish(task) == wish(other))
    shelf = Shelf()
    ledger = Ledger(shelf)
    ledger.remember(task, b"", task.files, LISTED)
    assert ledger.is_settled(task, b"")
    assert ledger.is_settled(other, b"") == (wish(task) == wish(other))


@given(task=TASKS, data=st.data())
def test_faces_are_no_part_of_it_and_neither_is_what_is_only_told(task: Task, data: st.DataObject) -> None:
    faces = {name: data.draw(strategy) for name, strategy in FACES.items()}
    other = replace(
        task, wanted=replace(task.wanted, **faces), notes=("a note",), mode=Mode.LOOK, checksum="x", is_upload=True
    )
    assert digest(task) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"people": ("a", "b")}, {"people": ("a', 'b",)}),
        ({"people": ()}, {"people": None}),
        ({"people": ("None",)}, {"people": None}),
        ({"people": ("Ada",)}, {"albums": ("Ada",)}),
        ({"people": ("Ada", "Eve")}, {"people": ("Eve", "Ada")}),
        ({"caption": ""}, {"caption": None}),
        ({"caption": "None"}, {"caption": None}),
        ({"caption": "é"}, {"caption": "e\u0301"}),
        ({"rating": 0}, {"rating": None}),
        ({"favorite": False}, {"favorite": None}),
        ({"gps": Position(1.0, 2.0)}, {"gps": Position(2.0, 1.0)}),
        ({"gps": Position(1.0, 2.0, None)}, {"gps": Position(1.0, 2.0, 0.0)}),
    ],
)
def test_wishes_that_look_alike_are_told_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    tasks = [Task("a", "/a.jpg", PhotoMetadata(**each), PlanOptions()) for each in (one, other)]
    assert digest(tasks[0]) != digest(tasks[1])


def test_other_rules_are_another_wish() -> None:
    task = Task("a", "/a.jpg", PhotoMetadata(people=("Ada",)), PlanOptions())
    assert digest(task, "1.0") == digest(task, "1.0") != digest(task, "1.1")


def test_digests_are_the_same_in_every_process() -> None:
    """Hashes of Python differ from process to process: none may be in it."""
    script = (
        "from tests.sync.test_settled import PhotoMetadata, PlanOptions, RatingSource, Task, digest\n"
        "wanted = PhotoMetadata(people=('Ada', 'Eve'), rating_source=RatingSource.HEART)\n"
        "print(digest(Task('a', '/a', wanted, PlanOptions())).hex())"
    )
    found = set()
    for seed in ("1", "2"):
        environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env=environ)
        found.add(ran.stdout)
    assert len(found) == 1


TASK = Task("a", "/a.jpg", PhotoMetadata(people=("Ada",)), PlanOptions(), files="1:1:1||")
ASSET = Asset("a", "/data/a.jpg", people=(Person("p", "Ada"),), updated_at="2024-01-01T00:00:00.000Z")


def test_without_records_or_marks_or_with_verify_nothing_is_settled() -> None:
    shelf = Shelf()
    Ledger(shelf).remember(TASK, b"", TASK.files, LISTED)
    assert Ledger(shelf).is_settled(TASK, b"")
    assert not Ledger(None).is_settled(TASK, b"")
    assert not Ledger(shelf, verify=True).is_settled(TASK, b"")
    assert not Ledger(shelf).is_settled(replace(TASK, files=""), b"")
    assert not Ledger(shelf).is_settled(replace(TASK, files="1:1:2||"), b"")
    assert not Ledger(shelf).is_settled(replace(TASK, asset_id="b"), b"")


def test_a_file_that_cannot_be_marked_is_not_remembered() -> None:
    shelf = Shelf()
    Ledger(shelf).remember(TASK, b"", "", LISTED)
    assert shelf == {}


def test_what_verify_found_is_remembered() -> None:
    shelf = Shelf()
    Ledger(shelf, verify=True).remember(TASK, b"", TASK.files, LISTED)
    assert Ledger(shelf).is_settled(TASK, b"")


def test_faces_count_where_they_are_asked_for() -> None:
    shelf = Shelf()
    plain, asking = Ledger(shelf), Ledger(shelf, faces=True, people={})
    plain.remember(TASK, plain.faces_of(ASSET), TASK.files, LISTED)
    assert plain.is_settled(TASK, plain.faces_of(ASSET))
    assert not asking.is_settled(TASK, asking.faces_of(ASSET))
    asking.remember(TASK, asking.faces_of(ASSET), TASK.files, LISTED)
    assert asking.is_settled(TASK, asking.faces_of(ASSET))
    assert plain.is_settled(TASK, plain.faces_of(ASSET))


FACE = Face(10, 10, 1, 2, 3, 4)


def faces(asset: Asset = ASSET, people: Optional[Mapping[str, str]] = None, known: bool = True) -> bytes:
    states = {"p": "1", "q": "1"} if people is None else people
    return Ledger(Shelf(), faces=True, people=states if known else None).faces_of(asset)


@pytest.mark.parametrize(
    "other",
    [
        replace(ASSET, updated_at="2024-01-01T00:00:01.000Z"),
        replace(ASSET, is_edited=True),
        replace(ASSET, people=()),
        replace(ASSET, people=(Person("q", "Ada"),)),
        replace(ASSET, people=(Person("p", "Eve"),)),
        replace(ASSET, people=(Person("p", "Ada", is_hidden=True),)),
        replace(ASSET, people=(Person("p", "Ada"), Person("q", "Eve"))),
    ],
)
def test_what_moves_with_a_face_is_noticed(other: Asset) -> None:
    assert faces(other) != faces()
    assert faces(other, known=False) != faces(known=False)


def test_the_list_of_people_tells_of_each() -> None:
    assert faces(people={"p": "1", "z": "9"}) == faces()
    assert faces(people={"p": "2"}) != faces()
    assert faces(people={}) != faces()


def test_boxes_count_only_where_the_list_of_people_is_not_known() -> None:
    boxed = replace(ASSET, people=(replace(ASSET.people[0], faces=(FACE,)),))
    moved = replace(ASSET, people=(replace(ASSET.people[0], faces=(replace(FACE, y2=5),)),))
    assert faces(boxed) == faces(moved) == faces()
    assert len({faces(each, known=False) for each in (ASSET, boxed, moved)}) == 3


BERLIN = ZoneInfo("Europe/Berlin")
OPTIONS = PlanningOptions(MappingOptions(frozenset({Module.PEOPLE, Module.ALBUMS}), BERLIN), PlanOptions())
HEARD = replace(ASSET, listed=LISTED)


def listed(
    asset: Asset = HEARD,
    albums: tuple[str, ...] = ("Spring",),
    options: PlanningOptions = OPTIONS,
    people: Optional[Mapping[str, str]] = None,
    rules: str = "1",
) -> bytes:
    return Ledger(Shelf(), people=people, rules=rules).listed_of(asset, albums, options)


def of_mapping(**fields: Any) -> PlanningOptions:
    return replace(OPTIONS, mapping=replace(OPTIONS.mapping, **fields))


@pytest.mark.parametrize(
    "other",
    [
        {"asset": replace(HEARD, listed=b"another list")},
        {"albums": ()},
        {"albums": ("Spring", "Summer")},
        {"people": {"p": "1"}},
        {"rules": "2"},
        {"options": of_mapping(modules=frozenset({Module.PEOPLE}))},
        {"options": of_mapping(zone=ZoneInfo("Asia/Tokyo"))},
        {"options": of_mapping(caption_max_len=9)},
        {"options": of_mapping(date_source="immich")},
        {"options": replace(OPTIONS, protect_newer=True)},
        *({"options": replace(OPTIONS, writing=PlanOptions(**each))} for each in (
            {"write_to": WriteTo.BOTH}, {"claimant": "0123abcd"}, {"mtime": FileTime.KEEP}, {"xmp_engine": "builtin"},
            {"microsoft_percent": True}, {"clear_ratings": True}, {"protect": True}, {"protect_after": 1.0},
        )),
    ],
    ids=lambda other: next(iter(other)),
)  # fmt: skip
def test_a_list_that_says_the_same_under_other_choices_is_another(other: dict[str, Any]) -> None:
    assert listed(**other) != listed() == listed()


def test_every_choice_of_the_mapping_is_among_those() -> None:
    assert {each.name for each in fields(MappingOptions)} == {"modules", "zone", "caption_max_len", "date_source"}


def test_what_was_not_listed_is_never_settled_by_a_list(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a photo")
    shelf = Shelf()
    ledger = Ledger(shelf)
    assert ledger.listed_of(ASSET, (), OPTIONS) == b""
    ledger.remember(TASK, b"", marks(str(path)), b"")
    assert not ledger.is_as_listed("a", b"", str(path))
    ledger.remember(TASK, b"", marks(str(path)), LISTED)
    assert ledger.is_as_listed("a", LISTED, str(path))
    assert not ledger.is_as_listed("a", b"another list", str(path))
    assert not ledger.is_as_listed("b", LISTED, str(path))
    path.write_bytes(b"another photo")
    assert not ledger.is_as_listed("a", LISTED, str(path))
    path.unlink()
    assert not ledger.is_as_listed("a", LISTED, str(path))


def test_a_list_cannot_tell_where_only_a_request_or_a_look_can() -> None:
    assert Ledger(Shelf()).can_tell_by_listing
    assert Ledger(Shelf(), faces=True, people={}).can_tell_by_listing
    assert not Ledger(Shelf(), faces=True).can_tell_by_listing
    assert not Ledger(Shelf(), verify=True).can_tell_by_listing
    assert not Ledger(None).can_tell_by_listing
