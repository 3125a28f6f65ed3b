"""Where the API is, out of what people type as the address of their Immich.

Not here: whether anything answers there (client.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional
from urllib.parse import SplitResult, urlsplit

from immich_meta.errors import RedirectError, SettingsError

SETTING = "IMMICH_INSTANCE_URL"
_CURE = "for example http://192.168.1.10:2283 or https://photos.example.org"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """`api` is the root of the API without a trailing slash; `shown` is the same without user and password.

    `assumed_http`: nobody said http or https.
    """

    api: str
    shown: str
    host: str
    assumed_http: bool = False

    @property
    def is_loopback(self) -> bool:
        return _LOOPBACK.fullmatch(self.host) is not None


def parse_address(typed: str) -> Address:
    """The address of the API, for what was typed: with or without http://, /api, a sub-path, slashes, blanks.

    Without a scheme it is http://. A query and a fragment are dropped. Raises SettingsError.
    """
    trimmed = typed.strip()
    if not trimmed:
        raise SettingsError(f"{SETTING} is empty", name=SETTING, cure=_CURE)
    assumed = _SCHEME.match(trimmed) is None
    parts = _split(f"http://{trimmed}" if assumed else trimmed)
    host = parts.hostname if parts else None
    if parts is None or not host or parts.scheme.lower() not in ("http", "https") or _is_odd(parts, host):
        raise SettingsError(
            f"{SETTING} is {_without_user(trimmed)!r}, which is not a web address", name=SETTING, cure=_CURE
        )
    segments = [segment for segment in parts.path.split("/") if segment]
    if not segments or segments[-1].lower() != "api":
        segments.append("api")
    path = "/" + "/".join(segments)
    scheme = parts.scheme.lower()
    netloc = parts.netloc
    return Address(
        api=f"{scheme}://{netloc}{path}",
        shown=f"{scheme}://{netloc.rpartition('@')[2]}{path}",
        host=host,
        assumed_http=assumed,
    )


def redirected(sent: str, location: str) -> str:
    """The address to go on to, when the key may go there: the same host, and never from https back to http.

    Raises RedirectError.
    """
    before, after = urlsplit(sent), _split(location)
    host = after.hostname if after else None
    if after is None or not host or after.scheme not in ("http", "https"):
        raise RedirectError("the server sends us on to something that is not a web address")
    if host != before.hostname:
        raise RedirectError(f"the server sends us on to another host, {host}; the API key does not go there")
    if before.scheme == "https" and after.scheme == "http":
        raise RedirectError("the server sends us from https back to http; the API key does not go there")
    netloc = after.netloc.rpartition("@")[2]
    user = before.netloc.rpartition("@")[0]
    return after._replace(netloc=f"{user}@{netloc}" if user else netloc, fragment="").geturl()


def _split(address: str) -> Optional[SplitResult]:
    try:
        parts = urlsplit(address)
        _ = parts.port, parts.hostname
    except ValueError:
        return None
    return parts


def _is_odd(parts: SplitResult, host: str) -> bool:
    """Whether no resolver could take the host (RFC 1035, 2.3.4), or blanks stand inside the address."""
    try:
        host.encode("idna")
    except UnicodeError:
        return True
    address = f"{parts.netloc}{parts.path}"
    return not address.isprintable() or any(letter.isspace() for letter in parts.netloc)


def _without_user(typed: str) -> str:
    return re.sub(r"[^/@]*@", "", typed)[:200]
