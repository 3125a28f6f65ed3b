"""Tiny movies for the samples: a few JPEG frames in a QuickTime or MP4 file (ISO/IEC 14496-12 and -14; QTFF).

Not here: the pictures (photos.py). Nothing of the writers is used: what they change was made by somebody else.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Optional

_SINCE_1904 = datetime(1904, 1, 1, tzinfo=timezone.utc)
_PER_SECOND = 600
_FRAME = 60
_MATRIX = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_TEXT = 1


def mov(
    frames: Sequence[bytes], size: tuple[int, int], created: Optional[datetime], keys: Mapping[str, str]
) -> bytes:
    """A QuickTime movie as phones make it: the frames ten a second, the samples first, `keys` in moov/meta.

    `frames` are JPEG files of `size`; `created` is aware, None leaves the zero that many programs write.
    """
    head = _box(b"ftyp", b"qt  \0\0\2\0qt  ") + _box(b"wide")
    return _file(head, frames, size, created, _entry(b"jpeg", size), _meta(keys))


def mp4(frames: Sequence[bytes], size: tuple[int, int], created: Optional[datetime]) -> bytes:
    """The same as an MP4 without any user data."""
    head = _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
    return _file(head, frames, size, created, _entry(b"mp4v", size, _esds()), b"")


def _file(
    head: bytes, frames: Sequence[bytes], size: tuple[int, int], created: Optional[datetime], entry: bytes, meta: bytes
) -> bytes:
    samples_at = len(head) + 8
    seconds = 0 if created is None else int((created - _SINCE_1904).total_seconds())
    dates = struct.pack(">II", seconds, seconds)
    duration = _FRAME * len(frames)
    movie = _full(
        b"mvhd", dates, struct.pack(">IIIH10x", _PER_SECOND, duration, 1 << 16, 1 << 8), _MATRIX, bytes(24), b"\0\0\0\2"
    )
    track = _full(
        b"tkhd",
        dates,
        struct.pack(">IIIQHHHH", 1, 0, duration, 0, 0, 0, 0, 0),
        _MATRIX,
        struct.pack(">II", size[0] << 16, size[1] << 16),
        flags=3,
    )
    media = _full(b"mdhd", dates, struct.pack(">IIHH", _PER_SECOND, duration, 0x55C4, 0))
    inside = _box(b"mdia", media, _handler(b"vide"), _media_information(frames, entry, samples_at))
    return head + _box(b"mdat", *frames) + _box(b"moov", movie, _box(b"trak", track, inside), meta)


def _media_information(frames: Sequence[bytes], entry: bytes, samples_at: int) -> bytes:
    count = len(frames)
    table = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), entry),
        _full(b"stts", struct.pack(">III", 1, count, _FRAME)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, count, 1)),
        _full(b"stsz", struct.pack(f">II{count}I", 0, count, *map(len, frames))),
        _full(b"stco", struct.pack(">II", 1, samples_at)),
    )
    references = _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))
    return _box(b"minf", _full(b"vmhd", bytes(8), flags=1), _box(b"dinf", references), table)


def _entry(codec: bytes, size: tuple[int, int], more: bytes = b"") -> bytes:
    """VisualSampleEntry (14496-12, 12.1.3): 72 dots an inch, one frame per sample, 24 bits deep."""
    fields = struct.pack(
        ">6xH16xHHIIIH32xHh", 1, size[0], size[1], 72 << 16, 72 << 16, 0, 1, 24, -1
    )
    return _box(codec, fields, more)


def _esds() -> bytes:
    """The decoder is JPEG: object type 0x6C (14496-1, 7.2.6.6), a visual stream."""
    config = b"\4\x0d\x6c\x11" + bytes(11)
    content = b"\0\1\0" + config + b"\6\1\2"
    return _full(b"esds", b"\3" + bytes([len(content)]) + content)


def _meta(keys: Mapping[str, str]) -> bytes:
    """Apple's metadata atom: names in `keys`, values by their number in `ilst`. In QuickTime it has no version."""
    names = (_box(b"mdta", name.encode()) for name in keys)
    values = (
        _box(struct.pack(">I", number), _box(b"data", struct.pack(">II", _TEXT, 0), value.encode()))
        for number, value in enumerate(keys.values(), 1)
    )
    return _box(
        b"meta",
        _handler(b"mdta"),
        _full(b"keys", struct.pack(">I", len(keys)), *names),
        _box(b"ilst", *values),
    )


def _handler(kind: bytes) -> bytes:
    return _full(b"hdlr", bytes(4), kind, bytes(12), b"\0")


def _full(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *content)


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body
