"""What the JPEG container finds, and what it refuses by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from immich_meta_writers.containers import jpeg
from immich_meta_writers.containers.jpeg_segments import MAX_SEGMENTS, MAX_STRAY_BYTES
from immich_meta_writers.errors import DamagedError, EmptyFileError, StructureError, TruncatedError
from immich_meta_writers.source import FileSource, MemorySource
from tests.writers.jpeg import shapes
from tests.writers.jpeg.shapes import ADOBE, COMMENT, FRAME, ICC, JFIF, PACKET, SCAN, SOI, TABLE, TIFF


def read(data: bytes) -> jpeg.JpegFile:
    return jpeg.read(MemorySource(data))


def test_accepts_looks_at_the_first_marker() -> None:
    assert jpeg.accepts(b"\xff\xd8\xff\xe0")
    assert not jpeg.accepts(b"\x89PNG")
    assert not jpeg.accepts(b"\xff\xd8")


def test_a_jpeg_without_application_segments_has_no_payloads() -> None:
    found = read(shapes.jpeg(TABLE, FRAME))
    assert found.payloads.exif is found.payloads.xmp is found.payloads.photoshop is None
    assert found.raster == (640, 480)
    assert found.exif_at is None
    assert not found.c2pa


def test_payloads_are_found_wherever_they_stand() -> None:
    data = shapes.jpeg(ADOBE, COMMENT, shapes.xmp(), JFIF, TABLE, FRAME, shapes.photoshop(b"8BIM"), shapes.exif())
    found = read(data)
    assert found.payloads.xmp == PACKET
    assert found.payloads.photoshop == b"8BIM"
    assert found.payloads.exif == TIFF
    assert found.exif_at == data.index(TIFF)


def test_fill_bytes_and_standalone_markers_are_legal() -> None:
    found = read(shapes.jpeg(b"\xff\xff\xff", shapes.exif(), b"\xff\xd3\xff\x01\xff\xff", shapes.xmp()))
    assert (found.payloads.exif, found.payloads.xmp) == (TIFF, PACKET)
    assert found.notes == ()


def test_bytes_that_belong_to_no_segment_are_skipped_and_named() -> None:
    found = read(shapes.jpeg(shapes.xmp(), b"?>", shapes.exif(), b"\xff\x00"))
    assert (found.payloads.exif, found.payloads.xmp) == (TIFF, PACKET)
    assert found.notes == ("4 bytes between the segments belong to none and stay as they are",)


@pytest.mark.parametrize("name", [b"Exif\0\0", b"Exif\0\xff", b"\0\0Exif\0\0", b"abcdExif\0\0"])
def test_known_spellings_of_the_exif_header_are_read(name: bytes) -> None:
    assert read(shapes.jpeg(shapes.segment(0xE1, name + TIFF))).payloads.exif == TIFF


def test_the_first_exif_segment_that_is_tiff_wins() -> None:
    found = read(shapes.jpeg(shapes.exif(b"nothing"), COMMENT, shapes.exif(), COMMENT, shapes.exif(TIFF + b"2")))
    assert found.payloads.exif == TIFF
    assert len(found.notes) == 2


def test_an_exif_block_that_is_not_tiff_is_handed_out_when_it_is_the_only_one() -> None:
    assert read(shapes.jpeg(shapes.exif(b"nothing"))).payloads.exif == b"nothing"


def test_an_exif_block_over_several_segments_is_joined() -> None:
    found = read(shapes.jpeg(shapes.exif(TIFF + b"1"), shapes.exif(b"2"), shapes.exif(b"3"), shapes.exif(TIFF)))
    assert found.payloads.exif == TIFF + b"123"
    assert len(found.notes) == 1


def test_the_first_xmp_packet_that_is_not_blank_wins() -> None:
    found = read(shapes.jpeg(shapes.xmp(b" \0"), shapes.xmp(b"<a/>"), shapes.xmp(b"<b/>")))
    assert found.payloads.xmp == b"<a/>"
    assert len(found.notes) == 2


def test_blank_packets_only_hand_out_the_first() -> None:
    assert read(shapes.jpeg(shapes.xmp(b" "), shapes.xmp(b"  "))).payloads.xmp == b" "


@pytest.mark.parametrize("name", [b"Photoshop 3.0\0", b"Adobe_Photoshop2.5:", b"Adobe_Photoshop2.5:\0\0\0\0\0\0\0\x01"])
def test_photoshop_headers_of_both_versions_are_read(name: bytes) -> None:
    assert read(shapes.jpeg(shapes.photoshop(b"8BIMrest", name))).payloads.photoshop == b"8BIMrest"


def test_resources_over_several_segments_are_joined_in_order() -> None:
    found = read(shapes.jpeg(shapes.photoshop(b"8BIM"), COMMENT, shapes.photoshop(b"more"), shapes.photoshop(b"!")))
    assert found.payloads.photoshop == b"8BIMmore!"


def test_an_app13_of_another_kind_is_not_photoshop() -> None:
    assert read(shapes.jpeg(shapes.segment(0xED, b"Adobe_CM\0"))).payloads.photoshop is None


def test_a_c2pa_manifest_is_noticed() -> None:
    assert read(shapes.jpeg(shapes.c2pa())).c2pa
    assert not read(shapes.jpeg(shapes.segment(0xEB, b"HDR_RI ver=11"))).c2pa


def test_a_raster_that_is_told_later_is_none() -> None:
    assert read(shapes.jpeg(shapes.segment(0xC2, b"\x08\0\0\x02\x80\x01\x01\x11\0"))).raster is None


BIG = bytes(range(256)) * 9


def test_extended_xmp_is_joined_by_its_offsets_in_any_order() -> None:
    parts = shapes.extension(BIG, 500)
    other = shapes.extension(b"other", 9)
    found = read(shapes.jpeg(shapes.xmp(), parts[3], parts[0], *other, parts[4], parts[1], parts[0], parts[2]))
    assert found.payloads.xmp_extensions == {shapes.guid_of(BIG): BIG, shapes.guid_of(b"other"): b"other"}


def test_overlapping_chunks_that_agree_are_joined() -> None:
    data = shapes.jpeg(shapes.chunk(BIG, 0, BIG[:1500]), shapes.chunk(BIG, 700, BIG[700:]))
    assert read(data).payloads.xmp_extensions == {shapes.guid_of(BIG): BIG}


@pytest.mark.parametrize(
    "parts",
    [
        [shapes.chunk(BIG, 0, BIG[:-1])],
        [shapes.chunk(BIG, 0, BIG + b"!")],
        [shapes.chunk(BIG, 1, BIG[1:])],
        [shapes.chunk(BIG, 0, BIG[:900]), shapes.chunk(BIG, 901, BIG[901:])],
        [shapes.chunk(BIG, 0, BIG[:900]), shapes.chunk(BIG, 800, bytes(len(BIG) - 800))],
        [shapes.chunk(BIG, 0, BIG[:900]), shapes.chunk(BIG, 900, BIG[900:], total=7)],
        [shapes.chunk(BIG, 0, BIG, total=0xFFFFFFFF)],
        [shapes.chunk(BIG, 0xFFFFFFF0, BIG)],
        [shapes.chunk(BIG, 0, BIG, guid="not a guid, but 32 bytes anyway.")],
        [shapes.segment(0xE1, shapes.EXTENSION_NAME + b"short")],
    ],
    ids=["short", "long", "late", "gap", "differ", "totals", "huge", "far", "guid", "cut"],
)
def test_an_extended_packet_that_lies_is_left_alone_and_named(parts: list[bytes]) -> None:
    found = read(shapes.jpeg(shapes.xmp(), *parts))
    assert found.payloads.xmp_extensions == {}
    assert len(found.notes) == 1


def test_an_empty_file_is_refused_by_name() -> None:
    with pytest.raises(EmptyFileError):
        read(b"")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"GIF89a" + bytes(90), StructureError),
        (SOI, TruncatedError),
        (SOI + b"\xff", TruncatedError),
        (SOI + b"\xff\xd9", StructureError),
        (SOI + b"\xff\xe0\0\x01" + SCAN, StructureError),
        (SOI + b"\xff\xe0\0\0" + SCAN, StructureError),
        (SOI + b"\xff\xe0\xff\xff" + SCAN, TruncatedError),
        (SOI + b"\xff\xe0\x10", TruncatedError),
        (SOI + shapes.segment(0xC0, b"\x08\0\x01") + SCAN, StructureError),
        (SOI + bytes(MAX_STRAY_BYTES + 9) + SCAN, StructureError),
        (SOI + b"\xff" * (MAX_STRAY_BYTES + 9) + SCAN, StructureError),
        (SOI + COMMENT * (MAX_SEGMENTS + 1) + SCAN, StructureError),
    ],
)
def test_a_lying_structure_is_refused_by_name(data: bytes, error: type[DamagedError]) -> None:
    with pytest.raises(error):
        read(data)


def test_truncation_at_every_byte_is_refused_or_seen_before_writing() -> None:
    data = shapes.jpeg(JFIF, shapes.exif(), shapes.xmp(), ICC, shapes.photoshop(b"8BIM"), FRAME, TABLE)
    for end in range(len(data)):
        source = MemorySource(data[:end])
        with pytest.raises(DamagedError):
            jpeg.check_whole(source, jpeg.read(source))
    whole = MemorySource(data)
    jpeg.check_whole(whole, jpeg.read(whole))


@pytest.mark.parametrize("trailer", [b"", b"\0" * 5000, bytes(range(70)), b"\0" * 3_000_000, b"\xff\xd8\xff\xd9"])
def test_a_whole_image_has_its_end_before_any_trailer(trailer: bytes) -> None:
    source = MemorySource(shapes.jpeg(JFIF, trailer=trailer))
    jpeg.check_whole(source, jpeg.read(source))


@pytest.mark.parametrize("distance", [62, 63, 64, (1 << 20) + 63, (1 << 20) + 64])
def test_an_end_across_two_chunks_is_found(distance: int) -> None:
    source = MemorySource(shapes.jpeg(trailer=bytes(distance)))
    jpeg.check_whole(source, jpeg.read(source))


def test_the_end_of_a_thumbnail_in_the_header_is_not_the_image_s() -> None:
    source = MemorySource(SOI + shapes.exif(TIFF + SOI + SCAN + b"\xff\xd9") + SCAN)
    with pytest.raises(TruncatedError):
        jpeg.check_whole(source, jpeg.read(source))


@pytest.mark.parametrize(("end", "most"), [(b"\xff\xd9", 190_000), (b"a trailer", 260_000)])
def test_of_a_large_photo_only_the_header_and_the_end_are_read(tmp_path: Path, end: bytes, most: int) -> None:
    path = tmp_path / "large.jpg"
    segments = [JFIF, shapes.exif(), shapes.xmp(), *[shapes.segment(0xE2, bytes(65000))] * 20, FRAME]
    path.write_bytes(shapes.jpeg(*segments) + bytes(5_000_000) + end)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        source = FileSource(descriptor, path.stat().st_size)
        found = jpeg.read(source)
        assert found.raster == (640, 480)
        assert source.bytes_read < most
    finally:
        os.close(descriptor)
