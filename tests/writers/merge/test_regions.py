"""Faces: ours come, move and go; foreign regions stay; reading back with rounding changes nothing.

Not here: how a region list is spelled (tests/writers/xmp) and the boxes that Immich sends (tests/mapping).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.addresses import RegionEdit, RegionInfo, StoredRegion
from immich_meta_writers.merge.regions import clamped, overlap, to_stored
from immich_meta_writers.metadata import PhotoMetadata, Region
from tests.writers.merge.views import RASTER, File, kept

TAG = "XMP-mwg-rs:RegionInfo"
ADA = Region("Ada", 0.3, 0.4, 0.1, 0.2)


def faces(*regions: Region) -> PhotoMetadata:
    return PhotoMetadata(regions=regions)


def stored(name: str, x: float, y: float, w: float, h: float, kind: str = "Face") -> StoredRegion:
    return StoredRegion(name, kind, x, y, w, h)


def info(*regions: StoredRegion, applied: Optional[tuple[float, float]] = (4000.0, 3000.0)) -> RegionInfo:
    return RegionInfo(applied, regions)


def holding(*regions: StoredRegion, applied: Optional[tuple[float, float]] = (4000.0, 3000.0)) -> File:
    return File({TAG: info(*regions, applied=applied)})


def found(file: File) -> tuple[StoredRegion, ...]:
    value = file[TAG]
    return value.regions if isinstance(value, RegionInfo) else ()


def edit(file: File, wanted: PhotoMetadata, user: str = "local") -> Optional[RegionEdit]:
    merged = file.run(wanted, user=user)
    edits = [change.edit for change in merged.changes if isinstance(change.edit, RegionEdit)]
    return edits[0] if edits else None


def shift(region: Region, dx: float) -> Region:
    return replace(region, x=region.x + dx)


def test_a_face_is_added_with_the_dimensions_of_the_stored_raster() -> None:
    file = File()
    file.run(faces(ADA))
    assert file[TAG] == info(stored("Ada", 0.3, 0.4, 0.1, 0.2))


def test_a_face_goes_and_the_list_with_the_last() -> None:
    file = File()
    file.run(faces(ADA, Region("Bob", 0.7, 0.7, 0.1, 0.1)))
    file.run(faces(ADA))
    assert [region.name for region in found(file)] == ["Ada"]
    file.run(faces())
    assert file[TAG] is None
    assert file.added == ()


def test_a_moved_face_moves_in_place() -> None:
    file = File()
    file.run(faces(ADA))
    for distance in (0.02, 0.5):
        change = edit(file, faces(shift(ADA, distance)))
        assert change is not None
        assert (change.added, change.removed, change.applied) == ((), (), None)
        assert [index for index, _ in change.moved] == [0]
        assert change.moved[0][1].x == pytest.approx(0.3 + distance)


@pytest.mark.parametrize(("pixels", "moves"), [(3.9, False), (4.1, True)])
def test_an_edge_may_be_off_by_a_thousandth(pixels: float, moves: bool) -> None:
    file = File()
    file.run(faces(ADA))
    assert (edit(file, faces(shift(ADA, pixels / RASTER[0]))) is not None) == moves


@pytest.mark.parametrize(("pixels", "moves"), [(1.9, False), (2.1, True)])
def test_in_a_small_picture_an_edge_may_be_off_by_two_pixels(pixels: float, moves: bool) -> None:
    file = File(raster=(100, 100))
    file.run(faces(ADA))
    assert (edit(file, faces(shift(ADA, pixels / 100))) is not None) == moves


def test_a_face_that_only_grew_is_rewritten() -> None:
    file = File()
    file.run(faces(ADA))
    assert edit(file, faces(replace(ADA, h=0.21))) is not None


# -- foreign regions --------------------------------------------------------------------------------------------------


def test_foreign_regions_stay_where_they_are() -> None:
    pet, unnamed = stored("Rex", 0.1, 0.1, 0.1, 0.1, "Pet"), stored("", 0.9, 0.9, 0.1, 0.1)
    foreign = (pet, stored("Eve", 0.5, 0.5, 0.1, 0.1), unnamed)
    file = holding(*foreign)
    file.run(faces(ADA))
    assert found(file)[:3] == foreign
    file.run(faces())
    assert found(file) == foreign


def test_a_foreign_region_of_the_same_name_in_the_same_place_is_the_face() -> None:
    file = holding(stored("Ada", 0.31, 0.41, 0.1, 0.2))
    assert edit(file, faces(ADA)) is None
    assert edit(file, faces()) is None


def test_names_of_regions_compare_in_nfc() -> None:
    file = holding(stored("Zoe\u0308", 0.3, 0.4, 0.1, 0.2))
    assert edit(file, faces(replace(ADA, name="Zoë"))) is None


def test_a_foreign_region_of_the_same_name_elsewhere_stays_beside_ours() -> None:
    foreign = stored("Ada", 0.8, 0.8, 0.1, 0.2)
    file = holding(foreign)
    file.run(faces(ADA))
    assert len(found(file)) == 2
    file.run(faces(shift(ADA, 0.2)))
    file.run(faces())
    assert found(file) == (foreign,)


def test_the_overlap_has_to_be_half() -> None:
    half = stored("Ada", 0.3 + 0.1 / 3, 0.4, 0.1, 0.2)  # IoU 0.5
    assert edit(holding(replace(half, x=half.x - 1e-6)), faces(ADA)) is None
    assert edit(holding(replace(half, x=half.x + 1e-6)), faces(ADA)) is not None


def test_a_face_that_a_foreign_region_shows_lets_go_of_ours() -> None:
    """Another program may have drawn the same face: ours is the one that is kept, and the one that goes."""
    file = File()
    file.run(faces(ADA))
    ours = found(file)[0]
    theirs = stored("Ada", 0.305, 0.4, 0.1, 0.2)
    file.values[TAG] = info(theirs, ours)
    assert edit(file, faces(ADA)) is None
    file.run(faces())
    assert found(file) == (theirs,)


def test_a_region_of_ours_that_another_program_rounded_is_still_ours() -> None:
    file = File()
    file.run(faces(ADA))
    file.values[TAG] = info(stored("Ada", 0.3012, 0.3991, 0.1004, 0.2))
    file.run(faces())
    assert file[TAG] is None


def test_a_region_of_ours_that_another_program_renamed_is_theirs() -> None:
    file = File()
    file.run(faces(ADA))
    file.values[TAG] = info(stored("Ada L.", 0.3, 0.4, 0.1, 0.2))
    file.run(faces())
    assert [region.name for region in found(file)] == ["Ada L."]


@pytest.mark.parametrize("value", ["Ada", "1,2,3,4", "a,b,c,d,Ada", "0.3,0.4,0.1,0.2,Bob", "nan,nan,nan,nan,Ada", ""])
def test_a_claim_that_makes_no_sense_claims_nothing(value: str) -> None:
    file = File({TAG: info(stored("Ada", 0.3, 0.4, 0.1, 0.2))}, added=(f"faces@local {TAG}={value}",))
    assert edit(file, faces()) is None


@pytest.mark.parametrize("name", ["Ada, Countess", "a=b", "x" * 80])
def test_any_name_can_be_taken_back(name: str) -> None:
    file = File()
    file.run(faces(replace(ADA, name=name)))
    file.run(faces())
    assert file[TAG] is None


# -- two of one name, two users ---------------------------------------------------------------------------------------


def test_two_faces_of_one_name_stay_two() -> None:
    twin = Region("Ada", 0.7, 0.4, 0.1, 0.2)
    file = File()
    file.run(faces(ADA, twin))
    assert edit(file, faces(twin, ADA)) is None
    file.run(faces(twin))
    assert [region.x for region in found(file)] == [0.7]


def test_one_face_that_is_wanted_twice_is_one_region() -> None:
    file = File()
    file.run(faces(ADA, shift(ADA, 1e-6)))
    assert len(found(file)) == 1
    file.run(faces())
    assert file[TAG] is None


def test_a_second_face_of_one_name_does_not_move_the_first() -> None:
    twin = Region("Ada", 0.7, 0.4, 0.1, 0.2)
    file = File()
    file.run(faces(twin))
    change = edit(file, faces(ADA, twin))
    assert change is not None
    assert (len(change.added), change.moved, change.removed) == (1, (), ())


def test_two_users_see_one_face_and_do_not_undo_each_other() -> None:
    file = File()
    seen_elsewhere = shift(ADA, 0.02)
    file.run(faces(ADA), user="11111111")
    file.run(faces(seen_elsewhere, Region("Bob", 0.7, 0.7, 0.1, 0.1)), user="22222222")
    assert edit(file, faces(ADA), user="11111111") is None
    assert edit(file, faces(seen_elsewhere, Region("Bob", 0.7, 0.7, 0.1, 0.1)), user="22222222") is None
    file.run(faces(Region("Cem", 0.1, 0.1, 0.1, 0.1)), user="11111111")
    assert sorted(region.name for region in found(file)) == ["Ada", "Bob", "Cem"]
    file.run(faces(), user="22222222")
    assert [region.name for region in found(file)] == ["Cem"]


# -- dimensions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("applied", [(400.0, 300.0), (4000.0, 3020.0), (8000.0, 6000.0)])
def test_foreign_dimensions_of_the_same_aspect_stay(applied: tuple[float, float]) -> None:
    file = holding(stored("Eve", 0.5, 0.5, 0.1, 0.1), applied=applied)
    file.run(faces(ADA))
    assert isinstance(file[TAG], RegionInfo)
    assert file[TAG].applied == applied  # type: ignore[attr-defined]


@pytest.mark.parametrize("applied", [None, (3000.0, 4000.0), (4000.0, 3100.0), (0.0, 3000.0), (4000.0, -3000.0)])
def test_other_dimensions_become_the_rasters(applied: Optional[tuple[float, float]]) -> None:
    file = holding(stored("Eve", 0.5, 0.5, 0.1, 0.1), applied=applied)
    file.run(faces(ADA))
    assert file[TAG].applied == (4000.0, 3000.0)  # type: ignore[attr-defined]


def test_wrong_dimensions_alone_are_no_reason_to_write() -> None:
    file = holding(stored("Ada", 0.3, 0.4, 0.1, 0.2), applied=(1.0, 1.0))
    assert edit(file, faces(ADA)) is None


def test_without_a_known_raster_nothing_is_added_and_ours_still_goes() -> None:
    unknown = File(raster=None)
    merged = unknown.run(faces(ADA))
    assert [each.tag for each in merged.skipped] == [TAG]
    file = File()
    file.run(faces(ADA))
    file.view_options["raster"] = None
    file.run(faces())
    assert file[TAG] is None
    assert kept(file.look(faces())) == {}


# -- geometry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "box",
    [(2.0, 0.5, 0.1, 0.1), (0.5, -1.0, 0.1, 0.1), (0.5, 0.5, 0.0, 0.1), (0.5, 0.5, 0.1, 1e-12), (0.5, 0.5, -0.1, 0.1)],
)
def test_a_box_without_area_in_the_picture_is_skipped(box: tuple[float, float, float, float]) -> None:
    assert clamped(Region("Ada", *box)) is None
    assert File().run(faces(Region("Ada", *box))).changes == ()


def test_a_box_is_clamped_to_the_picture() -> None:
    part = clamped(Region("Ada", 0.95, 0.05, 0.2, 0.2))
    assert part is not None
    assert (part.x, part.y, part.w, part.h) == pytest.approx((0.925, 0.075, 0.15, 0.15))


def shown(region: StoredRegion, orientation: int) -> StoredRegion:
    """How a viewer turns a stored region (EXIF 3.0, 4.6.5.1.6), written independently of the product's inverse."""
    x, y = region.x, region.y
    turned = {
        1: (x, y),
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (1 - y, x),
        7: (1 - y, 1 - x),
        8: (y, 1 - x),
    }[orientation]
    w, h = (region.h, region.w) if orientation >= 5 else (region.w, region.h)
    return replace(region, x=turned[0], y=turned[1], w=w, h=h)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_back(orientation: int) -> None:
    region = Region("Ada", 0.2, 0.3, 0.1, 0.25)
    back = shown(to_stored(region, orientation), orientation)
    assert (back.x, back.y, back.w, back.h) == pytest.approx((0.2, 0.3, 0.1, 0.25))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    assert to_stored(ADA, orientation) == stored("Ada", 0.3, 0.4, 0.1, 0.2)


