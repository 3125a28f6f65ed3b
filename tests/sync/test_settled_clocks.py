"""Ten cycles of syncing and re-reading: after the first nothing moves, in any time zone.

The stand-in re-reads the written files as Immich would (IMMICH.md, section 4), mtime and rounded faces included.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from immich_meta.cli.session import run_session
from immich_meta.cli.sync import command as sync
from immich_meta.demo.heic import heic
from immich_meta.demo.library import Box, DemoAsset
from immich_meta.demo.movies import mov, mp4
from immich_meta.demo.reading import found_in
from immich_meta.demo.reread import reread
from immich_meta.demo.server import DemoServer
from immich_meta.logs import LOGGER_NAME
from immich_meta_writers.tags import Module
from tests.cli.home import UPLOADS, jpeg, snapshot

TZ_NAMES = ("America/New_York", "Asia/Tokyo", "Europe/Berlin", "Asia/Kathmandu", "UTC")
ASSET_ZONES = (None, "UTC", "UTC+2", "UTC+5:30", "UTC-5", "UTC+5:45", *TZ_NAMES, "Australia/Lord_Howe")
FOLDS = (
    datetime(2024, 10, 27, 2, 30),  # twice in Berlin
    datetime(2024, 11, 3, 1, 30),  # twice in New York
    datetime(2024, 3, 31, 2, 30),  # never in Berlin
    datetime(2024, 3, 10, 2, 30),  # never in New York
    datetime(1970, 1, 1, 0, 0, 1),
    datetime(1937, 6, 1, 12, 0),
)
CYCLES = 10


@dataclass(frozen=True)
class Photo:
    """What Immich knows at the start."""

    wall: datetime
    zone: Optional[str] = "Europe/Berlin"
    mtime: Optional[datetime] = None
    box: Optional[Box] = None
    orientation: str = "1"
    rating: Optional[int] = None
    favorite: bool = False
    caption: str = ""
    tags: tuple[str, ...] = ()
    latitude: Optional[float] = None
    longitude: Optional[float] = None
    sidecar: bool = False
    ending: str = "jpg"

    @property
    def is_video(self) -> bool:
        return self.ending in ("mov", "mp4")

    @property
    def turned(self) -> str:
        """The orientation of the file: a movie and a HEIC here lie as they are shown."""
        return "1" if self.is_video or self.ending in ("heic", "gif") else self.orientation

    @property
    def raster(self) -> tuple[int, int]:
        return (640, 480) if self.ending == "heic" else (64, 48)


def _content(photo: Photo) -> bytes:
    import io

    from PIL import Image

    if photo.ending == "heic":
        return heic()
    if photo.is_video:
        frames = [jpeg(1), jpeg(2)]
        created = datetime(2020, 2, 2, 2, 2, 2, tzinfo=timezone.utc)
        keys = {"com.apple.quicktime.creationdate": "2020-02-02T03:02:02+0100"}
        return mov(frames, (64, 48), created, keys) if photo.ending == "mov" else mp4(frames, (64, 48), None)
    exif = Image.Exif()
    exif[0x0112] = int(photo.turned)
    buffer = io.BytesIO()
    form = {"jpg": "JPEG", "tif": "TIFF"}.get(photo.ending, photo.ending.upper())
    Image.open(io.BytesIO(jpeg())).save(buffer, form, exif=exif)
    return buffer.getvalue()


class Cycle:
    """A server, a photo, and runs of the real sync in this process."""

    def __init__(self, server: DemoServer, folder: Path, tz: str, photo: Photo, *, imports_faces: bool) -> None:
        self.server, self.folder = server, folder
        self.imports_faces = imports_faces
        self.photos = folder / "photos"
        self.photos.mkdir()
        self.photo = photo
        self.path = self.photos / f"IMG_1.{photo.ending}"
        self.path.write_bytes(_content(photo))
        if photo.mtime is not None:
            os.utime(self.path, (photo.mtime.timestamp(),) * 2)
        self.asset = self._asset(photo)
        flags = ["--yes", "--log-level", "ERROR", *(["--write-to", "both"] if photo.sidecar else [])]
        parameters = sync.make_context("sync", flags).params
        self.flags: dict[str, Any] = {name: value for name, value in parameters.items() if name != "config"}
        self.environ = {
            "IMMICH_INSTANCE_URL": server.url,
            "IMMICH_API_KEY": server.api_key,
            "IMMICH_PATH_MAP": f"{UPLOADS}={self.photos}",
            "IMMICH_LOG_FILE": "-",
            "TZ": tz,
        }

    def _asset(self, photo: Photo) -> DemoAsset:
        library = self.server.library
        library.assets.clear()
        return library.add_photo(
            f"{UPLOADS}/IMG_1.{photo.ending}",
            kind="VIDEO" if photo.is_video else "IMAGE",
            date=photo.wall,
            time_zone=photo.zone,
            mtime=photo.mtime,
            people=["Ada"],
            boxes={"Ada": photo.box} if photo.box else {},
            albums=["Spring"],
            tags=photo.tags,
            rating=photo.rating,
            favorite=photo.favorite,
            # What this HEIC says itself, and the server has read.
            description=photo.caption or ("OLYMPUS DIGITAL CAMERA" if photo.ending == "heic" else ""),
            latitude=photo.latitude,
            longitude=photo.longitude,
            width=photo.raster[0],
            height=photo.raster[1],
            orientation=photo.turned,
        )

    def run(self) -> None:
        code = run_session(frozenset(Module), None, self.flags, environ=self.environ, directory=self.folder)
        assert code == 0

    def reread(self) -> None:
        found = found_in(self.path, self.photo.raster, is_video=self.photo.is_video)
        reread(self.server.library, self.asset, found, imports_faces=self.imports_faces)


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    logger = logging.getLogger(LOGGER_NAME)
    before = logger.propagate, logger.level
    with DemoServer() as server:
        yield server
    logger.propagate, logger.level = before


WALLS = st.one_of(
    st.sampled_from(FOLDS),
    st.datetimes(datetime(1910, 1, 1), datetime(2100, 1, 1)).map(lambda wall: wall.replace(microsecond=0)),
)
BOXES = st.tuples(st.integers(0, 30), st.integers(0, 20), st.integers(3, 18), st.integers(3, 20)).map(
    lambda box: (float(box[0]), float(box[1]), float(box[0] + box[2]), float(box[1] + box[3]))
)
PHOTOS = st.builds(
    Photo,
    wall=WALLS,
    zone=st.sampled_from(ASSET_ZONES),
    mtime=st.none() | st.datetimes(datetime(1975, 1, 1), datetime(2037, 1, 1), timezones=st.just(timezone.utc)),
    box=st.none() | BOXES,
    orientation=st.sampled_from("12345678"),
    # A server of 3.x keeps no 0, and of a file's -1 nothing.
    rating=st.none() | st.integers(1, 5),
    favorite=st.booleans(),
    caption=st.text(max_size=30),
    tags=st.sampled_from([(), ("Travel",), ("Travel/Berlin", "Pets")]),
    latitude=st.none() | st.floats(-90, 90),
    longitude=st.none() | st.floats(-180, 180),
    sidecar=st.booleans(),
)
# Every clock and every place, where a format keeps them in a home of its own.
OTHERS = ("png", "webp", "tif", "gif", "heic", "mov", "mp4")


@given(tz=st.sampled_from(TZ_NAMES), photo=PHOTOS, imports_faces=st.booleans())
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(tz="America/New_York", photo=Photo(FOLDS[0], None), imports_faces=False)
@example(tz="America/New_York", photo=Photo(FOLDS[1], "America/New_York", rating=-1), imports_faces=False)
@example(tz="Asia/Tokyo", photo=Photo(FOLDS[0], "Europe/Berlin", favorite=True), imports_faces=False)
@example(tz="Asia/Tokyo", photo=Photo(FOLDS[2], None, favorite=True, rating=None), imports_faces=True)
@example(tz="Europe/Berlin", photo=Photo(FOLDS[3], "UTC-5", caption=" two\r\nlines \u3000"), imports_faces=False)
@example(tz="Asia/Kathmandu", photo=Photo(FOLDS[4], "UTC+5:45", tags=("Travel/Berlin",)), imports_faces=False)
@example(
    tz="UTC",
    photo=Photo(
        datetime(2024, 5, 1),
        "UTC+2",
        box=(10.0, 10.0, 23.0, 31.0),
        orientation="6",
        latitude=1e-9,
        longitude=-179.9999999,
    ),
    imports_faces=True,
)
@example(
    tz="America/New_York",
    photo=Photo(datetime(2024, 5, 1), None, mtime=datetime(1999, 1, 1, 0, 0, 0, 999_999, timezone.utc)),
    imports_faces=False,
)
def test_after_the_first_run_not_a_byte_nor_a_time_moves(
    server: DemoServer, tz: str, photo: Photo, imports_faces: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cycle = Cycle(server, Path(folder), tz, photo, imports_faces=imports_faces)
        cycle.run()
        settled = snapshot(cycle.photos)
        for _ in range(CYCLES - 1):
            cycle.reread()
            cycle.run()
            assert snapshot(cycle.photos) == settled


@pytest.mark.parametrize("ending", OTHERS)
@pytest.mark.parametrize(
    ("tz", "photo"),
    [
        ("America/New_York", Photo(FOLDS[0], "Europe/Berlin", rating=4, tags=("Travel/Berlin",))),
        ("Asia/Tokyo", Photo(FOLDS[1], "UTC", favorite=True, caption="two\nlines")),
        ("Asia/Kathmandu", Photo(FOLDS[4], "UTC+5:45", latitude=27.7172, longitude=85.324, sidecar=True)),
        ("Europe/Berlin", Photo(FOLDS[5], "America/New_York", latitude=-1e-9, longitude=-179.9999999)),
        ("UTC", Photo(datetime(2024, 5, 1), "UTC-5", box=(10.0, 10.0, 23.0, 31.0), orientation="6")),
        ("America/New_York", Photo(FOLDS[3], "UTC", mtime=datetime(1999, 1, 1, 0, 0, 0, 999_999, timezone.utc))),
    ],
)
def test_no_format_moves_after_the_first_run(
    server: DemoServer, tmp_path: Path, ending: str, tz: str, photo: Photo
) -> None:
    cycle = Cycle(server, tmp_path, tz, replace(photo, ending=ending), imports_faces=True)
    cycle.run()
    settled = snapshot(cycle.photos)
    assert [path for path in settled if path.endswith(".xmp")] == ([f"{cycle.path}.xmp"] if photo.sidecar else [])
    for _ in range(CYCLES - 1):
        cycle.reread()
        cycle.run()
        assert snapshot(cycle.photos) == settled


def test_the_reader_of_this_test_finds_what_was_written(server: DemoServer, tmp_path: Path) -> None:
    photo = Photo(
        datetime(2024, 5, 1, 12),
        "Europe/Berlin",
        box=(10.0, 10.0, 30.0, 40.0),
        rating=4,
        caption="Picnic",
        tags=("Travel/Berlin",),
        latitude=-33.5,
        longitude=151.25,
    )
    cycle = Cycle(server, tmp_path, "Asia/Tokyo", photo, imports_faces=False)
    cycle.run()
    found = found_in(cycle.path, (64, 48))
    assert (found.date, found.offset) == (datetime(2024, 5, 1, 12), timedelta(hours=2))
    assert found.mtime.replace(microsecond=0) == datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    assert (found.rating, found.description, found.tags) == (4, "Picnic", ("Travel/Berlin",))
    assert found.latitude == pytest.approx(-33.5)
    assert found.longitude == pytest.approx(151.25)
    (region,) = found.regions
    assert region.name == "Ada"
    assert [region.x, region.w] == pytest.approx([20 / 64, 20 / 64], abs=1e-3)
