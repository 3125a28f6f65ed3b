"""The XMP packets of a file, found by the rules of its format.

Not here: what they say (test_namespaces.py).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping

import brotli  # type: ignore[import-not-found, import-untyped, unused-ignore]

from fixtures.blocks import gif, isobmff, jxl, png, webp
from tests.contract.box_skeletons import described
from tests.contract.skeletons import segments, tiff_tag

MAIN, EXTENSION = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
Packets = Iterator[bytes]


def _jpeg(data: bytes) -> Packets:
    """Main packet and extension, joined from its segments by their offsets."""
    parts = {}
    for marker, payload in segments(data)[0]:
        if marker == 0xE1 and payload.startswith(MAIN):
            yield payload[len(MAIN) :]
        if marker == 0xE1 and payload.startswith(EXTENSION):
            parts[payload[71:75]] = payload[75:]
    if parts:
        yield b"".join(parts[at] for at in sorted(parts))


def _png(data: bytes) -> Packets:
    for kind, part in png.chunks(data):
        if kind == b"iTXt" and part[8:].startswith(png.XMP_KEYWORD + b"\0"):
            rest = part[8 + len(png.XMP_KEYWORD) + 1 : -4]
            text = rest[2:].split(b"\0", 2)[2]
            yield zlib.decompress(text) if rest[0] else text


def _webp(data: bytes) -> Packets:
    return (part for kind, part in webp.chunks(data) if kind == b"XMP ")


def _tiff(data: bytes) -> Packets:
    yield tiff_tag(data, 700)


def _gif(data: bytes) -> Packets:
    return (part[14 : -len(gif.MAGIC)] for name, part in gif.blocks(data) if name == "xmp")


def _heif(data: bytes) -> Packets:
    return (content for kind, content in described(data) if kind == b"mime")


def _jxl(data: bytes) -> Packets:
    for kind, content in isobmff.boxes(data, len(jxl.SIGNATURE)):
        if kind == b"xml ":
            yield content
        if kind == b"brob" and content[:4] == b"xml ":
            yield brotli.decompress(content[4:])


def _movie(data: bytes) -> Packets:
    for kind, content in isobmff.boxes(data):
        if kind == b"uuid" and content.startswith(isobmff.XMP_UUID):
            yield content[16:]
        for inner, udta in isobmff.boxes(content) if kind == b"moov" else ():
            if inner == b"udta":
                yield from (part for name, part in isobmff.boxes(udta) if name == b"XMP_")


_READERS: Mapping[str, Callable[[bytes], Packets]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WebP": _webp,
    "TIFF": _tiff,
    "DNG": _tiff,
    "HEIF": _heif,
    "AVIF": _heif,
    "JPEG XL": _jxl,
    "GIF": _gif,
    "movie": _movie,
    "sidecar": lambda data: iter((data,)),
}


def packets(kind: str, data: bytes) -> tuple[bytes, ...]:
    """All packets of a file; `kind` by its name in kinds.py."""
    return tuple(_READERS[kind](data))
