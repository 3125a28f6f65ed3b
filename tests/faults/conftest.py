"""A process that forks runs, and a stand-in server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta.demo.server import DemoServer
from tests.faults.library import Mixed
from tests.faults.zygote import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    if not hasattr(os, "fork") or not Path("/proc/self/stat").exists():
        pytest.skip("needs fork, and processes that can be looked at")
    with Zygote() as zygote:
        yield zygote


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer() as server:
        yield server


@pytest.fixture
def mixed(tmp_path: Path, server: DemoServer) -> Mixed:
    return Mixed(tmp_path, server)


@pytest.fixture
def small(tmp_path: Path, server: DemoServer) -> Mixed:
    """Without the large movie."""
    return Mixed(tmp_path, server, has_movie=False)
