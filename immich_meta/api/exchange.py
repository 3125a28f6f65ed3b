"""One request and its answer, and what carries them.

Not here: HTTP itself (transport.py), trying again (retry.py), what an answer means (refusals.py, decode.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional, Protocol


@dataclass(frozen=True)
class Request:
    """A call of the API. `path` starts after `/api`; `permission` is the scope that the key needs for it.

    `most_bytes`: of the answer; None for as many as any honest one has.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Optional[Mapping[str, object]] = None
    permission: str = ""
    most_bytes: Optional[int] = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """What came back; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Carries requests; from several threads at once.

    `send` raises UnreachableError, TlsError, RedirectError, BadAnswerError; any status is an answer.
    """

    def send(self, request: Request) -> Answer: ...

    def close(self) -> None: ...
