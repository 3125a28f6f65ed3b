"""The app, put together; nothing of it is global.

Not here: any page (pages/), and serving it (cli/web.py).
"""

from __future__ import annotations

import importlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from immich_meta.web.config import WebConfig

if TYPE_CHECKING:
    from flask import Flask

    from immich_meta.web.parts import Parts

PAGES = ("login", "status", "sync", "live", "runs", "files", "thumbnails", "undo", "settings", "health")
"""Modules of `pages`, each with a `blueprint`; those in the head of a page are named in pages/navigation.py."""

LARGEST_REQUEST = 64 << 10
_MOST_FIELDS = 200
_LOGGED_IN = timedelta(days=14)


def create_app(config: WebConfig) -> Flask:
    """The web page. Raises nothing but what a broken installation does: settings are looked at by each page."""
    from flask import Flask

    from immich_meta.web import filters, language, mistakes, shown
    from immich_meta.web.pages import navigation
    from immich_meta.web.parts import set_parts
    from immich_meta.web.pictures.thumbnails import ASSET_ID
    from immich_meta.web.runs.folders import RUN_ID
    from immich_meta.web.security import gate

    app = Flask("immich_meta.web")
    app.config.update(
        SECRET_KEY=config.secret_key or secrets.token_bytes(32),
        SESSION_COOKIE_NAME="immich_meta_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=_LOGGED_IN,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LARGEST_REQUEST,
        MAX_FORM_PARTS=_MOST_FIELDS,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_map.converters["run"] = _converter(RUN_ID.pattern)
    app.url_map.converters["asset"] = _converter(ASSET_ID.pattern)
    set_parts(app, _parts(config, app.config["SECRET_KEY"]))
    gate.guard(app)
    language.speak(app)
    filters.register(app)
    shown.register(app)
    mistakes.handle(app)
    navigation.offer(app)
    for name in PAGES:
        app.register_blueprint(importlib.import_module(f"immich_meta.web.pages.{name}").blueprint)
    return app


def _parts(config: WebConfig, key: bytes) -> Parts:
    from immich_meta.web.connection import Connections
    from immich_meta.web.parts import Parts
    from immich_meta.web.pictures.server import AskedServer
    from immich_meta.web.pictures.thumbnails import Thumbnails
    from immich_meta.web.runs.control import Control
    from immich_meta.web.runs.folders import RunFolders
    from immich_meta.web.runs.streams import Streams
    from immich_meta.web.runs.worker import Surroundings
    from immich_meta.web.security.attempts import Attempts
    from immich_meta.web.security.door import Door
    from immich_meta.web.security.left import LeftVisits
    from immich_meta.web.undoing.control import UndoControl

    asked_server = AskedServer(config)
    folders = RunFolders(config.state_dir / "web", config.clock)
    around = Surroundings(dict(config.environ), config.config, config.directory)
    return Parts(
        config=config,
        door=Door(config.password, key, config.announce),
        attempts=Attempts(config.monotonic),
        left=LeftVisits(config.state_dir / "web" / "left", _LOGGED_IN.total_seconds(), config.clock),
        folders=folders,
        control=Control(folders, around, config.clock),
        connections=Connections(config),
        streams=Streams(),
        undoing=UndoControl(config.state_dir, config.clock),
        asked_server=asked_server,
        thumbnails=Thumbnails(config.state_dir / "web" / "thumbnails", asked_server, config.clock),
    )


def _converter(pattern: str) -> type:
    """What else than the id of a run, or of an asset, stands in an address is no page at all."""
    from werkzeug.routing import BaseConverter

    return type("IdConverter", (BaseConverter,), {"regex": pattern})
