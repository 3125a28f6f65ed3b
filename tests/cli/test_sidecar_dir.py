"""`--sidecar-dir`: a library that is only read, its sidecars in a tree of their own; settled, verified, taken back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from immich_meta_writers.plan import read_sidecar_of
from tests.cli.home import Home, snapshot
from tests.cli.opened import opened_below

MODULES = ("--all", "--albums", "--tags")


@pytest.fixture
def tree(home: Home) -> Path:
    return home.directory.parent / "side"


def place(path: Path, tree: Path) -> Path:
    return Path(f"{tree}{os.path.realpath(path)}.xmp")


def names(path: Path) -> object:
    return read_sidecar_of(str(path)[: -len(".xmp")])[1].get("XMP-dc:Subject")


def listing(folder: Path) -> list[tuple[str, int, int, int]]:
    """Names, sizes, modification and change times; of folders, too."""
    found = sorted((folder, *folder.rglob("*")))
    return [(str(each), (s := each.stat()).st_size, s.st_mtime_ns, s.st_ctime_ns) for each in found]


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_the_library_stays_as_it_is_and_the_tree_settles(home: Home, tree: Path, jobs: str) -> None:
    paths = home.fill(3)
    home.environ["IMMICH_META_JOBS"] = jobs
    before = listing(home.photos)
    ran = home.sync(*MODULES, "--sidecar-dir", str(tree))
    assert (ran.code, ran.sums()["updated"]) == (0, 3), ran.said
    assert {names(place(path, tree)) for path in paths} == {("Ada",)}
    written = snapshot(tree)
    with opened_below(home.photos) as opened:
        ran = home.sync(*MODULES, "--sidecar-dir", str(tree))
    assert (ran.code, ran.sums()["unchanged"], opened) == (0, 3, [])
    assert snapshot(tree) == written
    assert listing(home.photos) == before


def test_the_setting_is_the_same_and_what_is_missing_in_the_tree_comes_again(home: Home, tree: Path) -> None:
    (path,) = home.fill(1)
    home.environ["IMMICH_META_SIDECAR_DIR"] = str(tree)
    home.sync(*MODULES)
    place(path, tree).unlink()
    assert home.sync(*MODULES).sums()["updated"] == 1
    assert names(place(path, tree)) == ("Ada",)
    shutil.rmtree(home.environ["IMMICH_META_STATE_DIR"])
    assert home.sync(*MODULES).sums()["unchanged"] == 1


def test_the_report_names_the_sidecar_and_a_dry_run_makes_no_folder(home: Home, tree: Path) -> None:
    (path,) = home.fill(1)
    (line,) = home.report("--dry-run", "--sidecar-dir", str(tree))
    assert (line["status"], line["path"], line["sidecar"]) == ("simulated", str(path), str(place(path, tree)))
    assert not tree.exists()


def test_runs_are_verified_shown_in_the_history_and_taken_back(home: Home, tree: Path) -> None:
    (path,) = home.fill(1)
    home.sync(*MODULES, "--sidecar-dir", str(tree))
    assert home.run("verify").code == 0
    run_id = home.run("history").out.split()[0]
    assert str(place(path, tree)) in home.run("history", "--run", run_id).out
    assert home.run("undo", "--file", str(place(path, tree))).code == 0
    assert not place(path, tree).exists()
    home.sync(*MODULES, "--sidecar-dir", str(tree))
    assert home.run("undo", "--last").code == 0
    assert not place(path, tree).exists()


def test_what_a_killed_run_left_is_swept_in_the_tree_and_not_in_the_library(home: Home, tree: Path) -> None:
    (path,) = home.fill(1)
    home.sync(*MODULES, "--sidecar-dir", str(tree))
    left = [each / ".immich-meta-99999-0a0b0c0d.tmp" for each in (place(path, tree).parent, path.parent)]
    for each in left:
        each.write_bytes(b"half")
    home.sync(*MODULES, "--sidecar-dir", str(tree))
    assert [each.exists() for each in left] == [False, True]
    home.sync(*MODULES)
    assert not left[1].exists()


@pytest.mark.parametrize("mode", ["embed", "both"])
def test_another_place_to_write_to_is_a_contradiction(home: Home, tree: Path, mode: str) -> None:
    home.fill(1)
    ran = home.sync("--all", "--write-to", mode, "--sidecar-dir", str(tree))
    assert (ran.code, "--sidecar-dir is for sidecars alone" in ran.err) == (2, True)
    ran = home.sync("--all", "--write-to", mode, IMMICH_META_SIDECAR_DIR=str(tree))
    assert (ran.code, "IMMICH_META_SIDECAR_DIR is for sidecars alone" in ran.err) == (2, True)


def test_a_directory_in_the_library_or_around_it_is_refused(home: Home) -> None:
    home.fill(1)
    before = listing(home.photos)
    for directory in (home.photos, home.photos / "side", home.photos.parent):
        ran = home.sync("--all", "--sidecar-dir", str(directory))
        assert (ran.code, "lie in each other" in ran.err) == (2, True), directory
    ran = home.sync("--all", "--sidecar-dir", str(home.directory / "not" / "mounted"))
    assert (ran.code, "there is no folder to make it in" in ran.err) == (2, True)
    assert listing(home.photos) == before


def test_write_takes_it_too(home: Home, tree: Path) -> None:
    path = home.photo("a.jpg")
    wish = home.directory / "wish.json"
    wish.write_text('{"people": ["Ada"]}')
    before = listing(home.photos)
    for status in ("updated", "unchanged"):
        ran = home.run("write", str(path), "--metadata", str(wish), "--sidecar-dir", str(tree))
        assert (ran.code, status in ran.out) == (0, True), ran.said
    assert names(place(path, tree)) == ("Ada",)
    assert listing(home.photos) == before


def test_a_checkpoint_of_a_run_into_the_photos_is_not_this_ones(home: Home, tree: Path) -> None:
    (path,) = home.fill(1)
    home.add("broken.jpg", b"no photo")
    home.sync("--people")
    ran = home.sync("--people", "--resume", "--sidecar-dir", str(tree))
    assert "belongs to another server, user or set of modules" in ran.out
    assert names(place(path, tree)) == ("Ada",)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_folders_without_write_permission_are_no_hindrance(home: Home, tree: Path) -> None:
    (path,) = home.fill(1)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert home.sync(*MODULES, "--sidecar-dir", str(tree)).sums()["updated"] == 1
    finally:
        path.parent.chmod(0o755)
