"""Trying again when that may help: broken connections, 429, 502, 503, 504.

Not here: what an answer means (refusals.py). Nothing else is tried again: a 4xx is an answer.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Callable, Optional, Union

from immich_meta.api.exchange import Answer, Request, Transport
from immich_meta.api.pace import Pace
from immich_meta.errors import UnreachableError

_LOG = logging.getLogger(__name__)
_TRANSIENT = frozenset({429, 502, 503, 504})
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long, in seconds.

    `first_attempts` count until the server has answered once: a mistyped address should not take long to be
    told. Waits grow from `shortest` by doubling up to `longest`; `patience` bounds all waits of one request.
    """

    first_attempts: int = 4
    attempts: int = 7
    shortest: float = 0.5
    longest: float = 30.0
    patience: float = 180.0


class Retrying:
    """A transport that tries again. `close` ends all waiting at once."""

    def __init__(
        self,
        inner: Transport,
        *,
        policy: Optional[RetryPolicy] = None,
        pace: Optional[Pace] = None,
        sleep: Optional[Callable[[float], object]] = None,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._inner = inner
        self._policy = policy or RetryPolicy()
        self._pace = pace
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._jitter = jitter
        self._now = now
        self._answered = False

    def send(self, request: Request) -> Answer:
        """The first answer that is not transient, else the last one. Raises what the transport raises."""
        waited = 0.0
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(request)
            if isinstance(outcome, Answer) and outcome.status not in _TRANSIENT:
                self._answered = True
                return outcome
            wait = self._wait_before_next(attempt, outcome)
            if wait is None or waited + wait > self._policy.patience or self._closed.is_set():
                return _given_up(outcome)
            _LOG.info("%s: %s; trying again in %.1f s", request, _in_words(outcome), wait)
            waited += wait
            self._sleep(wait)

    def close(self) -> None:
        self._closed.set()
        self._inner.close()

    def _attempt(self, request: Request) -> Union[Answer, UnreachableError]:
        if self._pace:
            self._pace.wait()
        try:
            return self._inner.send(request)
        except UnreachableError as error:
            return error

    def _wait_before_next(self, attempt: int, outcome: Union[Answer, UnreachableError]) -> Optional[float]:
        """Seconds, or None when it was enough."""
        policy = self._policy
        if attempt >= (policy.attempts if self._answered else policy.first_attempts):
            return None
        asked = None
        if isinstance(outcome, Answer):
            asked = retry_after(outcome.headers.get("retry-after"), self._now())
        grown: float = min(policy.longest, policy.shortest * 2.0 ** (attempt - 1))
        # Half of it is certain, half is chance: many clients of one server shall not come back together.
        wait = grown * (0.5 + 0.5 * self._jitter())
        return wait if asked is None else asked + wait * 0.1


def retry_after(header: Optional[str], now: float) -> Optional[float]:
    """Seconds to wait by a Retry-After header (RFC 9110, 10.2.3), a number or a date; None without one."""
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, _utc(date).timestamp() - now)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _utc(date: datetime) -> datetime:
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def _given_up(outcome: Union[Answer, UnreachableError]) -> Answer:
    if isinstance(outcome, UnreachableError):
        raise outcome
    return outcome


def _in_words(outcome: Union[Answer, UnreachableError]) -> str:
    return f"the server answered {outcome.status}" if isinstance(outcome, Answer) else outcome.cause
