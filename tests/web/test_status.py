"""Home and settings: whether all is in place, what is wrong where it is not, and what comes next."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from immich_meta.demo.faults import Fault
from immich_meta.demo.server import DemoServer
from tests.cli.home import KEY, Home
from tests.web.visitor import Site, Visitor


def test_home_tells_the_server_the_user_and_the_library(site: Site, home: Home) -> None:
    home.fill(3)
    visitor = site.visitor()
    assert "Asking the server" in visitor.get("/").text
    piece = visitor.get("/api/connection").text.replace("<wbr>", "")
    for words in ("Immich 3.2.2", "user 1", "All well", "Found", str(home.photos)):
        assert words in piece
    assert "<html" not in piece
    # What is known is shown at once the next time.
    assert "Immich 3.2.2" in visitor.get("/").text


def test_home_does_not_wait_for_a_slow_server(site: Site, server: DemoServer) -> None:
    server.slow(5, times=None)
    assert "Asking the server" in site.visitor().get("/").text
    server.clear_faults()


def test_home_asks_again_when_it_is_told_to(site: Site, home: Home, server: DemoServer) -> None:
    home.fill(1)
    visitor = site.visitor()
    server.fail(401, times=None)
    assert "make a key in Immich" in visitor.get("/?ask=1").text
    server.clear_faults()
    assert "Not working" in visitor.get("/").text
    assert "Not working" not in visitor.get("/?ask=1").text
    server.fail(500, times=None)
    site.now += 61
    assert "Not working" in visitor.get("/api/connection").text


def test_many_who_ask_again_at_once_share_the_answer(site: Site, server: DemoServer) -> None:
    server.slow(0.5, times=None, path="/server/version")
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: site.parts.connections.ask(again=True), range(8)))
    assert all(each.version for each in answers)
    assert len(server.requests_to("/server/version")) <= 3


def test_a_name_that_no_answer_can_carry_leaves_the_page_as_it_is(site: Site, server: DemoServer) -> None:
    told = json.dumps({"id": "5f1b1f0c-0000-4000-8000-0000000000aa", "name": "Ada\ud800\u202e<b>", "email": "a@b"})
    server.add_fault(Fault("/users/me", None, status=200, body=told.encode()))
    visitor = site.visitor()
    piece = visitor.get("/api/connection")
    assert piece.status_code == 200
    assert "Ada\\ud800\\u202e&lt;b&gt;" in piece.text
    assert visitor.get("/").status_code == 200


def test_an_empty_library_is_told_with_its_cure(site: Site) -> None:
    page = site.visitor().get("/?ask=1").text
    assert "is empty: is the disk, or the volume, mounted?" in page


def test_without_a_server_the_settings_say_what_is_missing(home: Home) -> None:
    del home.environ["IMMICH_INSTANCE_URL"]
    site = Site(home)
    visitor = site.visitor()
    assert "IMMICH_INSTANCE_URL is not set" in visitor.get("/?ask=1").text
    page = visitor.get("/settings").text
    assert "This has to be put right first" in page
    assert "IMMICH_INSTANCE_URL is not set" in page


def test_settings_are_shown_with_where_they_come_from_and_keys_are_not(home: Home) -> None:
    (home.directory / "immich-sync.conf").write_text("[immich]\nCAPTION_MAX_LEN = 777\nTZ = nonsense\n")
    home.environ |= {"PHOTO_DIR": home.environ.pop("IMMICH_PHOTO_DIR"), "DB_PASSWORD": "database-secret"}
    visitor = Site(home).visitor()
    page = visitor.get("/settings").text
    for words in ("777", ">file</span>", ">environment</span>", ">PHOTO_DIR</code>", "nonsense"):
        assert words in page
    assert KEY not in page
    assert "database-secret" not in page


def test_a_household_is_asked_key_by_key(home: Home, server: DemoServer) -> None:
    home.fill(1)
    home.environ["IMMICH_API_KEYS"] = f"anna:{KEY},ben:unknown-key"
    del home.environ["IMMICH_API_KEY"]
    page = Site(home).visitor().get("/?ask=1").text
    assert "ben: " in page
    assert "unknown-key" not in page


def test_what_comes_next_follows_from_the_last_run(site: Site) -> None:
    visitor = site.visitor()
    assert "See what would change" in visitor.get("/").text
    for result, counts, is_dry_run, words in (
        ({"exit_code": 0}, {"simulated": 7}, True, "found 7 files to change"),
        ({"exit_code": 0}, {"updated": 7}, False, "Sync again"),
        ({"exit_code": 130}, {"updated": 3}, False, "Go on where it stopped"),
        ({"exit_code": 3, "error": {"message": "x", "cure": "y"}}, {}, False, "See what would change"),
    ):
        last(site, result, counts, is_dry_run)
        assert words in hero(visitor), words


def last(site: Site, result: object, counts: object, is_dry_run: bool) -> None:
    for folder in site.parts.folders.all():
        for path in folder.path.iterdir():
            path.unlink()
        folder.path.rmdir()
    folder = site.parts.folders.create({"arguments": ["--people"], "dry_run": is_dry_run, "asked": 1.0})
    (folder.path / "progress.json").write_text(json.dumps({"counts": counts}))
    (folder.path / "result.json").write_text(json.dumps(result))


def hero(visitor: Visitor) -> str:
    return visitor.get("/").text.partition("hero")[2].partition("</section>")[0]
