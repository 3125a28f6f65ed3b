"""Small JPEGs made of bytes: segments, trailers, and the structures that hold positions.

Not here: pictures; the scans hold no image that a decoder would show.
"""

from __future__ import annotations

import hashlib
import struct

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(range(0, 200, 7)) + b"\xff\x00\xff\xd0\x55"
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_NAME = b"http://ns.adobe.com/xmp/extension/\0"
TIFF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


JFIF = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
ADOBE = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01")
COMMENT = segment(0xFE, b"a comment")
ICC = segment(0xE2, b"ICC_PROFILE\0\x01\x01" + b"profile")
TABLE = segment(0xDB, bytes(65))
FRAME = segment(0xC0, struct.pack(">BHHB", 8, 480, 640, 1) + b"\x01\x11\x00")


def exif(block: bytes = TIFF) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block)


def xmp(packet: bytes = PACKET) -> bytes:
    return segment(0xE1, XMP_NAME + packet)


def photoshop(resources: bytes, name: bytes = b"Photoshop 3.0\0") -> bytes:
    return segment(0xED, name + resources)


def guid_of(packet: bytes) -> str:
    return hashlib.md5(packet).hexdigest().upper()


def chunk(packet: bytes, offset: int, data: bytes, guid: str = "", total: int = -1) -> bytes:
    """One segment of an extended packet."""
    size = len(packet) if total < 0 else total
    name = (guid or guid_of(packet)).encode()
    return segment(0xE1, EXTENSION_NAME + name + struct.pack(">II", size, offset) + data)


def extension(packet: bytes, step: int) -> list[bytes]:
    return [chunk(packet, at, packet[at : at + step]) for at in range(0, len(packet), step)]


def c2pa() -> bytes:
    description = b"jumd" + bytes.fromhex("63327061001100108000 00AA00389B71") + b"\x03c2pa\0"
    superbox = struct.pack(">I", len(description) + 12) + b"jumb" + struct.pack(">I", len(description) + 4)
    return segment(0xEB, b"JP\0\x01\0\0\0\x01" + superbox + description)


def jpeg(*segments: bytes, trailer: bytes = b"") -> bytes:
    return SOI + b"".join(segments) + SCAN + EOI + trailer


def mpf(order: str, offset: int, size: int) -> bytes:
    """An MP index of two images: the first at 0, the second `offset` bytes behind the MPF header."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = struct.pack(order + "IIIHHIIIHH", 0x030000, 1000, 0, 0, 0, 0, size, offset, 0, 0)
    rows = (
        struct.pack(order + "HHI4s", 0xB000, 7, 4, b"0100"),
        struct.pack(order + "HHII", 0xB001, 4, 1, 2),
        struct.pack(order + "HHII", 0xB002, 7, 32, 8 + 2 + 36 + 4),
    )
    ifd = struct.pack(order + "H", 3) + b"".join(rows) + struct.pack(order + "I", 0)
    return segment(0xE2, b"MPF\0" + mark + struct.pack(order + "I", 8) + ifd + entries)


def second_image(data: bytes, order: str) -> bytes:
    """What a reader of the MP index finds as the second image."""
    base = data.index(b"MPF\0") + 4
    size, offset = struct.unpack_from(order + "II", data, base + 8 + 2 + 36 + 4 + 16 + 4)
    return data[base + offset : base + offset + size]


def with_mpf(order: str, before: bytes, behind: bytes, second: bytes) -> bytes:
    """A JPEG with an MPF between `before` and `behind`, and the second image behind the first."""
    length = len(mpf(order, 0, 0))
    first = jpeg(before, mpf(order, 0, 0), behind)
    base = len(SOI) + len(before) + 8
    made = jpeg(before, mpf(order, len(first) - base, len(second)), behind, trailer=second)
    assert len(made) == len(first) + len(second)
    assert length == len(mpf(order, 1, 1))
    return made


def afcp(front: bytes, order: str, value: bytes) -> bytes:
    """`front` with an AFCP trailer of one entry: absolute offsets to the value and to the trailer itself."""
    name = b"AXS*" if order == "<" else b"AXS!"
    start = len(front)
    head = name + b"0100"[:2] + struct.pack(order + "HI", 1, 0)
    entry = b"TEXT" + struct.pack(order + "II", len(value), start + 24)
    return front + head + entry + value + name + struct.pack(order + "II", start, 0)


def afcp_value(data: bytes, order: str, end: int = 0) -> bytes:
    """What a reader of the AFCP trailer finds."""
    tail = data[: end or len(data)][-12:]
    start = struct.unpack_from(order + "I", tail, 4)[0]
    assert data[start : start + 4] == tail[:4]
    size, offset = struct.unpack_from(order + "II", data, start + 16)
    return data[offset : offset + size]
