"""The stand-in Immich on a loopback port: HTTP, the log of requests, faults on demand.

Not here: what it answers (api.py) and what it knows (library.py).

    library = Library()
    library.add_photo("/data/library/admin/2024/IMG_0001.jpg", people=["Ada"], rating=4)
    with DemoServer(library) as server:
        client = ImmichClient(server.url, server.api_key)
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Optional
from urllib.parse import parse_qsl, urlsplit

from immich_meta.demo.api import Call, DemoApi, DemoKey, Reply, Switches, Version, parsed_body
from immich_meta.demo.faults import Fault, Faults
from immich_meta.demo.library import Library

API_KEY = "demo-key-that-opens-nothing-else"
V2: Version = (2, 7, 5)
V3: Version = (3, 2, 2)
WEB_PAGE = b"<!doctype html>\n<html><head><title>Welcome</title></head><body>Please log in</body></html>\n"


@dataclass(frozen=True)
class LoggedRequest:
    """A request as it came in: `path` after the base path and `/api`, header names in lower case.

    `body` is empty where Immich would not look at it, or could not read it.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class DemoServer:
    """A server that runs from its making to close(), on 127.0.0.1 and a free port.

    `generation` 2 or 3 picks a version, `version` a certain one. `base_path`: a sub-path, `/immich`.
    `keys`, `switches` and the library may be changed while it runs.
    """

    def __init__(
        self,
        library: Optional[Library] = None,
        *,
        generation: int = 3,
        version: Optional[Version] = None,
        base_path: str = "",
        port: int = 0,
    ) -> None:
        self.library = library if library is not None else Library()
        self.api = DemoApi(self.library, version or (V3 if generation >= 3 else V2))
        self.api.keys[API_KEY] = DemoKey(self.library.owner_id)
        self.api_key = API_KEY
        self._of_others: dict[str, DemoApi] = {}
        self.base_path = "/" + base_path.strip("/") if base_path.strip("/") else ""
        self.requests: list[LoggedRequest] = []
        self._faults = Faults()
        self._http = _LoopbackServer(("127.0.0.1", port), _Handler, self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> DemoServer:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the server and every connection that is still open."""
        self._http.shutdown()
        self._http.close_connections()
        self._http.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """What a user would set as IMMICH_INSTANCE_URL: without /api."""
        return f"http://127.0.0.1:{self.port}{self.base_path}"

    @property
    def switches(self) -> Switches:
        return self.api.switches

    def add_key(self, key: str, *permissions: str, user_id: str = "") -> str:
        """Another key, with these permissions only."""
        self.api.keys[key] = DemoKey(user_id or self.library.owner_id, frozenset(permissions))
        return key

    def add_user(self, library: Library, key: str) -> None:
        """Another user of this server, with a library and a key to it; it has the switches of the first one."""
        api = DemoApi(library, self.api.version, switches=self.switches)
        api.keys[key] = DemoKey(library.owner_id)
        self._of_others[key] = api

    def revoke(self, key: str) -> None:
        """The key opens nothing any more."""
        self.api.keys.pop(key, None)
        self._of_others.pop(key, None)

    def api_for(self, key: Optional[str]) -> DemoApi:
        """The server as the holder of a key sees it."""
        return self._of_others.get(key or "", self.api)

    def requests_to(self, path: str, method: str = "") -> list[LoggedRequest]:
        """The logged requests whose path starts with `path`."""
        return [each for each in self.requests if each.path.startswith(path) and method in ("", each.method)]

    def fail(
        self,
        status: int,
        *,
        times: Optional[int] = 1,
        path: str = "",
        retry_after: Optional[str] = None,
        message: str = "made to fail",
    ) -> None:
        """The next `times` requests (None: all) to `path` get this status."""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        body = json.dumps({"message": message, "statusCode": status}).encode()
        self.add_fault(Fault(path, times, status=status, headers=headers, body=body))

    def drop(self, *, times: Optional[int] = 1, path: str = "") -> None:
        """The connection is closed without an answer."""
        self.add_fault(Fault(path, times, drops=True))

    def slow(self, seconds: float, *, times: Optional[int] = 1, path: str = "") -> None:
        self.add_fault(Fault(path, times, delay=seconds))

    def web_page(self, *, times: Optional[int] = None, path: str = "", status: int = 200) -> None:
        """A page for browsers, as a login portal sends it."""
        headers = {"Content-Type": "text/html; charset=utf-8"}
        self.add_fault(Fault(path, times, status=status, headers=headers, body=WEB_PAGE))

    def cut(self, keeps: int, *, times: Optional[int] = 1, path: str = "", breaks_off: bool = False) -> None:
        """Only the first `keeps` bytes arrive: quietly, or (`breaks_off`) short of the announced length."""
        self.add_fault(Fault(path, times, keeps=keeps, breaks_off=breaks_off))

    def answer(self, path: str, value: object, *, times: Optional[int] = None, status: int = 200) -> None:
        """A value of your own as JSON (NaN included), or bytes as they are."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.add_fault(Fault(path, times, status=status, body=body))

    def redirect(
        self, location: str, *, times: Optional[int] = None, path: str = "", status: int = 302
    ) -> None:
        self.add_fault(Fault(path, times, status=status, headers={"Location": location}, body=b""))

    def add_fault(self, fault: Fault) -> None:
        self._faults.add(fault)

    def clear_faults(self) -> None:
        self._faults.clear()

    def fault_for(self, path: str) -> Optional[Fault]:
        """The fault that meets a request to `path`, which is used up by asking."""
        return self._faults.next_for(path)


class _LoopbackServer(ThreadingHTTPServer):
    # Threads are joined on close, once their connections are: no test leaves one behind.
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], demo: DemoServer
    ) -> None:
        self.demo = demo
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # http.server would ask the resolver for this machine's name here, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are the normal case here; anything else shows its traceback."""
        import sys

        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _LoopbackServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def date_time_string(self, timestamp: Optional[float] = None) -> str:
        """The Date header, by this server's clock."""
        now = time.time() if timestamp is None else timestamp
        return super().date_time_string(int(now + self.server.demo.switches.clock_offset))

    def log_message(self, *_args: object) -> None:
        """Silent: the log is DemoServer.requests."""

    def _serve(self) -> None:
        demo = self.server.demo
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = urlsplit(self.path)
        root = f"{demo.base_path}/api"
        if not target.path.startswith(f"{root}/"):
            self._send(200, {"Content-Type": "text/html"}, WEB_PAGE)
            return
        path = target.path[len(root) :]
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = parsed_body(headers.get("content-type", ""), raw)
        query = dict(parse_qsl(target.query))
        demo.requests.append(LoggedRequest(self.command, path, query, body or {}, headers))
        fault = demo.fault_for(path)
        if fault is not None and fault.delay:
            threading.Event().wait(fault.delay)
        if fault is not None and fault.drops:
            self.close_connection = True
            return
        if fault is not None and fault.status is not None:
            self._send(fault.status, fault.headers, fault.body or b"", fault)
            return
        if body is None:
            reply = demo.api.refusal(400, "Unexpected token in JSON")
        else:
            key = headers.get("x-api-key")
            reply = demo.api_for(key).answer(Call(self.command, path, query, body), key)
        self._send(reply.status, {"Content-Type": reply.kind}, _encoded(reply), fault)

    def _send(
        self, status: int, headers: Mapping[str, str], body: bytes, fault: Optional[Fault] = None
    ) -> None:
        sent = body if fault is None or fault.keeps is None else body[: fault.keeps]
        breaks_off = fault is not None and fault.breaks_off
        self.send_response(status)
        if "Content-Type" not in headers:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body if breaks_off else sent)))
        self.end_headers()
        self.wfile.write(sent)
        self.wfile.flush()
        if breaks_off:
            self.close_connection = True


def _encoded(reply: Reply) -> bytes:
    if reply.status == 204:
        return b""
    if isinstance(reply.value, bytes):
        return reply.value
    return json.dumps(reply.value, separators=(",", ":")).encode()
