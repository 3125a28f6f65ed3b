"""What a run did, in a browser: old and new, filters, a photo with its faces, a file to keep, the way back."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.home import Home, keywords
from tests.e2e.drawn import Box, photo, places_of_faces
from tests.e2e.person import PHONE, Person
from tests.web.served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

ADA: Box = (100, 80, 180, 200)
BOB: Box = (300, 220, 420, 340)


def digests(home: Home) -> dict[str, str]:
    files = (path for path in home.photos.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def home(home: Home) -> Home:
    """Upright, turned, without a caption, and one that is not there."""
    faces = {"boxes": {"Ada": ADA, "Bob": BOB}, "width": 800, "height": 600}
    home.add("a/upright.jpg", photo([ADA, BOB]), description="New words", **faces)
    home.add("a/turned.jpg", photo([ADA, BOB], 6), description="Turned", orientation="6", **faces)
    home.add("b/plain.jpg", rating=4)
    missing, _ = home.add("b/gone.jpg", people=["Ada"])
    missing.unlink()
    return home


@pytest.fixture
def looked(person: Person) -> Person:
    """Somebody who has made a dry run of everything and looks at its files."""
    person.logs_in()
    person.starts()
    person.waits_for_the_end()
    person.follows("Look at the files")
    return person


# Names are as large on a phone, also when a window becomes small.
_READABLE = "[...document.querySelectorAll('.face text')].every(each => each.getBoundingClientRect().height > 12)"


def names(person: Person) -> list[str]:
    return [each.strip() for each in person.page.locator(".file-row h3 .name").all_inner_texts()]


def test_the_difference_is_shown_and_the_files_are_filtered(looked: Person, home: Home) -> None:
    page = looked.page
    row = page.locator(".file-row").filter(has_text="upright.jpg")
    assert any("New words" in each for each in row.locator("ins").all_inner_texts())
    assert len(names(looked)) == 4
    page.get_by_role("link", name="1 Not found").click()
    assert names(looked) == ["gone.jpg"]
    page.get_by_role("link", name="4 All").click()
    page.get_by_label("Part of the path").fill("TURN")
    page.keyboard.press("Enter")
    page.get_by_text("Files: 1").wait_for()
    assert names(looked) == ["turned.jpg"]
    looked.follows("Show all again")
    page.get_by_label("Tag", exact=True).select_option("XMP-xmp:Rating")
    looked.presses("Find")
    page.get_by_text("Files: 1").wait_for()
    assert names(looked) == ["plain.jpg"]


@pytest.mark.parametrize("name", ["upright", "turned"])
def test_the_boxes_are_where_the_faces_are(looked: Person, name: str) -> None:
    page = looked.page
    page.get_by_role("link", name=f"{name}.jpg").click()
    for width, height in ((1280, 900), PHONE):
        page.set_viewport_size({"width": width, "height": height})
        page.locator(".face rect").nth(1).wait_for()
        page.wait_for_function(_READABLE)
        image = page.locator("#photo").bounding_box()
        boxes = [each.bounding_box() for each in page.locator(".face rect").all()]
        assert image is not None
        page.locator(".overlay").evaluate("each => each.style.setProperty('display', 'none')")
        faces = places_of_faces(page.locator("#photo").screenshot())
        assert len(faces) == 2, "the picture shows its faces"
        for face, box in zip(faces, boxes):
            assert box is not None
            left, top = (box["x"] - image["x"]) / image["width"], (box["y"] - image["y"]) / image["height"]
            shown = (left, top, left + box["width"] / image["width"], top + box["height"] / image["height"])
            assert shown == pytest.approx(face, abs=0.02)
        assert [each.strip() for each in page.locator("#faces li").all_inner_texts()] == ["Ada", "Bob"]


def test_the_differences_are_saved_as_tables_and_as_json(looked: Person, tmp_path: Path) -> None:
    saved = {}
    for form in ("CSV", "JSON"):
        with looked.page.expect_download() as download:
            looked.follows(f"Save as {form}")
        assert download.value.suggested_filename.endswith(f".{form.lower()}")
        download.value.save_as(tmp_path / form)
        saved[form] = (tmp_path / form).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(saved["CSV"])))
    described = [row for row in rows if row["tag"] == "XMP-dc:Description" and row["path"].endswith("upright.jpg")]
    assert [(row["old"], row["new"]) for row in described] == [("", "New words")]
    assert {Path(each["path"]).name for each in json.loads(saved["JSON"])} >= {"upright.jpg", "turned.jpg", "gone.jpg"}


def test_one_file_and_then_the_run_is_taken_back_byte_for_byte(person: Person, home: Home) -> None:
    before = digests(home)
    person.logs_in()
    person.starts(write=True)
    person.waits_for_the_end()
    person.follows("Look at the files")
    run = person.page.url
    written = digests(home)
    assert {name for name in before if before[name] != written[name]} == {"upright.jpg", "turned.jpg", "plain.jpg"}
    person.page.get_by_role("link", name="turned.jpg").click()
    person.presses("Take this back …")
    person.page.get_by_role("heading", name="Files that would go back: 1").wait_for()
    assert digests(home) == written, "so far it was only looked"
    person.presses("Take them back now")
    person.page.get_by_role("heading", name="Files taken back: 1").wait_for()
    assert digests(home) == {**written, "turned.jpg": before["turned.jpg"]}
    person.page.goto(run)
    person.presses("Take it back …")
    person.page.get_by_role("heading", name="Files that would go back: 2").wait_for()
    person.presses("Take them back now")
    person.page.get_by_role("heading", name="Files taken back: 2").wait_for()
    assert digests(home) == before
    assert keywords(home.photos / "a/upright.jpg") == ()


EVIL = (
    '<img src=x onerror="document.title=1">',
    '"><script>document.title=1</script>',
    "javascript:document.title=1",
    "{{7*7}}</textarea><svg onload=document.title=1>",
)


def test_names_from_the_server_do_nothing_but_stand_there(browser: Browser, site: Served, home: Home) -> None:
    for at, evil in enumerate(EVIL):
        name = f"{at}-{evil.replace('/', '_')}.jpg"
        fields = {"albums": [evil], "tags": [evil.replace("/", "_")], "description": evil, "people": [evil]}
        home.add(name, photo([ADA]), boxes={evil: ADA}, width=800, height=600, **fields)
    with Person.arrived(browser, site.url) as person:
        person.logs_in()
        titles = []
        person.starts(write=True)
        person.waits_for_the_end()
        titles.append(person.page.title())
        person.follows("Look at the files")
        run = person.page.url
        links = person.page.locator(".file-row h3 a").filter(has_text="document.title")
        addresses = links.evaluate_all("each => each.map(link => link.href)")
        assert len(addresses) == len(EVIL)
        for address in (*addresses, run, "/runs", f"{run}?text=<script>document.title=1</script>", "/"):
            person.page.goto(address)
            if "/files/" in address:
                person.page.locator("#faces li").first.wait_for()
            titles.append(person.page.title())
            assert person.page.locator("script:not([type=module][src^='/static/']), main img[onerror]").count() == 0
            assert person.page.locator("a[href^='javascript']").count() == 0
        assert "1" not in titles
