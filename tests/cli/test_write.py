"""`write`: metadata from JSON into photos, without a server."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from immich_meta_writers import read
from tests.cli.home import Home, jpeg, keywords, lines_of, snapshot

ALL = {
    "people": ["Ada", "Zoë O'Brien, Jr."],
    "caption": "Picnic\nby the lake",
    "rating": 4,
    "favorite": True,
    "gps": {"latitude": -33.8915, "longitude": 151.2767, "altitude": -3},
    "captured": "2024-05-01T12:00:00+02:00",
    "albums": ["Berlin"],
    "tags": ["Travel/Berlin"],
    "regions": [{"name": "Ada", "x": 0.5, "y": 0.4, "w": 0.1, "h": 0.15}],
}


def wish(home: Home, values: object, name: str = "meta.json") -> str:
    (home.directory / name).write_text(json.dumps(values), "utf-8")
    return name


def test_every_field_is_written(offline: Home) -> None:
    path = offline.photo("a.jpg")
    ran = offline.run("write", str(path), "--metadata", wish(offline, ALL))
    assert (ran.code, ran.err) == (0, "")
    assert f"{path}: updated" in ran.out
    said = read(path)
    assert said["XMP-dc:Subject"] == ("Ada", "Zoë O'Brien, Jr.", "Berlin")
    assert said["XMP-dc:Description"] == "Picnic\nby the lake"
    assert (said["XMP-xmp:Rating"], said["XMP-xmp:Label"]) == ("4", "Favorite")
    assert (said["GPS:GPSLatitudeRef"], said["GPS:GPSLongitudeRef"]) == ("S", "E")
    assert (said["GPS:GPSAltitude"], said["GPS:GPSAltitudeRef"]) == (3, 1)
    assert said["ExifIFD:DateTimeOriginal"] == "2024:05:01 12:00:00"
    assert said["XMP-iptcExt:Event"] == "Berlin"
    assert said["XMP-digiKam:TagsList"] == ("Travel/Berlin",)
    assert said["XMP-mwg-rs:RegionInfo"] == ("Ada (0.500, 0.400, 0.100 x 0.150)",)
    claims = said["XMP-immichmeta:Added"]
    assert isinstance(claims, tuple)
    assert all("@local " in claim for claim in claims)
    before = snapshot(offline.photos)
    again = offline.run("write", str(path), "--metadata", "meta.json")
    assert f"{path}: unchanged" in again.out
    assert snapshot(offline.photos) == before


def test_absent_and_null_are_left_alone_and_empty_removes_ours(offline: Home) -> None:
    path = offline.photo("a.jpg")
    offline.run("write", str(path), "--metadata", wish(offline, ALL))
    offline.run("write", str(path), "--metadata", wish(offline, {"people": ["Eve"], "caption": None}))
    assert (read(path)["XMP-dc:Description"], keywords(path)) == ("Picnic\nby the lake", ("Berlin", "Eve"))
    offline.run("write", str(path), "--metadata", wish(offline, {"people": [], "caption": "", "tags": []}))
    assert "XMP-dc:Description" not in read(path)
    assert "XMP-dc:Subject" not in read(path)


def test_metadata_may_come_from_standard_input(offline: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = offline.photo("a.jpg")
    bytes_in = b"\xef\xbb\xbf" + json.dumps({"people": ["山田太郎"]}).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes_in)))
    assert offline.run("write", str(path), "--metadata", "-").code == 0
    assert keywords(path) == ("山田太郎",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "meta.json is not JSON"),
        ("", "meta.json is not JSON"),
        ("[" * 100_000, "meta.json is not JSON"),
        ("[]", "expected a JSON object"),
        ('{"peolpe": ["Ada"]}', "unknown field 'peolpe'"),
        ('{"people": "Ada"}', "people"),
        ('{"people": [1]}', "people[0]"),
        ('{"rating": 6}', "rating"),
        ('{"rating": NaN}', "rating"),
        ('{"gps": {"latitude": 999, "longitude": 0}}', "gps.latitude"),
        ('{"gps": {"latitude": 9}}', "gps: longitude is missing"),
        ('{"captured": "yesterday"}', "captured"),
        ('{"regions": [{"name": "A", "x": 0.5, "y": 2, "w": 1, "h": 1}]}', "regions[0].y"),
        ('{"asset_id": "x"}', "unknown field"),
    ],
)
def test_wrong_metadata_is_named_and_nothing_is_written(offline: Home, text: str, words: str) -> None:
    path = offline.photo("a.jpg")
    (offline.directory / "meta.json").write_text(text)
    ran = offline.run("write", str(path), "--metadata", "meta.json")
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert path.read_bytes() == jpeg()


def test_a_metadata_file_that_is_missing_is_named(offline: Home) -> None:
    ran = offline.run("write", str(offline.photo("a.jpg")), "--metadata", "nowhere.json")
    assert (ran.code, "nowhere.json" in ran.err) == (2, True)
    assert offline.run("write", str(offline.photo("a.jpg"))).code == 2
    assert offline.run("write", "--metadata", wish(offline, ALL)).code == 2


def test_a_dry_run_shows_and_writes_nothing(offline: Home) -> None:
    path = offline.photo("a.jpg")
    ran = offline.run("write", str(path), "--metadata", wish(offline, {"rating": 4}), "--dry-run")
    assert (ran.code, path.read_bytes()) == (0, jpeg())
    assert "would be updated" in ran.out
    assert '(none) -> "4"' in ran.out
    assert os.listdir(path.parent) == ["a.jpg"]


@pytest.mark.parametrize(
    ("mode", "embeds", "makes_sidecar"),
    [("auto", True, False), ("embed", True, False), ("sidecar", False, True), ("both", True, True)],
)
def test_where_it_is_written_can_be_chosen(offline: Home, mode: str, embeds: bool, makes_sidecar: bool) -> None:
    path = offline.photo("a.jpg")
    offline.run("write", str(path), "--metadata", wish(offline, ALL), "--write-to", mode, "--report", "r.jsonl")
    assert (path.read_bytes() != jpeg()) is embeds
    assert Path(f"{path}.xmp").exists() is makes_sidecar
    (line,) = lines_of(offline.directory / "r.jsonl")
    assert line["sidecar"] == (f"{path}.xmp" if makes_sidecar else None)
    before = snapshot(offline.photos)
    again = offline.run("write", str(path), "--metadata", "meta.json", "--write-to", mode)
    assert "unchanged" in again.out
    assert snapshot(offline.photos) == before


def test_the_report_has_a_line_per_file_and_the_run_goes_on(offline: Home) -> None:
    good, empty, gone = offline.photo("a.jpg"), offline.photo("b.jpg", b""), offline.photos / "c.jpg"
    files = [str(empty), str(offline.photos), str(gone), str(good)]
    ran = offline.run("write", *files, "--metadata", wish(offline, {"people": ["Ada"]}), "--report", "r.jsonl")
    lines = lines_of(offline.directory / "r.jsonl")
    assert ran.code == 1
    assert [line["path"] for line in lines] == files
    assert [line["status"] for line in lines] == ["failed", "failed", "failed", "updated"]
    assert [(line["error"] or {}).get("kind") for line in lines] == ["empty", "access", "access", None]
    assert {line["asset_id"] for line in lines} == {None}
    assert keywords(good) == ("Ada",)


def test_a_format_that_cannot_be_embedded_into(offline: Home) -> None:
    raw = offline.photo("a.bmp", b"BM" + bytes(100))
    meta = wish(offline, {"people": ["Ada"]})
    embedded = offline.run("write", str(raw), "--metadata", meta, "--write-to", "embed")
    assert (embedded.code, "unsupported" in embedded.out) == (1, True)
    assert offline.run("write", str(raw), "--metadata", meta).code == 0
    assert ">Ada<" in Path(f"{raw}.xmp").read_text("utf-8")


def test_the_report_may_go_to_standard_output_alone(offline: Home) -> None:
    path = offline.photo("a.jpg")
    ran = offline.run("write", str(path), "--metadata", wish(offline, {"rating": 3}), "--report", "-", "--dry-run")
    line: dict[str, Any] = json.loads(ran.out)
    assert line["status"] == "simulated"


def test_a_date_without_an_offset_is_read_in_tz(offline: Home) -> None:
    path = offline.photo("a.jpg")
    meta = wish(offline, {"captured": "2024-01-15T10:30:45"})
    offline.run("write", str(path), "--metadata", meta, TZ="America/New_York")
    assert read(path)["ExifIFD:DateTimeOriginal"] == "2024:01:15 10:30:45"
    assert "ExifIFD:OffsetTimeOriginal" not in read(path)
    assert path.stat().st_mtime_ns // 10**9 == 1705332645


def test_what_a_killed_run_left_is_swept(offline: Home) -> None:
    path = offline.photo("a.jpg")
    stray = offline.photo(".immich-meta-1-0badcafe.tmp", b"half")
    offline.run("write", str(path), "--metadata", wish(offline, {"rating": 3}))
    assert not stray.exists()
