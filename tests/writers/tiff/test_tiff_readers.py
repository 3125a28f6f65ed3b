"""That others read what was written: ExifTool every value, Pillow every pixel of every page."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageSequence

from fixtures.exiftool import ExifTool
from fixtures.values import EVERYTHING
from immich_meta_writers import plan
from immich_meta_writers.containers import tiff
from immich_meta_writers.payloads import exif
from immich_meta_writers.source import MemorySource
from tests.writers.exif.tiff_trees import EDITS
from tests.writers.tiff.tiff_files import SHAPES, Page, build, entry, picture

PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>'
    b"<rdf:li>Ada</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)
RECORDS = b"\x1c\x02\x19\x00\x05hello"
RESOURCES = b"8BIM\x04\x0a\0\0\0\0\0\x01\x01\0"


def pixels(path: Path) -> list[tuple[str, tuple[int, int], bytes]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's opinion of tags that are not ours
        with Image.open(path) as picture:
            return [(page.mode, page.size, page.tobytes()) for page in ImageSequence.Iterator(picture)]


def edited(data: bytes) -> bytes:
    """Every EXIF row and every payload."""
    found = tiff.read(MemorySource(data))
    view = exif.graft(exif.parse(found.payloads.tiff), EDITS, room=found.room.exif).view
    return tiff.patch(
        found, replace(found.payloads, tiff=view, xmp=PACKET, iim=RECORDS, photoshop=RESOURCES)
    ).apply(data)


def described(path: Path, exiftool: ExifTool) -> dict[str, tuple[Any, ...]]:
    """Tags of the file, without what the file system says of it."""
    found = exiftool.read(path)
    return {name: value for name, value in found.items() if not name.startswith(("System:", "File:", "SourceFile"))}


@pytest.mark.parametrize(("order", "big"), SHAPES)
@pytest.mark.parametrize("seed", [0, 7])
def test_pillow_sees_the_same_pixels_and_exiftool_the_values(
    order: str, big: bool, seed: int, tmp_path: Path, exiftool: ExifTool
) -> None:
    first = replace(
        picture(31, 17, order, rows=4),
        exif=(entry(0x927C, 7, bytes(range(60))),),
        subs=(picture(40, 30, order),),
    )
    before, after = tmp_path / "before.tif", tmp_path / "after.tif"
    before.write_bytes(build([first, picture(9, 9, order), picture(3, 50, order, rows=7)], order, big, seed))
    after.write_bytes(edited(before.read_bytes()))
    if (order, big) != (">", True):  # Pillow does not read these
        assert len(pixels(before)) == 3
        assert pixels(after) == pixels(before)
    old, new = described(before, exiftool), described(after, exiftool)
    assert new["IFD0:Rating"] == (4,)
    assert new["IPTC:Keywords"] == ("hello",)
    assert new["Photoshop:CopyrightFlag"] == (1,)
    assert new["XMP-dc:Subject"] == (("Ada",),)
    assert exiftool.warnings(after) == exiftool.warnings(before)
    assert {name for name in old if name not in new} == set()


def saved(path: Path, **options: object) -> Path:
    chance = random.Random(5)
    pages = [Image.frombytes("RGB", (50 + n, 40), chance.randbytes((50 + n) * 40 * 3)) for n in range(4)]
    pages[0].save(path, save_all=True, append_images=pages[1:], **options)  # type: ignore[arg-type]
    return path


def files(folder: Path) -> Iterator[Path]:
    for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield saved(folder / f"{name}.tif", compression=name)


def test_multi_page_files_of_other_programs_keep_every_pixel(tmp_path: Path, exiftool: ExifTool) -> None:
    for path in files(tmp_path):
        before, old = pixels(path), described(path, exiftool)
        plan(str(path), EVERYTHING).apply()
        assert pixels(path) == before
        new = described(path, exiftool)
        assert set(old) <= set(new)
        assert new["IFD0:Rating"] == (4,)
        assert plan(str(path), EVERYTHING).changes == ()


def test_a_dng_is_written_and_its_raw_picture_stays(tmp_path: Path, exiftool: ExifTool) -> None:
    raw = replace(picture(64, 48, "<"), entries=(*picture(64, 48, "<").entries[1:], entry(0xC61D, 4, b"\xff\x3f\0\0")))
    thumbnail = picture(16, 12, "<")
    reduced = entry(0x00FE, 4, b"\1\0\0\0")
    version = (entry(0xC612, 1, b"\1\4\0\0"), entry(0xC614, 2, b"Maker Model\0"), entry(0x010F, 2, b"Maker\0"))
    page = Page((reduced, *thumbnail.entries[1:], *version), thumbnail.parts, subs=(raw,))
    path = tmp_path / "photo.dng"
    data = build([page], seed=3)
    path.write_bytes(data)
    plan(str(path), EVERYTHING).apply()
    new = described(path, exiftool)
    assert new["IFD0:DNGVersion"] == ("1 4 0 0",)
    assert "64" in str(new["XMP-mwg-rs:RegionInfo"])
    assert exiftool.warnings(path) == ()
    assert raw.parts[0] in path.read_bytes()
    assert tiff.read(MemorySource(path.read_bytes())).raster == (64, 48)


def test_the_tiffs_of_the_corpora_keep_every_pixel_and_settle(shared: Path, tmp_path: Path, exiftool: ExifTool) -> None:
    paths = sorted(path for path in (shared / "media").rglob("*") if path.suffix.lower() in (".tif", ".tiff", ".dng"))
    assert paths
    for number, path in enumerate(paths):
        copy = tmp_path / f"{number}{path.suffix}"
        copy.write_bytes(path.read_bytes())
        plan(str(copy), EVERYTHING).apply()
        assert not copy.with_name(copy.name + ".xmp").exists()
        assert pixels(copy) == pixels(path), path
        old, new = described(path, exiftool), described(copy, exiftool)
        assert set(old) <= set(new), path
        assert plan(str(copy), EVERYTHING).changes == (), path
