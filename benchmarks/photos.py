"""Files of real size: photos of 12 megapixels and about 6 MB with an EXIF block of their own, a few HEIC and MP4.

Not here: how many there are and what they are called (library.py), and what is measured.
"""

from __future__ import annotations

import io
import os
import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from PIL import Image

from benchmarks.library import Shape, name_of, taken
from fixtures.blocks import jpeg
from fixtures.blocks.isobmff import box
from fixtures.blocks.tiff import LITTLE, text, undefined
from fixtures.blocks.xmp import description, packet
from fixtures.catalogue import BY_NAME, camera
from immich_meta.demo.movies import mp4

SIZE = (4000, 3000)
WANTED_BYTES = 6_000_000
HEIC_BYTES = 2_500_000
MOVIE_FRAMES = 4
MAKER_NOTE = 20_000
_CHUNK = 1 << 20


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


class Studio:
    """Makes the files; the picture is drawn once."""

    def __init__(self) -> None:
        self._picture = scan()
        self._tables = self._picture[2 + 2 + int.from_bytes(self._picture[4:6], "big") :]
        self._block = camera.block(LITTLE)
        self._exif = tuple(entry for entry in camera.exif_ifd(LITTLE) if entry.tag != 0x9003)
        self._note = undefined(0x927C, b"Acme\0" + bytes(index * 7 % 251 for index in range(MAKER_NOTE)))
        self._xmp = jpeg.xmp(packet(description(("xmp",), "", 'xmp:CreatorTool="Acme One"'), padding=2000))
        self._noise = random.Random(1).randbytes(HEIC_BYTES)

    def content(self, number: int, ending: str) -> bytes:
        """The bytes of a file that was taken at its own time."""
        if ending == "heic":
            # libheif's pictures here are tiny: a second mdat makes the file as large as a phone's.
            return BY_NAME["exif-at-once.heic"].build() + box(b"mdat", self._noise)
        if ending == "mp4":
            moment = taken(number).replace(tzinfo=timezone.utc)
            return mp4([self._picture] * MOVIE_FRAMES, SIZE, moment)
        return self.photo(number, taken(number))

    def photo(self, number: int, moment: datetime) -> bytes:
        """As a phone writes it: date and serial number, a maker note, a small packet with room to grow."""
        date = text(0x9003, moment.strftime("%Y:%m:%d %H:%M:%S"))
        serial = text(0xA431, f"{number:08d}")
        block = replace(self._block, exif=(*self._exif, date, serial, self._note)).encode()
        return jpeg.SOI + jpeg.exif(block) + self._xmp + self._tables


def make_files(shape: Shape, folder: Path) -> tuple[Path, ...]:
    """The files of a library, in the order of their numbers."""
    studio = Studio()
    paths = tuple(folder / name_of(number, shape) for number in range(shape.count))
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(studio.content(number, path.suffix[1:]))
    return paths


def refresh(originals: Sequence[Path], source: Path, folder: Path) -> tuple[Path, ...]:
    """Fresh copies of what is below `source` in `folder`, on disk before anything is timed."""
    if folder.exists():
        shutil.rmtree(folder)
    copies = []
    for path in originals:
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copies.append(Path(_copy(path, copy)))
    if hasattr(os, "sync"):
        os.sync()
    return tuple(copies)


def _copy(source: Path, target: Path) -> Path:
    # Not shutil.copyfile: where the file system shares blocks, a copy would cost the contenders less than a photo does.
    with source.open("rb") as old, target.open("wb") as new:
        shutil.copyfileobj(old, new, _CHUNK)
    return target


def forget(paths: Sequence[Path]) -> None:
    """Ask the system to drop these files from its page cache, so that the next reader reads the disk (Linux)."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
