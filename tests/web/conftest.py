"""An app over a home with a stand-in server, and a browser of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("flask", reason="the web page is not installed")

from immich_meta.demo.server import DemoServer
from tests.cli.gate import Gate
from tests.cli.home import Home
from tests.web.visitor import Site


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
def site(home: Home) -> Iterator[Site]:
    site = Site(home)
    yield site
    site.close()


@pytest.fixture
def gate(server: DemoServer) -> Iterator[Gate]:
    gate = Gate(server)
    yield gate
    gate.open()
