"""One asset, all modules."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from immich_meta.api.models import Album, Asset, Edit, ExifInfo, Face, Person, Tag
from immich_meta.mapping import Mapped, MappingOptions, NoteKind, to_metadata
from immich_meta_writers.metadata import Moment, PhotoMetadata, Position, RatingSource, Region
from immich_meta_writers.tags import Module

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2025, 1, 1)
TAKEN = datetime(2024, 5, 1, 10, 0, tzinfo=timezone.utc)

ASSET = Asset(
    id="5f1b",
    original_path="/data/library/IMG_0001.jpg",
    original_file_name="IMG_0001.jpg",
    file_created_at=TAKEN,
    file_modified_at=TAKEN + timedelta(seconds=5),
    is_favorite=True,
    exif=ExifInfo(
        date_time_original=TAKEN,
        time_zone="Europe/Berlin",
        latitude=-33.86,
        longitude=-122.42,
        description=" Picnic\r\n",
        rating=4,
        orientation="6",
        image_width=4032,
        image_height=3024,
    ),
    people=(Person("1", "Bob, Jr."), Person("2", "Ann")),
    tags=(Tag("3", "Travel/Berlin"), Tag("4", "Albums/Summer")),
)
FACES = (Face(1000, 500, 100, 100, 200, 200, "machine-learning", Person("2", "Ann")),)
EXPECTED = PhotoMetadata(
    people=("Ann", "Bob, Jr."),
    caption="Picnic",
    rating=4,
    rating_source=RatingSource.STARS,
    favorite=True,
    gps=Position(-33.86, -122.42),
    captured=Moment(datetime(2024, 5, 1, 12, 0), timedelta(hours=2), TAKEN),
    albums=("Summer", "Trip"),
    tags=("Travel/Berlin",),
    regions=(Region("Ann", 0.15000000000000002, 0.30000000000000004, 0.1, 0.2),),
    asset_id="5f1b",
)
FIELDS = {
    Module.PEOPLE: ("people",),
    Module.GPS: ("gps",),
    Module.CAPTION: ("caption",),
    Module.TIME: ("captured",),
    Module.RATING: ("rating", "favorite"),
    Module.ALBUMS: ("albums",),
    Module.FACES: ("regions",),
    Module.TAGS: ("tags",),
}


def mapped(asset: Asset, *modules: Module, edits: tuple[Edit, ...] | None = None) -> Mapped:
    options = MappingOptions(frozenset(modules), BERLIN)
    albums = (Album("1", "Trip"), "Summer")
    return to_metadata(asset, albums=albums, faces=FACES, edits=edits, options=options, today=TODAY)


def test_an_asset_becomes_what_its_file_should_say() -> None:
    assert mapped(ASSET, *Module) == Mapped(EXPECTED, ())


@pytest.mark.parametrize("module", list(Module))
def test_a_module_sets_its_own_fields_and_no_other(module: Module) -> None:
    metadata = mapped(ASSET, module).metadata
    set_fields = {each.name for each in fields(metadata) if getattr(metadata, each.name) is not None}
    assert set_fields - {"rating_source", "asset_id"} == set(FIELDS[module])
    for name in FIELDS[module]:
        assert getattr(metadata, name) == getattr(EXPECTED, name)


def test_without_modules_everything_is_left_alone() -> None:
    assert mapped(ASSET) == Mapped(PhotoMetadata(asset_id="5f1b"), ())


def test_an_empty_asset_says_that_there_is_nothing() -> None:
    options = MappingOptions(frozenset(Module), BERLIN)
    asset = Asset("5f1b", "/p.jpg", tags=())
    found = to_metadata(asset, albums=(), faces=None, edits=None, options=options, today=TODAY)
    expected = PhotoMetadata(
        people=(),
        caption="",
        rating=0,
        rating_source=RatingSource.UNRATED,
        favorite=False,
        albums=(),
        tags=(),
        regions=(),
        asset_id="5f1b",
    )
    assert found == Mapped(expected, ())


def test_what_the_server_did_not_say_is_left_alone() -> None:
    options = MappingOptions(frozenset(Module), BERLIN)
    asset = Asset("5f1b", "/p.jpg", people_known=False, exif_known=False)
    found = to_metadata(asset, albums=None, faces=None, edits=None, options=options, today=TODAY)
    assert found.metadata == PhotoMetadata(favorite=False, asset_id="5f1b")


def test_a_heart_is_five_stars_that_are_marked_as_such() -> None:
    metadata = mapped(replace(ASSET, exif=ExifInfo()), Module.RATING).metadata
    assert (metadata.rating, metadata.rating_source, metadata.favorite) == (5, RatingSource.HEART, True)


def test_the_notes_of_all_modules_arrive() -> None:
    exif = replace(ASSET.exif, latitude=999.0, rating=9, date_time_original=TAKEN + timedelta(days=9))
    found = mapped(replace(ASSET, exif=exif, is_edited=True), *Module)
    assert [note.kind for note in found.notes] == [
        NoteKind.COORDINATES_INVALID,
        NoteKind.DATE_MOVED,
        NoteKind.RATING_INVALID,
        NoteKind.FACES_SKIPPED,
    ]
    assert found.metadata.gps is None
    assert found.metadata.regions is None


def test_edits_may_come_with_the_asset() -> None:
    turned = Edit("rotate", MappingProxyType({"angle": 180}))
    with_edits = mapped(replace(ASSET, is_edited=True, edits=(turned,)), Module.FACES)
    assert with_edits == mapped(replace(ASSET, is_edited=True), Module.FACES, edits=(turned,))
    assert with_edits.metadata.regions is not None
    assert with_edits.metadata.regions[0].x == pytest.approx(0.85)
