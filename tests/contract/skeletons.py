"""What in a JPEG, PNG, WebP, GIF or TIFF is not ours, in a form that can be compared before and after.

Not here: formats of boxes (box_skeletons.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.blocks import gif as gif_blocks
from fixtures.blocks import png as png_blocks
from fixtures.blocks import webp as webp_blocks

Segments = list[tuple[int, bytes]]


def segments(data: bytes) -> tuple[Segments, bytes]:
    """(marker, payload) of every segment before the scan, and everything from SOS on."""
    found: Segments = []
    position = 2
    while True:
        position = data.index(b"\xff", position)
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xDA:
            return found, data[position:]
        length = struct.unpack_from(">H", data, position + 2)[0]
        found.append((marker, data[position + 4 : position + 2 + length]))
        position += 2 + length


def is_payload(marker: int, payload: bytes) -> bool:
    """Whether a segment is one that metadata are written to, or one that holds offsets across them."""
    if marker == 0xE1:
        return payload.startswith(
            (b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0")
        )
    return (marker == 0xED and payload.startswith((b"Photoshop 3.0\0", b"Adobe_Photoshop2.5:"))) or (
        marker == 0xE2 and payload.startswith(b"MPF\0")
    )


def jpeg(data: bytes) -> object:
    """All other segments in their order, the scan and what stands behind it."""
    found, rest = segments(data)
    if rest.endswith(b"\0\0\0\0") and b"AXS!" in rest:  # an AFCP trailer: its offsets count from the start of the file
        rest = rest[: rest.index(b"AXS!")]
    return [part for part in found if not is_payload(*part)], rest


def png(data: bytes) -> object:
    """All other chunks in their order, and what stands behind IEND."""
    parts = list(png_blocks.chunks(data))
    behind = data[len(png_blocks.SIGNATURE) + sum(len(part) for _, part in parts) :]
    ours = png_blocks.XMP_KEYWORD + b"\0"
    return [part for kind, part in parts if kind != b"eXIf" and not (kind == b"iTXt" and ours in part[:40])], behind


def webp(data: bytes) -> object:
    """All other chunks in their order, and what stands behind them; VP8X without its EXIF and XMP flags."""
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    others = [part for part in webp_blocks.chunks(data) if part[0] not in (b"EXIF", b"XMP ", b"VP8X")]
    return others, data[end:]


def canvas(data: bytes) -> tuple[int, bytes]:
    """VP8X: the flags but EXIF and XMP, and the size of the canvas."""
    extended = dict(webp_blocks.chunks(data))[b"VP8X"]
    return extended[0] & ~(webp_blocks.EXIF | webp_blocks.XMP), extended[4:]


def gif(data: bytes) -> object:
    """All other blocks in their order; the screen, not the version."""
    return [part[6:] if name == "header" else part for name, part in gif_blocks.blocks(data) if name != "xmp"]


# Tags that hold places in the file: what they point at is compared, and not they.
_STRIPS, _TILES = (0x0111, 0x0117), (0x0144, 0x0145)
_BELOW = (0x8769, 0x8825, 0xA005, 0x014A)
_SIZE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# Rows of the tag contract, their charset and digest included.
_OURS = frozenset(
    (0x010E, 0x0132, 0x4746, 0x4749, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9286, 700, 33723, 34377, *range(7))
)


class _Tiff:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.big = self.number("H", 2) == 43

    def number(self, form: str, at: int) -> int:
        return int(struct.unpack_from(self.order + form, self.data, at)[0])

    def pages(self) -> Iterator[object]:
        at = self.number("Q", 8) if self.big else self.number("I", 4)
        while at:
            page, at = self.ifd(at)
            yield page

    def ifd(self, at: int) -> tuple[Mapping[Any, Any], int]:
        """({tag: (type, count, value)}, next): image data under "data", IFDs below under their tag."""
        head, width = (8, 20) if self.big else (2, 12)
        count = self.number("Q" if self.big else "H", at)
        found: dict[Any, Any] = {}
        for entry in range(at + head, at + head + width * count, width):
            tag, value = self.entry(entry)
            found[tag] = value
        for places, sizes in (_STRIPS, _TILES):
            if places in found:
                ends = zip(self.numbers(found.pop(places)), self.numbers(found[sizes]))
                found["data"] = [self.data[place : place + size] for place, size in ends]
        for tag in _BELOW:
            if tag in found:
                found[tag] = [self.foreign(self.ifd(place)[0]) for place in self.numbers(found[tag])]
        following = self.number("Q" if self.big else "I", at + head + width * count)
        return self.foreign(found), following

    def foreign(self, found: Mapping[Any, Any]) -> Mapping[Any, Any]:
        return {tag: value for tag, value in found.items() if tag not in _OURS and value != []}

    def entry(self, at: int) -> tuple[int, tuple[int, int, bytes]]:
        tag, kind = self.number("H", at), self.number("H", at + 2)
        count = self.number("Q" if self.big else "I", at + 4)
        size = count * _SIZE[kind]
        at += 12 if self.big else 8
        if size > (8 if self.big else 4):
            at = self.number("Q" if self.big else "I", at)
        return tag, (kind, count, self.data[at : at + size])

    def numbers(self, entry: tuple[int, int, bytes]) -> tuple[int, ...]:
        kind, count, value = entry
        form = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}[kind]
        return struct.unpack(f"{self.order}{count}{form}", value)


def tiff(data: bytes) -> object:
    """All other entries of all IFDs, what they point at, and the image data of every page."""
    pages = [dict(page) for page in _Tiff(data).pages()]  # type: ignore[call-overload]
    for tag in (0x8769, 0x8825):  # made where there was none
        if tag in pages[0] and all(not part for part in pages[0][tag]):
            del pages[0][tag]
    return pages


def tiff_tag(data: bytes, wanted: int) -> bytes:
    """The value of a tag of the first page."""
    file = _Tiff(data)
    at = file.number("Q", 8) if file.big else file.number("I", 4)
    head, width = (8, 20) if file.big else (2, 12)
    count = file.number("Q" if file.big else "H", at)
    entries = dict(file.entry(at + head + width * index) for index in range(count))
    return entries[wanted][2]
