"""How long the web page takes to answer while a large run is under way.

`python benchmarks/web.py [--count 100000] [--seconds 0] [--pause 0.2] [--folder DIR]`: one row for each page, and the
slowest of all; exit code 1 when a median is above 200 ms. `--seconds 0`: until the run has ended.
Not here: what a browser makes of the pages (tests/e2e).
"""

from __future__ import annotations

import argparse
import http.client
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional
from urllib.parse import urlencode

PROJECT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(PROJECT), str(PROJECT / "writers")]

from benchmarks import product  # noqa: E402
from benchmarks.library import Shape, make_small_files  # noqa: E402
from benchmarks.stand_in import StandIn  # noqa: E402

BAR = 0.2  # seconds
PASSWORD = "a password for this benchmark"
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
# In the order in which somebody would look.
PAGES = (
    "/",
    "/sync",
    "/sync/{run}",
    "/runs",
    "/runs/{run}",
    "/runs/{run}?status=simulated&page=3",
    "/runs/{run}?text=IMG_000012",
    "/runs/{run}?tag=XMP-xmp:Rating",
    "/runs/{run}/files/{number}",
    "/settings",
    "/healthz",
    "/api/runs/{run}/progress",
    "/api/runs/{run}/panel",
    "/api/runs/{run}/log",
)


@dataclass
class Client:
    """Somebody who is logged in, on one connection."""

    port: int
    password: str = PASSWORD
    _cookie: str = ""
    _connection: Optional[http.client.HTTPConnection] = field(default=None, repr=False)

    def log_in(self) -> None:
        self.post("/login", {"secret": self.password}, form="/login")

    def get(self, path: str) -> tuple[int, str]:
        status, _, text = self._ask("GET", path)
        return status, text

    def post(self, path: str, fields: Mapping[str, str], *, form: str) -> str:
        """With the token of the page that the form is on; where the answer leads."""
        token = _CSRF.findall(self.get(form)[1])[0]
        _, headers, _ = self._ask("POST", path, urlencode({**fields, "csrf": token}))
        return headers.get("Location", "")

    def _ask(self, method: str, path: str, body: str = "") -> tuple[int, Mapping[str, str], str]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        kind = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, {"Cookie": self._cookie, "Content-Type": kind})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        headers = dict(answer.getheaders())
        self._cookie = headers.get("Set-Cookie", self._cookie).partition(";")[0]
        return answer.status, headers, text

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


@dataclass(frozen=True)
class Row:
    """Seconds that a page took, of `times` answers."""

    page: str
    times: int
    median: float
    p95: float
    largest: float


def rows(took: Mapping[str, Sequence[float]]) -> tuple[Row, ...]:
    return tuple(
        Row(page, len(found), statistics.median(found), sorted(found)[int(0.95 * (len(found) - 1))], max(found))
        for page, found in took.items()
    )


def asked(client: Client, run: str, rounds: Iterable[object], pause: float) -> dict[str, list[float]]:
    """How long each page took in each round. Raises AssertionError for an answer that is none."""
    took: dict[str, list[float]] = {page: [] for page in PAGES}
    number = _number_of_a_file(client, run)
    for _ in rounds:
        for page in PAGES:
            began = time.perf_counter()
            status, _ = client.get(page.format(run=run, number=number))
            took[page].append(time.perf_counter() - began)
            assert status == 200, (page, status)
            time.sleep(pause / len(PAGES))
    return took


def _number_of_a_file(client: Client, run: str) -> str:
    for _ in range(600):
        found = re.search(rf"/runs/{run}/files/(\d+)", client.get(f"/runs/{run}")[1])
        if found:
            return found[1]
        time.sleep(0.1)
    raise TimeoutError("the run comes to no file")


def while_it_runs(client: Client, run: str, seconds: float) -> Iterator[str]:
    """How far the run is, until it ends or time is up."""
    began = time.monotonic()
    while not seconds or time.monotonic() - began < seconds:
        found = client.get(f"/api/runs/{run}/progress")[1]
        if '"state":"ended"' in found.replace(" ", ""):
            return
        yield found


@contextmanager
def served(settings: Mapping[str, str], folder: Path) -> Iterator[Client]:
    """`immich-meta web` in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environ = {**product.environ(), **settings, "IMMICH_META_WEB_PASSWORD": PASSWORD}
    command = [sys.executable, "-m", "immich_meta", "web", "--port", str(port)]
    process = subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.DEVNULL)
    client = Client(port)
    try:
        _until_it_answers(client)
        client.log_in()
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(60)


def _until_it_answers(client: Client) -> None:
    for _ in range(300):
        try:
            client.get("/healthz")
        except OSError:
            client.close()
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the page does not answer")


def _listen(client: Client, run: str) -> None:
    """A browser that has the run's page open."""
    other = Client(client.port, _cookie=client._cookie)
    threading.Thread(target=other.get, args=(f"/api/runs/{run}/events",), daemon=True).start()


def measured(count: int, folder: Path, seconds: float, pause: float) -> tuple[Row, ...]:
    """A dry run of everything over `count` photos, watched by one browser and asked by another."""
    photos = folder / "photos"
    make_small_files(count, photos)
    with StandIn(Shape(count, albums=100), product.environ()) as server:
        settings = product.Sync(server, photos, folder / "work").settings()
        with served(settings, folder / "work") as client:
            modules = dict.fromkeys(("people", "gps", "caption", "time", "rating", "albums"), "1")
            run = client.post("/sync", {**modules, "dry_run": "1"}, form="/sync").rpartition("/")[2]
            _listen(client, run)
            took = asked(client, run, while_it_runs(client, run, seconds), pause)
    return rows(took)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--seconds", type=float, default=0.0)
    arguments.add_argument("--pause", type=float, default=0.2)
    arguments.add_argument("--folder", type=Path)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        found = measured(chosen.count, Path(folder), chosen.seconds, chosen.pause)
    print(f"{'page':45}{'times':>7}{'median':>9}{'p95':>9}{'max':>9}  (milliseconds)")
    for row in found:
        print(f"{row.page:45}{row.times:7}{row.median * 1e3:9.1f}{row.p95 * 1e3:9.1f}{row.largest * 1e3:9.1f}")
    return int(any(row.median > BAR for row in found))


if __name__ == "__main__":
    sys.exit(main())
