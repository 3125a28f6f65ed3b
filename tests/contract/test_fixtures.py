"""The fixtures themselves: the committed bytes are the generated ones, and they are what their names say.

Not here: what the product makes of them.
"""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageOps, features

from fixtures.blocks.jpeg import base, guid_of
from fixtures.catalogue import ALL, CHAPTERS, TURNED, Fixture
from fixtures.exiftool import ExifTool
from fixtures.generate import MEDIA, README, committed, readme
from tests.conftest import absent
from tests.contract.cases import original
from tests.contract.readers import register_heif, streams
from tests.contract.skeletons import segments

# DNG: Pillow shows the thumbnail. JPEG XL and big-endian BigTIFF: Pillow does not know them.
UNSEEN = ("xmp", "dng", "jxl", "mp4", "m4v", "3gp", "mov")
PICTURES = tuple(fixture for fixture in ALL if fixture.ending not in UNSEEN and fixture.name != "big-pages.tiff")
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


@pytest.mark.parametrize("picture", PICTURES, ids=lambda fixture: fixture.name)
def test_every_picture_shows_its_four_corners(picture: Fixture) -> None:
    """In the stored raster: what readers turn is turned back."""
    if picture.ending in ("heic", "heics", "heif", "hif"):
        register_heif()
    if picture.ending == "avif" and not features.check("avif"):
        absent("avif")
    with Image.open(io.BytesIO(original(picture.name))) as image:
        shown = _stored(image, picture)
    assert shown.size == (64, 48)
    if picture.name == "grey.jpg":
        return
    for place, colour in CORNERS.items():
        pixel = shown.getpixel(place)
        assert isinstance(pixel, tuple)
        assert all(abs(a - b) < 12 for a, b in zip(pixel, colour)), (place, pixel)


def _stored(image: Image.Image, picture: Fixture) -> Image.Image:
    """Pillow turns TIFFs when it loads them, libheif by irot and imir; AVIFs say so in a made-up Exif."""
    turned = picture.ending in ("tif", "heic", "heics", "hif")
    image.load()
    orientation = picture.orientation if turned else 1
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose
    shown = image.convert("RGB")
    return shown.transpose(Image.Transpose(back[orientation])) if orientation > 1 else shown


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "webp", "tif", "heic"])
def test_pictures_are_turned_as_a_jpeg_is(ending: str, orientation: int) -> None:
    """The corners, as an independent reader shows them, are those of a JPEG with that Orientation."""
    register_heif()
    with Image.open(io.BytesIO(original(f"orientation-{orientation}.jpg"))) as jpeg:
        wanted = ImageOps.exif_transpose(jpeg).convert("RGB")
    with Image.open(io.BytesIO(TURNED[ending](orientation))) as image:
        image.load()
        # libheif has turned it already, and its Exif says something else.
        shown = (image if ending == "heic" else ImageOps.exif_transpose(image)).convert("RGB")
    assert shown.size == wanted.size
    for x, y in ((4, 4), (wanted.width - 5, 4), (4, wanted.height - 5)):
        pairs = zip(shown.getpixel((x, y)), wanted.getpixel((x, y)))  # type: ignore[arg-type]
        assert all(abs(a - b) < 24 for a, b in pairs)


@pytest.mark.parametrize("movie", CHAPTERS["MP4 and MOV"], ids=lambda fixture: fixture.name)
def test_every_movie_plays(movie: Fixture) -> None:
    found = streams(MEDIA / movie.name)
    assert sum(",v," in line for line in found) == 1
    assert sum(",a," in line for line in found) == (movie.name != "fragmented-dash.mp4")


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
    "exif-behind-idat.png": ("XMP-dc:Creator", ("Grace Hopper",)),
    "xmp-compressed.png": ("XMP-dc:Creator", ("Grace Hopper",)),
    "raw-profiles.png": ("IPTC:Keywords", "harbour"),
    "animated.png": ("PNG:AnimationFrames", 2),
    "many-chunks.png": ("PNG:Comment", "kept"),
    "exif-with-prefix.webp": ("InteropIFD:InteropIndex", "R98"),
    "flags-unset.webp": ("IFD0:Make", "Acme"),
    "big.tiff": ("IFD0:Make", "Acme"),
    "pages.tif": ("IFD2:DocumentName", "page two"),
    "iptc-long-swapped.tif": ("IPTC:By-line", "Grace Hopper"),
    "iptc-long.tif": ("IPTC:By-line", "Grace Hopper"),
    "photoshop.tif": ("IPTC2:By-line", "Grace Hopper"),
    "maker-note.dng": ("Canon:OwnerName", "Ada Lovelace"),
    "camera.dng": ("SubIFD:ImageWidth", 64),
    "exif-only.heic": ("InteropIFD:InteropIndex", "R98"),
    "iloc-no-offset.heic": ("XMP-dc:Creator", ("Grace Hopper",)),
    "iloc-eight.heic": ("XMP-dc:Creator", ("Grace Hopper",)),
    "iloc-v2.heic": ("IFD0:Make", "Acme"),
    "extents.heic": ("IFD0:Make", "Acme"),
    "turned.heic": ("QuickTime:Rotation", 270),
    "brob.jxl": ("File:FileType", "JXL"),
    "before-codestream.jxl": ("IFD0:Make", "Acme"),
    "xmp.gif": ("XMP-dc:Creator", ("Grace Hopper",)),
    "icc.gif": ("ICC_Profile:ProfileCopyright", "No rights reserved"),
    "xmp-uuid.mp4": ("XMP-dc:Creator", ("Grace Hopper",)),
    "xmp-udta.mov": ("XMP-dc:Creator", ("Grace Hopper",)),
    "itunes.mp4": ("ItemList:Description", "of somebody"),
    "android.mp4": ("UserData:GPSCoordinates", "-41.2889 174.7699"),
    "phone.mov": ("Keys:CreationDate", "2015:06:15 14:34:56+02:00"),
    "live-photo.mov": ("Keys:ContentIdentifier", "5C0D1A7E-42B8-4B2E-9D0A-3C4F8A1B2C3D"),
    "gopro.mp4": ("UserData:FirmwareVersion", "HD9.01.01.60.00"),
    "turned.mp4": ("Composite:Rotation", 90),
    "version-1.mp4": ("QuickTime:CreateDate", "2015:06:15 12:34:56"),
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
