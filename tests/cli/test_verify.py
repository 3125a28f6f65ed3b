"""`verify`: whether files say what was written, and all else in them is what it was."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.home import Home, lines_of, snapshot
from tests.cli.test_undo import photos, write
from tests.cli.test_write import ALL, wish


def test_what_was_written_is_there_and_nothing_is_touched(offline: Home) -> None:
    run = write(offline, photos(offline))
    before = snapshot(offline.photos)
    ran = offline.run("verify")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"Run {run}: 3 files read, none not as written\n"
    assert snapshot(offline.photos) == before
    found = [json.loads(line) for line in offline.run("verify", "--json").out.splitlines()]
    assert [each["status"] for each in found] == ["sound"] * 3


def test_without_a_run_there_is_nothing_to_verify(offline: Home) -> None:
    ran = offline.run("verify")
    assert (ran.code, ran.out) == (0, "There is no run to verify.\n")
    assert offline.run("verify", "--run", "x").code == 2
    assert offline.run("verify", "--json", "--report", "x").code == 2


@pytest.mark.parametrize("place", ["outside", "inside", "longer", "cut"])
def test_any_other_byte_is_found(offline: Home, place: str) -> None:
    (path,) = photos(offline, 1)
    write(offline, [path])
    content = bytearray(path.read_bytes())
    if place == "outside":
        content[-10] ^= 1
    elif place == "inside":
        content[content.index(b"Picnic")] ^= 1
    elif place == "longer":
        content += b"x"
    else:
        del content[-1]
    path.write_bytes(content)
    ran = offline.run("verify")
    assert ran.code == 1
    assert ran.out.startswith(f"{path}: ")
    assert "1 not as written" in ran.out


def test_a_tag_that_says_something_else_is_shown(offline: Home) -> None:
    (path,) = photos(offline, 1)
    write(offline, [path], caption="Other")
    path.write_bytes(path.read_bytes().replace(b"Other", b"other"))
    report = offline.directory / "verify.jsonl"
    ran = offline.run("verify", "--report", str(report))
    assert ran.code == 1
    assert f"{path}: says something else" in ran.out
    assert '"other" instead of "Other"' in ran.out
    (line,) = lines_of(report)
    assert line["status"] == "tags"
    assert {"tag": "XMP-dc:Description", "wanted": "Other", "found": "other"} in line["differences"]


def test_a_date_that_was_moved_is_found(offline: Home) -> None:
    (path,) = photos(offline, 1)
    write(offline, [path])
    os.utime(path, (1, 1_500_000_000))
    ran = offline.run("verify")
    assert ran.code == 1
    assert "System:FileModifyDate" in ran.out
    assert "2017-07-14T02:40:00.000+00:00" in ran.out


def test_a_file_that_is_gone_is_found(offline: Home) -> None:
    (path,) = photos(offline, 1)
    write(offline, [path])
    path.unlink()
    ran = offline.run("verify")
    assert (ran.code, f"{path}: not there any more" in ran.out) == (1, True)


def test_files_that_a_later_run_wrote_are_left_to_that_run(offline: Home) -> None:
    paths = photos(offline, 2)
    first = write(offline, paths, people=["Ada"])
    second = write(offline, paths[:1], people=["Eve"])
    ran = offline.run("verify", "--run", first)
    assert ran.code == 0
    assert f"written again by the run {second}" in ran.out


def test_what_was_taken_back_is_not_looked_at(offline: Home) -> None:
    paths = photos(offline, 2)
    write(offline, paths)
    offline.run("undo", "--file", str(paths[0]))
    found = [json.loads(line) for line in offline.run("verify", "--json").out.splitlines()]
    assert [each["path"] for each in found] == [str(paths[1])]


def test_sidecars_are_verified_as_well(offline: Home) -> None:
    path = offline.photo("IMG.cr2", b"not a raw file, and yet one that may have a sidecar")
    offline.run("write", str(path), "--metadata", wish(offline, ALL), "--write-to", "sidecar")
    (line,) = map(json.loads, offline.run("verify", "--json").out.splitlines())
    assert (line["path"], line["status"]) == (f"{path}.xmp", "sound")
    sidecar = Path(f"{path}.xmp")
    sidecar.write_bytes(sidecar.read_bytes().replace(b"Picnic", b"Picnac"))
    assert offline.run("verify").code == 1
