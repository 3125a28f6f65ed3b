"""What a file is: by its content; the ending only tells raws apart from TIFF.

Not here: reading it.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.errors import EmptyFileError, StructureError
from immich_meta_writers.file_types import DNG, EXPECTED, HEAD, TIFF_RAW, detect, refusal

# docs.immich.app, "Supported formats", and the endings that the server lists beyond it.
IMMICH = (
    "3fr ari arw cap cin cr2 cr3 crw dcr dng erf fff iiq k25 kdc mrw nef nrw orf ori pef psd raf raw rw2 rwl sr2 srf "
    "srw x3f avif bmp gif heic heif hif insp jp2 jpe jpeg jpg jxl mpo png svg tif tiff webp 3gp 3gpp avi flv insv m2t "
    "m2ts m4v mkv mov mp4 mpe mpeg mpg mts mxf ts vob webm wmv"
).split()

HEADS: list[tuple[bytes, str]] = [
    (b"\xff\xd8\xff\xe0", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
    (b"RIFF\0\0\0\0AVI LIST", "AVI"),
    (b"\0\0\0\x18ftypheic", "HEIF"),
    (b"\0\0\0\x18ftypmif1", "HEIF"),
    (b"\0\0\0\x18ftypavif", "AVIF"),
    (b"\0\0\0\x18ftypcrx ", "RAW"),
    (b"\0\0\0\x14ftypqt  ", "MOV"),
    (b"\0\0\0\x14ftypisom", "MP4"),
    (b"\0\0\0\x08wide\0\0\0\0mdat", "MOV"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"BM\x36\x30\0\0\0\0\0\0\x36\0\0\0", "BMP"),
    (b"8BPS", "PSD"),
    (b"\x1a\x45\xdf\xa3", "Matroska"),
    (b"G" + bytes(187) + b"G", "MPEG-TS"),
    (bytes(4) + b"G" + bytes(191) + b"G", "MPEG-TS"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"<svg xmlns=''>", "SVG"),
    (b"\xef\xbb\xbf\n<?xml version='1.0'?>\n<!DOCTYPE svg>\n<svg>", "SVG"),
]


@pytest.mark.parametrize(("head", "name"), HEADS)
@pytest.mark.parametrize("ending", [".jpg", ".MOV", ""])
def test_the_content_decides_and_not_the_name(head: bytes, name: str, ending: str) -> None:
    assert detect(head, f"IMG{ending}").name == name


@pytest.mark.parametrize(("head", "name"), HEADS)
def test_what_is_written_into_has_payloads_and_all_else_a_sidecar(head: bytes, name: str) -> None:
    kind = detect(head, "IMG")
    assert kind.embeds == (name in {"JPEG", "PNG", "GIF", "TIFF", "WebP", "HEIF", "AVIF", "MOV", "MP4", "JPEG XL"})
    assert "XMP" in kind.payloads


@pytest.mark.parametrize("ending", ["NEF", "cr2", "arw", "3FR", "pef", "IIQ"])
def test_a_tiff_by_the_name_of_a_raw_is_one_and_is_not_written(ending: str) -> None:
    assert detect(b"II*\0", f"IMG.{ending}") == TIFF_RAW
    assert not TIFF_RAW.embeds


def test_a_dng_is_embedded_into_and_a_cr2_never() -> None:
    assert detect(b"MM\0*", "IMG.DNG") == DNG
    assert DNG.embeds
    assert detect(b"II*\0\x10\0\0\0CR\2\0", "IMG.tif") == TIFF_RAW


@pytest.mark.parametrize("ending", IMMICH)
def test_every_ending_that_immich_takes_is_known(ending: str) -> None:
    assert EXPECTED[ending].payloads


def test_an_svg_with_a_long_preamble_is_known_by_its_name() -> None:
    head = b"<?xml version='1.0'?><!-- " + b"x" * HEAD
    assert detect(head[:HEAD], "drawing.SVG").name == "SVG"
    with pytest.raises(StructureError):
        detect(head[:HEAD], "page.xml")


def test_no_bytes_are_empty() -> None:
    with pytest.raises(EmptyFileError):
        detect(b"", "IMG.jpg")


@pytest.mark.parametrize(
    "head",
    [
        b"just a text",
        b"<?xml version='1.0'?><html>",
        b"<!DOCTYPE html>",
        b"BMW: a manual",
        b"\xff\xd8",
        b"RIFF\0\0\0\0WAVE",
        b"GG",
        bytes(512),
        b"%PDF-1.7",
        b"PK\3\4",
    ],
)
def test_what_is_neither_photo_nor_video_is_refused(head: bytes) -> None:
    with pytest.raises(StructureError):
        detect(head, "IMG.jpg")


@pytest.mark.parametrize(
    ("head", "name", "words"),
    [
        (b"RIFF\0\0\0\0AVI LIST", "VID.avi", "metadata is not written into AVI files"),
        (
            b"RIFF\0\0\0\0AVI LIST",
            "VID.MOV",
            "by its content this is AVI, though its name ends in .mov: metadata is not written into AVI files",
        ),
        (b"8BPS", "IMG", "by its content this is PSD: metadata is not written into PSD files"),
        (b"8BPS", "IMG.2021", "by its content this is PSD: metadata is not written into PSD files"),
        (b"II*\0", "IMG.NEF", "metadata is not written into TIFF-based raw files"),
        (b"FUJIFILMCCD-RAW", "IMG.raf", "metadata is not written into RAW files"),
        (
            b"II*\0\x10\0\0\0CR\2\0",
            "IMG.tif",
            "by its content this is TIFF-based raw, though its name ends in .tif: "
            "metadata is not written into TIFF-based raw files",
        ),
    ],
)
def test_a_refusal_says_what_the_file_is_when_its_name_does_not(head: bytes, name: str, words: str) -> None:
    assert refusal(detect(head, name), name, "written into") == words


@given(st.binary(max_size=HEAD), st.text(max_size=10))
def test_any_head_is_a_type_or_a_named_error(head: bytes, name: str) -> None:
    with contextlib.suppress(EmptyFileError, StructureError):
        assert detect(head, name).name
