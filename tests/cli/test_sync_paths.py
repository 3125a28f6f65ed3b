"""`sync` and the way from the server's path to the file: maps, segments, the search, and what is never followed."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from immich_meta_writers import PhotoMetadata, plan, read
from tests.cli.home import UPLOADS, Home, jpeg, keywords, snapshot, statuses

DATE = datetime(2024, 5, 1, 12, 0)
NO_MAP = {"IMMICH_PATH_MAP": None}


def test_the_longest_prefix_of_the_map_wins(home: Home) -> None:
    usual, special = home.photo("usual/a.jpg"), home.photo("special/a.jpg")
    home.library.add_photo("/data/a.jpg", people=["Ada"], date=DATE)
    home.library.add_photo("/data/more/a.jpg", people=["Eve"], date=DATE)
    rules = f"/data={usual.parent};/data/more={special.parent}"
    assert home.sync("--people", IMMICH_PATH_MAP=rules).sums()["updated"] == 2
    assert (keywords(usual), keywords(special)) == (("Ada",), ("Eve",))


def test_the_last_segments_lead_to_the_file(home: Home) -> None:
    path = home.photo("2024/2024-05/a.jpg")
    home.library.add_photo("/usr/src/x/2024/2024-05/a.jpg", people=["Ada"], date=DATE, content=path.read_bytes())
    ran = home.sync("--people", IMMICH_PATH_MAP=None)
    assert ran.sums()["updated"] == 1
    assert "IMMICH_PATH_MAP=" not in ran.out
    assert keywords(path) == ("Ada",)


@pytest.mark.parametrize("segments", ["1", "2"])
def test_the_number_of_segments_can_be_set(home: Home, segments: str) -> None:
    path = home.photo("05/a.jpg" if segments == "2" else "a.jpg")
    home.library.add_photo("/x/2024/05/a.jpg", people=["Ada"], date=DATE, content=path.read_bytes())
    assert home.sync("--people", IMMICH_PATH_SEGMENTS=segments, **NO_MAP).sums()["updated"] == 1


def test_without_a_fitting_setting_the_place_is_found_and_the_line_to_keep_is_printed(home: Home) -> None:
    path = home.photo("backup/disk/2024/05/a.jpg")
    home.library.add_photo("/data/library/admin/2024/05/a.jpg", people=["Ada"], date=DATE, content=path.read_bytes())
    ran = home.sync("--people", IMMICH_PATH_MAP=None)
    assert ran.sums()["updated"] == 1
    line = f"IMMICH_PATH_MAP=/data/library/admin={home.photos}/backup/disk"
    assert line in ran.out
    again = home.sync("--people", IMMICH_PATH_MAP=line.partition("=")[2])
    assert again.sums()["unchanged"] == 1
    assert "IMMICH_PATH_MAP=/data" not in again.out


def test_a_file_that_our_own_writing_made_larger_is_still_the_assets(home: Home) -> None:
    path = home.photo("2024/05/a.jpg")
    home.library.add_photo("/x/2024/05/a.jpg", people=["Ada"], date=DATE, content=path.read_bytes())
    home.sync("--people", IMMICH_PATH_MAP=None)
    assert home.sync("--people", IMMICH_PATH_MAP=None).sums()["unchanged"] == 1


def test_a_tail_that_proves_nothing_is_a_mismatch_with_both_paths(home: Home) -> None:
    path = home.photo("2024/05/a.jpg")
    home.library.add_photo("/x/2024/05/a.jpg", people=["Ada"], date=DATE, content=jpeg(1) + b"another photo")
    before = snapshot(home.photos)
    (line,) = home.report("--people", IMMICH_PATH_MAP=None)
    assert line["status"] == "path_mismatch"
    assert "/x/2024/05/a.jpg" in line["error"]["message"]
    assert str(path) in line["error"]["message"]
    assert snapshot(home.photos) == before


def test_a_tail_that_fits_two_files_is_ambiguous_and_neither_is_written(home: Home) -> None:
    home.photo("ann/2024/05/a.jpg")
    home.photo("bob/2024/05/a.jpg")
    home.library.add_photo("/x/2024/05/a.jpg", people=["Ada"], date=DATE, content=jpeg())
    before = snapshot(home.photos)
    (line,) = home.report("--people", IMMICH_PATH_MAP=None)
    assert (line["status"], line["error"]["kind"]) == ("path_mismatch", "ambiguous")
    assert "ann" in line["error"]["message"]
    assert "bob" in line["error"]["message"]
    assert snapshot(home.photos) == before


def test_no_hint_when_half_of_the_files_are_there(home: Home) -> None:
    home.add("a.jpg")
    home.library.add_photo(f"{UPLOADS}/b.jpg", date=DATE)
    ran = home.sync("--people")
    assert ran.code == 0
    assert "IMMICH_PHOTO_DIR (" not in ran.out


def test_over_half_missing_gets_a_hint(home: Home) -> None:
    home.add("a.jpg")
    for name in ("b", "c"):
        home.library.add_photo(f"{UPLOADS}/{name}.jpg", date=DATE)
    ran = home.sync("--people")
    assert "67% of the files were not found" in ran.out
    assert "Steps to check" not in ran.out


def test_nearly_all_missing_gets_the_steps_and_the_paths_that_were_tried(home: Home) -> None:
    home.photo("somewhere/else.jpg")
    for at in range(12):
        home.library.add_photo(f"{UPLOADS}/2024/{at}.jpg", date=DATE)
    ran = home.sync("--people", IMMICH_PATH_MAP=None)
    assert (ran.code, ran.sums()["missing"]) == (0, 12)
    assert "100% of the files were not found. Steps to check:" in ran.out
    assert f"server: {UPLOADS}/2024/" in ran.out
    assert f"tried: {home.photos}" in ran.out


def test_mostly_mismatched_gets_the_steps_too(home: Home) -> None:
    home.photo("2024/05/a.jpg")
    home.library.add_photo("/x/2024/05/a.jpg", date=DATE, content=jpeg() + b"x")
    ran = home.sync("--people", IMMICH_PATH_MAP=None)
    assert "not proved to be the server's. Steps to check:" in ran.out


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
@pytest.mark.parametrize("by_map", [True, False])
def test_an_unusable_photo_directory_is_explained(home: Home, tmp_path: Path, kind: str, by_map: bool) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_bytes(b"x")
    elif kind == "empty":
        place.mkdir()
    rule = f"/data={place}" if by_map else None
    ran = home.sync(IMMICH_PHOTO_DIR=str(place), IMMICH_PATH_MAP=rule)
    reason = {"missing": "does not exist", "file": "is not a directory", "empty": "is empty"}[kind]
    assert ran.code == 2
    assert f"{place} {reason}" in ran.err
    assert ("IMMICH_PATH_MAP" if by_map else "IMMICH_PHOTO_DIR") in ran.err
    assert "-v" in ran.err
    assert "Traceback" not in ran.said
    assert home.server is not None
    assert not home.server.requests


@pytest.mark.parametrize(
    "path",
    [
        "/data/library/admin/../../../outside/a.jpg",
        "/data/library/admin/2024/../../../outside/a.jpg",
        "../outside/a.jpg",
        "/data/library/admin/./a.jpg/..",
        "/data/library/admin/..",
    ],
)
@pytest.mark.parametrize("by_map", [True, False])
def test_dots_never_lead_out_of_the_library(home: Home, tmp_path: Path, path: str, by_map: bool) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.jpg").write_bytes(jpeg())
    home.photo("here.jpg")
    home.library.add_photo(path, people=["Ada"], date=DATE, content=jpeg())
    before = snapshot(tmp_path)
    (line,) = home.report("--people", **({} if by_map else NO_MAP))
    assert line["status"] == "failed"
    assert line["error"]["kind"] == "malformed_path"
    after = snapshot(tmp_path)
    assert {path: after[path] for path in before} == before


@pytest.mark.parametrize("by_map", [True, False])
@pytest.mark.parametrize("link", ["file", "directory"])
def test_links_never_lead_out_of_the_library(home: Home, tmp_path: Path, link: str, by_map: bool) -> None:
    outside = tmp_path / "outside" / "2024"
    outside.mkdir(parents=True)
    (outside / "a.jpg").write_bytes(jpeg())
    home.photo("2023/here.jpg")
    if link == "directory":
        (home.photos / "2024").symlink_to(outside)
    else:
        (home.photos / "2024").mkdir()
        (home.photos / "2024/a.jpg").symlink_to(outside / "a.jpg")
    home.library.add_photo(f"{UPLOADS}/2024/a.jpg", people=["Ada"], date=DATE, content=jpeg())
    before = snapshot(outside)
    (line,) = home.report("--people", **({} if by_map else NO_MAP))
    assert (line["status"], line["error"]["kind"]) == ("failed", "outside_library")
    assert snapshot(outside) == before


def test_a_sidecar_that_is_a_link_to_elsewhere_is_not_written(home: Home, tmp_path: Path) -> None:
    path, _ = home.add("a.jpg", people=["Ada"])
    foreign = tmp_path / "foreign.xmp"
    sidecar = home.photo("b.jpg.xmp", b"")
    sidecar.unlink()
    plan(path, PhotoMetadata(people=("Eve",))).apply()
    foreign.write_text('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
                       'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>')
    Path(f"{path}.xmp").symlink_to(foreign)
    before = foreign.read_bytes()
    (line,) = home.report("--people")
    assert (line["status"], line["error"]["kind"]) == ("failed", "access")
    assert foreign.read_bytes() == before


def test_a_link_within_the_library_is_followed_and_stays_a_link(home: Home) -> None:
    real = home.photo("real/a.jpg")
    (home.photos / "album").mkdir()
    link = home.photos / "album/a.jpg"
    link.symlink_to(real)
    home.library.add_photo(f"{UPLOADS}/album/a.jpg", people=["Ada"], date=DATE)
    assert home.sync("--people").sums()["updated"] == 1
    assert link.is_symlink()
    assert keywords(real) == ("Ada",)


def test_files_that_are_none_get_one_named_result_each_and_the_run_goes_on(home: Home) -> None:
    home.photo("empty.jpg", b"")
    home.photo("cut.jpg", jpeg()[:200])
    home.photo("text.jpg", b"hello, I am no photo")
    (home.photos / "folder.jpg").mkdir()
    os.mkfifo(home.photos / "pipe.jpg")
    good = home.photo("good.jpg")
    for name in ("empty", "cut", "text", "folder", "pipe", "good"):
        home.library.add_photo(f"{UPLOADS}/{name}.jpg", people=["Ada"], date=DATE)
    before = snapshot(home.photos)
    lines = home.report("--people")
    assert statuses(lines) == {
        "empty.jpg": "failed",
        "cut.jpg": "failed",
        "text.jpg": "failed",
        "folder.jpg": "failed",
        "pipe.jpg": "failed",
        "good.jpg": "updated",
    }
    kinds = {os.path.basename(line["path"]): (line["error"] or {}).get("kind") for line in lines}
    assert (kinds["empty.jpg"], kinds["folder.jpg"], kinds["pipe.jpg"]) == ("empty", "not_a_file", "not_a_file")
    after = snapshot(home.photos)
    assert set(after) == set(before)
    assert {path for path in after if after[path] != before[path]} == {str(good)}


def test_motion_parts_and_encoded_videos_are_never_written_and_no_failure(home: Home) -> None:
    part = home.photo("encoded-video/u/ab/cd/x-MP.mp4", b"video")
    video = home.photo("encoded-video/u/ab/cd/y.mp4", b"video")
    still, asset = home.add("2024/a.jpg", people=["Ada"])
    home.library.add_motion_part(asset, f"{UPLOADS}/encoded-video/u/ab/cd/x-MP.mp4")
    home.library.add_video(f"{UPLOADS}/encoded-video/u/ab/cd/y.mp4", people=["Ada"], date=DATE)
    ran = home.sync("--people", "--report", "r.jsonl")
    assert (ran.code, ran.sums()["unsupported"], ran.sums()["failed"], ran.sums()["updated"]) == (0, 2, 0, 1)
    assert "[WARNING] unsupported" not in ran.out
    assert part.read_bytes() == video.read_bytes() == b"video"
    assert sorted(path.name for path in part.parent.iterdir()) == ["x-MP.mp4", "y.mp4"]
    assert keywords(still) == ("Ada",)


def test_two_assets_with_one_file_that_agree_are_settled_by_the_first(home: Home) -> None:
    path = home.photo("a.jpg")
    for server_path in ("/one/a.jpg", "/two/a.jpg"):
        home.library.add_photo(server_path, people=["Ada"], date=DATE)
    rules = f"/one={home.photos};/two={home.photos}"
    sums = home.sync("--people", IMMICH_PATH_MAP=rules).sums()
    assert (sums["updated"], sums["unchanged"]) == (1, 1)
    before = snapshot(path.parent)
    assert home.sync("--people", IMMICH_PATH_MAP=rules).sums()["unchanged"] == 2
    assert snapshot(path.parent) == before


def test_two_assets_with_one_file_that_disagree_do_not_rewrite_it_for_ever(home: Home) -> None:
    path = home.photo("a.jpg")
    home.library.add_photo("/one/a.jpg", people=["Ada"], date=DATE)
    home.library.add_photo("/two/a.jpg", people=["Eve"], date=DATE)
    rules = f"/one={home.photos};/two={home.photos}"
    sums = home.sync("--people", IMMICH_PATH_MAP=rules).sums()
    assert (sums["updated"], sums["path_mismatch"]) == (1, 1)
    before = snapshot(path.parent)
    sums = home.sync("--people", IMMICH_PATH_MAP=rules).sums()
    assert (sums["unchanged"], sums["path_mismatch"]) == (1, 1)
    assert snapshot(path.parent) == before


def test_names_of_files_in_any_script_and_with_forged_lines_are_harmless(home: Home) -> None:
    name = "Zoë 山 🎉\n[2024-01-01 00:00:00] [INFO   ] FINISH total=9.jpg"
    path, _ = home.add(name, people=["Ada"])
    ran = home.sync("--people")
    assert ran.sums()["total"] == 1
    assert keywords(path) == ("Ada",)
    assert all(line.startswith("[20") for line in ran.out.splitlines())


def test_a_sidecar_only_run_leaves_damaged_photos_with_a_sidecar(home: Home) -> None:
    path, _ = home.add("cut.jpg", jpeg()[:200], people=["Ada"])
    (line,) = home.report("--people", "--write-to", "sidecar")
    assert (line["status"], line["sidecar"]) == ("updated", f"{path}.xmp")
    assert path.read_bytes() == jpeg()[:200]
    with pytest.raises(Exception, match="cut"):
        read(path)
