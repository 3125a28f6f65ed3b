"""Faces: whose, where, and back from an edited image to the original."""

from __future__ import annotations

from types import MappingProxyType
from typing import Callable, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api.models import Asset, Edit, ExifInfo, Face, Person
from immich_meta.mapping.faces import regions_of
from immich_meta.mapping.notes import NoteKind
from immich_meta_writers.metadata import Region

ADA, BOB = Person("1", "Ada"), Person("2", "Bob")
NAN = float("nan")

Edge = Optional[float]


def face(
    *box: Edge, size: tuple[Edge, Edge] = (1000, 800), person: Optional[Person] = ADA, source: str = "manual"
) -> Face:
    return Face(size[0], size[1], box[0], box[1], box[2], box[3], source, person)


def photo(
    *people: Person,
    orientation: str = "1",
    size: Optional[tuple[int, int]] = (1000, 800),
    edited: bool = False,
) -> Asset:
    width, height = size or (None, None)
    exif = ExifInfo(orientation=orientation, image_width=width, image_height=height)
    return Asset("a", "/photo.jpg", people=people, exif=exif, is_edited=edited)


def crop(x: float, y: float, width: float, height: float) -> Edit:
    return Edit("crop", MappingProxyType({"x": x, "y": y, "width": width, "height": height}))


def rotate(angle: float) -> Edit:
    return Edit("rotate", MappingProxyType({"angle": angle}))


def mirror(axis: str) -> Edit:
    return Edit("mirror", MappingProxyType({"axis": axis}))


def only(asset: Asset, faces: tuple[Face, ...], edits: Optional[tuple[Edit, ...]] = None) -> Region:
    regions, notes = regions_of(asset, faces, edits)
    assert notes == ()
    assert regions is not None
    assert len(regions) == 1
    return regions[0]


def test_a_box_becomes_centre_and_size_of_its_own_image() -> None:
    region = only(photo(ADA), (face(100, 200, 300, 600, size=(2000, 1000)),))
    assert region.name == "Ada"
    assert (region.x, region.y, region.w, region.h) == pytest.approx((0.1, 0.4, 0.1, 0.4))


def test_unnamed_hidden_and_imported_faces_are_left_out() -> None:
    faces = (
        face(1, 1, 9, 9, person=None),
        face(1, 1, 9, 9, person=Person("3", " ")),
        face(1, 1, 9, 9, person=Person("4", "Eve", is_hidden=True)),
        face(1, 1, 9, 9, source="exif"),
    )
    assert regions_of(photo(ADA), faces, None) == ((), ())


def test_a_box_that_reaches_out_is_clamped() -> None:
    region = only(photo(ADA), (face(-50.5, 400, 100, 900),))
    assert (region.x, region.y, region.w, region.h) == pytest.approx((0.05, 0.75, 0.1, 0.5))


@pytest.mark.parametrize(
    "bad",
    [
        face(10, 10, 10, 20),
        face(10, 10, 10.0000001, 20),
        face(20, 10, 10, 20),
        face(-20, 10, -10, 20),
        face(1000, 10, 1200, 20),
        face(None, 10, 20, 20),
        face(NAN, 10, 20, 20),
        face(10, 10, 20, 20, size=(0, 800)),
        face(10, 10, 20, 20, size=(None, 800)),
        face(10, 10, 20, 20, size=(1000, -1)),
        face(10, 10, 10**400, 20),
    ],
)
def test_a_face_without_an_area_is_left_out_with_a_note(bad: Face) -> None:
    regions, notes = regions_of(photo(ADA), (bad, face(0, 0, 1000, 800, person=BOB)), None)
    assert regions == (Region("Bob", 0.5, 0.5, 1.0, 1.0),)
    assert [note.kind for note in notes] == [NoteKind.FACE_INVALID]


def test_regions_come_by_x_and_then_name() -> None:
    faces = (face(500, 0, 600, 80), face(0, 0, 100, 80, person=BOB), face(0, 80, 100, 160))
    regions, _ = regions_of(photo(ADA, BOB), faces, None)
    assert regions is not None
    assert [region.name for region in regions] == ["Ada", "Bob", "Ada"]
    assert regions_of(photo(ADA, BOB), faces[::-1], None)[0] == regions


def test_boxes_that_came_with_the_persons_are_taken() -> None:
    known = Person("1", "Ada", faces=(face(0, 0, 500, 800, person=None),))
    unnamed = Person("2", "", faces=None)
    assert regions_of(photo(known, unnamed), None, None) == ((Region("Ada", 0.25, 0.5, 0.5, 1.0),), ())


def test_without_named_persons_there_are_no_faces_to_ask_for() -> None:
    assert regions_of(photo(Person("2", "")), None, None) == ((), ())


@pytest.mark.parametrize("asset", [photo(ADA), Asset("a", "/photo.jpg", people_known=False)])
def test_unknown_boxes_leave_the_files_regions_alone(asset: Asset) -> None:
    regions, notes = regions_of(asset, None, None)
    assert regions is None
    assert [note.kind for note in notes] == [NoteKind.FACES_SKIPPED]


