"""Sample photos that the demo draws itself, and the library that knows them.

Not here: the server (server.py) and the demo's words (cli/demo.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from immich_meta.demo.library import Box, Library

ROOT = "/data/library/admin"
_SIZE = (640, 480)


@dataclass(frozen=True)
class Sample:
    """One photo: `sky` and `ground` are its colours, `date` its wall clock in `zone`, boxes in displayed pixels."""

    name: str
    sky: tuple[int, int, int]
    ground: tuple[int, int, int]
    date: datetime
    zone: str = "Europe/Berlin"
    caption: str = ""
    people: tuple[tuple[str, Box], ...] = ()
    albums: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    place: tuple[float, float] = (0.0, 0.0)
    rating: int = 0
    favorite: bool = False


_ADA: Box = (120, 140, 210, 250)
_LUKASZ: Box = (330, 150, 420, 262)
SAMPLES = (
    Sample(
        "2024/2024-05/IMG_0001.jpg",
        (120, 180, 235),
        (90, 150, 80),
        datetime(2024, 5, 1, 12, 0),
        caption="Picnic by the lake",
        people=(("Ada", _ADA), ("Łukasz", _LUKASZ)),
        albums=("Spring, 2024",),
        tags=("Travel/Berlin",),
        place=(52.4308, 13.1765),
        rating=4,
        favorite=True,
    ),
    Sample(
        "2024/2024-05/IMG_0002.jpg",
        (250, 200, 150),
        (70, 90, 110),
        datetime(2024, 5, 1, 20, 41, 7),
        people=(("Ada", _ADA),),
        albums=("Spring, 2024", "Sunsets"),
        place=(52.4311, 13.1769),
    ),
    Sample(
        "2023/2023-12/IMG_0417.jpg",
        (40, 60, 120),
        (220, 220, 200),
        datetime(2023, 12, 27, 9, 5, 30),
        zone="Australia/Sydney",
        caption="Bondi,\nbefore breakfast",
        people=(("山田太郎", _LUKASZ),),
        albums=("Down under",),
        tags=("Travel/Sydney",),
        place=(-33.8915, 151.2767),
        favorite=True,
    ),
    Sample("2022/2022-08/IMG_1200.jpg", (200, 215, 225), (150, 120, 90), datetime(2022, 8, 14, 16, 20)),
)


def make_library(folder: Path) -> Library:
    """Draw the photos below `folder` and tell a library about them."""
    library = Library()
    for sample, path in _drawn(folder):
        latitude, longitude = sample.place if any(sample.place) else (None, None)
        library.add_photo(
            f"{ROOT}/{sample.name}",
            people=[name for name, _ in sample.people],
            boxes=dict(sample.people),
            albums=sample.albums,
            tags=sample.tags,
            date=sample.date,
            time_zone=sample.zone,
            favorite=sample.favorite,
            content=path.read_bytes(),
            rating=sample.rating or None,
            description=sample.caption or None,
            latitude=latitude,
            longitude=longitude,
            width=_SIZE[0],
            height=_SIZE[1],
        )
    return library


def _drawn(folder: Path) -> Iterator[tuple[Sample, Path]]:
    from PIL import Image, ImageDraw

    for sample in SAMPLES:
        picture = Image.new("RGB", _SIZE, sample.sky)
        pen = ImageDraw.Draw(picture)
        pen.rectangle((0, 300, *_SIZE), fill=sample.ground)
        for _, box in sample.people:
            pen.ellipse(box, fill=(230, 190, 160))
        path = folder / sample.name
        path.parent.mkdir(parents=True, exist_ok=True)
        # As many cameras leave it: a blank caption that hides the true one, and a keyword of the user's own.
        exif = Image.Exif()
        exif[0x010E] = "OLYMPUS DIGITAL CAMERA"
        exif[0x010F] = "Demo"
        picture.save(path, quality=88, exif=exif)
        yield sample, path
