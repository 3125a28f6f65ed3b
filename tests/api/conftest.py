"""A stand-in server on loopback and clients for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

import pytest

from immich_meta.api.client import ImmichClient
from immich_meta.api.retry import RetryPolicy
from immich_meta.demo.library import Library
from immich_meta.demo.server import DemoServer

GENERATIONS = (2, 3)
Serve = Callable[..., DemoServer]
Connect = Callable[..., ImmichClient]


class Naps:
    """A sleep that only remembers."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def serve(library: Library) -> Iterator[Serve]:
    """Starts stand-in servers over the library; all are closed at the end."""
    started: list[DemoServer] = []

    def start(**options: Any) -> DemoServer:
        started.append(DemoServer(library, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture(params=GENERATIONS, ids=["v2", "v3"])
def server(request: pytest.FixtureRequest, serve: Serve) -> DemoServer:
    """One server of each generation."""
    return serve(generation=request.param)


@pytest.fixture
def connect(naps: Naps) -> Iterator[Connect]:
    """Makes clients that wait for nothing; all are closed at the end."""
    made: list[ImmichClient] = []

    def make(server: DemoServer, **options: Any) -> ImmichClient:
        options.setdefault("sleep", naps)
        options.setdefault("timeout", 5.0)
        options.setdefault("retry", RetryPolicy())
        url, key = options.pop("url", server.url), options.pop("api_key", server.api_key)
        made.append(ImmichClient(url, key, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(server: DemoServer, connect: Connect) -> ImmichClient:
    """A client of `server`."""
    return connect(server)
