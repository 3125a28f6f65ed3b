"""Ten rounds of writing and re-reading move no clock, wherever the machine and the camera are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import Optional
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from immich_meta.api.models import Asset, ExifInfo
from immich_meta.mapping.time import captured
from immich_meta_writers.metadata import Moment

UTC = timezone.utc
TODAY = date(2025, 1, 1)
TZ_NAMES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
    "Europe/Amsterdam",
    "UTC",
]
ASSET_ZONES = [None, "UTC+2", "UTC+5:30", "UTC-5", "UTC", "UTC+14", "UTC-11", "Mars/Olympus", *TZ_NAMES]


@dataclass(frozen=True)
class Server:
    """How a server reads a file: with the offset in it, else the zone of its place, else the clock as UTC."""

    place: Optional[ZoneInfo] = None
    sees_offsets: bool = True
    keeps_original: bool = False

    def read_again(self, asset: Asset, moment: Moment, millisecond: int) -> Asset:
        keeps = self.keeps_original and asset.exif.date_time_original is not None
        mtime = moment.instant + timedelta(milliseconds=millisecond)
        if keeps:
            exif = asset.exif
        elif self.sees_offsets and moment.offset is not None:
            exif = replace(asset.exif, date_time_original=moment.instant, time_zone=_named(moment.offset))
        elif self.place is not None:
            local = moment.wall.replace(tzinfo=self.place)
            exif = replace(asset.exif, date_time_original=local.astimezone(UTC), time_zone=self.place.key)
        else:
            exif = replace(asset.exif, date_time_original=moment.wall.replace(tzinfo=UTC), time_zone=None)
        return replace(
            asset,
            exif=replace(exif, modify_date=mtime),
            file_created_at=exif.date_time_original or mtime,
            file_modified_at=mtime,
            local_date_time=asset.local_date_time if keeps else moment.wall,
        )


def _named(offset: timedelta) -> str:
    minutes = abs(offset) // timedelta(minutes=1)
    sign = "-" if offset < timedelta(0) else "+"
    return f"UTC{sign}{minutes // 60}" + (f":{minutes % 60:02}" if minutes % 60 else "")


def rounds(asset: Asset, tz: ZoneInfo, server: Server, millisecond: int) -> list[Moment]:
    moments: list[Moment] = []
    for _ in range(11):
        moment, _notes = captured(asset, tz, "oldest", TODAY)
        assert moment is not None
        moments.append(moment)
        asset = server.read_again(asset, moment, millisecond)
    return moments


instants = st.datetimes(datetime(1901, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
# Near enough to be the same moment, far enough not to be, and the border between.
distances = st.one_of(
    st.timedeltas(timedelta(hours=-30), timedelta(hours=30)),
    st.timedeltas(timedelta(days=-9000), timedelta(days=9000)),
    st.sampled_from([timedelta(hours=-26), timedelta(hours=-26, milliseconds=1), timedelta(0)]),
)


@st.composite
def assets(draw: st.DrawFn, with_created: bool = True) -> Asset:
    original = draw(instants)
    rows = [draw(st.none() | distances.map(lambda far: original + far)) for _ in range(4)]
    has_original = draw(st.booleans()) or not any(rows)
    exif = ExifInfo(
        date_time_original=original if has_original else None,
        date_time_created=rows[0] if with_created else None,
        modify_date=rows[1],
        time_zone=draw(st.sampled_from(ASSET_ZONES)),
    )
    return Asset(
        "a", "/p.jpg", "IMG_20210615.jpg", file_created_at=rows[2], file_modified_at=rows[3], exif=exif
    )


OLD_AMSTERDAM = Asset(
    "a",
    "/p.jpg",
    file_created_at=datetime(1930, 1, 15, 9, 40, 28, tzinfo=UTC),
    exif=ExifInfo(date_time_original=datetime(1931, 1, 1, tzinfo=UTC), time_zone="Europe/Amsterdam"),
)
ON_THE_BORDER = Asset(
    "a",
    "/p.jpg",
    file_modified_at=datetime(1999, 12, 30, 22, tzinfo=UTC),
    exif=ExifInfo(date_time_original=datetime(2000, 1, 1, tzinfo=UTC)),
)

zones = st.sampled_from(TZ_NAMES).map(ZoneInfo)
milliseconds = st.integers(0, 999)


@settings(deadline=None)
@given(assets(), zones, milliseconds)
@example(OLD_AMSTERDAM, ZoneInfo("UTC"), 7)
@example(ON_THE_BORDER, ZoneInfo("Europe/Berlin"), 1)
def test_nothing_moves_when_the_server_reads_what_was_written(asset: Asset, tz: ZoneInfo, ms: int) -> None:
    first, *others = rounds(asset, tz, Server(), ms)
    assert others == [first] * 10


@settings(deadline=None)
@given(assets(), zones, milliseconds)
@example(OLD_AMSTERDAM, ZoneInfo("UTC"), 7)
@example(ON_THE_BORDER, ZoneInfo("Europe/Berlin"), 1)
def test_nothing_moves_when_the_server_insists_on_its_own_date(asset: Asset, tz: ZoneInfo, ms: int) -> None:
    first, *others = rounds(asset, tz, Server(keeps_original=True), ms)
    assert others == [first] * 10


@settings(deadline=None)
@given(assets(with_created=False), zones, milliseconds)
def test_the_clock_stands_when_the_server_does_not_see_offsets(asset: Asset, tz: ZoneInfo, ms: int) -> None:
    moments = rounds(asset, tz, Server(sees_offsets=False), ms)
    assert {moment.wall for moment in moments} == {moments[0].wall}
    assert len(set(moments[1:])) == 1


@settings(deadline=None)
@given(assets(with_created=False), zones, zones, milliseconds)
def test_the_clock_stands_when_a_place_gives_the_zone(
    asset: Asset, tz: ZoneInfo, place: ZoneInfo, ms: int
) -> None:
    server = Server(place=place)
    first = captured(asset, tz, "oldest", TODAY)[0]
    assert first is not None
    there = first.wall.replace(tzinfo=place)
    assume(
        there.astimezone(UTC).astimezone(place).replace(tzinfo=None) == first.wall
    )  # no server can read a gap
    moments = rounds(asset, tz, server, ms)
    assert {moment.wall for moment in moments} == {first.wall}
    assert len(set(moments[1:])) == 1


@settings(deadline=None)
@given(
    st.lists(st.none() | st.datetimes(timezones=st.none() | st.just(UTC)), min_size=6, max_size=6),
    st.none() | st.sampled_from(ASSET_ZONES) | st.text(max_size=8),
    zones,
)
@example([datetime.max.replace(tzinfo=timezone(-timedelta(hours=14)))] * 6, "UTC+14", ZoneInfo("UTC"))
@example([datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))] * 6, "UTC-12", ZoneInfo("UTC"))
def test_no_date_is_an_error(dates: list[Optional[datetime]], zone: Optional[str], tz: ZoneInfo) -> None:
    exif = ExifInfo(dates[0], dates[1], dates[2], zone)
    asset = Asset("a", "/p.jpg", exif=exif, file_created_at=dates[3], file_modified_at=dates[4])
    local = None if dates[5] is None else dates[5].replace(tzinfo=None)
    asset = replace(asset, local_date_time=local)
    for source in ("oldest", "immich"):
        moment, notes = captured(asset, tz, source, TODAY)
        assert captured(asset, tz, source, TODAY) == (moment, notes)
        if moment is not None:
            assert moment.wall.microsecond == moment.instant.microsecond == 0
            assert moment.offset is None or moment.wall - moment.offset == moment.instant.replace(tzinfo=None)
