"""Small PNGs made of bytes: chunks, text chunks, raw profiles.

Not here: anything that the product uses to read them.
"""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TIFF = b"II*\x00\x08\x00\x00\x00\x01\x00\x0e\x01\x02\x00\x04\x00\x00\x00abc\x00\x00\x00\x00\x00"
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"/></rdf:RDF></x:xmpmeta>'
)


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0))
PIXELS = zlib.compress((b"\0" + bytes(range(9))) * 2)
IMAGE = chunk(b"IDAT", PIXELS)
END = chunk(b"IEND")
PHYSICAL = chunk(b"pHYs", bytes(8) + b"\1")


def exif(block: bytes = TIFF) -> bytes:
    return chunk(b"eXIf", block)


def xmp(packet: bytes = PACKET, *, deflated: bool = False, language: bytes = b"") -> bytes:
    front = b"XML:com.adobe.xmp\0" + (b"\1\0" if deflated else b"\0\0") + language + b"\0\0"
    return chunk(b"iTXt", front + (zlib.compress(packet) if deflated else packet))


def raw_profile(name: bytes, content: bytes, kind: bytes = b"zTXt") -> bytes:
    text = b"\n%b\n%8d\n%b\n" % (name, len(content), content.hex().encode())
    keyword = b"Raw profile type " + name + b"\0"
    return chunk(kind, keyword + (b"\0" + zlib.compress(text) if kind == b"zTXt" else text))


def png(*chunks: bytes, behind: tuple[bytes, ...] = (), trailer: bytes = b"") -> bytes:
    """`chunks` between header and image, `behind` between image and end."""
    return b"".join((SIGNATURE, HEADER, *chunks, IMAGE, *behind, END, trailer))


def split(data: bytes) -> list[bytes]:
    """The chunks of a sound PNG, their CRCs checked; what stands behind IEND is the last element."""
    assert data.startswith(SIGNATURE)
    at, found = 8, []
    while True:
        size = struct.unpack_from(">I", data, at)[0] + 12
        whole = data[at : at + size]
        assert struct.unpack(">I", whole[-4:])[0] == zlib.crc32(whole[4:-4])
        found.append(whole)
        at += size
        if whole[4:8] == b"IEND":
            return [*found, data[at:]]
