"""`demo`: no server, no configuration, no network."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pytest

from immich_meta_writers import read
from tests.cli.home import Home, snapshot

# A child whose connections may only go to this machine.
OFFLINE = """
import socket
plain = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] != "127.0.0.1":
        raise SystemExit(f"a connection to {address}")
    return plain(self, address)
socket.socket.connect = connect
def resolve(*arguments, **options):
    raise SystemExit(f"a name was looked up: {arguments}")
socket.getaddrinfo = (lambda plain: lambda host, *rest, **more:
    plain(host, *rest, **more) if host == "127.0.0.1" else resolve(host))(socket.getaddrinfo)
from immich_meta.__main__ import main
main()
"""


def test_the_demo_shows_before_and_after_in_ten_seconds_and_settles(offline: Home) -> None:
    began = os.times()
    child = offline.start("demo", "--folder", "trial", script=OFFLINE)
    out, err = child.communicate(timeout=60)
    # What else the machine does is not the demo's fault.
    assert sum(os.times()[2:4]) - sum(began[2:4]) < 10
    assert (child.returncode, err) == (0, "")
    finishes = re.findall(r"FINISH total=(\d+) updated=(\d+) unchanged=(\d+)", out)
    total = finishes[0][0]
    assert finishes == [(total, total, "0"), (total, "0", total)]
    before, after = out.index("Before"), out.index("After")
    assert before < out.index("FINISH") < after
    folder = offline.directory / "trial/photos"
    assert out.rstrip().endswith(str(folder))
    assert "Ada" not in out[before : out.index("FINISH")]
    assert "Łukasz" in out[after:]
    media = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(media) == int(total)
    assert {path.suffix for path in media} == {".jpg", ".png", ".HEIC", ".MOV", ".mp4"}
    assert sum("Łukasz" in str(read(path).get("XMP-dc:Subject")) for path in media) == 2
    assert "IMG_2031.MOV (video of IMG_2031.HEIC): updated" in out
    still, video = (folder / f"2024/2024-06/IMG_2031.{ending}" for ending in ("HEIC", "MOV"))
    assert out[after:].index(str(still)) < out[after:].index(str(video))
    assert read(still)["XMP-dc:Description"] == read(video)["XMP-dc:Description"] == "The first swim"
    assert [path.name for path in offline.directory.iterdir()] == ["trial"]


def test_the_demo_takes_no_setting_of_the_user(offline: Home) -> None:
    ran = offline.run(
        "demo", "--folder", "trial", IMMICH_INSTANCE_URL="http://192.0.2.1", IMMICH_API_KEY="mine", TZ="Nowhere/At_All"
    )
    assert ran.code == 0
    assert "192.0.2.1" not in ran.said


def test_the_demo_can_be_run_twice_and_each_time_in_a_new_folder(
    offline: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders = set()
    for _ in range(2):
        ran = offline.run("demo")
        assert ran.code == 0
        folders.add(ran.out.rstrip().splitlines()[-1].rpartition(": ")[2])
    assert len(folders) == 2
    assert all(Path(folder).is_dir() for folder in folders)
    assert list(offline.directory.iterdir()) == []


def test_a_folder_with_something_in_it_is_refused(offline: Home) -> None:
    offline.photo("mine.jpg")
    before = snapshot(offline.photos)
    ran = offline.run("demo", "--folder", str(offline.photos))
    assert ran.code == 2
    assert "is not empty" in ran.err
    assert snapshot(offline.photos) == before
    assert offline.run("demo", "--folder", str(offline.photos / "mine.jpg")).code == 2
