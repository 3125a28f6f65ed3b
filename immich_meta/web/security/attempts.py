"""How often somebody may try a password.

Not here: the password (door.py).
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict, deque
from typing import Callable

WINDOW = 300.0  # seconds
PER_ADDRESS = 5
ALTOGETHER = 50
_MOST_ADDRESSES = 1000


class Attempts:
    """Counts failed logins of the last five minutes: 5 from one address (of IPv6: one /64), 50 from all."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: deque[float] = deque(maxlen=ALTOGETHER)
        self._from: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str, *, is_known: bool = False) -> float:
        """Seconds until the next try is looked at; 0: now. `is_known`: it is a browser that had been let in before
        (instead of an address), which does not wait for what others do."""
        with self._lock:
            here = self._from.get(_network(address), deque[float]())
            if is_known:
                return self._until_free(here, PER_ADDRESS)
            return max(self._until_free(here, PER_ADDRESS), self._until_free(self._all, ALTOGETHER))

    def failed(self, address: str) -> None:
        with self._lock:
            now, network = self._clock(), _network(address)
            self._all.append(now)
            self._from.setdefault(network, deque(maxlen=PER_ADDRESS)).append(now)
            self._from.move_to_end(network)
            while len(self._from) > _MOST_ADDRESSES:
                self._from.popitem(last=False)

    def succeeded(self, address: str) -> None:
        with self._lock:
            self._from.pop(_network(address), None)

    def _until_free(self, failures: deque[float], most: int) -> float:
        if len(failures) < most:
            return 0.0
        return max(0.0, failures[0] + WINDOW - self._clock())


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
