"""The album cache: how long it serves, whom, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from immich_meta.errors import (
    BadAnswerError,
    BusyError,
    MissingPermissionError,
    ServerError,
    UnreachableError,
    WrongKeyError,
)
from immich_meta.sync.album_cache import ALBUM_CACHE, AlbumCache, CacheOrigin, clear_album_cache

NAMES: Mapping[str, tuple[str, ...]] = {"a1": ("Trip, Summer", "Zoë's"), "a2": ()}
NEWER: Mapping[str, tuple[str, ...]] = {"a1": ("Other",)}
HOUR = 3600.0


class Server:
    """Lists albums, or fails."""

    def __init__(self, names: Mapping[str, tuple[str, ...]] = NAMES) -> None:
        self.names = names
        self.calls = 0

    def __call__(self) -> Mapping[str, tuple[str, ...]]:
        self.calls += 1
        return self.names


def _fails(error: ServerError) -> Server:
    class Broken(Server):
        def __call__(self) -> Mapping[str, tuple[str, ...]]:
            raise error

    return Broken()


def _cache(directory: Path, hours: float = 0, owner: str = "ann", ttl: float = 24 * HOUR) -> AlbumCache:
    return AlbumCache(directory / ALBUM_CACHE, owner, ttl, 7 * 24 * HOUR, lambda: 1e9 + hours * HOUR)


def test_names_are_fetched_once_and_then_come_from_the_cache(tmp_path: Path) -> None:
    server = Server()
    assert _cache(tmp_path).get(server) == (NAMES, CacheOrigin.FRESH, ())
    assert _cache(tmp_path, hours=23.9).get(_fails(BusyError("busy"))) == (NAMES, CacheOrigin.CACHE, ())
    assert server.calls == 1
    assert _cache(tmp_path, hours=24).get(Server(NEWER)) == (NEWER, CacheOrigin.FRESH, ())
    assert _cache(tmp_path, hours=25).get(Server()) == (NEWER, CacheOrigin.CACHE, ())


def test_a_ttl_of_zero_always_asks(tmp_path: Path) -> None:
    _cache(tmp_path, ttl=0).get(Server())
    assert _cache(tmp_path, ttl=0).get(Server(NEWER)).by_asset == NEWER


@pytest.mark.parametrize("error", [UnreachableError("no answer"), BusyError("502"), BadAnswerError("cut")])
def test_an_expired_cache_serves_with_a_warning_when_the_server_fails(tmp_path: Path, error: ServerError) -> None:
    _cache(tmp_path).get(Server())
    names, origin, warnings = _cache(tmp_path, hours=7 * 24).get(_fails(error))
    assert (names, origin) == (NAMES, CacheOrigin.STALE)
    assert error.cause in warnings[0]
    assert "7.0 days" in warnings[0]


@pytest.mark.parametrize("hours", [7 * 24 + 0.1, -1])
def test_too_old_a_cache_or_one_of_the_future_does_not_serve(tmp_path: Path, hours: float) -> None:
    _cache(tmp_path).get(Server())
    with pytest.raises(UnreachableError):
        _cache(tmp_path, hours=hours).get(_fails(UnreachableError("no answer")))
    assert _cache(tmp_path, hours=hours).get(Server(NEWER)).by_asset == NEWER


@pytest.mark.parametrize("error", [WrongKeyError("unknown"), MissingPermissionError("album.read")])
def test_a_refused_key_is_not_papered_over(tmp_path: Path, error: ServerError) -> None:
    _cache(tmp_path).get(Server())
    with pytest.raises(type(error)):
        _cache(tmp_path, hours=30).get(_fails(error))


def test_another_owners_cache_is_never_used(tmp_path: Path) -> None:
    _cache(tmp_path).get(Server())
    assert _cache(tmp_path, owner="bob").get(Server(NEWER)) == (NEWER, CacheOrigin.FRESH, ())
    _cache(tmp_path).get(Server())
    with pytest.raises(UnreachableError):
        _cache(tmp_path, hours=30, owner="bob").get(_fails(UnreachableError("no answer")))


def test_the_file_is_for_its_owners_eyes_and_leaves_no_other(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _cache(tmp_path).get(Server())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / ALBUM_CACHE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [ALBUM_CACHE]


VALID = {"format": 1, "owner": "ann", "fetched_at": 1e9, "albums_by_asset": {"a1": ["x"]}}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        "\udcff",
        json.dumps({**VALID, "format": 2}),
        json.dumps({**VALID, "owner": None}),
        json.dumps({**VALID, "fetched_at": "yesterday"}),
        json.dumps({**VALID, "albums_by_asset": ["a1"]}),
        json.dumps({**VALID, "albums_by_asset": {"a1": "x"}}),
        json.dumps({**VALID, "albums_by_asset": {"a1": [1]}}),
    ],
)
def test_a_corrupt_cache_is_a_warning_and_a_fresh_fetch(tmp_path: Path, content: str) -> None:
    (tmp_path / ALBUM_CACHE).write_text(content, errors="surrogateescape")
    names, origin, warnings = _cache(tmp_path).get(Server())
    assert (names, origin) == (NAMES, CacheOrigin.FRESH)
    assert "cannot be used" in warnings[0]
    assert _cache(tmp_path).get(Server(NEWER)) == (NAMES, CacheOrigin.CACHE, ())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(min_value=0))
def test_a_cut_cache_is_never_taken_for_a_whole_one(tmp_path: Path, cut: int) -> None:
    clear_album_cache(tmp_path)
    _cache(tmp_path).get(Server())
    content = (tmp_path / ALBUM_CACHE).read_bytes()
    (tmp_path / ALBUM_CACHE).write_bytes(content[: cut % len(content)])
    assert _cache(tmp_path).get(Server(NEWER)).origin is CacheOrigin.FRESH


def test_a_place_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    names, origin, warnings = _cache(tmp_path / "gone").get(Server())
    assert (names, origin) == (NAMES, CacheOrigin.FRESH)
    assert "cannot be written" in warnings[0]
    (tmp_path / ALBUM_CACHE).mkdir()
    assert len(_cache(tmp_path).get(Server()).warnings) == 2
    assert [path.name for path in tmp_path.iterdir()] == [ALBUM_CACHE]


def test_what_a_killed_run_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / f"{ALBUM_CACHE}.tmp").write_text("half")
    _cache(tmp_path).get(Server())
    assert [path.name for path in tmp_path.iterdir()] == [ALBUM_CACHE]


def test_clearing_says_whether_there_was_one(tmp_path: Path) -> None:
    _cache(tmp_path).get(Server())
    assert clear_album_cache(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not clear_album_cache(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(), st.lists(st.text()).map(tuple)))
def test_any_names_come_back_as_they_were(tmp_path: Path, names: dict[str, tuple[str, ...]]) -> None:
    clear_album_cache(tmp_path)
    _cache(tmp_path).get(Server(names))
    assert _cache(tmp_path).get(Server({})).by_asset == names
