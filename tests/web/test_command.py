"""`immich-meta web`: what it refuses, what it prints, and that it serves and ends."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.home import KEY, Home, wait_until

_LINK = re.compile(r"To log in, once: http://127\.0\.0\.1:(\d+)(/login\?token=\S+)")


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
        wait_until(lambda: self._answers() or self.child.poll() is not None, 30)

    def get(self, path: str, cookie: str = "", host: str = "localhost") -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers={"Host": host, **({"Cookie": cookie} if cookie else {})})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    def end(self) -> None:
        """As `docker stop` does."""
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


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "nas.local"])
def test_without_a_password_it_is_not_opened_to_other_machines(home: Home, host: str) -> None:
    for ran in (home.run("web", FLASK_HOST=host), home.run("web", "--host", host)):
        assert ran.code == 2
        assert "there is no password" in ran.err
        assert "IMMICH_META_WEB_PASSWORD" in ran.err


@pytest.mark.parametrize(
    ("name", "value"),
    [("IMMICH_META_WEB_PASSWORD", "short"), ("FLASK_SECRET_KEY", "short"), ("FLASK_PORT", "0"), ("FLASK_HOST", "a b")],
)
def test_a_wrong_setting_is_named_and_a_secret_is_not_quoted(home: Home, name: str, value: str) -> None:
    ran = home.run("web", **{name: value})
    assert ran.code == 2
    assert name in ran.err
    assert "short" not in ran.err


def test_where_the_page_is_not_installed_it_says_how_to(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "waitress", None)
    ran = home.run("web")
    assert ran.code == 2
    assert "pip install 'immich-meta[web]'" in ran.err


def test_a_port_that_is_taken_is_named(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        child = home.start("web", "--port", str(taken.getsockname()[1]))
        _, err = child.communicate(timeout=30)
    assert child.returncode == 2
    assert "cannot be served" in err
    assert "Traceback" not in err


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_it_serves_prints_a_link_that_opens_once_and_ends(home: Home) -> None:
    with served(home) as page:
        link = next(found for found in map(_LINK.match, page.said) if found)
        assert int(link[1]) == page.port
        status, headers, _ = page.get(link[2])
        assert (status, headers["Location"]) == (302, "/")
        assert "Server" not in headers
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert page.get("/settings", cookie)[0] == 200
        assert page.get(link[2])[0] == 403
        assert page.get("/", cookie, host="evil.example")[0] == 403
        assert sum(1 for line in page.said if _LINK.match(line)) == 2
    assert page.child.returncode == 130
    assert page.errors == ""


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_with_a_password_no_token_is_printed_and_the_password_is_nowhere(home: Home) -> None:
    password = "correct horse battery"
    with served(home, IMMICH_META_WEB_PASSWORD=password, FLASK_DEBUG="true") as page:
        assert page.get("/login?token=x")[0] == 403
    said = "".join(page.said) + page.errors
    assert "token=" not in said
    assert password not in said
    assert KEY not in said


def test_the_help_is_quick_and_needs_no_page() -> None:
    script = "import sys; sys.modules['flask'] = None; from immich_meta.__main__ import main; main()"
    ran = subprocess.run([sys.executable, "-c", script, "web", "--help"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert "Look, sync and take back" in ran.stdout
