"""Small HEIF files made of boxes, and a reader of items that shares nothing with the product.

Not here: the coded images, which pillow-heif makes at test time (conftest.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

TIFF = b"II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0\x06\0\0\0\x1a\0\0\0\0\0\0\0hello\0"
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Label="blue"/></rdf:RDF></x:xmpmeta>'
)
XMP_TYPE = b"application/rdf+xml"
PREFIX = b"\0\0\0\6Exif\0\0"


def box(kind: bytes, *parts: bytes, large: bool = False, is_open: bool = False) -> bytes:
    body = b"".join(parts)
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body
    return struct.pack(">I4s", 0 if is_open else 8 + len(body), kind) + body


def full(kind: bytes, version: int, *parts: bytes, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


@dataclass(frozen=True)
class Item:
    """`home`: mdat, idat, or none at all; `pieces`: how many extents; `to`: what it describes."""

    id: int
    type: bytes
    data: bytes
    home: str = "mdat"
    pieces: int = 1
    content_type: bytes = b""
    encoding: Optional[bytes] = None
    protection: int = 0
    to: tuple[int, ...] = ()
    properties: tuple[int, ...] = ()
    with_base: bool = False


def exif_item(identifier: int, data: bytes = PREFIX + TIFF, to: tuple[int, ...] = (1,), **more: object) -> Item:
    return Item(identifier, b"Exif", data, to=to, **more)  # type: ignore[arg-type]


def xmp_item(identifier: int, data: bytes = PACKET, to: tuple[int, ...] = (1,), **more: object) -> Item:
    return Item(identifier, b"mime", data, content_type=XMP_TYPE, to=to, **more)  # type: ignore[arg-type]


def image(identifier: int, data: bytes = b"coded image", properties: tuple[int, ...] = (1,), **more: object) -> Item:
    return Item(identifier, b"hvc1", data, properties=properties, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Picture:
    """A file to be. `order`: the boxes behind `ftyp`; `extra` holds those that are neither meta nor mdat.

    `sizes`: offset, length, base and index field of `iloc`. Item data lies in the `mdat` one behind the other, `gap`
    bytes apart.
    """

    items: Sequence[Item]
    properties: Sequence[bytes] = (full(b"ispe", 0, struct.pack(">II", 64, 48)),)
    primary: Optional[int] = 1
    version: int = 1
    sizes: tuple[int, int, int, int] = (4, 4, 0, 0)
    order: Sequence[str] = ("meta", "mdat")
    extra: Mapping[str, bytes] = field(default_factory=dict)
    in_meta: Sequence[bytes] = ()
    brands: bytes = b"heic\0\0\0\0mif1heic"
    gap: int = 0
    open_last: bool = False
    large: bool = False
    wide_count: bool = False

    @property
    def is_wide(self) -> bool:
        return any(item.id > 0xFFFF for item in self.items)

    def encode(self) -> bytes:
        """The file: laid out once with positions of 0, then with the true ones."""
        starts = {"mdat": 0}
        for _ in range(3):
            parts, position = [box(b"ftyp", self.brands)], 8 + len(self.brands)
            for index, name in enumerate(self.order):
                is_open = self.open_last and index == len(self.order) - 1
                part = self._part(name, starts, is_open)
                starts[name] = position + (16 if self.large and name == "mdat" else 8)
                parts.append(part)
                position += len(part)
        return b"".join(parts)

    def _part(self, name: str, starts: Mapping[str, int], is_open: bool) -> bytes:
        if name == "meta":
            return self._meta(starts["mdat"], is_open)
        if name == "mdat":
            return box(b"mdat", self._data("mdat"), large=self.large, is_open=is_open)
        part = self.extra[name]
        return bytes(4) + part[4:] if is_open else part

    def _data(self, home: str) -> bytes:
        return (b"\xee" * self.gap).join(item.data for item in self.items if item.home == home)

    def _meta(self, mdat: int, is_open: bool) -> bytes:
        references = [item for item in self.items if item.to]
        width = "I" if self.is_wide else "H"
        parts = [
            full(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
            *([full(b"pitm", int(self.is_wide), struct.pack(f">{width}", self.primary))] if self.primary else []),
            full(
                b"iinf",
                int(self.wide_count),
                struct.pack(">I" if self.wide_count else ">H", len(self.items)),
                *(self._entry(item) for item in self.items),
            ),
        ]
        if references:
            lists = [
                box(b"cdsc", struct.pack(f">{width}H{len(item.to)}{width}", item.id, len(item.to), *item.to))
                for item in references
            ]
            parts.append(full(b"iref", int(self.is_wide), *lists))
        parts += [self._iprp(width), *self.in_meta]
        if any(item.home == "idat" for item in self.items):
            parts.append(box(b"idat", self._data("idat")))
        parts.append(self._iloc(mdat))
        return box(b"meta", bytes(4), *parts, is_open=is_open)

    def _entry(self, item: Item) -> bytes:
        is_wide = item.id > 0xFFFF
        body = struct.pack(">IH" if is_wide else ">HH", item.id, item.protection) + item.type + b"\0"
        if item.type == b"mime":
            body += item.content_type + b"\0" + (b"" if item.encoding is None else item.encoding + b"\0")
        return full(b"infe", 3 if is_wide else 2, body)

    def _iprp(self, width: str) -> bytes:
        linked = [item for item in self.items if item.properties]
        entries = [
            struct.pack(f">{width}B", item.id, len(item.properties)) + bytes(0x80 | n for n in item.properties)
            for item in linked
        ]
        ipma = full(b"ipma", int(self.is_wide), struct.pack(">I", len(linked)), *entries)
        return box(b"iprp", box(b"ipco", *self.properties), ipma)

    def _iloc(self, mdat: int) -> bytes:
        offset_size, length_size, base_size, index_size = self.sizes
        version = self.version
        positions = {"mdat": mdat, "idat": 0}
        entries = []
        for item in self.items:
            if item.home not in positions:
                continue
            start = positions[item.home]
            positions[item.home] += len(item.data) + (self.gap)
            base = start if offset_size == 0 else (start // 2 if item.with_base and base_size else 0)
            step = -(-len(item.data) // item.pieces) or 1
            pieces = [item.data[at : at + step] for at in range(0, len(item.data), step)] or [b""]
            entry = item.id.to_bytes(4 if version == 2 else 2, "big")
            entry += struct.pack(">H", int(item.home == "idat")) if version else b""
            entry += bytes(2) + base.to_bytes(base_size, "big") + struct.pack(">H", len(pieces))
            for piece in pieces:
                entry += bytes(index_size if version else 0) + (start - base).to_bytes(offset_size, "big")
                entry += len(piece).to_bytes(length_size, "big")
                start += len(piece)
            entries.append(entry)
        head = bytes((offset_size << 4 | length_size, base_size << 4 | (index_size if version else 0)))
        return full(b"iloc", version, head, struct.pack(">I" if version == 2 else ">H", len(entries)), *entries)

    def but(self, **changes: object) -> Picture:
        return replace(self, **changes)  # type: ignore[arg-type]


def plain(*items: Item, **more: object) -> Picture:
    """One image, and these."""
    return Picture((image(1), *items), **more)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- reading


def walk(data: bytes, start: int = 0, end: Optional[int] = None) -> Iterator[tuple[bytes, int, int, int]]:
    """(kind, start, start of the content, end) of each box."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            size, body = struct.unpack_from(">Q", data, start + 8)[0], start + 16
        size = size or end - start
        assert body <= start + size <= end, (kind, start, size)
        yield kind, start, body, start + size
        start += size
    assert start == end


