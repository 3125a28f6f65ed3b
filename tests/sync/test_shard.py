"""Parts of a library: each asset is in one of them, in the same one each time."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api.models import Asset, InvalidAsset
from immich_meta.sync.shard import MOST_SHARDS, Shard, parse_shard

IDS = st.one_of(st.none(), st.uuids().map(str), st.text(max_size=40))


@given(ids=st.lists(IDS, max_size=20), count=st.integers(1, 60))
def test_each_asset_is_in_one_part(ids: list[str], count: int) -> None:
    shards = [Shard(index, count) for index in range(count)]
    for each in ids:
        assert [shard.has(each) for shard in shards].count(True) == 1


@given(ids=st.lists(IDS, max_size=20), count=st.integers(1, 9))
def test_the_parts_together_are_the_whole_in_its_order(ids: list[str], count: int) -> None:
    assets = [InvalidAsset(each, "x", "y") if each is None else Asset(each, "/x") for each in ids]
    parts = [list(Shard(index, count).of(iter(assets))) for index in range(count)]
    assert sum(map(len, parts)) == len(assets)
    for part in parts:
        places = [next(at for at, asset in enumerate(assets) if asset is each) for each in part]
        assert places == sorted(places)
    assert {id(asset) for part in parts for asset in part} == {id(asset) for asset in assets}


def test_the_part_of_an_asset_is_the_same_on_every_machine() -> None:
    """These are promises: a state is kept per part."""
    ids = [str(UUID(int=number)) for number in range(12)]
    parts = [next(at for at in range(4) if Shard(at, 4).has(each)) for each in ids]
    assert parts == [1, 3, 1, 3, 0, 2, 0, 2, 3, 1, 3, 1]


def test_parts_are_of_about_one_size() -> None:
    ids = [str(UUID(int=number * 7919)) for number in range(8000)]
    sizes = [sum(map(Shard(index, 8).has, ids)) for index in range(8)]
    assert all(800 < size < 1200 for size in sizes)


@given(count=st.integers(1, MOST_SHARDS), data=st.data())
def test_a_part_is_read_as_it_is_shown(count: int, data: st.DataObject) -> None:
    shard = Shard(data.draw(st.integers(0, count - 1)), count)
    assert parse_shard(f" {shard} ") == shard


NO_PARTS = ("", "1", "/", "1/", "/2", "2/2", "3/2", "0/0", "-1/2", "0/-2", "1.0/2", "0/10001", "a/b", "0/2/3", "٠/٢")


@pytest.mark.parametrize("text", NO_PARTS)
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_shard(text)
