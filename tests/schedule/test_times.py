"""When runs are due: intervals, cron, and clocks that are put forward and back."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.schedule import Schedule, cron, default_jitter, every, parse_duration, parse_schedule

BERLIN, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    """A moment; with an offset it is meant as it stands, without one on the clock of the zone."""
    date = datetime.fromisoformat(text)
    return (date if date.tzinfo else date.replace(tzinfo=zone)).timestamp()


def row(schedule: Schedule, start: float, zone: ZoneInfo, count: int) -> list[str]:
    """The moments that follow, as the clock on the wall shows them."""
    moments = [start]
    for _ in range(count):
        moments.append(schedule.next_after(moments[-1], moments[-1], zone))
    return [datetime.fromtimestamp(each, zone).isoformat(" ", "minutes") for each in moments[1:]]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6h", 21_600), ("90m", 5400), ("1d 12h", 129_600), (" 2 D ", 172_800), ("60s", 60), ("366d", 31_622_400)],
)
def test_an_interval_is_written_as_people_write_it(text: str, seconds: int) -> None:
    schedule = parse_schedule(text)
    assert schedule.next_after(1000, 1000, BERLIN) == 1000 + seconds
    assert parse_schedule(str(schedule)) == schedule


@pytest.mark.parametrize("text", ["", "6", "h", "6 hours", "0", "59s", "367d", "-1h", "1.5h", "６h", "9999999d"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        every(text)


@pytest.mark.parametrize(
    "text",
    ["* * * *", "0 3 * * * *", "0 25 * * *", "61 * * * *", "0 0 30 2 *", "@reboot", "@", "a b c d e", "0 3 * * 9"],
)
def test_what_is_no_line_of_cron_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_schedule(text)


@pytest.mark.parametrize(("text", "fields"), [("@daily", "0 0 * * *"), (" 0  3 * *  mon-fri", "0 3 * * mon-fri")])
def test_a_line_of_cron_may_have_a_name_and_blanks(text: str, fields: str) -> None:
    assert str(parse_schedule(text)) == fields


def test_what_was_missed_is_not_made_up_for_one_by_one() -> None:
    assert every("1h").next_after(0, 10_000, BERLIN) == 10_800
    assert every("1h").next_after(0, 7200, BERLIN) == 10_800
    now = at("2026-06-01 12:00:30")
    assert cron("* * * * *").next_after(at("2000-01-01 00:00"), now, BERLIN) == at("2026-06-01 12:01")
    assert cron("0 3 * * *").next_after(at("2026-05-30 03:00"), now, BERLIN) == at("2026-06-02 03:00")


@given(st.integers(60, 999_999), st.floats(0, 10**9), st.floats(0, 10**9))
def test_the_next_one_is_always_later_and_never_too_late(seconds: int, before: float, now: float) -> None:
    found = every(f"{seconds}s").next_after(before, now, BERLIN)
    assert found > min(before, now)
    assert found - max(now, before) <= seconds + 1e-3


@pytest.mark.parametrize(
    ("fields", "zone", "start", "moments"),
    [
        # Spring: 02:30 does not exist and comes when the clock has been put forward.
        ("30 2 * * *", BERLIN, "2026-03-28 12:00", ["2026-03-29 03:00+02:00", "2026-03-30 02:30+02:00"]),
        # Autumn: 02:30 is there twice, and a daily run comes once.
        ("30 2 * * *", BERLIN, "2026-10-24 12:00", ["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31 12:00", ["2026-11-01 01:30-04:00", "2026-11-02 01:30-05:00"]),
        # An hourly one comes every hour that there is.
        ("0 * * * *", BERLIN, "2026-10-25 01:30", ["2026-10-25 02:00+02:00", "2026-10-25 02:00+01:00"]),
        ("0 * * * *", BERLIN, "2026-03-29 01:30", ["2026-03-29 03:00+02:00", "2026-03-29 04:00+02:00"]),
        # Half an hour is put forward.
        ("15 2 * * *", LORD_HOWE, "2026-10-03 12:00", ["2026-10-04 02:30+11:00", "2026-10-05 02:15+11:00"]),
    ],
)  # fmt: skip
def test_cron_is_right_when_the_clocks_change(fields: str, zone: ZoneInfo, start: str, moments: list[str]) -> None:
    assert row(cron(fields), at(start, zone), zone, len(moments)) == moments


def test_a_daily_run_does_not_come_twice_when_it_ends_in_the_repeated_hour() -> None:
    before, ended = at("2026-10-25 02:30:00+02:00"), at("2026-10-25 02:05:00+01:00")
    assert cron("30 2 * * *").next_after(before, ended, BERLIN) == at("2026-10-26 02:30")


def test_an_interval_does_not_care_for_the_clocks() -> None:
    assert row(every("6h"), at("2026-10-24 22:00"), BERLIN, 2) == ["2026-10-25 03:00+01:00", "2026-10-25 09:00+01:00"]


def test_cron_is_meant_on_the_clock_of_the_zone() -> None:
    now = at("2026-06-01 00:00:00+00:00")
    assert cron("0 3 * * *").next_after(now, now, NEW_YORK) == at("2026-06-01 07:00:00+00:00")


@pytest.mark.parametrize(
    ("schedule", "seconds"), [("6h", 300), ("10m", 60), ("0 3 * * *", 300), ("* * * * *", 6), ("0,10 * * * *", 60)]
)
def test_jitter_is_a_tenth_and_at_most_five_minutes(schedule: str, seconds: float) -> None:
    start = at("2026-06-01 11:59")
    assert default_jitter(parse_schedule(schedule), start, BERLIN) == pytest.approx(seconds)


def test_a_duration_may_be_nothing() -> None:
    assert parse_duration("0") == parse_duration("0s") == 0
