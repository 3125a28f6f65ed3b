"""What several containers share: their limits, words for people, and refusing payloads that a format has no place for.

Not here: where a payload lies (each container) and what a patch is (patch.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from immich_meta_writers.containers import Payloads
from immich_meta_writers.errors import UnsupportedError

TIFF_MAGIC = (b"II*\0", b"MM\0*")
EXIF_HEADER = b"Exif\0\0"
# Metadata beyond this is none: it is neither read nor inflated nor written.
MAX_PAYLOAD_BYTES = 64 << 20
# An XMP packet of nothing else says nothing.
BLANK = b"\0 \t\r\n"


def shown(kind: bytes) -> str:
    """The four characters of a box or chunk for people; the copyright sign of Mac Roman is the same in Latin 1."""
    return repr(kind.decode("latin-1"))


def require_homes(found: Payloads, payloads: Payloads, homes: Collection[str], name: str) -> None:
    """Raises UnsupportedError when another payload than those in `homes` is to change; `name`: the format's."""
    for each in fields(Payloads):
        if each.name not in homes and (getattr(payloads, each.name) or None) != (getattr(found, each.name) or None):
            raise UnsupportedError(f"a {name} file has no place for {each.name}", place=each.name)


def tiff_start(head: bytes) -> int:
    """Where the TIFF block begins in a block that may have JPEG's `Exif\\0\\0` in front; -1: there is none."""
    for at in (0, len(EXIF_HEADER)):
        if head[at : at + 4] in TIFF_MAGIC and head.startswith(EXIF_HEADER[:at]):
            return at
    return -1
