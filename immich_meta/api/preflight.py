"""What is asked of a server before anything is done with it: what the key may, a few assets, and its clock.

Not here: what a run asks (client.py), and what the answers mean for the user.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Callable, Optional

from immich_meta.api import decode
from immich_meta.api.exchange import Answer, Request, Transport
from immich_meta.api.models import Asset
from immich_meta.api.paging import FIRST, read_page
from immich_meta.api.refusals import content
from immich_meta.api.values import entries, mapping
from immich_meta.errors import BadAnswerError, FaultError, MissingPermissionError, RefusedError

EVERYTHING = "all"
_NOBODYS = "00000000-0000-4000-8000-000000000000"
# What each permission is needed for; without it the answer is a 403, whatever else there is to say (400, 404).
_TRIALS = (
    Request("GET", "/users/me", permission="user.read"),
    Request("POST", "/search/metadata", body={"page": 1, "size": 1}, permission="asset.read"),
    Request("GET", "/albums", permission="album.read"),
    Request("GET", "/tags", permission="tag.read"),
    Request("GET", "/people", query=(("page", "1"), ("size", "1")), permission="person.read"),
    Request("GET", "/faces", query=(("id", _NOBODYS),), permission="face.read"),
    Request("GET", f"/assets/{_NOBODYS}/edits", permission="asset.edit.get"),
)


@dataclass(frozen=True)
class ClockReading:
    """The server's clock (seconds since 1970, whole ones) and ours, read at about the same moment."""

    theirs: float
    ours: float

    @property
    def ahead(self) -> float:
        """Seconds that the server's clock is ahead of ours; exact to about a second."""
        return self.theirs + 0.5 - self.ours


class ClockReader:
    """A transport that reads the Date header (RFC 9110, 6.6.1) of each answer that passes. `now`: our clock."""

    def __init__(self, inner: Transport, now: Callable[[], float] = time.time) -> None:
        self._inner = inner
        self._now = now
        self.reading: Optional[ClockReading] = None

    def send(self, request: Request) -> Answer:
        before = self._now()
        answer = self._inner.send(request)
        theirs = _seconds(answer.headers.get("date"))
        if theirs is not None:
            self.reading = ClockReading(theirs, (before + self._now()) / 2)
        return answer

    def close(self) -> None:
        self._inner.close()


def permissions(transport: Transport) -> frozenset[str]:
    """What the key may, of what is asked here; {"all"} for everything.

    Servers before 2.2.3 do not tell: each request is tried. Raises ServerError.
    """
    request = Request("GET", "/api-keys/me")
    try:
        told = mapping(content(request, transport.send(request))).get("permissions")
    except (RefusedError, FaultError, MissingPermissionError, BadAnswerError):
        told = None
    if isinstance(told, list):
        return frozenset(each for each in told if isinstance(each, str))
    return frozenset(trial.permission for trial in _TRIALS if _may(transport, trial))


def sample(transport: Transport, size: int) -> tuple[Asset, ...]:
    """At most `size` assets, by chance all over the library. Raises ServerError.

    A partner's may be among them; trashed and offline ones are not. Where the server cannot choose by chance, they are
    the oldest and the newest ones.
    """
    request = Request("POST", "/search/random", body={"size": size, "withExif": True}, permission="asset.read")
    try:
        items: Iterable[object] = entries(content(request, transport.send(request)))
    except (RefusedError, FaultError, BadAnswerError):
        items = [item for order in ("asc", "desc") for item in _end_of_list(transport, size // 2, order)]
    return tuple({asset.id: asset for asset in _alive(items)}.values())


def _end_of_list(transport: Transport, size: int, order: str) -> Sequence[object]:
    body = {"page": FIRST, "size": max(1, size), "withExif": True, "order": order}
    request = Request("POST", "/search/metadata", body=body, permission="asset.read")
    return read_page(content(request, transport.send(request)), FIRST).items


def _alive(items: Iterable[object]) -> Iterator[Asset]:
    for item in items:
        asset = decode.asset(item)
        if isinstance(asset, Asset) and not asset.is_trashed and not asset.is_offline:
            yield asset


def _may(transport: Transport, trial: Request) -> bool:
    try:
        content(trial, transport.send(trial))
    except MissingPermissionError:
        return False
    except (RefusedError, FaultError, BadAnswerError):
        return True
    return True


def _seconds(header: Optional[str]) -> Optional[float]:
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
