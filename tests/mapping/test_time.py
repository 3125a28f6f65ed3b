"""When a picture was taken: sources, clocks, and that nothing drifts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Optional
from zoneinfo import ZoneInfo

import pytest

from immich_meta.api.models import Asset, ExifInfo
from immich_meta.mapping.notes import NoteKind, Notes
from immich_meta.mapping.time import DateSource, captured
from immich_meta.mapping.zones import zone_named
from immich_meta_writers.metadata import Moment

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
TOKYO = ZoneInfo("Asia/Tokyo")
TODAY = date(2025, 1, 1)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def photo(
    original: Optional[str] = None,
    zone: Optional[str] = None,
    *,
    created: Optional[str] = None,
    modify: Optional[str] = None,
    file_created: Optional[str] = None,
    file_modified: Optional[str] = None,
    local: Optional[str] = None,
    name: str = "photo.jpg",
) -> Asset:
    def at(text: Optional[str]) -> Optional[datetime]:
        return None if text is None else utc(text)

    return Asset(
        "a",
        "/library/photo.jpg",
        name,
        file_created_at=at(file_created),
        file_modified_at=at(file_modified),
        local_date_time=None if local is None else wall(local),
        exif=ExifInfo(
            date_time_original=at(original),
            date_time_created=at(created),
            modify_date=at(modify),
            time_zone=zone,
        ),
    )


def moment_of(
    asset: Asset, tz: ZoneInfo = BERLIN, date_source: DateSource = "oldest"
) -> tuple[Optional[Moment], Notes]:
    return captured(asset, tz, date_source, TODAY)


def found(asset: Asset, tz: ZoneInfo = BERLIN, date_source: DateSource = "oldest") -> Moment:
    moment, _ = moment_of(asset, tz, date_source)
    assert moment is not None
    return moment


def kinds(asset: Asset) -> list[NoteKind]:
    return [note.kind for note in moment_of(asset)[1]]


# instant, timeZone, wall clock, hours from UTC
CLOCKS = [
    ("2024-05-01T10:00:00", "Europe/Berlin", "2024-05-01T12:00:00", 2),
    ("2024-01-15T10:00:00", "Europe/Berlin", "2024-01-15T11:00:00", 1),
    ("2024-07-04T16:00:00", "America/New_York", "2024-07-04T12:00:00", -4),
    ("2024-01-01T03:00:00", "America/New_York", "2023-12-31T22:00:00", -5),
    ("2023-12-31T20:00:00", "Asia/Tokyo", "2024-01-01T05:00:00", 9),
    ("2024-05-01T10:00:00", "UTC+2", "2024-05-01T12:00:00", 2),
    ("2024-05-01T10:00:00", "UTC+5:30", "2024-05-01T15:30:00", 5.5),
    ("2024-05-01T10:00:00", "UTC+0530", "2024-05-01T15:30:00", 5.5),
    ("2024-05-01T10:00:00", "UTC-5", "2024-05-01T05:00:00", -5),
    ("2024-05-01T10:00:00", "UTC-03:30", "2024-05-01T06:30:00", -3.5),
    ("2024-05-01T10:00:00", "Asia/Kathmandu", "2024-05-01T15:45:00", 5.75),
    ("2024-05-01T10:00:00", "UTC+12:45", "2024-05-01T22:45:00", 12.75),
    ("2024-05-01T10:00:00", "UTC", "2024-05-01T10:00:00", 0),
    ("2024-05-01T10:00:00", "UTC+0", "2024-05-01T10:00:00", 0),
    ("2024-05-01T10:00:00", "Z", "2024-05-01T10:00:00", 0),
    ("2024-05-01T10:00:00", "GMT", "2024-05-01T10:00:00", 0),
    ("2024-05-01T10:00:00", "Etc/GMT+5", "2024-05-01T05:00:00", -5),
    ("2024-10-27T00:30:00", "Europe/Berlin", "2024-10-27T02:30:00", 2),
    ("2024-10-27T01:30:00", "Europe/Berlin", "2024-10-27T02:30:00", 1),
    ("2024-03-31T00:59:59", "Europe/Berlin", "2024-03-31T01:59:59", 1),
    ("2024-03-31T01:00:00", "Europe/Berlin", "2024-03-31T03:00:00", 2),
    ("1965-06-15T10:00:00", "Europe/Berlin", "1965-06-15T11:00:00", 1),
    ("1969-12-31T23:59:59.750", "UTC", "1969-12-31T23:59:59", 0),
]


@pytest.mark.parametrize(("instant", "zone", "clock", "offset"), CLOCKS)
def test_the_wall_clock_is_that_of_the_assets_zone_at_that_instant(
    instant: str, zone: str, clock: str, offset: float
) -> None:
    whole = utc(instant).replace(microsecond=0)
    for tz in (BERLIN, NEW_YORK, TOKYO):
        assert found(photo(instant, zone), tz) == Moment(wall(clock), hours(offset), whole)


@pytest.mark.parametrize("zone", [None, "", " "])
@pytest.mark.parametrize(("tz", "offset"), [(BERLIN, 1), (NEW_YORK, -5), (TOKYO, 9), (ZoneInfo("UTC"), 0)])
def test_without_a_zone_the_date_is_itself_the_wall_clock(
    zone: Optional[str], tz: ZoneInfo, offset: int
) -> None:
    moment = found(photo("2024-01-15T10:30:45.987", zone), tz)
    clock = wall("2024-01-15T10:30:45")
    assert moment == Moment(clock, None, clock.replace(tzinfo=UTC) - hours(offset))


def test_a_zone_less_hour_that_is_repeated_is_its_first_pass() -> None:
    assert found(photo("2024-10-27T02:30:00")).instant == utc("2024-10-27T00:30:00")


def test_a_zone_less_hour_that_never_was_keeps_its_clock() -> None:
    moment = found(photo("2024-03-31T02:30:00"))
    assert (moment.wall, moment.instant) == (wall("2024-03-31T02:30:00"), utc("2024-03-31T01:30:00"))


def test_the_odd_seconds_of_old_zones_do_not_move_the_clock() -> None:
    # Amsterdam was 19 minutes and 32 seconds ahead.
    moment = found(photo("1930-01-15T09:40:28", "Europe/Amsterdam"))
    assert moment == Moment(wall("1930-01-15T10:00:00"), timedelta(minutes=20), utc("1930-01-15T09:40:00"))


def test_the_odd_seconds_of_old_zones_do_not_move_an_instant() -> None:
    moment = found(photo(None, "Europe/Amsterdam", file_created="1930-01-15T09:40:28"))
    assert moment == Moment(wall("1930-01-15T10:00:28"), timedelta(minutes=20), utc("1930-01-15T09:40:28"))


@pytest.mark.parametrize(
    "name",
    ["Mars/Olympus", "Europe", "../../etc/passwd", "UTC+99", "UTC+5:75", "localtime", "\0", "x" * 9999],
)
def test_an_unknown_zone_falls_back_to_the_distance_of_local_date_time(name: str) -> None:
    asset = photo("2024-05-01T10:00:00", name, local="2024-05-01T15:45:00.120")
    assert found(asset) == Moment(wall("2024-05-01T15:45:00"), hours(5.75), utc("2024-05-01T10:00:00"))
    assert kinds(asset) == [NoteKind.ZONE_UNKNOWN]


@pytest.mark.parametrize("local", [None, "2024-05-01T15:44:00", "2024-05-02T00:15:00", "0001-01-01T00:00:00"])
def test_an_unknown_zone_without_a_sensible_distance_falls_back_to_tz(local: Optional[str]) -> None:
    asset = photo("2024-05-01T10:00:00", "Mars/Olympus", local=local)
    assert found(asset, TOKYO) == Moment(wall("2024-05-01T19:00:00"), hours(9), utc("2024-05-01T10:00:00"))
    assert NoteKind.ZONE_UNKNOWN in kinds(asset)


@pytest.mark.parametrize("name", ["right/UTC", "posixrules", "Factory", "leapseconds", "tzdata.zi", "+", "é"])
def test_what_is_no_place_is_no_zone(name: str) -> None:
    assert zone_named(name) is None


SOURCES = ("created", "modify", "file_created", "file_modified")
NAMES = {
    "created": "exifInfo.dateTimeCreated",
    "modify": "exifInfo.modifyDate",
    "file_created": "fileCreatedAt",
    "file_modified": "fileModifiedAt",
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_a_later_row_wins_only_when_it_is_26_hours_older(source: str, zone: Optional[str]) -> None:
    within = photo("2024-01-15T10:00:00", zone, **{source: "2024-01-14T08:00:01"})
    assert found(within).wall == found(photo("2024-01-15T10:00:00", zone)).wall
    assert kinds(within) == []
    beyond = photo("2024-01-15T10:00:00", zone, **{source: "2024-01-14T08:00:00.999"})
    assert found(beyond) == Moment(wall("2024-01-14T09:00:00"), hours(1), utc("2024-01-14T08:00:00"))


def test_a_moved_date_is_told_with_both_values() -> None:
    notes = moment_of(photo("2024-06-15T10:00:00", file_modified="2019-01-15T10:00:00"))[1]
    assert [(note.kind, note.data, note.is_debug) for note in notes] == [
        (
            NoteKind.DATE_MOVED,
            (
                ("source", "fileModifiedAt"),
                ("old", "2024-06-15T10:00:00"),
                ("new", "2019-01-15T11:00:00+01:00"),
            ),
            False,
        )
    ]


def test_later_sources_are_read_in_the_assets_zone_else_in_tz() -> None:
    told = photo("2024-06-15T10:00:00", "Asia/Tokyo", modify="2019-01-15T10:00:00")
    assert found(told, NEW_YORK).wall == wall("2019-01-15T19:00:00")
    untold = photo("2024-06-15T10:00:00", modify="2019-01-15T10:00:00")
    assert found(untold, NEW_YORK).wall == wall("2019-01-15T05:00:00")


def test_of_several_sources_the_oldest_counts_and_of_one_moment_the_first_row() -> None:
    asset = photo(
        "2024-06-15T10:00:00",
        created="2022-06-15T10:00:00",
        modify="2020-06-15T10:00:00",
        file_created="2020-06-15T01:00:00",
        file_modified="2021-01-01T00:00:00",
    )
    moment, notes = moment_of(asset)
    assert moment is not None
    assert moment.instant == utc("2020-06-15T10:00:00")
    assert notes[0].data[0] == ("source", "exifInfo.modifyDate")


@pytest.mark.parametrize("source", SOURCES)
def test_any_source_serves_when_there_is_no_original(source: str) -> None:
    asset = photo(None, None, **{source: "2019-07-15T10:00:00.500"})
    assert found(asset) == Moment(wall("2019-07-15T12:00:00"), hours(2), utc("2019-07-15T10:00:00"))
    assert kinds(asset) == []


def test_the_file_name_serves_only_when_nothing_else_does() -> None:
    name = "IMG_20210615_123456.jpg"
    assert found(photo(name=name)) == Moment(wall("2021-06-15T12:34:56"), None, utc("2021-06-15T10:34:56"))
    assert found(photo(file_modified="2023-01-01T00:00:00", name=name)).wall == wall("2023-01-01T01:00:00")
    assert moment_of(photo()) == (None, ())


def test_immich_alone_can_be_the_source() -> None:
    asset = photo("2024-06-15T10:00:00", modify="2019-01-15T10:00:00", name="20210615.jpg")
    assert found(asset, date_source="immich").wall == wall("2024-06-15T10:00:00")
    nothing = photo(None, file_created="2019-01-15T10:00:00", name="20210615.jpg")
    assert moment_of(nothing, date_source="immich") == (None, ())


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "0999-01-01T00:00:00"])
@pytest.mark.parametrize("zone", [None, "UTC+14", "UTC-12", "Mars"])
def test_a_date_out_of_range_is_none(value: str, zone: Optional[str]) -> None:
    asset = photo(
        value, zone, created=value, modify=value, file_created=value, file_modified=value, local=value
    )
    assert moment_of(asset)[0] is None
    assert NoteKind.DATE_IGNORED in kinds(asset)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("zero", ["1970-01-01T00:00:00", "1970-01-01T00:00:00.999", "1904-01-01T00:00:00"])
def test_the_zero_of_a_clock_that_was_never_set_is_no_date(source: str, zero: str) -> None:
    asset = photo("2024-06-15T10:00:00", "UTC", **{source: zero})
    assert found(asset).wall == wall("2024-06-15T10:00:00")
    assert kinds(asset) == [NoteKind.DATE_IGNORED]


def test_a_picture_may_have_been_taken_when_unix_began() -> None:
    assert found(photo("1970-01-01T00:00:00")).wall == wall("1970-01-01T00:00:00")


def test_a_naive_date_is_utc() -> None:
    naive = Asset(
        "a", "/p.jpg", exif=ExifInfo(date_time_original=wall("2024-01-15T10:00:00"), time_zone="UTC+1")
    )
    assert found(naive).wall == wall("2024-01-15T11:00:00")


def test_a_different_local_date_time_is_said_and_never_used() -> None:
    asset = photo("2024-05-01T10:00:00", "Europe/Berlin", local="2024-05-01T10:00:00")
    moment, notes = moment_of(asset)
    assert moment is not None
    assert moment.wall == wall("2024-05-01T12:00:00")
    assert [(note.kind, note.is_debug) for note in notes] == [(NoteKind.LOCAL_DATE_TIME_DIFFERS, True)]
    assert kinds(photo("2024-05-01T10:00:00.900", "Europe/Berlin", local="2024-05-01T12:00:00.100")) == []


@pytest.mark.parametrize(
    ("kind", "zone", "guessed"),
    [
        ("VIDEO", "UTC", True),
        ("VIDEO", "UTC+0", False),
        ("VIDEO", "Europe/Berlin", False),
        ("VIDEO", None, False),
        ("IMAGE", "UTC", False),
    ],
)
def test_utc_of_a_movie_is_only_the_servers_guess(kind: str, zone: Optional[str], guessed: bool) -> None:
    asset = replace(photo("2021-06-15T10:34:56", zone), kind=kind)
    moment, _ = captured(asset, BERLIN, "oldest", TODAY)
    assert moment is not None
    assert moment.guessed is guessed
    older = replace(asset, file_created_at=utc("2011-06-15T10:34:56"))
    moved, _ = captured(older, BERLIN, "oldest", TODAY)
    assert moved is not None
    assert (moved.wall.year, moved.guessed) == (2011, guessed)