def test_overlap_of_nothing_is_none() -> None:
    assert overlap((0.5, 0.5, 0.0, 0.0), (0.5, 0.5, 0.0, 0.0)) == 0
    assert overlap((0.1, 0.1, 0.1, 0.1), (0.9, 0.9, 0.1, 0.1)) == 0
    assert overlap((0.5, 0.5, 0.2, 0.2), (0.5, 0.5, 0.2, 0.2)) == pytest.approx(1)


# -- whatever the boxes are -------------------------------------------------------------------------------------------

sides = st.floats(0.001, 1)
boxes = st.builds(Region, st.sampled_from(["Ada", "Bob"]), st.floats(0, 1), st.floats(0, 1), sides, sides)
rasters = st.tuples(st.integers(1, 9000), st.integers(1, 9000))


def re_read(regions: Sequence[StoredRegion], width: float, height: float, orientation: int) -> list[Region]:
    """What Immich makes of regions: whole pixels of the turned picture, rounded down (IMMICH.md, 4.3)."""
    across, down = (height, width) if orientation >= 5 else (width, height)
    result = []
    for region in regions:
        turned = shown(region, orientation)
        left, right = (math.floor((turned.x + side * turned.w / 2) * across) / across for side in (-1, 1))
        top, bottom = (math.floor((turned.y + side * turned.h / 2) * down) / down for side in (-1, 1))
        if right > left and bottom > top:
            result.append(Region(region.name, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top))
    return result


