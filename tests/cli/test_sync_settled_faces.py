"""Where faces are costs a request per asset on 3.x: asked again only when the asset, its people or the list of people
say that something has changed; with --verify always."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from immich_meta.demo.library import Box, DemoAsset
from immich_meta.demo.server import DemoServer
from immich_meta_writers import read
from tests.cli.home import Home, snapshot
from tests.cli.opened import opened_below

MODULES = ("--people", "--face-coordinates")
BOX: Box = (8.0, 8.0, 24.0, 24.0)
ELSEWHERE: Box = (30.0, 20.0, 60.0, 44.0)
READS = ("asset.read", "face.read", "album.read", "tag.read", "user.read", "asset.edit.get")


def add(home: Home, name: str, *people: str) -> tuple[Path, DemoAsset]:
    return home.add(name, boxes=dict.fromkeys(people, BOX), width=64, height=48)


def asked(home: Home, *arguments: str, **environ: str) -> tuple[set[str], set[str]]:
    """The original names of the assets whose faces a run asks for, and the photos that it opens."""
    server = home.server
    assert server is not None
    server.requests.clear()
    with opened_below(home.photos) as names:
        ran = home.sync(*MODULES, *arguments, **environ)
    assert ran.code == 0, ran.said
    ids = (request.query["id"] for request in server.requests_to("/faces"))
    return {home.library.assets[each].original_file_name for each in ids}, set(names)


def names_in(path: Path) -> tuple[str, ...]:
    regions = read(path).get("XMP-mwg-rs:RegionInfo", ())
    return tuple(str(each) for each in regions) if isinstance(regions, tuple) else (str(regions),)


@pytest.fixture
def settled(home: Home) -> tuple[Home, Path, DemoAsset]:
    """Three photos: of Ada, of Zoë, and of nobody."""
    path, asset = add(home, "a.jpg", "Ada")
    add(home, "z.jpg", "Zoë")
    add(home, "n.jpg")
    assert asked(home) == ({"a.jpg", "z.jpg"}, {"a.jpg", "z.jpg", "n.jpg"})
    assert asked(home) == (set(), set())
    return home, path, asset


def later(moment: datetime) -> datetime:
    return moment + timedelta(seconds=1)


def asset_changes(home: Home, asset: DemoAsset) -> None:
    asset.updated_at = later(asset.updated_at)


def person_changes(home: Home, asset: DemoAsset) -> None:
    home.library.person("Ada").updated_at = later(home.library.person("Ada").updated_at)


@pytest.mark.parametrize("change", [asset_changes, person_changes])
def test_a_face_that_moved_is_asked_for_when_a_date_tells_of_it(
    settled: tuple[Home, Path, DemoAsset], change: Callable[[Home, DemoAsset], None]
) -> None:
    home, path, asset = settled
    before = path.read_bytes()
    change(home, asset)
    asset.faces[0].box = ELSEWHERE
    assert asked(home) == ({"a.jpg"}, {"a.jpg"})
    assert path.read_bytes() != before
    assert asked(home) == (set(), set())


@pytest.mark.parametrize("change", [asset_changes, person_changes])
def test_a_date_that_moved_alone_changes_no_file(
    settled: tuple[Home, Path, DemoAsset], change: Callable[[Home, DemoAsset], None]
) -> None:
    home, _, asset = settled
    before = snapshot(home.photos)
    change(home, asset)
    assert asked(home)[0] == {"a.jpg"}
    assert snapshot(home.photos) == before
    assert asked(home) == (set(), set())


def rename(home: Home, asset: DemoAsset) -> None:
    home.library.rename_person("Ada", "Ada Lovelace")


def hide(home: Home, asset: DemoAsset) -> None:
    home.library.person("Ada").is_hidden = True


def add_person(home: Home, asset: DemoAsset) -> None:
    home.library.add_face(asset, "Łukasz", ELSEWHERE)


def another_person(home: Home, asset: DemoAsset) -> None:
    home.library.add_face(asset, "Łukasz", BOX)
    home.library.set_people(asset, ["Łukasz"])


def nobody(home: Home, asset: DemoAsset) -> None:
    home.library.set_people(asset, [])


@pytest.mark.parametrize("change", [rename, hide, add_person, another_person, nobody])
def test_other_people_are_other_faces_without_any_date(
    settled: tuple[Home, Path, DemoAsset], change: Callable[[Home, DemoAsset], None]
) -> None:
    home, path, asset = settled
    change(home, asset)
    faces, files = asked(home)
    assert files == {"a.jpg"}
    assert faces <= {"a.jpg"}
    visible = {person.name for person in asset.people if not person.is_hidden}
    text = " ".join(names_in(path))
    assert {name for name in ("Ada", "Ada Lovelace", "Łukasz") if name in text} >= visible
    assert bool(text) == bool(visible)
    assert asked(home) == (set(), set())


def test_a_face_that_moved_in_silence_is_found_by_verify(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, path, asset = settled
    before = path.read_bytes()
    asset.faces[0].box = ELSEWHERE
    assert asked(home) == (set(), set())
    faces, files = asked(home, "--verify")
    assert (faces, files) == ({"a.jpg", "z.jpg"}, {"a.jpg", "z.jpg", "n.jpg"})
    assert path.read_bytes() != before
    assert asked(home) == (set(), set())


def test_a_file_that_was_touched_has_its_faces_asked_for(settled: tuple[Home, Path, DemoAsset]) -> None:
    home, path, _ = settled
    path.touch()
    assert asked(home) == ({"a.jpg"}, {"a.jpg"})


def test_a_key_that_may_not_read_people_asks_for_all_faces_and_opens_no_settled_file(
    home: Home, server: DemoServer
) -> None:
    path, asset = add(home, "a.jpg", "Ada")
    add(home, "z.jpg", "Zoë")
    key = {"IMMICH_API_KEY": server.add_key("reads-no-people", *READS)}
    assert asked(home, **key) == ({"a.jpg", "z.jpg"}, {"a.jpg", "z.jpg"})
    assert asked(home, **key) == ({"a.jpg", "z.jpg"}, set())
    before = path.read_bytes()
    asset.faces[0].box = ELSEWHERE
    assert asked(home, **key) == ({"a.jpg", "z.jpg"}, {"a.jpg"})
    assert path.read_bytes() != before
    assert asked(home, **key) == ({"a.jpg", "z.jpg"}, set())


def test_faces_that_could_not_be_read_are_asked_for_again(home: Home, server: DemoServer) -> None:
    path, _ = add(home, "a.jpg", "Ada")
    server.fail(400, times=None, path="/faces")
    assert asked(home)[0] == {"a.jpg"}
    assert names_in(path) == ()
    server.clear_faults()
    assert asked(home) == ({"a.jpg"}, {"a.jpg"})
    assert "Ada" in " ".join(names_in(path))
    assert asked(home) == (set(), set())


def test_a_run_without_faces_asks_for_none_and_one_with_them_asks_once(home: Home, server: DemoServer) -> None:
    add(home, "a.jpg", "Ada")
    for _ in range(2):
        assert home.sync("--people").code == 0
    assert server.requests_to("/faces") == []
    assert server.requests_to("/people") == []
    assert asked(home) == ({"a.jpg"}, {"a.jpg"})
    assert asked(home) == (set(), set())


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Home]:
    with DemoServer(generation=2) as server:
        yield Home(tmp_path, server, monkeypatch, capsys)


def test_boxes_that_come_with_the_list_need_no_request_and_no_date(older: Home) -> None:
    path, asset = add(older, "a.jpg", "Ada")
    assert asked(older) == (set(), {"a.jpg"})
    assert asked(older) == (set(), set())
    before = path.read_bytes()
    asset.faces[0].box = ELSEWHERE
    assert asked(older) == (set(), {"a.jpg"})
    assert path.read_bytes() != before
    assert asked(older) == (set(), set())
