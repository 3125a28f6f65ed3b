"""Whether the server answers, whose key it is, and whether the photos are there.

Not here: how it is shown (pages/status.py).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Optional

from immich_meta.errors import ImmichMetaError, PathsError, ServerError, SettingsError
from immich_meta.settings import Settings, load, shown_value
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

    @property
    def is_well(self) -> bool:
        return self.server_problem is None and self.library_problem is None


class Connections:
    """Asks when it is wanted, at most one at a time, and keeps the answer for a minute."""

    def __init__(self, config: WebConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._known: Optional[Connection] = None

    def known(self) -> Optional[Connection]:
        """The answer of the last minute, without asking."""
        known = self._known
        return known if known is not None and self._config.monotonic() - known.at < KEPT_SECONDS else None

    def ask(self, *, again: bool = False) -> Connection:
        """The answer, which may take as long as the server takes."""
        with self._lock:
            known = None if again else self.known()
            if known is None:
                known = self._known = self._asked()
            return known

    def _asked(self) -> Connection:
        config = self._config
        try:
            settings = load(config.environ, config.config, config.directory, needs_server=True)
        except SettingsError as error:
            return Connection(config.monotonic(), server_problem=_problem(error))
        places = tuple(map(str, settings.path_map)) or (str(settings.photo_dir),)
        library_problem = _library_problem(settings)
        shown = Connection(
            config.monotonic(),
            address=shown_value(_ADDRESS, settings.instance_url),
            places=places,
            library_problem=library_problem,
        )
        return _with_server(shown, settings)


def _with_server(shown: Connection, settings: Settings) -> Connection:
    from dataclasses import replace

    from immich_meta.api.client import ImmichClient
    from immich_meta.api.retry import RetryPolicy
    from immich_meta.logs import Redactor

    redact = Redactor(settings.keys_of_all)
    policy = RetryPolicy(first_attempts=1, attempts=2, longest=1.0, patience=2.0)
    try:
        with ImmichClient(settings.instance_url, settings.api_key, timeout=_TIMEOUT, retry=policy) as client:
            server, me = client.server(), client.me()
            return replace(shown, version=str(server), user=redact(me.name), assets=client.count())
    except (ServerError, SettingsError) as error:
        return replace(shown, server_problem=Problem(redact(error.cause), redact(error.cure)))


def _library_problem(settings: Settings) -> Optional[Problem]:
    from immich_meta.sync.path_check import check_library

    try:
        check_library(settings.path_map, str(settings.photo_dir))
    except PathsError as error:
        return _problem(error)
    return None


def _problem(error: ImmichMetaError) -> Problem:
    return Problem(error.cause, error.cure)
