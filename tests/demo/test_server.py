"""The stand-in answers as Immich does: shapes, limits, refusals of both generations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Callable

import pytest
import requests

from immich_meta.demo.library import PARTNER, Library
from immich_meta.demo.server import WEB_PAGE, DemoServer

Ask = Callable[..., requests.Response]
SEARCH = "/search/metadata"


def items(answer: requests.Response) -> list[dict[str, Any]]:
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["assets"]["items"]
    return found


def found(ask: Ask, server: DemoServer, **body: Any) -> set[str]:
    return {item["originalPath"] for item in items(ask(server, "POST", SEARCH, json=body))}


def test_a_search_without_the_json_content_type_is_not_looked_at(
    library: Library, v3: DemoServer, ask: Ask
) -> None:
    for at in range(300):
        library.add_photo(f"/data/{at}.jpg")
    headers = {"Content-Type": "text/plain"}
    first = ask(v3, "POST", SEARCH, data=b'{"size": 5, "page": 1}', headers=headers)
    again = ask(v3, "POST", SEARCH, data=b'{"size": 5, "page": 2}', headers=headers)
    assert len(items(first)) == 250
    assert items(first) == items(again)


def test_pages_say_the_next_one_as_a_string_and_count_only_themselves(
    library: Library, v3: DemoServer, ask: Ask
) -> None:
    for day in range(1, 6):
        library.add_photo(f"/data/{day}.jpg", date=datetime(2024, 1, day))
    pages = [ask(v3, "POST", SEARCH, json={"size": 2, "page": at}).json()["assets"] for at in (1, 2, 3)]
    assert [page["nextPage"] for page in pages] == ["2", "3", None]
    assert [page["total"] for page in pages] == [2, 2, 1]
    assert [item["originalPath"][6] for page in pages for item in page["items"]] == list("54321")
    ascending = items(ask(v3, "POST", SEARCH, json={"order": "asc"}))
    assert [item["originalPath"][6] for item in ascending] == list("12345")


@pytest.mark.parametrize(
    "body", [{"size": 1001}, {"size": 0}, {"page": "2"}, {"page": 0}, {"visibility": "x"}, {"albumIds": "a"}]
)
def test_what_a_search_does_not_take_is_refused_with_400(
    v2: DemoServer, v3: DemoServer, ask: Ask, body: dict[str, Any]
) -> None:
    (name,) = body
    old, new = ask(v2, "POST", SEARCH, json=body), ask(v3, "POST", SEARCH, json=body)
    assert old.status_code == new.status_code == 400
    assert name in old.json()["message"][0]
    assert new.json()["errors"][0]["path"] == [name]


def test_without_a_visibility_the_generations_differ(
    library: Library, v2: DemoServer, v3: DemoServer, ask: Ask
) -> None:
    for visibility in ("timeline", "archive", "hidden", "locked"):
        library.add_photo(visibility, visibility=visibility)
    assert found(ask, v2) == {"timeline"}
    assert found(ask, v3) == {"timeline", "archive", "hidden"}
    for server in (v2, v3):
        assert found(ask, server, visibility="archive") == {"archive"}
        locked = ask(server, "POST", SEARCH, json={"visibility": "locked"})
        assert (locked.status_code, locked.json()["message"]) == (401, "Elevated permission is required")


def test_trashed_and_offline_assets_are_listed_only_when_switched_on(
    library: Library, v3: DemoServer, ask: Ask
) -> None:
    library.add_photo("fine")
    library.add_photo("trashed", is_trashed=True)
    library.add_photo("offline", is_offline=True)
    assert found(ask, v3) == {"fine"}
    v3.switches.lists_trashed = True
    assert found(ask, v3) == {"fine", "trashed", "offline"}


def test_albums_tags_and_people_narrow_a_search(library: Library, v3: DemoServer, ask: Ask) -> None:
    library.add_photo("a", albums=["A"], tags=["T/U"], people=["Ada"], favorite=True)
    library.add_photo("b", albums=["B"], tags=["T"], people=["Ada", "Bob"])
    library.add_photo("c")
    albums, tags, people = library.albums, library.tags, library.people
    assert found(ask, v3, albumIds=[albums["A"].id]) == {"a"}
    assert found(ask, v3, tagIds=[tags["T"].id]) == {"a", "b"}
    assert found(ask, v3, tagIds=[tags["T/U"].id]) == {"a"}
    assert found(ask, v3, personIds=[people["Ada"].id, people["Bob"].id]) == {"b"}
    assert found(ask, v3, isFavorite=True) == {"a"}


def test_exif_people_and_boxes_come_when_asked_for_and_as_the_generation_has_them(
    library: Library, v2: DemoServer, v3: DemoServer, ask: Ask
) -> None:
    photo = library.add_photo("a", boxes={"Ada": (1, 2, 3, 4)})
    (bare,) = items(ask(v3, "POST", SEARCH, json={}))
    assert "exifInfo" not in bare
    assert "people" not in bare
    body = {"withExif": True, "withPeople": True}
    (old,), (new,) = (items(ask(server, "POST", SEARCH, json=body)) for server in (v2, v3))
    assert old["people"][0]["faces"][0]["boundingBoxX2"] == 3
    assert "faces" not in new["people"][0]
    (face,) = ask(v3, "GET", "/faces", params={"id": photo.id}).json()
    assert (face["person"]["name"], face["imageWidth"], face["boundingBoxY2"]) == ("Ada", 4032, 4)


def test_of_a_partners_asset_neither_people_nor_heart_are_told(
    library: Library, v3: DemoServer, ask: Ask
) -> None:
    library.add_photo("theirs", owner_id=PARTNER, people=["Ada"], favorite=True)
    library.add_photo("strangers", owner_id="somebody")
    (asset,) = items(ask(v3, "POST", SEARCH, json={"withPeople": True}))
    assert (asset["ownerId"], asset["people"], asset["isFavorite"]) == (PARTNER, [], False)


def test_dates_are_told_as_the_api_tells_them(library: Library, v3: DemoServer, ask: Ask) -> None:
    library.add_photo("a", date=datetime(2024, 5, 1, 12), time_zone="Europe/Berlin")
    (asset,) = items(ask(v3, "POST", SEARCH, json={"withExif": True}))
    assert asset["localDateTime"] == "2024-05-01T12:00:00.000Z"
    assert asset["fileCreatedAt"] == "2024-05-01T10:00:00.000Z"
    assert asset["exifInfo"]["dateTimeOriginal"] == "2024-05-01T10:00:00+00:00"


def test_albums_of_both_generations(library: Library, v2: DemoServer, v3: DemoServer, ask: Ask) -> None:
    photo = library.add_photo("a", albums=["Mine"])
    library.album("Theirs", shared=True, owner_id=PARTNER)
    names = [
        [album["albumName"] for album in ask(v2, "GET", path).json()]
        for path in ("/albums", "/albums?shared=true")
    ]
    assert names == [["Mine"], ["Theirs"]]
    assert [album["albumName"] for album in ask(v3, "GET", "/albums").json()] == ["Mine", "Theirs"]
    path = f"/albums/{library.albums['Mine'].id}"
    old, new = ask(v2, "GET", path).json(), ask(v3, "GET", path).json()
    assert [asset["id"] for asset in old["assets"]] == [photo.id]
    assert "assets" not in ask(v2, "GET", f"{path}?withoutAssets=true").json()
    assert not {"assets", "owner", "ownerId"} & set(new)
    assert new["albumUsers"][0]["role"] == "owner"
    assert [album["albumName"] for album in ask(v3, "GET", f"/albums?assetId={photo.id}").json()] == ["Mine"]


def test_tags_come_with_their_whole_path_and_with_one_asset(
    library: Library, v3: DemoServer, ask: Ask
) -> None:
    photo = library.add_photo("a", tags=["Travel/Berlin"])
    told = {tag["value"]: tag for tag in ask(v3, "GET", "/tags").json()}
    assert set(told) == {"Travel", "Travel/Berlin"}
    assert told["Travel/Berlin"]["parentId"] == told["Travel"]["id"]
    assert told["Travel/Berlin"]["name"] == "Berlin"
    assert [tag["value"] for tag in ask(v3, "GET", f"/assets/{photo.id}").json()["tags"]] == ["Travel/Berlin"]


def test_edits_came_with_2_5(library: Library, v3: DemoServer, ask: Ask) -> None:
    photo = library.add_photo("a")
    photo.edits.append({"action": "mirror", "parameters": {"axis": "horizontal"}})
    told = ask(v3, "GET", f"/assets/{photo.id}/edits").json()
    assert [(step["action"], step["parameters"]) for step in told["edits"]] == [
        ("mirror", {"axis": "horizontal"})
    ]
    with DemoServer(library, version=(2, 4, 0)) as older:
        assert ask(older, "GET", f"/assets/{photo.id}/edits").status_code == 404


def test_unknown_assets_are_refused_with_400_and_unknown_routes_with_404(v3: DemoServer, ask: Ask) -> None:
    for path in ("/assets/nope", "/assets/nope/edits", "/faces?id=nope", "/albums/nope", "/tags/nope"):
        assert ask(v3, "GET", path).status_code == 400
    missing = ask(v3, "GET", "/assets")
    assert (missing.status_code, missing.json()["message"]) == (404, "Cannot GET /api/assets")


def test_keys_are_checked_and_permissions_named(v3: DemoServer, ask: Ask) -> None:
    v3.add_key("narrow", "asset.read")
    assert ask(v3, "GET", "/server/version", key="bogus").status_code == 200
    assert ask(v3, "GET", "/users/me", key="bogus").json()["message"] == "Invalid API key"
    no_key = requests.get(f"{v3.url}/api/users/me", timeout=5)
    assert (no_key.status_code, no_key.json()["message"]) == (401, "Authentication required")
    refused = ask(v3, "GET", "/users/me", key="narrow")
    assert (refused.status_code, refused.json()["message"]) == (403, "Missing required permission: user.read")
    assert ask(v3, "POST", SEARCH, key="narrow", json={}).status_code == 200


def test_everything_outside_the_api_is_a_web_page(library: Library) -> None:
    with DemoServer(library, base_path="immich/") as server:
        assert server.url.endswith("/immich")
        inside = requests.get(f"{server.url}/api/server/ping", timeout=5)
        assert inside.json() == {"res": "pong"}
        for url in (f"{server.url}/photos", f"http://127.0.0.1:{server.port}/api/server/ping"):
            assert requests.get(url, timeout=5).content == WEB_PAGE


def test_every_request_is_logged_with_its_body(v3: DemoServer, ask: Ask) -> None:
    ask(v3, "POST", SEARCH, json={"size": 7})
    ask(v3, "GET", "/faces", params={"id": "x y"})
    search, faces = v3.requests
    assert (search.method, search.path, search.body) == ("POST", SEARCH, {"size": 7})
    assert (faces.query, faces.headers["x-api-key"]) == ({"id": "x y"}, v3.api_key)
    assert v3.requests_to("/faces") == [faces]


def test_faults_meet_the_path_they_are_for_as_often_as_told(v3: DemoServer, ask: Ask) -> None:
    v3.fail(503, times=2, path="/users", retry_after="9")
    assert ask(v3, "GET", "/server/ping").status_code == 200
    first = ask(v3, "GET", "/users/me")
    assert (first.status_code, first.headers["Retry-After"]) == (503, "9")
    assert [ask(v3, "GET", "/users/me").status_code for _ in range(2)] == [503, 200]
    v3.answer("/users/me", {"latitude": float("nan")})
    assert ask(v3, "GET", "/users/me").text == '{"latitude": NaN}'
    v3.clear_faults()
    assert ask(v3, "GET", "/users/me").json()["id"] == v3.library.owner_id


def test_answers_can_be_cut_or_broken_off_or_not_come(v3: DemoServer, ask: Ask) -> None:
    v3.cut(5)
    assert ask(v3, "GET", "/users/me").content == ask(v3, "GET", "/users/me").content[:5]
    v3.cut(5, breaks_off=True)
    with pytest.raises(requests.RequestException):
        ask(v3, "GET", "/users/me")
    v3.drop()
    with pytest.raises(requests.ConnectionError):
        ask(v3, "GET", "/users/me")
    assert ask(v3, "GET", "/users/me").status_code == 200


def test_a_body_that_is_no_json_is_refused(v3: DemoServer, ask: Ask) -> None:
    headers = {"Content-Type": "application/json"}
    assert ask(v3, "POST", SEARCH, data=b"{", headers=headers).status_code == 400


def test_a_library_changes_as_its_user_changes_it(library: Library) -> None:
    photo = library.add_photo(
        "a", people=["Ada", "Bob"], boxes={"Ada": (1, 2, 3, 4)}, albums=["A"], tags=["T"]
    )
    library.rename_person("Ada", "Ada Lovelace")
    assert [person.name for person in photo.people] == ["Ada Lovelace", "Bob"]
    library.set_people(photo, ["Bob"])
    assert photo.faces == []
    library.take_from_album(photo, "A")
    library.set_tags(photo, ["T/U", "T/U"])
    assert library.albums["A"].assets == {}
    assert [tag.value for tag in photo.tags] == ["T/U"]
    assert library.by_path("a") is photo
    with pytest.raises(TypeError, match="no field 'ratting'"):
        library.add_photo("b", ratting=3)
