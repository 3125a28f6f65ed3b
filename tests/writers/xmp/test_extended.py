"""Extended XMP: what does not fit moves over, what stands there is edited there, what need not change does not."""

from __future__ import annotations

import hashlib

import pytest

from immich_meta_writers.addresses import LangAlt, RegionEdit, RegionInfo, StoredRegion, XmpAddress
from immich_meta_writers.errors import NoRoomError
from immich_meta_writers.payloads import xmp
from immich_meta_writers.tags import BY_NAME

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
BINDINGS = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:q="urn:q" '
    'xmlns:n="http://ns.adobe.com/xmp/note/" xmlns:g="http://ns.google.com/photos/1.0/camera/"'
)


def address(name: str) -> XmpAddress:
    found = BY_NAME[name].address
    assert isinstance(found, XmpAddress)
    return found


SUBJECT, DESCRIPTION, RATING = (address(f"XMP-{name}") for name in ("dc:Subject", "dc:Description", "xmp:Rating"))
REGIONS = address("XMP-mwg-rs:RegionInfo")


def rdf(inside: str, attributes: str = "") -> bytes:
    node = f'<rdf:Description rdf:about="" {BINDINGS} {attributes}>{inside}</rdf:Description>'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">{node}</rdf:RDF></x:xmpmeta>'.encode()


def split(main: str, extension: str) -> tuple[xmp.XmpDocument, xmp.XmpDocument, bytes]:
    second = rdf(extension)
    first = rdf(main, f'n:HasExtendedXMP="{xmp.guid_of(second)}"')
    return xmp.parse(first), xmp.parse(second), second


def subjects(*items: str) -> str:
    return f"<dc:subject><rdf:Bag>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:Bag></dc:subject>"


def test_an_extension_that_need_not_change_keeps_bytes_and_guid(encoder: xmp.Encoder) -> None:
    main, extension, old = split("<q:a/>", "<q:big>x</q:big>")
    packets = xmp.graft_extended(main, extension, {RATING: "3"}, encoder)
    assert (packets.extension, packets.guid) == (old, xmp.extension_guid(main))
    assert xmp.parse(packets.main).get(RATING) == "3"


def test_a_property_in_the_extension_is_edited_there_under_a_new_guid(encoder: xmp.Encoder) -> None:
    main, extension, old = split("<q:a/>", "<q:big>x</q:big>" + subjects("a"))
    packets = xmp.graft_extended(main, extension, {SUBJECT: ("a", "b")}, encoder)
    assert packets.extension
    assert packets.extension != old
    expected = hashlib.md5(packets.extension).hexdigest().upper()
    assert (packets.guid, xmp.extension_guid(xmp.parse(packets.main))) == (expected, expected)
    assert xmp.parse(packets.extension).get(SUBJECT) == ("a", "b")
    assert xmp.parse(packets.main).get(SUBJECT) is None
    assert b"<q:big>x</q:big>" in packets.extension


def test_a_property_in_both_becomes_one_truth(encoder: xmp.Encoder) -> None:
    main, extension, _ = split(subjects("a"), "<q:big/>" + subjects("b"))
    assert xmp.read((main, extension), SUBJECT) == ("a", "b")
    packets = xmp.graft_extended(main, extension, {SUBJECT: ("a", "b", "c")}, encoder)
    assert packets.extension
    assert xmp.parse(packets.main).get(SUBJECT) == ("a", "b", "c")
    assert xmp.parse(packets.extension).get(SUBJECT) is None


def test_other_languages_stay_in_the_extension(encoder: xmp.Encoder) -> None:
    alternative = '<dc:description><rdf:Alt><rdf:li xml:lang="{}">t</rdf:li></rdf:Alt></dc:description>'
    main, extension, old = split(alternative.format("x-default"), alternative.format("de"))
    packets = xmp.graft_extended(main, extension, {DESCRIPTION: "new"}, encoder)
    assert packets.extension == old
    assert xmp.parse(packets.main).get(DESCRIPTION) == LangAlt((("x-default", "new"),))


def test_an_emptied_extension_goes(encoder: xmp.Encoder) -> None:
    main, extension, _ = split("<q:a/>", subjects("a"))
    packets = xmp.graft_extended(main, extension, {SUBJECT: None}, encoder)
    assert (packets.extension, packets.guid) == (None, None)
    assert xmp.extension_guid(xmp.parse(packets.main)) is None


def test_a_missing_extension_is_not_made_up(encoder: xmp.Encoder) -> None:
    main, _, _ = split("<q:a/>", "<q:b/>")
    packets = xmp.graft_extended(main, None, {RATING: "3"}, encoder)
    assert (packets.extension, packets.guid) == (None, xmp.extension_guid(main))


def test_positions_of_regions_count_over_both_packets(encoder: xmp.Encoder) -> None:
    def region(name: str) -> StoredRegion:
        return StoredRegion(name, "Face", 0.5, 0.5, 0.1, 0.1)

    first = xmp.graft(xmp.parse(rdf("<q:a/>")), {REGIONS: RegionEdit(added=(region("a"), region("b")))}, encoder)
    second = xmp.graft(xmp.parse(rdf("<q:b/>")), {REGIONS: RegionEdit(added=(region("c"), region("d")))}, encoder)
    edit = RegionEdit(removed=(0, 2), moved=((3, StoredRegion("", "", 0.1, 0.1, 0.1, 0.1)),), added=(region("e"),))
    packets = xmp.graft_extended(xmp.parse(first), xmp.parse(second), {REGIONS: edit}, encoder)
    assert packets.extension
    found = xmp.read((xmp.parse(packets.main), xmp.parse(packets.extension)), REGIONS)
    assert isinstance(found, RegionInfo)
    assert [(one.name, one.x) for one in found.regions] == [("b", 0.5), ("e", 0.5), ("d", 0.1)]


def wrapped(inside: str) -> bytes:
    return b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>' + rdf(inside) + b" " * 3000 + b'<?xpacket end="w"?>'


def test_padding_goes_before_properties_do() -> None:
    packet = wrapped("<q:a/>")
    packets = xmp.spill(packet, 2500)
    assert (len(packets.main), packets.guid, packets.extension) == (2500, None, None)
    assert xmp.parse(packets.main).foreign(()) == xmp.parse(packet).foreign(())


@pytest.mark.parametrize("old", [None, rdf("<q:old>1</q:old>")])
def test_the_largest_properties_spill_and_nothing_is_lost(old: bytes | None) -> None:
    inside = f"<q:a>{'a' * 3000}</q:a>{subjects('x')}<q:b>{'b' * 4000}</q:b><g:c>{'c' * 900}</g:c>"
    packets = xmp.spill(wrapped(inside), 2000, old)
    assert packets.extension
    assert len(packets.main) == 2000
    assert packets.guid == hashlib.md5(packets.extension).hexdigest().upper()
    main, extension = xmp.parse(packets.main), xmp.parse(packets.extension)
    assert xmp.extension_guid(main) == packets.guid
    assert main.get(SUBJECT) == ("x",)
    assert {key.rpartition("\x1f")[2] for key in extension.index} == {"a", "b"} | ({"old"} if old else set())


def test_what_cannot_fit_is_refused_by_name() -> None:
    with pytest.raises(NoRoomError):
        xmp.spill(wrapped(f"<g:c>{'c' * 4000}</g:c>"), 2000)
