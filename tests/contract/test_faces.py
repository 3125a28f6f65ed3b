"""Faces that a file already has: the same name in the same place is the same face, in every form of RDF.

Not here: writing new ones (test_writing.py, test_properties.py).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta_writers import PhotoMetadata, PlanOptions, Region, plan, read
from tests.contract.cases import digest, original

FOUND = {
    "xmp-digikam-regions.jpg": Region("Grace Hopper", 0.2, 0.7, 0.1, 0.12),
    "xmp-digikam-descriptions.jpg": Region("Ada Lovelace", 0.75, 0.3, 0.1, 0.2),
}


@pytest.fixture(params=FOUND)
def known(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Region]:
    """A photo with a foreign face, and that face."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(original(request.param))
    return path, FOUND[request.param]


def test_a_face_that_is_there_is_not_written_again(known: tuple[Path, Region]) -> None:
    path, face = known
    before = digest(path)
    plan(path, PhotoMetadata(regions=(face,))).apply()
    assert digest(path) == before


def test_a_face_that_overlaps_by_half_is_the_same(known: tuple[Path, Region]) -> None:
    path, face = known
    assert plan(path, PhotoMetadata(regions=(replace(face, x=face.x + face.w * 0.3),))).is_empty


def test_a_face_of_that_name_elsewhere_is_another(known: tuple[Path, Region], engine: str) -> None:
    path, face = known
    options = PlanOptions(xmp_engine=engine)
    before = read(path)["XMP-mwg-rs:RegionInfo"]
    plan(path, PhotoMetadata(regions=(replace(face, x=0.5, y=0.9),)), options).apply()
    after = read(path)["XMP-mwg-rs:RegionInfo"]
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    assert after == (*before, f"{face.name} (0.500, 0.900, {face.w:.3f} x {face.h:.3f})")
    plan(path, PhotoMetadata(regions=()), options).apply()
    assert read(path)["XMP-mwg-rs:RegionInfo"] == before


def test_another_person_in_that_place_stands_beside_the_foreign_one(known: tuple[Path, Region], engine: str) -> None:
    path, face = known
    options = PlanOptions(xmp_engine=engine)
    plan(path, PhotoMetadata(regions=(replace(face, name="Somebody else"),)), options).apply()
    shown = str(read(path)["XMP-mwg-rs:RegionInfo"])
    assert face.name in shown
    assert "Somebody else" in shown


def test_a_pixel_of_rounding_is_not_a_change(tmp_path: Path, engine: str) -> None:
    """Immich rounds boxes down to pixels when it reads them back."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(original("orientation-8.jpg"))
    options = PlanOptions(xmp_engine=engine)
    face = Region("Ada", 0.4, 0.4, 0.2, 0.2)
    plan(path, PhotoMetadata(regions=(face,)), options).apply()
    before = digest(path)
    plan(path, PhotoMetadata(regions=(replace(face, x=face.x - 1 / 48, w=face.w - 1 / 48),)), options).apply()
    assert digest(path) == before
    plan(path, PhotoMetadata(regions=(replace(face, x=0.6),)), options).apply()
    assert read(path)["XMP-mwg-rs:RegionInfo"] == ("Ada (0.600, 0.600, 0.200 x 0.200)",)
