"""What takes a file back, as bytes: the same value again, and one error for everything that is no such bytes.

Not here: taking a file back (test_undo.py).
"""

from __future__ import annotations

import hashlib
import os
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from immich_meta_writers.commit import Stamp, commit
from immich_meta_writers.commit.undo import MOST_BYTES, How, Undo, decode, encode
from immich_meta_writers.errors import AccessError, DamagedError, UnsupportedError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.source import MemorySource
from tests.writers.commit.test_commit import PATCH, fresh
from tests.writers.commit.test_patch import patched

ROOT = os.path.abspath(os.sep)
times = st.integers(-(1 << 63), (1 << 63) - 1)
numbers = st.integers(0, (1 << 128) - 1)
insides, outsides = st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16)
names = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=20)
# The last of these 5 bytes is the version.
MAGIC_BYTES = 5


@st.composite
def undos(draw: st.DrawFn) -> Undo:
    old, patch = draw(patched())
    inverse, how = patch.invert(MemorySource(old).read_at), draw(st.sampled_from(How))
    is_whole = how in (How.CREATED, How.TOUCHED)
    if is_whole:
        inverse = Patch(len(old))
    stamp = Stamp(len(old), draw(times), draw(numbers), draw(numbers), draw(times))
    if how is How.CREATED:
        stamp = Stamp(0, 0, 0, 0)
    outside = draw(outsides) if how in (How.REPLACED, How.CREATED) else None
    new_mtime_ns = draw(times if how is How.TOUCHED else st.none() | times)
    return Undo(os.path.join(ROOT, draw(names)), how, inverse, stamp, draw(insides), outside, new_mtime_ns)


ONE = Undo(
    os.path.join(ROOT, "photos", "IMG_1.jpg"),
    How.REPLACED,
    Patch(1000, (Splice(20, 4, b"old" * 5), Splice(900, 0, b"x"))),
    Stamp(1012, -5, 1 << 64, 3),
    hashlib.sha256(b"inside").digest(),
    b"outside digest !",
    None,
)


@given(undos())
def test_the_value_comes_back(undo: Undo) -> None:
    assert decode(encode(undo)) == undo


@pytest.mark.skipif(os.name != "posix", reason="names are bytes only on POSIX")
def test_a_name_that_is_no_text_comes_back() -> None:
    undo = Undo(os.fsdecode(b"/photos/\xff\xfe.jpg"), *list(vars(ONE).values())[1:])
    assert decode(encode(undo)) == undo


@example(b"")
@given(st.binary(max_size=100))
def test_any_other_bytes_are_one_error(data: bytes) -> None:
    magic = encode(ONE)[:MAGIC_BYTES]
    for each in (data, magic + data, magic + zlib.compress(data)):
        with pytest.raises(DamagedError):
            decode(each)


def test_every_cut_and_every_changed_byte_is_seen() -> None:
    whole = encode(ONE)
    for length in range(len(whole)):
        with pytest.raises(DamagedError):
            decode(whole[:length])
    with pytest.raises(DamagedError):
        decode(whole + b"\0")
    harmless = 0
    for index in range(len(whole)):
        for mask in (0x01, 0x20, 0xFF):
            damaged = bytearray(whole)
            damaged[index] ^= mask
            try:
                assert decode(bytes(damaged)) == ONE
                harmless += 1
            except DamagedError:
                continue
    assert harmless <= 3  # the bits that fill up the last byte of a deflate stream mean nothing


@given(st.data())
def test_content_that_lies_is_one_error_or_a_value_that_can_be_used(data: st.DataObject) -> None:
    """Changed before it is compressed, so that no checksum sees it."""
    whole = encode(ONE)
    content = bytearray(zlib.decompress(whole[MAGIC_BYTES:]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        undo = decode(whole[:MAGIC_BYTES] + zlib.compress(bytes(content)))
    except DamagedError:
        return
    assert os.path.isabs(undo.path)
    assert decode(encode(undo)) == undo
    assert undo.how in (How.CREATED, How.TOUCHED) or undo.inverse.new_size == undo.old.size


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    compress = zlib.compressobj()
    parts = [compress.compress(bytes(1 << 20)) for _ in range((MOST_BYTES >> 20) + 64)]
    bomb = encode(ONE)[:MAGIC_BYTES] + b"".join(parts) + compress.flush()
    del parts
    tracemalloc.start()
    try:
        with pytest.raises(DamagedError):
            decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 3 * MOST_BYTES
    finally:
        tracemalloc.stop()


def test_claimed_numbers_are_not_made_room_for() -> None:
    """A path, splices and old bytes of 2 to the power of 100."""
    huge, start = b"\xff" * 14 + b"\x7f", encode(ONE)[:MAGIC_BYTES]
    for content in (
        b"\0" + huge,
        b"\0\1/" + bytes(5) + b"\1" + huge,
        b"\0\1/" + bytes(5) + b"\1\1\0\0" + huge,
        b"\0" + b"\xff" * 1000,
    ):
        with pytest.raises(DamagedError):
            decode(start + zlib.compress(content))


def test_what_is_too_large_to_be_taken_back_is_an_error_before_it_is_written() -> None:
    huge = Undo(ONE.path, How.REPLACED, Patch(0, (Splice(0, 0, bytes(MOST_BYTES)),)), *list(vars(ONE).values())[3:])
    with pytest.raises(UnsupportedError) as raised:
        encode(huge)
    assert raised.value.path == ONE.path


def test_new_bytes_that_could_not_be_read_into_memory_again_are_refused_too() -> None:
    size = MOST_BYTES + 1
    inverse, rest = Patch(size, (Splice(0, size, b""),)), list(vars(ONE).values())[4:]
    undo = Undo(ONE.path, How.REPLACED, inverse, Stamp(0, 0, 0, 0), *rest)
    with pytest.raises(UnsupportedError):
        encode(undo)
    small = Undo(ONE.path, How.REPLACED, Patch(5, (Splice(0, 5, b""),)), *list(vars(undo).values())[3:])
    content = zlib.decompress(encode(small)[MAGIC_BYTES:])
    claim = content.replace(b"\5\1\0\5\0", b"\x81\x80\x80\x40\1\0\x81\x80\x80\x40\0")
    assert claim != content
    with pytest.raises(DamagedError):
        decode(encode(small)[:MAGIC_BYTES] + zlib.compress(claim))


def test_it_is_small() -> None:
    packet = b"<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/'/>" * 100
    undo = Undo(ONE.path, How.REPLACED, Patch(0, (Splice(0, 0, packet),)), *list(vars(ONE).values())[3:])
    assert len(encode(undo)) < len(packet) // 10


def test_a_store_that_is_full_is_said_to_be_that(tmp_path: Path) -> None:
    def keep(_: Undo) -> None:
        raise OSError(28, "No space left on device")

    path = fresh(tmp_path)
    with pytest.raises(AccessError) as raised:
        commit(str(path), PATCH, Stamp.of(path.stat()), keep=keep)
    assert "could not be kept: no space left" in raised.value.cause
    assert raised.value.path == str(path)
