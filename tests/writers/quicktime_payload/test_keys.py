"""Named keys and iTunes' items: what is asked changes in all of its homes, everything else keeps bytes and order."""

from __future__ import annotations

import io
import struct
import time
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.mp4 import MP4

from immich_meta_writers.addresses import QuickTimeAddress
from immich_meta_writers.payloads import quicktime
from tests.writers.quicktime_payload.atoms import (
    CREATION,
    DESCRIPTION,
    LOCATION,
    UTF16,
    atom,
    data,
    handler,
    headers,
    itunes,
    keyed,
    keys,
    large_atom,
    movie,
)

CAPTION = QuickTimeAddress("keys", DESCRIPTION)
DATE = QuickTimeAddress("keys", CREATION)
PLACE = QuickTimeAddress("keys", LOCATION)
ITEM_CAPTION = QuickTimeAddress("ilst", "desc")
ITEM_DATE = QuickTimeAddress("ilst", "\xa9day")
ITEM_PLACE = QuickTimeAddress("ilst", "\xa9xyz")
KEYS, ITEMS = (CAPTION, DATE, PLACE), (ITEM_CAPTION, ITEM_DATE, ITEM_PLACE)
GERMAN, FRENCH = 0x10B5, 0x46521A41  # "deu"; "fra" of the country FR
MAKE = "com.apple.quicktime.make"

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)


def edited(atoms: dict[str, bytes], address: QuickTimeAddress, text: Optional[str]) -> quicktime.QuickTimeBlock:
    """The block after an edit that the file takes and that leaves everything foreign as it was."""
    block = quicktime.parse(atoms)
    made, skipped = quicktime.graft(block, {address: text})
    after = quicktime.parse(made)
    assert (skipped, after.closed) == ({}, {})
    assert after.foreign([address]) == block.foreign([address])
    assert after.get(address) == text
    return after


@given(text=texts)
@pytest.mark.parametrize("address", KEYS)
def test_a_first_key_is_made_in_quicktimes_form_and_goes_without_a_trace(address: QuickTimeAddress, text: str) -> None:
    after = edited(headers(1), address, text)
    assert after.atoms["meta"].startswith(handler())
    assert edited(dict(after.atoms), address, None).atoms == headers(1)


@pytest.mark.parametrize("iso", [False, True])
def test_a_key_is_added_behind_the_others_in_the_form_of_the_file(iso: bool) -> None:
    old = {"meta": keyed([(MAKE, data("Apple"))], iso=iso)}
    new = edited(old, CAPTION, "Grüße 😀").atoms["meta"]
    assert new == keyed([(MAKE, data("Apple")), (DESCRIPTION, data("Grüße 😀"))], iso=iso)
    assert edited({"meta": new}, CAPTION, None).atoms == old


@pytest.mark.parametrize("where", ["meta", "udta"])
@pytest.mark.parametrize("name", [DESCRIPTION, "com.description", "description"])
def test_a_key_is_known_with_and_without_apples_domain_in_both_places(name: str, where: str) -> None:
    content = keyed([(MAKE, data("Apple")), (name, data("old"))], iso=True)
    old = {where: content if where == "meta" else atom("meta", content) + bytes(4)}
    assert quicktime.parse(old).get(CAPTION) == "old"
    assert edited(old, CAPTION, "new").atoms[where] == old[where].replace(b"old", b"new")


def test_values_that_disagree_are_all_told_and_all_replaced() -> None:
    old = {
        "meta": keyed([(DESCRIPTION, data("one")), ("description", data("two"))]),
        "udta": atom("meta", keyed([(DESCRIPTION, data("three"))], iso=True)),
    }
    assert quicktime.parse(old).get(CAPTION) == ("one", "two", "three")
    after = edited(old, CAPTION, "same!")
    assert b"".join(after.atoms.values()).count(b"same!") == 3


def test_other_languages_of_a_caption_are_translations_and_stay() -> None:
    parts = data("deutsch", locale=GERMAN) + atom("name", b"n") + data("english", kind=UTF16) + data("again")
    old = {"meta": keyed([(DESCRIPTION, parts)])}
    assert quicktime.parse(old).get(CAPTION) == ("english", "again")
    after = edited(old, CAPTION, "neu")
    new = data("deutsch", locale=GERMAN) + atom("name", b"n") + data("neu") + data("neu")
    assert after.atoms["meta"] == keyed([(DESCRIPTION, new)])
    # Taken out, it leaves an empty text: the translation is not to become the caption.
    left = quicktime.parse(quicktime.graft(after, {CAPTION: None}).atoms)
    emptied = data("deutsch", locale=GERMAN) + atom("name", b"n") + data("") + data("")
    assert left.atoms["meta"] == keyed([(DESCRIPTION, emptied)])
    assert (left.get(CAPTION), left.foreign([CAPTION])) == ("", after.foreign([CAPTION]))


