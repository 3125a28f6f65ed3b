"""Reading what was written: that it is the patch and nothing else, and the digest of all bytes outside of it.

Not here: what is done when it is not (replacement.py), and files in place (in_place.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple, Optional

import xxhash

from immich_meta_writers.commit.replay import read_range
from immich_meta_writers.errors import AccessError
from immich_meta_writers.patch import Patch

# The old part and the new one together stay in a processor's cache while they are compared and hashed.
CHUNK_BYTES = 1 << 18
READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Stretch(NamedTuple):
    """Bytes that a patch leaves alone: where they are in the old file, and where in the new one."""

    old: int
    new: int
    length: int


def stretches(patch: Patch) -> Iterator[Stretch]:
    """What is outside of the patch, in order."""
    old = new = 0
    for splice in patch.splices:
        yield Stretch(old, new, splice.offset - old)
        new += splice.offset - old + len(splice.data)
        old = splice.offset + splice.length
    yield Stretch(old, new, patch.size - old)


def outside_digest() -> xxhash.xxh3_128:
    """For the bytes outside of a patch, which are all of a photo: XXH3, 128 bits.

    It tells a file that was changed since from one that was not, for a twentieth of what SHA-256 costs; who is able to
    write another file with the same digest is able to write any.
    """
    return xxhash.xxh3_128()


def require_read_back(place: str, old: int, patch: Patch, path: str, *, hashed: bool) -> Optional[bytes]:
    """Read the new file at `place` and compare it with the patch, and with the old one that is open as `old`.

    Each byte is read once. Answers with the digest of all bytes outside of the patch if it is to be `hashed`. Raises
    AccessError when they differ, OSError.
    """
    digest = outside_digest() if hashed else None
    descriptor = os.open(place, READ_FLAGS)
    try:
        for stretch in stretches(patch):
            for done in range(0, stretch.length, CHUNK_BYTES):
                length = min(CHUNK_BYTES, stretch.length - done)
                data = read_range(descriptor, stretch.new + done, length)
                if len(data) < length or data != read_range(old, stretch.old + done, length):
                    raise _unlike(stretch.new + done, path)
                if digest is not None:
                    digest.update(data)
        _require_inside(descriptor, patch, path)
    finally:
        os.close(descriptor)
    return None if digest is None else digest.digest()


def _require_inside(descriptor: int, patch: Patch, path: str) -> None:
    shift = 0
    for splice in patch.splices:
        if read_range(descriptor, splice.offset + shift, len(splice.data)) != splice.data:
            raise _unlike(splice.offset + shift, path)
        shift += len(splice.data) - splice.length
    if os.fstat(descriptor).st_size != patch.new_size:
        raise _unlike(patch.new_size, path)


def _unlike(offset: int, path: str) -> AccessError:
    cause = "the new file did not read back as it was written"
    cure = "the file is untouched; look at the disk: it may be failing"
    return AccessError(cause, place=f"offset {offset}", cure=cure, path=path)
