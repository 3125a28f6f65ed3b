"""A gate before a stand-in server: a run can be caught in its middle.

Not here: what is demanded of such a run (test_*.py).
"""

from __future__ import annotations

import threading
from typing import Optional

from immich_meta.demo.api import Call, Reply
from immich_meta.demo.server import DemoServer


class Gate:
    """Keeps a server from answering some requests, until it is opened."""

    def __init__(self, server: DemoServer) -> None:
        self._server = server
        self._open = threading.Event()
        self.reached = threading.Event()

    def close(self, path: str, page: int = 1) -> None:
        """Lists from this page on, and other requests to `path`, get no answer."""
        plain = self._server.api.answer

        def answer(call: Call, key: Optional[str]) -> Reply:
            if call.path.startswith(path) and int(str(call.body.get("page", 1))) >= page:
                self.reached.set()
                self._open.wait(30)
            return plain(call, key)

        self._server.api.answer = answer  # type: ignore[method-assign]

    def open(self) -> None:
        self._open.set()
