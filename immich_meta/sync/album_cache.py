"""The album names of each asset, remembered between runs because listing them is many requests.

Not here: how albums are listed (api/), and what becomes of the names (mapping/albums.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from immich_meta.errors import MissingPermissionError, ServerError, WrongKeyError

ALBUM_CACHE = ".immich_album_cache.json"
PATTERN = ".immich_album_cache.*json"
FORMAT = 1
MODE = 0o600
# About two million assets; a larger file is not one that we wrote.
MAX_BYTES = 256 << 20

Names = Mapping[str, tuple[str, ...]]


class CacheOrigin(Enum):
    """Where album names came from: just fetched, from the cache, or from one that had expired."""

    FRESH = "fresh"
    CACHE = "cache"
    STALE = "stale"


class AlbumNames(NamedTuple):
    """Album names by asset id, in the server's order; where they came from; what the user should hear."""

    by_asset: Names
    origin: CacheOrigin
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Remembered:
    names: Names
    fetched_at: float
    state: str = ""


class AlbumCache:
    """One server's and user's album names in `path`.

    `owner_hash` tells servers and users apart (identity.owner_hash): another's cache is never used.
    `ttl` and `max_stale` are seconds; `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        path: Path,
        owner_hash: str,
        ttl: float,
        max_stale: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._owner_hash = owner_hash
        self._ttl = ttl
        self._max_stale = max_stale
        self._clock = clock

    def get(self, fetch: Callable[[], Names], state: str = "") -> AlbumNames:
        """The names: from the cache while it is younger than `ttl` and the albums are in the same `state`, else
        from `fetch`. The state is any text that changes when an album is renamed, filled or emptied.

        When `fetch` raises a ServerError, a cache of up to `max_stale` seconds serves, with a warning.
        Raises that ServerError when there is none; a refused key is never papered over.
        """
        remembered, warnings = self._read()
        age = self._clock() - remembered.fetched_at if remembered else None
        if remembered and age is not None and 0 <= age < self._ttl and remembered.state == state:
            return AlbumNames(remembered.names, CacheOrigin.CACHE, warnings)
        try:
            names = {asset_id: tuple(albums) for asset_id, albums in fetch().items()}
        except (WrongKeyError, MissingPermissionError):
            raise
        except ServerError as error:
            if remembered is None or age is None or not 0 <= age <= self._max_stale:
                raise
            warning = f"Albums cannot be fetched ({error}): using those of {_ago(age)} ago from {self._path}"
            return AlbumNames(remembered.names, CacheOrigin.STALE, (*warnings, warning))
        return AlbumNames(names, CacheOrigin.FRESH, (*warnings, *self._write(names, state)))

    def _read(self) -> tuple[Optional[_Remembered], tuple[str, ...]]:
        try:
            with open(self._path, "rb") as stream:
                content = stream.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise ValueError("it is too large")
            owner, remembered = _decode(content)
        except FileNotFoundError:
            return None, ()
        except (OSError, ValueError, RecursionError) as error:
            return None, (f"The album cache {self._path} cannot be used ({_reason(error)}): fetching anew",)
        return (remembered, ()) if owner == self._owner_hash else (None, ())

    def _write(self, names: Names, state: str) -> tuple[str, ...]:
        content = {
            "format": FORMAT,
            "owner": self._owner_hash,
            "fetched_at": self._clock(),
            "state": state,
            "albums_by_asset": names,
        }
        try:
            _replace(self._path, json.dumps(content).encode())
        except OSError as error:
            return (f"The album cache {self._path} cannot be written: {_reason(error)}",)
        return ()


def cache_path(directory: Path, owner: str = "") -> Path:
    """The cache in a directory; each owner's own one where several users share it."""
    return directory / (ALBUM_CACHE if not owner else f".immich_album_cache.{owner[:12]}.json")


def clear_album_cache(directory: Path) -> bool:
    """Remove the caches in `directory`; whether there was one. Raises OSError."""
    found = False
    caches = {directory / ALBUM_CACHE, *directory.glob(PATTERN)}
    for path in (each for cache in sorted(caches) for each in (cache, _temporary(cache))):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            found = True
    return found


def _temporary(path: Path) -> Path:
    # One name, so that what a killed run left is overwritten by the next.
    return path.with_name(path.name + ".tmp")


def _replace(path: Path, content: bytes) -> None:
    temporary = _temporary(path)
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _decode(content: bytes) -> tuple[str, _Remembered]:
    """The owner and the names of a cache file. Raises ValueError when it is not one."""
    found = json.loads(content)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError("it is not an album cache of this version")
    owner, fetched_at, names = (found.get(name) for name in ("owner", "fetched_at", "albums_by_asset"))
    if not isinstance(owner, str) or not isinstance(fetched_at, (int, float)) or not isinstance(names, dict):
        raise ValueError("it lacks what an album cache has")
    if not all(isinstance(albums, list) and all(isinstance(name, str) for name in albums) for albums in names.values()):
        raise ValueError("its album names are no texts")
    remembered = {asset_id: tuple(albums) for asset_id, albums in names.items()}
    return owner, _Remembered(remembered, fetched_at, str(found.get("state", "")))


def _reason(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"no valid JSON in line {error.lineno}"
    return getattr(error, "strerror", None) or str(error)


def _ago(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
