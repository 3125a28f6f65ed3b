"""Stars and the heart, over time and among other programs' ratings.

Not here: which of Immich's ratings counts (tests/mapping).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.metadata import PhotoMetadata, RatingSource
from immich_meta_writers.tags import FileKind
from tests.writers.merge.views import File, changed, kept

XMP, EXIF, PERCENT = "XMP-xmp:Rating", "IFD0:Rating", "IFD0:RatingPercent"
MICROSOFT, LABEL, FLAG = "XMP-microsoft:RatingPercent", "XMP-xmp:Label", "XMP-fstop:Favorite"
STARS = (XMP, EXIF, PERCENT, MICROSOFT)


def stars(count: int, favorite: bool = False) -> PhotoMetadata:
    return PhotoMetadata(rating=count, favorite=favorite)


UNRATED = PhotoMetadata(rating=0, rating_source=RatingSource.UNRATED, favorite=False)
HEART = PhotoMetadata(rating=5, rating_source=RatingSource.HEART, favorite=True)


@pytest.mark.parametrize(
    ("count", "percent", "microsoft"), [(1, 20, "1"), (2, 40, "25"), (3, 60, "50"), (4, 80, "75"), (5, 100, "99")]
)
def test_stars_are_written_in_every_scale(count: int, percent: int, microsoft: str) -> None:
    file = File()
    file.run(stars(count))
    assert [file[tag] for tag in STARS] == [str(count), count, percent, microsoft]


def test_rating_percent_may_follow_microsofts_scale() -> None:
    file = File()
    file.run(stars(4), microsoft_percent=True)
    assert file[PERCENT] == 75


def test_a_sidecar_has_only_the_xmp_rows() -> None:
    file = File(kind=FileKind.SIDECAR)
    file.run(stars(4))
    assert file[XMP] == "4"
    assert file[EXIF] is None


def test_rejected_is_minus_one_in_xmp_and_zero_in_the_others() -> None:
    file = File({EXIF: 3, PERCENT: 60, MICROSOFT: "50"})
    file.run(stars(-1))
    assert [file[tag] for tag in STARS] == ["-1", 0, 0, "0"]
    fresh = File()
    fresh.run(stars(-1))
    assert fresh.values == {XMP: "-1"}


def test_an_unrated_unloved_photo_is_not_touched() -> None:
    assert File().run(UNRATED).changes == ()
    assert File().run(stars(0)).changes == ()


def test_absent_equals_zero_tag_by_tag() -> None:
    file = File({EXIF: 3})
    file.run(stars(0))
    assert file.values == {EXIF: 0}


@pytest.mark.parametrize("spelled", ["4", "4.0", " 4 ", "+4"])
def test_numbers_compare_as_numbers(spelled: str) -> None:
    file = File({XMP: spelled, EXIF: 4, PERCENT: 80, MICROSOFT: "75"})
    assert file.run(stars(4)).changes == ()


@pytest.mark.parametrize("garbage", ["four", "", "4 stars", "4.5", "nan", "inf", "1e999", "4, 4"])
def test_what_is_no_number_of_stars_is_replaced(garbage: str) -> None:
    file = File({XMP: garbage})
    file.run(stars(4))
    assert file[XMP] == "4"


@pytest.mark.parametrize("garbage", ["four", "4.5", "nan", "inf"])
def test_foreign_garbage_stays_while_immich_has_no_rating(garbage: str) -> None:
    file = File({XMP: garbage})
    assert kept(file.run(UNRATED)) == {XMP: garbage}


def test_unrated_keeps_a_foreign_rating_and_reports_it() -> None:
    file = File({XMP: "3", EXIF: 3})
    assert kept(file.run(UNRATED)) == {XMP: "3", EXIF: "3"}
    assert file[XMP] == "3"


def test_unrated_sets_ours_to_zero() -> None:
    file = File()
    file.run(stars(4))
    file.run(UNRATED)
    assert [file[tag] for tag in STARS] == ["0", 0, 0, "0"]
    assert file.added == ()


def test_a_rating_that_another_program_has_changed_is_theirs() -> None:
    file = File()
    file.run(stars(4))
    file.values[XMP] = "2"
    merged = file.run(UNRATED)
    assert kept(merged) == {XMP: "2"}
    assert file[EXIF] == 0


def test_another_users_rating_is_foreign() -> None:
    file = File()
    file.run(stars(4), user="11111111")
    assert set(kept(file.run(UNRATED, user="22222222"))) == set(STARS)


def test_clear_ratings_makes_all_zero() -> None:
    file = File({XMP: "3", EXIF: 3, PERCENT: 60, MICROSOFT: "50"})
    file.run(UNRATED, clear_ratings=True)
    assert [file[tag] for tag in STARS] == ["0", 0, 0, "0"]


@pytest.mark.parametrize("clear", [False, True])
def test_a_rejection_in_the_file_stays_while_immich_has_no_rating(clear: bool) -> None:
    file = File({XMP: "-1"})
    assert kept(file.run(UNRATED, clear_ratings=clear)) == {XMP: "-1"}


def test_a_rejection_of_ours_survives_a_server_that_drops_it_on_reading() -> None:
    file = File()
    file.run(stars(-1))
    file.run(UNRATED)
    assert file[XMP] == "-1"
    file.run(stars(2))
    assert file[XMP] == "2"


def test_a_rating_that_stood_there_is_not_ours() -> None:
    file = File({XMP: "4", EXIF: 4, PERCENT: 80, MICROSOFT: "75"})
    file.run(stars(4, favorite=True))
    file.run(UNRATED)
    assert file[XMP] == "4"


def test_a_rating_without_a_favourite_says_nothing_about_the_heart() -> None:
    file = File({LABEL: "Favorite", FLAG: "1"})
    file.run(PhotoMetadata(rating=3))
    assert (file[LABEL], file[FLAG]) == ("Favorite", "1")


def test_a_favourite_without_a_rating_says_nothing_about_the_stars() -> None:
    file = File({XMP: "3"})
    file.run(PhotoMetadata(favorite=True))
    assert file[XMP] == "3"
    assert file[FLAG] == "1"


# -- the heart --------------------------------------------------------------------------------------------------------


def test_a_heart_alone_makes_five_stars_a_label_and_a_flag() -> None:
    file = File()
    file.run(HEART)
    assert [file[tag] for tag in (*STARS, LABEL, FLAG)] == ["5", 5, 100, "99", "Favorite", "1"]


def test_a_heart_that_is_taken_back_takes_its_stars_along() -> None:
    file = File()
    file.run(HEART)
    file.run(UNRATED)
    assert [file[tag] for tag in (*STARS, LABEL, FLAG)] == ["0", 0, 0, "0", None, "0"]


def test_the_five_of_a_heart_counts_as_none_when_it_came_back_and_the_heart_is_gone() -> None:
    file = File()
    file.run(HEART)
    assert file.run(stars(5, favorite=True)).changes == ()  # Immich has re-read the file
    file.run(stars(5, favorite=False))
    assert file[XMP] == "0"
    assert file.run(stars(5, favorite=False)).changes == ()  # and has not re-read it again
    assert file.run(UNRATED).changes == ()


def test_other_stars_than_the_hearts_are_the_users() -> None:
    file = File()
    file.run(HEART)
    file.run(stars(3, favorite=True))
    assert file[XMP] == "3"
    file.run(stars(5, favorite=False))
    assert file[XMP] == "5"


def test_five_stars_that_no_heart_made_stay_without_it() -> None:
    file = File()
    file.run(stars(5, favorite=True))
    file.run(stars(5, favorite=False))
    assert file[XMP] == "5"


def test_a_foreign_five_stays_when_a_heart_came_and_went() -> None:
    file = File({XMP: "5"})
    file.run(HEART)
    file.run(stars(5, favorite=False))
    assert file[XMP] == "5"


# -- label and flag ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_label_becomes_favorite(empty: str) -> None:
    file = File({LABEL: empty})
    file.run(stars(3, favorite=True))
    assert file[LABEL] == "Favorite"


def test_a_colour_stays_and_is_reported() -> None:
    file = File({LABEL: "Red"})
    assert kept(file.run(stars(3, favorite=True))) == {LABEL: "Red"}
    assert kept(file.run(stars(3, favorite=False))) == {}
    assert file[LABEL] == "Red"


def test_the_label_goes_with_the_heart_whoever_wrote_it() -> None:
    file = File({LABEL: "Favorite"})
    assert changed(file.run(stars(0))) == {LABEL: None}


@pytest.mark.parametrize(("flag", "after"), [("1", "0"), ("0", "0"), ("True", "0"), (None, None)])
def test_the_flag_becomes_zero_where_it_stands(flag: str, after: str) -> None:
    file = File({} if flag is None else {FLAG: flag})
    file.run(UNRATED)
    assert file[FLAG] == after


wanted = st.one_of(
    st.builds(stars, st.integers(-1, 5), st.booleans()), st.just(UNRATED), st.just(HEART), st.none()
).map(lambda each: each or PhotoMetadata(favorite=True))
written = st.sampled_from(["", "0", "3", "4.0", "-1", "5", "99", "Favorite", "Red", "x", "nan"])


@given(
    current=st.dictionaries(st.sampled_from([XMP, MICROSOFT, LABEL, FLAG]), written),
    numbers=st.dictionaries(st.sampled_from([EXIF, PERCENT]), st.sampled_from([0, 3, 5, 75, 100, 65535])),
    steps=st.lists(st.tuples(wanted, st.booleans()), max_size=5),
)
def test_ratings_settle(
    current: dict[str, str], numbers: dict[str, int], steps: list[tuple[PhotoMetadata, bool]]
) -> None:
    file = File({**current, **numbers})
    for each, clear in steps:
        file.run(each, clear_ratings=clear)


@given(st.lists(wanted, max_size=5))
def test_what_is_all_ours_ends_at_zero(steps: list[PhotoMetadata]) -> None:
    file = File()
    for each in steps:
        file.run(each)
    file.run(UNRATED)
    assert file[XMP] in (None, "0", "-1")
    assert file[EXIF] in (None, 0)
    assert file[LABEL] is None
