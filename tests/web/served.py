"""The page in a process of its own, as `immich-meta web` serves it, and plain requests to it.

Not here: an app without a server (visitor.py), and what is demanded of either (test_*.py).
"""

from __future__ import annotations

import http.client
import re
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

from tests.cli.home import Home, wait_until

Answer = tuple[int, dict[str, str], str]
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def cookie_of(headers: Mapping[str, str]) -> str:
    return headers["Set-Cookie"].partition(";")[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A page in a process of its own, and what it says."""

    def __init__(self, home: Home, **environ: str) -> None:
        self.port = free_port()
        self.child = home.start("web", "--port", str(self.port), PYTHONUNBUFFERED="1", **environ)
        self.said: list[str] = []
        self.errors = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            wait_until(lambda: self._answers() or self.child.poll() is not None, 60)
        except AssertionError:
            self.child.kill()  # else nobody would end it
            raise

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, cookie: str = "", **headers: str) -> Answer:
        return self._ask("GET", path, {**headers, "Cookie": cookie})

    def post(self, path: str, cookie: str, fields: Mapping[str, str], **headers: str) -> Answer:
        form = {**headers, "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, form, urlencode(fields))

    def log_in(self, password: str, **headers: str) -> tuple[str, str]:
        """The cookie, and the token of forms."""
        _, said, page = self.get("/login")
        fields = {"secret": password, "csrf": _CSRF.findall(page)[0]}
        _, said, _ = self.post("/login", cookie_of(said), fields, **headers)
        assert ("Secure" in said["Set-Cookie"]) is bool(headers)
        _, new, page = self.get("/sync", cookie_of(said))
        return cookie_of(new), _CSRF.findall(page)[0]

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, {name: value for name, value in headers.items() if value})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, dict(answer.getheaders()), text

    def end(self) -> None:
        """As `docker stop` does."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        self.child.wait(20)
        self._reader.join()
        assert self.child.stdout is not None
        assert self.child.stderr is not None
        self.errors = self.child.stderr.read()
        self.child.stdout.close()
        self.child.stderr.close()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.said.append(line)

    def _answers(self) -> bool:
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False


@contextmanager
def served(home: Home, **environ: str) -> Iterator[Served]:
    page = Served(home, **environ)
    try:
        yield page
    finally:
        page.end()
