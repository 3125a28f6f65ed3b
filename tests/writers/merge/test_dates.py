"""Dates: each tag on its own, by its wall clock to the second, and its offset where both are known.

Not here: which date is right (tests/mapping) and the modification time (tests/writers/plan).
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.merge.dates import (
    as_moment,
    exif_text,
    iso_text,
    offset_text,
    parse_exif,
    parse_iso,
    parse_offset,
)
from immich_meta_writers.metadata import Moment, PhotoMetadata
from immich_meta_writers.tags import FileKind
from tests.writers.merge.views import File, changed

EXIF_DATES = ("ExifIFD:DateTimeOriginal", "ExifIFD:CreateDate", "IFD0:ModifyDate")
EXIF_OFFSETS = ("ExifIFD:OffsetTimeOriginal", "ExifIFD:OffsetTimeDigitized", "ExifIFD:OffsetTime")
XMP_DATES = ("XMP-xmp:CreateDate", "XMP-xmp:ModifyDate", "XMP-xmp:MetadataDate", "XMP-photoshop:DateCreated")
SECOND_HOMES = ("XMP-exif:DateTimeOriginal", "XMP-exif:DateTimeDigitized", "XMP-tiff:DateTime")
IPTC_DATE, IPTC_TIME = "IPTC:DateCreated", "IPTC:TimeCreated"
XMP_OFFSET = "XMP-exif:OffsetTimeOriginal"
WALL = datetime(2024, 1, 15, 10, 30, 45)


def moment(minutes: Optional[int] = 60, wall: datetime = WALL) -> Moment:
    offset = None if minutes is None else timedelta(minutes=minutes)
    return Moment(wall, offset, (wall - (offset or timedelta())).replace(tzinfo=timezone.utc))


def at(minutes: Optional[int] = 60, wall: datetime = WALL) -> PhotoMetadata:
    return PhotoMetadata(captured=moment(minutes, wall))


def test_every_home_says_the_moment() -> None:
    file = File()
    file.run(at(60))
    assert {file[tag] for tag in EXIF_DATES} == {"2024:01:15 10:30:45"}
    assert {file[tag] for tag in EXIF_OFFSETS} == {"+01:00"}
    assert {file[tag] for tag in XMP_DATES} == {"2024-01-15T10:30:45+01:00"}
    assert (file[IPTC_DATE], file[IPTC_TIME]) == ("20240115", "103045+0100")


def test_an_unknown_offset_is_never_made_up() -> None:
    file = File()
    file.run(at(None))
    assert {file[tag] for tag in EXIF_OFFSETS} == {None}
    assert {file[tag] for tag in XMP_DATES} == {"2024-01-15T10:30:45"}
    assert (file[IPTC_DATE], file[IPTC_TIME]) == ("20240115", "103045")


def test_second_homes_are_updated_and_not_made() -> None:
    fresh = File()
    fresh.run(at())
    assert {fresh[tag] for tag in (*SECOND_HOMES, XMP_OFFSET)} == {None}
    file = File(dict.fromkeys(SECOND_HOMES, "2001-01-01T00:00:00") | {XMP_OFFSET: "+05:00"})
    file.run(at())
    assert {file[tag] for tag in SECOND_HOMES} == {"2024-01-15T10:30:45+01:00"}
    assert file[XMP_OFFSET] == "+01:00"


def test_a_sidecar_gets_the_date_of_exif_and_its_offset() -> None:
    file = File(kind=FileKind.SIDECAR)
    file.run(at())
    assert file["XMP-exif:DateTimeOriginal"] == "2024-01-15T10:30:45+01:00"
    assert file[XMP_OFFSET] == "+01:00"
    assert file["XMP-exif:DateTimeDigitized"] is None


def test_sub_seconds_stay_where_the_second_is_equal() -> None:
    file = File({"XMP-xmp:CreateDate": "2024-01-15T10:30:45.123", "XMP-xmp:ModifyDate": "2024-01-15T10:30:46.123"})
    file.run(at())
    assert file["XMP-xmp:CreateDate"] == "2024-01-15T10:30:45.123+01:00"
    assert file["XMP-xmp:ModifyDate"] == "2024-01-15T10:30:45+01:00"


@pytest.mark.parametrize(
    "spelled", ["2024:01:15 10:30:45", "2024-01-15 10:30:45", "2024:01:15 10:30:45.12", " 2024:01:15T10:30:45 "]
)
def test_an_equal_exif_date_is_not_rewritten_whatever_its_form(spelled: str) -> None:
    file = File(dict.fromkeys(EXIF_DATES, spelled) | dict.fromkeys(EXIF_OFFSETS, "+01:00"))
    assert not set(changed(file.run(at()))).intersection(EXIF_DATES)


@pytest.mark.parametrize(
    "garbage", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "2024:13:15 10:30:45", "2024:01:15", "\x00"]
)
def test_what_is_no_date_is_replaced(garbage: str) -> None:
    file = File(dict.fromkeys((*EXIF_DATES, *XMP_DATES), garbage))
    file.run(at())
    assert file["ExifIFD:CreateDate"] == "2024:01:15 10:30:45"
    assert file["XMP-xmp:CreateDate"] == "2024-01-15T10:30:45+01:00"


@pytest.mark.parametrize("spelled", ["+01:00", "+0100", " +01:00 "])
def test_an_equal_offset_is_not_rewritten_whatever_its_form(spelled: str) -> None:
    file = File(dict.fromkeys(EXIF_OFFSETS, spelled))
    assert not set(changed(file.run(at(60)))).intersection(EXIF_OFFSETS)


def test_z_is_an_offset() -> None:
    file = File({"XMP-xmp:CreateDate": "2024-01-15T10:30:45Z", EXIF_OFFSETS[0]: "Z", IPTC_TIME: "103045+0000"})
    assert not {"XMP-xmp:CreateDate", EXIF_OFFSETS[0], IPTC_TIME}.intersection(changed(file.run(at(0))))


def test_an_unknown_offset_keeps_the_files_where_that_tags_wall_clock_stays() -> None:
    same, other = "2024:01:15 10:30:45", "2024:01:15 11:30:45"
    file = File(
        {
            **dict(zip(EXIF_DATES, (same, other, same))),
            **dict.fromkeys(EXIF_OFFSETS, "+09:00"),
            "XMP-xmp:CreateDate": "2024-01-15T10:30:45+09:00",
            "XMP-xmp:ModifyDate": "2024-01-15T11:30:45+09:00",
            IPTC_DATE: "20240115",
            IPTC_TIME: "103045+0900",
        }
    )
    file.run(at(None))
    assert [file[tag] for tag in EXIF_OFFSETS] == ["+09:00", None, "+09:00"]
    assert file["XMP-xmp:CreateDate"] == "2024-01-15T10:30:45+09:00"
    assert file["XMP-xmp:ModifyDate"] == "2024-01-15T10:30:45"
    assert file[IPTC_TIME] == "103045+0900"


@pytest.mark.parametrize(("date", "time"), [("20240114", "103045+0900"), ("20240115", "113045+0900")])
def test_an_unknown_offset_is_removed_from_iptc_when_its_wall_clock_changes(date: str, time: str) -> None:
    file = File({IPTC_DATE: date, IPTC_TIME: time})
    file.run(at(None))
    assert (file[IPTC_DATE], file[IPTC_TIME]) == ("20240115", "103045")


def test_an_unknown_offset_in_a_sidecar_is_kept_or_goes_with_its_date() -> None:
    values = {"XMP-exif:DateTimeOriginal": "2024-01-15T10:30:45", XMP_OFFSET: "+09:00"}
    file = File(values, kind=FileKind.SIDECAR)
    file.run(at(None))
    assert file[XMP_OFFSET] == "+09:00"
    file.run(at(None, WALL + timedelta(hours=1)))
    assert file[XMP_OFFSET] is None


@pytest.mark.parametrize("spelled", ["20240115", "2024-01-15", "2024:01:15", " 20240115 "])
def test_an_equal_iptc_date_is_not_rewritten_whatever_its_form(spelled: str) -> None:
    assert IPTC_DATE not in changed(File({IPTC_DATE: spelled}).run(at()))


@pytest.mark.parametrize("spelled", ["103045", "103045+0200", "10:30:45+01:00", "", "1030"])
def test_another_iptc_time_is_rewritten(spelled: str) -> None:
    file = File({IPTC_DATE: "20240115", IPTC_TIME: spelled})
    file.run(at(60))
    assert file[IPTC_TIME] == "103045+0100"


@pytest.mark.parametrize("wall", [datetime(1, 1, 1), datetime(999, 2, 3), datetime(9999, 12, 31, 23, 59, 59)])
def test_years_have_four_digits(wall: datetime) -> None:
    file = File()
    file.run(at(None, wall))
    assert str(file["ExifIFD:CreateDate"])[:5] == f"{wall.year:04}:"
    assert str(file[IPTC_DATE])[:4] == f"{wall.year:04}"


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "+00:00"), (-210, "-03:30"), (345, "+05:45"), (840, "+14:00"), (-30, "-00:30")]
)
def test_offsets_are_hours_and_minutes(minutes: int, text: str) -> None:
    assert offset_text(timedelta(minutes=minutes)) == text
    assert parse_offset(text) == parse_offset(text.replace(":", "")) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "+1:00", "01:00", "+24:00", "+01:60", "+01", "z", "+01:00:30", "UTC"])
def test_what_is_no_offset_is_none(text: str) -> None:
    assert parse_offset(text) is None


@pytest.mark.parametrize(
    "text", ["2024-01-15", "2024-01-15T10:30", "2024-02-30T10:30:45", "2024-01-15T10:30:45+25:00", "2024", ""]
)
def test_what_is_no_full_date_is_none(text: str) -> None:
    assert parse_iso(text) is None


@given(st.datetimes(), st.none() | st.integers(-1439, 1439))
def test_dates_round_trip(wall: datetime, minutes: Optional[int]) -> None:
    wall = wall.replace(microsecond=0)
    offset = None if minutes is None else timedelta(minutes=minutes)
    assert parse_exif(exif_text(wall)) == wall
    clock = parse_iso(iso_text(wall, offset, ".25"))
    assert clock is not None
    assert (clock.wall, clock.fraction, clock.offset) == (wall, ".25", offset)


def test_a_wall_clock_becomes_a_moment() -> None:
    aware = as_moment(WALL.replace(microsecond=7), timedelta(hours=1), lambda wall: wall)
    assert aware == moment(60)
    tokyo = timezone(timedelta(hours=9))
    assert as_moment(WALL, None, lambda wall: wall.replace(tzinfo=tokyo)) == Moment(
        WALL, None, datetime(2024, 1, 15, 1, 30, 45, tzinfo=timezone.utc)
    )


moments = st.builds(
    moment,
    st.none() | st.sampled_from([0, 60, -300, 345]),
    st.sampled_from([WALL, WALL + timedelta(days=1), WALL + timedelta(seconds=1), datetime(1890, 5, 6)]),
)
dates = st.sampled_from(
    [
        "2024:01:15 10:30:45",
        "2024-01-15T10:30:45.5",
        "2024-01-15T10:30:45+01:00",
        "20240115",
        "103045",
        "103045+0100",
        "+01:00",
        "x",
        "",
    ]
)


@given(
    current=st.dictionaries(
        st.sampled_from([*EXIF_DATES, *EXIF_OFFSETS, *XMP_DATES, *SECOND_HOMES, XMP_OFFSET, IPTC_DATE, IPTC_TIME]),
        dates,
    ),
    steps=st.lists(moments, min_size=1, max_size=4),
    kind=st.sampled_from([FileKind.IMAGE, FileKind.SIDECAR]),
)
def test_dates_settle(current: dict[str, str], steps: list[Moment], kind: FileKind) -> None:
    file = File(current, kind=kind)
    for each in steps:
        file.run(PhotoMetadata(captured=each))
