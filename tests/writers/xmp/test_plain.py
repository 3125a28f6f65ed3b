"""The quick ways to read a property say the same as the parser, or nothing.

Not here: what a form means (test_reading.py).
"""

from __future__ import annotations

import hashlib
from typing import Optional

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from immich_meta_writers.addresses import RegionEdit, StoredRegion, XmpAddress, XmpKind
from immich_meta_writers.errors import XmpError
from immich_meta_writers.payloads import xmp, xmp_plain, xmp_plain_regions, xmp_tree, xmp_values
from immich_meta_writers.payloads.xmp_markup import RDF
from immich_meta_writers.tags import BY_NAME, DC
from immich_meta_writers.text import clean

CONTEXT = {"rdf": RDF, "dc": DC}
KINDS = (XmpKind.SIMPLE, XmpKind.BAG, XmpKind.SEQ, XmpKind.ALT)

TEXTS = st.lists(
    st.sampled_from(
        [
            *"aB \t\n\r'\"&;#x<>/é山🎉",
            "&amp;",
            "&lt;",
            "&#39;",
            "&#x41;",
            "&#0;",
            "&#xD800;",
            "&nope;",
            "<!-- c -->",
            "]]>",
            "\x85",
        ]
    ),
    max_size=6,
).map("".join)
SHAPES = st.sampled_from(
    [
        "<dc:a>{0}</dc:a>",
        "<dc:a xmlns:q='u'>{0}</dc:a>",
        '<dc:a xmlns:q="u">{0}</dc:a>',
        '<dc:a xml:lang="de">{0}</dc:a>',
        "<dc:a>\n <rdf:Bag>\n  <rdf:li>{0}</rdf:li> <rdf:li>{1}</rdf:li>\n </rdf:Bag>\n</dc:a>",
        "<dc:a><rdf:Seq/></dc:a>",
        "<dc:a><rdf:Seq></rdf:Seq></dc:a>",
        '<dc:a><rdf:Alt><rdf:li xml:lang="x-default">{0}</rdf:li><rdf:li xml:lang="de">{1}</rdf:li></rdf:Alt></dc:a>',
        '<dc:a><rdf:Alt><rdf:li xml:lang="de">{0}</rdf:li><rdf:li xml:lang="DE">{1}</rdf:li></rdf:Alt></dc:a>',
        '<dc:a rdf:parseType="Resource"><dc:b>{0}</dc:b><dc:c k="v"/>{1}</dc:a>',
        '<dc:a xmlns:rdf="other"><rdf:Bag><rdf:li>{0}</rdf:li></rdf:Bag></dc:a>',
        "<dc:a/>",
    ]
)


def slow(source: bytes) -> Optional[xmp_tree.Element]:
    """The property as the parser builds it; None when it is not well-formed."""
    try:
        return xmp_tree._Builder(source, 0, len(source), CONTEXT).root()
    except XmpError:
        return None


def picture(element: xmp_tree.Element) -> object:
    """All of a tree, comparable."""
    own = (element.name, element.raw, element.attributes, element.start, element.inner_end, element.end)
    return own, element.text, [picture(child) for child in element.children]


@given(SHAPES, TEXTS, TEXTS)
@example("<dc:a>{0}</dc:a>", "a\r\nb", "")
@example("<dc:a>{0}</dc:a>", "&#13;", "")
def test_a_plain_reading_is_the_parsers_reading(shape: str, one: str, two: str) -> None:
    source = shape.format(one, two).encode("utf-8")
    parsed = slow(source)
    if parsed is None:
        return
    for kind in KINDS:
        quick = xmp_plain.value(source, kind, CONTEXT)
        assert quick is None or quick == xmp_values.unite([parsed], kind)
    tree = xmp_tree._plain_tree(source, 0, len(source), CONTEXT)
    assert tree is None or picture(tree) == picture(parsed)


COORDINATES = st.floats(0, 1, allow_nan=False) | st.sampled_from([0.0, 1.0, 0.5])
REGIONS = st.lists(
    st.builds(StoredRegion, st.text(max_size=8).map(clean), st.sampled_from(["Face", "Pet", ""]), *[COORDINATES] * 4),
    min_size=1,
    max_size=3,
)


@given(REGIONS, st.sampled_from(["builtin", "exempi"]))
def test_our_own_regions_are_read_as_the_parser_reads_them(regions: list[StoredRegion], engine: str) -> None:
    if engine == "exempi":
        pytest.importorskip("libxmp")
    address = BY_NAME["XMP-mwg-rs:RegionInfo"].address
    assert isinstance(address, XmpAddress)
    edit = RegionEdit(added=tuple(regions), applied=(4000, 3000))
    document = xmp.parse(xmp.graft(None, {address: edit}, xmp.encoder("auto" if engine == "exempi" else engine)))
    (one,) = document.occurrences(address)
    source, context = document.source(one), document.subjects[one.node].context
    parsed = xmp_tree._Builder(source, 0, len(source), context).root()
    quick = xmp_plain_regions.value(source, context)
    assert quick is None or quick == xmp_values.region_info(parsed)
    if all(region.name.isalnum() and region.type for region in regions):
        assert quick is not None
    assert xmp_plain_regions.value(source.replace(b"normalized", b"pixel"), context) is None
    assert xmp_plain_regions.value(source, {**context, "stArea": "elsewhere"}) is None


@pytest.mark.parametrize("shape", ["<dc:a>x</dc:a>", "<dc:a><rdf:Bag><rdf:li>x</rdf:li></rdf:Bag></dc:a>"])
def test_what_this_program_writes_is_read_without_a_parser(shape: str) -> None:
    kind = XmpKind.BAG if "Bag" in shape else XmpKind.SIMPLE
    assert xmp_plain.value(shape.encode(), kind, CONTEXT) is not None
    assert xmp_tree._plain_tree(shape.encode(), 0, len(shape), CONTEXT) is not None


def test_an_extension_is_named_by_its_md5() -> None:
    address = XmpAddress(DC, "description", "dc", XmpKind.ALT)
    subject = XmpAddress(DC, "subject", "dc", XmpKind.BAG)
    edits = {address: "x" * 90_000, subject: ("Ada",)}
    packet = xmp.graft(None, edits, xmp.encoder("builtin"))
    packets = xmp.spill(packet, 65_000)
    assert packets.extension is not None
    assert packets.guid == hashlib.md5(packets.extension).hexdigest().upper()
    main = xmp.parse(packets.main)
    assert xmp.extension_guid(main) == packets.guid
    assert len(packets.main) <= 65_000
    assert main.get(subject) == ("Ada",)
    changed = xmp.graft_extended(main, xmp.parse(packets.extension), {address: "y"}, xmp.encoder("builtin"))
    assert changed.extension is not None
    assert changed.guid == hashlib.md5(changed.extension).hexdigest().upper() != packets.guid
