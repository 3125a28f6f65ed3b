"""What every suite may ask for: ExifTool, the XMP engines, the media beside the checkout.

Not here: anything that only one suite needs.

`IMMICH_META_REQUIRE=exempi,exiftool,ffmpeg,heif` turns a skip into a failure, for machines that have to have them; also
known are exiv2, avif (in Pillow), browser (Chromium) and postgresql (server and client).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fixtures.exiftool import ExifTool, is_installed
from tests.places import folder_for_all, small_disk

ROOT = Path(__file__).resolve().parents[1]
ENGINES = ("builtin", "exempi")

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("house")


def absent(what: str) -> None:
    """Skip, or fail where this has to be there."""
    if what in os.environ.get("IMMICH_META_REQUIRE", "").split(","):
        pytest.fail(f"{what} is required here and is not installed")
    pytest.skip(f"{what} is not installed")


@pytest.fixture(scope="session")
def exiftool() -> Iterator[ExifTool]:
    if not is_installed():
        absent("exiftool")
    with ExifTool() as reader:
        yield reader


def _finds_exempi() -> bool:
    from immich_meta_writers.errors import UnsupportedError
    from immich_meta_writers.payloads import xmp

    try:
        xmp.encoder("exempi")
    except UnsupportedError:
        return False
    return True


def require_engine(engine: str) -> None:
    """Skip, or fail, where an XMP engine is not there."""
    if engine == "exempi" and not _finds_exempi():
        absent("exempi")


@pytest.fixture(scope="session")
def has_exempi() -> None:
    if not _finds_exempi():
        absent("exempi")


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each XMP engine in turn."""
    require_engine(request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of media and tools beside the checkout."""
    folder = ROOT.parent / "shared"
    if not (folder / "media").is_dir():
        pytest.skip("there are no media beside the checkout")
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may reach and write to."""
    with folder_for_all() as folder:
        yield folder


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a few photos, or a small store."""
    with small_disk(tmp_path, "256k") as folder:
        yield folder
