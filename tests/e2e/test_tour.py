"""Every page, at a desk and on a phone, by day and by night: nothing to scroll sideways, nothing that axe finds bad."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.axe import serious_issues
from tests.e2e.person import DESK, NARROW, PHONE, Person
from tests.e2e.tour import Tour

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

# No colour depends on the width: two views say what four would.
VIEWS = ((DESK, "light"), (PHONE, "dark"))


@pytest.fixture
def visitor(browser: Browser, toured: Tour) -> Iterator[Person]:
    with Person.arrived(browser, toured.site.url) as person:
        person.accepts("status of 404")  # one of the pages is the one of a page that is not there
        yield person


def each_view(visitor: Person, toured: Tour) -> Iterator[str]:
    """The visitor is on each page in each view; its name."""
    for name, address in (*toured.outside, *toured.pages):
        if name == toured.pages[0][0]:
            visitor.page.goto("/login")
            visitor.logs_in()
        visitor.page.goto(address)
        if name.startswith("file-"):
            visitor.page.locator("#faces li").first.wait_for()
        for (width, height), scheme in VIEWS:
            visitor.page.set_viewport_size({"width": width, "height": height})
            visitor.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            yield f"{name}, {width} wide, {scheme}"


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_page_has_to_be_scrolled_sideways(visitor: Person, toured: Tour, language: str) -> None:
    visitor.page.goto("/login")
    visitor.logs_in()
    wide = {}
    for name, address in toured.pages:
        visitor.page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
        for width, height in (DESK, PHONE, NARROW):
            visitor.page.set_viewport_size({"width": width, "height": height})
            if visitor.width_to_scroll() > 0:
                wide[f"{name}, {width} wide"] = visitor.width_to_scroll()
    assert wide == {}


def test_axe_finds_nothing_serious_on_any_page(visitor: Person, toured: Tour) -> None:
    found = {view: serious_issues(visitor.page) for view in each_view(visitor, toured)}
    assert {view: issues for view, issues in found.items() if issues} == {}
    assert len(found) == len(VIEWS) * len((*toured.outside, *toured.pages))
