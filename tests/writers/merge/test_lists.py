"""Lists: foreign items stay, ours come and go; names, keywords, albums and tags each in their own form.

Not here: provenance records (test_provenance.py) and what comes back from Immich (test_echoes.py).
"""

from __future__ import annotations

import time
import unicodedata
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from immich_meta_writers.addresses import IimAddress, XmpAddress
from immich_meta_writers.merge.lists import is_join_of
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.tags import BY_NAME, FileKind
from immich_meta_writers.text import cut
from tests.writers.merge.views import File, changed, claims, releases, view

SUBJECT, KEYWORDS, PERSONS = "XMP-dc:Subject", "IPTC:Keywords", "XMP-iptcExt:PersonInImage"
HIERARCHY, TAGS_LIST = "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList"
PEOPLE_TAGS = (SUBJECT, KEYWORDS, PERSONS)


def people(*names: str) -> PhotoMetadata:
    return PhotoMetadata(people=names)


@pytest.mark.parametrize("tag", PEOPLE_TAGS)
def test_each_person_is_one_item(tag: str) -> None:
    file = File()
    file.run(people("Ada", "Zoë O'Brien, Jr."))
    assert file[tag] == ("Ada", "Zoë O'Brien, Jr.")


@pytest.mark.parametrize("tag", PEOPLE_TAGS)
def test_foreign_items_and_their_order_stay(tag: str) -> None:
    file = File({tag: ("zebra", "Ada", "apple", "zebra")})
    file.run(people("Ada", "Bob"))
    assert file[tag] == ("zebra", "Ada", "apple", "zebra", "Bob")
    file.run(people())
    assert file[tag] == ("zebra", "Ada", "apple", "zebra")


def test_our_items_go_wherever_another_program_has_put_them() -> None:
    file = File()
    file.run(people("Ada", "Bob"))
    file.values[SUBJECT] = ("sea", "Bob", "Ada", "sun")
    file.run(people("Bob"))
    assert file[SUBJECT] == ("sea", "Bob", "sun")


def test_an_item_that_another_program_repeated_goes_entirely() -> None:
    file = File()
    file.run(people("Ada"))
    file.values[SUBJECT] = ("Ada", "sea", "Ada")
    file.run(people())
    assert file[SUBJECT] == ("sea",)


def test_an_item_that_was_there_before_is_never_ours() -> None:
    file = File({SUBJECT: ("Ada",)})
    merged = file.run(people("Ada"))
    assert not any(record.startswith(f"people@local {SUBJECT}") for record in claims(merged))
    file.run(people())
    assert file[SUBJECT] == ("Ada",)
    assert file[PERSONS] is None


def test_none_leaves_a_list_alone_and_empty_removes_ours() -> None:
    file = File()
    file.run(people("Ada"))
    file.run(PhotoMetadata(caption="a caption"))
    assert file[SUBJECT] == ("Ada",)
    file.run(people())
    assert file[SUBJECT] is None


def test_items_compare_in_nfc() -> None:
    composed, decomposed = "Zoë", unicodedata.normalize("NFD", "Zoë")
    file = File(dict.fromkeys(PEOPLE_TAGS, (decomposed,)))
    assert file.run(people(composed)).changes == ()


def test_an_item_of_ours_goes_in_whichever_normal_form_it_came_back() -> None:
    file = File()
    file.run(people("Zoë"))
    for tag in PEOPLE_TAGS:
        file.values[tag] = (unicodedata.normalize("NFD", "Zoë"),)
    file.run(people())
    assert file[SUBJECT] is None


def test_case_makes_a_difference() -> None:
    file = File({SUBJECT: ("ada",)})
    file.run(people("Ada"))
    assert file[SUBJECT] == ("ada", "Ada")


def test_iptc_keywords_are_cut_at_64_bytes_at_a_character() -> None:
    file = File()
    file.run(people("é" * 40, "x" * 63 + "é"))
    assert file[KEYWORDS] == ("é" * 32, "x" * 63)
    assert file[SUBJECT] == ("é" * 40, "x" * 63 + "é")


