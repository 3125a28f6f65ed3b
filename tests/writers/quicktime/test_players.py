"""Movies made by a real muxer: players decode the same packets, ExifTool reads what was written, without complaint."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.exiftool import ExifTool
from immich_meta_writers.containers import Payloads, quicktime
from immich_meta_writers.errors import UnsupportedError
from immich_meta_writers.source import MemorySource
from tests.writers.quicktime import movies
from tests.writers.quicktime.movies import LOCATION, PACKET

KINDS = {
    "last.mp4": (),
    "last.mov": (),
    "first.mp4": ("-movflags", "faststart"),
    "first.mov": ("-movflags", "faststart"),
    "last.3gp": (),
    "last.m4v": (),
    "reserved.mp4": ("-moov_size", "20000"),
    "keys.mov": ("-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.content.identifier=A-B-C"),
    "fragments.mp4": ("-movflags", "frag_keyframe+empty_moov"),
    "default_base.mp4": ("-movflags", "frag_keyframe+empty_moov+default_base_moof"),
    "no_base.mp4": ("-movflags", "frag_keyframe+empty_moov+omit_tfhd_offset"),
    "indexed.mp4": ("-movflags", "frag_keyframe+empty_moov+default_base_moof+global_sidx"),
    "partly.mp4": ("-movflags", "frag_keyframe"),
}
FRAGMENTED = {"fragments.mp4", "default_base.mp4", "no_base.mp4", "indexed.mp4", "partly.mp4"}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one second of video and sound in every kind of file."""
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        pytest.skip("ffmpeg is not installed")
    folder = tmp_path_factory.mktemp("made")
    source = folder / "source.mkv"
    _ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1"),
        *("-c:v", "mpeg4", "-g", "5", "-c:a", "aac", "-b:a", "32k", source),
    )
    for name, options in KINDS.items():
        _ffmpeg("-i", source, "-c", "copy", *options, folder / name)
    return folder


def _ffmpeg(*arguments: object) -> str:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout + done.stderr


def packets(path: Path) -> str:
    """The hash of every stream as a player gets it, and what it complains of."""
    return _ffmpeg("-i", path, "-map", "0", "-c", "copy", "-f", "streamhash", "-")


def changed(source: Path, target: Path, payloads: Payloads) -> bytes:
    data = source.read_bytes()
    new = quicktime.patch(quicktime.read(MemorySource(data)), payloads).apply(data)
    target.write_bytes(new)
    return new


@pytest.mark.parametrize("name", KINDS)
def test_players_get_the_same_packets_and_exiftool_reads_the_new_ones(
    name: str, made: Path, tmp_path: Path, exiftool: ExifTool
) -> None:
    source, target = made / name, tmp_path / name
    found = quicktime.read(MemorySource(source.read_bytes()))
    assert found.raster == (64, 48)
    udta = LOCATION + found.payloads.atoms.get("udta", b"")
    both = replace(found.payloads, xmp=PACKET, atoms={**found.payloads.atoms, "udta": udta})
    if name in FRAGMENTED:
        with pytest.raises(UnsupportedError, match="fragmented"):
            quicktime.patch(found, both)
        both = replace(found.payloads, xmp=PACKET)
    changed(source, target, both)
    assert packets(target) == packets(source)
    assert exiftool.warnings(target) == exiftool.warnings(source)
    read = exiftool.read(target)
    assert read["XMP-xmp:Rating"] == (4,)
    assert name in FRAGMENTED or read["UserData:GPSCoordinates"] == ("52.52 13.405",)


def test_the_judge_finds_nothing(made: Path, tmp_path: Path, shared: Path) -> None:
    judge = str(shared / "tools" / "judge.py")
    for name in ("first.mp4", "first.mov", "keys.mov", "indexed.mp4"):
        found = quicktime.read(MemorySource((made / name).read_bytes()))
        changed(made / name, tmp_path / name, replace(found.payloads, xmp=PACKET))
        command = ["python3", judge, str(made / name), str(tmp_path / name), "XMP-xmp:Rating|XMP-x:XMPToolkit"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout


def _displayed(path: Path) -> Any:
    """Degrees, counter-clockwise, by which players turn the first stream."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path)]
    stream = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)["streams"][0]
    found = [each["rotation"] for each in stream.get("side_data_list", []) if "rotation" in each]
    return (found or [0])[0]


@pytest.mark.parametrize(
    ("orientation", "signs", "turned"),
    [(1, (1, 0, 0, 1), 0), (3, (-1, 0, 0, -1), 180), (6, (0, 1, -1, 0), -90), (8, (0, -1, 1, 0), 90)],
)
def test_orientation_is_what_players_show(
    orientation: int, signs: tuple[int, ...], turned: int, made: Path, tmp_path: Path, exiftool: ExifTool
) -> None:
    data = (made / "last.mov").read_bytes()
    found = quicktime.read(MemorySource(data))
    a, b, c, d = (sign << 16 for sign in signs)
    header = movies.tkhd(matrix=(a, b, 0, c, d, 0, 0, 0, 1 << 30))[8:]
    tkhd = found.payloads.atoms["trak1/tkhd"]
    atoms = {**found.payloads.atoms, "trak1/tkhd": tkhd[:40] + header[40:76] + tkhd[76:]}
    new = changed(made / "last.mov", tmp_path / "turned.mov", replace(found.payloads, atoms=atoms))
    assert quicktime.read(MemorySource(new)).orientation == orientation
    assert abs(_displayed(tmp_path / "turned.mov")) == abs(turned)
    assert _displayed(tmp_path / "turned.mov") in (turned, -turned if abs(turned) == 180 else turned)
    assert exiftool.read(tmp_path / "turned.mov")["Composite:Rotation"] == (-turned % 360,)
