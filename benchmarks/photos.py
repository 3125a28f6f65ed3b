"""The photos of the benchmark: 12 megapixels, about 6 MB, each with an EXIF block of its own.

Not here: what is measured.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from fixtures.blocks import jpeg
from fixtures.blocks.tiff import LITTLE, text, undefined
from fixtures.blocks.xmp import description, packet
from fixtures.catalogue import camera

SIZE = (4000, 3000)
WANTED_BYTES = 6_000_000
MAKER_NOTE = 20_000


def scan() -> bytes:
    """A noisy picture, encoded once so that it has about the wanted size."""
    noise = Image.effect_noise(SIZE, 60).convert("RGB")
    data = b""
    for quality in (70, 60, 50, 40, 30, 20, 10):
        stream = io.BytesIO()
        noise.save(stream, "JPEG", quality=quality)
        if not data or abs(len(stream.getvalue()) - WANTED_BYTES) < abs(len(data) - WANTED_BYTES):
            data = stream.getvalue()
    return data


def make_photos(count: int, folder: Path) -> tuple[Path, ...]:
    """`count` photos that differ in their date and serial number, as a phone writes them."""
    folder.mkdir(parents=True)
    picture = scan()
    tables = picture[2 + 2 + int.from_bytes(picture[4:6], "big") :]
    plain = camera.block(LITTLE)
    xmp = jpeg.xmp(packet(description(("xmp",), "", 'xmp:CreatorTool="Acme One"'), padding=2000))
    paths = []
    for number in range(count):
        note = undefined(0x927C, b"Acme\0" + bytes(index * 7 % 251 for index in range(MAKER_NOTE)))
        serial = text(0xA431, f"{number:08d}")
        date = text(0x9003, f"2015:06:15 12:{number // 60 % 60:02d}:{number % 60:02d}")
        entries = tuple(entry for entry in camera.exif_ifd(LITTLE) if entry.tag != 0x9003)
        block = replace(plain, exif=(*entries, date, serial, note)).encode()
        paths.append(folder / f"IMG_{number:04d}.jpg")
        paths[-1].write_bytes(jpeg.SOI + jpeg.exif(block) + xmp + tables)
    return tuple(paths)


def refresh(originals: Sequence[Path], folder: Path) -> tuple[Path, ...]:
    """Fresh copies in `folder`, on disk before anything is timed."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    copies = tuple(Path(shutil.copyfile(path, folder / path.name)) for path in originals)
    os.sync()
    return copies
