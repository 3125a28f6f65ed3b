"""Faces of all orientations, judged by pixels: one on the corner that viewers show red lies on the stored red corner.

Not here: the same judged by the table of orientations (test_orientation.py).
"""

from __future__ import annotations

import functools
import io
import itertools
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image, ImageOps, features

from fixtures.blocks.heif import av1, heif
from fixtures.catalogue import TURNED
from fixtures.catalogue.heifs import AVIF, TURNS
from fixtures.exiftool import ExifTool
from immich_meta_writers import PhotoMetadata, PlanOptions, Region, WriteTo, plan
from tests.conftest import absent
from tests.contract.readers import needs, register_heif

TAG = "XMP-mwg-rs:RegionInfo"
EMBED = PlanOptions(xmp_engine="builtin", write_to=WriteTo.EMBED)
FILES: Mapping[str, Callable[[int], bytes]] = {
    **TURNED,
    "avif": lambda orientation: heif(av1(1, *TURNS[orientation]), layout=AVIF),
}
# Centres of the corners, 0-1 of the width and height.
CORNERS = ((0.08, 0.1), (0.92, 0.1), (0.08, 0.9), (0.92, 0.9))
NEAR = 40  # of 255: codecs blur, colours differ by more


def displayed(path: Path) -> Image.Image:
    """As viewers show it: turned by what libavif, libheif and Pillow read, or by FFmpeg and libjxl in it."""
    if path.suffix in (".jxl", ".mp4"):
        return _by_ffmpeg(path)
    if path.suffix == ".avif" and not features.check("avif"):
        absent("avif")
    if path.suffix == ".heic":
        register_heif()
    with Image.open(path) as image:
        image.load()
        # libheif has turned it already, and the Exif of these files says something else.
        return (image if path.suffix == ".heic" else ImageOps.exif_transpose(image)).convert("RGB")


def _by_ffmpeg(path: Path) -> Image.Image:
    needs("ffmpeg", "ffmpeg")
    command = ("ffmpeg", "-v", "error", "-i", str(path), "-frames:v", "1", "-c:v", "ppm", "-f", "image2pipe", "-")
    found = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    return Image.open(io.BytesIO(found.stdout)).convert("RGB")


def colour(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    pixel = image.getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(pixel, tuple)
    return pixel


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", FILES)
def test_a_face_lies_on_the_pixels_that_a_viewer_shows_there(
    ending: str, orientation: int, tmp_path: Path, exiftool: ExifTool
) -> None:
    path = tmp_path / f"turned.{ending}"
    path.write_bytes(FILES[ending](orientation))
    shown = displayed(path)
    assert shown.size == ((48, 64) if orientation > 4 else (64, 48))
    faces = tuple(Region(f"face {index}", x, y, 0.1, 0.1) for index, (x, y) in enumerate(CORNERS))
    plan(path, PhotoMetadata(regions=faces), EMBED).apply()
    regions = map(dict, dict(exiftool.read(path, f"-{TAG}")[TAG][0])["RegionList"])
    places = {region["Name"]: dict(region["Area"]) for region in regions}
    seen = [colour(shown, face.x, face.y) for face in faces]
    stored = upright(ending)
    written = [colour(stored, float(places[face.name]["X"]), float(places[face.name]["Y"])) for face in faces]
    assert all(map(is_alike, seen, written)), (seen, written)
    assert not any(is_alike(one, other) for one, other in itertools.combinations(seen, 2))


@functools.cache
def upright(ending: str) -> Image.Image:
    """The stored picture, which lies as it is shown where nothing turns it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"stored.{ending}")
        path.write_bytes(FILES[ending](1))
        return displayed(path)


def is_alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) < NEAR for a, b in zip(one, other))
