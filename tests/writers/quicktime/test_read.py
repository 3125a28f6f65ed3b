"""What the movie container finds."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta_writers.containers import quicktime
from immich_meta_writers.errors import DamagedError, StructureError, TruncatedError, UnsupportedError, WriterError
from immich_meta_writers.source import MemorySource
from tests.writers.quicktime import movies
from tests.writers.quicktime.movies import (
    IDENTITY,
    LOCATION,
    MDAT,
    MOOV,
    PACKET,
    SAMPLES,
    Movie,
    Track,
    box,
    ftyp,
    mvhd,
    tkhd,
)

QT = ftyp(b"qt  ")


def read(data: bytes) -> quicktime.QuickTimeFile:
    return quicktime.read(MemorySource(data))


def test_atoms_are_the_contents_of_the_boxes_by_path() -> None:
    meta = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    found = read(Movie().with_inside(box(b"meta", meta), box(b"udta", LOCATION, bytes(4))).encoded())
    atoms = found.payloads.atoms
    assert set(atoms) == {
        "ftyp", "mvhd", "trak1/tkhd", "trak1/mdhd", "trak2/tkhd", "trak2/mdhd", "meta", "udta"
    }  # fmt: skip
    assert atoms["mvhd"] == mvhd()[8:]
    assert atoms["trak2/tkhd"] == tkhd(2)[8:]
    assert atoms["meta"] == meta
    assert atoms["udta"] == LOCATION + bytes(4)
    assert found.payloads.xmp is None
    assert not found.notes


def test_boxes_at_other_levels_are_not_payloads() -> None:
    track = Track(SAMPLES, extra=box(b"udta", LOCATION) + box(b"meta", bytes(12)))
    found = read(Movie((ftyp(), MDAT, box(b"meta", bytes(12)), MOOV), (track,)).encoded())
    assert set(found.payloads.atoms) == {"ftyp", "mvhd", "trak1/tkhd", "trak1/mdhd"}


@pytest.mark.parametrize("rest", [b"", LOCATION, LOCATION + bytes(4)], ids=["alone", "behind", "before zeros"])
def test_user_data_are_handed_out_without_their_packet(rest: bytes) -> None:
    at = len(rest.rstrip(b"\0"))
    udta = box(b"udta", rest[:at], box(b"XMP_", PACKET), rest[at:])
    found = read(Movie((QT, MDAT, MOOV)).with_inside(udta).encoded())
    assert found.payloads.xmp == PACKET
    assert found.payloads.atoms["udta"] == rest


def test_a_packet_is_found_in_any_of_several_user_data() -> None:
    two = (box(b"udta", LOCATION), box(b"udta", box(b"XMP_", PACKET)))
    found = read(Movie((QT, MDAT, MOOV)).with_inside(*two).encoded())
    assert found.payloads.xmp == PACKET
    assert found.payloads.atoms["udta"] == LOCATION
    assert "another udta" in found.notes[0]


@pytest.mark.parametrize("top", [(ftyp(), movies.uuid(PACKET), MDAT, MOOV), (QT, MDAT, MOOV, movies.uuid(PACKET))])
def test_a_packet_at_top_level_counts_in_both_families(top: tuple[object, ...]) -> None:
    assert read(Movie(top).encoded()).payloads.xmp == PACKET


@pytest.mark.parametrize(("brand", "chosen"), [(b"isom", b"uuid"), (b"qt  ", b"udta")])
def test_of_two_packets_the_one_at_the_family_s_own_place_counts(brand: bytes, chosen: bytes) -> None:
    top = (ftyp(brand), MDAT, MOOV, movies.uuid(PACKET + b"uuid"))
    found = read(Movie(top).with_inside(box(b"udta", box(b"XMP_", PACKET + b"udta"))).encoded())
    assert found.payloads.xmp == PACKET + chosen
    assert "another XMP packet" in found.notes[0]


def test_a_blank_packet_is_none() -> None:
    assert read(Movie((ftyp(), MDAT, MOOV, movies.uuid(bytes(100)))).encoded()).payloads.xmp is None


ROTATIONS = {
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0),
}  # fmt: skip


def matrix(a: float, b: float, c: float, d: float) -> tuple[int, ...]:
    w, x, y, z = (round(part * 65536) for part in (a, b, c, d))
    return (w, x, 0, y, z, 0, 64 << 16, 48 << 16, 1 << 30)


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("orientation", ROTATIONS)
def test_the_matrix_of_the_track_is_the_orientation(orientation: int, version: int) -> None:
    header = tkhd(matrix=matrix(*ROTATIONS[orientation]), version=version)
    found = read(Movie(tracks=(Track(SAMPLES, header),), first=mvhd(version)).encoded())
    assert (found.orientation, found.raster) == (orientation, (64, 48))


def test_the_matrix_of_the_movie_turns_the_track_once_more() -> None:
    quarter = matrix(*ROTATIONS[6])
    found = read(Movie(tracks=(Track(SAMPLES, tkhd(matrix=quarter)),), first=mvhd(matrix=quarter)).encoded())
    assert found.orientation == 3


@pytest.mark.parametrize(
    ("numbers", "orientation"),
    [
        ((0.7071, 0.7071, -0.7071, 0.7071), 1),
        ((1, 0.5, 0, 1), 1),
        ((0, 0, 0, 0), 1),
        ((0, 2, -2, 0), 6),
        ((0.0001, 1, -1, 0.0001), 6),
    ],
    ids=["half-right", "slanted", "none", "enlarged", "rounded"],
)
def test_what_is_no_turn_by_right_angles_is_upright(numbers: tuple[float, ...], orientation: int) -> None:
    header = tkhd(matrix=matrix(*numbers))
    assert read(Movie(tracks=(Track(SAMPLES, header),)).encoded()).orientation == orientation


def test_the_first_enabled_video_track_is_the_picture() -> None:
    tracks = (
        Track(SAMPLES[:2], tkhd(1, size=(1, 1)), handler=b"soun"),
        Track(SAMPLES[2:4], tkhd(2, size=(2, 2), on=0)),
        Track(SAMPLES[4:6], tkhd(3, size=(1440.5, 1080))),
    )
    assert read(Movie(tracks=tracks).encoded()).raster == (1441, 1080)
    assert read(Movie(tracks=tracks[:2]).encoded()).raster == (2, 2)
    found = read(Movie(tracks=tracks[:1]).encoded())
    assert (found.raster, found.orientation) == (None, 1)


def test_a_header_without_a_size_leaves_it_to_the_sample_description() -> None:
    track = Track(SAMPLES, tkhd(size=(0, 0)), described=(320, 240))
    assert read(Movie(tracks=(track,)).encoded()).raster == (320, 240)
    assert read(Movie(tracks=(replace(track, described=(0, 0)),)).encoded()).raster is None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (ftyp(), True),
        (QT, True),
        (ftyp(b"M4V "), True),
        (ftyp(b"3gp5"), True),
        (box(b"mdat", bytes(20)), True),
        (box(b"wide"), True),
        (box(b"pnot", bytes(12)), True),
        (ftyp(b"heic"), False),
        (ftyp(b"avif"), False),
        (ftyp(b"crx "), False),
        (ftyp(b"jp2 "), False),
        (b"tax-free money", False),
        (b"\xff\xd8\xff\xe0", False),
        (b"", False),
    ],
)
def test_movies_are_known_by_their_brand_or_their_first_box(head: bytes, expected: bool) -> None:
    assert quicktime.accepts(head) is expected


@pytest.mark.parametrize("first", [box(b"wide"), movies.free(16), box(b"pnot", bytes(12)) + box(b"PICT", b"picture")])
def test_movies_from_before_brands_are_read(first: bytes) -> None:
    found = read(Movie((first, MDAT, MOOV)).encoded())
    assert found.payloads.atoms["mvhd"] == mvhd()[8:]
    assert "ftyp" not in found.payloads.atoms


@pytest.mark.parametrize(
    "movie",
    [
        Movie(large_mdat=True, large_moov=True),
        Movie((ftyp(), MOOV, MDAT), open_mdat=True),
        Movie((ftyp(), MOOV, movies.free(8), MDAT, MDAT)),
        Movie(trailer=b"\x89\x00trailer"),
        Movie(trailer=bytes(4096)),
    ],
    ids=["64 bits", "open", "several mdat", "trailer", "zeros"],
)
def test_sizes_of_all_kinds_are_followed(movie: Movie) -> None:
    assert read(movie.encoded()).payloads.atoms["mvhd"] == mvhd()[8:]


@pytest.mark.parametrize("trailer", [b"TAGof a song".ljust(128), b"\x7f\xff\xff\xffinsta360"])
def test_a_trailer_may_look_like_a_box_that_is_too_long(trailer: bytes) -> None:
    found = read(Movie(trailer=trailer).encoded())
    assert found.size - found.movie.end == len(trailer)


def test_credentials_are_noticed() -> None:
    c2pa = box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), b"manifest")
    assert read(Movie((ftyp(), c2pa, MDAT, MOOV)).encoded()).c2pa
    assert not read(Movie().encoded()).c2pa


def test_user_data_that_are_no_boxes_do_not_matter() -> None:
    found = read(Movie().with_inside(box(b"udta", b"\xff" * 40)).encoded())
    assert found.payloads.atoms["udta"] == b"\xff" * 40


def test_too_much_user_data_are_left_alone_with_a_note() -> None:
    found = read(Movie().with_inside(box(b"udta", box(b"blob", bytes((16 << 20) + 1)))).encoded())
    assert "udta" not in found.payloads.atoms
    assert "udta is too large" in found.notes[0]


def test_a_second_movie_header_is_left_alone_with_a_note() -> None:
    found = read(Movie((ftyp(), MDAT, MOOV, MOOV)).encoded())
    assert "another moov" in found.notes[0]


def test_a_reference_movie_has_no_header_of_its_own() -> None:
    found = read(QT + box(b"moov", box(b"rmra", box(b"rmda", bytes(20)))))
    assert set(found.payloads.atoms) == {"ftyp"}


def test_a_compressed_header_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="cmov"):
        read(QT + box(b"moov", box(b"cmov", bytes(20))))


def test_a_huge_packet_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="16 MiB"):
        read(Movie((ftyp(), MDAT, MOOV, movies.uuid(b"x" * ((16 << 20) + 1)))).encoded())


def test_a_file_without_a_movie_header_is_no_movie() -> None:
    with pytest.raises(StructureError, match="moov"):
        read(Movie((ftyp(), MDAT), ()).encoded())


@pytest.mark.parametrize("movie", [Movie(), Movie((ftyp(), MOOV, MDAT))], ids=["moov last", "moov first"])
def test_cut_anywhere_it_is_one_named_error(movie: Movie) -> None:
    data = movie.encoded()
    for size in range(len(data)):
        try:
            found = read(data[:size])
        except DamagedError:
            continue
        assert found.movie.end < len(data), "a cut box was taken for a trailer of less than a header"
        assert size - found.movie.end < 8
        assert found.payloads.atoms["mvhd"] == mvhd()[8:]


def test_cut_media_data_are_a_truncation() -> None:
    for movie in (Movie(), Movie((ftyp(), MOOV, MDAT))):
        data = movie.encoded()
        with pytest.raises(TruncatedError):
            read(data[: data.index(b"sample 8") + 4])


def _lies() -> list[tuple[str, bytes]]:
    data = Movie((ftyp(), MOOV, MDAT)).with_inside(box(b"udta", LOCATION)).encoded()
    found = []
    for kind in (b"ftyp", b"moov", b"mvhd", b"trak", b"tkhd", b"mdia", b"mdhd", b"hdlr", b"minf", b"mdat"):
        at = data.index(kind) - 4
        for size in (1, 2, 7, 0x7FFFFFFF, 0xFFFFFFFF):
            found.append((f"{kind.decode()} {size}", data[:at] + struct.pack(">I", size) + data[at + 4 :]))
    large = Movie(large_mdat=True, large_moov=True).encoded()
    for kind in (b"moov", b"mdat"):
        at = large.index(kind) + 4
        for size in (0, 15, 1 << 40, (1 << 64) - 1, (1 << 63) + 5):
            found.append((f"{kind.decode()} 64 {size}", large[:at] + struct.pack(">Q", size) + large[at + 8 :]))
    return found


@pytest.mark.parametrize("data", [lie for _, lie in _lies()], ids=[name for name, _ in _lies()])
def test_lying_sizes_are_named(data: bytes) -> None:
    with pytest.raises(DamagedError):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        ftyp() + box(b"moov", box(b"free") * 100_000),
        ftyp() + box(b"moov", mvhd(), box(b"trak") * 5_000),
        ftyp() + box(b"moov", *[box(b"trak", box(b"free") * 9_000)] * 9),
    ],
    ids=["moov", "tracks", "in tracks"],
)
def test_too_many_boxes_are_refused(data: bytes) -> None:
    with pytest.raises(StructureError):
        read(data)


def test_a_recording_in_very_many_pieces_is_sound_and_takes_a_sidecar() -> None:
    with pytest.raises(UnsupportedError):
        read(ftyp() + box(b"free") * 100_000)


def test_depth_is_no_danger() -> None:
    data = b""
    for _ in range(20_000):
        data = struct.pack(">I4s", len(data) + 8, b"trak") + data if len(data) < 100_000 else data
    found = read(ftyp() + box(b"moov", mvhd(), data))
    assert found.orientation == 1


def test_an_unchanged_movie_is_read_in_no_time(tmp_path: Path) -> None:
    data = Movie((QT, MDAT, MOOV)).with_inside(box(b"udta", box(b"XMP_", PACKET))).encoded()
    source = MemorySource(data)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        quicktime.read(source)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.002


def test_matrices_are_never_trusted_beyond_their_box() -> None:
    for header in (box(b"tkhd", bytes(20)), box(b"tkhd"), box(b"tkhd", b"\1\0\0\1" + bytes(80))):
        found = read(Movie(tracks=(Track(SAMPLES, header, described=(8, 6)),)).encoded())
        assert (found.raster, found.orientation) == ((8, 6), 1)
    assert IDENTITY[0] == 0x10000


def test_every_byte_of_the_headers_may_be_anything() -> None:
    data = Movie((QT, MOOV, MDAT)).with_inside(box(b"udta", box(b"XMP_", PACKET), bytes(4))).encoded()
    causes = set()
    for at in range(data.index(b"mdat") + 4):
        for value in (0, 0xFF):
            try:
                read(data[:at] + bytes([value]) + data[at + 1 :])
            except WriterError as error:
                causes.add((type(error), error.place != ""))
    assert causes == {(StructureError, True), (TruncatedError, True)}
