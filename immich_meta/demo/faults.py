"""What can go wrong on the way, on purpose.

Not here: what Immich says when all is well (api.py).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Optional


@dataclass
class Fault:
    """Meets the next `times` requests (None: all of them) whose path after `/api` starts with `path`.

    `delay`: seconds before the answer. `drops`: the connection is closed without one. `status`, `headers`,
    `body` replace the answer; `keeps` sends only so many bytes of it, with a matching length, `breaks_off`
    with the whole length and then a closed connection. Without any of them the answer is the usual one.
    """

    path: str = ""
    times: Optional[int] = 1
    delay: float = 0.0
    drops: bool = False
    status: Optional[int] = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Optional[bytes] = None
    keeps: Optional[int] = None
    breaks_off: bool = False


class Faults:
    """The faults still to come; the first that fits is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._coming.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._coming.clear()

    def next_for(self, path: str) -> Optional[Fault]:
        with self._lock:
            for fault in self._coming:
                if not path.startswith(fault.path):
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._coming.remove(fault)
                return fault
        return None
