"""`show`: what photos say."""

from __future__ import annotations

import json

import pytest

from immich_meta_writers import PhotoMetadata, PlanOptions, Position, WriteTo, plan
from immich_meta_writers.metadata import Region
from tests.cli.home import Home, jpeg, snapshot

WANTED = PhotoMetadata(
    people=("Zoë",),
    caption="two\nlines",
    rating=4,
    gps=Position(52.52, 13.405),
    regions=(Region("Zoë", 0.5, 0.5, 0.25, 0.25),),
)


def test_tags_are_shown_by_exiftools_names(offline: Home) -> None:
    path = offline.photo("a.jpg")
    plan(path, WANTED, PlanOptions(write_to=WriteTo.BOTH)).apply()
    before = snapshot(offline.photos)
    ran = offline.run("show", str(path))
    assert (ran.code, ran.err) == (0, "")
    lines = [line.split(maxsplit=1) for line in ran.out.splitlines()]
    assert lines[0] == [str(path)]
    assert ["XMP-dc:Subject", '["Zoë"]'] in lines
    assert ["XMP-dc:Description", '"two\\nlines"'] in lines
    assert ["IFD0:Rating", "4"] in lines
    assert ["GPS:GPSLatitude", "52.52"] in lines
    assert f"beside it: {path}.xmp" in ran.out
    assert snapshot(offline.photos) == before


def test_json_has_one_object_per_file(offline: Home) -> None:
    path, plain, broken = offline.photo("a.jpg"), offline.photo("b.jpg"), offline.photo("c.jpg", b"")
    plan(path, WANTED, PlanOptions(write_to=WriteTo.BOTH)).apply()
    ran = offline.run("show", "--json", *map(str, (path, plain, broken)))
    said, nothing, error = map(json.loads, ran.out.splitlines())
    assert ran.code == 1
    assert set(said) == {"path", "tags", "sidecar", "sidecar_tags", "error"}
    assert said["tags"]["XMP-dc:Subject"] == ["Zoë"]
    assert said["tags"]["XMP-mwg-rs:RegionInfo"] == ["Zoë (0.500, 0.500, 0.250 x 0.250)"]
    assert (said["sidecar"], said["error"]) == (f"{path}.xmp", None)
    assert said["sidecar_tags"]["XMP-dc:Description"] == "two\nlines"
    assert (nothing["tags"], nothing["sidecar"], nothing["error"]) == ({}, None, None)
    assert error["error"]["kind"] == "empty"


def test_a_photo_that_says_nothing_is_told_so(offline: Home) -> None:
    assert "nothing that this program writes" in offline.run("show", str(offline.photo("a.jpg"))).out


@pytest.mark.parametrize("content", [b"", jpeg()[:99], None])
def test_what_cannot_be_read_is_named_and_the_rest_is_shown(offline: Home, content: bytes) -> None:
    good, bad = offline.photo("good.jpg"), offline.photos / "bad.jpg"
    if content is not None:
        bad.write_bytes(content)
    ran = offline.run("show", str(bad), str(good))
    assert ran.code == 1
    assert ran.out.splitlines()[0] == str(bad)
    assert str(good) in ran.out
    assert "Traceback" not in ran.said


def test_a_directory_is_no_photo(offline: Home) -> None:
    ran = offline.run("show", str(offline.photos))
    assert (ran.code, "not a regular file" in ran.out or "directory" in ran.out) == (1, True)


def test_no_file_is_a_usage_error(offline: Home) -> None:
    assert offline.run("show").code == 2


def test_a_tag_of_a_hostile_file_cannot_forge_a_line(offline: Home) -> None:
    path = offline.photo("a.jpg")
    plan(path, PhotoMetadata(caption="x\n  XMP-xmp:Rating  5\x1b[31m\u202e")).apply()
    lines = offline.run("show", str(path)).out.splitlines()
    assert not any(line.strip().startswith("XMP-xmp:Rating") for line in lines)
    assert not any("\x1b" in line or "\u202e" in line for line in lines)
