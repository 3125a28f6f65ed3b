"""A browser without a window: what it makes of picture files, all in one page.

Not here: which files, and what is demanded of them (test_browser.py).
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import absent

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
TYPES = {
    "apng": "image/png",
    "avif": "image/avif",
    "gif": "image/gif",
    "png": "image/png",
    "webp": "image/webp",
}
PATIENCE = 120.0  # seconds: a slow machine's first start

# <img> decodes as a page does; ImageDecoder (WebCodecs) gives every frame of an animation. It may give a still in YUV
# where the page has RGB: that one is not asked for.
_PAGE = """<!doctype html><meta charset="utf-8"><script>
const hex = async bytes => [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))]
    .map(byte => byte.toString(16).padStart(2, "0")).join("");
const drawn = async (image, width, height) => {
    const context = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
    context.drawImage(image, 0, 0);
    return [width, height, await hex(context.getImageData(0, 0, width, height).data)];
};
async function shown(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    return drawn(image, image.naturalWidth, image.naturalHeight);
}
async function frames(url, type) {
    const decoder = new ImageDecoder({data: await (await fetch(url)).arrayBuffer(), type});
    await decoder.tracks.ready;
    await decoder.completed;
    const found = [];
    if (decoder.tracks.selectedTrack.frameCount === 1) return found;
    for (let index = 0; index < decoder.tracks.selectedTrack.frameCount; index++) {
        const {image} = await decoder.decode({frameIndex: index});
        found.push([image.duration, ...await drawn(image, image.displayWidth, image.displayHeight)]);
        image.close();
    }
    decoder.close();
    return found;
}
async function look(url, type) {
    try {
        return {shown: await shown(url), frames: await frames(url, type)};
    } catch (error) {
        return {error: String(error)};
    }
}
(async () => {
    const answer = {};
    for (const [url, type] of await (await fetch("/files")).json()) answer[url] = await look(url, type);
    await fetch("/answer", {method: "POST", body: JSON.stringify(answer)});
})();
</script>"""


@dataclass(frozen=True)
class Sight:
    """Width, height and a digest of the picture on the page; of each frame of an animation too, behind its duration."""

    shown: tuple[object, ...] = ()
    frames: tuple[tuple[object, ...], ...] = ()
    error: str = ""


def browser_program() -> str:
    """Where the browser is. Skips, or fails, where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        absent("browser")
    assert program is not None
    return program


def looked_at(folder: Path, names: Sequence[str], profile: Path) -> Mapping[str, Sight]:
    """What a browser, started once, shows of files of a folder; `profile` is a folder for what it keeps.

    Skips, or fails, where there is no browser.
    """
    program = browser_program()
    answers: queue.Queue[Mapping[str, Any]] = queue.Queue()
    with _served(folder, names, answers) as url, _running(program, url, profile) as browser:
        found = _first(answers, browser)
    return {name: _sight(found[f"/media/{name}"]) for name in names}


def _sight(seen: Mapping[str, Any]) -> Sight:
    return Sight(tuple(seen.get("shown", ())), tuple(map(tuple, seen.get("frames", ()))), seen.get("error", ""))


def _first(answers: queue.Queue[Mapping[str, Any]], browser: subprocess.Popen[bytes]) -> Mapping[str, Any]:
    for _ in range(int(PATIENCE)):
        with contextlib.suppress(queue.Empty):
            return answers.get(timeout=1.0)
        assert browser.poll() is None, f"the browser ended with exit code {browser.returncode}"
    raise AssertionError(f"the browser said nothing in {PATIENCE:.0f} seconds")


@contextlib.contextmanager
def _served(folder: Path, names: Sequence[str], answers: queue.Queue[Mapping[str, Any]]) -> Iterator[str]:
    """Loopback: a page may look into the pixels of what comes from where it comes from, and not of files on disk."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self._answer(_PAGE.encode(), "text/html")
            elif self.path == "/files":
                files = [(f"/media/{name}", TYPES[name.rpartition(".")[2]]) for name in names]
                self._answer(json.dumps(files).encode(), "application/json")
            elif self.path.startswith("/media/") and self.path[7:] in names:
                name = self.path[7:]
                self._answer((folder / name).read_bytes(), TYPES[name.rpartition(".")[2]])
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"", "text/plain")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def _running(program: str, url: str, profile: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [program, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command += ["--disable-dev-shm-usage", f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    command.append("--no-sandbox")  # root and containers have none; it sees nothing but our own files
    # A group of its own: what is started may be a script, and the browser its child.
    process = subprocess.Popen(
        [*command, url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for way in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, way)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return
