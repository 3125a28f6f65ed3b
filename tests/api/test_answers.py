"""Whatever a server sends: values or named errors, nothing else."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api import decode, values
from immich_meta.api.client import ImmichClient
from immich_meta.api.models import Asset, InvalidAsset
from immich_meta.demo.library import ABSENT, Library
from immich_meta.demo.server import DemoServer

MINIMAL = {"id": "a", "originalPath": "/data/a.jpg"}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
ASSET_FIELDS = [
    "ownerId", "libraryId", "type", "originalFileName", "checksum", "fileCreatedAt", "fileModifiedAt",
    "localDateTime", "isFavorite", "isTrashed", "visibility", "rating", "width", "people", "tags", "exifInfo",
]  # fmt: skip
EXIF_FIELDS = [
    "dateTimeOriginal", "modifyDate", "timeZone", "latitude", "longitude", "altitude", "description",
    "rating", "orientation", "fileSizeInByte", "exifImageWidth",
]  # fmt: skip


def decoded(**fields: Any) -> Asset:
    found = decode.asset({**MINIMAL, **fields})
    assert isinstance(found, Asset)
    return found


@given(
    st.dictionaries(st.sampled_from(ASSET_FIELDS), ANYTHING),
    st.dictionaries(st.sampled_from(EXIF_FIELDS), ANYTHING),
)
def test_no_field_of_any_type_raises_or_costs_the_asset(fields: dict[str, Any], exif: dict[str, Any]) -> None:
    found = decoded(**fields, **({} if "exifInfo" in fields else {"exifInfo": exif}))
    for moment in (found.file_created_at, found.exif.date_time_original, found.exif.modify_date):
        assert moment is None or moment.utcoffset() == timezone.utc.utcoffset(None)
    assert found.local_date_time is None or found.local_date_time.tzinfo is None
    for number in (found.exif.latitude, found.exif.longitude, found.exif.altitude):
        assert number is None or -float("inf") < number < float("inf")
    assert found.exif.rating is None or type(found.exif.rating) is int
    assert type(found.is_favorite) is bool


@given(ANYTHING)
def test_no_answer_of_any_shape_raises(answer: Any) -> None:
    assert isinstance(decode.asset(answer), (Asset, InvalidAsset))
    for read in (decode.faces, decode.albums, decode.tags, decode.ids):
        assert isinstance(read(answer), tuple)
    decode.edits(answer)
    decode.user(answer)
    decode.server(answer, answer)


@given(st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)), st.timezones())
def test_every_date_with_an_offset_is_the_instant_it_names(wall: datetime, zone: Any) -> None:
    moment = wall.replace(tzinfo=zone)
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return  # ISO 8601 has no seconds in an offset
    assert values.instant(moment.isoformat()) == moment.astimezone(timezone.utc)
    assert values.wall(moment.isoformat()) == wall


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-05-01T10:00:00.000Z", "2024-05-01T10:00:00"),
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00"),
        ("2024-05-01T10:00:00+00:00", "2024-05-01T10:00:00"),
        ("2024-05-01 10:00:00.5+05:30", "2024-05-01T04:30:00.500000"),
        ("2024-05-01T10:00:00.123456789-0500", "2024-05-01T15:00:00.123456"),
        ("2024-05-01T10:00:00+00", "2024-05-01T10:00:00"),
        ("2024-05-01T10:00", "2024-05-01T10:00:00"),
        ("2024-05-01", "2024-05-01T00:00:00"),
    ],
)
def test_dates_are_read_in_every_form_that_servers_send(text: str, iso: str) -> None:
    assert values.instant(text) == datetime.fromisoformat(iso).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "garbage",
    [
        "", "now", "0000-00-00T00:00:00Z", "2024-02-30T00:00:00.000Z", "2024-13-01", "2024-01-01T25:00:00Z",
        "2024-01-01T00:00:61.000Z", "+010000-01-01T00:00:00.000Z", "-000001-01-01T00:00:00Z",
        1714550400000, None,
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "2024-01-01T00:00:00+99:00", "2" * 10**6,
        "２０２４-05-01T10:00:00Z", ["2024-05-01"], True, "2024-05-01T10:00:00.000Z\n",
    ],
)  # fmt: skip
def test_garbage_is_no_date(garbage: object) -> None:
    assert values.instant(garbage) is None


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "-" + "9" * 18, '"52.5"', "true", "[1]", "null"],
)
def test_what_is_not_a_finite_number_is_none(text: str) -> None:
    asset = decoded(exifInfo=values.parse(f'{{"latitude": {text}, "rating": {text}}}'.encode()))
    assert (asset.exif.latitude, asset.exif.rating) == (None, None)


def test_a_coordinate_of_999_is_kept_for_the_mapping_to_reject() -> None:
    assert decoded(exifInfo={"latitude": 999, "rating": 7}).exif.latitude == 999
    assert decoded(exifInfo={"latitude": 999, "rating": 7}).exif.rating == 7


def test_nesting_without_end_is_no_json() -> None:
    with pytest.raises(ValueError, match="deep"):
        values.parse(b"[" * 200_000 + b"]" * 200_000)


def test_null_and_missing_lists_are_not_empty_lists() -> None:
    missing = decoded()
    assert (missing.people, missing.people_known, missing.exif_known, missing.tags) == (
        (),
        False,
        False,
        None,
    )
    empty = decoded(people=[], tags=[], exifInfo={})
    assert (empty.people, empty.people_known, empty.exif_known, empty.tags) == ((), True, True, ())


def test_nulls_in_lists_are_dropped() -> None:
    asset = decoded(
        people=[None, {"id": "p", "name": None}, 3], tags=[None, {"id": "t", "value": "A"}, {"id": "u"}]
    )
    assert [(person.id, person.name, person.faces) for person in asset.people] == [("p", "", None)]
    assert [tag.value for tag in asset.tags or ()] == ["A"]


def test_unknown_kinds_and_visibilities_are_kept_as_they_are() -> None:
    asset = decoded(type="HOLOGRAM", visibility="sometimes")
    assert (asset.kind, asset.visibility) == ("HOLOGRAM", "sometimes")


def test_a_path_that_climbs_is_kept_for_the_path_mapping_to_refuse() -> None:
    found = decode.asset({**MINIMAL, "originalPath": "/data/../../etc/passwd"})
    assert isinstance(found, Asset)
    assert (found.original_path, found.original_file_name) == ("/data/../../etc/passwd", "passwd")


@pytest.mark.parametrize("path", ["", None, 3, [], "/a\0b", "/\udc80", "/" + "x" * 40_000])
def test_a_path_that_no_file_has_makes_the_asset_invalid(path: object) -> None:
    found = decode.asset({"id": "a", "originalPath": path, "originalFileName": "IMG.jpg"})
    assert isinstance(found, InvalidAsset)
    assert (found.id, found.name) == ("a", "IMG.jpg")


def test_hostile_values_over_http_cost_only_themselves(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    photo = library.add_photo("/data/a.jpg", people=["Ada"], rating=3, latitude=1.0, longitude=2.0)
    photo.exif_overrides.update(
        latitude=float("nan"), description="x" * 10_000_000, timeZone=[], rating=10**30
    )
    photo.overrides.update(isFavorite="yes", fileCreatedAt="soon", extra={"deep": [[[]]]}, checksum=ABSENT)
    (asset,) = client.assets()
    assert isinstance(asset, Asset)
    assert (asset.exif.latitude, asset.exif.longitude) == (None, 2.0)
    assert len(asset.exif.description or "") == 10_000_000
    assert (asset.exif.time_zone, asset.exif.rating, asset.is_favorite) == (None, None, False)
    assert (asset.file_created_at, asset.checksum) == (None, None)
    assert [person.name for person in asset.people] == ["Ada"]


def test_boxes_of_nonsense_are_boxes_without_numbers() -> None:
    (face,) = decode.faces([None, {"boundingBoxX1": "1", "imageWidth": None, "person": 3, "sourceType": 5}])
    assert (face.x1, face.image_width, face.person, face.source_type) == (None, None, None, None)


@pytest.mark.parametrize("version", [{}, [], None, {"major": "3", "minor": 2}, {"major": 3}])
def test_an_answer_without_a_version_is_no_server(version: object) -> None:
    assert decode.server(version, {}) is None


def test_features_that_are_not_switches_are_ignored() -> None:
    found = decode.server({"major": 3, "minor": 2, "patch": None}, {"importFaces": True, "x": 1})
    assert found is not None
    assert (found.version, found.imports_faces, str(found), dict(found.features)) == (
        (3, 2, 0), True, "3.2.0", {"importFaces": True},
    )  # fmt: skip


@given(st.binary(max_size=40) | st.text(max_size=20).map(lambda text: json.dumps(text).encode()))
def test_bytes_are_json_or_a_value_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        values.parse(body)
