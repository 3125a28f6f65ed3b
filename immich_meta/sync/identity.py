"""Whether a file is an asset's original, and whose data a remembered file holds.

Not here: where the file may be (paths.py).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from array import array
from enum import Enum
from typing import Callable, Optional
from urllib.parse import urlsplit

from immich_meta.api.models import Asset

READ_BYTES = 1 << 20
_SHA1_BYTES = 20

# The immichmeta:AssetId that a local file holds; None when it holds none or cannot be read.
ReadAssetId = Callable[[str], Optional[str]]


class Proof(Enum):
    """What shows that a file is the asset's original, cheapest first."""

    SIZE = "size"
    ASSET_ID = "asset id"
    CHECKSUM = "checksum"


def prove(
    asset: Asset, path: str, size: int, read_asset_id: ReadAssetId, *, size_proves: bool = True
) -> Optional[Proof]:
    """What shows that `path`, of `size` bytes, is the asset's original; None when nothing does.

    `size_proves` False asks for more than an equal size: two assets may claim the file.
    The checksum is one of content only in the upload library; in an external one it is of the path.
    """
    if size_proves and asset.exif.file_size is not None and size == asset.exif.file_size:
        return Proof.SIZE
    if read_asset_id(path) == asset.id:
        return Proof.ASSET_ID
    expected = decode_checksum(asset.checksum) if asset.library_id is None else None
    if expected is not None and sha1_of(path) == expected:
        return Proof.CHECKSUM
    return None


def decode_checksum(text: Optional[str]) -> Optional[bytes]:
    """The 20 bytes of an SHA-1 in base64 (Immich's form) or hex; None when it is neither."""
    if text is None:
        return None
    try:
        if len(text) == 2 * _SHA1_BYTES:
            return binascii.unhexlify(text)
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return digest if len(digest) == _SHA1_BYTES else None


def sha1_of(path: str) -> Optional[bytes]:
    """The SHA-1 of a regular file's content; None when it cannot be read."""
    # Immich's choice of digest; it tells files apart here, it guards nothing.
    sha = hashlib.sha1(usedforsecurity=False)
    try:
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(READ_BYTES), b""):
                sha.update(block)
    except (OSError, ValueError):
        return None
    return sha.digest()


def owner_hash(instance_url: str, user_id: str) -> str:
    """Tells servers and users apart in remembered files without naming them: 64 hex digits.

    Case of the host, default ports, a trailing slash and `/api` make no difference.
    """
    parts = urlsplit(instance_url)
    port = {"http": 80, "https": 443}.get(parts.scheme) if parts.port is None else parts.port
    path = parts.path.rstrip("/")
    path = path[: -len("/api")] if path.endswith("/api") else path
    return hashlib.sha256(f"{parts.hostname}:{port}{path}\n{user_id}".encode("utf-8", "surrogatepass")).hexdigest()


class Claims:
    """Which keys are claimed by more than one owner, in 16 to 64 bytes per key whatever their lengths.

    Kept as 64-bit hashes: that one of a million keys is wrongly held for claimed twice has a chance of 1 in
    10^7, and then its asset is only asked for a better proof.
    """

    _SEVERAL = (1 << 64) - 1

    def __init__(self) -> None:
        self._resize(1 << 10)
        self._used = 0

    def _resize(self, slots: int) -> None:
        self._mask = slots - 1
        self._keys = array("Q", bytes(8 * slots))
        self._owners = array("Q", bytes(8 * slots))

    def add(self, key: str, owner: str) -> bool:
        """Note that `owner` claims `key`; whether another one does, too."""
        if self._used * 3 > self._mask * 2:
            self._grow()
        owner_hash = hash(owner) & (self._SEVERAL >> 1)
        slot = self._slot(key_hash := _hash64(key))
        if not self._keys[slot]:
            self._keys[slot], self._owners[slot] = key_hash, owner_hash
            self._used += 1
        elif self._owners[slot] != owner_hash:
            self._owners[slot] = self._SEVERAL
        return self._owners[slot] == self._SEVERAL

    def __contains__(self, key: str) -> bool:
        """Whether anybody claims `key`."""
        return bool(self._keys[self._slot(_hash64(key))])

    def contested(self, key: str) -> bool:
        """Whether several owners claim `key`."""
        slot = self._slot(_hash64(key))
        return bool(self._keys[slot]) and self._owners[slot] == self._SEVERAL

    def _slot(self, key_hash: int) -> int:
        slot = key_hash & self._mask
        while self._keys[slot] not in (0, key_hash):
            slot = (slot + 1) & self._mask
        return slot

    def _grow(self) -> None:
        entries = [(key, owner) for key, owner in zip(self._keys, self._owners) if key]
        self._resize(2 * (self._mask + 1))
        for key, owner in entries:
            slot = self._slot(key)
            self._keys[slot], self._owners[slot] = key, owner


def _hash64(text: str) -> int:
    # 0 marks a free slot.
    return hash(text) & ((1 << 64) - 1) or 1
