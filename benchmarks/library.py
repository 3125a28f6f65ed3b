"""The library that is synced: which files there are, and what the stand-in server says of each.

Pure: the server, the contenders and the runner all come to the same from the number of a file.
Not here: the pictures (photos.py), and what is measured.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from immich_meta.demo.library import Library
from immich_meta_writers import PhotoMetadata, Position

ROOT = "/data/library/admin"
RENAMED = "Album 3"
_FIRST_DAY = datetime(2015, 6, 15, 12)
_PEOPLE = 97
_PER_FOLDER = 100


@dataclass(frozen=True)
class Shape:
    """How many files; whether HEIC and MP4 are among them; how many albums they are in, each file in one."""

    count: int
    mixed: bool = False
    albums: int = 20

    @property
    def album_numbers(self) -> tuple[int, ...]:
        """The files of the album that is renamed."""
        return tuple(range(3, self.count, self.albums))

    def as_text(self) -> str:
        return json.dumps((self.count, self.mixed, self.albums))


def shape_of(text: str) -> Shape:
    return Shape(*json.loads(text))


def ending(number: int, mixed: bool) -> str:
    """A tenth of a mixed library is HEIC, another is MP4."""
    return {4: "heic", 8: "mp4"}.get(number % 10, "jpg") if mixed else "jpg"


def name_of(number: int, shape: Shape) -> str:
    """The path below the library, a hundred files in a folder."""
    folder = number // _PER_FOLDER
    return f"{2000 + folder % 24}/{folder:04d}/IMG_{number:06d}.{ending(number, shape.mixed)}"


def taken(number: int) -> datetime:
    """When it was taken, on the wall clock: it is in the file, and Immich says the same."""
    return _FIRST_DAY + timedelta(seconds=37 * number)


def wanted(number: int, albums: int) -> PhotoMetadata:
    """What the file is to say, for those who are told directly."""
    people = (f"Person {number % _PEOPLE}", f"Person {(number * 7 + 1) % _PEOPLE}")[: 1 + number % 2]
    return PhotoMetadata(
        people=people,
        caption=f"On the pier, {number}",
        rating=1 + number % 5,
        gps=Position(47 + number % 1000 / 1000, 8.5, 410.0),
        albums=(f"Album {number % albums}",),
    )


def stand_in_library(shape: Shape) -> Library:
    """The same, as Immich knows it."""
    library = Library()
    for number in range(shape.count):
        values = wanted(number, shape.albums)
        add = library.add_video if name_of(number, shape).endswith("mp4") else library.add_photo
        assert values.gps is not None
        add(
            f"{ROOT}/{name_of(number, shape)}",
            date=taken(number),
            people=values.people or (),
            albums=values.albums or (),
            description=values.caption,
            rating=values.rating,
            latitude=values.gps.latitude,
            longitude=values.gps.longitude,
        )
    return library


def make_small_files(count: int, folder: Path) -> None:
    """`count` JPEG files of about 700 bytes, as good as free to copy: what is left is the cost per asset."""
    content = _small_picture()
    for path in _paths(Shape(count), folder):
        with open(path, "wb") as file:
            file.write(content)
    if hasattr(os, "sync"):
        os.sync()


def _paths(shape: Shape, folder: Path) -> Iterator[str]:
    for number in range(shape.count):
        path = folder / name_of(number, shape)
        if number % _PER_FOLDER == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield str(path)


def _small_picture() -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0110] = "Acme One"
    stream = io.BytesIO()
    Image.new("RGB", (32, 24), (90, 120, 200)).save(stream, "JPEG", exif=exif)
    return stream.getvalue()
