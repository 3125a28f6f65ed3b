"""Patch: what it makes of bytes, how it is taken back, what it refuses.

Not here: writing to a file (test_commit.py).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.source import FileSource, MemorySource

data = st.binary(max_size=60)


@st.composite
def patched(draw: st.DrawFn) -> tuple[bytes, Patch]:
    old = draw(data)
    cuts = sorted(draw(st.lists(st.integers(0, len(old)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2]))
    return old, Patch(len(old), tuple(Splice(start, end - start, draw(data)) for start, end in pairs))


@given(patched())
def test_bytes_outside_of_the_splices_stay(case: tuple[bytes, Patch]) -> None:
    old, patch = case
    new = patch.apply(old)
    assert len(new) == patch.new_size
    position = shift = 0
    for splice in patch.splices:
        start = splice.offset + shift
        assert new[position + shift : start] == old[position : splice.offset]
        assert new[start : start + len(splice.data)] == splice.data
        position = splice.offset + splice.length
        shift += len(splice.data) - splice.length
    assert new[position + shift :] == old[position:]


@given(patched())
def test_the_inverse_restores_every_byte(case: tuple[bytes, Patch]) -> None:
    old, patch = case
    undo = patch.invert(MemorySource(old).read_at)
    assert undo.apply(patch.apply(old)) == old
    assert undo.invert(MemorySource(patch.apply(old)).read_at) == patch


@pytest.mark.parametrize(
    "splices",
    [
        (Splice(0, 3, b""), Splice(2, 1, b"")),
        (Splice(5, 1, b""), Splice(1, 1, b"")),
        (Splice(9, 2, b""),),
        (Splice(11, 0, b"x"),),
        (Splice(-1, 1, b""),),
        (Splice(3, -1, b""),),
    ],
)
def test_splices_that_overlap_or_leave_the_file_are_refused(splices: tuple[Splice, ...]) -> None:
    with pytest.raises(ValueError):
        Patch(10, splices)


def test_a_patch_is_for_a_file_of_its_size() -> None:
    with pytest.raises(ValueError):
        Patch(10).apply(b"short")


def test_the_digest_tells_patches_apart() -> None:
    patches = [
        Patch(10),
        Patch(10, (Splice(1, 1, b"a"),)),
        Patch(10, (Splice(1, 1, b"b"),)),
        Patch(10, (Splice(2, 1, b"a"),)),
        Patch(10, (Splice(1, 0, b"a"),)),
        Patch(10, (Splice(1, 0, b"a"), Splice(1, 1, b"a"))),
    ]
    assert len({patch.digest() for patch in patches}) == len(patches)
    assert Patch(10, (Splice(1, 1, b"a"),)).digest() == patches[1].digest()


@given(data, st.integers(-5, 80), st.integers(-5, 80))
def test_a_source_in_memory_answers_with_what_there_is(content: bytes, offset: int, length: int) -> None:
    offset, length = max(0, offset), max(0, length)
    assert MemorySource(content).read_at(offset, length) == content[offset : offset + length]


def test_a_source_of_a_file_reads_its_head_once_and_no_more_than_it_is_asked(tmp_path: object) -> None:
    import os
    from pathlib import Path

    path = Path(str(tmp_path)) / "big"
    content = os.urandom(1 << 20)
    path.write_bytes(content)
    with path.open("rb") as file:
        source = FileSource(file.fileno(), len(content))
        assert source.read_at(10, 1000) == content[10:1010]
        assert source.bytes_read == 65536
        assert source.read_at(500_000, 7) == content[500_000:500_007]
        assert source.bytes_read == 65543
        assert source.read_at(len(content) - 3, 1 << 40) == content[-3:]
        assert source.read_at(len(content) + 3, 5) == b""
        assert source.bytes_read == 65546
