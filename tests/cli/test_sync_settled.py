"""What the last run left as it should be is not opened again, until anything on either side is another."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional

import pytest

from immich_meta.cli import assembly
from immich_meta.demo.library import DemoAsset, Library
from immich_meta.demo.server import DemoServer
from tests.cli.home import UPLOADS, Home, jpeg, keywords, snapshot, statuses
from tests.cli.opened import opened_below
from tests.cli.test_sync_live_photos import add_pair
from tests.cli.test_write import wish

MODULES = ("--all", "--albums", "--tags")
KNOWN: dict[str, Any] = {
    "people": ["Ada", "Eve"], "albums": ["Spring"], "tags": ["Travel/Berlin"], "rating": 3, "description": "Picnic",
    "latitude": 52.52, "longitude": 13.405,
}  # fmt: skip


def opened(home: Home, *arguments: str, code: int = 0, **environ: Optional[str]) -> set[str]:
    """The photos and sidecars that a run opens."""
    with opened_below(home.photos) as names:
        ran = home.sync(*(arguments if "--face-coordinates" in arguments else (*MODULES, *arguments)), **environ)
    assert ran.code == code, ran.said
    return set(names)


@pytest.fixture
def settled(home: Home) -> tuple[Home, Path, DemoAsset]:
    """Two photos that a run has written, a changeable one and another."""
    path, asset = home.add("a.jpg", **KNOWN)
    home.add("b.jpg", jpeg(1), people=["Zoë"])
    assert opened(home) == {"a.jpg", "b.jpg"}
    assert opened(home) == set()
    return home, path, asset


def test_the_second_run_opens_no_photo_and_counts_all(home: Home) -> None:
    home.fill(6)
    opened(home)
    before = snapshot(home.photos)
    with opened_below(home.photos) as names:
        ran = home.sync(*MODULES)
    assert (names, ran.sums()["unchanged"], ran.sums()["total"]) == ([], 6, 6)
    assert snapshot(home.photos) == before


def test_a_file_that_was_as_it_should_be_from_the_start_is_remembered_too(home: Home) -> None:
    home.fill(2)
    opened(home)
    shutil.rmtree(home.environ["IMMICH_META_STATE_DIR"])
    assert opened(home) == {"IMG_0000.jpg", "IMG_0001.jpg"}
    assert opened(home) == set()


def test_the_report_of_a_settled_file_is_a_line_like_any_other(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, path, asset = settled
    with opened_below(home.photos) as names:
        lines = home.report(*MODULES)
    assert names == []
    assert statuses(lines) == {"a.jpg": "unchanged", "b.jpg": "unchanged"}
    assert [(line["path"], line["changes"]) for line in lines if line["asset_id"] == asset.id] == [(str(path), [])]


def test_a_dry_run_knows_what_is_settled_and_remembers_nothing(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, asset = settled
    assert opened(home, "--dry-run") == set()
    asset.description = "Another picnic"
    for _ in range(2):
        assert opened(home, "--dry-run") == {"a.jpg"}
    assert opened(home) == {"a.jpg"}
    assert opened(home, "--dry-run") == set()


# Of the photo `asset`, whose person, album and tag are called after it.
CHANGES: dict[str, Callable[[Library, DemoAsset, str], object]] = {
    "a person is renamed": lambda library, asset, own: library.rename_person(own, own + "?"),
    "a person is hidden": lambda library, asset, own: setattr(library.person(own), "is_hidden", True),
    "a person is added": lambda library, asset, own: library.set_people(asset, [own, "Łukasz"]),
    "a face is added": lambda library, asset, own: library.add_face(asset, "Łukasz", (8.0, 8.0, 24.0, 24.0)),
    "a person is removed": lambda library, asset, own: library.set_people(asset, []),
    "an album is renamed": lambda library, asset, own: setattr(library.album(own), "name", own + "?"),
    "an album is removed": lambda library, asset, own: library.albums.pop(own),
    "the album loses it": lambda library, asset, own: library.take_from_album(asset, own),
    "another album has it": lambda library, asset, own: library.put_in_album(asset, "Summer"),
    "a tag is added": lambda library, asset, own: library.set_tags(asset, [f"Own/{own}", "Pets"]),
    "a tag is renamed": lambda library, asset, own: setattr(library.tag(f"Own/{own}"), "value", f"Own/{own}?"),
    "all tags go": lambda library, asset, own: library.set_tags(asset, []),
    "another caption": lambda library, asset, own: setattr(asset, "description", "A picnic"),
    "no caption": lambda library, asset, own: setattr(asset, "description", ""),
    "another rating": lambda library, asset, own: setattr(asset, "rating", 4),
    "a heart": lambda library, asset, own: setattr(asset, "is_favorite", True),
    "another place": lambda library, asset, own: setattr(asset, "latitude", 48.1),
    "another date": lambda library, asset, own: asset.set_date(datetime(2023, 5, 1, 12), "Europe/Berlin"),
}


def test_what_changes_in_immich_is_written_though_its_asset_looks_the_same(home: Home) -> None:
    home.add("nothing.jpg", **KNOWN)
    for name in CHANGES:
        home.add(f"{name}.jpg", **{**KNOWN, "people": [name], "albums": [name], "tags": [f"Own/{name}"]})
    opened(home)
    assert opened(home) == set()
    before = snapshot(home.photos)
    for name, change in CHANGES.items():
        asset = home.library.by_path(f"{UPLOADS}/{name}.jpg")
        updated_at = asset.updated_at
        change(home.library, asset, name)
        assert asset.updated_at == updated_at
    expected = {f"{name}.jpg" for name in CHANGES}
    assert opened(home) == expected
    after = snapshot(home.photos)
    assert {os.path.basename(path) for path in after if after[path] != before[path]} == expected
    assert opened(home) == set()


OPTIONS = (
    ("--rating-percent", "microsoft"),
    ("--mtime", "keep"),
    ("--write-to", "both"),
    ("--clear-ratings",),
    ("--protect-newer",),
)


def test_another_way_of_writing_is_another_wish(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, _ = settled
    for options in OPTIONS:
        assert opened(home, *options) >= {"a.jpg", "b.jpg"}, options
        assert opened(home, *options) == set(), options


def test_other_modules_are_another_wish(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, _ = settled
    for modules in (("--people",), ("--all",), ("--albums", "--caption")):
        for expected in ({"a.jpg", "b.jpg"}, set()):
            with opened_below(home.photos) as names:
                assert home.sync(*modules).code == 0
            assert set(names) == expected, modules


def test_a_shorter_caption_is_another_wish(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, _ = settled
    assert opened(home, CAPTION_MAX_LEN="3") == {"a.jpg"}


def test_options_that_change_no_file_open_none(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, _ = settled
    for options in (("--only-new",), ("--check-checksum",), ("--keep-undo", "5"), ("--live-photos", "still")):
        assert opened(home, *options) == set(), options


def touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000))


def append(path: Path) -> None:
    status = path.stat()
    with path.open("ab") as stream:
        stream.write(b"one more byte")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_alike(path: Path) -> None:
    """As a restored backup looks: the same size and time, yet another file."""
    status, other = path.stat(), path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


EDITS = {"touched.jpg": touch, "grown.jpg": append, "replaced.jpg": replace_alike}


def test_a_file_that_somebody_had_in_hand_is_looked_at(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, _ = settled
    paths = {name: home.add(name, people=["Ada"])[0] for name in EDITS}
    opened(home)
    assert opened(home) == set()
    for name, edit in EDITS.items():
        edit(paths[name])
    assert opened(home) == set(EDITS)
    assert opened(home) == set()


def test_what_an_older_copy_lacks_is_written_again(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, path, _ = settled
    written = path.read_bytes()
    path.write_bytes(jpeg())
    assert opened(home) == {"a.jpg"}
    assert path.read_bytes() == written


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp"])
def test_a_sidecar_that_comes_changes_or_goes_is_noticed(
    settled: tuple[Home, Path, DemoAsset], name: str
) -> None:
    home, path, _ = settled
    sidecar = path.with_name(name)
    home.run("write", str(path), "--metadata", wish(home, {"people": ["Somebody"]}), "--write-to", "sidecar")
    path.with_name("a.jpg.xmp").rename(sidecar)
    assert opened(home) == {"a.jpg", name}
    assert opened(home) == set()
    touch(sidecar)
    assert opened(home) == {"a.jpg", name}
    assert opened(home) == set()
    sidecar.unlink()
    assert opened(home) == {"a.jpg"}
    assert opened(home) == set()


def test_verify_reads_every_file_and_writes_none(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, _ = settled
    before = snapshot(home.photos)
    assert opened(home, "--verify") == {"a.jpg", "b.jpg"}
    assert opened(home, "--verify", "--dry-run") == {"a.jpg", "b.jpg"}
    assert snapshot(home.photos) == before
    assert opened(home) == set()


def test_without_the_state_all_is_read_once(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, _ = settled
    shutil.rmtree(home.environ["IMMICH_META_STATE_DIR"])
    assert opened(home) == {"a.jpg", "b.jpg"}
    assert opened(home) == set()


def test_another_version_of_the_program_reads_all_once(
    settled: tuple[Home, Path, DemoAsset], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _, _ = settled
    monkeypatch.setattr(assembly, "version", lambda name: "99.0")
    assert opened(home) == {"a.jpg", "b.jpg"}
    assert opened(home) == set()


def test_what_another_server_was_told_is_not_known_here(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, _, _ = settled
    other = home.environ["IMMICH_INSTANCE_URL"].replace("127.0.0.1", "localhost")
    assert opened(home, IMMICH_INSTANCE_URL=other) == {"a.jpg", "b.jpg"}
    assert opened(home, IMMICH_INSTANCE_URL=other) == set()


def test_undone_files_are_written_again_by_the_next_run(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, path, _ = settled
    written = path.read_bytes()
    assert home.run("undo", "--last").code == 0
    assert keywords(path) == ()
    assert opened(home) == {"a.jpg", "b.jpg"}
    assert path.read_bytes() == written


def test_a_file_that_moves_is_followed_without_being_opened(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, path, asset = settled
    path.rename(home.photos / "renamed.jpg")
    asset.original_path = f"{UPLOADS}/renamed.jpg"
    assert opened(home) == set()
    asset.description = "Under its new name"
    assert opened(home) == {"renamed.jpg"}


def test_both_parts_of_a_live_photo_settle_and_follow_the_still(home: Home) -> None:
    *_, still, _ = add_pair(home, "a", people=["Ada"])
    everything = ("--all", "--albums", "--tags", "--face-coordinates")
    assert opened(home, *everything) == {"a.jpg", "a.mov"}
    assert opened(home, *everything) == set()
    home.library.put_in_album(still, "Spring")
    assert opened(home, *everything) == {"a.jpg", "a.mov"}
    assert opened(home, *everything) == set()
    still.people = []
    assert opened(home, *everything) == {"a.jpg", "a.mov"}


def test_the_second_report_of_a_pair_still_says_that_it_is_one(home: Home) -> None:
    add_pair(home, "a", people=["Ada"])
    first = home.report(*MODULES)
    with opened_below(home.photos) as names:
        second = home.report(*MODULES)
    assert names == []
    assert [line["live_photo"] for line in second] == [line["live_photo"] for line in first]


def test_a_failed_file_is_tried_again_each_time(home: Home) -> None:
    path, _ = home.add("a.jpg", b"\xff\xd8\xff\xe1\x00", people=["Ada"])
    for _ in range(2):
        assert opened(home, code=1) == {"a.jpg"}
    path.write_bytes(jpeg())
    assert opened(home) == {"a.jpg"}
    assert keywords(path) == ("Ada",)


def test_a_file_without_a_sidecar_of_its_own_settles_with_the_one_it_gets(home: Home) -> None:
    path, asset = home.add("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(64), people=["Ada"])
    assert opened(home) >= {"a.cr3"}
    assert opened(home) == set()
    path.with_name("a.cr3.xmp").unlink()
    assert opened(home) != set()
    assert path.with_name("a.cr3.xmp").exists()
    assert opened(home) == set()
    asset.rating = 5
    assert "a.cr3.xmp" in opened(home)


def test_two_assets_of_one_file_are_looked_at_and_never_fight(home: Home) -> None:
    path, _ = home.add("a.jpg", people=["Ada"])
    home.add("a.jpg", people=["Eve"], date=datetime(2024, 5, 2))
    for _ in range(3):
        opened(home)
        assert keywords(path) == ("Ada",)


def test_albums_that_cannot_be_listed_today_are_what_they_were(
    settled: tuple[Home, Path, DemoAsset], server: DemoServer
) -> None:
    home, path, _ = settled
    server.fail(500, times=None, path="/albums")
    before = path.read_bytes()
    assert opened(home) == set()
    assert path.read_bytes() == before


def test_what_a_run_finished_before_the_server_died_is_settled(
    home: Home, server: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = home.fill(6)
    hits, calls = server.api._searches.hits, itertools.count(1)

    def dies_behind_the_first_page(*arguments: Any, **more: Any) -> Any:
        if next(calls) == 2:
            server.fail(500, times=None, path="/search/metadata")
        return hits(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(server.api._searches, "hits", dies_behind_the_first_page)
        assert home.sync("--people", IMMICH_SEARCH_PAGE_SIZE="2").code == 3
    server.clear_faults()
    written = {path.name for path in paths if keywords(path)}
    assert 0 < len(written) < 6
    with opened_below(home.photos) as names:
        ran = home.sync("--people", IMMICH_SEARCH_PAGE_SIZE="2")
    assert (ran.code, set(names)) == (0, {path.name for path in paths} - written)
    assert all(keywords(path) == ("Ada",) for path in paths)


def test_an_asset_that_immich_has_moved_in_time_settles_anew(settled: tuple[Home, Path, DemoAsset]) -> None:
    """Only what is wanted counts: Immich notes a new updatedAt for much that no file is told."""
    home, _, asset = settled
    asset.updated_at = datetime(2025, 5, 1, tzinfo=timezone.utc) + timedelta(days=1)
    assert opened(home) == set()


def test_a_settled_report_has_the_notes_of_the_first(home: Home) -> None:
    _, asset = home.add("a.jpg", people=["Ada"], date=datetime(2024, 5, 1, 12))
    asset.file_created_at -= timedelta(days=400)
    first, second = home.report(*MODULES), home.report(*MODULES)
    assert first[0]["notes"] != []
    assert second[0]["notes"] == first[0]["notes"]


def test_of_two_assets_of_one_file_the_first_is_followed_also_when_the_other_is_settled(home: Home) -> None:
    path, first = home.add("a.jpg", description="one", date=datetime(2024, 5, 1, 12))
    home.add("a.jpg", content=path.read_bytes(), description="one", date=datetime(2024, 5, 1, 12), time_zone="UTC")
    first.date_time_original, second = None, list(home.library.assets.values())[1]
    second.date_time_original = None
    for _ in range(2):
        home.sync("--caption")
    first.description = "two"
    reported = home.report("--caption")
    assert reported[0]["status"] == "updated"
