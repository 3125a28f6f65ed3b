"""Encoders of movie atoms that know nothing of the product, and a whole small movie for other programs to read.

Not here: tests.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Optional, Union

EPOCH_1970 = 2082844800
UTF8, UTF16 = 1, 2
DESCRIPTION = "com.apple.quicktime.description"
CREATION = "com.apple.quicktime.creationdate"
LOCATION = "com.apple.quicktime.location.ISO6709"


def atom(kind: Union[bytes, str, int], content: bytes) -> bytes:
    name = kind if isinstance(kind, bytes) else kind.encode("latin-1") if isinstance(kind, str) else _u32(kind)
    return _u32(len(content) + 8) + name + content


def large_atom(kind: bytes, content: bytes) -> bytes:
    return _u32(1) + kind + struct.pack(">Q", len(content) + 16) + content


def _u32(number: int) -> bytes:
    return struct.pack(">I", number)


def data(text: Union[str, bytes], kind: int = UTF8, locale: int = 0) -> bytes:
    value = text if isinstance(text, bytes) else text.encode("utf-16-be" if kind == UTF16 else "utf-8")
    return atom("data", _u32(kind) + _u32(locale) + value)


def handler(kind: bytes = b"mdta", name: bytes = b"\0") -> bytes:
    return atom("hdlr", bytes(8) + kind + bytes(12) + name)


def keys(names: Sequence[str]) -> bytes:
    return atom("keys", bytes(4) + _u32(len(names)) + b"".join(atom("mdta", name.encode()) for name in names))


def keyed(values: Sequence[tuple[str, bytes]], *, iso: bool = False, extra: bytes = b"") -> bytes:
    """The content of a meta: each key with the data atoms of its item."""
    items = b"".join(atom(n, content) for n, (_, content) in enumerate(values, 1))
    lead = bytes(4) if iso else b""
    return lead + handler() + keys([name for name, _ in values]) + extra + atom("ilst", items)


def itunes(values: Sequence[tuple[str, bytes]]) -> bytes:
    """The content of a udta/meta as iTunes writes it."""
    return bytes(4) + handler(b"mdir") + atom("ilst", b"".join(atom(name, content) for name, content in values))


def international(*texts: tuple[int, Union[str, bytes]]) -> bytes:
    made = b""
    for language, text in texts:
        value = text if isinstance(text, bytes) else text.encode()
        made += struct.pack(">HH", len(value), language) + value
    return made


def text_3gpp(text: str, language: int = 0x15C7) -> bytes:
    return bytes(4) + struct.pack(">H", language) + text.encode() + b"\0"


def place_3gpp(longitude: float, latitude: float, altitude: float, name: bytes = b"home\0") -> bytes:
    numbers = struct.pack(">3i", *(round(number * 65536) for number in (longitude, latitude, altitude)))
    return bytes(4) + struct.pack(">H", 0x15C7) + name + b"\0" + numbers + b"earth\0note\0"


def _dates(version: int, created: int, modified: int) -> bytes:
    return bytes([version, 0, 0, 0]) + struct.pack(">QQ" if version else ">II", created, modified)


_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _duration(version: int, length: int) -> bytes:
    return struct.pack(">Q" if version else ">I", length)


def mvhd(created: int, modified: Optional[int] = None, version: int = 0) -> bytes:
    dates = _dates(version, created, created if modified is None else modified)
    end = struct.pack(">IH10x", 0x10000, 0x100) + _MATRIX + bytes(24) + _u32(2)
    return dates + _u32(1000) + _duration(version, 1000) + end


def tkhd(created: int, modified: Optional[int] = None, version: int = 0) -> bytes:
    dates = _dates(version, created, created if modified is None else modified)
    end = bytes(8) + bytes(8) + _MATRIX + struct.pack(">II", 640 << 16, 480 << 16)
    return dates + _u32(1) + bytes(4) + _duration(version, 1000) + end


def mdhd(created: int, modified: Optional[int] = None, version: int = 0) -> bytes:
    dates = _dates(version, created, created if modified is None else modified)
    return dates + _u32(1000) + _duration(version, 1000) + struct.pack(">HH", 0x55C4, 0)


def movie(atoms: Mapping[str, bytes], brand: bytes = b"isom") -> bytes:
    """A file of these contents, by the names that a container gives them; one track."""
    media = atom("mdia", atom("mdhd", atoms["trak1/mdhd"]) + atom("hdlr", bytes(8) + b"vide" + bytes(13)))
    track = atom("trak", atom("tkhd", atoms["trak1/tkhd"]) + media)
    rest = b"".join(atom(kind, atoms[kind]) for kind in ("meta", "udta") if kind in atoms)
    moov = atom("moov", atom("mvhd", atoms["mvhd"]) + track + rest)
    return atom("ftyp", brand + bytes(4) + brand) + moov + atom("mdat", b"samples")


def headers(created: int, version: int = 0) -> dict[str, bytes]:
    return {
        "mvhd": mvhd(created, version=version),
        "trak1/tkhd": tkhd(created, version=version),
        "trak1/mdhd": mdhd(created, version=version),
    }
