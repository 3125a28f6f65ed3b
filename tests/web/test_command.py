"""`immich-meta web`: what it refuses, what it prints, and that it serves and ends."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from immich_meta.demo.server import DemoServer
from immich_meta.web.runs.folders import RunFolders, State
from tests.cli.gate import Gate
from tests.cli.home import KEY, Home, keywords, wait_until
from tests.web.served import cookie_of, served

PASSWORD = "correct horse battery"
_LINK = re.compile(r"To log in, once: http://127\.0\.0\.1:(\d+)(/login\?token=\S+)")


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
    assert "pip install flask waitress, pipx inject immich-meta flask waitress" in ran.err


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
        cookie = cookie_of(headers)
        assert page.get("/settings", cookie)[0] == 200
        assert page.get(link[2])[0] == 403
        assert page.get("/", cookie, Host="evil.example")[0] == 403
        assert sum(1 for line in page.said if _LINK.match(line)) == 2
    assert page.child.returncode == 130
    assert page.errors == ""


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_with_a_password_no_token_is_printed_and_the_password_is_nowhere(home: Home) -> None:
    with served(home, IMMICH_META_WEB_PASSWORD=PASSWORD, FLASK_DEBUG="true") as page:
        assert page.get("/login?token=x")[0] == 200
        assert b" 413 " in _answer_to_the_head(page.port, "Content-Length: 900000000")
    said = "".join(page.said) + page.errors
    assert "token=" not in said
    assert PASSWORD not in said
    assert KEY not in said


def _answer_to_the_head(port: int, header: str) -> bytes:
    """What is said to a request of which no body has come yet."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(f"POST /login HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
        return client.recv(1000)


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


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_many_who_ask_at_once_are_no_error(home: Home, server: DemoServer) -> None:
    server.slow(1.0, times=None, path="/server")
    with served(home, IMMICH_META_WEB_PASSWORD=PASSWORD) as page:
        cookie, _ = page.log_in(PASSWORD)
        with ThreadPoolExecutor(40) as crowd:
            answers = list(crowd.map(lambda _: page.get("/api/connection", cookie)[0], range(40)))
    assert answers == [200] * 40
    assert page.errors == ""


def test_the_help_is_quick_and_needs_no_page() -> None:
    script = "import sys; sys.modules['flask'] = None; from immich_meta.__main__ import main; main()"
    ran = subprocess.run([sys.executable, "-c", script, "web", "--help"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert "Look, sync and take back" in ran.stdout
