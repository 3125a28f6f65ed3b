"""A stand-in server and plain HTTP to ask it: the client of the project is not among the witnesses here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

import pytest
import requests

from immich_meta.demo.library import Library
from immich_meta.demo.server import DemoServer

Ask = Callable[..., requests.Response]


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def v2(library: Library) -> Iterator[DemoServer]:
    with DemoServer(library, generation=2) as server:
        yield server


@pytest.fixture
def v3(library: Library) -> Iterator[DemoServer]:
    with DemoServer(library, generation=3) as server:
        yield server


@pytest.fixture
def ask() -> Iterator[Ask]:
    """ask(server, "POST", "/search/metadata", json={...}, key=...)"""
    with requests.Session() as session:
        session.trust_env = False

        def send(
            server: DemoServer, method: str, path: str, key: str = "", **options: Any
        ) -> requests.Response:
            headers = {"x-api-key": key or server.api_key, **options.pop("headers", {})}
            return session.request(
                method,
                f"{server.url}/api{path}",
                headers=headers,
                timeout=5,
                allow_redirects=False,
                **options,
            )

        yield send