@pytest.mark.parametrize("address", [DATE, PLACE])
def test_a_date_or_a_place_is_the_same_in_every_language(address: QuickTimeAddress) -> None:
    old = {"meta": keyed([(address.name, data("a", locale=GERMAN) + data("b") + data("a"))])}
    assert quicktime.parse(old).get(address) == ("a", "b")
    after = edited(old, address, "c")
    assert after.atoms["meta"] == keyed([(address.name, data("c", locale=GERMAN) + data("c") + data("c"))])


def test_an_only_text_is_the_value_whatever_its_language() -> None:
    old = {"meta": keyed([(DESCRIPTION, data("deutsch", locale=GERMAN))])}
    assert edited(old, CAPTION, "neu").atoms["meta"] == keyed([(DESCRIPTION, data("neu", locale=GERMAN))])


@pytest.mark.parametrize(
    ("kind", "stored", "text"),
    [
        (1, "Ä".encode(), "Ä"),
        (1, b"Ada\0", "Ada"),
        (1, b"\xff", "\ufffd"),
        (2, "Ä😀".encode("utf-16-be"), "Ä😀"),
        (2, "\ufeffÄ".encode("utf-16-be"), "Ä"),
        (3, "日本".encode("shift_jis"), "日本"),
        (4, "Ä".encode(), "Ä"),
        (5, "Ä".encode("utf-16-be"), "Ä"),
        (0, "Ä".encode(), "Ä"),
        (0, b"\xff\xfe\xfd", None),
        (13, b"\xff\xd8", None),
        (21, b"\1", None),
    ],
)
def test_texts_of_every_type_are_read_and_become_utf8(kind: int, stored: bytes, text: Optional[str]) -> None:
    old = {"meta": keyed([(DESCRIPTION, data(stored, kind))])}
    assert quicktime.parse(old).get(CAPTION) == text
    other = b"" if text is not None else data(stored, kind)
    assert edited(old, CAPTION, "neu").atoms["meta"] == keyed([(DESCRIPTION, other + data("neu"))])


def test_a_key_without_an_item_gets_one() -> None:
    old = {"meta": handler() + keys([MAKE, DESCRIPTION]) + atom("ilst", atom(1, data("Apple")))}
    after = edited(old, CAPTION, "new")
    assert after.atoms["meta"] == handler() + keys([MAKE, DESCRIPTION]) + atom(
        "ilst", atom(1, data("Apple")) + atom(2, data("new"))
    )


def test_a_key_in_the_middle_keeps_its_number_when_its_item_goes() -> None:
    old = {"meta": keyed([(DESCRIPTION, data("ours")), (MAKE, data("Apple"))])}
    after = edited(old, CAPTION, None)
    assert after.atoms["meta"] == handler() + keys([DESCRIPTION, MAKE]) + atom("ilst", atom(2, data("Apple")))
    assert edited(dict(after.atoms), CAPTION, "x").get(QuickTimeAddress("keys", MAKE)) == "Apple"


def test_a_handler_alone_takes_keys() -> None:
    after = edited({"meta": handler(name=b"abc\0") + atom("free", bytes(9))}, CAPTION, "new")
    made = keys([DESCRIPTION]) + atom("ilst", atom(1, data("new")))
    assert after.atoms["meta"] == handler(name=b"abc\0") + made + atom("free", bytes(9))


@pytest.mark.parametrize(
    "content",
    [
        bytes(4) + handler(b"mdir") + atom("ilst", atom("\xa9nam", data("x"))),
        bytes(4) + handler(b"pict") + atom("iloc", bytes(8)),
        handler() + atom("ilst", atom(7, data("an item of no key"))),
    ],
)
def test_a_meta_that_is_for_something_else_takes_no_keys(content: bytes) -> None:
    block = quicktime.parse({"meta": content})
    atoms, skipped = quicktime.graft(block, {CAPTION: "x"})
    assert (atoms, skipped, block.closed) == ({"meta": content}, {CAPTION: quicktime.NO_KEYS}, {})


def test_keys_go_where_keys_are_when_moov_meta_is_for_something_else() -> None:
    user = atom("meta", keyed([(MAKE, data("Apple"))], iso=True))
    after = edited({"meta": handler(b"pict"), "udta": user + bytes(4)}, CAPTION, "x")
    assert after.atoms["meta"] == handler(b"pict")
    assert after.atoms["udta"] == atom(
        "meta", keyed([(MAKE, data("Apple")), (DESCRIPTION, data("x"))], iso=True)
    ) + bytes(4)


