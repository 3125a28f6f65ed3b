"""`/healthz`, for a container's health check: whether the page answers and a run can be remembered.

Not here: the server's health, which is no reason to start this program anew.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from immich_meta.web.parts import parts

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Needs no login and tells nothing but that."""
    return jsonify(status="ok", running=parts().control.active() is not None)
