"""So many requests per second and no more.

Not here: waiting after a failure (retry.py).
"""

from __future__ import annotations

import threading
from typing import Callable


class Pace:
    """Spaces requests evenly; safe to use from several threads.

    `per_second` is above 0; `clock` gives monotonic seconds; `sleep` waits that many.
    """

    def __init__(
        self, per_second: float, *, clock: Callable[[], float], sleep: Callable[[float], object]
    ) -> None:
        self._interval = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()

    def wait(self) -> None:
        """Returns when the next request may go."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)
