"""How irot and imir turn the raster, judged by the pixels that libheif decodes; and the raster itself."""

from __future__ import annotations

import io
import itertools
import struct
from dataclasses import replace

import pytest

from immich_meta_writers.containers import heif
from immich_meta_writers.containers.heif_properties import read_properties
from immich_meta_writers.containers.isobmff import boxes
from immich_meta_writers.source import MemorySource
from tests.writers.heif.conftest import HEIGHT, WIDTH, Coded
from tests.writers.heif.pictures import PREFIX, Picture, box, exif_item, full, image, inside, plain

# What EXIF Orientation 1-8 does to a stored image, as Pillow's own constants (Exif 3.0, 4.6.5.1.6).
TURNS = (None, 0, 3, 1, 5, 4, 6, 2)


def read(data: bytes) -> heif.HeifFile:
    return heif.read(MemorySource(data))


def irot(angle: int) -> bytes:
    return box(b"irot", bytes((angle,)))


def imir(axis: int) -> bytes:
    return box(b"imir", bytes((axis,)))


def ispe(width: int, height: int) -> bytes:
    return full(b"ispe", 0, struct.pack(">II", width, height))


def turned(coded: Coded, *turns: bytes) -> bytes:
    first = len(coded.properties) + 1
    item = coded.item(1, *range(first, first + len(turns)))
    return Picture((item,), properties=(*coded.properties, *turns)).encode()


SHAPES = [
    pytest.param(turns, id="-".join(names) or "none")
    for names, turns in [
        ((), ()),
        *(((f"imir{axis}",), (imir(axis),)) for axis in (0, 1)),
        *(((f"irot{angle}",), (irot(angle),)) for angle in range(4)),
        *(
            ((f"irot{angle}", f"imir{axis}"), (irot(angle), imir(axis)))
            for angle, axis in itertools.product(range(4), (0, 1))
        ),
        *(
            ((f"imir{axis}", f"irot{angle}"), (imir(axis), irot(angle)))
            for angle, axis in itertools.product(range(4), (0, 1))
        ),
    ]
]


@pytest.mark.parametrize("turns", SHAPES)
def test_the_orientation_is_what_a_decoder_does(coded: Coded, turns: tuple[bytes, ...]) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    from PIL import Image, ImageChops

    def shown(data: bytes) -> Image.Image:
        picture = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
        return Image.frombytes("RGB", picture.size, bytes(picture.data), "raw", "RGB", picture.stride)

    stored, decoded = shown(turned(coded)), shown(turned(coded, *turns))
    method = TURNS[read(turned(coded, *turns)).orientation - 1]
    expected = stored if method is None else stored.transpose(Image.Transpose(method))
    assert decoded.size == expected.size
    assert max(high for _, high in ImageChops.difference(decoded, expected).getextrema()) < 40


def test_the_exif_orientation_does_not_count() -> None:
    block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    assert read(plain(exif_item(2, PREFIX + block)).encode()).orientation == 1


def test_the_raster_is_that_of_the_primary_item() -> None:
    picture = Picture(
        (image(1, properties=(1,)), image(2, properties=(2,))), properties=(ispe(64, 48), ispe(160, 120)), primary=2
    )
    assert read(picture.encode()).raster == (160, 120)


def test_the_raster_of_a_grid_is_its_output() -> None:
    tiles = [image(number, properties=(1,)) for number in (1, 2)]
    whole = replace(image(3, b"\0\0\0\1\0\x80\0\x30", properties=(2,), home="idat"), type=b"grid")
    picture = Picture((*tiles, whole), properties=(ispe(64, 48), ispe(128, 48)), primary=3)
    assert read(picture.encode()).raster == (128, 48)


def test_without_a_size_there_is_no_raster() -> None:
    found = read(Picture((image(1, properties=()),)).encode())
    assert (found.raster, found.orientation) == (None, 1)


def test_only_what_is_shown_counts(coded: Coded) -> None:
    clap = box(b"clap", struct.pack(">8I", 60, 1, 40, 1, 0, 1, 0, 1))
    assert read(turned(coded, clap)).raster == (60, 40)
    assert read(turned(coded, irot(1), clap)).raster == (40, 60)
    assert read(turned(coded, box(b"clap", bytes(32)))).raster is not None


def test_a_padded_image_has_the_size_that_is_shown(heic: bytes) -> None:
    assert read(heic).raster == (WIDTH, HEIGHT)


def test_associations_with_wide_ids() -> None:
    assert read(plain(image(70000)).but(version=2).encode()).raster == (64, 48)


def test_associations_with_wide_indices() -> None:
    data = plain().encode()
    narrow = full(b"ipma", 0, struct.pack(">IHBB", 1, 1, 1, 0x81))
    wide = full(b"ipma", 0, struct.pack(">IHBH", 1, 1, 1, 0x8001), flags=1)
    start, end = inside(data, b"meta", b"iprp")
    properties = data[start:end].replace(narrow, wide)
    source = MemorySource(box(b"iprp", properties))
    (iprp,) = boxes.top_level(source).boxes
    assert read_properties(source, iprp, 1).raster == (64, 48)
