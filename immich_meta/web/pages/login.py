"""The login, and the way out.

Not here: passwords and tokens (security/door.py), and how often they may be tried (security/attempts.py).
"""

from __future__ import annotations

from typing import Union

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from immich_meta.web.parts import parts
from immich_meta.web.security.gate import is_logged_in, is_secure, local_path, log_in, log_out

blueprint = Blueprint("login", __name__)
_LONGEST = 1000
_MARK = "immich_meta_known"
_YEAR = 365 * 24 * 3600
Answer = Union[str, Response]


@blueprint.get("/login")
def show() -> Answer:
    if is_logged_in():
        return redirect(_following())
    token = request.args.get("token", "")
    # HEAD is what looks at links; it uses up nothing. A password in an address would stay in histories and logs.
    if token and request.method == "GET" and not parts().door.has_password:
        return _tried(token)
    return _form()


@blueprint.post("/login")
def enter() -> Answer:
    return _tried(request.form.get("secret", ""))


@blueprint.post("/logout")
def leave() -> Answer:
    log_out()
    return redirect(url_for("login.show"))


def _tried(secret: str) -> Answer:
    door, attempts, mark = parts().door, parts().attempts, request.cookies.get(_MARK, "")
    # Behind a proxy all have one address: who was let in before does not wait for what a stranger tries.
    is_known = door.is_mark(mark)
    address = mark if is_known else request.remote_addr or ""
    # Nobody guesses a token of 256 bits; and any site can have its visitors' browsers ask for links with wrong ones.
    wait = attempts.wait(address, is_known=is_known) if door.has_password else 0.0
    if wait:
        answer = make_response(_form(wait=wait), 429)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    if len(secret) > _LONGEST or not door.opens(secret):
        attempts.failed(address)
        return make_response(_form(is_wrong=True), 403)
    attempts.succeeded(address)
    following = _following()
    log_in()
    opened = redirect(following)
    if door.has_password:
        opened.set_cookie(_MARK, door.mark(), max_age=_YEAR, httponly=True, samesite="Strict", secure=is_secure())
    return opened


def _form(*, is_wrong: bool = False, wait: float = 0.0) -> str:
    return render_template(
        "login.html",
        has_password=parts().door.has_password,
        is_wrong=is_wrong,
        wait=wait,
        following=_following(),
    )


def _following() -> str:
    """Where the login leads: a path of this site, whatever was asked for."""
    return local_path(request.values.get("next", "")) or url_for("status.index")
