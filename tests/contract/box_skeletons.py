"""What in a HEIF, JPEG XL or movie file is not ours, found through its own pointers, before and after.

Not here: other formats (skeletons.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from fixtures.blocks.isobmff import XMP_UUID, boxes
from fixtures.blocks.jxl import SIGNATURE

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"moof", b"traf")
_SPACE = (b"free", b"skip", b"wide")


class _Reader:
    """Numbers one behind the other."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, size: int) -> int:
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")


def _items(data: bytes, meta: bytes) -> dict[int, tuple[bytes, bytes]]:
    """Number to (type and name, content), through `iinf` and `iloc`."""
    inner = dict(boxes(meta, 4))
    kinds = dict(_kinds(inner[b"iinf"]))
    found = {}
    reader = _Reader(inner[b"iloc"])
    version = reader.take(1)
    reader.take(3)
    sizes = reader.take(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    id_size = 4 if version == 2 else 2
    for _ in range(reader.take(id_size)):
        number = reader.take(id_size)
        method = reader.take(2) & 15 if version else 0
        reader.take(2)
        base = reader.take(base_size)
        content = b""
        for _ in range(reader.take(2)):
            if version:
                reader.take(sizes & 15)
            place = base + reader.take(offset_size)
            length = reader.take(length_size)
            content += (inner[b"idat"] if method else data)[place : place + length]
        found[number] = (kinds[number], content)
    return found


def _kinds(iinf: bytes) -> Iterator[tuple[int, bytes]]:
    for _, entry in boxes(iinf, 8 if iinf[0] else 6):
        size = 4 if entry[0] == 3 else 2
        yield int.from_bytes(entry[4 : 4 + size], "big"), entry[4 + size + 2 :]


def _references(meta: bytes) -> list[tuple[bytes, int, bytes]]:
    iref = dict(boxes(meta, 4)).get(b"iref", b"\0\0\0\0")
    size = 4 if iref[0] else 2
    return [
        (kind, int.from_bytes(part[:size], "big"), part[size + 2 + at : size + 2 + at + size])
        for kind, part in boxes(iref, 4)
        for at in range(0, len(part) - size - 2, size)
    ]


def _primary(meta: bytes) -> bytes:
    pitm = dict(boxes(meta, 4))[b"pitm"]
    return pitm[4:]


def _describing(meta: bytes, items: dict[int, tuple[bytes, bytes]]) -> set[int]:
    """The Exif and XMP items of the primary one."""
    return {
        source
        for kind, source, target in _references(meta)
        if kind == b"cdsc" and target == _primary(meta) and items[source][0][:4] in (b"Exif", b"mime")
    }


def described(data: bytes) -> list[tuple[bytes, bytes]]:
    """(type, content) of the Exif and XMP items of the primary one."""
    meta = dict(boxes(data))[b"meta"]
    items = _items(data, meta)
    return [(items[number][0][:4], items[number][1]) for number in sorted(_describing(meta, items))]


def heif(data: bytes) -> object:
    """All items but those that describe the primary one, their properties and references, tracks, other boxes."""
    top = list(boxes(data))
    meta = dict(top)[b"meta"]
    references = _references(meta)
    items = _items(data, meta)
    ours = _describing(meta, items)
    others = [(kind, content) for kind, content in boxes(meta, 4) if kind in (b"hdlr", b"pitm", b"iprp", b"grpl")]
    behind = [(kind, content) for kind, content in top if kind not in (b"meta", b"mdat", b"moov", b"sefd", *_SPACE)]
    return (
        {number: item for number, item in items.items() if number not in ours},
        [reference for reference in references if reference[1] not in ours],
        others,
        behind,
        _samsung(data, dict(top).get(b"sefd")),
        list(_tracks(data)),
    )


def _samsung(data: bytes, sefd: object) -> object:
    """The video that `sefd` points at, from the start of the file."""
    if not isinstance(sefd, bytes):
        return None
    at = sefd.index(b"mpv2") + 4
    place, size = struct.unpack_from(">II", sefd, at)
    return sefd[:at], data[place : place + size], sefd[at + 8 :]


def jxl(data: bytes) -> object:
    """All other boxes in their order; a bare codestream is what its box holds."""
    if not data.startswith(SIGNATURE):
        return [(b"jxlc", data)]
    ours = (b"Exif", b"xml ", b"JXL ", b"ftyp", *_SPACE)
    return [
        (kind, content)
        for kind, content in boxes(data)
        if kind not in ours and not (kind == b"brob" and content[:4] in ours)
    ]


def movie(data: bytes) -> object:
    """All other boxes in their order, the header without dates and places, the samples through the tables."""
    top = [
        (kind, content)
        for kind, content in boxes(data)
        if kind not in (b"moov", b"ftyp", *_SPACE) and not (kind == b"uuid" and content.startswith(XMP_UUID))
    ]
    moov = next(content for kind, content in boxes(data) if kind == b"moov")
    return top, list(_header(moov)), list(_tracks(data)), _fragments(data)


def _header(moov: bytes, path: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    for kind, content in boxes(moov):
        place = path + b"/" + kind
        if kind in _PARENTS:
            yield from _header(content, place)
        elif kind in (b"mvhd", b"tkhd", b"mdhd"):
            yield place, content[:4] + content[20 if content[0] else 12 :]
        elif kind == b"udta":
            yield from ((place + b"/" + inner, part) for inner, part in _foreign_user_data(content))
        elif kind not in (b"stco", b"co64", b"meta", *_SPACE):
            yield place, content


def _foreign_user_data(udta: bytes) -> Iterator[tuple[bytes, bytes]]:
    """`meta`, the place and the packet are rows of the tag contract."""
    return ((kind, part) for kind, part in boxes(udta) if kind not in (b"XMP_", b"\xa9xyz", b"meta", *_SPACE))


def _tracks(data: bytes) -> Iterator[list[bytes]]:
    """Of every track the bytes that each chunk offset points at: 32, or up to the end of their box."""
    ends = _ends(data)
    for top, moov in boxes(data):
        for kind, trak in boxes(moov) if top == b"moov" else ():
            if kind == b"trak":
                yield [
                    data[place : min(place + 32, next(end for end in ends if end > place))]
                    for place in _chunk_places(trak)
                ]


def _ends(data: bytes) -> list[int]:
    """Where the top-level boxes end."""
    found, position = [], 0
    while position + 8 <= len(data):
        size = struct.unpack_from(">I", data, position)[0]
        if size == 1:
            size = struct.unpack_from(">Q", data, position + 8)[0]
        position = position + size if size else len(data)
        found.append(position)
    return [*found, len(data)]


def _chunk_places(trak: bytes) -> Iterator[int]:
    stbl = trak
    for step in (b"mdia", b"minf", b"stbl"):
        stbl = dict(boxes(stbl))[step]
    for kind, content in boxes(stbl):
        if kind in (b"stco", b"co64"):
            count = struct.unpack_from(">I", content, 4)[0]
            yield from struct.unpack_from(f">{count}{'Q' if kind == b'co64' else 'I'}", content, 8)


def _fragments(data: bytes) -> list[bytes]:
    """What the base data offsets of `tfhd` point at: 14496-12, 8.8.7."""
    found = []
    for top, moof in boxes(data):
        for kind, traf in boxes(moof) if top == b"moof" else ():
            tfhd = dict(boxes(traf)).get(b"tfhd", b"") if kind == b"traf" else b""
            if tfhd and tfhd[3] & 1:
                place = struct.unpack_from(">Q", tfhd, 8)[0]
                found.append(data[place : place + 64])
    return found
