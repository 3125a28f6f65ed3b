"""PhotoMetadata from JSON: strict, the same on every Python, with an error that names the field.

Not here: files and the command line (tests/cli).
"""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any, Optional
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers import Moment, PhotoMetadata, Position, Raster, Region
from immich_meta_writers.errors import MetadataError
from immich_meta_writers.metadata_json import FIELDS, photo_metadata

BERLIN = ZoneInfo("Europe/Berlin")


def parse(text: str) -> PhotoMetadata:
    return photo_metadata(json.loads(text), BERLIN)


def moment(text: str) -> Moment:
    captured = photo_metadata({"captured": text}, BERLIN).captured
    assert captured is not None
    return captured


def test_every_field() -> None:
    found = parse(
        """{"people": ["Bob", "Ada"], "caption": " Hello\\r\\nworld ", "rating": 4, "favorite": true,
        "gps": {"latitude": 52.5, "longitude": -13, "altitude": 34.5}, "captured": "2024-01-15T10:30:45+01:00",
        "albums": ["Trip"], "tags": ["Travel/Berlin"],
        "regions": [{"name": "Ada", "x": 0.1, "y": 0.2, "w": 0.3, "h": 1}]}"""
    )
    assert found == PhotoMetadata(
        people=("Ada", "Bob"),
        caption="Hello\nworld",
        rating=4,
        favorite=True,
        gps=Position(52.5, -13.0, 34.5),
        captured=Moment(
            datetime(2024, 1, 15, 10, 30, 45), timedelta(hours=1), datetime(2024, 1, 15, 9, 30, 45, tzinfo=timezone.utc)
        ),
        albums=("Trip",),
        tags=("Travel/Berlin",),
        regions=(Region("Ada", 0.1, 0.2, 0.3, 1.0),),
    )
    assert set(FIELDS.split(", ")) <= set(PhotoMetadata.__dataclass_fields__)


@pytest.mark.parametrize("name", FIELDS.split(", "))
def test_null_and_absent_leave_a_field_alone(name: str) -> None:
    assert photo_metadata({name: None}, BERLIN) == photo_metadata({}, BERLIN) == PhotoMetadata()


def test_empty_means_none() -> None:
    found = photo_metadata({"people": [], "caption": "", "regions": [], "favorite": False}, BERLIN)
    assert found == PhotoMetadata(people=(), caption="", regions=(), favorite=False)


def test_names_are_one_line_sorted_and_come_once() -> None:
    assert photo_metadata({"people": ["Zoe\u0308", "Ada\nL.", " ", "Zoë"]}, BERLIN).people == ("Ada L.", "Zoë")


def test_a_heart_says_nothing_about_stars() -> None:
    found = photo_metadata({"favorite": True, "rating": None}, BERLIN)
    assert (found.rating, found.favorite) == (None, True)


@pytest.mark.parametrize(
    ("text", "wall", "minutes"),
    [
        ("2024-01-15T10:30:45", datetime(2024, 1, 15, 10, 30, 45), None),
        ("2024-01-15 10:30:45", datetime(2024, 1, 15, 10, 30, 45), None),
        ("2024-01-15T10:30:45.5Z", datetime(2024, 1, 15, 10, 30, 45), 0),
        ("2024-01-15T10:30:45.123456789-03:30", datetime(2024, 1, 15, 10, 30, 45), -210),
        ("2024-01-15T10:30:45+0100", datetime(2024, 1, 15, 10, 30, 45), 60),
        ("2024-01-15T10:30Z", datetime(2024, 1, 15, 10, 30), 0),
        (" 2024-01-15T10:30 ", datetime(2024, 1, 15, 10, 30), None),
        ("2024-01-15", datetime(2024, 1, 15), None),
    ],
)
def test_the_same_forms_of_iso_8601_on_every_python(text: str, wall: datetime, minutes: Optional[int]) -> None:
    found = moment(text)
    assert found.wall == wall
    assert found.offset == (None if minutes is None else timedelta(minutes=minutes))


def test_a_wall_clock_is_read_in_the_given_zone() -> None:
    assert moment("2024-07-15T12:00:00").instant == datetime(2024, 7, 15, 10, tzinfo=timezone.utc)
    assert moment("2024-07-15T12:00:00Z").instant == datetime(2024, 7, 15, 12, tzinfo=timezone.utc)


