"""User data: texts in several languages, 3GPP texts and places; updated where they stand, everything else kept."""

from __future__ import annotations

import struct
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers import iso6709
from immich_meta_writers.addresses import QuickTimeAddress
from immich_meta_writers.payloads import quicktime
from tests.writers.quicktime_payload.atoms import (
    atom,
    data,
    headers,
    international,
    itunes,
    large_atom,
    place_3gpp,
    text_3gpp,
)

PLACE = QuickTimeAddress("udta", "\xa9xyz")
DATE = QuickTimeAddress("udta", "\xa9day")
ORIGINAL = QuickTimeAddress("udta", "date")
CAPTION = QuickTimeAddress("udta", "dscp")
LOCATION = QuickTimeAddress("udta", "loci")
ALL = (PLACE, DATE, ORIGINAL, CAPTION, LOCATION)
UND, ENGLISH, MAC_ENGLISH, MAC_NONE = 0x55C4, 0x15C7, 0, 0x7FFF
TEXT = "+52.520000+013.405000/"

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)


def edited(user: bytes, address: QuickTimeAddress, text: Optional[str]) -> bytes:
    """User data after an edit that the file takes and that leaves everything foreign as it was."""
    block = quicktime.parse({"udta": user})
    made, skipped = quicktime.graft(block, {address: text})
    after = quicktime.parse(made)
    assert (skipped, after.closed) == ({}, {})
    assert after.foreign([address]) == block.foreign([address])
    return made["udta"]


def value(user: bytes, address: QuickTimeAddress) -> object:
    return quicktime.parse({"udta": user}).get(address)


@pytest.mark.parametrize("language", [UND, ENGLISH, MAC_ENGLISH, MAC_NONE])
@pytest.mark.parametrize("end", [b"", bytes(4), bytes(7), bytes(64)])
def test_an_international_text_keeps_its_language_and_its_surroundings(language: int, end: bytes) -> None:
    def user(text: str) -> bytes:
        return atom("\xa9mod", b"\0\1\0\0X") + atom("\xa9xyz", international((language, text))) + end

    assert value(user("+1.5+2.5/"), PLACE) == "+1.5+2.5/"
    assert edited(user("+1.5+2.5/"), PLACE, TEXT) == user(TEXT)


def test_a_place_in_several_languages_is_written_in_all_of_them() -> None:
    old = atom("\xa9xyz", international((UND, "+1+2/"), (ENGLISH, "+3+4/"), (0, "")))
    assert value(old, PLACE) == ("+1+2/", "+3+4/")
    assert edited(old, PLACE, TEXT) == atom("\xa9xyz", international((UND, TEXT), (ENGLISH, TEXT), (0, "")))


def test_several_atoms_of_a_kind_are_one_value() -> None:
    old = atom("\xa9xyz", international((UND, "+1+2/"))) + b"" + atom("\xa9xyz", international((UND, "+3+4/")))
    assert value(old, PLACE) == ("+1+2/", "+3+4/")
    assert edited(old, PLACE, TEXT) == atom("\xa9xyz", international((UND, TEXT))) * 2


def test_a_size_that_counts_itself_still_does() -> None:
    counted = struct.pack(">HH", 4 + 5, UND) + b"+1+2/"
    assert value(atom("\xa9xyz", counted), PLACE) == "+1+2/"
    assert edited(atom("\xa9xyz", counted), PLACE, TEXT) == atom(
        "\xa9xyz", struct.pack(">HH", 4 + len(TEXT), UND) + TEXT.encode()
    )


@pytest.mark.parametrize(
    ("language", "stored", "text"),
    [
        (MAC_ENGLISH, b"caf\x8e", "café"),
        (MAC_ENGLISH, "café".encode(), "café"),
        (UND, "café".encode(), "café"),
        (UND, b"\xfe\xff" + "café".encode("utf-16-be"), "café"),
        (UND, b"caf\xe9", "café"),
        (UND, b"cafe\0", "cafe"),
    ],
)
def test_texts_are_read_in_the_character_set_of_their_language(language: int, stored: bytes, text: str) -> None:
    assert value(atom("\xa9day", international((language, stored))), DATE) == text


def test_a_macintosh_language_cannot_say_more_than_ascii() -> None:
    made = edited(atom("\xa9day", international((MAC_ENGLISH, "x"))), DATE, "é")
    assert made == atom("\xa9day", international((UND, "é")))


