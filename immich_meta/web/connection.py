"""Whether the server answers, whose key it is, and whether the photos are there.

Not here: how it is shown (pages/status.py).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta.errors import ImmichMetaError, PathsError, ServerError, SettingsError
from immich_meta.settings import Settings, shown_value
from immich_meta.settings_table import VARIABLES
from immich_meta.web.config import WebConfig

KEPT_SECONDS = 60.0
_TIMEOUT = 10.0
_ADDRESS = next(each for each in VARIABLES if each.name == "IMMICH_INSTANCE_URL")


@dataclass(frozen=True)
class Problem:
    cause: str
    cure: str


@dataclass(frozen=True)
class Connection:
    """How it was `at` (monotonic seconds). `assets` None: the key may not ask."""

    at: float
    address: str = ""
    version: str = ""
    user: str = ""
    assets: Optional[int] = None
    places: tuple[str, ...] = ()
    server_problem: Optional[Problem] = None
    library_problem: Optional[Problem] = None


class Connections:
    """Asks when it is wanted, at most one at a time, and keeps the answer for a minute."""

    def __init__(self, config: WebConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._known: Optional[Connection] = None
        self._begun = 0

    def known(self) -> Optional[Connection]:
        """The answer of the last minute, without asking."""
        known = self._known
        return known if known is not None and self._config.monotonic() - known.at < KEPT_SECONDS else None

    def ask(self, *, again: bool = False) -> Connection:
        """The answer, which may take as long as the server takes."""
        begun = self._begun
        with self._lock:
            # What was asked while this one waited is new enough: many who ask do not wait in a row.
            is_new = self._begun > begun
            known = self._known if is_new else None if again else self.known()
            if known is None:
                self._begun += 1
                known = self._known = self._asked()
            return known

    def _asked(self) -> Connection:
        config, problems = self._config, self._config.problems()
        if problems:
            return Connection(config.monotonic(), server_problem=_problem(problems[0]))
        users = config.users()
        found = [_of(settings) for settings in users]
        return Connection(
            config.monotonic(),
            address=", ".join(dict.fromkeys(shown_value(_ADDRESS, each.instance_url) for each in users)),
            version=", ".join(dict.fromkeys(each.version for each in found if each.version)),
            user=", ".join(each.user for each in found if each.user),
            assets=_sum([each.assets for each in found]),
            places=tuple(dict.fromkeys(place for settings in users for place in _places(settings))),
            server_problem=next((each.problem for each in found if each.problem), None),
            library_problem=next(filter(None, map(_library_problem, users)), None),
        )


class _Found(NamedTuple):
    version: str = ""
    user: str = ""
    assets: Optional[int] = None
    problem: Optional[Problem] = None


def _of(settings: Settings) -> _Found:
    """What the server says to one user's key."""
    from immich_meta.api.client import ImmichClient
    from immich_meta.api.retry import RetryPolicy
    from immich_meta.logs import Redactor

    redact = Redactor(settings.keys_of_all)
    policy = RetryPolicy(first_attempts=1, attempts=2, longest=1.0, patience=2.0)
    try:
        with ImmichClient(settings.instance_url, settings.api_key, timeout=_TIMEOUT, retry=policy) as client:
            return _Found(str(client.server()), redact(client.me().name), client.count())
    except (ServerError, SettingsError) as error:
        whose = f"{settings.user}: " if settings.user else ""
        return _Found(problem=Problem(redact(f"{whose}{error.cause}"), redact(error.cure)))


def _sum(numbers: Sequence[Optional[int]]) -> Optional[int]:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _places(settings: Settings) -> tuple[str, ...]:
    return tuple(map(str, settings.path_map)) or (str(settings.photo_dir),)


def _library_problem(settings: Settings) -> Optional[Problem]:
    from immich_meta.sync.path_check import check_library

    try:
        check_library(settings.path_map, str(settings.photo_dir))
    except PathsError as error:
        return _problem(error)
    return None


def _problem(error: ImmichMetaError) -> Problem:
    return Problem(error.cause, error.cure)
