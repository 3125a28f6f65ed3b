"""What is said when something is not as it should be: a page for people, an object for programs.

Not here: mistakes in the form of a sync (pages/sync.py), which are shown beside its fields.
"""

from __future__ import annotations

import logging
import sqlite3
from typing import Union

from flask import Flask, Response, g, jsonify, render_template
from werkzeug.exceptions import HTTPException

from immich_meta.errors import ImmichMetaError, ServerError
from immich_meta.web.language import t
from immich_meta.web.parts import parts
from immich_meta.web.security.gate import wants_json

_LOG = logging.getLogger(__name__)
_KNOWN = (400, 403, 404, 405, 413, 429, 500, 503)
Answer = tuple[Union[str, Response], int]


def handle(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ImmichMetaError, _ours)
    for kind in (OSError, sqlite3.OperationalError):
        app.register_error_handler(kind, _storage)
    app.register_error_handler(Exception, _any)


def told(code: int, kind: str, message: str, cure: str = "") -> Answer:
    """An answer that says what is wrong; nothing in it may be secret."""
    if wants_json() or g.get("is_refused"):
        return jsonify(error={"kind": kind, "message": message, "cure": cure}), code
    return render_template("mistake.html", code=code, message=message, cure=cure), code


def _http(error: HTTPException) -> Union[Answer, HTTPException]:
    code = error.code or 500
    if code < 400:  # a redirect that the routing asks for
        return error
    special = error.description if error.description in ("csrf", "host") else ""
    key = special or str(code if code in _KNOWN else 400 if code < 500 else 500)
    return told(code, key, t(f"mistake.{key}"), t(f"mistake.{key}.cure"))


def _ours(error: ImmichMetaError) -> Answer:
    return told(502 if isinstance(error, ServerError) else 409, error.kind, error.cause, error.cure)


def _storage(error: Exception) -> Answer:
    """A disk that is full or may only be read: nothing else is opened for a page but the state."""
    _LOG.error("A page failed: %s", error)
    reason = getattr(error, "strerror", None) or str(error)
    place = parts().config.state_dir
    return told(500, "storage", t("mistake.storage", place=place, reason=reason), t("mistake.storage.cure"))


def _any(error: Exception) -> Answer:
    # The log knows the secrets and leaves them out (cli/web.py); the page says nothing of the error itself.
    _LOG.error("A page failed: %s", type(error).__name__, exc_info=error)
    return told(500, "500", t("mistake.500"), t("mistake.500.cure"))
