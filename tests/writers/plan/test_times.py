"""The modification time: capture, keep or now; and a file that was edited since Immich read it.

Not here: how a time is set (tests/writers/commit).
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers import FileTime, Moment, PhotoMetadata, Plan, PlanOptions, WriteTo, plan, read
from tests.writers.plan.photos import BUILTIN, INSTANT, LONG_AGO, MOMENT, WALL, photo, written

TAG = "System:FileModifyDate"
SECOND = 1_000_000_000
DATED = PhotoMetadata(captured=MOMENT)
NAMED = PhotoMetadata(people=("Ada",))


def run(path: Path, wanted: PhotoMetadata = DATED, **options: Any) -> Plan:
    planned = plan(path, wanted, replace(BUILTIN, **options))
    planned.apply()
    return planned


def mtime(path: Path) -> int:
    return path.stat().st_mtime_ns


def at(seconds: int) -> PhotoMetadata:
    instant = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return PhotoMetadata(captured=Moment(instant.replace(tzinfo=None), None, instant))


def test_with_a_date_it_is_the_moment_of_capture(tmp_path: Path) -> None:
    path = photo(tmp_path)
    planned = run(path)
    assert mtime(path) // SECOND == INSTANT
    change = next(change for change in planned.changes if change.tag == TAG)
    assert change.old == "2014-05-13T16:53:20.123+00:00"
    assert str(change.new).startswith("2021-06-15T10:34:56.")


def test_a_second_run_leaves_it_alone(tmp_path: Path) -> None:
    path = photo(tmp_path)
    run(path)
    before = mtime(path)
    assert run(path).is_empty
    assert mtime(path) == before


def test_without_a_date_it_stays(tmp_path: Path) -> None:
    path = photo(tmp_path)
    planned = run(path, NAMED)
    assert mtime(path) == LONG_AGO
    assert TAG not in {change.tag for change in planned.changes}
    run(path, PhotoMetadata(people=("Bob",)), mtime=FileTime.CAPTURE)
    assert mtime(path) == LONG_AGO


def test_keep_keeps_it(tmp_path: Path) -> None:
    path = photo(tmp_path)
    run(path, mtime=FileTime.KEEP)
    assert mtime(path) == LONG_AGO


def test_now_is_now_and_only_when_something_is_written(tmp_path: Path) -> None:
    path, clock = photo(tmp_path), tmp_path / "clock"
    clock.touch()
    run(path, mtime=FileTime.NOW)
    after = mtime(path)
    assert abs(after - mtime(clock)) < 60 * SECOND
    assert run(path, mtime=FileTime.NOW).is_empty
    assert mtime(path) == after


def test_every_change_of_content_shows_in_the_milliseconds(tmp_path: Path) -> None:
    path = photo(tmp_path)
    run(path)
    seen = [mtime(path)]
    for number in range(12):
        run(path, PhotoMetadata(captured=MOMENT, people=(f"Person {number}",)))
        assert mtime(path) != seen[-1]
        assert mtime(path) // SECOND == INSTANT
        seen.append(mtime(path))


@pytest.mark.parametrize(
    ("nanoseconds", "is_change"),
    [(0, False), (SECOND - 1, False), (SECOND, True), (1 - SECOND, False), (-SECOND, True), (3600 * SECOND, True)],
)
def test_a_difference_of_a_second_alone_is_a_change_and_is_set(
    tmp_path: Path, nanoseconds: int, is_change: bool
) -> None:
    path = photo(tmp_path)
    run(path)
    content = path.read_bytes()
    os.utime(path, ns=(0, INSTANT * SECOND + nanoseconds))
    before = mtime(path)
    planned = run(path)
    assert [change.tag for change in planned.changes] == ([TAG] if is_change else [])
    assert mtime(path) == (INSTANT * SECOND if is_change else before)
    assert path.read_bytes() == content


@pytest.mark.parametrize("seconds", [-(1 << 31) - 1, -(1 << 31), 1 << 32, 1 << 34, -(1 << 34)])
def test_a_date_that_file_systems_cannot_hold_leaves_it_alone(tmp_path: Path, seconds: int) -> None:
    path = photo(tmp_path)
    run(path, at(seconds))
    assert mtime(path) == LONG_AGO
    assert run(path, at(seconds)).is_empty


@pytest.mark.parametrize("seconds", [-(1 << 31) + 1, -1, 0, 1, (1 << 31) + 5, (1 << 32) - 1])
def test_a_date_before_1970_or_after_2038_is_set_and_settles(tmp_path: Path, seconds: int) -> None:
    path = photo(tmp_path)
    run(path, at(seconds))
    if mtime(path) // SECOND != seconds:
        pytest.skip("this file system has no such year")
    assert run(path, at(seconds)).is_empty


def test_a_time_beyond_every_calendar_is_shown_as_seconds(tmp_path: Path) -> None:
    path = photo(tmp_path)
    folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path
    far = written(folder / f"immich-meta-test-{os.getpid()}.jpg", path.read_bytes())
    try:
        os.utime(far, (0, 1 << 40))
        if mtime(far) // SECOND != 1 << 40:
            pytest.skip("this file system has no such year")
        planned = run(far)
        assert next(change.old for change in planned.changes if change.tag == TAG) == f"{1 << 40} s"
    finally:
        far.unlink()


# -- edited since Immich read it --------------------------------------------------------------------------------------

READ_AT = 1_600_000_000.0


def edited(folder: Path, seconds_later: float) -> Path:
    """A photo with a caption of another program, written so long after Immich read it."""
    path = photo(folder)
    run(path, PhotoMetadata(caption="theirs"), claimant="11111111")
    when = int((READ_AT + seconds_later) * SECOND)
    os.utime(path, ns=(when, when))
    return path


CAPTION = PhotoMetadata(caption="ours", people=("Ada",))


@pytest.mark.parametrize(("later", "protects"), [(-100.0, False), (0.0, False), (2.0, False), (2.5, True), (1e6, True)])
def test_a_file_that_was_edited_later_keeps_its_single_values(tmp_path: Path, later: float, protects: bool) -> None:
    path = edited(tmp_path, later)
    planned = run(path, CAPTION, protect_after=READ_AT)
    found = read(path)
    assert found["XMP-dc:Description"] == ("theirs" if protects else "ours")
    assert found["XMP-dc:Subject"] == ("Ada",)
    assert {kept.tag for kept in planned.kept} == (
        {"XMP-dc:Description", "IPTC:Caption-Abstract", "IFD0:ImageDescription"} if protects else set()
    )


def test_a_protected_file_stays_protected_after_its_lists_were_merged(tmp_path: Path) -> None:
    path = edited(tmp_path, 1000)
    dated = replace(CAPTION, captured=MOMENT)
    run(path, dated, protect_after=READ_AT)
    assert mtime(path) == int(READ_AT + 1000) * SECOND
    assert run(path, dated, protect_after=READ_AT).is_empty
    assert read(path)["XMP-dc:Description"] == "theirs"


def test_a_time_that_we_have_set_ourselves_protects_nothing(tmp_path: Path) -> None:
    path = photo(tmp_path)
    run(path)
    run(path, replace(DATED, caption="one"), protect_after=INSTANT - 100.0)
    run(path, replace(DATED, caption="two"), protect_after=INSTANT - 100.0)
    assert read(path)["XMP-dc:Description"] == "two"


def test_protection_can_be_asked_for_outright(tmp_path: Path) -> None:
    path = edited(tmp_path, -1e6)
    run(path, CAPTION, protect=True)
    assert read(path)["XMP-dc:Description"] == "theirs"


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 2]), st.none() | st.sampled_from(list(FileTime)), st.booleans()), max_size=4
    )
)
def test_the_time_settles(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, Optional[FileTime], bool]]
) -> None:
    path = photo(tmp_path_factory.mktemp("settles"))
    for hours, mode, named in steps:
        moment = Moment(WALL + timedelta(hours=hours), None, MOMENT.instant + timedelta(hours=hours))
        wanted = PhotoMetadata(captured=moment, people=("Ada",) if named else None)
        run(path, wanted, mtime=mode)
        before = mtime(path)
        assert run(path, wanted, mtime=mode).is_empty
        assert mtime(path) == before


def test_a_sidecars_time_is_its_own(tmp_path: Path) -> None:
    path = photo(tmp_path)
    planned = plan(path, DATED, PlanOptions(xmp_engine="builtin", write_to=WriteTo.SIDECAR))
    planned.apply()
    assert TAG not in {change.tag for change in planned.changes}
    assert mtime(path) == LONG_AGO
