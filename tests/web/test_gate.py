"""What every request has to pass, and what every answer says to a browser; of all routes that there are."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from immich_meta import logs
from immich_meta.settings import load
from immich_meta.web.runs.worker import secrets_of
from tests.cli.home import KEY, Home
from tests.web.visitor import PASSWORD, Site, Visitor

OPEN = {"login.show", "login.enter", "health.healthz", "static"}
RUN = "20240501-120000-0a1b2c3d"
# What stands in an address; "1" for all else.
PARTS = {"run_id": RUN, "undo_id": RUN, "asset_id": "5f1b1f0c-6a0e-4b7e-9f55-000000000001", "size": "preview"}


def routes(site: Site) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and an address of each route."""
    for rule in site.app.url_map.iter_rules():
        values = {name: PARTS.get(name, "1") for name in rule.arguments}
        _, path = rule.build(values) or ("", "")
        assert path, f"what else is in {rule}? say it here"
        for method in sorted(rule.methods or ()):
            yield rule.endpoint, method, path


def test_no_page_is_shown_without_a_login(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    closed = [each for each in routes(site) if each[0] not in OPEN]
    assert len(closed) > 10
    for endpoint, method, path in closed:
        answer = visitor.client.open(path, method=method)
        is_api = path.startswith("/api/")
        assert answer.status_code == (401 if is_api else 302), (endpoint, method, path)
        assert is_api or answer.headers["Location"].startswith("/login"), endpoint
        as_program = visitor.client.open(path, method=method, headers={"Accept": "application/json"})
        assert as_program.status_code == 401, (endpoint, method, path)


def test_no_form_is_taken_without_its_token(site: Site) -> None:
    visitor = site.visitor()
    for endpoint, method, path in routes(site):
        if method in ("POST", "PUT", "PATCH", "DELETE"):
            for data in ({}, {"csrf": ""}, {"csrf": "wrong"}):
                assert visitor.client.open(path, method=method, data=data).status_code == 400, endpoint


def test_a_token_of_another_session_is_none(site: Site) -> None:
    other, visitor = site.visitor(), site.visitor()
    assert visitor.client.post("/logout", data={"csrf": other.csrf("/sync")}).status_code == 400


def test_a_token_may_come_in_a_header(site: Site) -> None:
    visitor = site.visitor()
    assert visitor.client.post("/logout", headers={"X-CSRF-Token": visitor.csrf("/sync")}).status_code == 302


def test_every_answer_forbids_the_browser_what_the_page_does_not_need(site: Site) -> None:
    visitor = site.visitor()
    paths = [path for _, method, path in routes(site) if method == "GET"]
    for path in (*paths, "/no/such/page", "/static/style.css", "/static/none"):
        headers = visitor.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'"):
            assert part in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        if not path.startswith("/static/style"):
            assert headers["Cache-Control"] == "no-store", path


def test_no_page_has_scripts_or_styles_in_it(site: Site) -> None:
    visitor = site.visitor()
    for _, method, path in routes(site):
        if method == "GET" and not path.startswith(("/static", "/api")):
            page = visitor.get(path).text
            assert "<style" not in page, path
            assert " style=" not in page, path
            assert " onclick" not in page, path
            assert page.count("<script") == page.count("<script type=\"module\" src="), path


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.1.5:5000", ""])
def test_a_page_of_this_machine_answers_to_its_names_only(site: Site, host: str) -> None:
    visitor = site.visitor()
    for path in ("/", "/login", "/healthz", "/static/style.css"):
        assert visitor.get(path, Host=host).status_code == 403, path


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "LOCALHOST"])
def test_this_machine_has_several_names(site: Site, host: str) -> None:
    assert site.visitor(logged_in=False).get("/login", Host=host).status_code == 200


def test_a_page_for_other_machines_answers_to_any_name(home: Home) -> None:
    site = Site(home, host="0.0.0.0")
    assert site.visitor(logged_in=False).get("/login", Host="nas.local:5000").status_code == 200


@pytest.mark.parametrize(
    "run_id",
    ["..", "%2e%2e", "..%2f..%2fetc", RUN + "%00", RUN + "/../x", "20240501-120000-0A1B2C3D", RUN + "x", "١" * 8],
)
def test_what_is_not_the_id_of_a_run_is_no_page(site: Site, run_id: str) -> None:
    visitor = site.visitor()
    for path in (f"/sync/{run_id}", f"/api/runs/{run_id}/log", f"/api/runs/{run_id}/progress"):
        assert visitor.get(path).status_code == 404
    assert site.parts.folders.get(run_id) is None


def test_a_large_request_is_refused(site: Site) -> None:
    visitor = site.visitor()
    answer = visitor.client.post("/sync", data={"csrf": visitor.csrf("/sync"), "shard": "x" * 100_000})
    assert answer.status_code == 413


def test_the_health_is_told_to_everybody_and_nothing_else_is(site: Site) -> None:
    answer = site.visitor(logged_in=False).get("/healthz")
    assert answer.get_json() == {"status": "ok", "running": False}


def test_a_header_cannot_be_smuggled_into_an_answer(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    answer = visitor.get("/settings?x=%0d%0aSet-Cookie:%20a=b")
    assert "Set-Cookie: a=b" not in str(answer.headers)
    assert visitor.get("/login?lang=%0d%0aX:%20y").status_code == 200


def test_a_failing_page_tells_nothing_of_why(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor: Visitor = site.visitor()

    def broken(**_: object) -> None:
        raise RuntimeError(f"secret {PASSWORD}")

    monkeypatch.setattr(site.parts.connections, "ask", broken)
    answer = visitor.get("/?ask=1")
    assert answer.status_code == 500
    assert "RuntimeError" not in answer.text
    assert PASSWORD not in answer.text


def test_the_log_of_a_failing_page_has_its_traceback_and_no_secret(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, stream, logger = site.visitor(), io.StringIO(), logging.getLogger(logs.LOGGER_NAME)
    monkeypatch.setattr(logger, "propagate", logger.propagate)
    monkeypatch.setattr(logger, "level", logger.level)

    def broken(**_: object) -> None:
        raise RuntimeError(f"{KEY} and {PASSWORD}")

    monkeypatch.setattr(site.parts.connections, "ask", broken)
    settings = load({**site.home.environ, "IMMICH_META_WEB_PASSWORD": PASSWORD}, None, site.home.directory)
    # As the command does (cli/web.py).
    with logs.configure(None, level="DEBUG", secrets=secrets_of(settings), stream=stream):
        assert visitor.get("/?ask=1").status_code == 500
    assert "RuntimeError" in stream.getvalue()
    assert KEY not in stream.getvalue()
    assert PASSWORD not in stream.getvalue()