@given(text=texts)
@pytest.mark.parametrize("address", [PLACE, DATE, ORIGINAL, CAPTION])
def test_every_text_reads_back(address: QuickTimeAddress, text: str) -> None:
    if address.name.startswith("\xa9"):
        old = atom(address.name, international((UND, "old")))
    else:
        old = atom(address.name, text_3gpp("old"))
    made = edited(atom("free", bytes(3)) + old + bytes(4), address, text)
    assert value(made, address) == text
    assert made.startswith(atom("free", bytes(3)))
    assert made.endswith(bytes(4))
    assert edited(made, address, None) == atom("free", bytes(3)) + bytes(4)


def test_a_text_that_is_too_long_for_16_bits_is_not_written() -> None:
    old = atom("\xa9day", international((UND, "old")))
    block = quicktime.parse({"udta": old})
    assert quicktime.graft(block, {DATE: "x" * 0x10000}) == ({"udta": old}, {DATE: quicktime.DAMAGED_ATOM})
    assert value(edited(old, DATE, "x" * 0xFFFF), DATE) == "x" * 0xFFFF


def test_other_languages_of_a_3gpp_caption_are_translations_and_stay() -> None:
    german = atom("dscp", text_3gpp("deutsch", 0x10B5))
    old = atom("dscp", text_3gpp("english")) + german + atom("titl", text_3gpp("title"))
    assert value(old, CAPTION) == "english"
    assert edited(old, CAPTION, "neu") == old.replace(
        atom("dscp", text_3gpp("english")), atom("dscp", text_3gpp("neu"))
    )
    # Taken out, it leaves an empty text: the translation is not to become the caption.
    emptied = edited(old, CAPTION, None)
    assert emptied == atom("dscp", text_3gpp("")) + german + atom("titl", text_3gpp("title"))
    assert value(emptied, CAPTION) == ""


def test_a_3gpp_text_in_utf16_is_read_and_becomes_utf8() -> None:
    stored = text_3gpp("")[:6] + b"\xfe\xff" + "Grüße 😀".encode("utf-16-be") + b"\0\0"
    assert value(atom("dscp", stored), CAPTION) == "Grüße 😀"
    assert edited(atom("dscp", stored), CAPTION, "neu") == atom("dscp", text_3gpp("neu"))


@pytest.mark.parametrize("end", [b"", b"\0"])
def test_a_plain_date_stays_plain(end: bytes) -> None:
    old = atom("date", b"2013-10-23T15:06:00+0200" + end)
    assert value(old, ORIGINAL) == "2013-10-23T15:06:00+0200"
    assert edited(old, ORIGINAL, "2014-01-01T00:00:00") == atom("date", b"2014-01-01T00:00:00" + end)


@given(
    latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), altitude=st.floats(-32000, 32000), known=st.booleans()
)
@pytest.mark.parametrize("name", [b"home\0", b"\0", b"\xfe\xff\0h\0\0", b"\xfe\xff\1\0\0\0"])
def test_a_3gpp_place_moves_and_keeps_its_names(
    name: bytes, latitude: float, longitude: float, altitude: float, known: bool
) -> None:
    old = atom("loci", place_3gpp(13.25, 52.5, 34.5, name))
    assert value(old, LOCATION) == "+52.500000+013.250000+34.500/"
    made = edited(old, LOCATION, iso6709.spell(latitude, longitude, f"{altitude:+.3f}" if known else ""))
    found = iso6709.parse(str(value(made, LOCATION)))
    assert found is not None
    assert found.altitude is not None
    assert found.latitude.degrees == pytest.approx(latitude, abs=1e-5)
    assert found.longitude.degrees == pytest.approx(longitude, abs=1e-5)
    assert found.altitude == pytest.approx(altitude if known else 34.5, abs=0.002)
    assert (len(made), made.endswith(b"earth\0note\0"), name in made) == (len(old), True, True)


def test_a_height_that_a_3gpp_place_cannot_hold_leaves_it_alone() -> None:
    old = atom("loci", place_3gpp(13.25, 52.5, 34.5))
    block = quicktime.parse({"udta": old})
    assert quicktime.graft(block, {LOCATION: "+01.0+002.0+40000/"}).skipped == {LOCATION: quicktime.DAMAGED_ATOM}


@pytest.mark.parametrize("address", ALL)
def test_user_data_is_not_made(address: QuickTimeAddress) -> None:
    for atoms in ({}, {"udta": b""}, {"udta": atom("\xa9nam", international((UND, "x"))) + bytes(4)}):
        block = quicktime.parse(atoms)
        assert block.get(address) is None
        assert quicktime.graft(block, {address: TEXT}) == (atoms, {address: quicktime.NOT_MADE})


