"""From what people type to a server that answers, and clear words when it does not."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Callable

import pytest
import requests
import urllib3.exceptions

from immich_meta.api import transport as http
from immich_meta.api.address import parse_address, redirected
from immich_meta.api.client import ImmichClient
from immich_meta.api.exchange import Request
from immich_meta.api.retry import RetryPolicy
from immich_meta.api.transport import HttpTransport, failure_kind
from immich_meta.demo.library import Library
from immich_meta.demo.server import DemoServer
from immich_meta.errors import (
    EXIT_FAILED,
    EXIT_SERVER,
    EXIT_USAGE,
    BackupError,
    BadAnswerError,
    BusyError,
    FaultError,
    ImmichMetaError,
    LostAssetError,
    MaintenanceError,
    MissingPermissionError,
    NotImmichError,
    RedirectError,
    RefusedError,
    ServerError,
    SettingsError,
    TlsError,
    TooOldError,
    UnreachableError,
    WrongKeyError,
)

Serve = Callable[..., DemoServer]
Connect = Callable[..., ImmichClient]
SECRET = "s3cret-KEY-0123456789"


@pytest.fixture
def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def garbage_port() -> Iterator[int]:
    """Something that answers every connection with bytes that are neither HTTP nor TLS."""
    listener = socket.create_server(("127.0.0.1", 0))

    def respond() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1024)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

    thread = threading.Thread(target=respond, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize(
    ("typed", "api"),
    [
        ("http://host:2283", "http://host:2283/api"),
        ("http://host:2283/", "http://host:2283/api"),
        ("http://host:2283/api", "http://host:2283/api"),
        ("http://host:2283/api/", "http://host:2283/api"),
        ("https://host/immich", "https://host/immich/api"),
        ("https://host/immich/api//", "https://host/immich/api"),
        ("https://host//a//b", "https://host/a/b/api"),
        ("  https://host \n", "https://host/api"),
        ("HTTPS://Host/API", "https://Host/API"),
        ("host", "http://host/api"),
        ("192.168.1.10:2283", "http://192.168.1.10:2283/api"),
        ("photos.example.org/sub", "http://photos.example.org/sub/api"),
        ("http://[::1]:2283", "http://[::1]:2283/api"),
        ("https://host/?utm=1#top", "https://host/api"),
        ("http://bücher.example", "http://bücher.example/api"),
        ("http://apiary/apis", "http://apiary/apis/api"),
    ],
)
def test_an_address_is_understood_however_it_is_typed(typed: str, api: str) -> None:
    assert parse_address(typed).api == api


@pytest.mark.parametrize(
    "typed",
    [
        "", "  ", "http://", "https:///path", "ftp://host", "http://host:port", "http://host:99999",
        "http://a b/",
        "http://[::1", "http://.example.org", "http://" + "a" * 64 + ".org", "http://ho\x00st", "http:host",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_a_settings_error_that_names_it(typed: str) -> None:
    with pytest.raises(SettingsError, match="IMMICH_INSTANCE_URL") as caught:
        parse_address(typed)
    assert caught.value.exit_code == EXIT_USAGE
    assert caught.value.name == "IMMICH_INSTANCE_URL"


def test_user_and_password_of_an_address_are_used_but_not_shown() -> None:
    address = parse_address("https://ann:pw@host/x")
    assert (address.api, address.shown) == ("https://ann:pw@host/x/api", "https://host/x/api")
    with pytest.raises(SettingsError) as caught:
        parse_address("ftp://ann:pw@host")
    assert "pw" not in str(caught.value)


def test_an_address_without_a_scheme_says_what_was_taken(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ImmichClient("host:2283", SECRET).close()
    assert "http://host:2283/api" in caplog.text


@pytest.mark.parametrize("tail", ["", "/", "/api", "/api/", " "])
@pytest.mark.parametrize("base_path", ["", "/photos/immich"])
def test_a_server_under_a_sub_path_is_reached(
    serve: Serve, connect: Connect, base_path: str, tail: str
) -> None:
    server = serve(base_path=base_path)
    assert connect(server, url=server.url + tail).server().version == (3, 2, 2)


def test_server_and_user_are_asked_once(server: DemoServer, client: ImmichClient) -> None:
    for _ in range(3):
        assert client.server().version == server.api.version
        assert client.me().id == server.library.owner_id
    assert [each.path for each in server.requests] == [
        "/server/version", "/server/features", "/server/config", "/users/me",
    ]  # fmt: skip


def test_connections_are_kept_alive(serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    client = connect(server)
    made: list[object] = []
    connect_socket = urllib3.util.connection.create_connection

    def counted(*arguments: Any, **options: Any) -> socket.socket:
        made.append(arguments)
        return connect_socket(*arguments, **options)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", counted)
    for _ in range(10):
        client.tags()
    assert len(made) == 1


def test_face_import_is_told(serve: Serve, connect: Connect) -> None:
    server = serve()
    assert not connect(server).server().imports_faces
    server.switches.imports_faces = True
    assert connect(server).server().imports_faces


def test_no_server_is_unreachable_with_the_reason(closed_port: int, naps: Any) -> None:
    client = ImmichClient(f"http://127.0.0.1:{closed_port}", SECRET, sleep=naps)
    with closing(client), pytest.raises(UnreachableError, match=r"(?i)refused") as caught:
        client.server()
    assert caught.value.exit_code == EXIT_SERVER
    assert "GET /server/version" in str(caught.value)
    assert "IMMICH_INSTANCE_URL" in caught.value.cure


def test_an_unknown_name_is_unreachable(naps: Any) -> None:
    client = ImmichClient("http://immich.invalid", SECRET, sleep=naps)
    with closing(client), pytest.raises(UnreachableError, match=r"immich\.invalid"):
        client.server()


def test_a_server_that_does_not_speak_tls_is_a_tls_error(serve: Serve, connect: Connect, naps: Any) -> None:
    server = serve()
    client = connect(server, url=server.url.replace("http:", "https:"))
    with pytest.raises(TlsError, match="no secure connection to https://127") as caught:
        client.server()
    assert "http://" in caught.value.cure
    assert naps.taken == []


def test_something_that_is_no_web_server_is_unreachable(garbage_port: int, naps: Any) -> None:
    client = ImmichClient(f"http://127.0.0.1:{garbage_port}", SECRET, sleep=naps)
    with closing(client), pytest.raises(UnreachableError):
        client.server()


def test_a_web_page_is_not_an_immich(serve: Serve, connect: Connect) -> None:
    server = serve(base_path="/immich")
    with pytest.raises(NotImmichError, match="web page"):
        connect(server, url=f"http://127.0.0.1:{server.port}").server()
    server.web_page(status=404)
    with pytest.raises(NotImmichError, match="nothing of Immich"):
        connect(server).server()


@pytest.mark.parametrize("answer", [{"version": "1.0"}, [], "pong", None, {"major": "3"}])
def test_json_of_another_kind_is_not_an_immich(serve: Serve, connect: Connect, answer: object) -> None:
    server = serve()
    server.answer("/server/version", answer)
    with pytest.raises(NotImmichError, match="not as an Immich does"):
        connect(server).server()


def test_a_server_without_the_version_call_is_not_an_immich(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.fail(404, path="/server/version", message="Cannot GET /api/server/version")
    with pytest.raises(NotImmichError, match=r"before 1\.118"):
        connect(server).server()


@pytest.mark.parametrize(
    ("version", "is_fine"),
    [((1, 118, 2), False), ((1, 132, 3), False), ((1, 133, 0), True), ((2, 0, 0), True), ((4, 0, 0), True)],
)
def test_servers_before_1_133_are_too_old(
    serve: Serve, connect: Connect, version: tuple[int, int, int], is_fine: bool
) -> None:
    client = connect(serve(version=version))
    if is_fine:
        assert client.server().version == version
    else:
        with pytest.raises(TooOldError, match=".".join(map(str, version))):
            list(client.assets())


def test_a_server_in_maintenance_says_so(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.answer("/server/config", {"maintenanceMode": True})
    with pytest.raises(MaintenanceError):
        connect(server).server()
    server.clear_faults()
    server.switches.maintenance = True
    with pytest.raises(MaintenanceError, match="maintenance mode"):
        connect(server).server()


def test_a_server_without_features_and_config_will_do(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.fail(404, times=None, path="/server/features")
    server.fail(403, times=None, path="/server/config")
    assert connect(server).server().imports_faces is False


def test_a_wrong_key_is_told_at_the_first_call_that_needs_one(server: DemoServer, connect: Connect) -> None:
    client = connect(server, api_key="wrong")
    client.server()
    with pytest.raises(WrongKeyError, match="Invalid API key") as caught:
        client.me()
    assert caught.value.status == 401
    assert "IMMICH_API_KEY" in caught.value.cure


def test_a_login_before_immich_is_not_called_a_wrong_key_only(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.web_page(status=401)
    with pytest.raises(WrongKeyError, match="a login stands before Immich"):
        connect(server).server()


@pytest.mark.parametrize(
    ("permission", "call"),
    [("user.read", "me"), ("album.read", "albums"), ("tag.read", "tags")],
)
def test_a_missing_permission_is_named(
    server: DemoServer, connect: Connect, permission: str, call: str
) -> None:
    key = server.add_key("narrow", "asset.read")
    with pytest.raises(MissingPermissionError, match=permission) as caught:
        getattr(connect(server, api_key=key), call)()
    assert caught.value.permission == permission
    assert permission in caught.value.cure


def test_a_permission_that_the_server_does_not_name_is_known_all_the_same(
    serve: Serve, connect: Connect
) -> None:
    server = serve()
    server.fail(403, path="/faces", message="Forbidden")
    with pytest.raises(MissingPermissionError) as caught:
        connect(server).faces("x")
    assert caught.value.permission == "face.read"


def test_a_proxy_that_forbids_is_not_a_missing_permission(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.web_page(status=403)
    with pytest.raises(RefusedError, match="proxy or firewall"):
        connect(server).server()


def test_json_cut_in_the_middle_is_a_bad_answer(library: Library, serve: Serve, connect: Connect) -> None:
    library.add_photo("/data/a.jpg")
    server = serve()
    client = connect(server)
    client.me()
    server.cut(100, path="/search")
    with pytest.raises(BadAnswerError, match="100 bytes is not complete JSON"):
        list(client.assets())


def test_a_connection_that_breaks_off_in_an_answer_is_tried_again(
    library: Library, serve: Serve, connect: Connect
) -> None:
    library.add_photo("/data/a.jpg")
    server = serve()
    server.cut(100, path="/search", breaks_off=True)
    assert len(list(connect(server).assets())) == 1


def test_a_server_that_fails_is_a_fault_and_not_asked_again(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.fail(500, message="database\n\x1b[31mgone")
    with pytest.raises(FaultError, match=r"database \[31mgone"):
        connect(server).server()
    assert len(server.requests) == 1


def test_a_redirect_to_https_or_another_path_of_the_same_host_is_followed_and_learnt(
    serve: Serve, connect: Connect
) -> None:
    target, door = serve(base_path="/immich"), serve()
    door.redirect(f"{target.url}/api/server/version", path="/server/version", status=301)
    client = connect(door)
    client.server()
    client.me()
    assert len(door.requests) == 1
    assert [each.path for each in target.requests][-1] == "/users/me"


def test_a_redirected_search_stays_a_post_with_its_body_and_query_and_key(
    library: Library, serve: Serve, connect: Connect
) -> None:
    library.add_photo("/data/a.jpg")
    target, door = serve(), serve()
    client = connect(door)
    client.me()
    door.redirect(f"{target.url}/api/search/metadata", path="/search", status=302, times=1)
    assert len(list(client.assets())) == 1
    first = target.requests_to("/search", "POST")[0]
    assert first.body["visibility"] == "timeline"
    door.redirect(f"{target.url}/api/faces?id=x", path="/faces")
    photo = next(iter(library.assets))
    assert connect(door).faces(photo) == ()
    assert target.requests_to("/faces")[0].query == {"id": photo}


def test_the_key_does_not_go_to_another_host(serve: Serve, connect: Connect) -> None:
    other, door = serve(), serve()
    door.redirect(f"http://localhost:{other.port}/api/server/version")
    with pytest.raises(RedirectError, match="another host, localhost"):
        connect(door).server()
    assert other.requests == []


def test_a_redirect_round_in_circles_ends(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.redirect("/api/server/version")
    with pytest.raises(RedirectError, match="circles"):
        connect(server).server()


def test_the_key_is_not_taken_from_https_back_to_http() -> None:
    with pytest.raises(RedirectError, match="back to http"):
        redirected("https://host/api/x", "http://host/api/x")
    assert redirected("http://u:p@host/api/x", "https://host/api/x#y") == "https://u:p@host/api/x"
    for nowhere in ("mailto:a@b", "http://[", "file:///etc/passwd"):
        with pytest.raises(RedirectError, match="not a web address"):
            redirected("http://host/api", nowhere)


@pytest.mark.parametrize("key", ["", "  ", "two words", "schlüssel", "line\nbreak", "tab\tin"])
def test_a_key_that_no_header_can_hold_is_a_settings_error_without_the_key(key: str) -> None:
    with pytest.raises(SettingsError, match="IMMICH_API_KEY") as caught:
        ImmichClient("http://host", key)
    assert not key.strip() or key not in str(caught.value)


def test_blanks_around_a_key_do_not_matter(serve: Serve, connect: Connect) -> None:
    server = serve()
    assert connect(server, api_key=f" {server.api_key}\n").me()


def test_the_key_is_in_no_error_repr_log_or_traceback(
    serve: Serve, connect: Connect, closed_port: int, naps: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    server.add_key(SECRET, "asset.read")
    echoing = {"message": f"the key {SECRET} is no good", "errors": [{"path": [SECRET], "message": SECRET}]}
    clients = [connect(server, api_key=SECRET) for _ in range(6)]
    clients.append(ImmichClient(f"http://127.0.0.1:{closed_port}", SECRET, sleep=naps))
    texts: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for at, client in enumerate(clients):
            server.clear_faults()
            if at < 5:
                status = (400, 401, 403, 429, 500)[at]
                server.answer("/users/me", echoing, status=status)
            texts.append(repr(client) + repr(vars(client)) + repr(HttpTransport(parse_address("h"), SECRET)))
            with pytest.raises(ServerError) as caught:
                client.me()
            texts += [str(caught.value), repr(caught.value), repr(vars(caught.value))]
            texts += traceback.format_exception(type(caught.value), caught.value, caught.value.__traceback__)
    clients[-1].close()
    assert caplog.text
    for text in (*texts, caplog.text):
        assert SECRET not in text


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_stays_busy_says_so_in_the_end(serve: Serve, connect: Connect, status: int) -> None:
    server = serve()
    server.fail(status, times=None)
    with pytest.raises(BusyError, match=f"still {status}") as caught:
        connect(server).server()
    assert caught.value.status == status


def test_a_silent_server_times_out(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.slow(0.6, times=None)
    client = connect(server, timeout=0.05, retry=RetryPolicy(first_attempts=1))
    with pytest.raises(UnreachableError, match="timed out"):
        client.server()


def test_an_answer_that_drips_for_ever_is_given_up(serve: Serve) -> None:
    server = serve()
    ticks = iter(range(0, 10**6, 100))
    carrier = HttpTransport(parse_address(server.url), server.api_key, timeout=5, clock=lambda: next(ticks))
    with pytest.raises(UnreachableError, match="too slowly"), closing(carrier):
        carrier.send(Request("GET", "/server/version"))


def test_an_answer_larger_than_any_honest_one_is_not_taken_in(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 1 << 20)
    server = serve()
    server.answer("/users/me", b" " * (3 << 20))
    with pytest.raises(BadAnswerError, match="larger than 1 MB"):
        connect(server).me()


def every_subclass(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for child in kind.__subclasses__():
        yield child
        yield from every_subclass(child)


def test_every_failure_of_the_libraries_below_has_an_error_of_ours() -> None:
    failures = {requests.RequestException, urllib3.exceptions.HTTPError}
    failures |= {child for each in tuple(failures) for child in every_subclass(each)}
    kinds = {each.__name__: failure_kind(each) for each in failures}
    assert len(failures) > 40
    assert set(kinds.values()) == {UnreachableError, TlsError, SettingsError}
    assert kinds["InvalidURL"] is kinds["LocationParseError"] is SettingsError
    assert failure_kind(requests.exceptions.SSLError) is TlsError
    assert failure_kind(ssl.SSLCertVerificationError) is failure_kind(urllib3.exceptions.SSLError) is TlsError
    assert failure_kind(ConnectionResetError) is UnreachableError
    assert kinds["ReadTimeout"] is kinds["ProxyError"] is kinds["ChunkedEncodingError"] is UnreachableError


def test_every_error_has_a_kind_of_its_own_and_the_exit_code_of_its_branch() -> None:
    errors = [each for each in every_subclass(ImmichMetaError) if each.__module__ == "immich_meta.errors"]
    kinds = [each.kind for each in errors]  # type: ignore[attr-defined]
    assert len(set(kinds)) == len(kinds)
    for each in errors:
        expected = EXIT_SERVER if issubclass(each, ServerError) else EXIT_USAGE
        expected = EXIT_FAILED if each in (BackupError, LostAssetError) else expected
        assert each.exit_code == expected  # type: ignore[attr-defined]
