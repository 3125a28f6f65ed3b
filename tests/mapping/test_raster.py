"""The size of the stored picture, as Immich knows it: only when the faces' own pictures agree with it.

Not here: what it is good for (tests/writers/plan/test_raster_hints.py).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Optional

import pytest

from immich_meta.api.models import Asset, Edit, ExifInfo, Face, Person
from immich_meta.mapping import MappingOptions, to_metadata
from immich_meta.mapping.raster import raster_of
from immich_meta_writers.metadata import Raster
from immich_meta_writers.tags import Module
from tests.mapping.test_compose import BERLIN, TODAY


def faces(*sizes: tuple[Optional[float], Optional[float]]) -> tuple[Face, ...]:
    return tuple(Face(width, height, 1, 1, 9, 9, "machine-learning", Person("1", "Ada")) for width, height in sizes)


def raw(width: Any = 6000, height: Any = 4000, orientation: Any = "1", **fields: Any) -> Asset:
    exif = ExifInfo(orientation=orientation, image_width=width, image_height=height)
    return Asset("a", "/photo.cr3", exif=exif, **fields)


@pytest.mark.parametrize("size", [(1440, 960), (6000, 4000), (390, 260), (1441, 960), (250, 167), (150.0, 100.0)])
def test_the_size_is_the_stored_one_when_a_face_comes_from_such_a_picture(size: tuple[float, float]) -> None:
    assert raster_of(raw(), faces(size), None) == Raster(6000, 4000, 1)


@pytest.mark.parametrize("orientation", ["1", "2", "3", "4", None])
def test_an_upright_picture_keeps_its_sides(orientation: Optional[str]) -> None:
    assert raster_of(raw(orientation=orientation), faces((1440, 960)), None) == Raster(
        6000, 4000, int(orientation or 1)
    )
    assert raster_of(raw(orientation=orientation), faces((960, 1440)), None) is None


@pytest.mark.parametrize("orientation", ["5", "6", "7", "8"])
def test_a_picture_on_its_side_is_shown_with_its_sides_swapped(orientation: str) -> None:
    assert raster_of(raw(orientation=orientation), faces((960, 1440)), None) == Raster(6000, 4000, int(orientation))
    assert raster_of(raw(orientation=orientation), faces((1440, 960)), None) is None


@pytest.mark.parametrize("size", [(1440, 810), (1440, 1440), (1400, 960), (1, 1)])
def test_a_preview_of_another_shape_is_a_crop_and_no_proof(size: tuple[float, float]) -> None:
    assert raster_of(raw(), faces((1440, 960), size), None) is None


@pytest.mark.parametrize("size", [(None, 960), (0, 960), (float("nan"), 960), (-3, -2)])
def test_a_face_without_a_size_proves_nothing(size: tuple[Optional[float], Optional[float]]) -> None:
    assert raster_of(raw(), faces(size), None) is None
    assert raster_of(raw(), faces(size, (1440, 960)), None) == Raster(6000, 4000)


def test_without_named_faces_no_size_is_needed() -> None:
    assert raster_of(raw(), (), None) is None


@pytest.mark.parametrize(
    "asset",
    [
        raw(width=None),
        raw(height=0),
        raw(width=-6000, height=-4000),
        raw(width=3 << 31, height=2 << 31),
        raw(orientation="9"),
        raw(orientation="Rotate 90 CW"),
        raw(orientation=""),
        raw(orientation="²"),
    ],
)
def test_what_makes_no_sense_is_not_known(asset: Asset) -> None:
    assert raster_of(asset, faces((1440, 960)), None) is None


CROP = Edit("crop", MappingProxyType({"x": 0, "y": 0, "width": 3000, "height": 4000}))
TURN = Edit("rotate", MappingProxyType({"angle": 90}))


@pytest.mark.parametrize(
    ("edits", "size"),
    [((CROP,), (720, 960)), ((TURN,), (960, 1440)), ((CROP, TURN), (960, 720)), ((CROP, TURN, TURN), (720, 960))],
)
def test_faces_of_an_edited_picture_have_its_shape(edits: tuple[Edit, ...], size: tuple[float, float]) -> None:
    asset = raw(is_edited=True, edits=edits)
    assert raster_of(asset, faces(size), edits) == Raster(6000, 4000)
    assert raster_of(asset, faces((1440, 960)), edits) is None
    assert raster_of(asset, faces(size), None) is None


def test_only_faces_ask_for_it() -> None:
    def mapped(module: Module) -> Optional[Raster]:
        options = MappingOptions(frozenset({module}), BERLIN)
        found = faces((1440, 960))
        return to_metadata(raw(), albums=None, faces=found, edits=None, options=options, today=TODAY).metadata.raster

    assert [module for module in Module if mapped(module)] == [Module.FACES]
    assert mapped(Module.FACES) == Raster(6000, 4000)