@given(text=texts)
@pytest.mark.parametrize("address", ITEMS)
def test_an_itunes_item_is_updated_where_it_stands(address: QuickTimeAddress, text: str) -> None:
    def content(value: str) -> bytes:
        items = [("\xa9nam", data("title")), (address.name, data(value)), ("----", atom("mean", bytes(9)))]
        return atom("cprt", b"before") + atom("meta", itunes(items)) + atom("free", bytes(5)) + bytes(4)

    assert edited({"udta": content("old")}, address, text).atoms == {"udta": content(text)}


@pytest.mark.parametrize("address", ITEMS)
def test_an_itunes_item_is_not_made(address: QuickTimeAddress) -> None:
    for atoms in ({}, {"udta": atom("meta", itunes([("\xa9nam", data("title"))]))}):
        block = quicktime.parse(atoms)
        assert block.get(address) is None
        assert quicktime.graft(block, {address: "x"}) == (atoms, {address: quicktime.NOT_MADE})


@pytest.mark.parametrize("name", ["desc", "\xa9des", "dscp"])
def test_every_atom_that_reads_as_a_description_is_one(name: str) -> None:
    old = {"udta": atom("meta", itunes([(name, data("old"))]))}
    assert quicktime.parse(old).get(ITEM_CAPTION) == "old"
    after = edited(old, ITEM_CAPTION, "new")
    assert after.atoms["udta"] == atom("meta", itunes([(name, data("new"))]))


def test_mutagen_reads_the_item_that_was_written() -> None:
    udta = atom("meta", itunes([("desc", data("old")), ("\xa9day", data("1999"))]))
    after = edited(headers(1) | {"udta": udta}, ITEM_CAPTION, "Grüße 😀")
    tags = MP4(io.BytesIO(movie(after.atoms))).tags
    assert tags is not None
    assert (tags["desc"], tags["\xa9day"]) == (["Grüße 😀"], ["1999"])


def test_several_edits_at_once_are_all_made() -> None:
    old = headers(1) | {"udta": atom("meta", itunes([("desc", data("old"))]))}
    edits: dict[QuickTimeAddress, Optional[str]] = dict.fromkeys((*KEYS, ITEM_CAPTION), "x")
    edits[QuickTimeAddress("mvhd", "creation")] = "2021:06:15 10:34:56"
    block = quicktime.parse(old)
    made, skipped = quicktime.graft(block, edits)
    after = quicktime.parse(made)
    assert not skipped
    assert [after.get(address) for address in edits] == ["x", "x", "x", "x", ("2021:06:15 10:34:56",)]
    assert after.foreign(edits) == block.foreign(edits)
    assert quicktime.graft(after, edits).atoms == made


def test_foreign_values_are_missed_when_they_are_lost() -> None:
    full = {"meta": keyed([(MAKE, data("Apple")), (DESCRIPTION, data("x"))])}
    less = {"meta": keyed([(DESCRIPTION, data("x"))])}
    assert quicktime.parse(full).foreign([CAPTION]) != quicktime.parse(less).foreign([CAPTION])
    translated = {"meta": keyed([(DESCRIPTION, data("x") + data("y", locale=GERMAN))])}
    assert quicktime.parse(translated).foreign([CAPTION]) != quicktime.parse(less).foreign([CAPTION])


_names = st.sampled_from([MAKE, "com.apple.quicktime.model", "com.android.version", "x", DESCRIPTION, "description"])
_kinds, _locales = st.sampled_from([0, 1, 2, 13, 21]), st.sampled_from([0, GERMAN, FRENCH])
_data = st.builds(data, st.binary(max_size=12), _kinds, _locales)
_item = st.lists(st.one_of(_data, st.builds(atom, st.just("name"), st.binary(max_size=5))), max_size=3).map(b"".join)
_extra = st.lists(
    st.one_of(
        st.builds(atom, st.sampled_from(["free", "ctry", "lang"]), st.binary(max_size=9)),
        st.builds(large_atom, st.just(b"wide"), st.binary(max_size=9)),
    ),
    max_size=3,
).map(b"".join)


