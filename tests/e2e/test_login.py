"""The login, the way out, and the language, in a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.cli.home import Home
from tests.e2e.person import Person
from tests.web.served import served
from tests.web.visitor import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


def test_a_wrong_password_is_told_and_the_right_one_opens_the_page_that_was_wanted(person: Person) -> None:
    person.page.goto("/settings")
    field = person.page.get_by_label("Password")
    assert field.evaluate("each => each === document.activeElement"), "who comes to log in can type at once"
    person.accepts("status of 403")
    person.logs_in("wrong")
    assert person.page.get_by_role("alert").inner_text() == "That is not the password."
    assert field.get_attribute("aria-invalid") == "true"
    person.logs_in()
    person.page.wait_for_url("**/settings")
    assert person.heading().inner_text() == "Settings"
    person.presses("Log out")
    person.page.wait_for_url("**/login")
    person.page.go_back()  # nothing of the pages is kept by the browser
    person.page.wait_for_url("**/login?next=/settings")


def test_the_printed_link_logs_in_and_leaves_no_token_in_the_address(browser: Browser, home: Home) -> None:
    with served(home) as site, Person.arrived(browser, site.url) as person:
        link = next(found[1] for found in map(re.compile(r"To log in, once: (\S+)").match, site.said) if found)
        person.page.goto(link)
        assert person.page.url == f"{site.url}/"
        assert "token" not in person.page.evaluate("document.referrer + location.href")
        person.page.context.clear_cookies()
        person.accepts("status of 403")
        person.page.goto(link)
        assert "does not open anything" in person.page.get_by_role("alert").inner_text()


def test_the_cookie_is_not_for_scripts(person: Person) -> None:
    person.logs_in()
    person.page.wait_for_url("**/")
    person.page.goto("/?lang=en")
    assert person.page.evaluate("document.cookie") == ""
    for cookie in person.page.context.cookies():
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict"), cookie["name"]


def test_the_language_is_switched_and_kept(person: Person) -> None:
    person.logs_in()
    person.page.goto("/settings")
    person.follows("Deutsch")
    assert person.page.url.endswith("/settings?lang=de")
    assert person.heading().inner_text() == "Einstellungen"
    assert person.page.locator("html").get_attribute("lang") == "de"
    person.page.goto("/sync")
    assert person.page.get_by_role("button", name="Starten").is_visible()
    person.follows("English")
    assert person.page.get_by_role("button", name="Start", exact=True).is_visible()


def test_no_other_site_can_put_the_page_into_a_frame(person: Person) -> None:
    """Not even one of this machine: a frame shows an error instead of the form."""
    person.logs_in()
    person.accepts("frame")
    trap = {"body": "<iframe src=/sync></iframe>", "content_type": "text/html"}
    person.page.route("**/trap", lambda route: route.fulfill(**trap))
    person.page.goto("/trap")
    person.page.wait_for_timeout(300)
    frame = person.page.frames[1]
    assert frame.url != f"{person.url}/sync"
    assert person.complaints, "the browser says that it has refused"


def test_secrets_are_nowhere_in_the_settings_page(person: Person, home: Home) -> None:
    person.logs_in()
    person.page.goto("/settings")
    row = person.page.get_by_role("row").filter(has_text="IMMICH_API_KEY").first
    assert "hidden" in row.inner_text()
    content = person.page.content()
    assert home.environ["IMMICH_API_KEY"] not in content
    assert PASSWORD not in content
