"""What a file is: by its content; the ending only tells raws apart from TIFF.

Not here: reading it.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.errors import EmptyFileError, StructureError
from immich_meta_writers.file_types import HEAD, FileType, detect

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
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (b"\xff\x0a", "JXL"),
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
    assert detect(head, f"IMG{ending}") == FileType(name, embeds=name == "JPEG")


@pytest.mark.parametrize("ending", ["dng", "NEF", "cr2", "arw"])
def test_a_tiff_by_the_name_of_a_raw_is_one(ending: str) -> None:
    assert detect(b"II*\0", f"IMG.{ending}") == FileType("RAW", embeds=False)


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


@given(st.binary(max_size=HEAD), st.text(max_size=10))
def test_any_head_is_a_type_or_a_named_error(head: bytes, name: str) -> None:
    with contextlib.suppress(EmptyFileError, StructureError):
        assert detect(head, name).name
