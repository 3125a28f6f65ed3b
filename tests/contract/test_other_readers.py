"""What ExifTool 12 does not read, other readers do; and what an edit leaves of the things that pair two files.

Not here: what ExifTool reads (test_writing.py).
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fixtures.exiftool import ExifTool
from fixtures.values import CAPTION, EVERYTHING, NOTHING, POSITION
from immich_meta_writers import PlanOptions, WriteTo, plan
from tests.contract.cases import original
from tests.contract.readers import needs

EMBED = PlanOptions(write_to=WriteTo.EMBED)


@pytest.fixture
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A fixture with everything in it."""
    path = tmp_path / str(request.param)
    path.write_bytes(original(path.name))
    plan(path, EVERYTHING, EMBED).apply()
    return path


@pytest.mark.parametrize("written", ["big.tiff"], indirect=True)
def test_the_place_in_a_big_tiff_is_what_pillow_reads(written: Path) -> None:
    with Image.open(written) as image:
        found = image.getexif().get_ifd(0x8825)
    degrees = [sum(float(part) / 60**power for power, part in enumerate(found[tag])) for tag in (2, 4)]
    assert (found[1], found[3]) == ("N", "W")
    assert degrees == [pytest.approx(POSITION.latitude, abs=1e-6), pytest.approx(-POSITION.longitude, abs=1e-6)]


@pytest.mark.parametrize("written", ["full-meta.mp4", "phone.mov", "plain.mp4", "plain.mov"], indirect=True)
def test_keys_are_what_ffprobe_reads(written: Path) -> None:
    found = _format_tags(written)
    assert found["com.apple.quicktime.description"] == CAPTION
    assert found["com.apple.quicktime.creationdate"].startswith("2021-06-15T12:34:56+02")
    assert found["com.apple.quicktime.location.ISO6709"].startswith("+52.520008-013.404954")


@pytest.mark.parametrize("written", ["full-meta.mp4"], indirect=True)
def test_foreign_keys_in_a_full_box_stay(written: Path) -> None:
    assert _format_tags(written)["com.acme.note"] == "kept"


@pytest.mark.parametrize("written", ["turned.mp4", "turned.mov"], indirect=True)
def test_the_creation_time_is_utc_for_ffprobe(written: Path) -> None:
    assert _format_tags(written)["creation_time"].startswith("2021-06-15T10:34:56")


def _format_tags(path: Path) -> Any:
    needs("ffprobe", "ffmpeg")
    command = ("ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "json", "-export_all", "1", str(path))
    found = subprocess.run(command, capture_output=True, check=True)
    return json.loads(found.stdout)["format"]["tags"]


@pytest.mark.parametrize("written", ["live-photo.mov"], indirect=True)
def test_a_live_photo_keeps_what_pairs_it(written: Path, exiftool: ExifTool) -> None:
    for wanted in (EVERYTHING, NOTHING):
        plan(written, wanted, EMBED).apply()
        found = exiftool.read(written, "-Keys:all", "-Track3:all")
        assert found["Keys:ContentIdentifier"] == ("5C0D1A7E-42B8-4B2E-9D0A-3C4F8A1B2C3D",)
        assert found["Keys:LivePhotoAuto"] == (1,)
        assert found["Track3:MetaFormat"] == ("mebx",)


@pytest.mark.parametrize("name", ["fragmented.mp4", "fragmented-dash.mp4"])
def test_a_fragmented_movie_takes_what_needs_no_shift(name: str, tmp_path: Path) -> None:
    """Its packet stands behind everything; nothing of what was there moves."""
    path = tmp_path / name
    path.write_bytes(original(name))
    wanted = replace(EVERYTHING, caption=None, captured=None, gps=None)
    plan(path, wanted, EMBED).apply()
    assert plan(path, wanted, EMBED).is_empty
    assert path.read_bytes().startswith(original(name)[: original(name).rindex(b"mfra") - 4])
