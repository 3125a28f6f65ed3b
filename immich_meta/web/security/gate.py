"""What each request has to pass: host, login, the token of a form; and what each answer says to browsers.

Not here: the login's page (pages/login.py).
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Optional, Union

from flask import Flask, Response, abort, g, jsonify, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response as AnyResponse

from immich_meta.web.parts import parts
from immich_meta.web.security.hosts import host_of, is_loopback

PUBLIC = frozenset({"login.show", "login.enter", "health.healthz", "static"})
_CSRF = "csrf"
_HEADER = "X-CSRF-Token"
# A path of this site: one slash, then nothing that a browser would take for another site.
_LOCAL = re.compile(r"/(?![/\\])[A-Za-z0-9._~/-]*(\?[A-Za-z0-9._~=&%+-]*)?")

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect", "font")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class SessionCookies(SecureCookieSessionInterface):
    """Cookies that go over TLS only where the page came over TLS, also through a proxy that says so."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return is_secure()


def guard(app: Flask) -> None:
    """Let every request of the app pass the gate."""
    app.session_interface = SessionCookies()
    app.before_request(_refuse_other_hosts)
    app.before_request(_ask_for_login)
    app.before_request(_check_token)
    app.after_request(_with_headers)
    app.jinja_env.globals["csrf_token"] = csrf_token


def is_secure() -> bool:
    """Whether the page came over TLS."""
    return request.is_secure or request.headers.get("X-Forwarded-Proto", "") == "https"


def wants_json() -> bool:
    """Whether a program asks, and not a person."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


def is_logged_in() -> bool:
    visit = session.get("visit")
    is_under_way = isinstance(visit, str) and visit not in parts().left
    return is_under_way and parts().door.is_proof(session.get("proof"))


def log_in() -> None:
    """Whoever has this session may see everything from now on."""
    session.clear()
    session.permanent = True
    session["proof"] = parts().door.proof
    session["visit"] = secrets.token_urlsafe(16)


def log_out() -> None:
    """The browser is told to forget its cookie, and a copy of it opens nothing any more."""
    if is_logged_in():
        parts().left.add(session["visit"])
    session.clear()


def csrf_token() -> str:
    """What each form of this session sends along, as `csrf` or in the header X-CSRF-Token."""
    if _CSRF not in session:
        session[_CSRF] = secrets.token_urlsafe(24)
    return str(session[_CSRF])


def local_path(wanted: str) -> Optional[str]:
    """A path of this site, as it was wanted; None when it could lead elsewhere."""
    return wanted if len(wanted) <= 300 and _LOCAL.fullmatch(wanted) else None


def _refuse_other_hosts() -> None:
    if parts().config.is_local and not is_loopback(host_of(request.headers.get("Host", ""))):
        g.is_refused = True
        abort(403, "host")


def _ask_for_login() -> Optional[Union[Response, AnyResponse, tuple[Response, int]]]:
    if request.endpoint in PUBLIC or is_logged_in():
        return None
    if wants_json():
        return jsonify(error={"kind": "login", "message": "not logged in"}), 401
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    following = local_path(wanted)
    return redirect(url_for("login.show", next=following if following != "/" else None))


def _check_token() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    offered = request.headers.get(_HEADER) or request.form.get(_CSRF, "")
    expected = str(session.get(_CSRF, ""))
    if not expected or not hmac.compare_digest(offered.encode("utf-8", "replace"), expected.encode()):
        abort(400, "csrf")


def _with_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static" or response.status_code >= 400:
        response.headers.setdefault("Cache-Control", "no-store")
    return response
