"""The samples are what they claim to be, for programs that are not ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from immich_meta.demo.heic import heic
from immich_meta.demo.movies import mov, mp4
from immich_meta.demo.photos import ROOT, SAMPLES, make_library
from tests.cli.home import jpeg

CREATED = datetime(2024, 6, 15, 9, 30, 20, tzinfo=timezone.utc)


def probe(path: Path) -> dict[str, Any]:
    tool = shutil.which("ffprobe")
    if tool is None:
        pytest.skip("ffprobe is not installed")
    command = [tool, "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("ending", ["mov", "mp4"])
def test_movies_play(tmp_path: Path, ending: str) -> None:
    frames = [jpeg(number) for number in range(6)]
    path = tmp_path / f"a.{ending}"
    path.write_bytes(mov(frames, (64, 48), CREATED, {}) if ending == "mov" else mp4(frames, (64, 48), CREATED))
    found = probe(path)
    (stream,) = found["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("mjpeg", 64, 48)
    assert (stream["nb_read_frames"], float(stream["duration"])) == ("6", pytest.approx(0.6))
    assert found["format"]["tags"]["creation_time"].startswith("2024-06-15T09:30:20")


def test_the_keys_of_a_movie_are_there(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    path.write_bytes(mov([jpeg()], (64, 48), None, {"com.apple.quicktime.content.identifier": "PAIR-1", "com.x": "é"}))
    tags = probe(path)["format"]["tags"]
    assert (tags["com.apple.quicktime.content.identifier"], tags["com.x"]) == ("PAIR-1", "é")
    assert "creation_time" not in tags


def test_the_heic_decodes(tmp_path: Path) -> None:
    # pillow_heif brings a library of its own; another process keeps it out of this one.
    pytest.importorskip("pillow_heif")
    path = tmp_path / "a.heic"
    path.write_bytes(heic())
    script = (
        "import sys, pillow_heif; image = pillow_heif.open_heif(sys.argv[1]); "
        "print(image.size, [abs(got - want) < 12 for got, want in zip(bytes(image.data[:3]), (120, 190, 240))])"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "(640, 480) [True, True, True]"


def test_the_library_knows_every_file_and_the_live_photo_its_video(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    files = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if path.is_file()}
    told = {asset.original_path[len(ROOT) + 1 :]: asset for asset in library.assets.values()}
    assert set(files) == set(told)
    assert {name: asset.size for name, asset in told.items()} == {name: p.stat().st_size for name, p in files.items()}
    (sample,) = (sample for sample in SAMPLES if sample.motion)
    still, video = told[sample.name], told[sample.motion]
    assert (still.live_photo_video_id, video.visibility, video.kind) == (video.id, "hidden", "VIDEO")
    assert not video.people
    assert told["2024/2024-06/VID_0007.mp4"].kind == "VIDEO"
    assert sum(path.stat().st_size for path in files.values()) < 500_000
