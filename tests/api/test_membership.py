"""Albums, tags, faces and edits: what needs more than the listing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable

import pytest

from immich_meta.api.client import ImmichClient
from immich_meta.api.membership import albums_of, deepest_tags
from immich_meta.api.models import Album, Asset, Tag
from immich_meta.demo.library import PARTNER, Library
from immich_meta.demo.server import DemoServer
from immich_meta.errors import BadAnswerError, BusyError, MissingPermissionError

ROOT = "/data/library/admin"
Connect = Callable[..., ImmichClient]


def assets(client: ImmichClient, **options: bool) -> Iterator[Asset]:
    return (each for each in client.assets(**options) if isinstance(each, Asset))


def test_albums_are_own_and_shared_ones(library: Library, client: ImmichClient) -> None:
    library.album("Mine")
    library.album("Mine, shared", shared=True)
    library.album("Theirs", shared=True, owner_id=PARTNER)
    library.album("Not for us", owner_id=PARTNER)
    found = {album.name: album for album in client.albums()}
    assert set(found) == {"Mine", "Mine, shared", "Theirs"}
    assert found["Theirs"].owner_id == PARTNER
    assert (found["Mine"].shared, found["Mine, shared"].shared) == (False, True)


def test_each_asset_gets_the_sorted_names_of_its_albums(library: Library, client: ImmichClient) -> None:
    both = library.add_photo(f"{ROOT}/a.jpg", albums=["Zoo", "Ärger", "Alps, 2024"])
    old = library.add_photo(f"{ROOT}/b.jpg", albums=["Zoo"], visibility="archive")
    library.add_photo(f"{ROOT}/c.jpg", albums=["  "])
    library.album("Empty")
    assert client.album_names_by_asset() == {both.id: ("Alps, 2024", "Zoo", "Ärger"), old.id: ("Zoo",)}


def test_empty_albums_are_not_asked_for(library: Library, server: DemoServer, client: ImmichClient) -> None:
    library.album("Empty")
    assert client.album_names_by_asset() == {}
    assert not server.requests_to("/albums/")
    assert not server.requests_to("/search")


def test_a_large_album_of_an_old_server_is_walked_in_pages(
    library: Library, serve: Callable[..., DemoServer], connect: Connect
) -> None:
    server = serve(generation=2)
    shown = library.add_photo(f"{ROOT}/a.jpg", albums=["All"])
    old = library.add_photo(f"{ROOT}/b.jpg", albums=["All"], visibility="archive")
    (album,) = library.albums.values()
    large = Album(album.id, album.name, asset_count=60_000)
    assert set(connect(server).album_assets(large)) == {shown.id, old.id}
    assert not server.requests_to("/albums/")


def test_an_old_server_that_sends_no_album_assets_is_searched(
    library: Library, serve: Callable[..., DemoServer], connect: Connect
) -> None:
    server = serve(generation=2)
    old = library.add_photo(f"{ROOT}/b.jpg", albums=["All"], visibility="archive")
    (album,) = library.albums.values()
    server.answer("/albums/", {"id": album.id, "albumName": "All"})
    assert connect(server).album_names_by_asset() == {old.id: ("All",)}


@pytest.mark.parametrize(("path", "call"), [("/albums", "albums"), ("/tags", "tags")])
@pytest.mark.parametrize("answer", [None, {}, "x", {"message": "no"}])
def test_a_list_that_is_none_is_refused_rather_than_taken_for_empty(
    serve: Callable[..., DemoServer], connect: Connect, path: str, call: str, answer: object
) -> None:
    server = serve()
    server.answer(path, answer)
    with pytest.raises(BadAnswerError):
        getattr(connect(server), call)()


def test_the_deepest_tag_of_each_branch_counts(library: Library, client: ImmichClient) -> None:
    library.add_photo(f"{ROOT}/a.jpg", tags=["Travel/Berlin", "Family"])
    library.add_photo(f"{ROOT}/b.jpg", tags=["Travel", "Travel/Berlin"])
    library.add_photo(f"{ROOT}/c.jpg", tags=["Travel"], visibility="archive")
    library.add_photo(f"{ROOT}/d.jpg", tags=["Travelling", "Travel/Rome"])
    library.add_photo(f"{ROOT}/e.jpg")
    found = {
        each.original_path[-5]: [tag.value for tag in each.tags or ()] for each in assets(client, tags=True)
    }
    assert found == {
        "a": ["Family", "Travel/Berlin"],
        "b": ["Travel/Berlin"],
        "c": ["Travel"],
        "d": ["Travel/Rome", "Travelling"],
        "e": [],
    }


def test_tags_in_the_listing_spare_the_walks(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    library.add_photo(f"{ROOT}/a.jpg", tags=["Travel", "Travel/Berlin"])
    server.switches.tells_tags = True
    (asset,) = assets(client, tags=True)
    assert [tag.value for tag in asset.tags or ()] == ["Travel", "Travel/Berlin"]
    assert not server.requests_to("/tags")


def test_tags_are_not_known_when_nobody_asked(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    library.add_photo(f"{ROOT}/a.jpg", tags=["Travel"])
    assert [asset.tags for asset in assets(client)] == [None]
    assert not server.requests_to("/tags")


def test_one_walk_per_tag_on_a_new_server(
    library: Library, serve: Callable[..., DemoServer], connect: Connect
) -> None:
    server = serve()
    for at in range(5):
        library.add_photo(f"{ROOT}/{at}.jpg", tags=["A/B", "C"])
    list(connect(server).assets(tags=True))
    walks = [each for each in server.requests_to("/search") if "tagIds" in each.body]
    assert len(walks) == 3


def test_boxes_come_with_the_listing_of_old_servers_and_by_asset_from_new_ones(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    photo = library.add_photo(f"{ROOT}/a.jpg", boxes={"Ada": (100, 200, 300, 500)}, orientation="6")
    library.add_face(photo, None, (1, 2, 3, 4))
    library.add_face(photo, "Ada", (10, 20, 30, 40), size=(640, 480), source_type="exif")
    library.add_photo(f"{ROOT}/nobody.jpg")
    library.add_photo(f"{ROOT}/unnamed.jpg", people=[""])
    library.person("Hid", hidden=True)
    library.add_photo(f"{ROOT}/hidden.jpg", people=["Hid"])
    found = next(each for each in assets(client, face_boxes=True) if each.id == photo.id)
    (ada,) = found.people
    boxes = {(box.x1, box.y1, box.x2, box.y2, box.image_width, box.image_height) for box in ada.faces or ()}
    assert boxes == {(100, 200, 300, 500, 3024, 4032), (10, 20, 30, 40, 640, 480)}
    assert {box.source_type for box in ada.faces or ()} == {"machine-learning", "exif"}
    asked = [each.query["id"] for each in server.requests_to("/faces")]
    assert asked == ([photo.id] if server.api.is_v3 else [])


def test_boxes_are_not_asked_for_without_need(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    library.add_photo(f"{ROOT}/a.jpg", boxes={"Ada": (1, 2, 30, 40)}).edits.append(
        {"action": "rotate", "parameters": {"angle": 90}}
    )
    list(client.assets())
    assert not server.requests_to("/faces")
    assert not server.requests_to("/assets")


def test_boxes_of_many_assets_are_fetched_at_the_same_time_and_stay_in_order(
    library: Library, serve: Callable[..., DemoServer], connect: Connect
) -> None:
    server = serve()
    for at in range(16):
        library.add_photo(f"{ROOT}/{at}.jpg", boxes={f"P{at}": (at, 2, 30, 40)})
    server.slow(0.1, times=16, path="/faces")
    client = connect(server, faces_concurrency=8)
    import time

    begin = time.monotonic()
    found = list(assets(client, face_boxes=True))
    took = time.monotonic() - begin
    assert [each.original_path for each in found] == [f"{ROOT}/{at}.jpg" for at in range(16)]
    assert all(each.people[0].faces for each in found)
    assert took < 1.2, "16 answers of 0.1 s each, one after the other, take 1.6 s"


def test_edits_are_read_for_edited_assets_with_named_people_only(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    crop = {"action": "crop", "parameters": {"x": 1, "y": 2, "width": 3, "height": 4}}
    turn = {"action": "rotate", "parameters": {"angle": 90}}
    edited = library.add_photo(f"{ROOT}/a.jpg", boxes={"Ada": (1, 2, 30, 40)})
    edited.edits += [crop, turn]
    library.add_photo(f"{ROOT}/b.jpg").edits.append(turn)
    plain = library.add_photo(f"{ROOT}/c.jpg", boxes={"Ada": (1, 2, 30, 40)})
    found = {each.id: each for each in assets(client, face_boxes=True)}
    steps = [(step.action, dict(step.parameters)) for step in found[edited.id].edits or ()]
    assert steps == [("crop", crop["parameters"]), ("rotate", turn["parameters"])]
    assert found[plain.id].edits is None
    assert len(server.requests_to("/assets/")) == 1


@pytest.mark.parametrize(
    "answer", [None, {}, {"edits": None}, {"edits": [None]}, {"edits": [{"action": "sharpen"}]}]
)
def test_edits_that_make_no_sense_are_unknown_with_a_note(
    library: Library, server: DemoServer, client: ImmichClient, answer: object
) -> None:
    library.add_photo(f"{ROOT}/a.jpg", boxes={"Ada": (1, 2, 30, 40)}).edits.append({"action": "mirror"})
    server.answer("/assets", answer)
    (asset,) = assets(client, face_boxes=True)
    assert asset.is_edited
    assert asset.edits is None
    assert asset.notes == ("its edits could not be understood",)


def test_a_key_without_the_right_to_edits_costs_those_faces_only(
    library: Library, serve: Callable[..., DemoServer], connect: Connect
) -> None:
    server = serve()
    key = server.add_key("narrow", "asset.read", "user.read", "face.read")
    library.add_photo(f"{ROOT}/a.jpg", boxes={"Ada": (1, 2, 30, 40)}).edits.append({"action": "mirror"})
    (asset,) = assets(connect(server, api_key=key), face_boxes=True)
    assert asset.edits is None
    assert "asset.edit.get" in asset.notes[0]


def test_one_asset_whose_boxes_cannot_be_read_does_not_stop_the_others(
    library: Library, serve: Callable[..., DemoServer], connect: Connect
) -> None:
    server = serve()
    broken = library.add_photo(f"{ROOT}/a.jpg", boxes={"Ada": (1, 2, 30, 40)})
    library.add_photo(f"{ROOT}/b.jpg", boxes={"Bob": (1, 2, 30, 40)})
    server.fail(500, path="/faces", message="out of luck")
    found = list(assets(connect(server, faces_concurrency=1), face_boxes=True))
    assert [each.id for each in found if each.people[0].faces is None] == [broken.id]
    assert "out of luck" in found[0].notes[0]


def test_a_key_without_the_right_to_faces_ends_the_run(
    library: Library, serve: Callable[..., DemoServer], connect: Connect
) -> None:
    server = serve()
    key = server.add_key("narrow", "asset.read", "user.read")
    library.add_photo(f"{ROOT}/a.jpg", boxes={"Ada": (1, 2, 30, 40)})
    with pytest.raises(MissingPermissionError, match=r"face\.read") as caught:
        list(connect(server, api_key=key).assets(face_boxes=True))
    assert caught.value.permission == "face.read"


def test_a_server_that_is_overwhelmed_ends_the_run(
    library: Library, serve: Callable[..., DemoServer], connect: Connect
) -> None:
    server = serve()
    library.add_photo(f"{ROOT}/a.jpg", boxes={"Ada": (1, 2, 30, 40)})
    server.fail(503, times=None, path="/faces")
    with pytest.raises(BusyError, match="503"):
        list(connect(server).assets(face_boxes=True))


def test_albums_of_one_name_count_once_and_nameless_ones_not() -> None:
    assert albums_of([("B", ["x"]), ("A", ["x", "y"]), ("B", ["x"]), ("", ["x"])]) == {
        "x": ("A", "B"),
        "y": ("A",),
    }


def test_a_slash_at_either_end_of_a_tag_does_not_hide_others() -> None:
    tags = [Tag(str(at), value) for at, value in enumerate(("/a", "a", "a/", "a//b"))]
    found = deepest_tags((tag, ["x"]) for tag in tags)
    assert [tag.value for tag in found["x"]] == ["/a", "a//b"]
