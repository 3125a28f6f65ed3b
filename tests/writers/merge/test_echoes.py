"""Immich reads our people keywords back as tags of its own: those are an echo, and never written as tags.

Not here: the root `Albums`, which the mapping drops (tests/mapping).
"""

from __future__ import annotations

import pytest

from immich_meta_writers.metadata import PhotoMetadata
from tests.writers.merge.views import File

SUBJECT, TAGS_LIST, HIERARCHY = "XMP-dc:Subject", "XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject"
LONG = "A very long name of a person that does not fit into sixty-four characters"


@pytest.mark.parametrize("name", ["Ada", "Zoë O'Brien, Jr.", LONG, "Mother/Aunt", "a=b c"])
def test_a_person_that_comes_back_as_a_tag_is_no_tag(name: str) -> None:
    file = File()
    file.run(PhotoMetadata(people=(name,), tags=()))
    assert file.run(PhotoMetadata(people=(name,), tags=(name,))).changes == ()
    assert file.run(PhotoMetadata(tags=(name,))).changes == ()


def test_a_tag_with_a_persons_name_inside_of_a_branch_is_the_users() -> None:
    file = File()
    file.run(PhotoMetadata(people=("Ada",), tags=("Ada", "Family/Ada")))
    assert file[TAGS_LIST] == ("Family/Ada",)
    assert file[HIERARCHY] == ("Family|Ada",)


@pytest.mark.parametrize("name", ["Ada", LONG, "Mother/Aunt"])
def test_a_person_who_is_gone_goes_although_the_echo_is_still_there(name: str) -> None:
    file = File()
    file.run(PhotoMetadata(people=("Bob", name), tags=()))
    file.run(PhotoMetadata(people=("Bob",), tags=("Bob", name)))
    assert file[SUBJECT] == ("Bob",)
    assert file[TAGS_LIST] is None


def test_once_the_echo_is_gone_the_tag_may_become_the_users() -> None:
    file = File()
    file.run(PhotoMetadata(people=("Ada",), tags=()))
    file.run(PhotoMetadata(people=(), tags=("Ada",)))
    file.run(PhotoMetadata(people=("Bob",), tags=()))
    file.run(PhotoMetadata(people=("Bob",), tags=("Ada",)))
    assert file[TAGS_LIST] == ("Ada",)


def test_a_tag_that_becomes_a_person_is_no_tag_any_more() -> None:
    file = File()
    file.run(PhotoMetadata(tags=("Ada",)))
    assert file[TAGS_LIST] == ("Ada",)
    file.run(PhotoMetadata(people=("Ada",), tags=("Ada",)))
    assert file[TAGS_LIST] is None
    assert file[SUBJECT] == ("Ada",)


def test_a_tag_that_is_only_the_cut_of_a_name_is_the_users() -> None:
    file = File()
    file.run(PhotoMetadata(people=("x" * 70,), tags=("x" * 64,)))
    assert file[TAGS_LIST] == ("x" * 64,)


def test_another_users_people_are_an_echo_too() -> None:
    file = File()
    file.run(PhotoMetadata(people=("Ada",)), user="11111111")
    file.run(PhotoMetadata(tags=("Ada", "Travel")), user="22222222")
    assert file[TAGS_LIST] == ("Travel",)
    file.run(PhotoMetadata(people=()), user="11111111")
    assert file.run(PhotoMetadata(tags=("Ada", "Travel")), user="22222222").changes == ()


def test_people_as_keywords_do_not_pile_up_over_many_re_reads() -> None:
    """Immich re-reads the first non-empty of TagsList, HierarchicalSubject and Subject and replaces its tags by it."""
    file = File({SUBJECT: ("sea",)})
    tags: tuple[str, ...] = ()
    for people in (("Ada",), ("Ada", "Bob"), ("Bob",), (), ("Ada",)):
        for _ in range(3):
            file.run(PhotoMetadata(people=people, albums=("Trip",), tags=tags))
            found = file[TAGS_LIST] or file[HIERARCHY] or file[SUBJECT] or ()
            assert isinstance(found, tuple)
            tags = tuple(sorted(item.replace("|", "/") for item in found if not item.startswith("Albums|")))
        assert set(file[SUBJECT] or ()) == {"sea", *people}  # type: ignore[call-overload]
