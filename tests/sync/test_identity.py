"""What proves a file to be an asset's original."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api.models import Asset, ExifInfo
from immich_meta.sync.identity import Claims, Proof, decode_checksum, owner_hash, prove, sha1_of

CONTENT = b"a photo"
SHA1 = hashlib.sha1(CONTENT).digest()


def _asset(size: Optional[int] = None, checksum: Optional[str] = None, library: Optional[str] = None) -> Asset:
    return Asset("a1", "/data/a.jpg", library_id=library, checksum=checksum, exif=ExifInfo(file_size=size))


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "a.jpg"
    path.write_bytes(CONTENT)
    return str(path)


def _never(path: str) -> Optional[str]:
    raise AssertionError(f"{path} was read though its size is proof")


def test_an_equal_size_is_proof_and_the_file_is_not_read(photo: str) -> None:
    assert prove(_asset(size=7), photo, 7, _never) is Proof.SIZE


def test_an_equal_asset_id_is_proof(photo: str) -> None:
    assert prove(_asset(size=8), photo, 7, lambda path: "a1") is Proof.ASSET_ID


@pytest.mark.parametrize("checksum", [base64.b64encode(SHA1).decode(), SHA1.hex()])
def test_an_equal_checksum_is_proof_in_the_upload_library_only(photo: str, checksum: str) -> None:
    assert prove(_asset(8, checksum), photo, 7, lambda path: None) is Proof.CHECKSUM
    assert prove(_asset(8, checksum, library="l1"), photo, 7, lambda path: None) is None


def test_nothing_is_proved_by_unknown_values(photo: str) -> None:
    assert prove(_asset(), photo, 7, lambda path: None) is None
    assert prove(_asset(8, base64.b64encode(b"x" * 20).decode()), photo, 7, lambda path: "a2") is None


def test_size_is_not_enough_for_a_file_that_two_assets_claim(photo: str) -> None:
    checksum = base64.b64encode(SHA1).decode()
    assert prove(_asset(7), photo, 7, lambda path: None, size_proves=False) is None
    assert prove(_asset(7, checksum), photo, 7, lambda path: None, size_proves=False) is Proof.CHECKSUM


@pytest.mark.parametrize("text", [None, "", "x", "zz" * 20, "é" * 28, base64.b64encode(b"short").decode()])
def test_what_is_no_checksum_is_none(text: Optional[str]) -> None:
    assert decode_checksum(text) is None


def test_an_unreadable_file_has_no_checksum(tmp_path: Path) -> None:
    assert sha1_of(str(tmp_path / "gone")) is None
    assert sha1_of(str(tmp_path)) is None
    assert sha1_of("a\0b") is None


@pytest.mark.parametrize(
    "url",
    ["http://h", "http://H:80/", "http://h/api", "http://h:80/api/"],
)
def test_writings_of_one_server_are_one_owner(url: str) -> None:
    assert owner_hash(url, "u1") == owner_hash("http://h/", "u1")


def test_another_server_or_user_is_another_owner() -> None:
    owners = [
        ("http://h", "u1"),
        ("http://h", "u2"),
        ("http://h:81", "u1"),
        ("http://h/b", "u1"),
        ("https://h", "u1"),
    ]
    assert len({owner_hash(*owner) for owner in owners}) == len(owners)


@given(st.lists(st.tuples(st.sampled_from(["k", "l", "", "m\ud800"]) | st.text(max_size=3), st.sampled_from("abc"))))
def test_a_key_is_contested_exactly_when_two_owners_claim_it(claims: list[tuple[str, str]]) -> None:
    seen = Claims()
    owners: dict[str, set[str]] = {}
    for key, owner in claims:
        owners.setdefault(key, set()).add(owner)
        assert seen.add(key, owner) == (len(owners[key]) > 1)
    for key, names in owners.items():
        assert seen.contested(key) == (len(names) > 1)
    assert not seen.contested("never claimed")


def test_claims_stay_right_and_small_when_there_are_many() -> None:
    claims = Claims()
    for number in range(20_000):
        claims.add(f"key {number}", "a")
    claims.add("key 77", "b")
    assert [number for number in range(20_000) if claims.contested(f"key {number}")] == [77]
    assert len(claims._keys) * 16 <= 20_000 * 64
