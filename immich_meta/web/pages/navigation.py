"""What the head of every page leads to.

Not here: the pages.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import Flask, request, url_for

from immich_meta.web.security.gate import is_logged_in


class Entry(NamedTuple):
    key: str
    url: str
    is_here: bool


# Endpoint and text.
_ENTRIES = (
    ("status.index", "nav.status"),
    ("sync.form", "nav.sync"),
    ("runs.index", "nav.runs"),
    ("settings.index", "nav.settings"),
)
_ALSO = {"live": "sync", "files": "runs", "thumbnails": "runs", "undo": "runs"}


def offer(app: Flask) -> None:
    """Templates know `navigation()` and `is_logged_in()`."""
    app.context_processor(lambda: {"navigation": _navigation, "is_logged_in": is_logged_in})


def _navigation() -> list[Entry]:
    here = request.blueprint or ""
    here = _ALSO.get(here, here)
    return [Entry(key, url_for(endpoint), endpoint.partition(".")[0] == here) for endpoint, key in _ENTRIES]
