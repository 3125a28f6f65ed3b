"""A home with a stand-in server, as the command line's tests have it."""

from __future__ import annotations

import pytest

from immich_meta.demo.server import DemoServer
from tests.cli.conftest import home, impatience, own_logger, server
from tests.cli.home import Home

__all__ = ["home", "impatience", "own_logger", "server", "sound"]


@pytest.fixture
def sound(home: Home, server: DemoServer) -> Home:
    """A home in which all is well: nine photos in three folders, of an external and of the upload library."""
    home.environ["TZ"] = "Europe/Berlin"
    for at in range(9):
        upload = {"library_id": None} if at % 3 == 0 else {}
        home.add(f"2024/0{at // 3 + 1}/IMG_{at:04}.jpg", people=["Ada"], **upload)
    return home
