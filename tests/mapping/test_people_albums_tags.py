"""Names: persons, albums, tags."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api.models import Album, Asset, Person, Tag
from immich_meta.mapping.albums import names_of
from immich_meta.mapping.names import one_line, trimmed
from immich_meta.mapping.people import people_of
from immich_meta.mapping.tags import tags_of

COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"


def asset_with(*names: str) -> Asset:
    people = tuple(Person(str(number), name) for number, name in enumerate(names))
    return Asset("a", "/photo.jpg", people=people)


def asset_tagged(*values: str) -> Asset:
    return Asset(
        "a", "/photo.jpg", tags=tuple(Tag(str(number), value) for number, value in enumerate(values))
    )


def test_each_person_is_a_name_of_its_own_sorted_by_code_point() -> None:
    assert people_of(asset_with("bob", "Émile", "Anna", "山田太郎", "Zoë O'Brien, Jr.")) == (
        "Anna",
        "Zoë O'Brien, Jr.",
        "bob",
        "Émile",
        "山田太郎",
    )


def test_a_person_without_a_name_and_a_hidden_one_are_left_out() -> None:
    people = (Person("1", ""), Person("2", " \n\t"), Person("3", "Ann", is_hidden=True), Person("4", "Bob"))
    assert people_of(Asset("a", "/photo.jpg", people=people)) == ("Bob",)


def test_a_name_is_one_line_without_control_characters() -> None:
    assert people_of(asset_with("  Ada\r\n  King \x00\x07\ud800\t\t of  Lovelace\u2028")) == (
        "Ada King of  Lovelace",
    )


@pytest.mark.parametrize("names", [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_names_that_are_equal_in_nfc_are_one_whatever_their_order(names: tuple[str, ...]) -> None:
    assert people_of(asset_with(*names)) == (DECOMPOSED,)


def test_no_people_is_an_empty_list_and_unknown_people_are_left_alone() -> None:
    assert people_of(asset_with()) == ()
    assert people_of(Asset("a", "/photo.jpg", people_known=False)) is None


def test_albums_are_sorted_and_nameless_ones_skipped() -> None:
    albums = (Album("1", "Trip, Summer"), Album("2", "  "), "B", Album("3", "B"), "Łódź\n2024")
    assert names_of(albums) == ("B", "Trip, Summer", "Łódź 2024")
    assert names_of(()) == ()


def test_tags_are_full_paths_without_empty_components() -> None:
    assert tags_of(asset_tagged("Travel/Berlin", "/Zoo//", " A / B\n", "Travel/Berlin", "//")) == (
        "A/B",
        "Travel/Berlin",
        "Zoo",
    )


def test_the_echo_of_our_own_albums_is_no_tag() -> None:
    tags = tags_of(
        asset_tagged("Albums", "Albums/Summer", " /Albums/x", "Albums2", "Travel/Albums", "albums/x")
    )
    assert tags == ("Albums2", "Travel/Albums", "albums/x")


def test_unknown_tags_are_left_alone_and_none_is_an_empty_list() -> None:
    assert tags_of(Asset("a", "/photo.jpg", tags=None)) is None
    assert tags_of(asset_tagged()) == ()


@given(st.lists(st.text(st.characters(), max_size=12), max_size=8))
def test_any_names_become_a_sorted_list_that_settles(names: list[str]) -> None:
    found = people_of(asset_with(*names))
    assert found is not None
    assert list(found) == sorted(found)
    assert people_of(asset_with(*reversed(names))) == found
    assert people_of(asset_with(*found)) == found
    assert len({unicodedata.normalize("NFC", name) for name in found}) == len(found)
    for name in found:
        assert name == name.strip() != ""
        assert not set("\n\r\t\x0b\u2028\u2029") & set(name)
        name.encode("utf-8")


@given(st.lists(st.text(st.sampled_from("ab/|\n \tÄ"), max_size=9), max_size=8))
def test_any_tag_values_settle(values: list[str]) -> None:
    found = tags_of(asset_tagged(*values))
    assert found is not None
    assert tags_of(asset_tagged(*found)) == found
    assert all(part for path in found for part in path.split("/"))


@given(st.text(st.characters()))
def test_trimming_is_done_once(text: str) -> None:
    assert trimmed(trimmed(text)) == trimmed(text)
    assert one_line(one_line(text)) == one_line(text)


def test_a_long_name_of_blanks_takes_no_time() -> None:
    assert one_line("a" + " " * 1_000_000 + "\nb") == "a b"
