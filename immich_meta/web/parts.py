"""What the pages of one app share; each app has its own.

Not here: what the parts do.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from immich_meta.web.config import WebConfig
from immich_meta.web.connection import Connections
from immich_meta.web.pictures.server import AskedServer
from immich_meta.web.pictures.thumbnails import Thumbnails
from immich_meta.web.runs.control import Control
from immich_meta.web.runs.folders import RunFolders
from immich_meta.web.runs.streams import Streams
from immich_meta.web.security.attempts import Attempts
from immich_meta.web.security.door import Door
from immich_meta.web.security.left import LeftVisits
from immich_meta.web.undoing.control import UndoControl

_NAME = "immich_meta"


@dataclass(frozen=True)
class Parts:
    """`door` lets people in, until they have `left`; `folders` holds the runs, `control` starts and stops them;
    `undoing` takes back what they wrote. `asked_server` is Immich, asked for small things."""

    config: WebConfig
    door: Door
    attempts: Attempts
    left: LeftVisits
    folders: RunFolders
    control: Control
    connections: Connections
    streams: Streams
    undoing: UndoControl
    asked_server: AskedServer
    thumbnails: Thumbnails


def parts() -> Parts:
    """The parts of the app that answers this request."""
    found = current_app.extensions[_NAME]
    assert isinstance(found, Parts)  # noqa: S101 - for the type checker
    return found


def set_parts(app: object, made: Parts) -> None:
    app.extensions[_NAME] = made  # type: ignore[attr-defined]
