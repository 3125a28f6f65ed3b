"""How many browsers may listen to a run at the same time: each of them keeps a thread of the server.

Not here: what they hear (pages/live.py).
"""

from __future__ import annotations

import threading

MOST = 8


class Streams:
    """`enter` says whether there is room for one more; who got in has to `leave`, and soon after `end`."""

    def __init__(self, most: int = MOST) -> None:
        self._room = threading.BoundedSemaphore(most)
        self._over = threading.Event()

    def enter(self) -> bool:
        return self._room.acquire(blocking=False)

    def leave(self) -> None:
        self._room.release()

    def end(self) -> None:
        """The server stops: nobody is to be kept waiting by those who listen."""
        self._over.set()

    def wait(self, seconds: float) -> bool:
        """So long, or until the end; whether it is the end."""
        return self._over.wait(seconds)
