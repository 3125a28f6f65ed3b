"""Faces of a raw file that nobody here looks into: by Immich's word they go into the sidecar, and stay there.

Not here: when that word is believed (tests/mapping/test_raster.py).
"""

from __future__ import annotations

import struct

import pytest

from immich_meta_writers.plan import read_sidecar_of
from tests.cli.home import Home, snapshot

CR3 = struct.pack(">I", 24) + b"ftypcrx \0\0\0\1crx isom" + bytes(200)
TAG = "XMP-mwg-rs:RegionInfo"
# Of the picture as displayed, 4000 x 6000: a face from 10 to 30 % across and 20 to 30 % down.
BOX = (400.0, 1200.0, 1200.0, 1800.0)


def test_faces_of_a_turned_raw_reach_its_sidecar_and_settle(home: Home) -> None:
    path, _ = home.add(
        "a.cr3", CR3, people=["Ada"], boxes={"Ada": BOX}, width=6000, height=4000, orientation="6"
    )
    assert home.sync().sums()["updated"] == 1
    assert read_sidecar_of(path)[1][TAG] == ("Ada (0.250, 0.800, 0.100 x 0.200)",)
    assert path.read_bytes() == CR3
    before = snapshot(home.photos)
    assert home.sync().sums()["unchanged"] == 1
    assert snapshot(home.photos) == before


@pytest.mark.parametrize("size", [(6000, 4000), (4000, 5000), (None, None)])
def test_faces_of_another_shape_are_left_out_and_the_rest_is_written(
    home: Home, size: tuple[int, int]
) -> None:
    path, asset = home.add("a.cr3", CR3, people=["Ada"], boxes={"Ada": BOX}, width=6000, height=4000, orientation="6")
    asset.exif_overrides.update(exifImageWidth=size[0], exifImageHeight=size[1])
    asset.exif_overrides["orientation"] = "1"
    assert home.sync().sums()["updated"] == 1
    found = read_sidecar_of(path)[1]
    assert TAG not in found
    assert found["XMP-dc:Subject"] == ("Ada",)
