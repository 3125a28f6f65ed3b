"""`sync --refresh`: what Immich is asked to read again, what it makes of that, and what happens when it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from immich_meta.demo.library import DemoAsset
from immich_meta.demo.movies import mov
from immich_meta.demo.server import DemoServer
from immich_meta.sync import refresh
from tests.cli.home import KEY, UPLOADS, Home, jpeg, snapshot

RICH: dict[str, Any] = {
    "people": ["Ada"],
    "albums": ["Spring, 2024"],
    "tags": ["Travel/Berlin"],
    "rating": 4,
    "favorite": True,
    "description": "Picnic\nby the lake 🎉",
    "latitude": -33.8915,
    "longitude": 151.2767,
    "width": 64,
    "height": 48,
}
LIBRARY = "5f1b1f0c-0000-4000-8000-0000000000ff"


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def server(request: pytest.FixtureRequest) -> Iterator[DemoServer]:
    with DemoServer(generation=request.param) as server:
        yield server


@pytest.fixture
def reading(home: Home) -> Home:
    """A home whose server reads the files of this home."""
    assert home.server is not None
    home.server.api.jobs.disk[UPLOADS] = str(home.photos)
    return home


def asked(home: Home) -> list[list[str]]:
    """The assets of each request for a re-read."""
    assert home.server is not None
    return [each.body["assetIds"] for each in home.server.requests_to("/assets/jobs", "POST")]


def scanned(home: Home) -> list[str]:
    assert home.server is not None
    return [each.path.split("/")[2] for each in home.server.requests_to("/libraries", "POST")]


def live_photo(home: Home) -> tuple[DemoAsset, DemoAsset]:
    _, still = home.add("pair.jpg", **RICH)
    clip = mov([jpeg(1)], (64, 48), None, {"com.apple.quicktime.content.identifier": "5F1B-PAIR"})
    path = home.photo("pair.mov", clip)
    part = home.library.add_motion_part(
        still, f"{UPLOADS}/pair.mov", content=path.read_bytes(), library_id=LIBRARY, width=64, height=48
    )
    return still, part


def test_exactly_the_changed_assets_are_read_again_and_then_nothing_moves(reading: Home) -> None:
    _, quiet = reading.add("quiet.jpg", **RICH)
    reading.sync()
    _, photo = reading.add("photo.jpg", time_zone="Asia/Tokyo", **{**RICH, "description": "Café"})
    _, plain = reading.add("plain.jpg", date=None, people=["Zoë"], width=64, height=48)
    still, part = live_photo(reading)
    ran = reading.sync("--refresh", "immich")
    assert (ran.code, ran.sums()["updated"]) == (0, 4)
    (ids,) = asked(reading)
    assert set(ids) == {photo.id, plain.id, still.id, part.id}
    assert "Immich was asked to read the changed files again (4)" in ran.out
    assert (photo.description, photo.rating, [tag.value for tag in photo.tags]) == ("Café", 4, ["Travel/Berlin"])
    assert photo.updated_at > quiet.updated_at
    before = snapshot(reading.photos)
    for _ in range(2):
        again = reading.sync("--refresh", "immich", "--clear-album-cache")
        assert (again.code, again.sums()["updated"]) == (0, 0)
    assert snapshot(reading.photos) == before
    assert len(asked(reading)) == 1


def test_a_dry_run_asks_nothing(reading: Home) -> None:
    reading.add("photo.jpg", **RICH)
    for kind in ("immich", "library"):
        ran = reading.sync("--dry-run", "--refresh", kind)
        assert ran.sums()["simulated"] == 1
        assert "read" not in ran.out.split("FINISH")[1]
    assert asked(reading) == []
    assert scanned(reading) == []


def test_without_being_told_it_asks_nothing_and_says_how_to(reading: Home) -> None:
    reading.add("photo.jpg", **RICH)
    assert "--refresh immich" in reading.sync().out
    assert "--refresh" not in reading.sync().out
    assert asked(reading) == []


def test_the_setting_does_the_same_and_the_option_wins(reading: Home) -> None:
    _, asset = reading.add("photo.jpg", **RICH)
    reading.sync(IMMICH_META_REFRESH="immich")
    assert asked(reading) == [[asset.id]]
    asset.rating = 2
    assert reading.sync("--refresh", "none", IMMICH_META_REFRESH="immich").sums()["updated"] == 1
    assert len(asked(reading)) == 1


def test_many_assets_are_asked_for_in_bunches(reading: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "BUNCH", 3)
    reading.fill(7)
    ran = reading.sync("--people", "--refresh", "immich")
    assert [len(ids) for ids in asked(reading)] == [3, 3, 1]
    assert "asked to read the changed files again (7)" in ran.out
    assert len({each for ids in asked(reading) for each in ids}) == 7


def test_an_asset_that_is_gone_does_not_spoil_the_others(reading: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    reading.fill(9)
    gone = reading.library.by_path(f"{UPLOADS}/2024/IMG_0004.jpg")
    plain = reading.server.api.answer  # type: ignore[union-attr]

    def answer(call: Any, key: Any) -> Any:
        if call.path == "/assets/jobs":
            reading.library.assets.pop(gone.id, None)
        return plain(call, key)

    monkeypatch.setattr(reading.server.api, "answer", answer)  # type: ignore[union-attr]
    ran = reading.sync("--people", "--refresh", "immich")
    assert (ran.code, ran.sums()["updated"]) == (0, 9)
    assert "asked to read the changed files again (8)" in ran.out
    assert "not asked to read 1 of 9" in ran.out
    read_again = {each for ids in asked(reading) for each in ids if gone.id not in ids}
    assert len(read_again) == 8


def test_a_server_that_refuses_everything_is_not_asked_for_ever(reading: Home) -> None:
    reading.fill(60)
    reading.server.fail(400, times=None, path="/assets/jobs")  # type: ignore[union-attr]
    ran = reading.sync("--people", "--refresh", "immich")
    assert (ran.code, ran.sums()["updated"]) == (0, 60)
    assert "not asked to read 60 of 60" in ran.out
    assert len(asked(reading)) <= 50


def test_a_key_that_may_not_is_a_warning_that_names_the_permission(reading: Home) -> None:
    assert reading.server is not None
    reading.add("photo.jpg", **RICH)
    rights = ("asset.read", "user.read", "person.read", "face.read", "album.read", "tag.read", "asset.edit.get")
    reading.server.add_key(KEY, *rights)
    ran = reading.sync("--refresh", "immich")
    assert (ran.code, ran.sums()["updated"]) == (0, 1)
    needed = "job.create" if reading.server.api.is_v3 else "all"
    assert f"add {needed} to the key" in ran.out
    assert "WARNING" in ran.out


@pytest.mark.parametrize("fault", ["drop", "fail", "web_page"])
def test_a_server_that_goes_away_at_the_end_costs_no_run(reading: Home, fault: str) -> None:
    reading.add("photo.jpg", **RICH)
    server = reading.server
    assert server is not None
    if fault == "drop":
        server.drop(times=None, path="/assets/jobs")
    elif fault == "fail":
        server.fail(500, times=None, path="/assets/jobs")
    else:
        server.web_page(path="/assets/jobs")
    ran = reading.sync("--refresh", "immich")
    assert ran.code == 0
    assert "not asked to read 1 of 1" in ran.out
    assert "Traceback" not in ran.said


def test_a_run_that_lost_its_server_says_what_was_not_asked(reading: Home) -> None:
    assert reading.server is not None
    reading.fill(6)
    plain = reading.server.api.answer

    def answer(call: Any, key: Any) -> Any:
        is_late = call.path == "/search/metadata" and int(str(call.body.get("page", 1))) > 1
        return reading.server.api.refusal(500, "gone") if is_late else plain(call, key)  # type: ignore[union-attr]

    reading.server.api.answer = answer  # type: ignore[method-assign]
    ran = reading.sync("--people", "--refresh", "immich", IMMICH_SEARCH_PAGE_SIZE="4")
    assert ran.code == 3
    assert "was not asked to read the changed files again (4)" in ran.out


def test_the_libraries_of_changed_files_are_scanned(reading: Home) -> None:
    _, first = reading.add("a.jpg", **RICH)
    reading.add("b.jpg", **RICH)
    reading.add("c.jpg", **{**RICH, "library_id": "5f1b1f0c-0000-4000-8000-0000000000ee"})
    reading.add("d.jpg", **{**RICH, "library_id": None})
    ran = reading.sync("--refresh", "library", "--mtime", "now", "--yes")
    assert sorted(scanned(reading)) == ["5f1b1f0c-0000-4000-8000-0000000000ee", LIBRARY]
    assert asked(reading) == []
    assert "upload library (1)" in ran.out
    assert "no sidecars" in ran.out
    assert (first.description, first.rating) == (RICH["description"], 4)
    assert first.size == (reading.photos / "a.jpg").stat().st_size
    before = snapshot(reading.photos)
    assert reading.sync("--refresh", "library", "--mtime", "now").sums()["updated"] == 0
    assert snapshot(reading.photos) == before
    assert len(scanned(reading)) == 2


def test_a_key_of_no_administrator_scans_nothing_and_says_so(reading: Home) -> None:
    assert reading.server is not None
    reading.server.switches.is_admin = False
    reading.add("a.jpg", **RICH)
    ran = reading.sync("--refresh", "library")
    assert (ran.code, ran.sums()["updated"]) == (0, 1)
    assert "administrator's key is needed" in ran.out


def test_new_sidecars_have_to_be_discovered_and_known_ones_not(reading: Home) -> None:
    path, asset = reading.add("a.jpg", **RICH)
    ran = reading.sync("--write-to", "sidecar", "--refresh", "immich")
    assert "New sidecars were made (1)" in ran.out
    assert "Discover" in ran.out
    assert asset.description == ""  # what Immich has not found it cannot read
    asset.has_sidecar, asset.description = True, "Another one"
    ran = reading.sync("--write-to", "sidecar", "--refresh", "immich")
    assert "Discover" not in ran.out
    assert asset.description == "Another one"
    assert Path(f"{path}.xmp").exists()


def test_who_has_more_read_again_than_is_written_is_warned(reading: Home) -> None:
    reading.add("a.jpg", **RICH)
    ran = reading.sync("--people", "--caption", "--refresh", "immich")
    assert "takes dates, places, stars, tags from them" in ran.out
    assert "Add --time --gps --rating --tags" in ran.out
    assert "lost" not in reading.sync("--refresh", "immich").out


def test_faces_that_would_come_back_as_second_ones_are_named(reading: Home) -> None:
    assert reading.server is not None
    reading.server.switches.imports_faces = True
    reading.add("a.jpg", boxes={"Ada": (10.0, 10.0, 20.0, 22.0)}, **RICH)
    assert "second faces" in reading.sync("--refresh", "immich").out
    assert "second faces" not in reading.sync("--all", "--tags", "--refresh", "immich").out


def test_a_scan_without_new_dates_reads_nothing(reading: Home) -> None:
    _, asset = reading.add("a.jpg", jpeg(3), **RICH)
    asset.file_modified_at = datetime.fromtimestamp(
        (reading.photos / "a.jpg").stat().st_mtime_ns // 10**6 / 1000
    ).astimezone()
    before = asset.updated_at
    reading.sync("--refresh", "library", "--mtime", "keep")
    assert len(scanned(reading)) == 1
    assert asset.updated_at == before
