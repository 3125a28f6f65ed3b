"""The changed tags of one write, as they are kept: names, old and new values, compressed.

Not here: what takes the write back (immich_meta_writers.undo).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from immich_meta.changed import ChangedTag, Value

_MOST_BYTES = 64 << 20


class KeptChange(NamedTuple):
    """A change that was kept."""

    tag: str
    old: Value
    new: Value


def pack(changes: Sequence[ChangedTag]) -> bytes:
    rows = [(change.tag, change.old, change.new) for change in changes]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode("ascii"))


def unpack(data: bytes) -> tuple[KeptChange, ...]:
    """Raises ValueError when they are damaged."""
    try:
        inflater = zlib.decompressobj()
        text = inflater.decompress(data, _MOST_BYTES)
        if not inflater.eof:
            raise ValueError("it is cut off")
        return tuple(KeptChange(str(tag), _value(old), _value(new)) for tag, old, new in json.loads(text))
    except (zlib.error, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _value(value: object) -> Value:
    if isinstance(value, list):
        return tuple(map(str, value))
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise ValueError("it is no value")
