"""Somebody with a browser: what they press and read, and what the browser complains of meanwhile.

Not here: what is demanded of the pages (test_*.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.contract.browser import browser_program
from tests.web.visitor import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Route

DESK = (1280, 900)
PHONE = (390, 844)
NARROW = (320, 640)  # what WCAG wants a page to fit into (1.4.10, reflow)
# What a browser asks for on its own is switched off; what else would leave the machine finds no name.
_ARGUMENTS = (
    "--no-sandbox",  # root and containers have none; it sees nothing but our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_ELSEWHERE = re.compile(r"^(?!http://127\.0\.0\.1:|data:|blob:|about:)")
PATIENCE = 20_000  # milliseconds: another test may have the processor


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """The system's browser; none is downloaded. Skips, or fails, where there is none."""
    from playwright.sync_api import sync_playwright

    program = browser_program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS), timeout=120_000)
        yield browser
        browser.close()


class Person:
    """One browser window with cookies of its own. `complaints`: errors of scripts, of the policy, of loading."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._accepted: list[str] = []
        page.on("console", self._hears)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._notes)
        page.route(_ELSEWHERE, self._refuses)

    @classmethod
    @contextmanager
    def arrived(cls, browser: Browser, url: str, **window: Any) -> Iterator[Person]:
        """At the login, with a window as wide as a desk has; `window` is whatever else a context of Playwright has."""
        from playwright.sync_api import expect

        expect.set_options(timeout=PATIENCE)
        window.setdefault("locale", "en-GB")
        window.setdefault("viewport", {"width": DESK[0], "height": DESK[1]})
        context = browser.new_context(base_url=url, **window)
        context.set_default_timeout(PATIENCE)
        try:
            person = cls(context.new_page(), url)
            person.page.goto("/login")
            yield person
            person.is_content()
        finally:
            context.close()

    def accepts(self, complaint: str) -> None:
        """The browser may say this: the test has asked for it."""
        self._accepted.append(complaint)

    def is_content(self) -> None:
        """Nothing has gone wrong so far, and nothing was asked of another machine."""
        found = [each for each in self.complaints if not any(known in each for known in self._accepted)]
        assert found == []
        assert [url for url in self.asked if _ELSEWHERE.match(url)] == []

    def logs_in(self, secret: str = PASSWORD) -> None:
        self.page.get_by_label("Password").fill(secret)
        self.presses("Log in")

    def presses(self, name: str) -> None:
        """A button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follows(self, name: str) -> None:
        """A link."""
        self.page.get_by_role("link", name=name, exact=True).click()

    def heading(self, level: int = 1) -> Locator:
        return self.page.get_by_role("heading", level=level)

    def starts(self, *, write: bool = False, everything: bool = True) -> str:
        """A run from the form, as it comes or with everything; its id."""
        self.page.goto("/sync")
        if everything:
            self.presses("Select all")
        if write:
            self.page.locator("label[for=write]").click()  # it covers the whole tile
        self.presses("Start")
        self.page.wait_for_url("**/sync/*")
        return self.page.url.rpartition("/")[2]

    def waits_for_the_end(self) -> None:
        """Of the run on this page, and for the page to say what comes next."""
        self.page.locator("#panel .panel:not([data-active])").wait_for()
        self.page.get_by_role("link", name="Change the options").wait_for()

    def width_to_scroll(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def _hears(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _notes(self, request: Request) -> None:
        self.asked.append(request.url)

    def _refuses(self, route: Route) -> None:
        route.abort()
