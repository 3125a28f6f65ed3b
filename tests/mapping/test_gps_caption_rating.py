"""Single values: place, caption, stars and heart."""

from __future__ import annotations

import math
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api.models import Asset, ExifInfo
from immich_meta.mapping.caption import caption_of
from immich_meta.mapping.gps import position_of
from immich_meta.mapping.notes import NoteKind
from immich_meta.mapping.rating import Stars, stars_of
from immich_meta_writers.metadata import Position, RatingSource

NAN, INF = float("nan"), float("inf")
HUGE = 10**400

STARS = RatingSource.STARS


def at(latitude: Optional[float], longitude: Optional[float], altitude: Optional[float] = None) -> Asset:
    return Asset("a", "/p.jpg", exif=ExifInfo(latitude=latitude, longitude=longitude, altitude=altitude))


def described(text: Optional[str]) -> Asset:
    return Asset("a", "/p.jpg", exif=ExifInfo(description=text))


def rated(
    exif: Optional[int] = None, asset: Optional[int] = None, heart: bool = False, exif_known: bool = True
) -> Asset:
    info = ExifInfo(rating=exif)
    return Asset("a", "/p.jpg", rating=asset, is_favorite=heart, exif=info, exif_known=exif_known)


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(-33.86, 151.2), (37.77, -122.42), (0.0, 13.4), (52.5, 0.0), (90.0, -180.0)]
)
def test_the_signs_of_a_place_survive(latitude: float, longitude: float) -> None:
    assert position_of(at(latitude, longitude)) == (Position(latitude, longitude), ())


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(None, None), (52.5, None), (None, 13.4), (0.0, 0.0), (-0.0, 0)]
)
def test_no_place_leaves_the_files_alone(latitude: Optional[float], longitude: Optional[float]) -> None:
    assert position_of(at(latitude, longitude)) == (None, ())


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(NAN, 13.4), (52.5, INF), (90.0001, 0.0), (999, 999), (10, -180.01), (HUGE, 1)],
)
def test_a_place_that_is_not_on_earth_is_ignored_with_a_note(latitude: float, longitude: float) -> None:
    position, notes = position_of(at(latitude, longitude))
    assert position is None
    assert [note.kind for note in notes] == [NoteKind.COORDINATES_INVALID]


@pytest.mark.parametrize("altitude", [-420.5, 0.0, 8848.0])
def test_a_known_altitude_keeps_its_sign(altitude: float) -> None:
    assert position_of(at(1.0, 2.0, altitude))[0] == Position(1.0, 2.0, altitude)


def test_an_unknown_altitude_is_not_made_up() -> None:
    assert position_of(at(1.0, 2.0, None)) == (Position(1.0, 2.0, None), ())


@pytest.mark.parametrize("altitude", [NAN, -INF, 1e300, HUGE])
def test_an_impossible_altitude_is_left_out_and_the_place_kept(altitude: float) -> None:
    position, notes = position_of(at(1.0, 2.0, altitude))
    assert position == Position(1.0, 2.0)
    assert [note.kind for note in notes] == [NoteKind.ALTITUDE_INVALID]


numbers = st.none() | st.floats() | st.integers() | st.just(HUGE) | st.just(-HUGE)


@given(numbers, numbers, numbers)
def test_any_numbers_give_a_finite_place_or_none(
    latitude: Optional[float], longitude: Optional[float], altitude: Optional[float]
) -> None:
    position, _ = position_of(at(latitude, longitude, altitude))
    if position is not None:
        assert abs(position.latitude) <= 90
        assert abs(position.longitude) <= 180
        assert (position.latitude, position.longitude) != (0, 0)
        assert position.altitude is None or math.isfinite(position.altitude)


def test_a_caption_is_trimmed_and_keeps_its_lines() -> None:
    assert caption_of(described("\ufeff \r\n Picnic\r\nat \x00the lake\rwith Ada\t\n\u3000"), 2000) == (
        "Picnic\nat the lake\nwith Ada",
        (),
    )


@pytest.mark.parametrize("text", [None, "", " \n\t"])
def test_no_caption_is_an_empty_one(text: Optional[str]) -> None:
    assert caption_of(described(text), 2000) == ("", ())


def test_a_caption_is_unknown_without_exif_info() -> None:
    assert caption_of(Asset("a", "/p.jpg", exif_known=False), 2000) == (None, ())


def test_a_long_caption_is_cut_at_a_character_and_said_so() -> None:
    caption, notes = caption_of(described("😀" * 2001), 2000)
    assert caption == "😀" * 2000
    assert [(note.kind, note.data) for note in notes] == [
        (NoteKind.CAPTION_CUT, (("length", "2001"), ("limit", "2000")))
    ]
    assert caption_of(described("😀" * 2000), 2000) == ("😀" * 2000, ())


def test_a_cut_leaves_no_blank_that_the_server_would_trim() -> None:
    assert caption_of(described("one two"), 4)[0] == "one"


@given(st.text(st.characters()), st.integers(0, 20))
def test_a_caption_that_was_read_back_is_the_same(text: str, limit: int) -> None:
    caption = caption_of(described(text), limit)[0]
    assert caption is not None
    assert len(caption) <= limit
    assert caption_of(described(caption), limit) == (caption, ())
    caption.encode("utf-8")


@pytest.mark.parametrize(
    ("asset", "stars"),
    [
        (rated(4, 2, heart=True), Stars(4, STARS)),
        (rated(None, 2, heart=True), Stars(2, STARS)),
        (rated(heart=True), Stars(5, RatingSource.HEART)),
        (rated(), Stars(0, RatingSource.UNRATED)),
        (rated(-1), Stars(-1, STARS)),
        (rated(0, 3), Stars(0, STARS)),
        (rated(5), Stars(5, STARS)),
    ],
)
def test_the_first_known_rating_counts(asset: Asset, stars: Stars) -> None:
    assert stars_of(asset) == (stars, ())


@pytest.mark.parametrize("value", [6, -2, pytest.param(10**5000, id="huge"), True])
def test_an_impossible_rating_is_ignored_with_a_note(value: int) -> None:
    stars, notes = stars_of(rated(value, 3))
    assert stars == Stars(3, STARS)
    assert [note.kind for note in notes] == [NoteKind.RATING_INVALID]
    assert stars_of(rated(value))[0] == Stars(0, RatingSource.UNRATED)


def test_stars_are_unknown_without_exif_info_unless_the_asset_has_them() -> None:
    assert stars_of(rated(exif_known=False, heart=True)) == (None, ())
    assert stars_of(rated(asset=3, exif_known=False)) == (Stars(3, STARS), ())
