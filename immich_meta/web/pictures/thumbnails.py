"""Thumbnails of assets, kept on disk for a while; whatever the server sends, only a picture gets through.

Not here: asking (server.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Literal, NamedTuple, Optional

from immich_meta.errors import BadAnswerError
from immich_meta.web.pictures.server import Account, AskedServer

ASSET_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
KEPT_BYTES = 200 << 20
KEPT_SECONDS = 7 * 86400.0
_STORED_BETWEEN_SWEEPS = 4 << 20
_LEFT = 0.9  # of the room, after a sweep
_TEMPORARY = ".new-"

Size = Literal["thumbnail", "preview"]


class Picture(NamedTuple):
    content: bytes
    kind: str


class Thumbnails:
    """A folder of pictures, those that were looked at last. `clock`: seconds since 1970."""

    def __init__(
        self, folder: Path, server: AskedServer, clock: Callable[[], float], kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._folder = folder
        self._server = server
        self._clock = clock
        self._kept_bytes = kept_bytes
        self._sweeping = threading.Lock()
        self._stored = _STORED_BETWEEN_SWEEPS  # who starts does not know what is there

    def get(self, asset_id: str, size: Size) -> Picture:
        """The picture; `asset_id` is one that ASSET_ID matches. Raises SettingsError, ServerError."""
        for account in self._server.accounts():
            kept = self._kept(self._path(account, asset_id, size))
            if kept is not None:
                return kept
        found, account = self._server.ask("thumbnail", lambda client: _picture(client.thumbnail(asset_id, size)))
        self._keep(self._path(account, asset_id, size), found.content)
        return found

    def _path(self, account: Account, asset_id: str, size: Size) -> Path:
        """A picture is for those who may see it: another key does not get what was kept for this one."""
        owner = hashlib.sha256("\n".join(account).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self._folder / owner / f"{asset_id}-{size}"

    def _kept(self, path: Path) -> Optional[Picture]:
        now = self._clock()
        try:
            status = path.stat()
            if now - status.st_mtime > KEPT_SECONDS:
                return None
            content = path.read_bytes()
            # When it was looked at is noted by us: many file systems do not.
            os.utime(path, (now, status.st_mtime))
        except OSError:
            return None
        try:
            return _picture(content)
        except BadAnswerError:
            return None

    def _keep(self, path: Path, content: bytes) -> None:
        """A disk that is full keeps nothing, and that is all."""
        temporary = path.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                temporary.write_bytes(content)
                os.utime(temporary, (self._clock(), self._clock()))
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        self._stored += len(content)
        if self._stored >= min(_STORED_BETWEEN_SWEEPS, self._kept_bytes // 20):
            self._sweep()

    def _sweep(self) -> None:
        """Remove those that nobody has looked at for longest, until the rest fits."""
        if not self._sweeping.acquire(blocking=False):
            return
        try:
            self._stored = 0
            kept = sorted(_files(self._folder))
            size = sum(each.size for each in kept)
            if size <= self._kept_bytes:
                return
            for each in kept:
                if size <= self._kept_bytes * _LEFT:
                    return
                with contextlib.suppress(OSError):
                    each.path.unlink()
                    size -= each.size
        finally:
            self._sweeping.release()


class _File(NamedTuple):
    looked_at: float
    size: int
    path: Path


def _files(folder: Path) -> Iterator[_File]:
    for path in folder.glob("*/*"):
        try:
            status = path.lstat()
        except OSError:
            continue
        yield _File(0.0 if path.name.startswith(_TEMPORARY) else status.st_atime, status.st_size, path)


def _picture(content: bytes) -> Picture:
    kind = kind_of(content)
    if kind is None:
        raise BadAnswerError("what came as a thumbnail is no picture", request="GET /assets/…/thumbnail")
    return Picture(content, kind)


def kind_of(content: bytes) -> Optional[str]:
    """The type by the first bytes, of the three that Immich makes thumbnails of; None for anything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None