def test_iptc_keywords_compare_after_the_same_cut() -> None:
    cut_already = File({KEYWORDS: ("x" * 64,), SUBJECT: ("x" * 80,), PERSONS: ("x" * 80,)})
    assert cut_already.run(people("x" * 80)).changes == ()
    never_cut = File({KEYWORDS: ("x" * 80,), SUBJECT: ("x" * 80,), PERSONS: ("x" * 80,)})
    assert never_cut.run(people("x" * 80)).changes == ()


def test_two_names_with_one_cut_share_a_keyword_until_the_last_is_gone() -> None:
    one, two = "n" * 64 + " one", "n" * 64 + " two"
    file = File()
    file.run(people(one, two))
    assert file[KEYWORDS] == ("n" * 64,)
    file.run(people(two))
    assert file[KEYWORDS] == ("n" * 64,)
    assert file[SUBJECT] == (two,)
    file.run(people())
    assert file[KEYWORDS] is None


def test_an_item_claimed_by_two_modules_goes_with_its_last_claim() -> None:
    file = File()
    file.run(PhotoMetadata(people=("Ada",), tags=("Family/Ada",)))
    file.run(PhotoMetadata(people=(), tags=("Family/Ada",)))
    assert file[SUBJECT] == ("Ada",)
    file.run(PhotoMetadata(tags=()))
    assert file[SUBJECT] is None


def test_only_the_asked_module_is_removed_from() -> None:
    file = File()
    file.run(PhotoMetadata(people=("Ada",), tags=("Travel/Berlin",)))
    file.run(people())
    assert file[SUBJECT] == ("Berlin",)
    assert file[TAGS_LIST] == ("Travel/Berlin",)


def test_two_users_do_not_undo_each_other() -> None:
    file = File()
    file.run(people("Ada", "Both"), user="11111111")
    file.run(people("Bob", "Both"), user="22222222")
    file.run(people(), user="11111111")
    assert file[SUBJECT] == ("Both", "Bob")
    file.run(people("Bob"), user="22222222")
    assert file[SUBJECT] == ("Bob",)


def test_another_users_item_counts_as_theirs_also_when_we_never_wanted_it() -> None:
    file = File()
    file.run(people("Ada"), user="11111111")
    assert file.run(people(), user="22222222").changes == ()
    assert file[SUBJECT] == ("Ada",)


def test_a_sidecar_takes_no_iptc() -> None:
    file = File(kind=FileKind.SIDECAR)
    file.run(people("Ada"))
    assert file[KEYWORDS] is None
    assert file[SUBJECT] == ("Ada",)


def test_iptc_that_must_be_left_alone_is_named_and_the_rest_is_written() -> None:
    file = File(closed={IimAddress: "text in an unknown character set"})
    merged = file.run(PhotoMetadata(people=("Ada",), caption="Hello"))
    assert {each.tag for each in merged.skipped} == {KEYWORDS, "IPTC:Caption-Abstract"}
    assert {each.reason for each in merged.skipped} == {"text in an unknown character set"}
    assert file[SUBJECT] == ("Ada",)


def test_rows_that_are_not_created_here_are_not_reported_as_skipped() -> None:
    merged = File(closed={XmpAddress: "closed"}).look(PhotoMetadata(caption="Hello"))
    assert {each.tag for each in merged.skipped} == {
        "XMP-dc:Description",
        "XMP-immichmeta:Added",
        "XMP-immichmeta:AssetId",
    }


# -- albums and tags --------------------------------------------------------------------------------------------------


def test_an_album_is_one_branch_under_albums() -> None:
    file = File({HIERARCHY: ("Places|Berlin",)})
    file.run(PhotoMetadata(albums=("Summer|Lake", "Trip")))
    assert file[HIERARCHY] == ("Places|Berlin", "Albums|Summer/Lake", "Albums|Trip")
    file.run(PhotoMetadata(albums=()))
    assert file[HIERARCHY] == ("Places|Berlin",)


