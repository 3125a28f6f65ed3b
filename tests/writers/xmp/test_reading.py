"""Reading: every form that RDF allows means what it says, and hostile packets are refused by name."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.addresses import LangAlt, RegionInfo, StoredRegion, XmpAddress
from immich_meta_writers.errors import XmpError
from immich_meta_writers.payloads import xmp
from immich_meta_writers.tags import BY_NAME

NAMESPACES = """xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:q="urn:q" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"
 xmlns:mp="http://ns.microsoft.com/photo/1.0" """


def address(name: str) -> XmpAddress:
    found = BY_NAME[name].address
    assert isinstance(found, XmpAddress)
    return found


SUBJECT, DESCRIPTION, RATING = (address(f"XMP-{name}") for name in ("dc:Subject", "dc:Description", "xmp:Rating"))
REGIONS = address("XMP-mwg-rs:RegionInfo")


def packet(inside: str, attributes: str = "", wrapped: bool = True) -> str:
    rdf = f'<rdf:RDF {NAMESPACES}><rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description></rdf:RDF>'
    rdf = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{rdf}</x:xmpmeta>'
    if not wrapped:
        return rdf
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{rdf}{" " * 40}<?xpacket end="w"?>'


def read(inside: str, where: XmpAddress, attributes: str = "") -> object:
    return xmp.parse(packet(inside, attributes).encode()).get(where)


@pytest.mark.parametrize(
    ("inside", "attributes", "expected"),
    [
        ("<xmp:Rating>4</xmp:Rating>", "", "4"),
        ("", 'xmp:Rating="4"', "4"),
        ("<xmp:Rating><![CDATA[4]]></xmp:Rating>", "", "4"),
        ("<xmp:Rating><!-- a > b -->4</xmp:Rating>", "", "4"),
        ("<xmp:Rating>&#52;</xmp:Rating>", "", "4"),
        ('<xmp:Rating rdf:parseType="Resource"><rdf:value>4</rdf:value><q:by>me</q:by></xmp:Rating>', "", "4"),
        ('<xmp:Rating><rdf:Description rdf:value="4" q:by="me"/></xmp:Rating>', "", "4"),
        ('<xmp:Rating rdf:value="4" q:by="me"/>', "", "4"),
        ('<xmp:Rating rdf:resource="4"/>', "", "4"),
        ("<xmp:Rating><rdf:Bag><rdf:li>4</rdf:li></rdf:Bag></xmp:Rating>", "", "4"),
        ('<q:Rating xmlns:q="http://ns.adobe.com/xap/1.0/">4</q:Rating>', "", "4"),
        ('<Rating xmlns="http://ns.adobe.com/xap/1.0/">4</Rating>', "", "4"),
        ("<xmp:Rating/>", "", ""),
        ("<xmp:Rating></xmp:Rating><xmp:Rating>4</xmp:Rating>", "", "4"),
        ("<q:Rating>4</q:Rating>", "", None),
        ("<q:a><xmp:Rating>4</xmp:Rating></q:a>", "", None),
    ],
)
def test_a_simple_value_is_read_in_every_form(inside: str, attributes: str, expected: object) -> None:
    assert read(inside, RATING, attributes) == expected


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li>b, c</rdf:li></rdf:Bag></dc:subject>", ("a", "b, c")),
        ("<dc:subject><rdf:Seq><rdf:li>a</rdf:li></rdf:Seq></dc:subject>", ("a",)),
        ("<dc:subject><rdf:Bag><rdf:_1>a</rdf:_1><rdf:_2>b</rdf:_2></rdf:Bag></dc:subject>", ("a", "b")),
        ("<dc:subject>a, b</dc:subject>", ("a, b",)),
        ("<dc:subject><rdf:Bag/></dc:subject>", ()),
        ("<dc:subject>\n</dc:subject>", ()),
        (
            "<dc:subject><rdf:Bag><rdf:li>a</rdf:li></rdf:Bag></dc:subject>"
            "<dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li>b</rdf:li></rdf:Bag></dc:subject>",
            ("a", "b"),
        ),
        (
            '<dc:subject><rdf:Bag><rdf:li rdf:parseType="Resource"><rdf:value>a</rdf:value><q:n>1</q:n></rdf:li>'
            "</rdf:Bag></dc:subject>",
            ("a",),
        ),
    ],
)
def test_a_list_is_read_in_every_form(inside: str, expected: object) -> None:
    assert read(inside, SUBJECT) == expected


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (
            '<rdf:Alt><rdf:li xml:lang="de">d</rdf:li><rdf:li xml:lang="x-default">e</rdf:li></rdf:Alt>',
            (("de", "d"), ("x-default", "e")),
        ),
        ("<rdf:Alt><rdf:li>e</rdf:li></rdf:Alt>", (("x-default", "e"),)),
        (
            '<rdf:Alt><rdf:li xml:lang="x-default">e</rdf:li><rdf:li>f</rdf:li></rdf:Alt>',
            (("x-default", "e"), ("", "f")),
        ),
        ("<rdf:Bag><rdf:li>e</rdf:li></rdf:Bag>", (("x-default", "e"),)),
        ("e", (("x-default", "e"),)),
    ],
)
def test_a_language_alternative_is_read_in_every_form(inside: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert read(f"<dc:description>{inside}</dc:description>", DESCRIPTION) == LangAlt(expected)


AREA_FORMS = [
    '<mwg-rs:Area rdf:parseType="Resource"><stArea:x>0.5</stArea:x><stArea:y>0.4</stArea:y><stArea:w>0.2</stArea:w>'
    "<stArea:h>1e-1</stArea:h></mwg-rs:Area>",
    '<mwg-rs:Area stArea:x="0.5" stArea:y="0.4" stArea:w="0.2" stArea:h="0.1" stArea:unit="normalized"/>',
    '<mwg-rs:Area><rdf:Description stArea:x="0.5" stArea:y="0.4"><stArea:w>.2</stArea:w><stArea:h>0.1</stArea:h>'
    "</rdf:Description></mwg-rs:Area>",
    '<mwg-rs:Area stArea:x="2000" stArea:y="1200" stArea:w="800" stArea:h="300" stArea:unit="pixel"/>',
]
DIMENSIONS = '<mwg-rs:AppliedToDimensions stDim:w="4000" stDim:h="3000" stDim:unit="pixel"/>'


@pytest.mark.parametrize("area", AREA_FORMS)
@pytest.mark.parametrize("nested", [True, False])
def test_a_region_is_read_in_every_form(area: str, nested: bool) -> None:
    fields = f"{area}<mwg-rs:Name>Ada</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type>"
    item = f'<rdf:li rdf:parseType="Resource">{fields}</rdf:li>'
    if nested:
        item = f'<rdf:li><rdf:Description mwg-rs:Name="Ada" mwg-rs:Type="Face">{area}</rdf:Description></rdf:li>'
    listing = f"<mwg-rs:RegionList><rdf:Bag>{item}</rdf:Bag></mwg-rs:RegionList>"
    inside = f'<mwg-rs:Regions rdf:parseType="Resource">{DIMENSIONS}{listing}</mwg-rs:Regions>'
    found = read(inside, REGIONS)
    assert found == RegionInfo((4000.0, 3000.0), (StoredRegion("Ada", "Face", 0.5, 0.4, 0.2, 0.1),))


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "", "half", "1_0"])
def test_a_region_with_an_unreadable_area_is_listed_with_zeros(value: str) -> None:
    area = f'<mwg-rs:Area stArea:x="{value}" stArea:y="1" stArea:w="1" stArea:h="1"/>'
    item = f'<rdf:li rdf:parseType="Resource">{area}</rdf:li>'
    listing = f"<mwg-rs:RegionList><rdf:Bag>{item}</rdf:Bag></mwg-rs:RegionList>"
    found = read(f'<mwg-rs:Regions rdf:parseType="Resource">{listing}</mwg-rs:Regions>', REGIONS)
    assert found == RegionInfo(None, (StoredRegion("", "", 0, 0, 0, 0),))


def test_microsofts_rating_is_found_under_both_uris() -> None:
    assert read("<mp:Rating>75</mp:Rating>", address("XMP-microsoft:RatingPercent")) == "75"


def test_a_blank_node_is_a_part_of_something_else() -> None:
    text = packet("<xmp:Rating>4</xmp:Rating>").replace(
        "</rdf:RDF>", '<rdf:Description rdf:nodeID="a"><xmp:Rating>1</xmp:Rating></rdf:Description></rdf:RDF>'
    )
    assert xmp.parse(text.encode()).get(RATING) == "4"


@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_every_encoding_is_read(codec: str, wrapped: bool) -> None:
    text = packet("<xmp:Rating>4</xmp:Rating><dc:subject>Zoë 山</dc:subject>", wrapped=wrapped)
    document = xmp.parse(text.encode(codec))
    assert (document.get(RATING), document.get(SUBJECT)) == ("4", ("Zoë 山",))


@pytest.mark.parametrize(
    "frame",
    ["{}", '<?xml version="1.0" encoding="UTF-8"?>\n{}', "\n\n<?xml version='1.0'?>{}", "{}\0\0\0", "{}\n<?xpacket end",
     '{}<?xpacket end="w"', "{}<?x", "\0\0{}", "{} stray"],
)  # fmt: skip
def test_every_frame_is_read(frame: str) -> None:
    text = frame.format(packet("<xmp:Rating>4</xmp:Rating>", wrapped=False))
    assert xmp.parse(text.encode()).get(RATING) == "4"


def test_a_declared_legacy_encoding_is_honoured() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + packet("<dc:subject>Zoë</dc:subject>", wrapped=False)
    assert xmp.parse(text.encode("latin-1")).get(SUBJECT) == ("Zoë",)


def test_a_bare_rdf_and_the_old_xapmeta_are_read() -> None:
    inner = packet("<xmp:Rating>4</xmp:Rating>", wrapped=False)
    assert xmp.parse(inner.replace("x:xmpmeta", "x:xapmeta").encode()).get(RATING) == "4"
    assert xmp.parse(inner[inner.index("<rdf:RDF") : inner.index("</x:")].encode()).get(RATING) == "4"


def test_control_characters_are_spaces() -> None:
    assert read("<dc:subject>a\x01b&#x1F;c\x0bd\ufffee</dc:subject>", SUBJECT) == ("a b c d\ufffde",)
    assert read("<dc:subject>a\x01b</dc:subject>", SUBJECT) == ("a b",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
        (packet("&nbsp;").encode(), "undefined entity"),
        (packet("<q:a>" * 70 + "</q:a>" * 70).encode(), "deeper than 64"),
        (packet("<q:a>" * 5000).encode(), "deeper than 64"),
        (b"<a>" * 5000, "deeper than 64"),
        (packet("<q:a/>" * 500_000).encode(), "more than 500000"),
        (b"<html><body/></html>", "not XMP"),
        (b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><a/></x:xmpmeta>", "no rdf:RDF"),
        (b"nothing of the kind", "not well-formed"),
        (packet("<dc:subject>\xe9</dc:subject>").encode().replace(b"\xc3", b""), "not well-formed"),
        (b"\xff\xfe<\x00a", "utf-16"),
        (b"\xff\xfe<\x00\x00\xd8", "utf-16"),
        (packet("<dc:subject>").encode(), "mismatched"),
        (packet("<nope:a/>").encode(), "unbound prefix"),
        ((packet("", wrapped=False) * 2).encode(), "junk"),
        (packet("").replace("</x:", f"<rdf:RDF {NAMESPACES}/></x:").encode(), "two rdf:RDF"),
        (b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>', "no element"),
    ],
)  # fmt: skip
def test_what_is_not_xmp_is_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(XmpError, match=reason):
        xmp.parse(data)


def test_nothing_at_all_is_an_empty_document() -> None:
    for data in (b"", b" \n ", b"\0\0", b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>  <?xpacket end="w"?>'):
        assert not xmp.parse(data).index


def test_a_packet_cut_at_every_byte_is_read_or_refused() -> None:
    whole = packet('<xmp:Rating q:x="1">4</xmp:Rating><dc:subject><rdf:Bag><rdf:li>é</rdf:li></rdf:Bag></dc:subject>')
    for codec in ("utf-8", "utf-16-le"):
        data = whole.encode(codec)
        for length in range(len(data)):
            try:
                document = xmp.parse(data[:length])
            except XmpError:
                continue
            assert document.get(SUBJECT) in (("é",), None)


@given(st.binary(max_size=40), st.integers(0, 900))
def test_damaged_bytes_raise_nothing_but_xmp_errors(noise: bytes, at: int) -> None:
    data = packet(
        '<xmp:Rating>4</xmp:Rating><dc:subject><rdf:Bag><rdf:li a="b">é</rdf:li></rdf:Bag></dc:subject>'
    ).encode()
    try:
        document = xmp.parse(data[:at] + noise + data[at + len(noise) :])
        for where in (RATING, SUBJECT, DESCRIPTION, REGIONS):
            document.get(where)
    except XmpError:
        pass


def test_hostile_markup_takes_linear_time() -> None:
    start = time.perf_counter()
    for inside in (
        "<q:a " + 'b="' * 50_000,
        "<q:a>" + "&" * 100_000,
        "<" * 100_000,
        " " * 1_000_000,
        "<?xpacket end" * 9_000,
    ):
        with pytest.raises(XmpError):
            xmp.parse(packet(inside + "<q:b>").encode())
    assert time.perf_counter() - start < 5
