"""Dates in file names."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.mapping.file_names import wall_clock_in

TODAY = date(2024, 7, 1)

DAY = datetime(2021, 6, 15)
TIME = datetime(2021, 6, 15, 12, 34, 56)


@pytest.mark.parametrize(
    ("name", "wall"),
    [
        ("IMG_20210615_123456.jpg", TIME),
        ("PXL_20210615_123456789.jpg", TIME),
        ("PXL_20210615_123456789.MP.jpg", TIME),
        ("VID-20210615-123456.mp4", TIME),
        ("20210615T123456.jpg", TIME),
        ("WhatsApp Image 2021-06-15 at 12.34.56.jpeg", TIME),
        ("WhatsApp Image 2021-06-15 at 12.34.56 (1).jpeg", TIME),
        ("WhatsApp Image 2021-06-15 at 1.34.56 PM.jpeg", datetime(2021, 6, 15, 13, 34, 56)),
        ("WhatsApp Image 2021-06-15 at 12.34.56 AM.jpeg", datetime(2021, 6, 15, 0, 34, 56)),
        ("Screenshot_2021-06-15-12-34-56.png", TIME),
        ("2021-06-15 12.34.56.jpg", TIME),
        ("2021_06_15_123456.jpg", TIME),
        ("photo_2021-06-15.jpg", DAY),
        ("20210615.jpg", DAY),
        ("2021_06_15.jpg", DAY),
        ("IMG-20210615-WA0001.jpg", DAY),
        ("IMG20210615.jpg", DAY),
        ("20200229.jpg", datetime(2020, 2, 29)),
        ("19000101.jpg", datetime(1900, 1, 1)),
        ("20240702.jpg", datetime(2024, 7, 2)),
        ("99999999_20210615.jpg", DAY),
        ("20211399_2021-06-15.jpg", DAY),
        ("Фото 20210615.jpg", DAY),
    ],
)
def test_a_date_in_the_name_is_found(name: str, wall: datetime) -> None:
    assert wall_clock_in(name, TODAY) == wall


@pytest.mark.parametrize(
    "name",
    ["IMG_20210615_136099.jpg", "IMG_20210615_240000.jpg", "2021-06-15 at 13.60.00.jpg", "20210615_0042.jpg"],
)
def test_what_is_no_time_of_day_is_midnight(name: str) -> None:
    assert wall_clock_in(name, TODAY) == DAY


@pytest.mark.parametrize(
    "name",
    [
        "",
        "photo.jpg",
        "20211399.jpg",
        "20210230.jpg",
        "20210229_120000.jpg",
        "IMG_12345678.jpg",
        "IMG_0042.jpg",
        "DSC_20459999.jpg",
        "18991231.jpg",
        "20240703.jpg",
        "2021-06_15.jpg",
        "2021-6-15.jpg",
        "120210615.jpg",
        "202106151.jpg",
        "20210615a.jpg",
        "3f20210615b7.jpg",
        "٢٠٢١٠٦١٥.jpg",
        "20210615-1234-4abc-9def-123456789012.jpg",
        "00000000.jpg",
    ],
)
def test_a_near_miss_is_no_date(name: str) -> None:
    assert wall_clock_in(name, TODAY) is None


def test_the_last_day_of_the_calendar_is_survived() -> None:
    assert wall_clock_in("99991231.jpg", date.max) == datetime(9999, 12, 31)


@given(st.text(st.sampled_from("0123456789-_. atIMG:TpAm\u202f"), max_size=40), st.dates())
def test_any_name_gives_a_date_from_1900_to_tomorrow_or_none(name: str, today: date) -> None:
    wall = wall_clock_in(name, today)
    if wall is not None:
        assert wall.tzinfo is None
        assert date(1900, 1, 1) <= wall.date()
        assert today == date.max or wall.date() <= today + timedelta(days=1)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2024, 7, 2, 23, 59, 59)))
def test_every_date_is_read_back_from_its_name(wall: datetime) -> None:
    whole = wall.replace(microsecond=0)
    assert wall_clock_in(f"IMG_{whole:%Y%m%d_%H%M%S}.jpg", TODAY) == whole
    assert wall_clock_in(f"WhatsApp Image {whole:%Y-%m-%d at %H.%M.%S}.jpeg", TODAY) == whole


def test_a_hostile_name_takes_no_time() -> None:
    assert wall_clock_in("a" * 10_000_000, TODAY) is None
    assert wall_clock_in("2021-" * 2_000_000, TODAY) is None