WRONG: list[tuple[Any, str]] = [
    ([], "JSON object"),
    ("text", "JSON object"),
    (None, "JSON object"),
    (True, "JSON object"),
    ({"poeple": []}, "poeple"),
    ({"people": "Ada"}, "people"),
    ({"people": ["Ada", 1]}, "people[1]"),
    ({"people": [None]}, "people[0]"),
    ({"caption": 1}, "caption"),
    ({"rating": True}, "rating"),
    ({"rating": "4"}, "rating"),
    ({"rating": 2.5}, "rating"),
    ({"rating": 6}, "rating"),
    ({"rating": -2}, "rating"),
    ({"rating": float("nan")}, "rating"),
    ({"rating": float("inf")}, "rating"),
    ({"rating": 10**400}, "rating"),
    ({"rating": -(10**400)}, "rating"),
    ({"favorite": 1}, "favorite"),
    ({"favorite": "yes"}, "favorite"),
    ({"gps": [1, 2]}, "gps"),
    ({"gps": {"latitude": 1}}, "longitude"),
    ({"gps": {"latitude": 1, "longitude": None}}, "longitude"),
    ({"gps": {"latitude": 91, "longitude": 0}}, "gps.latitude"),
    ({"gps": {"latitude": 1, "longitude": 181}}, "gps.longitude"),
    ({"gps": {"latitude": 1, "longitude": 2, "altitude": 1e9}}, "gps.altitude"),
    ({"gps": {"latitude": 1, "longitude": 2, "lat": 3}}, "lat"),
    ({"captured": 1}, "captured"),
    ({"captured": "yesterday"}, "captured"),
    ({"captured": "2024-02-30"}, "captured"),
    ({"captured": "2024-01-15T10:30:45+24:00"}, "captured"),
    ({"captured": "20240115T103045"}, "captured"),
    ({"captured": "2024-01-15T10:30:45+01:00 and more"}, "captured"),
    ({"captured": "0999-01-15T10:30:45"}, "captured"),
    ({"captured": "9999-12-31T23:59:59-12:00"}, "captured"),
    ({"regions": {}}, "regions"),
    ({"regions": [1]}, "regions[0]"),
    ({"regions": [{"name": "Ada", "x": 0, "y": 0, "w": 0}]}, "regions[0]"),
    ({"regions": [{"name": "Ada", "x": 0, "y": 0, "w": 0, "h": 1.1}]}, "regions[0].h"),
    ({"regions": [{"name": 1, "x": 0, "y": 0, "w": 0, "h": 1}]}, "regions[0].name"),
    ({"regions": [{"name": "Ada", "x": 0, "y": 0, "w": 0, "h": 1, "z": 2}]}, "regions[0]"),
]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"gps": {"latitude": 99, "longitude": 1}}, "gps.latitude: 99 is not allowed: -90 to 90"),
        ({"people": "Ada"}, "people: a text where a list of texts is expected"),
        ({"gps": {"longitude": 1}}, "gps: latitude is missing"),
    ],
    ids=["range", "kind", "missing"],
)
def test_an_error_names_the_field_once_and_what_is_allowed(values: object, said: str) -> None:
    with pytest.raises(MetadataError) as raised:
        photo_metadata(values, BERLIN)
    assert str(raised.value) == said


@pytest.mark.parametrize(("values", "named"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_value_is_an_error_that_names_the_field(values: object, named: str) -> None:
    with pytest.raises(MetadataError) as raised:
        photo_metadata(values, BERLIN)
    assert named in str(raised.value)
    assert len(str(raised.value)) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(FIELDS.split(", ")), json_values) | json_values)
def test_any_json_is_metadata_or_one_named_error(values: object) -> None:
    with contextlib.suppress(MetadataError):
        assert isinstance(photo_metadata(values, BERLIN), PhotoMetadata)


@given(st.text("0123456789-:T Z+.", max_size=30))
def test_any_date_is_a_moment_or_one_named_error(text: str) -> None:
    with contextlib.suppress(MetadataError):
        assert moment(text).wall.tzinfo is None


def test_a_raster_is_pixels_and_an_orientation() -> None:
    assert parse('{"raster": {"width": 6000, "height": 4000.0}}').raster == Raster(6000, 4000, 1)
    assert parse('{"raster": {"width": 6000, "height": 4000, "orientation": 6}}').raster == Raster(6000, 4000, 6)


@pytest.mark.parametrize(
    "raster",
    [
        [6000, 4000],
        {"width": 6000},
        {"width": 0, "height": 1},
        {"width": 1.5, "height": 1},
        {"width": 1, "height": 1 << 31},
        {"width": True, "height": 1},
        {"width": 1, "height": 1, "orientation": 9},
        {"width": 1, "height": 1, "unit": "pixel"},
    ],
)
def test_a_raster_that_makes_no_sense_is_named(raster: object) -> None:
    with pytest.raises(MetadataError, match="raster"):
        photo_metadata({"raster": raster}, BERLIN)
