"""Small WebPs made of bytes, and real ones made by Pillow.

Not here: anything that the product uses to read them.
"""

from __future__ import annotations

import functools
import io
import struct
from typing import Any

from PIL import Image, ImageCms

TIFF = b"II*\x00\x08\x00\x00\x00\x01\x00\x0e\x01\x02\x00\x04\x00\x00\x00abc\x00\x00\x00\x00\x00"
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"/></rdf:RDF></x:xmpmeta>'
)


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def extended(flags: int, width: int = 20, height: int = 10) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + size)


def riff(*chunks: bytes, trailer: bytes = b"") -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body + trailer


def split(data: bytes) -> list[bytes]:
    """The chunks of a sound WebP; what stands behind the RIFF is the last element."""
    assert data[:4] == b"RIFF"
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    assert end <= len(data)
    at, found = 12, []
    while at < end:
        size = 8 + struct.unpack_from("<I", data, at + 4)[0]
        size += size % 2
        found.append(data[at : at + size])
        at += size
    assert at == end
    return [*found, data[end:]]


@functools.cache
def saved(kind: str) -> bytes:
    """What Pillow makes of a small picture: lossy, lossless, alpha, alpha-lossless, animated, profile."""
    colours = ("red", "green", "blue")
    mode = "RGBA" if "alpha" in kind else "RGB"
    frames = [Image.new(mode, (20, 10), colour) for colour in colours]
    if mode == "RGBA":
        frames[0].putpixel((3, 4), (1, 2, 3, 0))
    options: dict[str, Any] = {"lossless": "lossless" in kind}
    if kind == "animated":
        options.update(save_all=True, append_images=frames[1:], duration=40)
    if kind == "profile":
        options["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stream = io.BytesIO()
    frames[0].save(stream, "WEBP", **options)
    return stream.getvalue()


KINDS = ("lossy", "lossless", "alpha", "alpha-lossless", "animated", "profile")


def image(kind: str = "lossy") -> bytes:
    """The image chunk of a simple file."""
    return next(each for each in split(saved(kind)) if each[:4] in (b"VP8 ", b"VP8L"))
