"""The fixtures themselves: the committed bytes are the generated ones, and they are what their names say.

Not here: what the product makes of them.
"""

from __future__ import annotations

import io

import pytest
from PIL import Image

from fixtures.blocks.jpeg import base, guid_of
from fixtures.catalogue import ALL, JPEGS, Fixture
from fixtures.exiftool import ExifTool
from fixtures.generate import MEDIA, README, committed, readme
from tests.contract.cases import original, segments

CORNERS = {(4, 4): (220, 30, 30), (59, 4): (30, 180, 30), (4, 43): (30, 60, 220), (59, 43): (240, 240, 240)}


def test_the_committed_media_are_what_the_generator_makes() -> None:
    assert {path.name: path.read_bytes() for path in MEDIA.iterdir()} == {
        fixture.name: fixture.build() for fixture in committed()
    }


def test_the_page_about_the_fixtures_is_the_generated_one() -> None:
    assert README.read_text(encoding="utf-8") == readme()


def test_names_are_unique_and_the_files_are_small() -> None:
    assert len({fixture.name for fixture in ALL}) == len(ALL)
    sizes = sorted(len(fixture.build()) for fixture in committed())
    assert sizes[-2] < 20_000
    assert sum(sizes) < 1_000_000


@pytest.mark.parametrize("jpeg", JPEGS, ids=lambda fixture: fixture.name)
def test_every_photo_shows_its_four_corners(jpeg: Fixture) -> None:
    with Image.open(io.BytesIO(original(jpeg.name))) as image:
        assert image.size == (64, 48)
        shown = image.convert("RGB")
    if jpeg.name == "grey.jpg":
        return
    for place, colour in CORNERS.items():
        pixel = shown.getpixel(place)
        assert isinstance(pixel, tuple)
        assert all(abs(a - b) < 12 for a, b in zip(pixel, colour)), (place, pixel)


TRAITS = {
    "maker-note-canon.jpg": ("Canon:OwnerName", "Ada Lovelace"),
    "maker-note-sony.jpg": ("Sony:CreativeStyle", "Standard"),
    "exif-full-with-slack.jpg": ("Sony:CreativeStyle", "Standard"),
    "samsung-trailer.jpg": ("Samsung:TimeStamp", "2021:06:15 12:34:56.789+00:00"),
    "afcp-trailer.jpg": ("AFCP:Text", "Hello from AFCP"),
    "micro-video.jpg": ("XMP-GCamera:MicroVideoOffset", 660),
    "xmp-extended-tags-list.jpg": ("XMP-digiKam:TagsList", ("Places/Harbour",)),
    "c2pa-jumbf.jpg": ("JUMBF:JUMDLabel", "c2pa"),
    "adobe-rgb.jpg": ("Adobe:ColorTransform", 0),
    "exif-big-endian.jpg": ("InteropIFD:InteropIndex", "R98"),
    "iptc-latin1-unmarked.jpg": ("IPTC:By-line", "José Núñez"),
    "photoshop-split.jpg": ("IPTC:City", "Kålltorp"),
    "xmp-utf16-le.jpg": ("XMP-dc:Creator", ("Grace Hopper",)),
    "orientation-6.jpg": ("IFD0:Orientation", 6),
}


@pytest.mark.parametrize("name", TRAITS)
def test_exiftool_sees_the_trait(name: str, exiftool: ExifTool) -> None:
    tag, value = TRAITS[name]
    path = MEDIA / name
    assert exiftool.read(path, f"-{tag}").get(tag) == (value,)


def test_second_images_stand_where_the_mpf_says(exiftool: ExifTool) -> None:
    for name in ("mpf-behind-payloads.jpg", "mpf-before-payloads.jpg", "mpf-alone.jpg"):
        assert exiftool.run(["-b", "-MPImage2", str(MEDIA / name)]) == base("thumbnail.jpg"), name


def test_extended_packets_are_named_by_their_digest() -> None:
    for name in ("xmp-extended.jpg", "xmp-extended-shuffled.jpg", "xmp-extended-subject.jpg"):
        parts = {}
        for marker, payload in segments(original(name))[0]:
            if marker == 0xE1 and payload.startswith(b"http://ns.adobe.com/xmp/extension/\0"):
                parts[payload[71:75]] = (payload[35:67].decode(), payload[75:])
        joined = b"".join(parts[at][1] for at in sorted(parts))
        assert {guid for guid, _ in parts.values()} == {guid_of(joined)}, name
