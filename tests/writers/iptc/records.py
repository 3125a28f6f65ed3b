"""IIM datasets and image resources made of bytes."""

from __future__ import annotations

import hashlib
import struct

from immich_meta_writers.addresses import IimAddress

UTF8 = b"\x1b%G"
KEYWORDS = IimAddress(2, 25, 64, repeatable=True)
CAPTION = IimAddress(2, 120, 2000)
DATE = IimAddress(2, 55, 8)
TIME = IimAddress(2, 60, 11)


def dataset(record: int, number: int, data: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(data)) + data


def extended(record: int, number: int, data: bytes, count: int = 4) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, 0x8000 | count) + len(data).to_bytes(count, "big") + data


MARK = dataset(1, 90, UTF8)
VERSION = dataset(2, 0, b"\0\4")


def resource(number: int, data: bytes, name: bytes = b"\0\0", signature: bytes = b"8BIM", pad: bool = True) -> bytes:
    padding = b"\0" * (len(data) % 2) if pad else b""
    return signature + struct.pack(">H", number) + name + struct.pack(">I", len(data)) + data + padding


def iptc(*datasets: bytes) -> bytes:
    return resource(0x0404, b"".join(datasets))


def digest(iim: bytes) -> bytes:
    return resource(0x0425, hashlib.md5(iim).digest())
