"""What the HEIF container finds: the items of the primary image, and nothing of any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta_writers.containers import heif
from immich_meta_writers.errors import EmptyFileError, WriterError
from immich_meta_writers.source import FileSource, MemorySource
from tests.writers.heif.pictures import (
    PACKET,
    PREFIX,
    TIFF,
    Item,
    Picture,
    box,
    exif_item,
    full,
    image,
    plain,
    xmp_item,
)


def read(data: bytes) -> heif.HeifFile:
    return heif.read(MemorySource(data))


@pytest.mark.parametrize(
    ("brands", "is_ours"),
    [
        (b"heic\0\0\0\0mif1heic", True),
        (b"mif1\0\0\0\0heic", True),
        (b"avif\0\0\0\0mif1miaf", True),
        (b"avis\0\0\0\0avif", True),
        (b"msf1\0\0\0\0hevc", True),
        (b"SAMS\0\0\0\0mif1heic", True),
        (b"crx \0\0\0\1crx isom", False),
        (b"crx \0\0\0\1mif1", False),
        (b"isom\0\0\0\0mp41", False),
        (b"mp42\0\0\0\0mp42mif1", False),
        (b"qt  \0\0\0\0qt  ", False),
        (b"3gp5\0\0\0\0heic", False),
    ],
)
def test_the_brands_tell(brands: bytes, is_ours: bool) -> None:
    assert heif.accepts(box(b"ftyp", brands) + b"heic") is is_ours


def test_what_does_not_begin_with_a_brand_is_not_ours() -> None:
    assert not heif.accepts(b"")
    assert not heif.accepts(b"\xff\xd8\xff\xe1heicmif1")
    assert not heif.accepts(box(b"moov", b"heic\0\0\0\0heic"))


def test_both_payloads_are_found() -> None:
    found = read(plain(exif_item(2), xmp_item(3)).encode())
    assert (found.payloads.exif, found.payloads.xmp) == (TIFF, PACKET)
    assert (found.raster, found.notes, found.c2pa, found.room.padding) == ((64, 48), (), False, 2048)


@pytest.mark.parametrize(
    "prefix",
    [PREFIX, bytes(4), b"", b"Exif\0\0", b"\0\0\0\0Exif\0\0", b"\0\0\0\3abc", b"\xff\xff\xff\xff", b"\0\0\0\6"],
)
def test_the_tiff_block_is_found_behind_every_prefix(prefix: bytes) -> None:
    data = plain(exif_item(2, prefix + TIFF)).encode()
    found = read(data)
    assert found.payloads.exif == TIFF
    # And the file keeps its own form.
    made = heif.patch(found, replace(found.payloads, exif=TIFF + b"more of it")).apply(data)
    assert prefix + TIFF + b"more of it" in made


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\6", PREFIX])
def test_an_exif_item_without_a_block_is_none(data: bytes) -> None:
    found = read(plain(exif_item(2, data)).encode())
    assert not found.payloads.exif


@pytest.mark.parametrize("sizes", [(4, 4, 0, 0), (4, 4, 4, 4), (8, 8, 8, 8), (0, 4, 4, 0), (0, 8, 8, 4), (4, 8, 8, 0)])
@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("order", [("meta", "mdat"), ("mdat", "meta")])
def test_every_form_of_item_locations(sizes: tuple[int, int, int, int], version: int, order: tuple[str, ...]) -> None:
    picture = plain(exif_item(2, with_base=True), xmp_item(3), sizes=sizes, version=version, order=order)
    found = read(picture.encode())
    assert (found.payloads.exif, found.payloads.xmp) == (TIFF, PACKET)


def test_extents_are_joined_and_idat_is_read() -> None:
    found = read(plain(exif_item(2, pieces=3), xmp_item(3, home="idat")).encode())
    assert (found.payloads.exif, found.payloads.xmp) == (TIFF, PACKET)


def test_wide_ids_and_counts() -> None:
    items = (image(70000), exif_item(70001, to=(70000,)), xmp_item(70002, to=(70000,)))
    found = read(Picture(items, primary=70000, version=2, wide_count=True).encode())
    assert (found.payloads.exif, found.payloads.xmp) == (TIFF, PACKET)


def test_what_describes_another_image_is_not_ours() -> None:
    found = read(Picture((image(1), image(2), exif_item(3, to=(2,)), xmp_item(4, to=(2,)))).encode())
    assert (found.payloads.exif, found.payloads.xmp) == (None, None)
    assert found.notes == (
        "another Exif item (3) describes item 2 and stays as it is",
        "another XMP item (4) describes item 2 and stays as it is",
    )


def test_of_two_the_one_for_the_primary_is_ours() -> None:
    items = (image(1), image(2), xmp_item(3, b"<other/>", to=(2,)), xmp_item(4, to=(2, 1)), xmp_item(5, b"<third/>"))
    found = read(Picture(items).encode())
    assert found.payloads.xmp == PACKET
    assert found.notes[-1] == "another XMP item (5) stays as it is"


def test_an_item_that_describes_nothing_is_ours_when_it_is_alone() -> None:
    found = read(plain(exif_item(2, to=()), xmp_item(3, b"<loose/>", to=()), xmp_item(4)).encode())
    assert (found.payloads.exif, found.payloads.xmp) == (TIFF, PACKET)


@pytest.mark.parametrize(
    "item", [xmp_item(2, protection=1), xmp_item(2, encoding=b"deflate")], ids=["protected", "compressed"]
)
def test_an_item_that_cannot_be_read_is_left_alone(item: Item) -> None:
    found = read(plain(item, exif_item(3)).encode())
    assert (found.payloads.exif, found.payloads.xmp) == (TIFF, None)
    assert len(found.notes) == 1
    assert found.notes[0].endswith("and stays as it is")


def test_an_item_with_an_empty_encoding_is_read() -> None:
    assert read(plain(xmp_item(2, encoding=b"")).encode()).payloads.xmp == PACKET


def test_a_file_without_a_primary_image_has_no_payloads() -> None:
    assert read(box(b"ftyp", b"msf1\0\0\0\0hevc") + box(b"moov", full(b"mvhd", 0, bytes(96)))).meta is None
    assert read(Picture((image(1), xmp_item(2)), primary=None).encode()).payloads.xmp is None


@pytest.mark.parametrize(
    "extra", [box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), b"manifest"), box(b"jumb", b"c2pa")]
)
def test_content_credentials_are_seen(extra: bytes) -> None:
    assert read(plain(order=("c2pa", "meta", "mdat"), extra={"c2pa": extra}).encode()).c2pa
    assert not read(plain(order=("x", "meta", "mdat"), extra={"x": box(b"uuid", bytes(16))}).encode()).c2pa


def test_a_file_without_bytes() -> None:
    with pytest.raises(EmptyFileError):
        read(b"")


def test_only_metadata_is_read(tmp_path: Path) -> None:
    huge = image(1, bytes(3_000_000))
    path = tmp_path / "huge.heic"
    path.write_bytes(Picture((huge, exif_item(2), xmp_item(3))).encode())
    with path.open("rb") as file:
        source = FileSource(file.fileno(), path.stat().st_size)
        assert heif.read(source).payloads.xmp == PACKET
        assert source.bytes_read < 70_000


def test_real_files(shared: Path) -> None:
    folders = (shared / "media").rglob("*")
    paths = [path for path in folders if path.suffix.lower() in (".heic", ".heif", ".avif")]
    assert paths
    for path in paths:
        data = path.read_bytes()
        if heif.accepts(data[:512]):
            try:
                found = read(data)
            except WriterError as error:
                assert error.place  # noqa: PT017
            else:
                assert found.raster
                assert not heif.patch(found, found.payloads).splices
