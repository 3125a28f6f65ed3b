"""Dates of mvhd, tkhd and mdhd: patched in place, in every box of a kind, or in none."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.addresses import QuickTimeAddress
from immich_meta_writers.errors import StructureError
from immich_meta_writers.payloads import quicktime
from tests.writers.quicktime_payload.atoms import EPOCH_1970, headers, mdhd, mvhd, tkhd

BOXES = ("mvhd", "tkhd", "mdhd")
ADDRESSES = tuple(QuickTimeAddress(box, field) for box in BOXES for field in ("creation", "modification"))
CREATED = QuickTimeAddress("mvhd", "creation")
TRACK_CREATED = QuickTimeAddress("tkhd", "creation")
TEXT = "2021:06:15 10:34:56"
SECONDS = int((datetime(2021, 6, 15, 10, 34, 56) - datetime(1904, 1, 1)).total_seconds())

# With 64 bits, years beyond the calendar can stand there too.
moments = st.datetimes(datetime(1904, 1, 1, 0, 0, 1), datetime(2040, 2, 6, 6, 28, 15)).map(
    lambda moment: moment.replace(microsecond=0)
)


def spelled(moment: datetime) -> str:
    return f"{moment.year:04}:{moment:%m:%d %H:%M:%S}"


@pytest.mark.parametrize("version", [0, 1])
def test_a_date_is_read_as_utc_text_for_each_box(version: int) -> None:
    block = quicktime.parse({**headers(SECONDS, version), "trak2/tkhd": tkhd(0, SECONDS, version)})
    assert block.get(CREATED) == (TEXT,)
    assert block.get(TRACK_CREATED) == (TEXT, "0000:00:00 00:00:00")
    assert block.get(QuickTimeAddress("tkhd", "modification")) == (TEXT, TEXT)


@given(moment=moments, before=st.integers(0, 2**32 - 1), version=st.sampled_from([0, 1]))
def test_every_date_is_written_in_place_and_nothing_else_moves(moment: datetime, before: int, version: int) -> None:
    text = spelled(moment)
    old = {**headers(before, version), "trak2/tkhd": tkhd(before, version=1 - version)}
    block = quicktime.parse(old)
    atoms, skipped = quicktime.graft(block, dict.fromkeys(ADDRESSES, text))
    after = quicktime.parse(atoms)
    assert not skipped
    assert {tuple(set(after.get(address) or ())) for address in ADDRESSES} == {(text,)}
    width = {0: 8, 1: 16}
    for path, content in old.items():
        new, end = atoms[path], 4 + width[content[0]]
        assert (new[:4], new[end:], len(new)) == (content[:4], content[end:], len(content))
    assert after.foreign(ADDRESSES) == block.foreign(ADDRESSES)


@pytest.mark.parametrize("address", ADDRESSES)
def test_one_date_is_changed_without_the_other(address: QuickTimeAddress) -> None:
    block = quicktime.parse(headers(EPOCH_1970))
    after = quicktime.parse(quicktime.graft(block, {address: TEXT}).atoms)
    changed = [other for other in ADDRESSES if after.get(other) != block.get(other)]
    assert changed == [address]
    assert after.foreign([address]) == block.foreign([address])
    assert after.foreign(()) != block.foreign(())


@pytest.mark.parametrize(
    "text", ["1903:12:31 23:59:59", "1904:01:01 00:00:00", "2040:02:06 06:28:16", "0000:00:00 00:00:00"]
)
def test_32_bits_do_not_take_what_they_cannot_hold(text: str) -> None:
    block = quicktime.parse(headers(EPOCH_1970))
    atoms, skipped = quicktime.graft(block, {CREATED: text})
    assert skipped == {CREATED: quicktime.OUT_OF_RANGE}
    assert atoms == block.atoms


def test_64_bits_take_a_date_after_2040() -> None:
    block = quicktime.parse({"mvhd": mvhd(EPOCH_1970, version=1)})
    atoms, skipped = quicktime.graft(block, {CREATED: "2077:01:01 00:00:00"})
    assert (quicktime.parse(atoms).get(CREATED), skipped) == (("2077:01:01 00:00:00",), {})


def test_tracks_never_disagree_because_one_of_them_is_too_narrow() -> None:
    block = quicktime.parse({"trak1/tkhd": tkhd(1, version=1), "trak2/tkhd": tkhd(1, version=0)})
    atoms, skipped = quicktime.graft(block, {TRACK_CREATED: "2077:01:01 00:00:00"})
    assert (atoms, set(skipped)) == (block.atoms, {TRACK_CREATED})


def test_a_movie_without_tracks_has_no_track_dates() -> None:
    block = quicktime.parse({"mvhd": mvhd(EPOCH_1970)})
    assert block.get(TRACK_CREATED) is None
    assert quicktime.graft(block, {TRACK_CREATED: TEXT}).skipped == {TRACK_CREATED: quicktime.NOT_MADE}


def test_seconds_beyond_the_calendar_are_shown_and_replaced() -> None:
    block = quicktime.parse({"mvhd": mvhd(2**63, version=1)})
    assert block.get(CREATED) == (f"@{2**63}",)
    assert quicktime.parse(quicktime.graft(block, {CREATED: TEXT}).atoms).get(CREATED) == (TEXT,)


def test_a_header_of_an_unknown_version_is_left_alone() -> None:
    block = quicktime.parse({"mvhd": b"\2" + mvhd(EPOCH_1970)[1:]})
    assert block.get(CREATED) is None
    atoms, skipped = quicktime.graft(block, {CREATED: TEXT})
    assert (atoms, set(skipped)) == (block.atoms, {CREATED})


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("make", [mvhd, tkhd, mdhd])
def test_a_header_cut_within_its_dates_is_refused_by_its_place(make: object, version: int) -> None:
    content = make(EPOCH_1970, version=version)  # type: ignore[operator]
    for length in range(20 if version else 12):
        with pytest.raises(StructureError, match="trak1/tkhd"):
            quicktime.parse({"trak1/tkhd": content[:length]})
    assert quicktime.parse({"trak1/tkhd": content[: 20 if version else 12]}).get(TRACK_CREATED)


def test_untouched_boxes_are_the_same_objects() -> None:
    old = headers(SECONDS)
    block = quicktime.parse(old)
    atoms = quicktime.graft(block, {CREATED: TEXT, TRACK_CREATED: "2022:01:01 00:00:00"}).atoms
    assert [path for path in old if atoms[path] is old[path]] == ["mvhd", "trak1/mdhd"]


def test_seconds_are_counted_without_leap_seconds() -> None:
    block = quicktime.parse({"mvhd": mvhd(EPOCH_1970)})
    assert block.get(CREATED) == ("1970:01:01 00:00:00",)
    day_later = quicktime.parse({"mvhd": mvhd(EPOCH_1970 + int(timedelta(days=1).total_seconds()))})
    assert day_later.get(CREATED) == ("1970:01:02 00:00:00",)