# What the server makes of a box of an image of 1000 x 800 (its own unit tests for transforming faces).
SERVER_EDITS = [
    ((mirror("horizontal"),), (800, 100, 900, 200), (1000, 800)),
    ((mirror("vertical"),), (100, 600, 200, 700), (1000, 800)),
    ((rotate(180),), (800, 600, 900, 700), (1000, 800)),
    ((rotate(90),), (600, 100, 700, 200), (800, 1000)),
    ((rotate(270),), (100, 800, 200, 900), (800, 1000)),
    ((crop(50, 50, 400, 300),), (50, 50, 150, 150), (400, 300)),
    ((crop(50, 50, 400, 300), rotate(90)), (150, 50, 250, 150), (300, 400)),
    ((rotate(90), crop(50, 50, 400, 300)), (150, 50, 250, 150), (300, 400)),
    ((crop(150, 150, 400, 300),), (-50, -50, 50, 50), (400, 300)),
    ((rotate(90), mirror("horizontal")), (100, 100, 200, 200), (800, 1000)),
    ((rotate(0), rotate(-270), mirror("horizontal")), (100, 100, 200, 200), (800, 1000)),
]


@pytest.mark.parametrize(("edits", "box", "size"), SERVER_EDITS)
def test_an_edit_is_undone(
    edits: tuple[Edit, ...], box: tuple[float, float, float, float], size: tuple[float, float]
) -> None:
    region = only(photo(ADA, edited=True), (face(*box, size=size),), edits)
    assert (region.x, region.y, region.w, region.h) == pytest.approx((0.15, 0.1875, 0.1, 0.125))


def test_a_crop_is_a_share_of_the_displayed_not_of_the_stored_size() -> None:
    asset = photo(ADA, orientation="6", size=(800, 1000), edited=True)
    region = only(asset, (face(50, 50, 150, 150, size=(400, 300)),), (crop(50, 50, 400, 300),))
    assert (region.x, region.y, region.w, region.h) == pytest.approx((0.15, 0.1875, 0.1, 0.125))


@pytest.mark.parametrize(
    ("asset", "edits"),
    [
        (photo(ADA, edited=True), None),
        (photo(ADA, edited=True), ()),
        (photo(ADA, edited=True), (Edit("straighten"),)),
        (photo(ADA, edited=True), (rotate(45),)),
        (photo(ADA, edited=True), (Edit("rotate"),)),
        (photo(ADA, edited=True), (mirror("diagonal"),)),
        (photo(ADA, edited=True), (Edit("mirror", MappingProxyType({"axis": ["x"]})),)),
        (photo(ADA, edited=True), (crop(0, 0, 0, 10),)),
        (photo(ADA, edited=True), (crop(0, NAN, 10, 10),)),
        (photo(ADA, edited=True, size=None), (crop(0, 0, 10, 10),)),
    ],
)
def test_what_cannot_be_undone_leaves_the_regions_alone(
    asset: Asset, edits: Optional[tuple[Edit, ...]]
) -> None:
    regions, notes = regions_of(asset, (face(1, 1, 9, 9),), edits)
    assert regions is None
    assert [note.kind for note in notes] == [NoteKind.FACES_SKIPPED]


def test_an_edited_asset_without_named_faces_has_none() -> None:
    assert regions_of(photo(edited=True), (), None) == ((), ())


Point = tuple[float, float]
FORWARD: dict[str, Callable[[Point, Point], tuple[Point, Point]]] = {
    "90": lambda p, s: ((s[1] - p[1], p[0]), (s[1], s[0])),
    "180": lambda p, s: ((s[0] - p[0], s[1] - p[1]), s),
    "270": lambda p, s: ((p[1], s[0] - p[0]), (s[1], s[0])),
    "horizontal": lambda p, s: ((s[0] - p[0], p[1]), s),
    "vertical": lambda p, s: ((p[0], s[1] - p[1]), s),
}


@given(
    st.lists(st.sampled_from(sorted(FORWARD)), max_size=5),
    st.none() | st.tuples(*[st.integers(0, 400)] * 2, *[st.integers(50, 400)] * 2),
    st.tuples(*[st.integers(0, 400)] * 2, *[st.integers(10, 300)] * 2),
)
def test_any_edits_are_undone(
    steps: list[str], cropped: Optional[tuple[int, int, int, int]], box: tuple[int, int, int, int]
) -> None:
    size: Point = (1000, 800)
    corners: list[Point] = [(box[0], box[1]), (box[0] + box[2], box[1] + box[3])]
    edits: list[Edit] = []
    if cropped:
        x, y, width, height = cropped
        edits.append(crop(x, y, width, height))
        corners, size = [(px - x, py - y) for px, py in corners], (width, height)
    for step in steps:
        edits.append(rotate(int(step)) if step.isdigit() else mirror(step))
        moved = [FORWARD[step](corner, size) for corner in corners]
        corners, size = [point for point, _ in moved], moved[0][1]
    (ax, ay), (bx, by) = corners
    edited = face(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by), size=size)
    region = only(photo(ADA, edited=bool(edits)), (edited,), tuple(edits))
    centre = ((box[0] + box[2] / 2) / 1000, (box[1] + box[3] / 2) / 800)
    assert (region.x, region.y) == pytest.approx(centre)
    assert (region.w, region.h) == pytest.approx((box[2] / 1000, box[3] / 800))


edges = st.none() | st.floats() | st.integers() | st.just(10**400)


@given(st.lists(st.tuples(edges, edges, edges, edges, edges, edges), max_size=4))
def test_any_boxes_give_regions_inside_the_picture(boxes: list[tuple[Edge, ...]]) -> None:
    faces = tuple(face(*box[:4], size=(box[4], box[5])) for box in boxes)
    regions, _ = regions_of(photo(ADA), faces, None)
    assert regions is not None
    assert regions_of(photo(ADA), faces[::-1], None)[0] == regions
    for region in regions:
        assert region.w > 0
        assert region.h > 0
        assert region.x - region.w / 2 + 1e-12 >= 0
        assert region.x + region.w / 2 <= 1 + 1e-12
        assert region.y - region.h / 2 + 1e-12 >= 0
        assert region.y + region.h / 2 <= 1 + 1e-12
