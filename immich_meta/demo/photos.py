"""Sample photos and videos that the demo draws itself, and the library that knows them.

Not here: the server (server.py) and the demo's words (cli/demo.py).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from immich_meta.demo.heic import heic
from immich_meta.demo.library import Box, Library
from immich_meta.demo.movies import mov, mp4

if TYPE_CHECKING:
    from PIL.Image import Image

ROOT = "/data/library/admin"
_SIZE = (640, 480)


@dataclass(frozen=True)
class Sample:
    """One photo or video: `sky` and `ground` are its colours, `date` its wall clock in `zone`, boxes in displayed
    pixels; `motion` is the video of a live photo."""

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
    motion: str = ""


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
    Sample(
        "2024/2024-06/IMG_2031.HEIC",
        (120, 190, 240),
        (90, 150, 80),
        datetime(2024, 6, 15, 11, 30, 20),
        caption="The first swim",
        people=(("Ada", _ADA),),
        albums=("Summer",),
        place=(52.4512, 13.2103),
        rating=5,
        motion="2024/2024-06/IMG_2031.MOV",
    ),
    Sample(
        "2024/2024-06/Screenshot 2024-06-20.png",
        (245, 245, 245),
        (60, 110, 200),
        datetime(2024, 6, 20, 8, 15),
        caption="Tickets for the ferry",
        tags=("Travel/Rügen",),
    ),
    Sample(
        "2024/2024-06/VID_0007.mp4",
        (150, 200, 240),
        (230, 210, 160),
        datetime(2024, 6, 22, 17, 45),
        caption="Waves",
        people=(("Łukasz", _LUKASZ),),
        albums=("Summer",),
        place=(54.3942, 13.6612),
        favorite=True,
    ),
)


# A JPEG, and both parts of a live photo.
SHOWN = (SAMPLES[0].name, SAMPLES[4].name, SAMPLES[4].motion)


def make_library(folder: Path) -> Library:
    """Draw the photos and videos below `folder` and tell a library about them."""
    library = Library()
    for sample in SAMPLES:
        latitude, longitude = sample.place if any(sample.place) else (None, None)
        still = library.add_photo(
            f"{ROOT}/{sample.name}",
            people=[name for name, _ in sample.people],
            boxes=dict(sample.people),
            albums=sample.albums,
            tags=sample.tags,
            date=sample.date,
            time_zone=sample.zone,
            favorite=sample.favorite,
            content=_put(folder / sample.name, _drawn(sample)),
            rating=sample.rating or None,
            description=sample.caption or None,
            latitude=latitude,
            longitude=longitude,
            width=_SIZE[0],
            height=_SIZE[1],
            kind="VIDEO" if sample.name.endswith(".mp4") else "IMAGE",
        )
        if sample.motion:
            content = _put(folder / sample.motion, _moving(sample, Path(sample.motion).suffix))
            library.add_motion_part(still, f"{ROOT}/{sample.motion}", content=content)
    return library


def _put(path: Path, content: bytes) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return content


def _drawn(sample: Sample) -> bytes:
    from PIL import Image

    ending = Path(sample.name).suffix
    if ending == ".mp4":
        return _moving(sample, ending)
    if ending == ".HEIC":
        return heic()
    # As many cameras leave it: a blank caption that hides the true one.
    exif = Image.Exif()
    exif[0x010E] = "OLYMPUS DIGITAL CAMERA"
    exif[0x010F] = "Demo"
    if ending == ".png":
        return _encoded(_picture(sample), "PNG")
    return _encoded(_picture(sample), "JPEG", quality=88, exif=exif)


def _moving(sample: Sample, ending: str) -> bytes:
    """Half a second in which the picture slides to the left."""
    picture = _picture(sample).resize((700, 480))
    cuts = (picture.crop((15 * at, 0, _SIZE[0] + 15 * at, _SIZE[1])) for at in range(5))
    frames = [_encoded(cut, "JPEG", quality=70) for cut in cuts]
    taken = sample.date.replace(tzinfo=ZoneInfo(sample.zone))
    if ending == ".mp4":
        return mp4(frames, _SIZE, None)
    pairing = {"com.apple.quicktime.content.identifier": "5F1B1F0C-0000-4000-8000-000000000001"}
    return mov(frames, _SIZE, taken, {**pairing, "com.apple.quicktime.make": "Demo"})


def _encoded(picture: Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _picture(sample: Sample) -> Image:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", _SIZE, sample.sky)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 300, *_SIZE), fill=sample.ground)
    for _, box in sample.people:
        pen.ellipse(box, fill=(230, 190, 160))
    return picture
