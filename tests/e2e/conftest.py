"""A browser without a window, a page that is really served, and somebody who looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("flask", reason="the web page is not installed")

from immich_meta.demo.server import DemoServer
from tests.cli.gate import Gate
from tests.cli.home import Home
from tests.conftest import absent
from tests.e2e.person import Person, opened_browser
from tests.e2e.tour import Tour, tour
from tests.web.served import Served, served
from tests.web.visitor import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        absent("browser")
    with opened_browser() as browser:
        yield browser


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer() as server:
        yield server


@pytest.fixture
def home(
    tmp_path: Path, server: DemoServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Home:
    return Home(tmp_path, server, monkeypatch, capsys)


@pytest.fixture
def gate(server: DemoServer) -> Iterator[Gate]:
    gate = Gate(server)
    yield gate
    gate.open()


@pytest.fixture
def site(home: Home) -> Iterator[Served]:
    """The page of this home, behind a password."""
    with served(home, IMMICH_META_WEB_PASSWORD=PASSWORD) as page:
        yield page
    assert page.errors == ""


@pytest.fixture
def person(browser: Browser, site: Served) -> Iterator[Person]:
    """Somebody at a desk, in front of the login; in the end nothing may have gone wrong in the browser."""
    with Person.arrived(browser, site.url) as person:
        yield person


@pytest.fixture(scope="session")
def toured(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """A page with a past: each of its pages can be looked at, and nothing is changed by that."""
    with tour(browser, tmp_path_factory.mktemp("tour")) as toured:
        yield toured
