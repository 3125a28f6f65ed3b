"""Live photos: behind each still comes its video, once, however the server lists and answers."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Callable, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api.client import ImmichClient
from immich_meta.api.live_photos import LivePhotos
from immich_meta.api.models import Asset, InvalidAsset
from immich_meta.demo.library import PARTNER, DemoAsset, Library
from immich_meta.demo.server import DemoServer

ROOT = "/data/library/admin"


def pair(library: Library, name: str, **fields: Any) -> tuple[DemoAsset, DemoAsset]:
    still = library.add_photo(f"{ROOT}/{name}.heic", **fields)
    return still, library.add_motion_part(still, f"{ROOT}/{name}.mov", size=77)


def listed(client: ImmichClient, **options: bool) -> list[tuple[str, Optional[str]]]:
    """File name and the still's file name of each asset."""
    assets = [each for each in client.assets(**options) if isinstance(each, Asset)]
    return [(each.original_file_name, each.still and each.still.original_file_name) for each in assets]


def test_a_video_comes_behind_its_still_and_with_it(library: Library, client: ImmichClient) -> None:
    library.add_photo(f"{ROOT}/0.jpg", date=datetime(2020, 1, 1))
    pair(library, "a", date=datetime(2021, 1, 1), people=["Ada"], favorite=True)
    pair(library, "b", date=datetime(2022, 1, 1), visibility="archive")
    library.add_video(f"{ROOT}/plain.mp4", date=datetime(2023, 1, 1))
    assert listed(client) == [
        ("0.jpg", None), ("a.heic", None), ("a.mov", "a.heic"), ("plain.mp4", None), ("b.heic", None),
        ("b.mov", "b.heic"),
    ]  # fmt: skip
    video = next(each for each in client.assets() if isinstance(each, Asset) and each.original_file_name == "a.mov")
    assert video.still is not None
    assert [person.name for person in video.still.people] == ["Ada"]
    assert video.still.is_favorite
    assert (video.kind, video.visibility, video.exif.file_size) == ("VIDEO", "hidden", 77)
    assert video.checksum


def test_boxes_and_tags_of_the_still_come_with_it(library: Library, client: ImmichClient) -> None:
    pair(library, "a", boxes={"Ada": (1.0, 2.0, 30.0, 40.0)}, tags=["Travel/Berlin"])
    (still, video) = (each for each in client.assets(face_boxes=True, tags=True) if isinstance(each, Asset))
    assert video.still == still
    assert still.people[0].faces
    assert still.tags is not None
    assert [tag.value for tag in still.tags] == ["Travel/Berlin"]


def test_a_library_without_live_photos_costs_no_request_more(
    library: Library, server: DemoServer, client: ImmichClient
) -> None:
    for at in range(3):
        library.add_photo(f"{ROOT}/{at}.jpg")
    assert len(listed(client)) == 3
    asked = [each.body["visibility"] for each in server.requests_to("/search")]
    assert asked == ["timeline", "archive", "hidden"]
    assert not server.requests_to("/assets/")


def test_listed_videos_are_not_asked_for_one_by_one(
    library: Library, server: DemoServer, connect: Callable[..., ImmichClient]
) -> None:
    for at in range(25):
        pair(library, f"{at:02}", date=datetime(2020, 1, 1, 0, at))
    assert len(listed(connect(server, page_size=10))) == 50
    assert not server.requests_to("/assets/")
    assert len(server.requests_to("/search")) == 3 + 1 + 3


def _hide(server: DemoServer) -> None:
    """The server does not list what is hidden, as if it knew no such visibility."""
    hits = server.api._searches.hits

    def without(body: Any, *, lists_trashed: bool) -> Any:
        found = hits(body, lists_trashed=lists_trashed)
        return type(found)([each for each in found.assets if each.visibility != "hidden"], found.next_page)

    server.api._searches.hits = without  # type: ignore[method-assign]


