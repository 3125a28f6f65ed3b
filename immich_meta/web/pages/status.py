"""Home: is the server there, are the photos there, what became of the last run, what comes next.

Not here: asking the server (connection.py).
"""

from __future__ import annotations

from flask import Blueprint, render_template, request

from immich_meta.web.pages.summary import summary_of
from immich_meta.web.parts import parts

blueprint = Blueprint("status", __name__)


@blueprint.get("/")
def index() -> str:
    """At once; the server is asked by the script, or by following its link (`?ask=1`)."""
    connections = parts().connections
    connection = connections.ask(again=True) if request.args.get("ask") == "1" else connections.known()
    newest = parts().folders.newest()
    return render_template(
        "status.html", connection=connection, newest=None if newest is None else summary_of(newest)
    )


@blueprint.get("/api/connection")
def connection() -> str:
    """A piece of the page: may take as long as the server takes."""
    return render_template("connection.html", connection=parts().connections.ask(again=request.args.get("ask") == "1"))
