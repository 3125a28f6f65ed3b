"""Text as every payload may hold it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.text import clean, cut, nfc

ANY = st.text(st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\x85b\u2028c\u2029d", "a\nb\nc\nd"),
        ("tab\tstays", "tab\tstays"),
        ("\x00\x07\x1b\x7f\x9fx\x80", "x"),
        ("half \ud83d of it \ude00", "half  of it "),
        ("\ufffe\uffff", ""),
        ("👩‍🚀 Zoë 山", "👩‍🚀 Zoë 山"),
    ],
)
def test_line_breaks_become_lf_and_control_characters_go(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(ANY)
def test_clean_text_is_clean(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert once.encode("utf-8").decode("utf-8") == once
    assert not set(once) & set(map(chr, [*range(9), *range(11, 32), *range(127, 160)]))


@pytest.mark.parametrize(
    ("text", "size", "short"),
    [("abc", 2, "ab"), ("aé", 2, "a"), ("é", 1, ""), ("👋", 3, ""), ("a", 0, ""), ("a", -1, "")],
)
def test_a_cut_falls_on_a_character(text: str, size: int, short: str) -> None:
    assert cut(text, size) == short


@given(ANY, st.integers(0, 80))
def test_a_cut_is_the_longest_beginning_that_fits(text: str, size: int) -> None:
    text = clean(text)
    short = cut(text, size)
    assert text.startswith(short)
    assert len(short.encode()) <= size
    assert short == text or len((short + text[len(short)]).encode()) > size


def test_names_compare_in_nfc() -> None:
    assert nfc("Zoe\u0308") == nfc("Zoë") == "Zoë"
