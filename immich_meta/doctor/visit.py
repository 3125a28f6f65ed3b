"""One visit to the server: everything that the checks have to know of it, asked in a few requests.

Not here: what the answers mean (server.py, key.py, clock.py, path_mapping.py).
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Callable, Optional

from immich_meta.api import preflight
from immich_meta.api.address import parse_address
from immich_meta.api.client import ImmichClient
from immich_meta.api.models import Asset, Server, User
from immich_meta.api.retry import Retrying, RetryPolicy
from immich_meta.errors import MissingPermissionError, ServerError

SAMPLE = 500
_TIMEOUT = 20.0
# Somebody waits for the answer: less patience than a run has.
_PATIENCE = RetryPolicy(first_attempts=2, attempts=3, longest=3.0, patience=10.0)
_ONCE = RetryPolicy(first_attempts=1, attempts=1)
_NO_KEY = "none"


@dataclass(frozen=True)
class Visit:
    """What the server told; None where it did not. `failure`: what ended the visit early.

    `assets`: a sample by chance, the user's own ones.
    """

    address: str
    server: Optional[Server] = None
    user: Optional[User] = None
    permissions: Optional[frozenset[str]] = None
    assets: tuple[Asset, ...] = ()
    clock: Optional[preflight.ClockReading] = None
    failure: Optional[ServerError] = None


def visit(url: str, api_key: str, now: Callable[[], float]) -> Visit:
    """Ask what can be asked; without a key, what needs none. Raises SettingsError for what is no address or no key."""
    from immich_meta.api.transport import HttpTransport

    address = parse_address(url)
    clock = preflight.ClockReader(HttpTransport(address, api_key or _NO_KEY, timeout=_TIMEOUT, connections=2), now)
    seen = Visit(address.shown)
    with closing(Retrying(clock, policy=_PATIENCE)) as transport:
        client = ImmichClient(url, api_key or _NO_KEY, transport=transport, retry=_ONCE)
        try:
            seen = replace(seen, server=client.server())
            if api_key:
                seen = replace(seen, permissions=preflight.permissions(transport))
                with suppress(MissingPermissionError):  # told by the permissions
                    seen = replace(seen, user=client.me())
                with suppress(MissingPermissionError):
                    seen = replace(seen, assets=_own(preflight.sample(transport, SAMPLE), seen.user))
        except ServerError as error:
            seen = replace(seen, failure=error)
    return replace(seen, clock=clock.reading)


def _own(assets: tuple[Asset, ...], user: Optional[User]) -> tuple[Asset, ...]:
    return tuple(asset for asset in assets if user is None or asset.owner_id in (user.id, None))
