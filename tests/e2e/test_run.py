"""A run as somebody sees it: looked at, written, watched, stopped, gone on with; with keys only, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from immich_meta.demo.server import DemoServer
from tests.cli.gate import Gate
from tests.cli.home import Home, keywords, wait_until
from tests.e2e.axe import serious_issues
from tests.e2e.person import PHONE, Person
from tests.web.served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

COUNT = 12


@pytest.fixture
def home(home: Home) -> Home:
    """Two photos are asked for at a time."""
    home.environ |= {"IMMICH_SEARCH_PAGE_SIZE": "2", "IMMICH_ASSET_BATCH_SIZE": "1"}
    home.fill(COUNT)
    return home


def written(home: Home) -> int:
    return sum(keywords(path) == ("Ada",) for path in (home.photos / "2024").glob("*.jpg"))


def test_somebody_looks_first_and_then_writes(person: Person, home: Home) -> None:
    person.logs_in()
    person.page.get_by_text("All well").wait_for()
    person.follows("See what would change")
    person.presses("Start")
    person.waits_for_the_end()
    assert person.heading().inner_text() == "Dry run"
    assert person.page.locator(".count.simulated strong").inner_text() == str(COUNT)
    assert written(home) == 0
    person.follows("Look at the files")
    person.presses("Write these changes now")
    person.page.get_by_role("heading", name="Run", exact=True).wait_for()
    person.waits_for_the_end()
    assert person.page.locator(".count.updated strong").inner_text() == str(COUNT)
    assert written(home) == COUNT
    assert "FINISH" in person.page.locator("#log").inner_text()


def test_progress_moves_while_somebody_watches(person: Person, server: DemoServer) -> None:
    server.slow(0.3, times=None, path="/search/metadata")
    person.logs_in()
    person.starts(everything=False)
    person.page.evaluate("window.isTheSame = true")
    seen = [int(number) for number in _numbers(person)]
    assert len(seen) >= 4, "no jump from the beginning to the end"
    assert seen == sorted(seen)
    assert person.page.locator(".count.simulated strong").inner_text() == str(COUNT)
    person.waits_for_the_end()
    assert "Took" in person.page.locator(".phase").inner_text()


def _numbers(person: Person) -> list[int]:
    """How many files were done, each time that the page said another number."""
    return list(
        person.page.evaluate(
            """() => new Promise(done => {
                const panel = document.getElementById("panel"), seen = [];
                const look = () => {
                    const number = parseInt(panel.querySelector(".big").textContent);
                    if (seen.at(-1) !== number) seen.push(number);
                    if (!panel.querySelector("[data-active]")) done(seen);
                };
                new MutationObserver(look).observe(panel, {childList: true, subtree: true});
                look();
            })"""
        )
    )


def test_a_run_is_stopped_gently_and_gone_on_with(person: Person, home: Home, gate: Gate) -> None:
    gate.close("/search/metadata", page=3)
    person.logs_in()
    person.starts(write=True, everything=False)
    wait_until(lambda: written(home) == 4)
    person.page.get_by_text("The files in hand are finished. You can go on later.").wait_for()
    person.presses("Stop")
    person.page.get_by_role("button", name="Go on where it stopped").wait_for()
    assert person.page.locator(".state").first.inner_text() == "Stopped"
    assert written(home) == 4
    gate.open()
    person.page.goto("/")
    person.presses("Go on where it stopped")
    person.waits_for_the_end()
    assert "done before" in person.page.locator(".counts").inner_text()
    assert written(home) == COUNT


def test_a_closed_window_changes_nothing_and_another_one_shows_the_same_run(
    browser: Browser, site: Served, home: Home, gate: Gate
) -> None:
    gate.close("/search/metadata", page=3)
    with Person.arrived(browser, site.url) as person:
        person.logs_in()
        person.starts(write=True, everything=False)
        wait_until(lambda: written(home) == 4)
    with Person.arrived(browser, site.url) as person:
        person.logs_in()
        person.follows("Watch it")
        person.page.locator("[data-active]").wait_for()
        gate.open()
        person.waits_for_the_end()
        assert written(home) == COUNT


def test_the_keyboard_is_enough_from_the_login_to_the_end_of_a_dry_run(person: Person) -> None:
    keys = person.page.keyboard
    person.page.wait_for_function("document.activeElement.id === 'secret'")
    keys.type("correct horse battery")
    keys.press("Enter")
    person.page.wait_for_url("**/")
    keys.press("Tab")
    assert _focused(person) == "To the content"
    keys.press("Enter")
    assert person.page.evaluate("document.activeElement.id") == "content"
    _tabs_to(person, "See what would change")
    keys.press("Enter")
    person.page.wait_for_url("**/sync")
    assert person.page.locator("#o-people").is_checked()
    _tabs_to(person, "People")
    keys.press("Space")
    assert not person.page.locator("#o-people").is_checked()
    _tabs_to(person, "Start")
    keys.press("Enter")
    person.waits_for_the_end()
    assert person.heading().inner_text() == "Dry run"


def _tabs_to(person: Person, name: str) -> None:
    for _ in range(60):
        if _focused(person) == name:
            ring = "getComputedStyle(document.activeElement.closest('.choice') ?? document.activeElement).outlineStyle"
            assert person.page.evaluate(ring) == "solid", f"{name}: nobody sees where the focus is"
            return
        person.page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {name}")


def _focused(person: Person) -> str:
    words = "each => (each.labels?.[0] ?? each).textContent.trim()"
    return str(person.page.evaluate(f"({words})(document.activeElement)"))


def test_without_scripts_a_run_is_started_and_followed(browser: Browser, site: Served, gate: Gate) -> None:
    gate.close("/search/metadata", page=3)
    width, height = PHONE
    window = {"java_script_enabled": False, "viewport": {"width": width, "height": height}}
    with Person.arrived(browser, site.url, **window) as person:
        person.logs_in()
        person.follows("Ask the server")
        person.page.get_by_text("All well").wait_for()
        person.page.goto("/sync")
        assert not person.page.get_by_role("button", name="Select all").is_visible()
        person.presses("Start")
        person.page.wait_for_url("**/sync/*")
        person.page.get_by_text("Under way").wait_for()
        gate.open()
        # The page asks to be loaded again by itself.
        person.page.get_by_role("button", name="Write these changes now").wait_for()


@pytest.fixture
def phone(browser: Browser, site: Served) -> Iterator[Person]:
    width, height = PHONE
    window = {"viewport": {"width": width, "height": height}, "has_touch": True, "is_mobile": True}
    with Person.arrived(browser, site.url, **window) as person:
        yield person


def test_a_thumb_is_enough_on_a_phone(phone: Person, gate: Gate) -> None:
    gate.close("/search/metadata", page=3)
    phone.page.get_by_label("Password").fill("correct horse battery")
    phone.page.get_by_role("button", name="Log in").tap()
    phone.page.get_by_role("link", name="See what would change").tap()
    phone.page.get_by_role("button", name="Start").tap()
    phone.page.get_by_role("button", name="Stop", exact=True).wait_for()
    assert phone.width_to_scroll() == 0
    assert phone.page.evaluate(_SMALL) == []
    assert serious_issues(phone.page) == []
    gate.open()
    phone.waits_for_the_end()


# WCAG 2.2, target size: what stands for itself is at least 24 pixels high.
_SMALL = """[...document.querySelectorAll("button, .button, nav a, select, input:not([type=hidden])")]
    .filter(each => each.getClientRects().length && each.getBoundingClientRect().height < 24)
    .map(each => each.outerHTML)"""
