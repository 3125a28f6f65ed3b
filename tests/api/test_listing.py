"""Which assets come out of a library, over HTTP, on both generations."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Callable

import pytest

from immich_meta.api.client import ImmichClient
from immich_meta.api.models import Asset, InvalidAsset
from immich_meta.api.paging import SeenIds
from immich_meta.demo.library import ABSENT, PARTNER, Library
from immich_meta.demo.server import DemoServer
from immich_meta.errors import BadAnswerError, RefusedError

ROOT = "/data/library/admin"


def paths(client: ImmichClient, **options: bool) -> list[str]:
    return [each.original_path for each in client.assets(**options) if isinstance(each, Asset)]


def fill(library: Library, count: int) -> None:
    for at in range(count):
        library.add_photo(f"{ROOT}/{at}.jpg", date=datetime(2020, 1, 1) + timedelta(minutes=at))


def test_a_photo_comes_with_all_that_the_server_says(library: Library, client: ImmichClient) -> None:
    taken = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    written = datetime(2024, 5, 2, 8, 0, 5, 123000, tzinfo=timezone.utc)
    library.add_photo(
        f"{ROOT}/IMG_0001.jpg", people=["Zoë O'Brien, Jr.", "山田太郎"], date=taken, mtime=written,
        favorite=True, rating=4, description="Picnic\nby the lake", latitude=-33.86, longitude=151.2,
        altitude=-2.5, orientation="6", content=b"abc", library_id="lib-1",
    )  # fmt: skip
    (asset,) = client.assets()
    assert isinstance(asset, Asset)
    assert [person.name for person in asset.people] == ["Zoë O'Brien, Jr.", "山田太郎"]
    assert asset.exif.date_time_original == datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    assert asset.exif.time_zone == "UTC+2"
    assert asset.local_date_time == datetime(2024, 5, 1, 12)
    assert asset.file_created_at == datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    assert asset.file_modified_at == asset.exif.modify_date == written
    assert (asset.is_favorite, asset.exif.rating, asset.exif.description) == (True, 4, "Picnic\nby the lake")
    assert (asset.exif.latitude, asset.exif.longitude, asset.exif.altitude) == (-33.86, 151.2, -2.5)
    assert (asset.exif.orientation, asset.exif.image_width, asset.width) == ("6", 4032, 3024)
    assert (asset.exif.file_size, asset.checksum, asset.library_id) == (
        3,
        "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
        "lib-1",
    )
    assert (asset.kind, asset.original_file_name) == ("IMAGE", "IMG_0001.jpg")


def test_timeline_archive_and_hidden_are_listed_and_the_locked_folder_is_not(
    library: Library, client: ImmichClient
) -> None:
    still = library.add_photo(f"{ROOT}/live.heic")
    library.add_motion_part(still, f"{ROOT}/live.mov")
    library.add_photo(f"{ROOT}/old.jpg", visibility="archive")
    library.add_photo(f"{ROOT}/secret.jpg", visibility="locked")
    listed = {each.original_path: each for each in client.assets() if isinstance(each, Asset)}
    assert set(listed) == {f"{ROOT}/live.heic", f"{ROOT}/live.mov", f"{ROOT}/old.jpg"}
    assert listed[f"{ROOT}/live.heic"].live_photo_video_id == listed[f"{ROOT}/live.mov"].id
    assert listed[f"{ROOT}/live.mov"].visibility == "hidden"


def test_partners_trashed_and_offline_assets_are_left_out(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    library.add_photo(f"{ROOT}/mine.jpg")
    library.add_photo("/data/library/partner/theirs.jpg", owner_id=PARTNER, people=["Ada"])
    library.add_photo(f"{ROOT}/trashed.jpg", is_trashed=True)
    library.add_photo(f"{ROOT}/offline.jpg", is_offline=True)
    server.switches.lists_trashed = True
    assert paths(client) == [f"{ROOT}/mine.jpg"]


def test_many_pages_come_in_order_and_each_asset_once(
    library: Library, server: DemoServer, connect: Callable[..., ImmichClient]
) -> None:
    fill(library, 25)
    client = connect(server, page_size=10)
    assert paths(client) == [f"{ROOT}/{at}.jpg" for at in range(25)]
    searches = server.requests_to("/search/metadata")
    timeline = [each.body for each in searches if each.body["visibility"] == "timeline"]
    assert [(body["page"], body["size"], body["order"]) for body in timeline] == [
        (1, 10, "asc"), (2, 10, "asc"), (3, 10, "asc"),
    ]  # fmt: skip


def test_an_asset_that_moves_while_pages_are_read_comes_once(
    library: Library, server: DemoServer, connect: Callable[..., ImmichClient]
) -> None:
    fill(library, 4)
    first = server.api.library.by_path(f"{ROOT}/0.jpg")
    client = connect(server, page_size=2)
    listing = (each.original_path for each in client.assets() if isinstance(each, Asset))
    seen = [next(listing)]
    first.visibility = "archive"
    seen += listing
    assert sorted(seen) == [f"{ROOT}/{at}.jpg" for at in range(4)]


def test_a_thousand_assets_take_one_search_and_json_is_announced(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    fill(library, 1000)
    assert len(paths(client)) == 1000
    searches = server.requests_to("/search/metadata")
    assert len(searches) == 3
    assert {each.headers["content-type"] for each in searches} == {"application/json"}
    assert len(server.requests) <= 3 + 4


def test_a_larger_page_size_is_cut_to_what_every_server_takes(
    library: Library, server: DemoServer, connect: Callable[..., ImmichClient]
) -> None:
    fill(library, 3)
    client = connect(server, page_size=50_000)
    assert len(paths(client)) == 3
    assert {each.body["size"] for each in server.requests_to("/search/metadata")} == {1000}


def test_a_server_that_refuses_the_size_is_asked_for_less(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    fill(library, 600)
    server.switches.max_page = 250
    assert len(set(paths(client))) == 600
    sizes = [each.body["size"] for each in server.requests_to("/search/metadata")]
    assert sizes == [1000, 500, 250, 250, 250, 250, 250]


def test_a_refusal_that_is_not_about_the_size_is_told_in_the_servers_words(
    server: DemoServer, client: ImmichClient
) -> None:
    server.fail(400, times=None, path="/search", message="visibility must be a colour")
    with pytest.raises(RefusedError, match="visibility must be a colour"):
        list(client.assets())


def test_an_asset_without_id_or_path_is_told_as_invalid_and_the_listing_goes_on(
    library: Library, client: ImmichClient
) -> None:
    library.add_photo(f"{ROOT}/no-path.jpg").overrides["originalPath"] = None
    library.add_photo(f"{ROOT}/no-id.jpg").overrides["id"] = 7
    library.add_photo(f"{ROOT}/nul.jpg").overrides["originalPath"] = "/data/a\0b.jpg"
    library.add_photo(f"{ROOT}/half.jpg").overrides["originalPath"] = "/data/\ud800.jpg"
    library.add_photo(f"{ROOT}/good.jpg").overrides["ownerId"] = ABSENT
    listed = list(client.assets())
    assert [each.original_path for each in listed if isinstance(each, Asset)] == [f"{ROOT}/good.jpg"]
    invalid = {each.name: each.reason for each in listed if isinstance(each, InvalidAsset)}
    assert invalid == {
        "no-path.jpg": "the server sent no path for it",
        "no-id.jpg": "the server sent no usable id for it",
        "nul.jpg": "its path cannot be the name of a file",
        "half.jpg": "its path cannot be the name of a file",
    }


@pytest.mark.parametrize("next_page", ["1", "0", 1, "-2", "two", 2.5, [], "9" * 40, True])
def test_a_next_page_that_leads_nowhere_is_refused(
    serve: Callable[..., DemoServer], connect: Callable[..., ImmichClient], next_page: object
) -> None:
    server = serve()
    item = {"id": "a", "originalPath": "/data/a.jpg"}
    server.answer("/search", {"assets": {"items": [item], "nextPage": next_page}})
    with pytest.raises(BadAnswerError, match="the page after 1"):
        list(connect(server).assets())


def test_the_same_page_over_and_over_is_refused_and_not_followed_for_ever(
    serve: Callable[..., DemoServer], connect: Callable[..., ImmichClient]
) -> None:
    server = serve()
    item = {"id": "a", "originalPath": "/data/a.jpg"}
    for at in range(2, 9):
        server.answer("/search", {"assets": {"items": [item], "nextPage": str(at)}}, times=1)
    with pytest.raises(BadAnswerError, match="again and again"):
        list(connect(server).assets())


def test_an_empty_page_that_is_not_the_last_is_refused(
    serve: Callable[..., DemoServer], connect: Callable[..., ImmichClient]
) -> None:
    server = serve()
    server.answer("/search", {"assets": {"items": [], "nextPage": "2"}})
    with pytest.raises(BadAnswerError, match="empty"):
        list(connect(server).assets())


@pytest.mark.parametrize("answer", [[], {}, {"assets": None}, {"assets": {"items": None}}, "yes", None, 3])
def test_a_search_without_a_list_is_a_bad_answer(
    serve: Callable[..., DemoServer], connect: Callable[..., ImmichClient], answer: object
) -> None:
    server = serve()
    server.answer("/search", answer)
    with pytest.raises(BadAnswerError, match=r"POST /search/metadata: .*no list"):
        list(connect(server).assets())


def test_a_listing_can_be_left_in_the_middle(
    library: Library, server: DemoServer, connect: Callable[..., ImmichClient]
) -> None:
    fill(library, 30)
    client = connect(server, page_size=5)
    listing = client.assets(face_boxes=True)
    next(listing)
    listing.close()
    assert len(server.requests_to("/search")) <= 2


def test_seen_ids_tell_new_from_old() -> None:
    seen = SeenIds()
    ids = [f"id-{at}" for at in range(20_000)]
    assert all(seen.add(each) for each in ids)
    assert not any(seen.add(each) for each in ids)
    assert seen.add("\ud800")
    assert not seen.add("\ud800")
