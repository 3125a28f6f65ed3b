"""In which language the pages speak: as the cookie says, else as the browser asks.

Not here: the words (texts/).
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, request, url_for

from immich_meta.web.texts import LANGUAGES, text

COOKIE = "immich_meta_lang"
_ARGUMENT = "lang"
# What else stands in an address may be a one-time token.
_KEPT = ("next", "again", "level", "status", "tag", "text", "page")
_YEAR = 365 * 24 * 3600


def speak(app: Flask) -> None:
    """Every template of the app can say `t('key', name=value)`."""
    app.before_request(_choose)
    app.after_request(_keep)
    app.context_processor(
        lambda: {"t": t, "language": language(), "languages": LANGUAGES, "language_url": _language_url}
    )


def language() -> str:
    """`en` or `de`."""
    return str(g.get("language", "en"))


def t(key: str, **values: object) -> str:
    """A text in the language of this request."""
    return text(language(), key, **values)


def _choose() -> None:
    asked = (request.args.get(_ARGUMENT, ""), request.cookies.get(COOKIE, ""))
    best = request.accept_languages.best_match(list(LANGUAGES), default="en")
    g.language = next((each for each in asked if each in LANGUAGES), best)


def _keep(response: Response) -> Response:
    if request.args.get(_ARGUMENT, "") in LANGUAGES:
        secure = request.is_secure
        response.set_cookie(COOKIE, language(), max_age=_YEAR, httponly=True, samesite="Strict", secure=secure)
    return response


def _language_url(wanted: str) -> str:
    """This page in another language; a page that is no page leads home."""
    if request.endpoint is None or request.method != "GET":
        return url_for("status.index", lang=wanted)
    # What else stands in the address may be a one-time token; `next` is where a login leads.
    kept: dict[str, Any] = {name: request.args[name] for name in _KEPT if name in request.args}
    return url_for(request.endpoint, **{**(request.view_args or {}), **kept, _ARGUMENT: wanted})