@given(values=st.lists(st.tuples(_names, _item), max_size=6), iso=st.booleans(), extra=_extra, text=texts)
def test_any_block_of_keys_keeps_what_is_foreign(
    values: list[tuple[str, bytes]], iso: bool, extra: bytes, text: str
) -> None:
    old = {"meta": keyed(values, iso=iso, extra=extra)}
    block = quicktime.parse(old)
    after = edited(old, CAPTION, text)
    for name, content in values:
        if name not in (DESCRIPTION, "description"):
            assert content in after.atoms["meta"]
    assert extra in after.atoms["meta"]
    again = quicktime.graft(after, {CAPTION: text}).atoms
    assert again == after.atoms
    gone = quicktime.parse(quicktime.graft(after, {CAPTION: None}).atoms)
    assert not gone.get(CAPTION)
    assert gone.foreign([CAPTION]) == block.foreign([CAPTION])


_LYING = st.sampled_from([0, 1, 2, 7, 9, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])


@given(at=st.integers(0, 200), size=_LYING)
def test_lying_sizes_close_the_keys_or_change_nothing_foreign(at: int, size: int) -> None:
    content = bytearray(keyed([(MAKE, data("Apple")), (DESCRIPTION, data("x"))]))
    at = min(at, len(content) - 4)
    content[at : at + 4] = struct.pack(">I", size)
    atoms = headers(1) | {"meta": bytes(content)}
    block = quicktime.parse(atoms)
    date = QuickTimeAddress("mvhd", "creation")
    made, skipped = quicktime.graft(block, {CAPTION: "new", date: "2021:06:15 10:34:56"})
    after = quicktime.parse(made)
    assert after.get(date) == ("2021:06:15 10:34:56",)
    assert after.foreign([CAPTION, date]) == block.foreign([CAPTION, date])
    if CAPTION in skipped:
        assert made["meta"] is atoms["meta"]
    else:
        assert after.get(CAPTION) == "new"


@pytest.mark.parametrize("iso", [False, True])
def test_a_meta_cut_at_any_byte_closes_the_keys_only(iso: bool) -> None:
    whole = keyed([(MAKE, data("Apple")), (DESCRIPTION, data("x"))], iso=iso)
    closed = 0
    for length in range(len(whole)):
        atoms = headers(1) | {"meta": whole[:length]}
        block = quicktime.parse(atoms)
        assert block.get(QuickTimeAddress("mvhd", "creation")) == ("1904:01:01 00:00:01",)
        made, skipped = quicktime.graft(block, {CAPTION: "new"})
        if block.closed:
            closed += 1
            assert block.closed["keys"].startswith("moov/meta: ")
            assert (made, skipped) == (atoms, {CAPTION: block.closed["keys"]})
        elif not skipped:
            assert quicktime.parse(made).get(CAPTION) == "new"
    assert closed > len(whole) // 2


def test_translations_in_items_of_their_own_stay() -> None:
    """As ExifTool writes them: a key and an item for each language."""

    def content(default: str) -> bytes:
        german, french = data("hallo", locale=GERMAN), data("salut", locale=FRENCH)
        return keyed([(DESCRIPTION, german), (DESCRIPTION, data(default)), (DESCRIPTION, french)])

    def user(default: str) -> bytes:
        items = [("\xa9des", data("hallo", locale=GERMAN)), ("desc", data(default))]
        return atom("meta", itunes(items))

    old = {"meta": content("hello"), "udta": user("hi")}
    assert quicktime.parse(old).get(CAPTION) == "hello"
    assert edited(old, CAPTION, "new").atoms["meta"] == content("new")
    assert edited(old, ITEM_CAPTION, "new").atoms["udta"] == user("new")
    emptied = quicktime.graft(quicktime.parse(old), {CAPTION: None}).atoms["meta"]
    assert emptied == content("")


def test_a_text_without_a_language_is_no_translation_of_another_one() -> None:
    undefined = 0x555355C4  # "und" in the country US, as an iPhone writes
    old = {"meta": keyed([(DESCRIPTION, data("a")), (DESCRIPTION, data("b", locale=undefined))])}
    new = keyed([(DESCRIPTION, data("c")), (DESCRIPTION, data("c", locale=undefined))])
    assert edited(old, CAPTION, "c").atoms["meta"] == new


def test_tens_of_thousands_of_copies_take_no_long() -> None:
    count = 30_000
    old = {"meta": keyed([(DESCRIPTION, data("x"))] * count)}
    started = time.process_time()
    quicktime.parse(old)
    parsed = time.process_time()
    after = edited(old, CAPTION, "new")
    done = time.process_time()
    assert after.atoms["meta"].count(b"new") == count
    # About 0.3 s, and five times that where coverage is measured.
    assert parsed - started < 20
    # About 4 times as long as to parse, on any machine; to go through all for each would be 100 times.
    assert done - parsed < 50 * (parsed - started)
