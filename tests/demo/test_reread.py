"""What the stand-in makes of a file that it reads again."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.demo.library import Library
from immich_meta.demo.reread import Found, FoundRegion, reread, shown, stored_rating
from immich_meta.demo.zones import label_of, offset_at

MTIME = datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=timezone.utc)
WALL = datetime(2024, 7, 1, 12, 30)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("offset", "zone", "label", "instant", "wall"),
    [
        (None, None, None, utc(2024, 7, 1, 12, 30), WALL),
        (timedelta(hours=2), None, "UTC+2", utc(2024, 7, 1, 10, 30), WALL),
        (timedelta(hours=-3, minutes=-30), None, "UTC-3:30", utc(2024, 7, 1, 16), WALL),
        (timedelta(0), None, "UTC", utc(2024, 7, 1, 12, 30), WALL),
        (None, "Europe/Berlin", "Europe/Berlin", utc(2024, 7, 1, 10, 30), WALL),
        (timedelta(hours=2), "Australia/Sydney", "Australia/Sydney", utc(2024, 7, 1, 10, 30),
         datetime(2024, 7, 1, 20, 30)),
    ],
)  # fmt: skip
def test_a_date_becomes_an_instant_with_the_zone_that_was_found(
    offset: Optional[timedelta], zone: Optional[str], label: Optional[str], instant: datetime, wall: datetime
) -> None:
    library = Library()
    photo = library.add_photo("a", mtime=utc(2020, 1, 1))
    reread(library, photo, Found(MTIME, date=WALL, offset=offset, zone=zone, size=9))
    assert (photo.date_time_original, photo.time_zone) == (instant, label)
    assert (photo.local_date_time, photo.file_created_at) == (wall, instant)
    assert (photo.file_modified_at, photo.modify_date, photo.size) == (MTIME, None, 9)


def test_a_video_without_a_zone_is_taken_for_utc() -> None:
    library = Library()
    video = library.add_video("a.mp4")
    reread(library, video, Found(MTIME, date=WALL))
    assert (video.time_zone, video.local_date_time) == ("UTC", WALL)


@pytest.mark.parametrize(("version", "expected"), [((3, 2, 2), utc(2020, 1, 1)), ((2, 7, 5), MTIME)])
def test_without_a_date_the_file_system_decides(version: tuple[int, int, int], expected: datetime) -> None:
    library = Library()
    photo = library.add_photo("a", date=datetime(2020, 1, 1))
    reread(library, photo, Found(MTIME), version=version)
    assert photo.file_created_at == photo.date_time_original == expected
    assert photo.time_zone is None


@pytest.mark.parametrize(
    ("stars", "v2_5", "v2_7", "v3"),
    [(None, None, None, None), (0, 0, None, None), (1, 1, 1, 1), (5, 5, 5, 5), (-1, -1, -1, None),
     (9, None, None, None)],
)  # fmt: skip
def test_stars_are_kept_as_each_version_keeps_them(
    stars: Optional[int], v2_5: Optional[int], v2_7: Optional[int], v3: Optional[int]
) -> None:
    versions = ((2, 5, 0), (2, 7, 5), (3, 2, 2))
    assert [stored_rating(stars, version) for version in versions] == [v2_5, v2_7, v3]


def test_caption_place_and_tags_are_replaced_and_the_rest_stays() -> None:
    library = Library()
    photo = library.add_photo(
        "a", people=["Ada"], albums=["A"], tags=["Old"], favorite=True, rating=2, description="old",
        latitude=1.0, longitude=2.0,
    )  # fmt: skip
    found = Found(MTIME, rating=4, description=" new\n", latitude=0.0, longitude=0.0, tags=("X/Y", "", "Z"))
    reread(library, photo, found)
    assert (photo.rating, photo.description, photo.latitude, photo.longitude) == (4, "new", None, None)
    assert [tag.value for tag in photo.tags] == ["X/Y", "Z"]
    assert (photo.is_favorite, [person.name for person in photo.people]) == (True, ["Ada"])
    assert list(library.albums["A"].assets) == [photo.id]
    reread(library, photo, Found(MTIME, latitude=-33.8, longitude=151.2))
    assert (photo.rating, photo.description, photo.tags) == (None, "", [])
    assert (photo.latitude, photo.longitude) == (-33.8, 151.2)


def test_faces_are_imported_only_where_that_is_on_and_beside_those_that_were_found() -> None:
    library = Library()
    photo = library.add_photo("a", boxes={"Ada": (100, 100, 200, 200)}, orientation="6")
    found = Found(MTIME, regions=(FoundRegion("ada", 0.5, 0.25, 0.2, 0.1),), applied=(4000, 3000))
    reread(library, photo, found)
    assert [face.source_type for face in photo.faces] == ["machine-learning"]
    for _again in range(2):
        reread(library, photo, found, imports_faces=True)
        assert [face.source_type for face in photo.faces] == ["machine-learning", "exif"]
    imported = photo.faces[1]
    assert imported.person is library.people["Ada"]
    assert list(imported.size) == [3000, 4000]
    assert imported.box == pytest.approx((2100, 1600, 2400, 2400), abs=1)


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from("12345678"))
def test_a_region_is_shown_where_the_turned_picture_has_it(x: float, y: float, orientation: str) -> None:
    x1, y1, w, h = shown(FoundRegion("A", x, y, 0.3, 0.1), orientation)
    assert (w, h) == ((0.1, 0.3) if orientation in "5678" else (0.3, 0.1))
    assert sorted((min(x1, 1 - x1), min(y1, 1 - y1))) == pytest.approx(sorted((min(x, 1 - x), min(y, 1 - y))))


@given(st.integers(-14 * 60, 14 * 60))
def test_a_fixed_zone_is_the_offset_that_it_is_named_after(minutes: int) -> None:
    offset = timedelta(minutes=minutes)
    assert offset_at(label_of(offset), WALL) == offset
