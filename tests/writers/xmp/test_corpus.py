"""Every packet of real files: our properties go in, every foreign one stays, and a second run changes nothing."""

from __future__ import annotations

import pytest
from lxml import etree

from immich_meta_writers.addresses import RegionEdit, StoredRegion, XmpAddress, XmpEdit, XmpKind
from immich_meta_writers.payloads import xmp
from immich_meta_writers.tags import TABLE

ADDRESSES = tuple(tag.address for tag in TABLE if isinstance(tag.address, XmpAddress))


def _wanted(document: xmp.XmpDocument, where: XmpAddress) -> XmpEdit:
    if where.kind is XmpKind.REGIONS:
        return RegionEdit(added=(StoredRegion("Zoë", "Face", 0.5, 0.25, 0.1, 0.2),), applied=(4000, 3000))
    if where.kind in (XmpKind.BAG, XmpKind.SEQ):
        found = document.get(where)
        return (*(found[1:] if isinstance(found, tuple) else ()), "Ada, Countess", "山田太郎")
    return "4" if where.name == "Rating" else f"{where.name} & line\nbreak"


def _is_sound(packet: bytes) -> bool:
    try:
        etree.fromstring(packet.strip(b"\0"), etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return False
    return True


def test_every_packet_takes_all_rows_and_loses_nothing(
    corpus: list[tuple[str, bytes]], encoder: xmp.Encoder, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, old in corpus:
        document = xmp.parse(old)
        edits = {where: _wanted(document, where) for where in ADDRESSES}
        new = xmp.graft(document, edits, encoder, size=len(old))
        after = xmp.parse(new)
        assert after.foreign(ADDRESSES) == document.foreign(ADDRESSES), name
        assert _is_sound(new) or not _is_sound(old), name
        again = {where: edit for where, edit in edits.items() if where.kind is not XmpKind.REGIONS}
        assert xmp.graft(after, again, encoder, size=len(new)) == new, name
        empty = xmp.graft(after, dict.fromkeys(ADDRESSES), encoder, size=len(new))
        assert xmp.parse(empty).foreign(ADDRESSES) == document.foreign(ADDRESSES), name
    assert capfd.readouterr().err == ""


def test_both_engines_read_back_the_same(
    corpus: list[tuple[str, bytes]], both: tuple[xmp.Encoder, xmp.Encoder]
) -> None:
    for name, old in corpus:
        document = xmp.parse(old)
        edits = {where: _wanted(document, where) for where in ADDRESSES}
        first, second = (xmp.parse(xmp.graft(document, edits, one)) for one in both)
        assert all(first.get(where) == second.get(where) for where in ADDRESSES), name
