"""IPTC datasets: read in any character set, replaced one by one, nothing else touched."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.addresses import IimAddress, IimValue
from immich_meta_writers.errors import IptcError
from immich_meta_writers.payloads import iim, photoshop
from immich_meta_writers.payloads.iptc import graft, graft_iim, parse, parse_iim
from immich_meta_writers.text import cut
from tests.writers.iptc.records import (
    CAPTION,
    DATE,
    KEYWORDS,
    MARK,
    TIME,
    UTF8,
    VERSION,
    dataset,
    digest,
    extended,
    resource,
)
from tests.writers.iptc.records import iptc as iptc_resource

NAMES = ("Zoë O'Brien, Jr.", "山田太郎", "Łukasz", '"Ada" 👩‍🚀')


def test_nothing_holds_nothing() -> None:
    for block in (parse(None), parse(b""), parse_iim(None), parse(resource(0x0425, bytes(16)))):
        assert block.get(KEYWORDS) is None
        assert block.get(CAPTION) is None
        assert block.charsets == ()


def test_values_are_read() -> None:
    block = parse(iptc_resource(MARK, VERSION, dataset(2, 25, b"a"), dataset(2, 25, b"b"), dataset(2, 120, b"c\0\0")))
    assert block.get(KEYWORDS) == ("a", "b")
    assert block.get(CAPTION) == "c"
    assert block.get(DATE) is None
    assert block.charsets == ("utf-8",)


def test_a_first_value_makes_a_marked_record() -> None:
    made = graft(parse(None), {KEYWORDS: ("Zoë",), DATE: "20240115", TIME: "103045+0100"})
    rows = (
        MARK,
        VERSION,
        dataset(2, 25, "Zoë".encode()),
        dataset(2, 55, b"20240115"),
        dataset(2, 60, b"103045+0100"),
    )
    assert made == iptc_resource(*rows)


def test_names_with_commas_quotes_and_any_script_stay_one_keyword_each() -> None:
    made = graft(parse(None), {KEYWORDS: NAMES})
    assert parse(made).get(KEYWORDS) == NAMES


def test_edits_without_a_difference_change_nothing() -> None:
    blob = iptc_resource(dataset(2, 25, b"Zo\xeb"), dataset(2, 120, b"text"))
    block = parse(blob)
    assert graft(block, {KEYWORDS: ("Zoë",), CAPTION: "text", DATE: None, TIME: ""}) == blob
    assert graft(parse(None), {KEYWORDS: None, CAPTION: ""}) == b""


def test_only_the_keywords_that_changed_are_touched() -> None:
    long_one = b"x" * 90
    rows = [dataset(2, 25, part) for part in (b"b", b"gone", long_one, b"a")]
    block = parse(iptc_resource(MARK, VERSION, *rows, dataset(2, 80, b"me")))
    made = graft(block, {KEYWORDS: ("b", long_one.decode(), "a", "new")})
    kept = [rows[0], rows[2], rows[3], dataset(2, 25, b"new")]
    assert made == iptc_resource(MARK, VERSION, *kept, dataset(2, 80, b"me"))


def test_values_are_cut_at_a_character() -> None:
    made = parse(graft(parse(None), {KEYWORDS: ("é" * 40,), CAPTION: "x" * 1999 + "é"}))
    assert made.get(KEYWORDS) == ("é" * 32,)
    assert made.get(CAPTION) == "x" * 1999
    assert graft(made, {KEYWORDS: ("é" * 40,)}) == photoshop.joined(made.resources, b"")


def test_two_names_that_are_equal_after_the_cut_settle() -> None:
    wanted = ("x" * 64 + "1", "x" * 64 + "2")
    made = graft(parse(None), {KEYWORDS: wanted})
    assert graft(parse(made), {KEYWORDS: wanted}) == made


def test_new_datasets_find_their_place_and_others_are_not_sorted() -> None:
    rows = [dataset(2, 120, b"caption"), dataset(2, 5, b"title"), dataset(2, 90, b"city")]
    made = graft(parse(iptc_resource(VERSION, *rows)), {KEYWORDS: ("a",), DATE: "20240115"})
    new = [dataset(2, 25, b"a"), dataset(2, 55, b"20240115")]
    assert made == iptc_resource(MARK, VERSION, *new, *rows)


def test_a_new_keyword_follows_the_last_one() -> None:
    rows = [dataset(2, 120, b"caption"), dataset(2, 25, b"a"), dataset(2, 5, b"title")]
    made = graft(parse(iptc_resource(MARK, *rows)), {KEYWORDS: ("a", "b")})
    assert made == iptc_resource(MARK, *rows[:2], dataset(2, 25, b"b"), rows[2])


def test_a_single_value_is_replaced_in_place_and_its_copies_go() -> None:
    rows = [
        dataset(2, 120, b"one"),
        dataset(2, 5, b"title"),
        dataset(2, 120, b"two"),
        dataset(2, 90, b"city"),
    ]
    block = parse(iptc_resource(MARK, *rows))
    assert block.get(CAPTION) == "two"
    assert graft(block, {CAPTION: "two"}) == iptc_resource(MARK, *rows)
    assert graft(block, {CAPTION: "new"}) == iptc_resource(MARK, rows[1], dataset(2, 120, b"new"), rows[3])
    assert graft(block, {CAPTION: None}) == iptc_resource(MARK, rows[1], rows[3])


def test_extended_datasets_are_read_and_stay() -> None:
    preview = extended(2, 202, bytes(range(256)) * 200, 3)
    text = extended(2, 120, b"caption", 1)
    made = graft(parse(iptc_resource(MARK, text, preview)), {KEYWORDS: ("a",)})
    assert parse(made).get(CAPTION) == "caption"
    assert made == iptc_resource(MARK, dataset(2, 25, b"a"), text, preview)


def test_a_text_that_needs_an_extended_dataset_gets_one() -> None:
    text = "ä" * 20000
    assert iim.split(iim.encoded(2, 120, text)).datasets[0].data == text.encode()
    latin = dataset(2, 40, text.encode("latin-1"))
    assert parse(graft(parse(iptc_resource(latin)), {KEYWORDS: ("a",)})).records[0].datasets[-1].data == text.encode()


def test_a_dataset_that_the_library_does_not_know_is_packed_here() -> None:
    assert iim.encoded(3, 10, "x") == dataset(3, 10, b"x")
    assert iim.encoded(2, 254, "ü") == dataset(2, 254, "ü".encode())


# --- character sets


def test_unmarked_latin_text_becomes_utf8_with_a_mark() -> None:
    block = parse(iptc_resource(VERSION, dataset(2, 80, b"Bj\xf6rn \x93x\x94 \x81"), dataset(2, 25, b"K\xe5l")))
    assert block.get(KEYWORDS) == ("Kål",)
    made = graft(block, {KEYWORDS: ("Kål", "b")})
    texts = [dataset(2, 25, "Kål".encode()), dataset(2, 25, b"b"), dataset(2, 80, "Björn “x” \x81".encode())]
    # In the file the by-line stands in front.
    assert made == iptc_resource(MARK, VERSION, texts[2], texts[0], texts[1])
    assert parse(made).foreign([KEYWORDS]) == block.foreign([KEYWORDS])


def test_unmarked_utf8_stays_and_gets_the_mark() -> None:
    row = dataset(2, 80, "Kålltorp".encode())
    assert graft(parse(iptc_resource(row)), {CAPTION: "a"}) == iptc_resource(MARK, row, dataset(2, 120, b"a"))


@pytest.mark.parametrize(
    ("mark", "text", "codec"),
    [
        (b"\x1b-A", "Zoë", "latin-1"),
        (b"\x1b.A", "Zoë", "latin-1"),
        (b"\x1b-B", "Łukasz", "iso8859_2"),
        (b"\x1b(B\x1b-L", "Юрий", "iso8859_5"),
        (b"\x1b-F\0", "Ελένη", "iso8859_7"),
        (b"\x1b%/I", "山田", "utf-8"),
    ],
)
def test_another_character_set_is_transcoded(mark: bytes, text: str, codec: str) -> None:
    block = parse(iptc_resource(dataset(1, 90, mark), dataset(2, 80, text.encode(codec))))
    made = graft(block, {KEYWORDS: ("a",)})
    assert made == iptc_resource(MARK, dataset(2, 25, b"a"), dataset(2, 80, text.encode()))
    assert parse(made).foreign([KEYWORDS]) == block.foreign([KEYWORDS])


@pytest.mark.parametrize(
    ("mark", "data"),
    [
        (UTF8, b"K\xe5l"),
        (b"\x1b$B", b"\xb0\xb0"),
        (b"UTF-8", b"K\xc3\xa5l"),
        (b"\x1b-G", b"\xff"),
        (b"\x1b%5", b"\xe5"),
    ],
)
def test_text_that_cannot_be_decoded_is_named_and_never_grafted(mark: bytes, data: bytes) -> None:
    block = parse(iptc_resource(dataset(1, 90, mark), dataset(2, 25, data)))
    assert block.undecodable is not None
    assert "2:25" in block.undecodable
    assert block.get(KEYWORDS) is not None
    with pytest.raises(IptcError, match="2:25"):
        graft(block, {CAPTION: "a"})


def test_a_mark_that_is_not_understood_does_no_harm_to_ascii() -> None:
    block = parse(iptc_resource(dataset(1, 90, b"\x1b%5"), dataset(2, 80, b"plain")))
    assert block.undecodable is None
    assert graft(block, {KEYWORDS: ("ü",)}) == iptc_resource(
        MARK, dataset(2, 25, "ü".encode()), dataset(2, 80, b"plain")
    )


def test_binary_private_and_other_records_keep_their_bytes() -> None:
    rows = [
        dataset(1, 5, b"\xe5"),
        dataset(2, 55, b"\xe5"),
        dataset(2, 125, b"\xe5"),
        dataset(2, 200, b"\xe5"),
        dataset(2, 209, b"K\xe5l"),
        dataset(2, 210, b"K\xe5l"),
        dataset(2, 230, b"\x00\x01\xe5"),
        dataset(3, 10, b"\xe5"),
        dataset(240, 1, b"\xe5"),
    ]
    made = graft(parse(iptc_resource(*rows)), {CAPTION: "a"})
    assert made == iptc_resource(rows[0], MARK, rows[1], dataset(2, 120, b"a"), *rows[2:])


def test_text_of_programs_that_readers_decode_follows_the_mark() -> None:
    made = graft(parse(iptc_resource(dataset(2, 230, b"K\xe5l"))), {CAPTION: "a"})
    assert made == iptc_resource(MARK, dataset(2, 120, b"a"), dataset(2, 230, "Kål".encode()))


def test_every_mark_says_utf8_afterwards() -> None:
    block = parse(iptc_resource(dataset(1, 90, b""), dataset(1, 90, b"\x1b-A"), dataset(2, 80, b"\xe5")))
    assert graft(block, {CAPTION: "a"}) == iptc_resource(
        MARK, MARK, dataset(2, 80, "å".encode()), dataset(2, 120, b"a")
    )


# --- resources


def test_resources_of_other_programs_and_odd_ones_stay_byte_for_byte() -> None:
    foreign = [
        resource(0x0404, b"not IPTC", signature=b"PHUT"),
        resource(0x0404, b"odd", signature=b"AgHg", pad=False),
        resource(0x03ED, b"resolution", name=b"\x03abc"),
        resource(0x03F3, b"odd", name=b"\x04abcd\0"),
        resource(0x0404, b"", signature=b"MeSa"),
    ]
    tail = b"junk behind the last resource"
    blob = b"".join(foreign) + tail
    block = parse(blob)
    made = graft(block, {CAPTION: "a"})
    assert made == b"".join(foreign) + iptc_resource(MARK, VERSION, dataset(2, 120, b"a")) + tail
    assert parse(made).foreign([CAPTION]) == block.foreign([CAPTION])


def test_junk_alone_gets_its_resource_in_front() -> None:
    assert graft(parse(b"\0" * 40), {CAPTION: "a"}).endswith(b"\0" * 40)
    assert parse(graft(parse(b"\0" * 40), {CAPTION: "a"})).get(CAPTION) == "a"


def test_the_last_resource_may_lack_its_padding() -> None:
    blob = resource(0x0404, dataset(2, 120, b"odd!"), pad=False)
    assert graft(parse(blob), {CAPTION: "odd!"}) == blob
    assert graft(parse(blob), {CAPTION: "even"}) == iptc_resource(MARK, dataset(2, 120, b"even"))


def test_of_several_iptc_resources_all_are_read_and_the_first_is_written() -> None:
    first = iptc_resource(MARK, dataset(2, 25, b"a"))
    second = iptc_resource(
        dataset(2, 25, b"K\xe5l"), dataset(2, 25, b"old"), dataset(2, 120, b"c"), dataset(2, 80, b"x")
    )
    block = parse(first + second)
    assert block.get(KEYWORDS) == ("a", "Kål", "old")
    assert block.get(CAPTION) == "c"
    made = graft(block, {KEYWORDS: ("a", "Kål", "new")})
    assert parse(made).get(KEYWORDS) == ("a", "new", "Kål")
    assert parse(made).get(CAPTION) == "c"
    made = graft(block, {CAPTION: "new"})
    assert made.startswith(iptc_resource(MARK, dataset(2, 25, b"a"), dataset(2, 120, b"new")))
    assert parse(made).get(CAPTION) == "new"
    assert parse(made).foreign([CAPTION]) == block.foreign([CAPTION])


def test_a_digest_in_step_is_recomputed() -> None:
    old = MARK + dataset(2, 120, b"a")
    new = MARK + dataset(2, 120, b"b")
    for front, behind in ((digest(old), b""), (b"", digest(old))):
        made = graft(parse(front + resource(0x0404, old) + behind), {CAPTION: "b"})
        assert hashlib.md5(new).digest() in made
        assert hashlib.md5(old).digest() not in made
        assert parse(made).get(CAPTION) == "b"


def test_a_stale_or_foreign_digest_stays() -> None:
    old = MARK + dataset(2, 120, b"a")
    stale = digest(b"something else") + resource(0x0400, hashlib.md5(old).digest())
    assert graft(parse(stale + resource(0x0404, old)), {CAPTION: "b"}).startswith(stale)


# --- IIM alone, and damage


def test_iim_alone_is_grafted_in_the_same_way() -> None:
    old = dataset(2, 80, b"K\xe5l") + b"\0\0\0"
    assert parse_iim(old).get(IPTC_BYLINE) == "Kål"
    made = graft_iim(old, {CAPTION: "a"})
    assert made == MARK + dataset(2, 80, "Kål".encode()) + dataset(2, 120, b"a") + b"\0\0\0"
    assert graft_iim(None, {CAPTION: "a"}) == MARK + VERSION + dataset(2, 120, b"a")
    assert graft_iim(old, {}) == old


IPTC_BYLINE = IimAddress(2, 80, 32)


@pytest.mark.parametrize(
    ("blob", "place"),
    [
        (resource(0x0404, b"x" * 40)[:-9], "byte 0"),
        (resource(0x03ED, b"1234") + b"8BIM\x04\x04\xff" + bytes(9), "byte 16"),
        (iptc_resource(dataset(2, 120, b"caption")[:-1]), "byte 0"),
        (iptc_resource(MARK, extended(2, 120, b"caption", 9)), "byte 8"),
        (iptc_resource(b"<not a dataset>"), "byte 0"),
        (iptc_resource(dataset(2, 1, b"") * 66000), "byte"),
        (resource(0x03ED, b"") * 66000, "resources"),
    ],
)
def test_a_structure_that_lies_is_refused_with_its_place(blob: bytes, place: str) -> None:
    with pytest.raises(IptcError, match=place):
        parse(blob)


def test_what_follows_the_last_dataset_stays_behind_it() -> None:
    row = dataset(2, 80, b"me")
    for tail in (b"\0" * 12, b"garbage", b"\x1c\x02"):
        blob = iptc_resource(MARK, row, tail)
        made = graft(parse(blob), {CAPTION: "a"})
        assert made == iptc_resource(MARK, row, dataset(2, 120, b"a"), tail)
        assert parse(made).foreign([CAPTION]) == parse(blob).foreign([CAPTION])


WHOLE = (
    resource(0x03ED, b"resolution", name=b"\x03abc")
    + iptc_resource(dataset(2, 25, b"K\xe5l"), extended(2, 120, b"caption"), dataset(2, 209, b"\xe5"))
    + digest(b"other")
)


def test_truncation_at_every_byte_is_refused_by_name_or_grafted() -> None:
    for end in range(len(WHOLE)):
        try:
            made = graft(parse(WHOLE[:end]), {KEYWORDS: NAMES})
        except IptcError:
            continue
        assert parse(made).get(KEYWORDS) == NAMES


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4))
def test_damage_anywhere_raises_nothing_but_our_errors(at: int, noise: bytes) -> None:
    try:
        block = parse(WHOLE[:at] + noise + WHOLE[at + len(noise) :])
        made = graft(block, {CAPTION: "new"})
    except IptcError:
        return
    assert parse(made).get(CAPTION) == "new"
    assert parse(made).foreign([CAPTION]) == block.foreign([CAPTION])


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=80)
ROWS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 2, 2, 3, 7, 240]),
        st.integers(0, 255).filter(lambda n: n != 90),
        st.binary(max_size=40),
    ),
    max_size=9,
)
MARKS = st.sampled_from([b"", b"\x1b-A", b"\x1b.b"])


@given(ROWS, MARKS, st.lists(TEXT, unique=True, max_size=5), TEXT, st.binary(max_size=6))
def test_random_records_survive_any_graft(
    rows: list[tuple[int, int, bytes]], mark: bytes, names: list[str], caption: str, junk: bytes
) -> None:
    datasets = [dataset(1, 90, mark)] if mark else []
    datasets += [dataset(*row) for row in rows]
    blob = resource(0x03ED, junk) + iptc_resource(*datasets) + resource(0x0BB7, junk, name=b"\x01x")
    block = parse(blob)
    edits: dict[IimAddress, Optional[IimValue]] = {KEYWORDS: tuple(names), CAPTION: caption}
    made = graft(block, edits)
    again = parse(made)
    wanted = {cut(name, 64) for name in names}
    assert set(again.get(KEYWORDS) or ()) <= wanted | set(names)
    assert {cut(name, 64) for name in again.get(KEYWORDS) or ()} == wanted
    assert cut(str(again.get(CAPTION)), 2000) == caption
    assert again.foreign(edits) == block.foreign(edits)
    assert graft(again, edits) == made


@given(st.lists(TEXT, max_size=6), st.lists(TEXT, max_size=6))
def test_a_list_holds_what_is_wanted_and_keeps_the_order_of_what_stays(old: list[str], new: list[str]) -> None:
    block = parse(graft(parse(None), {KEYWORDS: tuple(old)}))
    there = list(block.get(KEYWORDS) or ())
    items = [text if text in there else cut(text, 64) for text in new]
    made = list(parse(graft(block, {KEYWORDS: tuple(new)})).get(KEYWORDS) or ())
    assert sorted(made) == sorted(items)
    stays = [text for text in dict.fromkeys(there) if text in items]
    assert [text for text in dict.fromkeys(made) if text in stays] == stays


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_what_was_written(tmp_path: Path) -> None:
    latin = resource(0x0404, dataset(2, 80, b"Bj\xf6rn") + dataset(2, 230, b"K\xe5l"))
    edits: dict[IimAddress, Optional[IimValue]] = {KEYWORDS: NAMES, CAPTION: "one\ntwo 👋"}
    edits.update({DATE: "20240115", TIME: "103045+0100"})
    segment = b"Photoshop 3.0\0" + graft(parse(latin), edits)
    photo = tmp_path / "photo.jpg"
    front = b"\xff\xd8\xff\xed" + (len(segment) + 2).to_bytes(2, "big")
    photo.write_bytes(front + segment + b"\xff\xda\0\2\xff\xd9")
    done = subprocess.run(
        ["exiftool", "-b", "-sep", "|", "-validate", "-warning", "-IPTC:all", str(photo)],
        capture_output=True,
        check=False,
    )
    output = done.stdout.decode()
    for text in ("|".join(NAMES), "one\ntwo 👋", "Björn", "Kål", "2024:01:15", "10:30:45+01:00"):
        assert text in output
    assert "Warning" not in done.stderr.decode()
