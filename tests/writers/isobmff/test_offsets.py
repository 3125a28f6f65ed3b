"""Positions in boxes follow the bytes that they name; judged by ffmpeg for whole movies."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.containers.isobmff import boxes, iloc, offsets
from immich_meta_writers.errors import NoRoomError, StructureError, UnsupportedError, WriterError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.source import MemorySource


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def dref(*flags: int, location: bytes = b"") -> bytes:
    entries = [full(b"url ", 0, flag, b"" if flag else location) for flag in flags]
    return box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", len(entries)), *entries))


def moov(*table: bytes, references: bytes = b"", beside: bytes = b"") -> bytes:
    return box(b"moov", box(b"trak", beside, box(b"mdia", box(b"minf", references, box(b"stbl", *table)))))


def table(kind: bytes, *positions: int) -> bytes:
    code = "I" if kind == b"stco" else "Q"
    return full(kind, 0, 0, struct.pack(f">I{len(positions)}{code}", len(positions), *positions))


def after(data: bytes, move: offsets.Move) -> bytes:
    """The file with every position moved, its bytes as they were."""
    source = MemorySource(data)
    splices = offsets.shifted(source, boxes.top_level(source).boxes, move)
    assert all(len(splice.data) == splice.length for splice in splices)
    return Patch(len(data), splices).apply(data)


def behind(place: int, step: int) -> offsets.Move:
    return lambda position: position + step if position >= place else position


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9), st.integers(0, 20)), max_size=6))
def test_a_byte_moves_with_what_is_written_in_front_of_it(wishes: Sequence[tuple[int, int, int]]) -> None:
    data = bytes(range(128))
    splices, end = [], 0
    for start, length, size in sorted(wishes):
        if start >= end:
            splices.append(Splice(start, length, b"\xff" * size))
            end = max(start + length, start + 1)
    made, move = Patch(len(data), tuple(splices)).apply(data), offsets.moves(splices)
    gone = {place for splice in splices for place in range(splice.offset, splice.offset + splice.length)}
    for place in range(len(data)):
        if place not in gone:
            assert made[move(place)] == data[place]


@pytest.mark.parametrize("kind", [b"stco", b"co64"])
def test_chunks_move(kind: bytes) -> None:
    made = after(moov(table(kind, 10, 1000, 2000, 50)), behind(1000, 77))
    assert made == moov(table(kind, 10, 1077, 2077, 50))


def test_only_what_changes_is_written() -> None:
    data = moov(table(b"stco", 10, 1000, 20))
    source = MemorySource(data)
    splices = offsets.shifted(source, boxes.top_level(source).boxes, behind(500, 1))
    assert [splice.data for splice in splices] == [struct.pack(">I", 1001)]


def test_an_offset_that_outgrows_its_field() -> None:
    with pytest.raises(NoRoomError):
        after(moov(table(b"stco", 0xFFFFFFF0)), behind(0, 16))
    assert after(moov(table(b"co64", 0xFFFFFFF0)), behind(0, 16)) == moov(table(b"co64", 1 << 32))


@pytest.mark.parametrize(
    ("references", "moves"),
    [(b"", True), (dref(1), True), (dref(0), True), (dref(0, location=b"file:///x\0"), False)],
)
def test_samples_in_another_file_stay(references: bytes, moves: bool) -> None:
    data = moov(table(b"stco", 1000), references=references)
    assert after(data, behind(0, 5)) == moov(table(b"stco", 1005 if moves else 1000), references=references)


def test_samples_in_two_files_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="other files"):
        after(moov(table(b"stco", 1), references=dref(1, 0, location=b"x\0")), behind(0, 5))


def test_a_compressed_movie_header_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="compressed"):
        after(box(b"moov", box(b"cmov", bytes(8))), behind(0, 5))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("flags", [0, 1])
def test_auxiliary_information_of_a_track(version: int, flags: int) -> None:
    def saio(position: int) -> bytes:
        kind = b"cenc\0\0\0\0" if flags else b""
        return full(b"saio", version, flags, kind, struct.pack(">IQ" if version else ">II", 1, position))

    assert after(moov(saio(1000)), behind(500, 9)) == moov(saio(1009))


def fragment(base: int, *boxes_: bytes, flags: int = 1) -> bytes:
    position = struct.pack(">Q", base) if flags & 1 else b""
    return box(b"traf", full(b"tfhd", 0, flags, struct.pack(">I", 1), position), *boxes_)


def run(distance: int) -> bytes:
    return full(b"trun", 0, 1, struct.pack(">Ii", 0, distance))


def test_the_base_of_a_fragment_moves() -> None:
    made = after(box(b"moof", fragment(1000, run(20))), behind(900, 50))
    assert made == box(b"moof", fragment(1050, run(20)))


def test_a_distance_from_an_unmoved_base_grows() -> None:
    assert after(box(b"moof", fragment(0, run(500))), behind(400, 50)) == box(b"moof", fragment(0, run(550)))
    shown = box(b"moof", fragment(0, run(100), flags=0x20000))
    assert after(shown, behind(60, 8)) == box(b"moof", fragment(0, run(108), flags=0x20000))
    negative = box(b"moof", fragment(1000, run(-990)))
    assert after(negative, behind(500, 8)) == box(b"moof", fragment(1008, run(-998)))


def test_a_second_fragment_without_a_base_moves_with_the_first() -> None:
    moof = box(b"moof", fragment(0, run(100), flags=0), fragment(0, run(100), flags=0))
    data = box(b"free", bytes(20)) + moof + box(b"mdat", bytes(300))
    assert after(data, behind(10, 8)) == data
    with pytest.raises(UnsupportedError, match="base"):
        after(data, behind(28 + len(moof), 8))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("sizes", [0, 0b000110, 0b111111])
def test_random_access_points_move(version: int, sizes: int) -> None:
    def mfra(*places: int) -> bytes:
        rest = bytes(sum((sizes >> bit & 3) + 1 for bit in (0, 2, 4)))
        entries = [struct.pack(">QQ" if version else ">II", 7, place) + rest for place in places]
        return box(b"mfra", full(b"tfra", version, 0, struct.pack(">III", 1, sizes, len(places)), *entries))

    assert after(mfra(5, 1000, 3000), behind(1000, 12)) == mfra(5, 1012, 3012)


@pytest.mark.parametrize("version", [0, 1])
def test_a_segment_index_counts_from_itself(version: int) -> None:
    def sidx(first: int) -> bytes:
        times = struct.pack(">QQ" if version else ">II", 0, first)
        return full(b"sidx", version, 0, bytes(8), times, struct.pack(">HHIII", 0, 1, 100, 0, 0))

    end = len(sidx(0))
    data = sidx(40) + box(b"free", bytes(32)) + box(b"mdat", bytes(92))
    assert after(data, behind(0, 9)) == data
    assert after(data, behind(end, 9))[:end] == sidx(49)
    with pytest.raises(UnsupportedError, match="index"):
        after(data, behind(end + 60, 9))


def location(start: int, *, base: int = 0) -> bytes:
    entry = struct.pack(">HHHIHII", 1, 0, 0, base, 1, start - base, 9)
    return full(b"iloc", 1, 0, b"\x44\x40\0\1", entry)


def test_items_of_every_meta_move() -> None:
    for wrap in (
        lambda part: full(b"meta", 0, 0, full(b"hdlr", 0, 0, bytes(20)), part),
        lambda part: box(b"moov", full(b"meta", 0, 0, part)),
        lambda part: moov(beside=full(b"meta", 0, 0, part)),
        lambda part: box(b"moov", box(b"meta", full(b"hdlr", 0, 0, bytes(20)), part)),  # QuickTime's
    ):
        assert after(wrap(location(1000)), behind(900, 7)) == wrap(location(1007))
        assert after(wrap(location(1000, base=600)), behind(900, 7)) == wrap(location(1007, base=607))


def test_an_item_that_was_rewritten_is_followed() -> None:
    data = full(b"meta", 0, 0, location(1000))
    source = MemorySource(data)
    splices = offsets.shifted(source, boxes.top_level(source).boxes, behind(0, 5), {(1000, 9): (4000, 12)})
    entry = struct.pack(">HHHIHII", 1, 0, 0, 0, 1, 4000, 12)
    assert Patch(len(data), splices).apply(data) == full(b"meta", 0, 0, full(b"iloc", 1, 0, b"\x44\x40\0\1", entry))


SIZES = st.sampled_from([0, 4, 8])


@given(st.sampled_from([0, 1, 2]), SIZES, SIZES, SIZES, SIZES, st.data())
def test_item_locations_survive_as_they_are(
    version: int, offset: int, length: int, base: int, index: int, data: st.DataObject
) -> None:
    def number(size: int) -> int:
        return data.draw(st.integers(0, (1 << 8 * size) - 1))

    parts = st.lists(st.just(0), max_size=3)
    locations = []
    for _ in range(data.draw(st.integers(0, 4))):
        extents = [
            iloc.Extent(number(index) if version else 0, number(offset), number(length)) for _ in data.draw(parts)
        ]
        method = data.draw(st.integers(0, 2)) if version else 0
        item = number(4 if version == 2 else 2)
        locations.append(iloc.Location(item, method, number(2), number(base), tuple(extents)))
    sizes = (offset, length, base, index if version else 0)
    made = iloc.Table(version, bytes(3), *sizes, tuple(locations))
    content = iloc.encode(made)
    assert iloc.parse(content, "here") == made
    assert iloc.fitted(made) == made
    for end in range(len(content)):
        with pytest.raises(StructureError):
            iloc.parse(content[:end], "here")


def test_fields_are_widened_for_what_they_have_to_hold() -> None:
    big = iloc.Location(70000, 0, 0, 5, (iloc.Extent(0, 1 << 32, 3),))
    wide = iloc.fitted(iloc.Table(0, bytes(3), 0, 0, 0, 0, (big,)))
    assert wide[:6] == (2, bytes(3), 8, 4, 4, 0)
    assert iloc.parse(iloc.encode(wide), "") == wide


@given(st.integers(0, 3000), st.integers(-200, 200), st.integers(0, 900), st.booleans())
def test_either_the_base_or_the_extents_move(place: int, step: int, base: int, has_offsets: bool) -> None:
    extents = (iloc.Extent(0, 1000, 5), iloc.Extent(0, 2000, 5)) if has_offsets else (iloc.Extent(0, 0, 5),)
    old = iloc.Location(1, 0, 0, base if has_offsets else base + 300, extents)
    move = behind(place, step)
    new = iloc.moved(old, move, has_offsets=has_offsets, references=frozenset({0}))
    assert [start for start, _ in new.spans()] == [move(start) for start, _ in old.spans()]
    assert new.base >= 0
    assert has_offsets or all(extent.offset == 0 for extent in new.extents)


WHOLE = (
    moov(table(b"stco", 5, 900), table(b"co64", 1, 2), references=dref(1), beside=full(b"meta", 0, 0, location(99)))
    + box(b"moof", fragment(1000, run(20)), fragment(0, run(5), flags=0x20000))
    + full(b"sidx", 0, 0, bytes(16), struct.pack(">HHIII", 0, 1, 8, 0, 0))
    + box(b"mdat", bytes(30))
    + box(b"mfra", full(b"tfra", 0, 0, struct.pack(">III", 1, 0, 1), bytes(11)))
)


def attempt(data: bytes) -> None:
    try:
        after(data, behind(0, 7))
    except WriterError as error:
        assert error.place  # noqa: PT017


def test_a_file_cut_or_changed_anywhere_gives_named_errors_only() -> None:
    for end in range(8, len(WHOLE)):
        attempt(WHOLE[:end])
        for value in (0, 1, 0xFF):
            attempt(WHOLE[:end] + bytes((value,)) + WHOLE[end + 1 :])


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-movflags", "+faststart"),
        ("-movflags", "frag_keyframe+empty_moov"),
        ("-movflags", "frag_keyframe+empty_moov+default_base_moof"),
        ("-movflags", "frag_keyframe+empty_moov+default_base_moof+dash+global_sidx"),
    ],
)
def test_ffmpeg_finds_every_sample(tmp_path: Path, options: tuple[str, ...]) -> None:
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    path = tmp_path / "movie.mp4"
    inputs = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=8:d=2", "-f", "lavfi", "-i", "sine=d=2"]
    subprocess.run(
        ["ffmpeg", "-v", "error", *inputs, "-c:v", "mpeg4", "-g", "4", "-c:a", "aac", *options, str(path)], check=True
    )

    def streams() -> bytes:
        command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0", "-c", "copy", "-f", "framemd5", "-"]
        return subprocess.run(command, check=True, capture_output=True).stdout

    data, before = path.read_bytes(), streams()
    source = MemorySource(data)
    found = boxes.top_level(source).boxes
    start = next(each.end for each in found if each.kind == b"ftyp")
    edit = Splice(start, 0, box(b"free", bytes(1000)))
    follow = offsets.shifted(source, found, offsets.moves([edit]))
    path.write_bytes(Patch(len(data), tuple(sorted([edit, *follow], key=lambda each: each.offset))).apply(data))
    assert streams() == before
