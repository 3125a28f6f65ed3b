"""Movies: dates in UTC and with an offset, places as one text, captions; each home on its own, a second run empty.

Not here: their bytes (tests/writers/quicktime_payload).
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.addresses import QuickTimeAddress, Value
from immich_meta_writers.merge.movies import LOCATION_STEP, UTC_DATES
from immich_meta_writers.metadata import Moment, PhotoMetadata, Position
from immich_meta_writers.metadata_json import photo_metadata
from immich_meta_writers.tags import BY_NAME, TABLE, FileKind, Module
from tests.writers.merge.views import File, changed, claims, kept, releases

CREATION, ORIGINAL = "Keys:CreationDate", "UserData:DateTimeOriginal"
CONTENT = ("UserData:ContentCreateDate", "ItemList:ContentCreateDate")
PLACE, LOCATION = "Keys:GPSCoordinates", "UserData:LocationInformation"
SECOND_PLACES = ("UserData:GPSCoordinates", "ItemList:GPSCoordinates")
CAPTION, SECOND_CAPTIONS = "Keys:Description", ("ItemList:Description", "UserData:Description")
UNSET, UTC = "0000:00:00 00:00:00", "2024:01:15 09:30:45"
WALL = datetime(2024, 1, 15, 10, 30, 45)
LOCAL = "2024-01-15T10:30:45+0100"
BERLIN = Position(52.52, 13.405)


def at(minutes: Optional[int] = 60, *, wall: datetime = WALL, guessed: bool = False) -> PhotoMetadata:
    offset = None if minutes is None else timedelta(minutes=minutes)
    instant = (wall - (timedelta(hours=1) if offset is None else offset)).replace(tzinfo=timezone.utc)
    return PhotoMetadata(captured=Moment(wall, offset, instant, guessed))


def movie(values: Optional[dict[str, Value]] = None, **options: Any) -> File:
    """A movie of one track whose clock was never set."""
    headers: dict[str, Value] = dict.fromkeys(UTC_DATES, (UNSET,))
    return File({**headers, **(values or {})}, kind=FileKind.VIDEO, **options)


def test_headers_say_the_instant_and_the_key_says_the_wall_clock() -> None:
    file = movie()
    merged = file.run(at())
    assert {file[name] for name in UTC_DATES} == {(UTC,)}
    assert file[CREATION] == LOCAL
    assert {change.old for change in merged.changes} == {None}


def test_one_track_that_differs_is_told_and_set_with_the_others() -> None:
    name = "QuickTime:TrackCreateDate"
    file = movie({name: (UTC, "2001:01:01 00:00:00", UNSET)})
    merged = file.run(at())
    assert file[name] == (UTC, UTC, UTC)
    assert [change.old for change in merged.changes if change.tag == name] == ["2001:01:01 00:00:00"]
    assert "QuickTime:CreateDate" in changed(merged)


def test_headers_that_are_not_there_are_not_asked_for() -> None:
    file = File(kind=FileKind.VIDEO)
    assert set(changed(file.run(at()))).isdisjoint(UTC_DATES)


def test_a_photo_has_no_movies_rows() -> None:
    file = File()
    wanted = PhotoMetadata(captured=at().captured, gps=BERLIN, caption="x")
    assert not any(isinstance(BY_NAME[tag].address, QuickTimeAddress) for tag in changed(file.run(wanted)))


@pytest.mark.parametrize(
    "text",
    [
        LOCAL,
        "2024-01-15T10:30:45+01:00",
        "2024-01-15 10:30:45 +0100",
        "2024:01:15 10:30:45+01:00",
        "2024-01-15T10:30:45.123+01",
        "20240115T103045+0100",
    ],
)
def test_an_equal_date_is_kept_whatever_its_spelling(text: str) -> None:
    file = movie({CREATION: text, ORIGINAL: text})
    assert not {CREATION, ORIGINAL} & set(changed(file.run(at())))


@pytest.mark.parametrize(
    "text",
    ["2024-01-15T10:30:45+0200", "2024-01-15T10:30:45", "2024-01-15T09:30:45Z", "2024-01-15T10:30:44+0100", "", "?",
     "2024-01-15", "2024-13-15T10:30:45+0100", "0001-01-01T00:00:00+1400"],
)  # fmt: skip
def test_any_other_date_is_set(text: str) -> None:
    file = movie({CREATION: text, ORIGINAL: text, CONTENT[0]: f"{text}x"})
    merged = file.run(at())
    assert {file[tag] for tag in (CREATION, ORIGINAL, CONTENT[0])} == {LOCAL}
    assert {change.old for change in merged.changes if change.tag == CREATION} == {text or None}


def test_sub_seconds_stay_when_only_the_offset_is_new() -> None:
    file = movie({CREATION: "2024-01-15T10:30:45.25"})
    file.run(at())
    assert file[CREATION] == "2024-01-15T10:30:45.25+0100"


def test_an_unknown_offset_is_not_made_up_and_a_known_one_not_lost() -> None:
    fresh, same, moved = movie(), movie({CREATION: LOCAL}), movie({CREATION: "2001-01-01T00:00:00+0500"})
    for file in (fresh, same, moved):
        file.run(at(None))
        assert file["QuickTime:CreateDate"] == (UTC,)
    assert (fresh[CREATION], moved[CREATION]) == ("2024-01-15T10:30:45", "2024-01-15T10:30:45")
    assert same[CREATION] == LOCAL


def test_utc_that_is_the_servers_guess_is_not_made_a_fact() -> None:
    file = movie()
    file.run(at(0, guessed=True))
    assert file[CREATION] is None
    assert file["QuickTime:CreateDate"] == ("2024:01:15 10:30:45",)


@pytest.mark.parametrize("text", ["2024-01-15T12:30:45+0200", "2024-01-15T10:30:45Z", "2024-01-15T10:30:45"])
def test_a_zone_in_the_file_stays_when_the_server_only_guesses_another(text: str) -> None:
    file = movie({CREATION: text})
    assert CREATION not in changed(file.run(at(0, guessed=True)))


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("2024-01-15T10:30:45+0200", "2024-01-15T12:30:45+0200"),
        ("2024-01-15T12:30:45", "2024-01-15T10:30:45+0000"),
        ("0001-01-01T00:00:00+1400", "2024-01-16T00:30:45+1400"),
    ],
)
def test_a_date_that_stands_there_is_updated_even_by_a_guess_and_keeps_its_zone(text: str, new: str) -> None:
    file = movie({CREATION: text})
    file.run(at(0, guessed=True))
    assert file[CREATION] == new


def test_second_homes_of_the_date_are_updated_and_not_made() -> None:
    fresh = movie()
    fresh.run(at())
    assert {fresh[tag] for tag in (ORIGINAL, "Keys:DateTimeOriginal", *CONTENT)} == {None}
    file = movie(dict.fromkeys((ORIGINAL, "Keys:DateTimeOriginal", *CONTENT), "2001-01-01T00:00:00"))
    file.run(at())
    assert {file[tag] for tag in (ORIGINAL, "Keys:DateTimeOriginal", *CONTENT)} == {LOCAL}


@pytest.mark.parametrize("text", ["2024", "2024-01", "2024-01-15"])
def test_a_bare_day_of_content_stays_when_it_is_the_day(text: str) -> None:
    file = movie({CONTENT[0]: text, ORIGINAL: text})
    file.run(at())
    assert (file[CONTENT[0]], file[ORIGINAL]) == (text, LOCAL)
    other = movie({CONTENT[0]: "1999"})
    other.run(at())
    assert other[CONTENT[0]] == LOCAL


def test_copies_that_disagree_are_all_set() -> None:
    file = movie({CREATION: (LOCAL, "2001-01-01T00:00:00")})
    merged = file.run(at())
    assert file[CREATION] == LOCAL
    assert [change.old for change in merged.changes if change.tag == CREATION] == ["2001-01-01T00:00:00"]


def test_a_place_is_one_text_in_keys_and_wherever_else_it_stands() -> None:
    file = movie(dict.fromkeys((*SECOND_PLACES, LOCATION), "+01.0000+002.0000/"))
    file.run(PhotoMetadata(gps=BERLIN))
    assert {file[tag] for tag in (PLACE, *SECOND_PLACES, LOCATION)} == {"+52.520000+013.405000/"}
    fresh = movie()
    fresh.run(PhotoMetadata(gps=BERLIN))
    assert {fresh[tag] for tag in (*SECOND_PLACES, LOCATION)} == {None}
    assert fresh["XMP-exif:GPSLatitude"] == "52,31.20000000N"


@pytest.mark.parametrize(
    "text",
    ["+52.520000+013.405000/", "+52.5200+013.4050+034.500/", "+52.52+013.405CRSWGS_84/", "+523112+0132418/",
     "+52.52000049+13.40500049/"],
)  # fmt: skip
def test_the_same_place_is_kept_whatever_its_form(text: str) -> None:
    file = movie({PLACE: text})
    assert PLACE not in changed(file.run(PhotoMetadata(gps=BERLIN)))


def test_four_decimals_are_trusted_to_be_rounded_and_fewer_are_not() -> None:
    near = Position(52.52004, 13.40496)
    assert PLACE not in changed(movie({PLACE: "+52.5200+013.4050/"}).run(PhotoMetadata(gps=near)))
    assert PLACE in changed(movie({PLACE: "+52.520+013.405/"}).run(PhotoMetadata(gps=near)))


def test_an_altitude_stays_when_none_is_known_and_is_set_when_one_is() -> None:
    file = movie({PLACE: "+01.0000+002.0000+034.5/"})
    file.run(PhotoMetadata(gps=BERLIN))
    assert file[PLACE] == "+52.520000+013.405000+034.5/"
    assert PLACE not in changed(file.run(PhotoMetadata(gps=Position(52.52, 13.405, 34.55))))
    file.run(PhotoMetadata(gps=Position(52.52, 13.405, -7)))
    assert file[PLACE] == "+52.520000+013.405000-7.000/"


@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    altitude=st.none() | st.floats(-10_000, 30_000),
    cut=st.booleans(),
)
def test_any_place_settles_in_16_bits_of_fraction_too(
    latitude: float, longitude: float, altitude: Optional[float], cut: bool
) -> None:
    def stored(number: float) -> float:
        return (int(number * 65536) if cut else round(number * 65536)) / 65536

    wanted = PhotoMetadata(gps=Position(latitude, longitude, altitude))
    fixed = f"{stored(latitude):+010.6f}{stored(longitude):+011.6f}{stored(altitude or 0.0):+.3f}/"
    file = movie({LOCATION: fixed})
    assert LOCATION not in changed(file.run(wanted))
    assert LOCATION_STEP < 1e-4


def test_a_caption_has_a_key_and_is_updated_elsewhere() -> None:
    file = movie(dict.fromkeys(SECOND_CAPTIONS, "old"))
    merged = file.run(PhotoMetadata(caption="Ada 😀"))
    assert {file[tag] for tag in (CAPTION, *SECOND_CAPTIONS)} == {"Ada 😀"}
    assert f"caption@local {CAPTION}=Ada 😀" in claims(merged)
    fresh = movie()
    fresh.run(PhotoMetadata(caption="Ada"))
    assert {fresh[tag] for tag in SECOND_CAPTIONS} == {None}


def test_captions_that_disagree_are_made_one() -> None:
    file = movie({CAPTION: ("a", "b")})
    file.run(PhotoMetadata(caption="a, b"))
    assert file[CAPTION] == "a, b"


def test_an_empty_caption_removes_ours_and_keeps_a_foreign_one() -> None:
    file = movie({"ItemList:Description": "foreign"})
    assert kept(file.run(PhotoMetadata(caption=""))) == {"ItemList:Description": "foreign"}
    ours = movie()
    ours.run(PhotoMetadata(caption="Ada"))
    assert f"caption@local {CAPTION}=Ada" in releases(ours.run(PhotoMetadata(caption="")))
    assert ours[CAPTION] is None


@pytest.mark.parametrize(
    ("wanted", "standing", "made"),
    [
        (at(), {"QuickTime:CreateDate": ("2001:01:01 00:00:00",)}, CREATION),
        (at(), {ORIGINAL: "2001-01-01T00:00:00"}, "XMP-xmp:CreateDate"),
        (PhotoMetadata(gps=BERLIN), {"UserData:GPSCoordinates": "+01.0000+002.0000/"}, PLACE),
        (PhotoMetadata(caption="new"), {"ItemList:Description": "old"}, CAPTION),
    ],
)
def test_an_edited_movie_keeps_its_single_values_and_gets_no_second_truth(
    wanted: PhotoMetadata, standing: dict[str, Value], made: str
) -> None:
    assert made in changed(movie().run(wanted))
    merged = movie(standing, protect=True).run(wanted)
    assert set(standing) <= set(kept(merged))
    assert not merged.changes


_dates = st.sampled_from([None, "", LOCAL, "2024-01-15T10:30:45", "1999", "2001-01-01T00:00:00Z", "nonsense"])
_headers = st.lists(st.sampled_from([UNSET, UTC, "2001:01:01 00:00:00", "@9999999999999"]), min_size=1, max_size=3)


@given(
    values=st.fixed_dictionaries(dict.fromkeys((CREATION, ORIGINAL, *CONTENT), _dates)),
    headers=st.fixed_dictionaries(dict.fromkeys(UTC_DATES, _headers.map(tuple))),
    minutes=st.none() | st.integers(-14 * 60, 14 * 60),
    guessed=st.booleans(),
)
def test_any_movie_settles_in_one_run(
    values: dict[str, Optional[str]], headers: dict[str, tuple[str, ...]], minutes: Optional[int], guessed: bool
) -> None:
    file = movie({**headers, **{tag: text for tag, text in values.items() if text is not None}})
    file.run(at(minutes, guessed=guessed and minutes is not None))


def test_rows_are_made_in_movies_or_nowhere() -> None:
    for tag in TABLE:
        if isinstance(tag.address, QuickTimeAddress):
            assert tag.created_in in (frozenset(), frozenset({FileKind.VIDEO}))
            assert tag.modules in ((Module.TIME,), (Module.GPS,), (Module.CAPTION,))


def test_json_can_say_that_an_offset_is_a_guess() -> None:
    text = "2024-01-15T10:30:45Z"
    plain = photo_metadata({"captured": text}, timezone.utc).captured
    guess = photo_metadata({"captured": {"at": text, "guessed": True}}, timezone.utc).captured
    assert plain is not None
    assert guess is not None
    assert (plain.guessed, guess.guessed) == (False, True)
    assert (guess.wall, guess.offset) == (plain.wall, plain.offset)
    assert photo_metadata({"captured": {"at": text}}, timezone.utc).captured == plain