def test_a_video_that_is_not_listed_is_asked_for(library: Library, server: DemoServer, client: ImmichClient) -> None:
    for at in range(12):
        pair(library, f"{at:02}", date=datetime(2020, 1, 1, 0, at))
    _hide(server)
    names = [(f"{at:02}.heic", f"{at:02}.mov") for at in range(12)]
    assert listed(client) == [
        each for still, video in names for each in ((still, None), (video, still))
    ]
    assert len(server.requests_to("/assets/")) == 12


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_video_that_is_not_to_be_had_is_a_note_of_its_still(
    library: Library, server: DemoServer, client: ImmichClient, status: int
) -> None:
    pair(library, "a")
    library.add_photo(f"{ROOT}/z.jpg", date=datetime(2025, 1, 1))
    _hide(server)
    server.fail(status, times=None, path="/assets/", message="no")
    still, other = (each for each in client.assets() if isinstance(each, Asset))
    assert (still.original_file_name, other.original_file_name) == ("a.heic", "z.jpg")
    (note,) = still.notes
    assert note.startswith("the video of this live photo is left as it is: ")
    assert other.notes == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_trashed": True}, "in the trash"),
        ({"is_offline": True}, "offline"),
        ({"owner_id": PARTNER}, "another user's"),
        ({"id": "gone"}, "no asset.read access"),
    ],
)
def test_a_video_in_the_trash_offline_gone_or_of_another_user_is_a_note(
    library: Library, client: ImmichClient, change: dict[str, Any], words: str
) -> None:
    _, video = pair(library, "a")
    del library.assets[video.id]
    for name, value in change.items():
        setattr(video, name, value)
    library.assets[video.id] = video
    assets = [each for each in client.assets() if isinstance(each, Asset)]
    assert assets[0].original_file_name == "a.heic"
    assert len(assets[0].notes) == 1
    assert words in assets[0].notes[0]
    assert all(each.still is None for each in assets)


@pytest.mark.parametrize("answer", [[], {}, "yes", None, {"id": "other", "originalPath": "/data/x.mov"}])
def test_an_answer_that_makes_no_sense_is_a_note(
    library: Library, server: DemoServer, client: ImmichClient, answer: object
) -> None:
    pair(library, "a")
    _hide(server)
    server.answer("/assets/", answer)
    (still,) = (each for each in client.assets() if isinstance(each, Asset))
    assert len(still.notes) == 1


@pytest.mark.parametrize("visibility", ["hidden", "timeline", None])
@pytest.mark.parametrize("kind", ["IMAGE", "AUDIO", None])
def test_only_a_video_is_the_video_of_a_still(
    library: Library, server: DemoServer, client: ImmichClient, kind: Optional[str], visibility: Optional[str]
) -> None:
    still, video = pair(library, "a", people=["Ada"])
    _hide(server)
    server.answer(
        "/assets/", {"id": video.id, "originalPath": f"{ROOT}/other.jpg", "type": kind, "visibility": visibility}
    )
    (found,) = (each for each in client.assets() if isinstance(each, Asset))
    assert found.id == still.id
    assert found.notes == ("the video of this live photo is left as it is: the server says that it is no video",)


def test_an_image_that_two_stills_name_is_nobodys_video(library: Library, client: ImmichClient) -> None:
    first = library.add_photo(f"{ROOT}/a.jpg", date=datetime(2020, 1, 1))
    second = library.add_photo(f"{ROOT}/b.jpg", date=datetime(2021, 1, 1))
    first.live_photo_video_id, second.live_photo_video_id = second.id, first.id
    assert listed(client) == [("a.jpg", None), ("b.jpg", None)]


def test_a_video_of_two_stills_goes_with_the_first(library: Library, client: ImmichClient) -> None:
    _, video = pair(library, "a", date=datetime(2020, 1, 1))
    second = library.add_photo(f"{ROOT}/b.jpg", date=datetime(2021, 1, 1))
    second.live_photo_video_id = video.id
    assets = [each for each in client.assets() if isinstance(each, Asset)]
    assert [each.original_file_name for each in assets] == ["a.heic", "a.mov", "b.jpg"]
    assert [len(each.notes) for each in assets] == [0, 0, 1]


def test_a_video_that_somebody_unhid_is_an_asset_of_its_own(library: Library, client: ImmichClient) -> None:
    _, video = pair(library, "a", date=datetime(2020, 1, 1))
    video.visibility, video.description = "timeline", "its own words"
    for day in (datetime(2019, 1, 1), datetime(2021, 1, 1)):  # listed before its still, and behind it
        video.set_date(day, None)
        found = {each.original_file_name: each for each in client.assets() if isinstance(each, Asset)}
        assert (found["a.mov"].still, found["a.mov"].exif.description) == (None, "its own words")
        assert found["a.heic"].notes == ()


def test_hidden_videos_without_a_still_come_last(library: Library, client: ImmichClient) -> None:
    secret, _ = pair(library, "secret", date=datetime(2019, 1, 1))
    secret.visibility = "locked"
    library.add_video(f"{ROOT}/lonely.mov", visibility="hidden")
    assert listed(client) == [("secret.mov", None), ("lonely.mov", None)]
    pair(library, "a", date=datetime(2020, 1, 1))
    assert listed(client) == [
        ("a.heic", None), ("a.mov", "a.heic"), ("secret.mov", None), ("lonely.mov", None),
    ]  # fmt: skip


