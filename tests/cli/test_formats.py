"""`formats`: every extension that Immich takes, told by the code that will meet it."""

from __future__ import annotations

import json
from typing import Any

from immich_meta.cli.formats import page, payload_of, rows
from immich_meta_writers.file_types import EXPECTED
from immich_meta_writers.tags import BY_NAME, Module
from tests.cli.home import ROOT, Home

# docs.immich.app, "Supported Media Formats", and what the server takes beyond that page (its mime-types.ts).
IMAGES = (
    "3fr ari arw avif bmp cap cin cr2 cr3 crw dcr dng erf fff gif heic heif hif iiq insp jp2 jpe jpeg jpg jxl k25 kdc "
    "mrw nef nrw orf ori pef png psd raf raw rw2 rwl sr2 srf srw svg tif tiff webp x3f"
)
VIDEOS = "3gp 3gpp avi flv insv m2t m2ts m4v mkv mov mp4 mpe mpeg mpg mts mxf ts vob webm wmv"
EMBEDDED = (
    "avif dng gif heic heif hif insp jpe jpeg jpg jxl png tif tiff webp 3gp 3gpp insv m4v mov mp4"
)


def told(offline: Home) -> dict[str, dict[str, Any]]:
    ran = offline.run("formats", "--json")
    assert ran.code == 0
    return {row["extension"]: row for row in json.loads(ran.out)}


def test_every_extension_of_immich_is_there_and_none_is_unsupported(offline: Home) -> None:
    found = told(offline)
    assert set(IMAGES.split() + VIDEOS.split()) <= set(found)
    assert {row["written"] for row in found.values()} == {"embed", "sidecar"}
    assert all(row["payloads"] and row["modules"] for row in found.values())
    assert [ending for ending in EMBEDDED.split() if found[ending]["written"] != "embed"] == []
    raws = "3fr arw cr2 cr3 nef orf pef raf rw2 srw iiq".split()
    assert {found[ending]["written"] for ending in [*raws, "mkv", "avi", "mts", "wmv", "mpg", "bmp", "psd", "svg"]} == {
        "sidecar"
    }


def test_payloads_and_modules_are_those_of_the_tables(offline: Home) -> None:
    found = told(offline)
    assert found["jpg"]["payloads"] == ["EXIF", "IPTC", "XMP"]
    assert found["heic"]["payloads"] == ["EXIF", "XMP"]
    assert found["mov"]["payloads"] == ["QuickTime", "XMP"]
    assert found["nef"]["payloads"] == found["gif"]["payloads"] == ["XMP"]
    assert found["jpg"]["modules"] == [module.value for module in Module]
    assert {row.extension: row.format for row in rows()} == {ending: kind.name for ending, kind in EXPECTED.items()}
    names = {"IFD0:Rating": "EXIF", "IPTC:Keywords": "IPTC", "XMP-dc:Subject": "XMP", "Keys:CreationDate": "QuickTime"}
    assert {name: payload_of(BY_NAME[name]) for name in names} == names


def test_the_table_is_for_people(offline: Home) -> None:
    ran = offline.run("formats")
    assert ran.code == 0
    heads, *lines = ran.out.splitlines()
    assert heads.split() == ["extension", "format", "written", "payloads", "modules"]
    assert len(lines) == len(EXPECTED) + 2
    (heic,) = (line for line in lines if line.startswith(".heic "))
    assert heic.split() == [".heic", "HEIF", "embed", "EXIF,", "XMP", "all"]
    assert max(map(len, lines)) <= 100


def test_the_page_in_the_docs_is_the_generated_one(offline: Home) -> None:
    assert offline.run("formats", "--markdown").out == page()
    assert (ROOT / "docs/formats.md").read_text("utf-8") == page(), "immich-meta formats --markdown > docs/formats.md"
