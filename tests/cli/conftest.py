"""A home with a stand-in server, and waits that are short."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from immich_meta.api import retry
from immich_meta.demo.server import DemoServer
from immich_meta.logs import LOGGER_NAME
from tests.cli.home import Home


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another try after milliseconds: how long a client waits is tested elsewhere."""
    monkeypatch.setattr(retry, "RetryPolicy", partial(retry.RetryPolicy, shortest=0.01, longest=0.02))


@pytest.fixture(autouse=True)
def own_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run sets up of the logger ends with the test."""
    logger = logging.getLogger(LOGGER_NAME)
    monkeypatch.setattr(logger, "propagate", logger.propagate)
    monkeypatch.setattr(logger, "level", logger.level)


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
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Home:
    """A home without a server and without any setting."""
    return Home(tmp_path, None, monkeypatch, capsys)
