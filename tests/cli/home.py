"""A user's machine in a folder: photos, a working directory, an environment; and a server that knows the photos.

Not here: anything that is demanded of a run (test_*.py).
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from immich_meta.cli import commands, run
from immich_meta.demo.library import DemoAsset, Library
from immich_meta.demo.server import DemoServer
from immich_meta_writers import read

ROOT = Path(__file__).resolve().parents[2]
UPLOADS = "/data/library/admin"
EVERYTHING = ("--all", "--albums", "--face-coordinates", "--tags")
_MODULES = {*EVERYTHING, "--people", "--gps", "--caption", "--time", "--rating"}
_FINISH = re.compile(r"\[[-0-9 :]{19}\] \[INFO   \] FINISH")
KEY = "k3y-that-must-never-be-shown"
_OURS = ("IMMICH_", "TZ", "PHOTO_DIR", "LOG_FILE", "CAPTION_MAX_LEN", "BACKUP_TARGET", "DB_", "KEEP_BACKUPS", "FLASK_")


@cache
def jpeg(number: int = 0) -> bytes:
    """A small photo, another one for each number."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (number % 256, 60, 120)).save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    def sums(self) -> dict[str, int]:
        """The counts of the FINISH line."""
        line = next(filter(_FINISH.match, self.out.splitlines()))
        pairs = (word.split("=", 1) for word in line.split() if "=" in word)
        return {name: int(value) for name, value in pairs if value.isdigit()}


class Home:
    """`run` is the real command line in this process, `start` the same in a child."""

    def __init__(
        self,
        folder: Path,
        server: Optional[DemoServer],
        monkeypatch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self.photos, self.directory = folder / "photos", folder / "work"
        self.photos.mkdir()
        self.directory.mkdir()
        self.server = server
        self._monkeypatch = monkeypatch
        self._capture = capture
        self.environ: dict[str, str] = {"IMMICH_META_STATE_DIR": str(folder / "state")}
        if server is not None:
            server.add_key(KEY, "all")
            self.environ |= {
                "IMMICH_INSTANCE_URL": server.url,
                "IMMICH_API_KEY": KEY,
                "IMMICH_PHOTO_DIR": str(self.photos),
                "IMMICH_PATH_MAP": f"{UPLOADS}={self.photos}",
                "IMMICH_META_JOBS": "0",
            }

    @property
    def library(self) -> Library:
        assert self.server is not None
        return self.server.library

    def photo(self, name: str, content: Optional[bytes] = None) -> Path:
        """A file below `photos`."""
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg() if content is None else content)
        return path

    def add(self, name: str, content: Optional[bytes] = None, **fields: Any) -> tuple[Path, DemoAsset]:
        """A file and the asset that the server has of it, of an external library unless told otherwise."""
        path = self.photo(name, content)
        fields.setdefault("library_id", "5f1b1f0c-0000-4000-8000-0000000000ff")
        fields.setdefault("date", datetime(2024, 5, 1, 12, 0))
        fields.setdefault("time_zone", "Europe/Berlin")
        return path, self.library.add_photo(f"{UPLOADS}/{name}", content=path.read_bytes(), **fields)

    def fill(self, count: int) -> list[Path]:
        """Photos with a person each, a minute apart: listed in this order."""
        return [
            self.add(f"2024/IMG_{at:04}.jpg", people=["Ada"], date=datetime(2024, 5, 1, 12, at))[0]
            for at in range(count)
        ]

    def run(self, *arguments: str, **environ: Optional[str]) -> Ran:
        """A command, as a user would type it; `environ` on top of the home's, None takes a variable away."""
        with self._monkeypatch.context() as patch:
            for variable in [each for each in os.environ if each.startswith(_OURS)]:
                patch.delenv(variable)
            for variable, value in {**self.environ, **environ}.items():
                if value is not None:
                    patch.setenv(variable, value)
            patch.chdir(self.directory)
            self._capture.readouterr()
            code = run(commands, "immich-meta", arguments)
            said = self._capture.readouterr()
        return Ran(code, said.out, said.err)

    def sync(self, *arguments: str, **environ: Optional[str]) -> Ran:
        """`immich-meta sync`, with every module unless modules are named; the sums are checked."""
        asked = _MODULES.intersection(arguments)
        ran = self.run("sync", *(() if asked else EVERYTHING), *arguments, **environ)
        if any(map(_FINISH.match, ran.out.splitlines())):
            sums = ran.sums()
            sums.pop("resumed", None)
            total = sums.pop("total")
            assert sum(sums.values()) == total
        return ran

    def report(self, *arguments: str, **environ: Optional[str]) -> list[dict[str, Any]]:
        """The report of a `sync`."""
        path = self.directory / "report.jsonl"
        self.sync("--report", str(path), *arguments, **environ)
        return lines_of(path)

    def start(self, *arguments: str, script: str = "", **environ: str) -> subprocess.Popen[str]:
        """The same command, or a script, in a child process."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        paths = os.pathsep.join(str(ROOT / each) for each in (".", "writers"))
        return subprocess.Popen(
            [sys.executable, *(("-c", script) if script else ("-m", "immich_meta")), *arguments],
            cwd=self.directory,
            env={**ours, "PYTHONPATH": paths, **self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    @property
    def log(self) -> str:
        return (self.directory / "immich_ultra_sync.txt").read_text("utf-8")

    def checkpoints(self) -> list[Path]:
        return sorted(self.directory.glob(".immich_sync_checkpoint.*"))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file's bytes and modification time."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def keywords(path: Path) -> tuple[str, ...]:
    found = read(path).get("XMP-dc:Subject", ())
    assert isinstance(found, tuple)
    return found


def wait_until(happened: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for another process or thread; fails when it takes too long."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def statuses(lines: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """File name to status of report lines."""
    return {os.path.basename(line["path"]): line["status"] for line in lines}
