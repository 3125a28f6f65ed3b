"""Places that a file already has: the same one is left in its own spelling, the hemisphere counts.

Not here: any place (test_properties.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from immich_meta_writers import PhotoMetadata, PlanOptions, Position, plan, read
from tests.contract.cases import digest, original

WELLINGTON = Position(-41.2889333, 174.7698667, 12.5)


@pytest.fixture(params=["exif-little-endian.jpg", "exif-big-endian.jpg", "xmp-second-homes.jpg"])
def photo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """41 degrees 17 minutes 20.16 seconds south, 174 46 11.52 east, 12.5 metres."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(original(request.param))
    return path


@pytest.mark.parametrize(
    "place",
    [WELLINGTON, Position(-41.2889337, 174.7698662, 12.55), Position(-41.2889333, 174.7698667)],
)
def test_an_equal_place_is_left_in_its_own_spelling(photo: Path, place: Position) -> None:
    before = digest(photo)
    plan(photo, PhotoMetadata(gps=place)).apply()
    assert digest(photo) == before


@pytest.mark.parametrize("north", [1, -1])
@pytest.mark.parametrize("east", [1, -1])
def test_the_same_numbers_in_another_hemisphere_are_another_place(
    photo: Path, engine: str, north: int, east: int
) -> None:
    place = Position(north * 41.2889333, east * 174.7698667)
    planned = plan(photo, PhotoMetadata(gps=place), PlanOptions(xmp_engine=engine))
    assert planned.is_empty == ((north, east) == (-1, 1))
    planned.apply()
    found = read(photo)
    assert (found["GPS:GPSLatitudeRef"], found["GPS:GPSLongitudeRef"]) == (
        "N" if north > 0 else "S",
        "E" if east > 0 else "W",
    )
    if "XMP-exif:GPSLatitude" in found:
        assert str(found["XMP-exif:GPSLatitude"]).endswith("N" if north > 0 else "S")
        assert str(found["XMP-exif:GPSLongitude"]).endswith("E" if east > 0 else "W")


def test_a_place_below_the_sea_has_its_reference(photo: Path, engine: str) -> None:
    wanted = PhotoMetadata(gps=Position(WELLINGTON.latitude, WELLINGTON.longitude, -12.5))
    plan(photo, wanted, PlanOptions(xmp_engine=engine)).apply()
    found = read(photo)
    assert (found["GPS:GPSAltitude"], found["GPS:GPSAltitudeRef"]) == (12.5, 1)


def test_no_altitude_is_made_up(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(original("plain-jfif.jpg"))
    plan(path, PhotoMetadata(gps=Position(1.0, 2.0)), PlanOptions(xmp_engine=engine)).apply()
    assert "GPS:GPSAltitude" not in read(path)