def test_a_tag_is_written_as_path_branch_and_leaf() -> None:
    file = File()
    file.run(PhotoMetadata(tags=("Travel/Berlin", "Travel/Ro|me")))
    assert file[TAGS_LIST] == ("Travel/Berlin", "Travel/Ro|me")
    assert file[HIERARCHY] == ("Travel|Berlin", "Travel|Ro/me")
    assert file[SUBJECT] == file[KEYWORDS] == ("Berlin", "Ro|me")


def test_two_tags_with_one_leaf_share_a_keyword() -> None:
    file = File()
    file.run(PhotoMetadata(tags=("2019/Berlin", "Travel/Berlin")))
    assert file[SUBJECT] == ("Berlin",)
    file.run(PhotoMetadata(tags=("Travel/Berlin",)))
    assert file[SUBJECT] == ("Berlin",)


def test_albums_and_tags_share_the_hierarchy() -> None:
    file = File()
    file.run(PhotoMetadata(albums=("Trip",), tags=("Travel/Berlin",)))
    file.run(PhotoMetadata(tags=()))
    assert file[HIERARCHY] == ("Albums|Trip",)


# -- the predecessor's joined items -----------------------------------------------------------------------------------

FAMILY = ("Ada", "Bob", "Cem, Jr.", "Dora")


@pytest.mark.parametrize("joined", ["Ada,Bob", "Ada,Bob,Cem, Jr.,Dora", "Bob,Dora", "Ada,Cem, Jr."])
def test_the_predecessors_joined_names_go(joined: str) -> None:
    file = File({SUBJECT: ("sea", joined), KEYWORDS: (joined,), PERSONS: (joined, "Eve")})
    file.run(people(*FAMILY))
    assert file[SUBJECT] == ("sea", *FAMILY)
    assert file[KEYWORDS] == FAMILY
    assert file[PERSONS] == ("Eve", *FAMILY)


@pytest.mark.parametrize("foreign", ["Ada", "Bob,Ada", "Ada, Bob", "Ada,Eve", "Ada,", ",Ada,Bob", "Ada,Ada", "Jr.,Ada"])
def test_what_is_no_join_of_sorted_names_stays(foreign: str) -> None:
    file = File({SUBJECT: (foreign,)})
    file.run(people(*FAMILY))
    found = file[SUBJECT]
    assert isinstance(found, tuple)
    assert found[0] == foreign


def test_a_name_that_looks_like_a_join_stays_while_it_is_wanted() -> None:
    file = File()
    file.run(people("Ada", "Ada,Bob", "Bob"))
    assert file[SUBJECT] == ("Ada", "Ada,Bob", "Bob")


def test_a_join_is_recognised_in_any_normal_form() -> None:
    file = File({SUBJECT: (unicodedata.normalize("NFD", "Bo,Zoë"),)})
    file.run(people("Bo", "Zoë"))
    assert file[SUBJECT] == ("Bo", "Zoë")


def test_the_predecessors_joined_keyword_goes_after_the_cut() -> None:
    names = tuple(f"Person Number {number:02}" for number in range(8))
    file = File({KEYWORDS: (cut(",".join(names), 64),)})
    file.run(people(*names))
    assert file[KEYWORDS] == names


def test_a_keyword_that_only_begins_like_the_join_stays() -> None:
    names = tuple(f"Person Number {number:02}" for number in range(8))
    begins = ",".join(names)[:61]
    file = File({KEYWORDS: (begins,)})
    file.run(people(*names))
    assert file[KEYWORDS] == (begins, *names)


def test_the_predecessors_joined_albums_go() -> None:
    file = File({HIERARCHY: ("Albums|Lake,Albums|Trip", "Albums|Other,Albums|Trip")})
    file.run(PhotoMetadata(albums=("Lake", "Trip")))
    assert file[HIERARCHY] == ("Albums|Other,Albums|Trip", "Albums|Lake", "Albums|Trip")


