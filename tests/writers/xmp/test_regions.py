"""Regions: they go, move and come one by one; every other region keeps its bytes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from immich_meta_writers.addresses import RegionEdit, RegionInfo, StoredRegion, XmpAddress
from immich_meta_writers.payloads import xmp
from immich_meta_writers.tags import BY_NAME

_ROW = BY_NAME["XMP-mwg-rs:RegionInfo"].address
assert isinstance(_ROW, XmpAddress)
REGIONS: XmpAddress = _ROW
BINDINGS = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:q="urn:q" '
    'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" '
    'xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"'
)
RESOURCE = (
    '<rdf:li rdf:parseType="Resource" q:id="1"><mwg-rs:Name>Ada</mwg-rs:Name><q:mine>x</q:mine>'
    '<mwg-rs:Type>Face</mwg-rs:Type><mwg-rs:Area rdf:parseType="Resource"><stArea:x>0.5</stArea:x>'
    "<stArea:y>0.5</stArea:y><stArea:w>0.1</stArea:w><stArea:h>0.1</stArea:h><q:e>1</q:e></mwg-rs:Area></rdf:li>"
)
NESTED = (
    '<rdf:li><rdf:Description mwg-rs:Name="Zoë" mwg-rs:Type="Face" q:mine="y">'
    "<mwg-rs:Area stArea:x='0.2' stArea:y='0.2' stArea:w='0.1' stArea:h='0.1' stArea:unit='normalized'/>"
    "</rdf:Description></rdf:li>"
)
AREALESS = '<rdf:li rdf:parseType="Resource"><mwg-rs:Name>Cat</mwg-rs:Name><mwg-rs:Type>Pet</mwg-rs:Type></rdf:li>'
SHORTHAND = '<rdf:li mwg-rs:Name="Dog" mwg-rs:Type="Pet"/>'
DIMENSIONS = '<mwg-rs:AppliedToDimensions stDim:w="4000" stDim:h="3000" stDim:unit="pixel"/>'
NEW = StoredRegion('O\'Brien "Jr." <&>', "Face", 0.25, 1 / 3, 1e-10, 1.0)


def packet(regions: str) -> bytes:
    node = f"<rdf:Description {BINDINGS}><q:a/>{regions}<q:b/></rdf:Description>"
    return f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{node}</rdf:RDF>'.encode()


def listed(*items: str, dimensions: str = DIMENSIONS) -> str:
    listing = f"<mwg-rs:RegionList><rdf:Bag>{''.join(items)}</rdf:Bag></mwg-rs:RegionList>"
    return f'<mwg-rs:Regions rdf:parseType="Resource">{dimensions}{listing}</mwg-rs:Regions>'


ALL = listed(RESOURCE, NESTED, AREALESS, SHORTHAND)


def grafted(encoder: xmp.Encoder, old: str, edit: RegionEdit) -> tuple[str, RegionInfo | None]:
    new = xmp.graft(xmp.parse(packet(old)), {REGIONS: edit}, encoder)
    found = xmp.parse(new).get(REGIONS)
    assert found is None or isinstance(found, RegionInfo)
    return new.decode(), found


@pytest.mark.parametrize("position", range(4))
def test_one_region_goes_and_the_others_keep_their_bytes(encoder: xmp.Encoder, position: int) -> None:
    text, found = grafted(encoder, ALL, RegionEdit(removed=(position,)))
    items = [RESOURCE, NESTED, AREALESS, SHORTHAND]
    assert text.encode() == packet(listed(*items[:position], *items[position + 1 :]))
    assert found
    assert len(found.regions) == 3


@pytest.mark.parametrize("position", range(4))
def test_a_region_moves_and_keeps_its_other_fields(encoder: xmp.Encoder, position: int) -> None:
    text, found = grafted(encoder, ALL, RegionEdit(moved=((position, StoredRegion("", "", 0.4, 0.3, 0.2, 0.05)),)))
    assert found
    moved = found.regions[position]
    assert (moved.x, moved.y, moved.w, moved.h) == (0.4, 0.3, 0.2, 0.05)
    assert moved.name == ("Ada", "Zoë", "Cat", "Dog")[position]
    for other, markup in enumerate((RESOURCE, NESTED, AREALESS, SHORTHAND)):
        assert (markup in text) is (other != position)
    if position == 0:
        assert "<q:e>1</q:e>" in text
        assert '<rdf:li rdf:parseType="Resource" q:id="1"><mwg-rs:Name>Ada</mwg-rs:Name><q:mine>x</q:mine>' in text
    if position == 1:
        expected = NESTED.replace(
            "'0.2' stArea:y='0.2' stArea:w='0.1' stArea:h='0.1'", "'0.4' stArea:y='0.3' stArea:w='0.2' stArea:h='0.05'"
        )
        assert expected in text


def test_going_moving_and_coming_at_once(encoder: xmp.Encoder) -> None:
    edit = RegionEdit(
        removed=(0,), moved=((1, StoredRegion("", "", 0.4, 0.3, 0.2, 0.05)),), added=(NEW, NEW), applied=(800, 600)
    )
    text, found = grafted(encoder, ALL, edit)
    assert found
    assert [region.name for region in found.regions] == ["Zoë", "Cat", "Dog", NEW.name, NEW.name]
    assert found.applied == (800.0, 600.0)
    assert 'stDim:w="800" stDim:h="600" stDim:unit="pixel"' in text
    assert "e-" not in text[text.index("Brien") - 500 :]


@pytest.mark.parametrize(
    "old",
    [
        "",
        "<mwg-rs:Regions/>",
        '<mwg-rs:Regions rdf:parseType="Resource"/>',
        listed(),
        f'<mwg-rs:Regions rdf:parseType="Resource">{DIMENSIONS}</mwg-rs:Regions>',
        '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList/><q:mine>z</q:mine></mwg-rs:Regions>',
        f"<mwg-rs:Regions><rdf:Description q:mine='z'>{DIMENSIONS}</rdf:Description></mwg-rs:Regions>",
    ],
)
def test_the_first_region_makes_its_list(encoder: xmp.Encoder, old: str) -> None:
    text, found = grafted(encoder, old, RegionEdit(added=(NEW,), applied=(800, 600)))
    assert found
    assert found.applied == (800.0, 600.0)
    assert [region.name for region in found.regions] == [NEW.name]
    assert ("q:mine" in text) is ("q:mine" in old)
    assert "<q:a/>" in text
    assert "<q:b/>" in text


def test_dimensions_that_are_missing_are_added(encoder: xmp.Encoder) -> None:
    text, found = grafted(encoder, listed(RESOURCE, dimensions=""), RegionEdit(added=(NEW,), applied=(8, 6)))
    assert found
    assert (found.applied, len(found.regions)) == ((8.0, 6.0), 2)
    assert RESOURCE in text


def test_the_list_goes_with_its_last_region(encoder: xmp.Encoder) -> None:
    text, found = grafted(encoder, ALL, RegionEdit(removed=(0, 1, 2, 3)))
    assert found is None
    assert text.encode() == packet("")


def test_two_lists_become_one(encoder: xmp.Encoder) -> None:
    second = listed(NESTED, SHORTHAND).replace("<mwg-rs:Regions ", '<mwg-rs:Regions xmlns:q="urn:r" ')
    edit = RegionEdit(removed=(2,), moved=((1, StoredRegion("", "", 0.4, 0.3, 0.2, 0.05)),), added=(NEW,))
    text, found = grafted(encoder, listed(RESOURCE) + second, edit)
    assert found
    assert [region.name for region in found.regions] == ["Ada", "Zoë", NEW.name]
    assert 'xmlns:q="urn:r"' in text
    assert text.count("<mwg-rs:Regions") == 1


def test_an_edit_that_counts_what_is_not_there_is_refused(encoder: xmp.Encoder) -> None:
    with pytest.raises(IndexError):
        grafted(encoder, ALL, RegionEdit(removed=(9,)))


EDGE = st.floats(0, 1).map(lambda value: round(value, 10))
REGION = st.builds(
    StoredRegion,
    st.sampled_from(["Ada", "山田", "a]]>\U0001f600"]),
    st.sampled_from(["Face", "Pet"]),
    EDGE,
    EDGE,
    EDGE,
    EDGE,
)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(added=st.lists(REGION, min_size=1, max_size=4), applied=st.tuples(st.integers(1, 60000), st.integers(1, 60000)))
def test_any_region_round_trips_through_both_engines(
    both: tuple[xmp.Encoder, xmp.Encoder], added: list[StoredRegion], applied: tuple[int, int]
) -> None:
    edit = RegionEdit(added=tuple(added), applied=applied)
    for encoder in both:
        _, found = grafted(encoder, "", edit)
        assert found == RegionInfo((float(applied[0]), float(applied[1])), tuple(added))
