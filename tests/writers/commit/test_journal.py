"""The journal's bytes, which patches it is for, and which bytes an interrupted write may have left.

Not here: files and processes (test_in_place.py, test_in_place_killed.py).
"""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.commit.in_place import fits
from immich_meta_writers.commit.journal import Journal, Range, cost, decode, encode, journal_name, overwrites
from immich_meta_writers.patch import Patch, Splice
from tests.writers.commit.test_patch import patched

LARGE, LITTLE = 32 << 20, 1 << 20
SMALL_JOURNAL = Journal(
    "é\udcff.mov", 7, 100, 103, -5, 1 << 60, (Range(3, b"old", b"new"), Range(90, b"0123456789", b"x" * 13))
)
numbers = st.integers(0, 2**64 - 1)
times = st.integers(-(2**63), 2**63 - 1)
names = st.binary(min_size=1, max_size=40).map(lambda name: name.decode("utf-8", "surrogateescape"))
ranges = st.builds(Range, numbers, st.binary(max_size=50), st.binary(max_size=50))
journals = st.builds(Journal, names, numbers, numbers, numbers, times, times, st.lists(ranges, max_size=5).map(tuple))


@given(journals)
def test_a_journal_reads_back(journal: Journal) -> None:
    assert decode(encode(journal)) == journal


def test_a_journal_that_is_cut_is_none() -> None:
    data = encode(SMALL_JOURNAL)
    assert decode(data) is not None
    assert [length for length in range(len(data)) if decode(data[:length]) is not None] == []
    assert decode(data + b"x") is None


def test_a_journal_with_a_wrong_byte_is_none() -> None:
    data = encode(SMALL_JOURNAL)
    for place in range(len(data)):
        for wrong in (0, 0xFF, data[place] ^ 1):
            garbled = data[:place] + bytes([wrong]) + data[place + 1 :]
            assert garbled == data or decode(garbled) is None


def test_lengths_that_lie_under_a_right_digest_are_none() -> None:
    import hashlib

    content = encode(SMALL_JOURNAL)[:-32]
    for place in range(8, 70):
        garbled = content[:place] + b"\xff" + content[place + 1 :]
        decode(garbled + hashlib.sha256(garbled).digest())  # a journal or none, and no error
    for data in (content[:40], content[:-1], content + b"x", b"IMMETAJ1"):
        assert decode(data + hashlib.sha256(data).digest()) is None


def test_a_journals_name_is_hidden_no_pictures_and_follows_from_the_files() -> None:
    name = journal_name("IMG_1.mov")
    assert name == journal_name("IMG_1.mov") != journal_name("IMG_2.mov")
    assert name.startswith(".immich-meta-")
    assert name.endswith(".journal")
    assert len(journal_name("x" * 255)) == len(name) < 64


# -- which patches ----------------------------------------------------------------------------------------------------


@given(patched())
def test_overwritten_ranges_make_what_the_patch_makes_and_move_nothing(case: tuple[bytes, Patch]) -> None:
    old, patch = case
    found = overwrites(patch, lambda offset, length: old[offset : offset + length])
    content = bytearray(old)
    for splice in found:
        content[splice.offset : splice.offset + len(splice.data)] = splice.data
    assert bytes(content[: patch.new_size]) == patch.apply(old)
    for splice in found[:-1]:
        assert len(splice.data) == splice.length
    assert all(splice.offset + splice.length == len(old) for splice in found if len(splice.data) != splice.length)
    assert cost(patch) == sum(splice.length + len(splice.data) for splice in found)


OLD = bytes(range(100))


def ranges_of(*splices: tuple[int, int, bytes]) -> tuple[Splice, ...]:
    patch = Patch(100, tuple(Splice(*splice) for splice in splices))
    return overwrites(patch, lambda offset, length: OLD[offset : offset + length])


def test_what_moves_nothing_is_left_as_it_is() -> None:
    for splices in (
        ((10, 2, b"ab"), (50, 1, b"c")),
        ((10, 2, b"ab"), (90, 10, b"longer than before")),
        ((90, 10, b"cut"),),
        ((99, 1, b""),),
        ((100, 0, b"more"),),
    ):
        assert ranges_of(*splices) == tuple(Splice(*splice) for splice in splices)
    assert ranges_of((90, 5, b"longer than"), (95, 5, b""), (100, 0, b"more")) == (Splice(90, 10, b"longer thanmore"),)
    assert ranges_of((10, 2, b"a"), (12, 2, b"bcd")) == (Splice(10, 4, b"abcd"),)


def test_what_moves_takes_all_behind_it_along() -> None:
    assert ranges_of((10, 2, b"ab"), (97, 1, b"")) == (Splice(10, 2, b"ab"), Splice(97, 3, OLD[98:]))
    assert ranges_of((96, 0, b"a"), (98, 2, b"xy")) == (Splice(96, 4, b"a" + OLD[96:98] + b"xy"),)


def test_only_little_in_a_large_file_is_written_in_place() -> None:
    half = bytes(LITTLE // 2)
    assert fits(Patch(LARGE, (Splice(0, 4, b"2024"),)))
    assert not fits(Patch(LARGE - 1, (Splice(0, 4, b"2024"),)))
    assert fits(Patch(LARGE, (Splice(0, len(half) - 1, half[1:]),)))
    assert not fits(Patch(LARGE, (Splice(0, len(half), half),)))
    assert not fits(Patch(LARGE, (Splice(LARGE - LITTLE, LITTLE, b""),)))
    assert fits(Patch(LARGE, (Splice(LARGE, 0, bytes(LITTLE - 1)),)))
    assert not fits(Patch(LARGE, (Splice(LARGE, 0, bytes(LITTLE)),)))
    assert not fits(Patch(LARGE, (Splice(100, 0, b"everything behind moves"),)))


def test_a_large_file_has_room_for_the_header_of_a_long_movie() -> None:
    assert fits(Patch(LARGE << 7, (Splice(LARGE, 0, b""), Splice(LARGE << 7, 0, bytes(4 << 20)))))
    assert not fits(Patch(LARGE << 10, (Splice(LARGE << 10, 0, bytes(64 << 20)),)))


# -- what an interrupted write may have left --------------------------------------------------------------------------


@given(st.binary(max_size=30), st.binary(max_size=30), st.data())
def test_any_mixture_of_old_and_new_is_recognised(old: bytes, new: bytes, data: st.DataObject) -> None:
    size = data.draw(st.integers(*sorted((len(old), len(new)))))
    padded_old = old + bytes(max(0, len(new) - len(old)))
    padded_new = new + old[len(new) :]
    chosen = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    found = bytes(n if pick else o for pick, o, n in zip(chosen, padded_old, padded_new))
    assert Range(0, old, new).may_hold(found)


def test_bytes_of_somebody_else_are_not() -> None:
    part = Range(0, b"abc", b"xyz12")
    for found in (b"abd", b"xyq", b"abc?", b"xyz123"):
        assert not part.may_hold(found)


def test_a_file_of_another_size_is_not() -> None:
    found = (b"old", b"0123456789")
    assert SMALL_JOURNAL.may_have_left(100, found)
    assert SMALL_JOURNAL.may_have_left(103, (b"new", b"x" * 13))
    assert not SMALL_JOURNAL.may_have_left(99, (b"old", b"012345678"))
    assert not SMALL_JOURNAL.may_have_left(104, (b"new", b"x" * 13))
    assert not dataclasses.replace(SMALL_JOURNAL, old_size=103).may_have_left(100, found)
