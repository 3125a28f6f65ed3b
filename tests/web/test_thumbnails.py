"""Pictures and faces from Immich: kept for a while, nothing but pictures, and never more than there is room for."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from immich_meta.demo.faults import Fault
from immich_meta.demo.library import DemoAsset
from immich_meta.demo.server import DemoServer
from immich_meta.web.pictures.server import AskedServer
from immich_meta.web.pictures.thumbnails import Thumbnails
from tests.cli.home import Home
from tests.web.visitor import Site

PLACEHOLDER = "/static/no-picture.svg"


def turned(width: int = 60, height: int = 40, orientation: int = 6) -> bytes:
    """A JPEG that is stored on its side, its left half red."""
    picture = Image.new("RGB", (width, height), (0, 0, 255))
    picture.paste((255, 0, 0), (0, 0, width // 2, height))
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif, quality=95)
    return buffer.getvalue()


@pytest.fixture
def asset(home: Home) -> DemoAsset:
    fields: dict[str, Any] = {"width": 60, "height": 40, "orientation": "6"}
    return home.add("a.jpg", turned(), boxes={"Ada": (10, 15, 30, 45)}, **fields)[1]


def address(asset: DemoAsset, size: str = "thumbnail") -> str:
    return f"/pictures/{asset.id}/{size}"


@pytest.mark.parametrize(("size", "kind"), [("thumbnail", "image/webp"), ("preview", "image/jpeg")])
def test_a_picture_comes_upright_and_safe(site: Site, asset: DemoAsset, size: str, kind: str) -> None:
    answer = site.visitor().get(address(asset, size))
    assert (answer.status_code, answer.mimetype) == (200, kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert picture.size == (40, 60)
        red, _, blue = picture.convert("RGB").getpixel((20, 5))  # type: ignore[misc]
    assert red > 200 > 60 > blue


def test_a_picture_is_asked_for_once(site: Site, server: DemoServer, asset: DemoAsset) -> None:
    visitor = site.visitor()
    first = visitor.get(address(asset)).data
    server.fail(500, times=None)
    assert visitor.get(address(asset)).data == first
    assert len(server.requests_to(f"/assets/{asset.id}/thumbnail")) == 1
    (kept,) = [path for path in (site.parts.config.state_dir / "web" / "thumbnails").rglob("*") if path.is_file()]
    assert kept.parent.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_a_key_without_the_permission_gets_a_placeholder_and_a_kind_word(
    site: Site, server: DemoServer, asset: DemoAsset
) -> None:
    server.add_key(site.home.environ["IMMICH_API_KEY"], "asset.read", "face.read")
    visitor = site.visitor()
    answer = visitor.get(address(asset))
    assert (answer.status_code, answer.headers["Location"]) == (302, PLACEHOLDER)
    assert visitor.get(PLACEHOLDER).mimetype == "image/svg+xml"
    told = visitor.get(f"/api/assets/{asset.id}/picture").json
    assert told is not None
    assert "asset.view" in told["note"]
    assert [face["name"] for face in told["faces"]] == ["Ada"]


def test_the_faces_are_shares_of_the_picture_as_it_is_shown(site: Site, asset: DemoAsset) -> None:
    site.home.library.add_face(asset, None, (-20, 0, 8, 6))
    site.home.library.add_face(asset, "nobody", (5, 5, 5, 9))
    site.home.library.person("hidden", hidden=True)
    site.home.library.add_face(asset, "hidden", (1, 1, 9, 9))
    told = site.visitor().get(f"/api/assets/{asset.id}/picture").json
    assert told == {
        "faces": [
            {"name": "", "x": 0.0, "y": 0.0, "w": 0.2, "h": 0.1},
            {"name": "Ada", "x": 0.25, "y": 0.25, "w": 0.5, "h": 0.5},
        ],
        "note": "",
    }


def answers(body: bytes, status: int = 200, **headers: str) -> Fault:
    return Fault("/assets", None, status=status, headers=headers, body=body)


HOSTILE = {
    "a page that says it is a picture": answers(b"<html><script>", **{"Content-Type": "image/jpeg"}),
    "a drawing with a script": answers(b"<svg onload='x'/>", **{"Content-Type": "image/svg+xml"}),
    "fifty megabytes": answers(b"\xff\xd8\xff" + b"x" * (50 << 20)),
    "somewhere else": answers(b"", 302, Location="http://other.invalid/a.jpg"),
    "a file of this machine": answers(b"", 302, Location="file:///etc/passwd"),
    "nothing": answers(b"", **{"Content-Type": "image/png"}),
    "a picture that is none": answers(b"RIFF....WAVE"),
    "an error": answers(b"\xff\xd8\xff", 500),
    "half of it": Fault("/assets", None, keeps=10, breaks_off=True),
}


@pytest.mark.parametrize("fault", HOSTILE.values(), ids=HOSTILE)
def test_of_a_hostile_server_nothing_comes_through(
    site: Site, server: DemoServer, asset: DemoAsset, fault: Fault
) -> None:
    server.add_fault(fault)
    answer = site.visitor().get(address(asset))
    assert (answer.status_code, answer.headers["Location"]) == (302, PLACEHOLDER)
    folder = site.parts.config.state_dir / "web" / "thumbnails"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_server_that_is_away_is_asked_once_and_then_left_alone_for_a_while(
    site: Site, server: DemoServer, asset: DemoAsset
) -> None:
    server.drop(times=None)
    visitor = site.visitor()
    for _ in range(5):
        assert visitor.get(address(asset)).status_code == 302
    assert len(server.requests_to("/assets")) == 1
    server.clear_faults()
    site.now += 60
    assert visitor.get(address(asset)).status_code == 200


@pytest.mark.parametrize(
    "wrong", ["x", "..", "../../server/about", "%2e%2e%2fkeys", "5F1B1F0C-6A0E-4B7E-9F55-000000000001", "%00" * 36]
)
def test_what_is_no_id_is_no_page(site: Site, server: DemoServer, wrong: str) -> None:
    visitor = site.visitor()
    asked = len(server.requests)
    assert visitor.get(f"/pictures/{wrong}/thumbnail").status_code == 404
    assert visitor.get(f"/api/assets/{wrong}/picture").status_code == 404
    assert len(server.requests) == asked


def test_only_two_sizes_are_there_and_only_for_those_who_logged_in(site: Site, asset: DemoAsset) -> None:
    assert site.visitor().get(address(asset, "fullsize")).status_code == 404
    assert site.visitor(logged_in=False).get(address(asset)).status_code == 302
    assert site.visitor(logged_in=False).get(f"/api/assets/{asset.id}/picture").status_code == 401


def test_no_more_is_kept_than_there_is_room_for_and_the_oldest_goes(
    site: Site, home: Home, tmp_path: Path
) -> None:
    assets = [home.add(f"{number}.jpg", turned())[1] for number in range(12)]
    now = [1000.0]
    folder = tmp_path / "kept"
    thumbnails = Thumbnails(folder, AskedServer(site.parts.config), lambda: now[0], kept_bytes=1)
    size = len(thumbnails.get(assets[0].id, "preview").content)
    thumbnails = Thumbnails(folder, AskedServer(site.parts.config), lambda: now[0], kept_bytes=size * 6)
    for each in assets:
        now[0] += 1
        thumbnails.get(each.id, "preview")
        now[0] += 1
        thumbnails.get(assets[0].id, "preview")  # looked at again and again
    kept = {path.name for path in folder.rglob("*-preview")}
    assert f"{assets[0].id}-preview" in kept
    assert f"{assets[-1].id}-preview" in kept
    assert f"{assets[1].id}-preview" not in kept
    assert len(kept) <= 6


def test_another_key_is_not_given_what_was_kept_for_this_one(site: Site, server: DemoServer, asset: DemoAsset) -> None:
    assert site.visitor().get(address(asset)).status_code == 200
    server.add_key("another-key", "face.read")
    other = Site(site.home, environ={"IMMICH_API_KEY": "another-key"})
    try:
        assert other.visitor().get(address(asset)).status_code == 302
    finally:
        other.close()
