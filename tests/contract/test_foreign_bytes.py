"""Foreign XMP stays byte for byte, in both engines.

Not here: what readers say of it (test_writing.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.blocks.jpeg import EXTENSION_HEADER
from fixtures.values import EVERYTHING, NOTHING
from immich_meta_writers import PlanOptions, WriteTo, plan
from tests.contract.cases import PLAIN, original
from tests.contract.skeletons import segments

FRAGMENTS = {
    "xmp-odd-containers.jpg": (
        b"<!-- kept -->",
        b"<dc:title><![CDATA[5 < 6]]></dc:title>",
        b"<xmp:Nickname>caf&#xE9; &#233;</xmp:Nickname>",
    ),
    "xmp-foreign-prefixes.jpg": (
        b'<x:xapmeta xmlns:x="adobe:ns:meta/" x:xaptk="XMP toolkit 2.9"><r:RDF',
        b"<elements:rights><r:Alt><r:li xml:lang='x-default'>Grace</r:li></r:Alt></elements:rights>",
    ),
    "xmp-shorthand.jpg": (b'crs:Exposure="+0.35"', 'photoshop:City="Kålltorp"'.encode()),
    "xmp-taken-prefixes.jpg": (b"<immichmeta:Added>foreign</immichmeta:Added>", b'fstop:favorite="maybe"'),
    "xmp-digikam-regions.jpg": (
        b"<digiKam:Confidence>0.9</digiKam:Confidence><mwg-rs:Description>our cat</mwg-rs:Description>",
        b'<mwg-rs:AppliedToDimensions stDim:w="64" stDim:h="48" stDim:unit="pixel"/>',
    ),
    "xmp-languages.jpg": (
        b'<rdf:li xml:lang="de-DE">Der Hafen</rdf:li>',
        b'<rdf:li xml:lang="fr-FR">Le port</rdf:li>',
    ),
    "xmp-several-descriptions.jpg": (b'rdf:about="uuid:0000-1111"', b'xmp:CreatorTool="Acme"'),
    "darktable.jpg.xmp": (
        b'<rdf:li darktable:num="2" darktable:operation="exposure" darktable:enabled="1"\n      darktable:params=',
        b"<darktable:masks_history><rdf:Seq/></darktable:masks_history>",
        b'x:xmptk="XMP Core 4.4.0-Exiv2"',
    ),
    "lightroom.jpg.xmp": (b'crs:Exposure2012="+0.35"', b"<rdf:Seq><rdf:li>0, 0</rdf:li>"),
}


@pytest.mark.parametrize("name", FRAGMENTS)
def test_foreign_elements_stay_byte_for_byte(name: str, engine: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(original(name))
    photo = path
    if name.endswith(".xmp"):
        photo = path.with_suffix("")
        photo.write_bytes(original(PLAIN))
    options = PlanOptions(xmp_engine=engine, write_to=WriteTo.AUTO if photo is path else WriteTo.SIDECAR)
    for wanted in (EVERYTHING, NOTHING):
        plan(photo, wanted, options).apply()
        after = path.read_bytes()
        for fragment in FRAGMENTS[name]:
            assert fragment in original(name)
            assert fragment in after, fragment


def test_a_foreign_extension_is_not_issued_anew(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(original("xmp-extended.jpg"))
    plan(path, EVERYTHING, PlanOptions(xmp_engine=engine)).apply()
    before, after = (
        [payload for marker, payload in segments(data)[0] if payload.startswith(EXTENSION_HEADER)]
        for data in (original("xmp-extended.jpg"), path.read_bytes())
    )
    assert len(before) == 3
    assert after == before