@given(st.lists(boxes, max_size=4, unique=True), rasters, st.integers(1, 8))
def test_regions_settle(wanted: list[Region], raster: tuple[int, int], orientation: int) -> None:
    file = File(raster=raster, orientation=orientation)
    file.run(faces(*wanted))
    assert {region.name for region in found(file)} == {region.name for region in wanted}
    file.run(faces())
    assert file[TAG] is None


@given(boxes, st.tuples(st.integers(300, 9000), st.integers(300, 9000)), st.integers(1, 8), st.sampled_from([1, 4]))
def test_what_immich_reads_back_moves_nothing(
    wanted: Region, raster: tuple[int, int], orientation: int, divisor: int
) -> None:
    """Also where foreign dimensions of the same aspect, coarser than the picture, stay in the file."""
    width, height = raster[0] // divisor * divisor, raster[1] // divisor * divisor
    applied = (width / divisor, height / divisor)
    foreign = stored("Eve", 0.5, 0.5, 0.1, 0.1)
    file = File({TAG: info(foreign, applied=applied)}, raster=(width, height), orientation=orientation)
    file.run(faces(wanted))
    for _ in range(3):
        again = re_read(found(file)[1:], *applied, orientation)
        for region in again:
            if region.w * applied[0] > 8 and region.h * applied[1] > 8:
                assert file.run(faces(region)).changes == ()


names = st.sampled_from(["Ada", "Bob"])
coarse = st.sampled_from([0.1, 0.3, 0.32, 0.5, 0.52, 0.9])
few = st.builds(Region, names, coarse, coarse, st.sampled_from([0.1, 0.2]), st.sampled_from([0.1, 0.2]))
theirs = st.lists(st.builds(stored, names, coarse, coarse, st.just(0.1), st.just(0.2)), max_size=3).map(tuple)


@given(theirs, st.lists(st.tuples(st.lists(few, max_size=3, unique=True), st.sampled_from(["1", "2"])), max_size=4))
def test_foreign_regions_outlive_any_number_of_runs(
    foreign: tuple[StoredRegion, ...], steps: list[tuple[list[Region], str]]
) -> None:
    file = holding(*foreign) if foreign else File()
    for wanted, user in steps:
        file.run(faces(*wanted), user=user)
    for user in ("1", "2"):
        file.run(faces(), user=user)
    assert len(found(file)) >= len(foreign)
    for region in foreign:
        assert region.name in [each.name for each in found(file)]