def test_without_two_names_nothing_is_a_join() -> None:
    file = File({SUBJECT: ("Ada,Bob",)})
    file.run(people("Ada"))
    assert file[SUBJECT] == ("Ada,Bob", "Ada")
    file.run(PhotoMetadata(people=(), tags=("Ada", "Bob")))
    assert "Ada,Bob" in (file[SUBJECT] or ())  # type: ignore[operator]


short_names = st.text("ab,é山", min_size=1, max_size=4)


@given(st.sets(short_names, max_size=5), st.data())
def test_a_join_is_exactly_what_the_predecessor_could_have_written(names: set[str], data: st.DataObject) -> None:
    limit = data.draw(st.sampled_from([0, 5, 8]))
    joins = {
        ",".join(chosen) for size in range(2, len(names) + 1) for chosen in combinations(sorted(names), size)
    }
    written = {cut(join, limit) if limit else join for join in joins} | joins
    item = data.draw(st.sampled_from(sorted(written)) | short_names if written else short_names)
    assume(item not in names and not (limit and cut(item, limit) in names))
    assert is_join_of(item, sorted(names), ",", limit) == (item in written and "," in item)


def test_many_names_with_commas_do_not_take_for_ever() -> None:
    names = [",".join("a" * size) for size in range(1, 60)]
    started = time.process_time()
    assert not is_join_of(",".join("a" * 2000) + ",b", names, ",", 64)
    assert time.process_time() - started < 2


# -- whatever the items are -------------------------------------------------------------------------------------------

items = st.sampled_from(["Ada", "Bob", "Ada,Bob", "Zoë", "Zoe\u0308", "x" * 70, "x" * 64, "a=b c", "people@local"])
item_lists = st.lists(items, max_size=5).map(tuple)
wishes = st.none() | st.lists(items, max_size=4, unique_by=lambda item: unicodedata.normalize("NFC", item)).map(tuple)


@given(
    current=st.dictionaries(st.sampled_from([*PEOPLE_TAGS, HIERARCHY, TAGS_LIST]), item_lists.filter(bool)),
    steps=st.lists(st.tuples(wishes, wishes, wishes, st.sampled_from(["local", "11111111"])), max_size=4),
)
def test_lists_settle_and_foreign_items_stay(
    current: dict[str, tuple[str, ...]],
    steps: list[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str]],
) -> None:
    file = File(current)
    for names, albums, tags, user in steps:
        file.run(PhotoMetadata(people=names, albums=albums, tags=tags), user=user)
    for user in ("local", "11111111", "local"):  # a claim is given up with a change, never alone
        file.run(PhotoMetadata(people=(), albums=(), tags=()), user=user)
    for tag in (*PEOPLE_TAGS, HIERARCHY, TAGS_LIST):
        before, after = current.get(tag, ()), file[tag] or ()
        assert isinstance(after, tuple)
        assert set(after) <= set(before)
        assert set(before) - set(after) <= {"Ada,Bob"}


def test_a_value_that_is_a_list_reads_as_one_text() -> None:
    assert view({SUBJECT: ("a", "b")}).text(SUBJECT) == "a, b"


def test_nothing_is_claimed_when_nothing_was_missing() -> None:
    values = dict.fromkeys(PEOPLE_TAGS, ("Ada",))
    merged = File(values).look(people("Ada"))
    assert changed(merged) == {}
    assert claims(merged) == set()


def test_a_claim_on_what_is_no_longer_wanted_is_released() -> None:
    file = File(added=(f"people@local {SUBJECT}=Gone",))
    assert releases(file.look(people("Ada"))) == {f"people@local {SUBJECT}=Gone"}


def test_a_row_outside_of_the_file_is_not_taken() -> None:
    seen = view(kind=FileKind.SIDECAR)
    assert not seen.takes(BY_NAME[KEYWORDS])
    assert seen.takes(BY_NAME[SUBJECT])
