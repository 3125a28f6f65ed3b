"""`sync` and servers: those that are not there, refuse, break off, or say nonsense."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from immich_meta.demo.server import DemoServer
from immich_meta_writers import read
from tests.cli.home import KEY, UPLOADS, Home, jpeg, keywords, snapshot, statuses

DATE = datetime(2024, 5, 1, 12, 0)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _refused(home: Home, *words: str, **environ: Any) -> None:
    home.photo("a.jpg")
    before = snapshot(home.photos)
    ran = home.sync(**environ)
    assert ran.code == 3
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.said
    assert len(ran.err.strip().splitlines()) == 1
    assert snapshot(home.photos) == before


def test_no_server(home: Home) -> None:
    _refused(home, "no answer from", "IMMICH_INSTANCE_URL", IMMICH_INSTANCE_URL=f"http://127.0.0.1:{_free_port()}")


def test_a_wrong_key(home: Home) -> None:
    _refused(home, "does not accept the API key (401)", "Account Settings > API Keys", IMMICH_API_KEY="wrong")


@pytest.mark.parametrize(
    ("missing", "flags"),
    [("user.read", []), ("asset.read", []), ("album.read", ["--albums"]), ("tag.read", ["--tags"])],
)
def test_a_missing_permission_is_named(home: Home, server: DemoServer, missing: str, flags: list[str]) -> None:
    home.add("a.jpg", people=["Ada"])
    allowed = {"user.read", "asset.read", "album.read", "tag.read", "face.read"} - {missing}
    server.add_key("limited", *allowed)
    ran = home.sync("--people", *flags, IMMICH_API_KEY="limited")
    assert ran.code == 3
    assert f"the API key lacks {missing}" in ran.err


def test_a_web_page_instead_of_an_api(home: Home, server: DemoServer) -> None:
    server.web_page()
    _refused(home, "http://192.168.1.10:2283")


def test_an_address_of_something_else(home: Home, server: DemoServer) -> None:
    _refused(home, "page", IMMICH_INSTANCE_URL=f"{server.url}/elsewhere")


def test_an_answer_that_is_cut(home: Home, server: DemoServer) -> None:
    server.cut(40, path="/search", times=None)
    _refused(home, "is not complete JSON")


def test_a_server_that_is_too_old(tmp_path: Any, monkeypatch: Any, capsys: Any) -> None:
    with DemoServer(version=(1, 120, 0)) as server:
        _refused(Home(tmp_path, server, monkeypatch, capsys), "1.120.0", "1.133")


def test_maintenance(home: Home, server: DemoServer) -> None:
    server.switches.maintenance = True
    _refused(home, "maintenance")


def test_a_redirect_does_not_get_the_key(home: Home, server: DemoServer) -> None:
    with DemoServer() as other:
        server.redirect(f"http://localhost:{other.port}/api/server/version")
        _refused(home, "IMMICH_INSTANCE_URL")
        assert not [each for each in other.requests if KEY in each.headers.values()]


@pytest.mark.parametrize("url", ["{url}", "{url}/", "{url}/api", "{url}/api/"])
@pytest.mark.parametrize("base_path", ["", "/immich"])
def test_the_address_may_be_written_in_many_ways(
    url: str, base_path: str, tmp_path: Any, monkeypatch: Any, capsys: Any
) -> None:
    with DemoServer(base_path=base_path) as server:
        home = Home(tmp_path, server, monkeypatch, capsys)
        home.fill(1)
        assert home.sync("--people", IMMICH_INSTANCE_URL=url.format(url=server.url)).code == 0


@pytest.fixture
def dying(home: Home, server: DemoServer) -> Iterator[Home]:
    """The third page of two photos never comes."""
    home.fill(8)
    home.environ["IMMICH_SEARCH_PAGE_SIZE"] = "2"
    plain = server.api.answer

    def answer(call: Any, key: Any) -> Any:
        if call.path == "/search/metadata" and call.body.get("page") == 3:
            return server.api.refusal(500, "out of memory")
        return plain(call, key)

    server.api.answer = answer  # type: ignore[method-assign]
    yield home
    server.api.answer = plain  # type: ignore[method-assign]


def test_a_server_that_dies_midway_leaves_what_was_done_and_the_summary(dying: Home) -> None:
    ran = dying.sync("--people", "--report", "r.jsonl")
    assert ran.code == 3
    assert "out of memory" in ran.err
    assert "FINISH (interrupted) total=4 updated=4" in ran.out
    assert [len(keywords(path)) for path in sorted(dying.photos.rglob("*.jpg")) if read(path)] == [1] * 4
    assert len((dying.directory / "r.jsonl").read_text().splitlines()) == 4
    assert dying.checkpoints()


def test_what_was_done_before_the_server_died_is_not_done_again_by_resume(dying: Home, server: DemoServer) -> None:
    dying.sync("--people")
    ran = dying.sync("--people", "--resume", IMMICH_SEARCH_PAGE_SIZE="1000")
    assert (ran.code, ran.sums()["resumed"], ran.sums()["updated"]) == (0, 4, 4)
    assert dying.checkpoints() == []


def test_a_connection_that_breaks_once_is_made_again(home: Home, server: DemoServer) -> None:
    home.fill(2)
    server.drop(path="/search/metadata")
    server.fail(503, path="/search/metadata")
    assert home.sync("--people").code == 0


@pytest.mark.parametrize(
    ("overrides", "exif", "status"),
    [
        ({}, {"latitude": float("nan"), "longitude": 13.0}, "updated"),
        ({}, {"latitude": 999, "longitude": 13.0}, "updated"),
        ({}, {"latitude": 10**400, "longitude": -(10**400)}, "updated"),
        ({}, {"latitude": "52.5", "longitude": [1]}, "updated"),
        ({}, {"description": "x" * (10 << 20)}, "updated"),
        ({}, {"description": "\x00\ud800\u2028</rdf:RDF>]]>&#0;"}, "updated"),
        ({}, {"rating": 10**30}, "updated"),
        ({}, {"rating": "five"}, "updated"),
        ({}, {"orientation": "sideways", "timeZone": "Mars/Olympus"}, "updated"),
        ({}, {"dateTimeOriginal": "yesterday", "modifyDate": 5, "timeZone": 7}, "updated"),
        ({}, {"dateTimeOriginal": "9999-12-31T23:59:59+00:00", "timeZone": "UTC+14"}, "updated"),
        ({}, {"dateTimeOriginal": "0001-01-01T00:00:00+00:00", "timeZone": "UTC-12"}, "updated"),
        ({"exifInfo": None, "people": None, "tags": None, "visibility": None}, {}, "updated"),
        ({"type": "HOLOGRAM", "visibility": "etched", "isFavorite": "very"}, {}, "updated"),
        ({"people": [None, 3, {"name": None}, {"name": ["a"]}, {"id": "p", "name": "A" * 100_000}]}, {}, "updated"),
        ({"originalPath": None}, {}, "failed"),
        ({"originalPath": ""}, {}, "failed"),
        ({"originalPath": "/data/library/admin/a\0b.jpg"}, {}, "failed"),
        ({"originalPath": "/data/library/admin/" + "x" * 5000 + ".jpg"}, {}, "missing"),
        ({"originalPath": "/data/library/admin/" + "x/" * 10_000 + ".jpg"}, {}, "missing"),
        ({"originalPath": {"a": 1}}, {}, "failed"),
    ],
)
def test_a_hostile_asset_has_one_result_and_the_run_goes_on(
    home: Home, overrides: dict[str, object], exif: dict[str, object], status: str
) -> None:
    _, asset = home.add("bad.jpg", date=datetime(2024, 5, 1, 11), people=["Ada"], rating=3)
    asset.overrides, asset.exif_overrides = overrides, exif
    good, _ = home.add("good.jpg", date=datetime(2024, 5, 1, 13), people=["Ada"])
    lines = home.report(IMMICH_LOG_FILE="-")
    assert len(lines) == 2
    (line,) = [line for line in lines if line["asset_id"] == asset.id]
    assert line["status"] == status
    assert (line["error"] is None) == (status == "updated")
    assert len(str(line)) < 1_000_000
    assert keywords(good) == ("Ada",)
    before = snapshot(home.photos)
    assert home.sync(IMMICH_LOG_FILE="-").sums()["updated"] == 0
    assert snapshot(home.photos) == before


@pytest.mark.parametrize("item", [None, 3, "asset", [], {}, {"id": 5}])
def test_an_item_that_is_no_asset_is_counted_as_failed(home: Home, server: DemoServer, item: object) -> None:
    good = home.photo("good.jpg")
    asset = home.library.add_photo(f"{UPLOADS}/good.jpg", people=["Ada"], date=DATE)
    plain: Any = server.api.answer

    def answer(call: Any, key: Any) -> Any:
        reply = plain(call, key)
        if call.path == "/search/metadata" and call.body.get("visibility") == "timeline":
            reply.value["assets"]["items"].insert(0, item)
        return reply

    server.api.answer = answer  # type: ignore[method-assign]
    lines = home.report("--people")
    assert sorted(line["status"] for line in lines) == ["failed", "updated"]
    assert keywords(good) == ("Ada",)
    assert asset.id in [line["asset_id"] for line in lines]


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'{"assets": {"items": null}}', b'{"assets":{"items":[],"nextPage":"2"}}']
)
def test_a_list_that_makes_no_sense_stops_the_run(home: Home, server: DemoServer, body: bytes) -> None:
    server.answer("/search/metadata", body)
    _refused(home, "search/metadata")


def test_partners_trashed_and_offline_assets_are_left_alone(home: Home) -> None:
    from immich_meta.demo.library import PARTNER

    home.add("partner.jpg", owner_id=PARTNER, people=["Ada"])
    home.add("trashed.jpg", is_trashed=True, people=["Ada"])
    home.add("offline.jpg", is_offline=True, people=["Ada"])
    home.add("locked.jpg", visibility="locked", people=["Ada"])
    home.add("archived.jpg", visibility="archive", people=["Ada"])
    before = snapshot(home.photos)
    lines = home.report("--people")
    assert statuses(lines) == {"archived.jpg": "updated"}
    changed = {path for path, content in snapshot(home.photos).items() if before[path] != content}
    assert changed == {str(home.photos / "archived.jpg")}


def test_a_file_that_is_not_a_jpeg_by_content_is_told_apart_from_its_name(home: Home) -> None:
    home.add("really.png.jpg", b"\x89PNG\r\n\x1a\n" + jpeg(), people=["Ada"])
    (line,) = home.report("--people")
    assert line["status"] in ("updated", "unsupported", "failed")
    assert (line["error"] is not None) or line["sidecar"]
