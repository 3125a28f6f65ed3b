"""A page with a past, and the way through all of its pages.

Not here: what is demanded of them (test_tour.py), and pictures of them (screenshots.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from immich_meta.demo.photos import make_library
from immich_meta.demo.server import DemoServer
from tests.cli.home import Home
from tests.e2e.person import Person
from tests.web.served import Served, served
from tests.web.visitor import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MISSING = "2022/2022-08/IMG_1200.jpg"
PHOTO = "IMG_0001.jpg"
NO_RUN = "20240501-120000-0a1b2c3d"


@dataclass(frozen=True)
class Tour:
    """`pages`: a name and an address each; `outside` are those of before the login."""

    site: Served
    outside: tuple[tuple[str, str], ...]
    pages: tuple[tuple[str, str], ...]


@contextmanager
def tour(browser: Browser, folder: Path) -> Iterator[Tour]:
    """The demo's library, one photo of which is not there; it was looked at, then written."""
    library = make_library(folder / "drawn")
    with pytest.MonkeyPatch.context() as patch, DemoServer(library) as server:
        home = Home(folder, server, patch, None)  # type: ignore[arg-type] # nothing is run in this process
        home.photos.rmdir()
        (folder / "drawn").rename(home.photos)
        (home.photos / MISSING).unlink()
        with served(home, IMMICH_META_WEB_PASSWORD=PASSWORD) as site:
            with Person.arrived(browser, site.url) as person:
                pages = tuple(_lived(person))
            yield Tour(site, (("login", "/login"),), pages)
        assert site.errors == ""


def _lived(person: Person) -> Iterator[tuple[str, str]]:
    """Looks, writes, looks again, and thinks about taking it back."""
    page = person.page
    person.logs_in()
    person.starts()
    person.waits_for_the_end()
    yield "run-looked", page.url
    person.follows("Look at the files")
    yield "files-looked", page.url
    page.get_by_role("link", name=PHOTO).click()
    yield "file-looked", page.url
    person.starts(write=True)
    person.waits_for_the_end()
    yield "run-written", page.url
    person.follows("Look at the files")
    yield "files-written", page.url
    page.get_by_role("link", name=PHOTO).click()
    yield "file-written", page.url
    person.presses("Take this back …")
    page.get_by_role("button", name="Take them back now").wait_for()
    yield "undo-looked", page.url
    yield from (("home", "/?ask=1"), ("sync", "/sync"), ("runs", "/runs"), ("settings", "/settings"))
    yield "not-found", f"/sync/{NO_RUN}"
