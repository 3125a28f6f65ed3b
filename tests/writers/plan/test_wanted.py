"""What is wanted, made fit for any tag: clean texts, distinct names, numbers in range.

Not here: JSON (test_metadata_json.py).
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers import Moment, PhotoMetadata, Position, Region, plan
from immich_meta_writers.errors import MetadataError
from immich_meta_writers.plan.wanted import prepared
from tests.writers.plan.photos import MOMENT, WALL, photo

BOX = (0.5, 0.5, 0.1, 0.1)


def names(**wanted: tuple[str, ...]) -> tuple[str, ...]:
    found = prepared(PhotoMetadata(**wanted))  # type: ignore[arg-type]
    return next(value for value in (found.people, found.albums, found.tags) if value is not None)


@pytest.mark.parametrize("field", ["people", "albums", "tags"])
def test_names_are_sorted_by_code_point_and_equal_ones_come_once(field: str) -> None:
    decomposed = unicodedata.normalize("NFD", "Zoë")
    assert names(**{field: ("b", "a", "Zoë", "B", "a", decomposed)}) == ("B", "Zoë", "a", "b")


@pytest.mark.parametrize("field", ["people", "albums", "tags"])
def test_names_are_one_line_and_blank_ones_are_none(field: str) -> None:
    assert names(**{field: (" Ada\r\nLovelace\t", "", " ", "\n", "\x00", "\ud800")}) == ("Ada Lovelace",)


def test_a_tags_path_has_no_blank_components() -> None:
    assert names(tags=("Travel/ /Berlin/", "/", "//Rome", " a / b ")) == ("Rome", "Travel/Berlin", "a/b")


def test_a_caption_is_trimmed_and_its_line_breaks_become_lf() -> None:
    assert prepared(PhotoMetadata(caption=" a\r\nb\rc\u2028d\x85e\x07\ud800 \n")).caption == "a\nb\nc\nd\ne"


def test_an_asset_id_is_one_line() -> None:
    assert prepared(PhotoMetadata(asset_id=" id\n1\x00")).asset_id == "id 1"


def test_regions_without_a_name_are_left_out_and_equal_ones_come_once() -> None:
    regions = (Region(" Ada\n", *BOX), Region("Ada", *BOX), Region(" ", *BOX), Region("\x00", *BOX))
    assert prepared(PhotoMetadata(regions=regions)).regions == (Region("Ada", *BOX),)


def test_what_is_not_asked_for_stays_none() -> None:
    assert prepared(PhotoMetadata()) == PhotoMetadata()


def test_a_moment_has_whole_seconds_and_whole_minutes_of_offset() -> None:
    odd = replace(MOMENT, wall=WALL.replace(microsecond=7), offset=timedelta(minutes=53, seconds=28))
    assert prepared(PhotoMetadata(captured=odd)).captured == replace(MOMENT, offset=timedelta(minutes=53))
    west = replace(MOMENT, offset=-timedelta(minutes=53, seconds=40))
    assert prepared(PhotoMetadata(captured=west)).captured == replace(MOMENT, offset=-timedelta(minutes=54))


AWARE = datetime(2021, 6, 15, tzinfo=timezone.utc)
WRONG: list[dict[str, Any]] = [
    {"rating": 6},
    {"rating": -2},
    {"rating": 2.5},
    {"gps": Position(90.1, 0)},
    {"gps": Position(0, -180.1)},
    {"gps": Position(float("nan"), 0)},
    {"gps": Position(0, float("inf"))},
    {"gps": Position(1, 2, float("nan"))},
    {"gps": Position(1, 2, 1e9)},
    {"regions": (Region("Ada", float("nan"), 0.5, 0.1, 0.1),)},
    {"regions": (Region("Ada", 0.5, 0.5, float("inf"), 0.1),)},
    {"regions": (Region("Ada", 0.5, 0.5, 0.1, 1e9),)},
    {"captured": Moment(AWARE, None, AWARE)},
    {"captured": Moment(WALL, None, WALL)},
    {"captured": Moment(WALL, timedelta(days=1), AWARE)},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(MetadataError) as raised:
        plan(photo(tmp_path), PhotoMetadata(**wrong))
    assert next(iter(wrong)) in str(raised.value)
    assert raised.value.place.startswith(next(iter(wrong)))


@given(
    st.builds(
        PhotoMetadata,
        people=st.none() | st.lists(st.text(max_size=8), max_size=4).map(tuple),
        caption=st.none() | st.text(max_size=20),
        albums=st.none() | st.lists(st.text(max_size=8), max_size=4).map(tuple),
        tags=st.none() | st.lists(st.text("/ ab\n", max_size=8), max_size=4).map(tuple),
        regions=st.none() | st.lists(st.builds(Region, st.text(max_size=4), *map(st.just, BOX)), max_size=3).map(tuple),
    )
)
def test_preparing_twice_is_preparing_once(wanted: PhotoMetadata) -> None:
    once = prepared(wanted)
    assert prepared(once) == once
