"""Movies whose download ended behind their header are refused; sound ones that look like them are not.

Not here: boxes that run past the end of the file (tests/writers/quicktime).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta_writers import PhotoMetadata, plan
from immich_meta_writers.containers import quicktime
from immich_meta_writers.errors import TruncatedError
from immich_meta_writers.source import MemorySource
from tests.writers.quicktime.movies import MDAT, MOOV, SAMPLES, Movie, Track, box, free, ftyp, mvhd, tkhd

FAST = Movie((ftyp(), MOOV, MDAT))
WIDE = replace(FAST, tracks=(Track(SAMPLES, wide_offsets=True),))
MVEX = box(b"mvex", box(b"trex", bytes(24)))
INIT = (ftyp(), box(b"moov", mvhd(), Track(()).encoded([]), MVEX))
HAS_BASE, BASE_IS_MOOF = 1, 0x20000


def check(data: bytes) -> None:
    source = MemorySource(data)
    quicktime.check_whole(source, quicktime.read(source))


def is_cut(data: bytes) -> bool:
    try:
        check(data)
    except TruncatedError:
        return True
    return False


def header_end(data: bytes) -> int:
    at = data.index(b"moov") - 4
    return at + int.from_bytes(data[at : at + 4], "big")


@pytest.mark.parametrize("beyond", [0, 7])
@pytest.mark.parametrize("movie", [FAST, WIDE], ids=["stco", "co64"])
def test_a_movie_of_nothing_but_its_header_is_refused_when_written_to(
    tmp_path: Path, movie: Movie, beyond: int
) -> None:
    data = movie.encoded()
    data = data[: header_end(data) + beyond]
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(TruncatedError, match="before the media of track 1") as caught:
        plan(path, PhotoMetadata(caption="x"))
    assert caught.value.place == f"offset {len(data)}"
    assert caught.value.cure
    assert plan(path, PhotoMetadata()).is_empty
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.mp4", data)]


@pytest.mark.parametrize("movie", [FAST, WIDE, Movie(), replace(FAST, open_mdat=True)])
def test_a_whole_movie_is_whole(movie: Movie) -> None:
    check(movie.encoded())


def test_the_last_of_several_media_boxes_may_be_the_one_that_is_missing() -> None:
    data = replace(FAST, top=(ftyp(), MOOV, MDAT, free(16), MDAT)).encoded()
    check(data)
    assert is_cut(data[: data.rindex(b"mdat") - 4])


@pytest.mark.parametrize("handler", [b"vide", b"text"])
def test_a_last_chunk_without_bytes_may_lie_at_the_end(handler: bytes) -> None:
    """Muxers end a track of subtitles so."""
    empty = Track((b"first", b"", b""), handler=handler)
    data = replace(FAST, tracks=(Track(SAMPLES[:2]), empty)).encoded()
    assert struct.pack(">I", len(data)) in data, "the last chunk begins where the file ends"
    check(data)
    assert is_cut(data[: header_end(data)])


def moov(*tracks: bytes) -> bytes:
    return ftyp() + box(b"moov", mvhd(), *tracks) + box(b"mdat", bytes(100))


def elsewhere(track: bytes) -> bytes:
    """The track with the name of another file in its data reference."""
    name = b"file:///b.mov\0"
    at = track.index(b"url ")
    made = bytearray(track[: at + 4] + bytes(4) + name + track[at + 8 :])
    for kind in (b"trak", b"mdia", b"minf", b"dinf", b"dref", b"url "):
        place = made.index(kind) - 4
        made[place : place + 4] = (int.from_bytes(made[place : place + 4], "big") + len(name)).to_bytes(4, "big")
    return bytes(made)


def test_media_in_another_file_are_not_missed() -> None:
    inside = Track((b"x",)).encoded([10**6])
    assert is_cut(moov(inside))
    check(moov(elsewhere(inside)))


@pytest.mark.parametrize("kind", [b"stsc", b"stsz", b"dref", b"stbl"])
def test_what_cannot_be_read_is_not_judged(kind: bytes) -> None:
    track = Track((b"x",)).encoded([10**6])
    check(moov(track.replace(kind, b"free")))


@pytest.mark.parametrize("at", range(0, 16, 4))
@pytest.mark.parametrize("kind", [b"stsc", b"stsz", b"stco", b"stz2"])
def test_tables_that_lie_are_no_crash(kind: bytes, at: int) -> None:
    track = Track((b"x",) * 3).encoded([10**6] * 3)
    start = track.index(kind.replace(b"stz2", b"stsz"))
    for number in (0, 1, 2, 0x7FFFFFFF, 0xFFFFFFFF):
        made = bytearray(track)
        made[start : start + 4] = kind
        made[start + 8 + at : start + 12 + at] = number.to_bytes(4, "big")
        is_cut(moov(bytes(made)))


def sized(sizes: bytes) -> bytes:
    """A track of four samples, one a chunk, of which the last two lie behind the end; `sizes`: its stsz or stz2."""
    track = Track((b"x",) * 4).encoded([400, 401, 10**6, 10**6])
    old = box(b"stsz", bytes(4), struct.pack(">II4I", 0, 4, 1, 1, 1, 1))
    assert track.count(old) == 1
    return moov(track.replace(old, sizes + free(len(old) - len(sizes))))


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_small_fields_tell_the_sizes_too(bits: int) -> None:
    def field(values: Sequence[int]) -> bytes:
        number = int("".join(format(value, f"0{bits}b") for value in values), 2)
        return box(b"stz2", bytes(7), bytes([bits]), struct.pack(">I", 4), number.to_bytes(bits // 2, "big"))

    check(sized(field([1, 1, 0, 0])))
    assert is_cut(sized(field([1, 1, 0, 1])))


def test_one_size_for_all_samples_is_enough_and_samples_that_are_not_there_are_none() -> None:
    assert is_cut(sized(box(b"stsz", bytes(4), struct.pack(">II", 1, 4))))
    check(sized(box(b"stsz", bytes(4), struct.pack(">II", 1, 2))))


def fragment(start: int, *, flags: int = BASE_IS_MOOF, count: int = 1) -> bytes:
    """A `moof` of one run; its media lie behind the header of the `mdat` that follows it."""
    base = b"" if not flags & HAS_BASE else struct.pack(">Q", start)

    def made(distance: int) -> bytes:
        tfhd = box(b"tfhd", struct.pack(">II", flags, 1), base)
        trun = box(b"trun", struct.pack(">IIi", 1, count, distance))
        return box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", tfhd, trun))

    return made(len(made(0)) + 8)


@pytest.mark.parametrize("flags", [0, HAS_BASE, BASE_IS_MOOF])
def test_a_fragmented_movie_needs_a_fragment_and_the_last_one_its_media(flags: int) -> None:
    data = b"".join(INIT)
    assert is_cut(data)
    for _ in range(2):
        data += fragment(len(data), flags=flags)
        assert is_cut(data)
        assert is_cut(data + struct.pack(">I", 11))
        data += box(b"mdat", b"run")
        check(data)
    check(data + box(b"mfra", box(b"mfro", bytes(8))))


def test_a_fragment_without_samples_needs_no_media() -> None:
    data = b"".join(INIT)
    check(data + fragment(len(data), count=0))
    check(data + box(b"moof", box(b"mfhd", bytes(8))))


def test_a_fragments_media_may_stand_before_it() -> None:
    data = b"".join(INIT)
    place = len(data) + 8
    data += box(b"mdat", b"run")
    tfhd = box(b"tfhd", struct.pack(">IIQ", HAS_BASE, 1, place))
    check(data + box(b"moof", box(b"traf", tfhd, box(b"trun", struct.pack(">IIi", 1, 1, 0)))))


def test_a_header_that_only_announces_fragments_may_have_all_samples_itself() -> None:
    check(replace(FAST.with_inside(MVEX), tracks=(Track(SAMPLES), Track((), tkhd(2)))).encoded())


class Counted(MemorySource):
    """Counts what is read."""

    read = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.read += length
        return super().read_at(offset, length)


def test_of_a_long_movie_little_is_read() -> None:
    count = 200_000
    for offset, cut in ((200, False), (1 << 40, True)):
        track = Track((b"x",) * count, wide_offsets=True).encoded([offset] * count)
        source = Counted(moov(track))
        found = quicktime.read(source)
        source.read = 0
        try:
            quicktime.check_whole(source, found)
        except TruncatedError:
            assert cut
        else:
            assert not cut
        assert source.read < 16_384
