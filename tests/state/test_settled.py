"""What is remembered of each asset, and how much of it a kill can take."""

from __future__ import annotations

import os
import signal
import sqlite3
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.state.store import Settled, asset_key, asset_of
from tests.state.stores import ADA, SETTLED, Clock, opened

IDS = st.one_of(st.uuids().map(str), st.text(max_size=40))


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM settled").fetchone()[0])
    finally:
        connection.close()


def test_what_was_remembered_is_known_to_the_next_run(tmp_path: Path) -> None:
    with opened(tmp_path).store as store:
        assert store.is_kept
        assert store.settled(ADA) is None
        store.remember(ADA, SETTLED)
        assert store.settled(ADA) == SETTLED
    with opened(tmp_path).store as store:
        assert store.settled(ADA) == SETTLED
        store.remember(ADA, SETTLED._replace(faces=b""))
    with opened(tmp_path).store as store:
        assert store.settled(ADA) == Settled(SETTLED.wanted, b"", SETTLED.files)


def test_what_was_forgotten_is_not(tmp_path: Path) -> None:
    with opened(tmp_path).store as store:
        store.remember(ADA, SETTLED)
    with opened(tmp_path).store as store:
        store.forget(ADA)
        assert store.settled(ADA) is None
    with opened(tmp_path).store as store:
        assert store.settled(ADA) is None
        store.forget(ADA)
        store.remember(ADA, SETTLED)
    with opened(tmp_path).store as store:
        assert store.settled(ADA) == SETTLED


def test_stores_of_other_names_know_nothing_of_it(tmp_path: Path) -> None:
    with opened(tmp_path, "host-one").store as one, opened(tmp_path, "host-two").store as two:
        one.remember(ADA, SETTLED)
        assert two.settled(ADA) is None


@pytest.mark.parametrize("back", [1.0, -3600.0])
def test_it_is_written_after_a_second_or_500_assets(tmp_path: Path, back: float) -> None:
    clock = Clock()
    with opened(tmp_path, clock=clock).store as store:
        for number in range(499):
            store.remember(f"asset {number}", SETTLED)
        assert rows(store.path) == 0
        store.remember("asset 499", SETTLED)
        assert rows(store.path) == 500
        store.remember("late", SETTLED)
        assert rows(store.path) == 500
        clock.now += back  # also a clock that is set back
        store.remember("later", SETTLED)
        assert rows(store.path) == 502
        store.remember("now", SETTLED)
        store.commit()
        assert rows(store.path) == 503


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_kill_takes_only_what_was_pending(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            store = opened(tmp_path).store
            for number in range(1234):
                store.remember(f"asset {number}", SETTLED)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    with opened(tmp_path).store as store:
        known = [store.settled(f"asset {number}") for number in range(1234)]
    assert known == [SETTLED] * 1000 + [None] * 234


@given(IDS, IDS)
def test_each_id_has_a_key_of_its_own_and_back(one: str, other: str) -> None:
    assert (asset_key(one) == asset_key(other)) == (asset_of(asset_key(one)) == asset_of(asset_key(other)))
    if not any(0xD800 <= ord(character) <= 0xDFFF for character in one) and asset_key(one)[-1:] == b"\xff":
        assert asset_of(asset_key(one)) in (one, one.lower())


@given(st.uuids())
def test_a_uuid_takes_16_bytes(value: uuid.UUID) -> None:
    assert asset_key(str(value)) == value.bytes
    assert asset_of(value.bytes) == str(value)


@given(st.text(st.characters(max_codepoint=127), min_size=15, max_size=16))
def test_no_other_text_takes_16_bytes(text: str) -> None:
    assert len(asset_key(text)) != 16


def test_a_row_of_wrong_types_is_not_known(tmp_path: Path) -> None:
    with opened(tmp_path).store as store:
        path = store.path
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO settled VALUES (?, 'text', 7, x'00', x'')", (asset_key(ADA),))
    connection.commit()
    connection.close()
    with opened(tmp_path).store as store:
        assert store.settled(ADA) is None
