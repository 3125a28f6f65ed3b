"""Patches one after another, and the file that they make, seen without making it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.errors import ChangedError
from immich_meta_writers.patch import Patch, PatchedView, Splice, patched
from immich_meta_writers.source import MemorySource, SourceView


@st.composite
def patches(draw: st.DrawFn, size: int) -> Patch:
    splices, position = [], 0
    for _ in range(draw(st.integers(0, 5))):
        offset = draw(st.integers(position, size))
        length = draw(st.integers(0, min(4, size - offset)))
        splices.append(Splice(offset, length, draw(st.binary(max_size=4))))
        position = offset + length
    return Patch(size, tuple(splices))


@given(st.binary(max_size=30), st.data())
def test_two_patches_as_one_do_what_they_do_one_after_another(old: bytes, data: st.DataObject) -> None:
    first = data.draw(patches(len(old)))
    second = data.draw(patches(first.new_size))
    both = first.then(second)
    assert both.apply(old) == second.apply(first.apply(old))
    assert (both.size, both.new_size) == (len(old), second.new_size)
    undo = both.invert(lambda offset, length: old[offset : offset + length])
    assert undo.apply(both.apply(old)) == old


@given(st.binary(max_size=30), st.data())
def test_three_patches_can_be_joined_in_any_order(old: bytes, data: st.DataObject) -> None:
    first = data.draw(patches(len(old)))
    second = data.draw(patches(first.new_size))
    third = data.draw(patches(second.new_size))
    expected = third.apply(second.apply(first.apply(old)))
    assert first.then(second).then(third).apply(old) == expected
    assert first.then(second.then(third)).apply(old) == expected


def test_a_patch_that_does_nothing_leaves_the_other_as_it_is() -> None:
    patch = Patch(5, (Splice(1, 1, b"xyz"),))
    assert patch.then(Patch(7)) == patch
    assert Patch(5).then(patch) == patch


def test_a_patch_for_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="7"):
        Patch(5, (Splice(1, 1, b"xyz"),)).then(Patch(5))
    with pytest.raises(ValueError, match="5"):
        PatchedView(b"1234", Patch(5))


@given(st.binary(max_size=30), st.data())
def test_a_patched_view_shows_the_bytes_of_the_new_file(old: bytes, data: st.DataObject) -> None:
    first = data.draw(patches(len(old)))
    second = data.draw(patches(first.new_size))
    view = patched(patched(SourceView(MemorySource(old)), first), second)
    new = second.apply(first.apply(old))
    start, end = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 40))
    assert (len(view), view[start:end], view[0 : len(view)]) == (len(new), new[start:end], new)
    assert isinstance(view, PatchedView)
    assert view.patch.apply(old) == new
    assert patched(patched(old, first), second) == new


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_view_of_a_source_shows_its_bytes(start: int, end: int) -> None:
    data = bytes(range(251)) * 64
    view = SourceView(MemorySource(data))
    for _ in range(2):
        assert (len(view), view[start:end]) == (len(data), data[start:end])


def test_small_slices_are_not_read_twice_and_memory_is_bounded() -> None:
    class Counting(MemorySource):
        reads = 0

        def read_at(self, offset: int, length: int) -> bytes:
            self.reads += 1
            return super().read_at(offset, length)

    source = Counting(bytes(4 << 20))
    view = SourceView(source)
    for _ in range(3):
        for position in range(0, 40960, 10):
            view[position : position + 12]
    assert source.reads == 11
    for position in range(0, 4 << 20, 4096):
        view[position : position + 1]
    assert len(view._blocks) <= 256


def test_a_file_that_becomes_shorter_while_it_is_read_is_named() -> None:
    source = MemorySource(bytes(100))
    view = SourceView(source)
    source.size = 200
    with pytest.raises(ChangedError):
        view[90:150]
    with pytest.raises(ChangedError):
        SourceView(source)[0:200]