def kinds(data: bytes) -> list[bytes]:
    return [kind for kind, *_ in walk(data)]


def inside(data: bytes, *path: bytes) -> tuple[int, int]:
    """The content of a box, from its start to its end; that of a `meta` without version and flags."""
    start, end = 0, len(data)
    for name in path:
        start, end = next((body, stop) for kind, _, body, stop in walk(data, start, end) if kind == name)
        start += 4 if name == b"meta" else 0
    return start, end


def _numbers(data: bytes, at: int) -> Callable[[int], int]:
    def take(width: int) -> int:
        nonlocal at
        at += width
        return int.from_bytes(data[at - width : at], "big")

    return take


def items_of(data: bytes) -> dict[int, bytes]:
    """The bytes of every item, reached through `iloc`."""
    take = _numbers(data, inside(data, b"meta", b"iloc")[0])
    version = take(1)
    take(3)
    sizes = take(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    found = {}
    for _ in range(take(4 if version == 2 else 2)):
        identifier, method = take(4 if version == 2 else 2), take(2) & 15 if version else 0
        assert take(2) == 0
        base, parts = take(base_size), []
        for _ in range(take(2)):
            take(index_size)
            start, length = base + take(offset_size), take(length_size)
            start += inside(data, b"meta", b"idat")[0] if method == 1 else 0
            parts.append(data[start : start + length])
            assert len(parts[-1]) == length
        assert identifier not in found
        found[identifier] = b"".join(parts)
    return found


def types_of(data: bytes) -> dict[int, bytes]:
    """The type of every item in `iinf`, whose count has to be true."""
    start, end = inside(data, b"meta", b"iinf")
    width = 4 if data[start] else 2
    found = {}
    for kind, _, body, _ in walk(data, start + 4 + width, end):
        assert kind == b"infe"
        wide = 4 if data[body] == 3 else 2
        found[int.from_bytes(data[body + 4 : body + 4 + wide], "big")] = data[body + 6 + wide : body + 10 + wide]
    assert len(found) == int.from_bytes(data[start + 4 : start + 4 + width], "big")
    return found


def references_of(data: bytes) -> set[tuple[bytes, int, tuple[int, ...]]]:
    try:
        start, end = inside(data, b"meta", b"iref")
    except StopIteration:
        return set()
    wide = 4 if data[start] else 2
    found = set()
    for kind, _, body, stop in walk(data, start + 4, end):
        take = _numbers(data, body)
        item = take(wide)
        targets = tuple(take(wide) for _ in range(take(2)))
        assert body + wide + 2 + wide * len(targets) == stop
        found.add((kind, item, targets))
    return found


def decode_positions(data: bytes) -> list[int]:
    """The chunk offsets of a movie header with one track."""
    start, end = inside(data, b"moov", b"trak", b"mdia", b"minf", b"stbl")
    for kind, _, body, _ in walk(data, start, end):
        if kind in (b"stco", b"co64"):
            take, width = _numbers(data, body + 4), 4 if kind == b"stco" else 8
            return [take(width) for _ in range(take(4))]
    raise AssertionError("no chunks")


def movie(chunks: Sequence[int], kind: bytes = b"stco", *more: bytes, flags: int = 1) -> bytes:
    """A movie header: one track, these chunk offsets, and more boxes in its sample table."""
    code = "I" if kind == b"stco" else "Q"
    table = full(kind, 0, struct.pack(f">I{len(chunks)}{code}", len(chunks), *chunks))
    url = full(b"url ", 0, b"" if flags else b"file:///elsewhere\0", flags=flags)
    dinf = box(b"dinf", full(b"dref", 0, struct.pack(">I", 1), url))
    minf = box(b"minf", dinf, box(b"stbl", full(b"stsd", 0, bytes(4)), table, *more))
    return box(b"moov", full(b"mvhd", 0, bytes(96)), box(b"trak", box(b"mdia", minf)))
