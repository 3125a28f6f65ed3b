"""The graft: our values change, every foreign byte stays, and both engines do the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from immich_meta_writers.addresses import LangAlt, XmpAddress, XmpEdit, XmpKind
from immich_meta_writers.errors import MetadataError, SelfCheckError, XmpError
from immich_meta_writers.payloads import xmp
from immich_meta_writers.payloads.xmp_builtin import BuiltinEncoder
from immich_meta_writers.tags import BY_NAME, TABLE

ADDRESSES = tuple(tag.address for tag in TABLE if isinstance(tag.address, XmpAddress))
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
HEAD = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="{RDF}">\n'
BINDINGS = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:q="urn:q" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/" '
    'xmlns:mp="http://ns.microsoft.com/photo/1.0"'
)


def address(name: str) -> XmpAddress:
    found = BY_NAME[name].address
    assert isinstance(found, XmpAddress)
    return found


SUBJECT, DESCRIPTION, RATING = (address(f"XMP-{name}") for name in ("dc:Subject", "dc:Description", "xmp:Rating"))
LABEL, TAGS, MICROSOFT = (
    address("XMP-xmp:Label"),
    address("XMP-digiKam:TagsList"),
    address("XMP-microsoft:RatingPercent"),
)


def packet(inside: str, attributes: str = "", about: str = "") -> bytes:
    node = f'  <rdf:Description rdf:about="{about}" {BINDINGS} {attributes}>{inside}</rdf:Description>\n'
    text = HEAD + node + " </rdf:RDF>\n</x:xmpmeta>"
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{text}{" " * 400}\n<?xpacket end="w"?>'.encode()


def grafted(encoder: xmp.Encoder, old: bytes, where: XmpAddress, edit: XmpEdit | None) -> bytes:
    return xmp.graft(xmp.parse(old), {where: edit}, encoder, size=len(old))


def inside_of(result: bytes) -> str:
    text = result.decode()
    return text[text.index(">", text.index("<rdf:Description")) + 1 : text.index("</rdf:Description>\n")]


@pytest.mark.parametrize("edit", ["5", None])
@pytest.mark.parametrize(
    ("inside", "attributes"),
    [
        ('<q:a/><xmp:Rating q:foreign="1">4</xmp:Rating><!-- c --><q:b>x</q:b>', ""),
        ("<q:a/>", 'q:y="1" xmp:Rating = \'4\' q:z="a>b"'),
        ("<xmp:Rating/>", ""),
        ('<xmp:Rating rdf:resource="4"/>', ""),
        ("<xmp:Rating>4</xmp:Rating><q:a/><xmp:Rating>3</xmp:Rating>", 'xmp:Rating="2"'),
        ('<xmp:Rating rdf:value="4" q:by="me"/>', ""),
        ("<xmp:Rating><rdf:Bag><rdf:li>4</rdf:li></rdf:Bag></xmp:Rating>", ""),
        ('<Rating xmlns="http://ns.adobe.com/xap/1.0/">4/></Rating>', ""),
    ],
)
def test_a_simple_value_is_set_or_removed_in_every_form(
    encoder: xmp.Encoder, inside: str, attributes: str, edit: str | None
) -> None:
    old = packet(inside, attributes)
    new = grafted(encoder, old, RATING, edit)
    assert xmp.parse(new).get(RATING) == edit
    assert len(new) == len(old)
    assert xmp.parse(new).foreign([RATING]) == xmp.parse(old).foreign([RATING])


def test_qualifiers_of_a_simple_value_stay(encoder: xmp.Encoder) -> None:
    old = packet('<xmp:Rating rdf:parseType="Resource"><rdf:value>4</rdf:value><q:by>me</q:by></xmp:Rating>')
    assert inside_of(grafted(encoder, old, RATING, "5")) == inside_of(old).replace(">4<", ">5<")


def test_an_equal_value_is_not_rewritten_whatever_its_form(encoder: xmp.Encoder) -> None:
    old = packet(
        "<xmp:Label>a&#xA;b</xmp:Label><dc:subject><rdf:Seq><rdf:li>x</rdf:li></rdf:Seq></dc:subject>", 'xmp:Rating="4"'
    )
    edits: dict[XmpAddress, XmpEdit | None] = {LABEL: "a\nb", RATING: "4", SUBJECT: ("x",), DESCRIPTION: None}
    assert xmp.graft(xmp.parse(old), edits, encoder) == old


def test_list_items_come_and_go_and_foreign_ones_keep_their_bytes(encoder: xmp.Encoder) -> None:
    kept = '<rdf:li q:id="7" xml:lang="de"><!-- mine -->Müll&#x65;r</rdf:li>'
    old = packet(f"\n   <dc:subject><rdf:Seq>\n    <rdf:li>a</rdf:li>\n    {kept}</rdf:Seq></dc:subject>")
    new = grafted(encoder, old, SUBJECT, ("Müller", "Zoë O'Brien, Jr."))
    assert xmp.parse(new).get(SUBJECT) == ("Müller", "Zoë O'Brien, Jr.")
    assert kept in new.decode()
    assert b"<rdf:Seq>" in new
    assert b"<rdf:Bag>" not in new
    assert (
        inside_of(grafted(encoder, new, SUBJECT, ("Müller",)))
        == f"\n   <dc:subject><rdf:Seq>\n    {kept}</rdf:Seq></dc:subject>"
    )


def test_adding_and_removing_cancel_out(encoder: xmp.Encoder) -> None:
    old = packet("\n   <q:a>1</q:a>\n  ")
    edits = {where: _value(where) for where in ADDRESSES if where.kind is not XmpKind.REGIONS}
    new = xmp.graft(xmp.parse(old), edits, encoder, padding=0)
    assert xmp.graft(xmp.parse(new), dict.fromkeys(edits), encoder, padding=0) == old


def _value(where: XmpAddress) -> XmpEdit:
    if where.kind in (XmpKind.BAG, XmpKind.SEQ):
        return ("Ada, Countess", "山田太郎 \U0001f600")
    return "4" if where.name == "Rating" else f"{where.name}: \"a\" & <b> ]]>\n'c'"


@pytest.mark.parametrize(
    "inside",
    [
        "<dc:subject>a</dc:subject>",
        "<dc:subject/>",
        "<dc:subject><rdf:Bag/></dc:subject>",
        "<dc:subject><rdf:Bag></rdf:Bag></dc:subject>",
        "<dc:subject><rdf:Bag><rdf:li/></rdf:Bag></dc:subject>",
        '<d:subject xmlns:d="http://purl.org/dc/elements/1.1/">a</d:subject>',
        "<dc:subject><rdf:Bag><rdf:li>a</rdf:li></rdf:Bag></dc:subject><dc:subject><rdf:Bag>"
        "<rdf:li q:n='1'>b</rdf:li></rdf:Bag></dc:subject>",
        "<dc:subject>a</dc:subject><dc:subject><rdf:Bag><rdf:li>b</rdf:li></rdf:Bag></dc:subject>",
        '<dc:subject rdf:parseType="Resource"><rdf:value><rdf:Bag><rdf:li>a</rdf:li></rdf:Bag></rdf:value>'
        "</dc:subject>",
    ],
)
def test_a_list_in_any_form_becomes_one_truth_without_loss(encoder: xmp.Encoder, inside: str) -> None:
    old = packet(inside)
    before = xmp.parse(old).get(SUBJECT)
    assert isinstance(before, tuple)
    new = xmp.parse(grafted(encoder, old, SUBJECT, (*before, "new")))
    found = new.get(SUBJECT)
    assert isinstance(found, tuple)
    assert sorted(found) == sorted((*before, "new"))
    assert len(new.occurrences(SUBJECT)) == 1
    if "q:n" in inside:
        assert b"<rdf:li q:n='1'>b</rdf:li>" in new.data


def test_items_that_move_between_copies_keep_their_namespaces(encoder: xmp.Encoder) -> None:
    second = (
        '<rdf:Description xmlns:z="urn:z" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>'
        '<rdf:li z:id="1">b</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF>'
    )
    first = packet("<dc:subject><rdf:Bag><rdf:li>a</rdf:li></rdf:Bag></dc:subject>")
    new = grafted(encoder, first.replace(b"</rdf:RDF>", second.encode()), SUBJECT, ("a", "b", "c"))
    assert b'<rdf:li xmlns:z="urn:z" z:id="1">b</rdf:li>' in new


def test_a_sequence_takes_the_wanted_order(encoder: xmp.Encoder) -> None:
    old = packet("<digiKam:TagsList><rdf:Seq><rdf:li>b</rdf:li><rdf:li q:n='1'>a</rdf:li></rdf:Seq></digiKam:TagsList>")
    new = grafted(encoder, old, TAGS, ("a", "new", "b"))
    assert xmp.parse(new).get(TAGS) == ("a", "new", "b")
    assert b"<rdf:li q:n='1'>a</rdf:li>" in new


def test_only_x_default_is_set_and_other_languages_keep_their_bytes(encoder: xmp.Encoder) -> None:
    german = '<rdf:li xml:lang="de-DE">Gr&#xFC;n</rdf:li>'
    old = packet(
        f'<dc:description><rdf:Alt>{german}<rdf:li xml:lang="X-Default">green</rdf:li></rdf:Alt></dc:description>'
    )
    assert inside_of(grafted(encoder, old, DESCRIPTION, "a\nb")) == inside_of(old).replace("green", "a&#10;b")
    removed = grafted(encoder, old, DESCRIPTION, None)
    assert inside_of(removed) == f"<dc:description><rdf:Alt>{german}</rdf:Alt></dc:description>"
    again = xmp.parse(grafted(encoder, removed, DESCRIPTION, "new")).get(DESCRIPTION)
    assert again == LangAlt((("x-default", "new"), ("de-DE", "Grün")))


@pytest.mark.parametrize(
    ("inside", "others"),
    [
        ("<dc:description>old</dc:description>", ()),
        ('<dc:description xml:lang="de">alt</dc:description>', (("de", "alt"),)),
        ("<dc:description><rdf:Alt><rdf:li>old</rdf:li></rdf:Alt></dc:description>", ()),
        ("<dc:description><rdf:Alt/></dc:description>", ()),
        (
            '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">a</rdf:li></rdf:Alt></dc:description>'
            '<dc:description><rdf:Alt><rdf:li xml:lang="fr">b</rdf:li></rdf:Alt></dc:description>'
            '<dc:description xml:lang="it">c</dc:description>',
            (("fr", "b"), ("it", "c")),
        ),
    ],
)
def test_a_caption_in_any_form_is_set(encoder: xmp.Encoder, inside: str, others: tuple[tuple[str, str], ...]) -> None:
    new = xmp.parse(grafted(encoder, packet(inside), DESCRIPTION, "new"))
    assert new.get(DESCRIPTION) == LangAlt((("x-default", "new"), *others))
    assert len(new.occurrences(DESCRIPTION)) == 1
    if not others:
        assert not xmp.parse(grafted(encoder, new.data, DESCRIPTION, None)).occurrences(DESCRIPTION)


def test_shorthand_captions_and_keywords_become_elements(encoder: xmp.Encoder) -> None:
    old = packet("<q:a/>", 'dc:description="old" dc:subject="a"')
    new = xmp.parse(xmp.graft(xmp.parse(old), {DESCRIPTION: "new", SUBJECT: ("a", "b")}, encoder))
    assert (new.get(DESCRIPTION), new.get(SUBJECT)) == (LangAlt((("x-default", "new"),)), ("a", "b"))
    assert len(new.occurrences(SUBJECT)) == 1


def test_microsofts_rating_keeps_the_uri_that_it_has(encoder: xmp.Encoder) -> None:
    new = grafted(encoder, packet("<mp:Rating>50</mp:Rating>"), MICROSOFT, "75")
    assert inside_of(new) == "<mp:Rating>75</mp:Rating>"
    assert b'"http://ns.microsoft.com/photo/1.0/"' in grafted(encoder, packet("<q:a/>"), MICROSOFT, "75")


@pytest.mark.parametrize(
    "rdf",
    [
        "<rdf:RDF xmlns:rdf='{0}'/>",
        "<r:RDF xmlns:r='{0}'></r:RDF>",
        "<rdf:RDF xmlns:rdf='{0}'><rdf:Description rdf:about='uuid:1'/></rdf:RDF>",
        "<r:RDF xmlns:r='{0}'><r:Description r:about='uuid:1' xmlns:dc='urn:other' dc:a='1' /></r:RDF>",
        "<rdf:RDF xmlns:rdf='{0}'><q:Photo xmlns:q='urn:q' rdf:about='uuid:1'><q:a/></q:Photo></rdf:RDF>",
        "<rdf:RDF xmlns:rdf='{0}'><rdf:Description rdf:nodeID='a' xmlns:q='urn:q'><q:a/></rdf:Description></rdf:RDF>",
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>",
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        "",
    ],
)
def test_a_new_property_finds_a_place_in_every_packet(encoder: xmp.Encoder, rdf: str) -> None:
    old = rdf.format(RDF).encode()
    new = xmp.parse(xmp.graft(xmp.parse(old), {SUBJECT: ("a",), RATING: "3"}, encoder))
    assert (new.get(SUBJECT), new.get(RATING)) == (("a",), "3")
    about = next(one.about for one in reversed(new.subjects) if not one.is_blank)
    assert about == ("uuid:1" if b"uuid:1" in old else "")


def test_new_properties_stand_in_the_last_description_of_the_same_thing(encoder: xmp.Encoder) -> None:
    text = packet("<q:a/>").decode().replace("</rdf:RDF>", '<rdf:Description xmlns:q="urn:q" q:b="1"/></rdf:RDF>')
    new = xmp.parse(grafted(encoder, text.encode(), RATING, "3"))
    assert new.occurrences(RATING)[0].node == 1


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"])
def test_the_encoding_and_the_size_stay(encoder: xmp.Encoder, codec: str) -> None:
    old = packet("<q:a>é</q:a>").decode().encode(codec)
    new = grafted(encoder, old, SUBJECT, ("Zoë",))
    assert len(new) == len(old)
    assert xmp.parse(new).frame.codec == xmp.parse(old).frame.codec
    assert xmp.parse(new).get(SUBJECT) == ("Zoë",)
    back = grafted(encoder, new, SUBJECT, None).decode(codec)
    assert back[: back.index("</x:")] == old.decode(codec)[: back.index("</x:")]


def test_a_packet_that_outgrows_its_padding_gets_fresh_padding(encoder: xmp.Encoder) -> None:
    old = packet("<q:a/>")
    new = grafted(encoder, old, LABEL, "x" * 1000)
    blank = len(new[: new.rindex(b"<?xpacket")]) - len(new[: new.rindex(b"<?xpacket")].rstrip())
    assert 2048 <= blank <= 2060
    assert len(grafted(encoder, new, LABEL, None)) == len(new)


def test_nul_bytes_behind_a_packet_count_as_room(encoder: xmp.Encoder) -> None:
    old = packet("<q:a/>").replace(b" " * 400, b"") + b"\0" * 400
    new = grafted(encoder, old, RATING, "3")
    assert len(new) == len(old)
    assert 300 < len(new) - len(new.rstrip(b"\0")) < 400


def test_a_cut_trailer_is_completed(encoder: xmp.Encoder) -> None:
    for cut in (b"", b'<?xpacket end="w"', b"<?xpacket en"):
        old = packet("<q:a/>").replace(b'<?xpacket end="w"?>', cut)
        new = grafted(encoder, old, RATING, "3")
        assert new.endswith(b'<?xpacket end="w"?>') is bool(cut)
        assert xmp.parse(new).get(RATING) == "3"


def test_a_sidecar_keeps_everything_around_its_properties(encoder: xmp.Encoder) -> None:
    old = (
        b'<?xml version="1.0"?>\n<!-- mine -->\n'
        + packet("<q:a/>").split(b"?>\n", 1)[1].rsplit(b"<?", 1)[0]
        + b"<!-- tail -->\n"
    )
    new = xmp.graft(xmp.parse(old), {RATING: "3"}, encoder, padding=0)
    start = next(i for i, (one, two) in enumerate(zip(old, new)) if one != two)
    assert new[:start] + new[start + len(new) - len(old) :] == old


def test_a_new_sidecar_is_stable_and_does_not_depend_on_the_order_of_edits(encoder: xmp.Encoder) -> None:
    edits = {where: _value(where) for where in ADDRESSES if where.kind is not XmpKind.REGIONS}
    new = xmp.new_sidecar(edits, encoder)
    assert new == xmp.new_sidecar(dict(reversed(edits.items())), encoder)
    assert new.startswith(b"<?xpacket begin")
    assert new.endswith(b'</x:xmpmeta>\n<?xpacket end="w"?>\n')
    assert xmp.graft(xmp.parse(new), edits, encoder, padding=0) == new


def test_a_damaged_packet_is_never_replaced(encoder: xmp.Encoder) -> None:
    with pytest.raises(XmpError):
        grafted(encoder, packet("<q:a>"), RATING, "3")


def test_a_result_that_does_not_read_back_is_refused() -> None:
    class Liar(BuiltinEncoder):
        def elements(self, values):  # type: ignore[no-untyped-def]
            return super().elements(dict.fromkeys(values, ("other",)))

    with pytest.raises(SelfCheckError, match="dc:subject"):
        grafted(Liar(), packet("<q:a/>"), SUBJECT, ("a",))


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(MetadataError, match="exiv2"):
        xmp.encoder("exiv2")


TEXT = st.text(min_size=1, max_size=30) | st.sampled_from(
    ["]]>", "a\r\nb\tc", "é́ \U0001f468\u200d\U0001f469", "&amp;#10;", "\u2028"]
)
_ILLEGAL = {*map(chr, range(32)), *map(chr, range(0xD800, 0xE000)), "\ufffe", "\uffff"} - set("\t\n\r")
LEGAL = TEXT.map(lambda text: "".join(one for one in text if one not in _ILLEGAL)).filter(bool)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(text=LEGAL, items=st.lists(LEGAL, min_size=1, max_size=4))
def test_any_text_round_trips_through_both_engines(
    both: tuple[xmp.Encoder, xmp.Encoder], text: str, items: list[str]
) -> None:
    edits: dict[XmpAddress, XmpEdit | None] = {
        SUBJECT: tuple(items),
        DESCRIPTION: text,
        LABEL: text,
        TAGS: tuple(items),
    }
    for old in (packet("<q:a/>"), packet("<q:a/>", 'xmp:Label="x" dc:description="y"')):
        first, second = (xmp.parse(xmp.graft(xmp.parse(old), edits, one)) for one in both)
        for where in edits:
            assert first.get(where) == second.get(where)
        assert (first.get(LABEL), first.get(TAGS)) == (text, tuple(items))
        assert first.get(DESCRIPTION) == LangAlt((("x-default", text),))


@st.composite
def foreign_markup(draw: st.DrawFn, depth: int = 2) -> str:
    name = draw(st.sampled_from(["q:a", "q:b", "zz:c", "tiff:Make"]))
    space = draw(st.sampled_from(["", " ", "\n  ", "<!-- x > y -->", "<?pi a/>?>"]))
    bound = ' xmlns:zz="urn:zz"' if name == "zz:c" else ""
    kind = draw(st.integers(0, 4 if depth else 2))
    if kind == 0:
        return f"{space}<{name}{bound}/>"
    if kind == 1:
        return f"{space}<{name}{bound} q:d='>/>'>a/>&#x41;<![CDATA[</q:a>]]></{name}>"
    if kind == 2:
        return f'{space}<{name}{bound} rdf:resource = "x" />'
    inner = "".join(draw(st.lists(foreign_markup(depth=depth - 1), max_size=3)))
    return f'{space}<{name}{bound} rdf:parseType="Resource">{inner}{space}</{name}>'


@SLOW
@given(parts=st.lists(foreign_markup(), max_size=6), at=st.integers(0, 6), seq=st.booleans())
def test_foreign_xmp_stays_byte_for_byte(
    both: tuple[xmp.Encoder, xmp.Encoder], parts: list[str], at: int, seq: bool
) -> None:
    kind = "Seq" if seq else "Bag"
    ours = f"<dc:subject><rdf:{kind}><rdf:li>a</rdf:li></rdf:{kind}></dc:subject><xmp:Rating>1</xmp:Rating>"
    old = packet("".join(parts[:at]) + ours + "".join(parts[at:]))
    for one in both:
        new = xmp.graft(xmp.parse(old), {SUBJECT: ("b", "c"), RATING: "5", LABEL: "x", DESCRIPTION: "y"}, one)
        assert xmp.parse(new).get(SUBJECT) == ("b", "c")
        text = new.decode()
        for part in ("".join(parts[:at]), "".join(parts[at:])):
            assert part.strip() in text
