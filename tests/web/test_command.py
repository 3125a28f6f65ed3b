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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest

from immich_meta.web.runs.folders import RunFolders, State
from tests.cli.gate import Gate
from tests.cli.home import KEY, Home, keywords, wait_until

Answer = tuple[int, dict[str, str], str]
PASSWORD = "correct horse battery"
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_LINK = re.compile(r"To log in, once: http://127\.0\.0\.1:(\d+)(/login\?token=\S+)")


def _cookie(headers: Mapping[str, str]) -> str:
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
        wait_until(lambda: self._answers() or self.child.poll() is not None, 30)

    def get(self, path: str, cookie: str = "", **headers: str) -> Answer:
        return self._ask("GET", path, {**headers, "Cookie": cookie})

    def post(self, path: str, cookie: str, fields: Mapping[str, str], **headers: str) -> Answer:
        form = {**headers, "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, form, urlencode(fields))

    def log_in(self, password: str, **headers: str) -> tuple[str, str]:
        """The cookie, and the token of forms."""
        _, said, page = self.get("/login")
        fields = {"secret": password, "csrf": _CSRF.findall(page)[0]}
        _, said, _ = self.post("/login", _cookie(said), fields, **headers)
        assert ("Secure" in said["Set-Cookie"]) is bool(headers)
        _, new, page = self.get("/sync", _cookie(said))
        return _cookie(new), _CSRF.findall(page)[0]

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
        cookie = _cookie(headers)
        assert page.get("/settings", cookie)[0] == 200
        assert page.get(link[2])[0] == 403
        assert page.get("/", cookie, Host="evil.example")[0] == 403
        assert sum(1 for line in page.said if _LINK.match(line)) == 2
    assert page.child.returncode == 130
    assert page.errors == ""


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_with_a_password_no_token_is_printed_and_the_password_is_nowhere(home: Home) -> None:
    with served(home, IMMICH_META_WEB_PASSWORD=PASSWORD, FLASK_DEBUG="true") as page:
        assert page.get("/login?token=x")[0] == 403
    said = "".join(page.said) + page.errors
    assert "token=" not in said
    assert PASSWORD not in said
    assert KEY not in said


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX has them")
def test_a_run_goes_on_when_its_page_is_killed(home: Home, gate: Gate) -> None:
    home.fill(10)
    gate.close("/search/metadata", page=3)
    slow = {"IMMICH_SEARCH_PAGE_SIZE": "2", "IMMICH_META_WEB_PASSWORD": PASSWORD, "IMMICH_LOG_FILE": "-"}
    with served(home, **slow) as page:
        # A proxy says that the browser came over TLS.
        cookie, csrf = page.log_in(PASSWORD, **{"X-Forwarded-Proto": "https"})
        status, headers, _ = page.post("/sync", cookie, {"people": "1", "csrf": csrf})
        assert status == 303
        folders = RunFolders(home.directory.parent / "state" / "web", lambda: 0.0)
        folder = folders.get(headers["Location"].rpartition("/")[2])
        assert folder is not None
        wait_until(lambda: keywords(home.photos / "2024/IMG_0003.jpg") == ("Ada",), 30)
        page.child.kill()
        page.child.wait(20)
        assert folder.state(0.0) is State.RUNNING
        gate.open()
        wait_until(lambda: folder.result() is not None, 30)
    assert (folder.result() or {})["sums"]["updated"] == 10


def test_the_help_is_quick_and_needs_no_page() -> None:
    script = "import sys; sys.modules['flask'] = None; from immich_meta.__main__ import main; main()"
    ran = subprocess.run([sys.executable, "-c", script, "web", "--help"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert "Look, sync and take back" in ran.stdout