def test_what_is_hidden_and_no_video_comes_with_all_that_is_said_of_it(library: Library, client: ImmichClient) -> None:
    pair(library, "a")
    library.add_photo(f"{ROOT}/odd.jpg", visibility="hidden", description="odd")
    library.add_photo(f"{ROOT}/bad.jpg", visibility="hidden").overrides["originalPath"] = 7
    assets = list(client.assets())
    assert len(assets) == 4
    assert [each.exif.description for each in assets if isinstance(each, Asset) and each.kind == "IMAGE"] == ["", "odd"]
    assert [each.name for each in assets if isinstance(each, InvalidAsset)] == ["bad.jpg"]


def item(ident: str, visibility: Optional[str], video: Optional[str] = None, *, trashed: bool = False) -> object:
    kind = "VIDEO" if ident.startswith("v") else "IMAGE"
    said = {"id": ident, "originalPath": f"/{ident}", "type": kind, "livePhotoVideoId": video, "isTrashed": trashed}
    return {**said, **({"visibility": visibility} if visibility else {})}


@given(
    order=st.permutations([f"s{at}" for at in range(6)] + [f"v{at}" for at in range(6)]),
    links=st.lists(st.integers(0, 7), min_size=6, max_size=6),
    in_the_timeline=st.sets(st.integers(0, 5)),
    unlisted=st.sets(st.integers(0, 5)),
    tells=st.booleans(),
    size=st.integers(1, 5),
)
def test_each_asset_comes_once_and_each_video_with_its_still_in_any_order(
    order: list[str], links: list[int], in_the_timeline: set[int], unlisted: set[int], tells: bool, size: int
) -> None:
    """Stills 0-5 name video 0-7 (6 and 7 are nowhere); some videos are listed among the stills, some not at all."""
    hidden = "hidden" if tells else None
    items = {
        ident: item(ident, "timeline", f"v{links[int(ident[1:])]}") if ident[0] == "s" else item(ident, "hidden")
        for ident in order
    }
    shown = [items[each] for each in order if each[0] == "s" or int(each[1:]) in in_the_timeline]
    aside = [
        item(each, hidden)
        for each in order
        if each[0] == "v" and int(each[1:]) not in in_the_timeline and int(each[1:]) not in unlisted
    ]
    seen: set[str] = set()

    def belongs(each: Any) -> bool:
        return each.id not in seen and not seen.add(each.id)  # type: ignore[func-returns-value]

    def pages(of: Sequence[object]) -> Iterator[Sequence[object]]:
        return (of[at : at + size] for at in range(0, len(of), size))

    pairs = LivePhotos(lambda: pages(aside), lambda ident: items.get(ident, {}), belongs, 2)
    told: list[Any] = []
    for page in pages(shown):
        visible = pairs.visible(page)
        told += pairs.joined(visible, visible)
    told += pairs.rest()
    pairs.close()
    ids = [each.id for each in told]
    named = {f"v{link}" for link in links if link < 6}
    assert len(ids) == len(set(ids))
    assert set(ids) == {each for each in order if each[0] == "s" or each in named or int(each[1:]) not in unlisted
                        or int(each[1:]) in in_the_timeline}  # fmt: skip
    for at, each in enumerate(told):
        assert each.kind == "IMAGE" or each.is_hidden_video
        assert (each.still is not None) == (each.id in named)
        if each.still is not None:
            assert told[at - 1] == each.still
            assert each.still.live_photo_video_id == each.id
    videos_named = sum(f"v{link}" in named for link in links) - len(named)
    noted = [each for each in told if each.notes]
    assert len(noted) == videos_named + sum(link > 5 for link in links)


def test_a_hundred_thousand_hidden_videos_fit_into_little_memory() -> None:
    count = 5_000
    ident = "5f1b1f0c-6a0e-4b7e-9f55-{:012x}".format
    hidden = (
        {"id": ident(at), "originalPath": f"/data/library/admin/2024/2024-05/IMG_{at}.MOV", "type": "VIDEO",
         "ownerId": ident(1 << 40), "checksum": f"{at:027}=", "visibility": "hidden", "thumbhash": "x" * 40,
         "fileModifiedAt": "2024-05-01T10:00:05.123Z", "originalFileName": f"IMG_{at}.MOV",
         "exifInfo": {"fileSizeInByte": 3_000_000 + at, "make": "Apple"}, "people": []}
        for at in range(count)
    )  # fmt: skip
    pairs = LivePhotos(lambda: iter([list(hidden)]), lambda _: {}, lambda _: True, 1)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        still = pairs.visible([item("s", "timeline", ident(0))])
        assert len(list(pairs.joined(still, still))) == 2
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    pairs.close()
    assert used / count < 500
    rest = list(pairs.rest())
    assert len(rest) == count - 1
    assert rest[0].id == ident(1)
