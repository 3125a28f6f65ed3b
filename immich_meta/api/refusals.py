"""What an answer that is not the wanted one means, in words.

Not here: which answers are worth another try (retry.py).
"""

from __future__ import annotations

import re
from typing import Optional

from immich_meta.api.exchange import Answer, Request
from immich_meta.api.values import entries, mapping, parse
from immich_meta.errors import (
    BadAnswerError,
    BusyError,
    FaultError,
    MaintenanceError,
    MissingPermissionError,
    NotImmichError,
    RefusedError,
    ServerError,
    WrongKeyError,
)

MAX_WORDS = 300
_PERMISSION = re.compile(r"Missing required permissions?: ?([\w.]+)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def content(request: Request, answer: Answer) -> object:
    """The JSON of an answer of 2xx. Raises the ServerError that fits any other answer."""
    if not 200 <= answer.status < 300:
        raise refusal(request, answer)
    try:
        return parse(answer.body)
    except ValueError as error:
        if is_web_page(answer):
            raise NotImmichError(
                "a web page came back where Immich's API should answer", request=str(request)
            ) from error
        raise BadAnswerError(
            f"the answer of {len(answer.body)} bytes is not complete JSON", request=str(request)
        ) from error


def refusal(request: Request, answer: Answer) -> ServerError:
    """The error that fits a status outside of 2xx."""
    status, said = answer.status, words(answer)
    told = {"request": str(request)}
    if status == 401:
        return _unauthorised(request, answer, said)
    if status == 403:
        return _forbidden(request, answer, said)
    if status in (429, 502, 503, 504):
        if "maintenance" in said.lower():
            return MaintenanceError(f"the server says: {said}", status=status, **told)
        return BusyError(_sentence(f"still {status} after all retries", said), status=status, **told)
    if status >= 500:
        return FaultError(_sentence(f"the server failed with {status}", said), status=status, **told)
    if status == 404 and is_web_page(answer):
        return NotImmichError("nothing of Immich is found at this address (404)", status=status, **told)
    if status >= 400:
        return RefusedError(_sentence(f"the server refused with {status}", said), status=status, **told)
    return BadAnswerError(f"a status that makes no sense: {status}", status=status, **told)


def _unauthorised(request: Request, answer: Answer, said: str) -> ServerError:
    if "www-authenticate" in answer.headers or is_web_page(answer):
        return WrongKeyError(
            "a login stands before Immich and does not let us through (401)",
            cure="set IMMICH_INSTANCE_URL to an address that leads to Immich without another login",
            request=str(request),
            status=401,
        )
    return WrongKeyError(
        _sentence("the server does not accept the API key (401)", said), request=str(request), status=401
    )


def _forbidden(request: Request, answer: Answer, said: str) -> ServerError:
    if is_web_page(answer):
        return RefusedError(
            "something before Immich, a proxy or firewall, forbids the request (403)",
            request=str(request),
            status=403,
        )
    named = _PERMISSION.search(said)
    return MissingPermissionError(named.group(1) if named else request.permission, request=str(request))


def is_web_page(answer: Answer) -> bool:
    """Whether it is made for a browser."""
    head = answer.body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith(b"<") or "text/html" in answer.headers.get("content-type", "").lower()


def words(answer: Answer) -> str:
    """The server's own explanation on one line, at most MAX_WORDS characters; empty when it has none."""
    try:
        body = mapping(parse(answer.body))
    except ValueError:
        return ""
    message = body.get("message")
    parts = message if isinstance(message, list) else [message]
    parts = parts + [_validation(item) for item in entries(body.get("errors"))]
    text = "; ".join(part for part in parts if isinstance(part, str) and part)
    return _UNPRINTABLE.sub(" ", text)[:MAX_WORDS]


def _validation(item: object) -> Optional[str]:
    """One entry of `errors`, as servers from 3.0 on send them: {code, path, message}."""
    fields = mapping(item)
    path, message = fields.get("path"), fields.get("message")
    where = ".".join(str(step) for step in path) if isinstance(path, list) else ""
    return f"{where}: {message}" if where and isinstance(message, str) else None


def _sentence(cause: str, said: str) -> str:
    return f"{cause}: {said}" if said else cause