@pytest.mark.parametrize(
    ("address", "content"),
    [
        (PLACE, b""),
        (PLACE, b"\0\5\x55"),
        (PLACE, struct.pack(">HH", 99, UND) + b"+1+2/"),
        (CAPTION, b"\1\0\0\0\x15\xc7x\0"),
        (CAPTION, bytes(5)),
        (LOCATION, place_3gpp(1, 2, 3)[:20]),
        (LOCATION, bytes(4) + b"\x15\xc7no end"),
        (LOCATION, bytes(4) + b"\x15\xc7\xfe\xff\0n\0o"),
    ],
)
def test_an_atom_in_no_known_form_is_left_alone_by_name(address: QuickTimeAddress, content: bytes) -> None:
    atoms = {"udta": atom(address.name, content)}
    block = quicktime.parse(atoms)
    assert block.get(address) is None
    assert quicktime.graft(block, {address: TEXT}) == (atoms, {address: quicktime.DAMAGED_ATOM})


_kinds = st.sampled_from(["\xa9nam", "free", "titl", "Xtra", "meta", "\xa9day"])
_foreign = st.lists(
    st.one_of(
        st.builds(atom, _kinds, st.binary(max_size=20)),
        st.builds(large_atom, st.just(b"wide"), st.binary(max_size=9)),
    ),
    max_size=5,
)


@given(before=_foreign, after=_foreign, text=texts, end=st.sampled_from([b"", bytes(4), bytes(9), b"\0\0\0\0tail\xff"]))
@pytest.mark.parametrize("address", [PLACE, CAPTION])
def test_any_user_data_keeps_what_is_foreign(
    address: QuickTimeAddress, before: list[bytes], after: list[bytes], text: str, end: bytes
) -> None:
    def user(value: str) -> bytes:
        content = international((UND, value)) if address is PLACE else text_3gpp(value)
        return b"".join((*before, atom(address.name, content), *after, end))

    block = quicktime.parse({"udta": user("old")})
    made, skipped = quicktime.graft(block, {address: text})
    assert (made["udta"], skipped) == (user(text), {})
    assert quicktime.parse(made).foreign([address]) == block.foreign([address])
    if text != "old":
        assert quicktime.parse(made).foreign(()) != block.foreign(())


def test_user_data_cut_at_any_byte_closes_user_data_and_items_only() -> None:
    whole = (
        atom("\xa9xyz", international((UND, "+1+2/")))
        + atom("loci", place_3gpp(1, 2, 3))
        + atom("meta", itunes([("desc", data("x"))]))
    )
    item = QuickTimeAddress("ilst", "desc")
    for length in range(len(whole)):
        atoms = headers(1) | {"udta": whole[:length]}
        block = quicktime.parse(atoms)
        edits: dict[QuickTimeAddress, Optional[str]] = {
            QuickTimeAddress("mvhd", "creation"): "2021:06:15 10:34:56",
            QuickTimeAddress("keys", "com.apple.quicktime.description"): "new",
            PLACE: TEXT,
            LOCATION: TEXT,
            item: "new",
        }
        made, skipped = quicktime.graft(block, edits)
        assert set(skipped) <= {PLACE, LOCATION, item}
        assert quicktime.parse(made).get(QuickTimeAddress("mvhd", "creation")) == ("2021:06:15 10:34:56",)
        if "udta" in block.closed:
            assert made["udta"] is atoms["udta"]
            assert skipped[PLACE].startswith("moov/udta: ")


def test_a_broken_meta_closes_the_items_and_not_the_user_data() -> None:
    user = atom("meta", bytes(4) + struct.pack(">I", 99) + b"hdlr") + atom("\xa9xyz", international((UND, "+1+2/")))
    block = quicktime.parse({"udta": user})
    assert set(block.closed) == {"ilst"}
    made, skipped = quicktime.graft(block, {PLACE: TEXT, QuickTimeAddress("ilst", "desc"): "x"})
    assert value(made["udta"], PLACE) == TEXT
    assert list(skipped.values()) == [block.closed["ilst"]]


@given(content=st.binary(max_size=120), text=texts)
def test_any_bytes_are_read_without_a_foreign_error(content: bytes, text: str) -> None:
    for path in ("meta", "udta"):
        block = quicktime.parse({path: content})
        edits: dict[QuickTimeAddress, Optional[str]] = dict.fromkeys(ALL, text)
        edits[QuickTimeAddress("keys", "com.apple.quicktime.description")] = text
        made, _ = quicktime.graft(block, edits)
        assert quicktime.parse(made).foreign(edits) == block.foreign(edits)
