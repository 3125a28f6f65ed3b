"""Faces land in the stored raster, however the picture lies: by EXIF, irot and imir, codestream, matrix.

Not here: the JPEGs, which have a fixture for each orientation (test_writing.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures import expected
from fixtures.catalogue import TURNED
from fixtures.exiftool import ExifTool
from fixtures.values import REGIONS
from immich_meta_writers import PhotoMetadata, PlanOptions, WriteTo, plan

WANTED = PhotoMetadata(regions=REGIONS)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", TURNED)
def test_faces_are_turned_back(ending: str, orientation: int, tmp_path: Path, exiftool: ExifTool) -> None:
    path = tmp_path / f"turned.{ending}"
    path.write_bytes(TURNED[ending](orientation))
    options = PlanOptions(write_to=WriteTo.EMBED)
    plan(path, WANTED, options).apply()
    info = dict(exiftool.read(path, "-XMP-mwg-rs:RegionInfo")["XMP-mwg-rs:RegionInfo"][0])
    assert dict(info["AppliedToDimensions"]) == {"W": 64, "H": 48, "Unit": "pixel"}
    found = {
        dict(region)["Name"]: tuple(float(dict(dict(region)["Area"])[side]) for side in "XYWH")
        for region in info["RegionList"]
    }
    assert found == {name: pytest.approx(expected.stored(area, orientation), abs=1e-9) for name, area in expected.FACES}
    assert plan(path, WANTED, options).is_empty


@pytest.mark.parametrize("ending", TURNED)
def test_a_sidecar_has_the_same_places_as_the_file(ending: str, tmp_path: Path, exiftool: ExifTool) -> None:
    path = tmp_path / f"turned.{ending}"
    path.write_bytes(TURNED[ending](6))
    plan(path, WANTED, PlanOptions(write_to=WriteTo.BOTH)).apply()
    inside, beside = (
        exiftool.read(place, "-XMP-mwg-rs:RegionInfo")["XMP-mwg-rs:RegionInfo"] for place in (path, f"{path}.xmp")
    )
    assert beside == inside
