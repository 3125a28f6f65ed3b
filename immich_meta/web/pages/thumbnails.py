"""Pictures of assets, through us: the browser knows neither the server nor the key.

Not here: getting and keeping them (immich_meta.web.pictures).
"""

from __future__ import annotations

import logging
from typing import Union

from flask import Blueprint, Response, abort, jsonify, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from immich_meta.errors import MissingPermissionError, ServerError, SettingsError
from immich_meta.web.language import t
from immich_meta.web.parts import parts
from immich_meta.web.pictures.boxes import boxes_of

blueprint = Blueprint("thumbnails", __name__)

_LOG = logging.getLogger(__name__)
_KEPT_BY_BROWSER = "private, max-age=86400"


@blueprint.get("/pictures/<asset:asset_id>/<size>")
def picture(asset_id: str, size: str) -> AnyResponse:
    """The picture, or, where there is none, one that says so."""
    if size not in ("thumbnail", "preview"):
        abort(404)
    try:
        found = parts().thumbnails.get(asset_id, "preview" if size == "preview" else "thumbnail")
    except (ServerError, SettingsError) as error:
        _LOG.debug("%s", error)
        return redirect(url_for("static", filename="no-picture.svg"))
    answer = Response(found.content, mimetype=found.kind)
    answer.headers["Cache-Control"] = _KEPT_BY_BROWSER
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@blueprint.get("/api/assets/<asset:asset_id>/picture")
def state(asset_id: str) -> Response:
    """The faces on a picture, and a word where it or they cannot be had."""
    note = ""
    try:
        parts().thumbnails.get(asset_id, "preview")
    except (ServerError, SettingsError) as error:
        note = _note(error, "picture")
    try:
        faces, _ = parts().asked_server.ask("faces", lambda client: client.faces(asset_id))
    except (ServerError, SettingsError) as error:
        return jsonify(faces=[], note=note or _note(error, "faces"))
    return jsonify(faces=[box._asdict() for box in boxes_of(faces)], note=note)


def _note(error: Union[ServerError, SettingsError], what: str) -> str:
    if isinstance(error, MissingPermissionError):
        return t(f"file.no_{what}.permission", permission=error.permission)
    return t(f"file.no_{what}")
