"""Faces of files that nobody here looks into: the size that somebody else knows serves, where the file tells none.

Not here: where that size comes from (tests/mapping/test_raster.py).
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import expected
from immich_meta_writers import PhotoMetadata, Plan, Raster, Region, WriteTo, plan
from immich_meta_writers.errors import MetadataError
from immich_meta_writers.plan import read_sidecar_of
from tests.writers.plan.photos import BUILTIN, built, photo, written

TAG = "XMP-mwg-rs:RegionInfo"
FACE = Region("Ada", 0.2, 0.3, 0.1, 0.2)
WANTED = PhotoMetadata(regions=(FACE,), raster=Raster(6000, 4000))
# Heads of files that have sidecars only.
HEADS = {
    "IMG.cr3": struct.pack(">I", 24) + b"ftypcrx \0\0\0\1crx isom" + bytes(64),
    "IMG.raf": b"FUJIFILMCCD-RAW 0201" + bytes(64),
    "VID.mkv": b"\x1a\x45\xdf\xa3" + bytes(64),
    "IMG.bmp": b"BM\x36\x30" + bytes(60),
}


def run(path: Path, wanted: PhotoMetadata = WANTED, mode: WriteTo = WriteTo.AUTO) -> Plan:
    planned = plan(path, wanted, replace(BUILTIN, write_to=mode))
    planned.apply()
    return planned


def packet_of(path: Path) -> str:
    return Path(f"{path}.xmp").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HEADS)
def test_a_file_that_tells_no_size_gets_faces_by_the_hint(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / name, HEADS[name])
    planned = run(path)
    assert planned.skipped == ()
    assert read_sidecar_of(path)[1][TAG] == ("Ada (0.200, 0.300, 0.100 x 0.200)",)
    assert "6000" in packet_of(path)
    assert "4000" in packet_of(path)
    assert path.read_bytes() == HEADS[name]
    assert run(path).is_empty


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_hint_says_how_the_picture_is_turned(orientation: int, tmp_path: Path) -> None:
    path = written(tmp_path / "IMG.cr3", HEADS["IMG.cr3"])
    run(path, replace(WANTED, raster=Raster(6000, 4000, orientation)))
    x, y, w, h = expected.stored((FACE.x, FACE.y, FACE.w, FACE.h), orientation)
    assert read_sidecar_of(path)[1][TAG] == (f"Ada ({x:.3f}, {y:.3f}, {w:.3f} x {h:.3f})",)


@pytest.mark.parametrize("mode", [WriteTo.AUTO, WriteTo.SIDECAR, WriteTo.BOTH])
@pytest.mark.parametrize("name", ["orientation-6.jpg", "turned.heic", "turned.mp4", "turned.tif"])
def test_what_the_file_tells_wins(name: str, mode: WriteTo, tmp_path: Path) -> None:
    shown = []
    for folder, raster in (("without", None), ("with", Raster(6000, 4000, 3))):
        (tmp_path / folder).mkdir()
        path = photo(tmp_path / folder, name, name)
        planned = run(path, replace(WANTED, raster=raster), mode)
        shown.append((planned.changes, [part.read_bytes() for part in sorted(path.parent.iterdir())]))
    assert shown[0] == shown[1]


def test_a_raw_built_on_tiff_tells_its_own_size(tmp_path: Path) -> None:
    path = written(tmp_path / "IMG.nef", built("turned.tif"))
    run(path, replace(WANTED, raster=Raster(6000, 4000, 3)))
    assert read_sidecar_of(path)[1][TAG] == ("Ada (0.300, 0.800, 0.200 x 0.100)",)
    assert "6000" not in packet_of(path)


def test_a_hint_that_is_turned_otherwise_than_the_file_is_not_believed(tmp_path: Path) -> None:
    """A JPEG whose height comes behind its scan tells how it lies, but no size."""
    data = bytearray(built("orientation-6.jpg"))
    frame = data.rindex(b"\xff\xc0\x00\x11")  # the first is the thumbnail's
    data[frame + 5 : frame + 7] = b"\0\0"
    path = written(tmp_path / "IMG.jpg", bytes(data))
    for raster, is_known in ((Raster(64, 48, 1), False), (None, False), (Raster(64, 48, 6), True)):
        planned = plan(path, replace(WANTED, raster=raster), replace(BUILTIN, write_to=WriteTo.SIDECAR))
        assert [skipped.tag for skipped in planned.skipped] == ([] if is_known else [TAG])


def test_a_damaged_photo_may_have_faces_in_its_sidecar(tmp_path: Path) -> None:
    path = written(tmp_path / "IMG.jpg", b"\xff\xd8\xff\xe1\x40\x00Exif\0\0")
    run(path, mode=WriteTo.SIDECAR)
    assert TAG in read_sidecar_of(path)[1]


def test_a_hint_alone_asks_for_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "IMG.cr3", HEADS["IMG.cr3"])
    assert run(path, PhotoMetadata(raster=Raster(6000, 4000))).is_empty


@pytest.mark.parametrize(
    "raster", [Raster(0, 1), Raster(1, -1), Raster(1 << 31, 1), Raster(1, 1, 0), Raster(1, 1, 9)]
)
def test_a_hint_that_makes_no_sense_is_an_error(raster: Raster, tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="raster"):
        plan(photo(tmp_path), PhotoMetadata(raster=raster))
