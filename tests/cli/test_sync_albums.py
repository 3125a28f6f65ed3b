"""`sync --albums` and the cache of album names."""

from __future__ import annotations

import json
import os
import stat
import time

from immich_meta.demo.server import DemoServer
from immich_meta_writers import read
from tests.cli.home import KEY, Home

CACHE = ".immich_album_cache.json"


def _age(home: Home, seconds: float) -> None:
    path = home.directory / CACHE
    content = json.loads(path.read_text())
    content["fetched_at"] = time.time() - seconds
    path.write_text(json.dumps(content))


def _poison(home: Home) -> None:
    """What is remembered gets another name, to tell it from what the server says."""
    path = home.directory / CACHE
    path.write_text(path.read_text().replace("Spring", "Remembered"))


def test_a_young_cache_is_used_while_the_servers_albums_are_the_same(home: Home, server: DemoServer) -> None:
    path, asset = home.add("a.jpg", albums=["Spring"])
    home.sync("--albums")
    assert read(path)["XMP-iptcExt:Event"] == "Spring"
    mode = stat.S_IMODE((home.directory / CACHE).stat().st_mode)
    assert mode == 0o600 or os.name != "posix"
    _poison(home)
    home.sync("--albums")
    assert read(path)["XMP-iptcExt:Event"] == "Remembered"
    home.library.put_in_album(asset, "Autumn")
    assert home.sync("--albums").sums()["updated"] == 1
    assert read(path)["XMP-lr:HierarchicalSubject"] == ("Albums|Autumn", "Albums|Spring")


def test_an_old_cache_is_fetched_anew(home: Home) -> None:
    path, _ = home.add("a.jpg", albums=["Spring"])
    home.sync("--albums")
    _poison(home)
    _age(home, 90_000)
    assert home.sync("--albums").sums()["unchanged"] == 1
    assert read(path)["XMP-iptcExt:Event"] == "Spring"


def test_the_age_limit_can_be_set(home: Home) -> None:
    home.add("a.jpg", albums=["Spring"])
    home.sync("--albums")
    _poison(home)
    assert home.sync("--albums", IMMICH_ALBUM_CACHE_TTL="0").sums()["unchanged"] == 1


def test_a_stale_cache_serves_with_a_warning_when_the_server_fails(home: Home, server: DemoServer) -> None:
    home.add("a.jpg", albums=["Spring"])
    home.sync("--albums")
    _age(home, 90_000)
    server.fail(500, times=None, path="/albums")
    ran = home.sync("--albums")
    assert (ran.code, ran.sums()["unchanged"]) == (0, 1)
    assert "[WARNING] Albums cannot be fetched" in ran.out
    _age(home, 700_000)
    assert home.sync("--albums").code == 3


def test_a_refused_key_is_never_papered_over(home: Home, server: DemoServer) -> None:
    home.add("a.jpg", albums=["Spring"])
    home.sync("--albums")
    _age(home, 90_000)
    server.add_key(KEY, "user.read", "asset.read")
    ran = home.sync("--albums")
    assert ran.code == 3
    assert "album.read" in ran.err


def test_the_cache_can_be_cleared_in_a_run_and_alone(home: Home) -> None:
    home.add("a.jpg", albums=["Spring"])
    home.sync("--albums")
    _poison(home)
    assert home.sync("--albums", "--clear-album-cache").sums()["unchanged"] == 1
    ran = home.run("sync", "--clear-album-cache")
    assert ran.code == 0
    assert not (home.directory / CACHE).exists()
    assert "no album cache" in home.run("sync", "--clear-album-cache").out


def test_a_corrupt_cache_is_a_warning(home: Home) -> None:
    home.add("a.jpg", albums=["Spring"])
    (home.directory / CACHE).write_text('{"format": 1')
    ran = home.sync("--albums")
    assert (ran.code, ran.sums()["updated"]) == (0, 1)
    assert "[WARNING] The album cache" in ran.out


def test_the_cache_of_another_server_is_not_used(home: Home) -> None:
    path, asset = home.add("a.jpg", albums=["Spring"])
    home.sync("--albums")
    with DemoServer() as other:
        other.add_key(KEY, "all")
        other.library.assets[asset.id] = asset
        other.library.put_in_album(asset, "Elsewhere")
        home.sync("--albums", IMMICH_INSTANCE_URL=other.url)
    assert "Albums|Elsewhere" in read(path)["XMP-lr:HierarchicalSubject"]  # type: ignore[operator]


def test_shared_albums_count_and_nameless_ones_do_not(home: Home) -> None:
    path, asset = home.add("a.jpg", albums=["Spring", "  "])
    home.library.album("Theirs", shared=True, owner_id="a6b1c5d2-0000-4000-8000-000000000002")
    home.library.put_in_album(asset, "Theirs")
    home.sync("--albums")
    assert read(path)["XMP-lr:HierarchicalSubject"] == ("Albums|Spring", "Albums|Theirs")
