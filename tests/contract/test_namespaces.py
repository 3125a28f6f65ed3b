"""Every property stands under the URI that the world knows: readers that match local names alone would not notice.

Not here: values (test_writing.py).
"""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree  # type: ignore[import-untyped, unused-ignore]

from tests.contract.cases import Case
from tests.contract.packets import packets

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC, XMP = "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/xap/1.0/"
REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
AREA, DIMENSIONS = "http://ns.adobe.com/xmp/sType/Area#", "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
IPTC_EXT, OURS = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "http://ns.immich-meta.org/1.0/"
WRITTEN = {
    (DC, "subject"),
    (DC, "description"),
    (XMP, "CreateDate"),
    (XMP, "ModifyDate"),
    (XMP, "MetadataDate"),
    (XMP, "Rating"),
    (XMP, "Label"),
    ("http://ns.adobe.com/photoshop/1.0/", "DateCreated"),
    ("http://www.fstopapp.com/xmp/", "favorite"),
    (IPTC_EXT, "Event"),
    (IPTC_EXT, "PersonInImage"),
    ("http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject"),
    ("http://www.digikam.org/ns/1.0/", "TagsList"),
    (REGIONS, "Regions"),
    (REGIONS, "AppliedToDimensions"),
    (REGIONS, "RegionList"),
    (REGIONS, "Name"),
    (REGIONS, "Type"),
    (REGIONS, "Area"),
    *((AREA, name) for name in ("x", "y", "w", "h", "unit")),
    *((DIMENSIONS, name) for name in ("w", "h", "unit")),
    (OURS, "Added"),
    (OURS, "AssetId"),
}
MICROSOFT = {("http://ns.microsoft.com/photo/1.0/", "Rating"), ("http://ns.microsoft.com/photo/1.0", "Rating")}
CONTAINERS = {
    (DC, "subject"): ("Bag", "Seq"),
    (DC, "description"): ("Alt",),
    (IPTC_EXT, "PersonInImage"): ("Bag",),
    (IPTC_EXT, "Event"): ("Alt",),
    ("http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject"): ("Bag",),
    ("http://www.digikam.org/ns/1.0/", "TagsList"): ("Seq",),
    (REGIONS, "RegionList"): ("Bag",),
    (OURS, "Added"): ("Bag",),
}


def packets_of(case: Case) -> tuple[bytes, ...]:
    """The packets of the written file, of which there is at least one."""
    found = packets(case.kind.name, case.written.read_bytes())
    assert found
    return found


def tree(packet: bytes) -> Any:
    """The packet as an independent parser sees it, from its root element on."""
    text = packet.decode(_encoding(packet)).lstrip("\ufeff")
    start = next(text.index(root) for root in ("<x:x", "<rdf:RDF") if root in text)
    end = max(text.rfind("</x:xmpmeta>"), text.rfind("</x:xapmeta>"), text.rfind("</rdf:RDF>"))
    return etree.fromstring(text[start : text.index(">", end) + 1])


def _encoding(packet: bytes) -> str:
    head = packet[:4]
    if head[:2] == b"\xff\xfe" or head[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if head[:1] == b"\0" or head[:2] == b"\xfe\xff" else "utf-8"


def names(root: Any) -> set[tuple[str, str]]:
    found = set()
    for element in root.iter(etree.Element):
        for name in (element.tag, *element.attrib):
            parsed = etree.QName(name)
            found.add((parsed.namespace or "", parsed.localname))
    return found


def test_every_property_stands_under_its_uri(case: Case) -> None:
    found = set().union(*(names(tree(packet)) for packet in packets_of(case)))
    assert found >= WRITTEN
    assert found & MICROSOFT


def test_every_list_has_its_kind_of_container(case: Case) -> None:
    for root in map(tree, packets_of(case)):
        for (uri, name), kinds in CONTAINERS.items():
            for element in root.iter(f"{{{uri}}}{name}"):
                assert [etree.QName(child.tag).localname for child in element] in [[kind] for kind in kinds], name


def test_no_namespace_is_bound_to_a_second_prefix(case: Case) -> None:
    """XMP toolkits take one prefix per namespace: exiv2 refuses a packet that mixes `xap` and `xmp`."""
    prefixes: dict[str, set[str]] = {}
    for packet in packets_of(case):
        for element in tree(packet).iter(etree.Element):
            for prefix, uri in element.nsmap.items():
                prefixes.setdefault(uri, set()).add(prefix or "")
    prefixes.pop(RDF)  # not a schema
    assert {uri: found for uri, found in prefixes.items() if len(found) > 1} == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_the_packet_reader_of_this_suite_knows_encodings(encoding: str) -> None:
    packet = '\ufeff<?xpacket?><x:xmpmeta xmlns:x="adobe:ns:meta/"/>'.replace("/>", "></x:xmpmeta>")
    assert etree.QName(tree(packet.encode(encoding)).tag).localname == "xmpmeta"
