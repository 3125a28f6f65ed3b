"""The Immich of the settings, asked for one small thing at a time; for a while after a failure it is left alone.

Not here: what it is asked (thumbnails.py, boxes.py). A sync has a client of its own, which is more patient.
"""

from __future__ import annotations

import threading
from typing import Callable, NamedTuple, Optional, TypeVar

from immich_meta.api.client import ImmichClient
from immich_meta.api.retry import RetryPolicy
from immich_meta.errors import (
    BadAnswerError,
    BusyError,
    FaultError,
    RedirectError,
    RefusedError,
    ServerError,
    SettingsError,
)
from immich_meta.web.config import WebConfig

T = TypeVar("T")

TIMEOUT = 8.0
REST_SECONDS = 20.0
_AT_ONCE = 4
_WAIT_SECONDS = 10.0
# These say something of one asset; any other failure would meet the next one just as well.
_OF_ONE_ASSET = (BadAnswerError, FaultError, RedirectError, RefusedError)


class Account(NamedTuple):
    """A server and the key of one user."""

    address: str
    key: str


class AskedServer:
    """Shared by all threads of the page; at most four of them ask at the same time."""

    def __init__(self, config: WebConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._clients: dict[Account, ImmichClient] = {}
        self._failures: dict[tuple[Account, str], tuple[float, ServerError]] = {}

    def accounts(self) -> tuple[Account, ...]:
        """Of each user, as they are set now. Raises SettingsError."""
        users = self._config.users()
        found = tuple(Account(each.instance_url, each.api_key) for each in users if each.instance_url and each.api_key)
        if not found:
            raise SettingsError("no server is set", name="IMMICH_INSTANCE_URL", cure="set it, and IMMICH_API_KEY")
        return found

    def ask(self, what: str, question: Callable[[ImmichClient], T]) -> tuple[T, Account]:
        """The first answer to a question of the kind `what`, and whose it is: an asset is often one user's alone.

        Raises SettingsError, and the first ServerError when nobody gets an answer.
        """
        first: Optional[ServerError] = None
        for account in self.accounts():
            try:
                return self._ask_one(account, what, question), account
            except ServerError as error:
                first = first or error
        assert first is not None  # noqa: S101 - there is at least one account
        raise first

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _ask_one(self, account: Account, what: str, question: Callable[[ImmichClient], T]) -> T:
        self._raise_known(account, what)
        if not self._room.acquire(timeout=_WAIT_SECONDS):
            raise BusyError("the server takes long to answer")
        try:
            self._raise_known(account, what)
            return question(self._client(account))
        except _OF_ONE_ASSET:
            raise
        except ServerError as error:
            self._failures[account, what] = (self._config.monotonic() + REST_SECONDS, error)
            raise
        finally:
            self._room.release()

    def _client(self, account: Account) -> ImmichClient:
        with self._lock:
            if account not in self._clients:
                policy = RetryPolicy(first_attempts=1, attempts=1)
                self._clients[account] = ImmichClient(account.address, account.key, timeout=TIMEOUT, retry=policy)
            return self._clients[account]

    def _raise_known(self, account: Account, what: str) -> None:
        until, error = self._failures.get((account, what), (0.0, None))
        if error is not None and self._config.monotonic() < until:
            raise error
