"""Requests over HTTP with keep-alive: the only module that knows the requests library.

Not here: trying again (retry.py), and what an answer means (refusals.py).
The key goes to one host only, and into no message, repr or log.
"""

from __future__ import annotations

import json
import ssl
import time
from typing import Callable, Optional, Union

import requests
import urllib3.exceptions
from requests import exceptions as failures
from requests.adapters import HTTPAdapter

from immich_meta.api.address import SETTING, Address, redirected
from immich_meta.api.exchange import Answer, Request
from immich_meta.errors import (
    BadAnswerError,
    ImmichMetaError,
    RedirectError,
    SettingsError,
    TlsError,
    UnreachableError,
)

CONNECT_SECONDS = 10.0
# The largest honest answer seen in sizing is an album of 2.x with all its assets, about 1.5 kB each.
MAX_ANSWER_BYTES = 128 * 2**20
MAX_REDIRECTS = 5
_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# However slowly the bytes drip, an answer that is not complete after so many read timeouts is given up.
_PATIENCE_IN_TIMEOUTS = 10


class HttpTransport:
    """Carries requests to one Immich. `timeout`: seconds until the connection stands, and between two reads.

    Raises SettingsError for a key that cannot be a header.
    """

    def __init__(
        self,
        address: Address,
        api_key: str,
        *,
        timeout: float = 60.0,
        connections: int = 10,
        session: Optional[requests.Session] = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = address.api
        self._shown = address.shown
        self._key = checked_key(api_key)
        self._timeout = timeout
        self._clock = clock
        self._session = session or _new_session(address, connections)

    def __repr__(self) -> str:
        return f"HttpTransport({self._shown!r})"

    def send(self, request: Request) -> Answer:
        url = self._root + request.path
        for _hop in range(MAX_REDIRECTS + 1):
            answer, location = self._exchange(request, url)
            if location is None:
                self._learn(request, url)
                return answer
            url = self._next(request, url, location)
        raise RedirectError("the server sends us round in circles", request=str(request))

    def close(self) -> None:
        self._session.close()

    def _next(self, request: Request, url: str, location: str) -> str:
        try:
            # The location repeats the query when it is a faithful one; requests would add ours again.
            return redirected(url, requests.compat.urljoin(url, location)).partition("?")[0]
        except RedirectError as error:
            error.request = str(request)
            raise

    def _learn(self, request: Request, url: str) -> None:
        """After a redirect (http to https, say) the next request goes there at once."""
        if url.endswith(request.path):
            self._root = url[: len(url) - len(request.path)]

    def _exchange(self, request: Request, url: str) -> tuple[Answer, Optional[str]]:
        body = None if request.body is None else json.dumps(request.body).encode("ascii")
        try:
            with self._session.request(
                request.method,
                url,
                params=list(request.query),
                data=body,
                # Without a content type Immich ignores the body and sends 250 unfiltered assets (#31311).
                headers={
                    "x-api-key": self._key,
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                },
                timeout=(min(CONNECT_SECONDS, self._timeout), self._timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                location = response.headers.get("location") if response.status_code in _REDIRECTS else None
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, headers, self._read(request, response)), location
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._translated(request, error) from error

    def _read(self, request: Request, response: requests.Response) -> bytes:
        """The whole body, within bounds; in an answer that refuses, the key is blotted out."""
        deadline = self._clock() + self._timeout * _PATIENCE_IN_TIMEOUTS
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            chunks.append(chunk)
            if size > (request.most_bytes or MAX_ANSWER_BYTES):
                raise BadAnswerError(
                    f"the answer is larger than {(request.most_bytes or MAX_ANSWER_BYTES) >> 20} MB",
                    cure="" if request.most_bytes else "set IMMICH_SEARCH_PAGE_SIZE to 100",
                    request=str(request),
                )
            if self._clock() > deadline:
                raise UnreachableError("the answer comes too slowly", request=str(request))
        body = b"".join(chunks)
        return body.replace(self._key.encode("ascii"), b"***") if response.status_code >= 400 else body

    def _translated(
        self, request: Request, error: Union[requests.RequestException, urllib3.exceptions.HTTPError, OSError]
    ) -> ImmichMetaError:
        kind = failure_kind(type(error))
        if kind is SettingsError:
            return SettingsError(f"{self._shown} is not a web address", name=SETTING)
        cause = f"{_CAUSES[kind]} {self._shown}: {_innermost(error)}".replace(self._key, "***")
        return TlsError(cause) if kind is TlsError else UnreachableError(cause, request=str(request))


_CAUSES: dict[type[ImmichMetaError], str] = {
    TlsError: "no secure connection to",
    UnreachableError: "no answer from",
}

# By the most specific class; a test holds it against every exception that the library has.
FAILURE_KINDS: tuple[tuple[type[Exception], type[ImmichMetaError]], ...] = (
    (failures.SSLError, TlsError),
    (urllib3.exceptions.SSLError, TlsError),
    (ssl.SSLError, TlsError),
    (failures.InvalidURL, SettingsError),
    (failures.MissingSchema, SettingsError),
    (failures.InvalidSchema, SettingsError),
    (failures.URLRequired, SettingsError),
    (urllib3.exceptions.LocationValueError, SettingsError),
    (failures.RequestException, UnreachableError),
    (urllib3.exceptions.HTTPError, UnreachableError),
    (OSError, UnreachableError),
)


def failure_kind(failure: type[Exception]) -> type[ImmichMetaError]:
    """Which of our errors a failure of the libraries below is: by the first ancestor in the table."""
    table = dict(FAILURE_KINDS)
    return next((table[ancestor] for ancestor in failure.__mro__ if ancestor in table), UnreachableError)


def checked_key(api_key: str) -> str:
    """The key without the blanks around it. Raises SettingsError, which does not repeat it."""
    key = api_key.strip()
    if not key:
        raise SettingsError(
            "IMMICH_API_KEY is empty",
            name="IMMICH_API_KEY",
            cure="make a key in Immich under Account Settings > API Keys",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            "IMMICH_API_KEY holds characters that no key has",
            name="IMMICH_API_KEY",
            cure="copy the key again, without quotes, blanks or line breaks inside",
        )
    return key


def _new_session(address: Address, connections: int) -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = "immich-meta"
    # A proxy of the environment has no business between us and this very machine.
    session.trust_env = not address.is_loopback
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _innermost(error: BaseException) -> str:
    """The reason at the bottom: `Name or service not known` rather than the pool's five lines about it."""
    for _depth in range(12):
        below = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(below, BaseException):
            arguments = [each for each in error.args if isinstance(each, BaseException)]
            if not arguments:
                break
            below = arguments[-1]
        error = below
    if isinstance(error, TimeoutError):
        return "timed out"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]
