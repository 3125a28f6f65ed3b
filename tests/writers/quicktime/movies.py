"""Small movies made of boxes, and a reader of them that shares nothing with the package.

Not here: pictures; the samples are numbered text that no decoder would show.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Optional

XMP_ID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
PACKET = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
LOCATION = b"\0\0\0\x1e\xa9xyz\0\x12\x15\xc7+52.5200+013.4050/"
IDENTITY = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
MOOV, MDAT = "moov", "mdat"
PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def box(kind: bytes, *parts: bytes, large: bool = False, is_open: bool = False) -> bytes:
    content = b"".join(parts)
    if large:
        return struct.pack(">I4sQ", 1, kind, len(content) + 16) + content
    return struct.pack(">I4s", 0 if is_open else len(content) + 8, kind) + content


def ftyp(brand: bytes = b"isom") -> bytes:
    return box(b"ftyp", brand, b"\0\0\2\0", brand, b"mp41")


def uuid(packet: bytes) -> bytes:
    return box(b"uuid", XMP_ID, packet)


def free(size: int, kind: bytes = b"free") -> bytes:
    """A blank box of `size` bytes with its header."""
    return box(kind, bytes(size - 8))


def mvhd(version: int = 0, matrix: Sequence[int] = IDENTITY) -> bytes:
    times = struct.pack(">QQIQ" if version else ">IIII", 3_700_000_000, 3_700_000_001, 600, 1200)
    return box(
        b"mvhd", bytes([version, 0, 0, 0]), times, b"\0\1\0\0\1\0", bytes(10), struct.pack(">9i", *matrix), bytes(28)
    )


def tkhd(
    number: int = 1,
    matrix: Sequence[int] = IDENTITY,
    size: tuple[float, float] = (64, 48),
    version: int = 0,
    on: int = 1,
) -> bytes:
    times = struct.pack(">QQIIQ" if version else ">IIIII", 3_700_000_000, 3_700_000_001, number, 0, 1200)
    width, height = (int(side * 65536) for side in size)
    return box(
        b"tkhd",
        bytes([version, 0, 0, on]),
        times,
        bytes(16),
        struct.pack(">9i", *matrix),
        struct.pack(">II", width, height),
    )


@dataclass(frozen=True)
class Track:
    """`samples`: one a chunk. `described`: width and height in its sample description."""

    samples: tuple[bytes, ...]
    header: bytes = tkhd()
    wide_offsets: bool = False
    handler: bytes = b"vide"
    described: tuple[int, int] = (64, 48)
    extra: bytes = b""

    def encoded(self, offsets: Sequence[int]) -> bytes:
        count = len(self.samples)
        entry = bytes(6) + b"\0\1" + bytes(16) + struct.pack(">HH", *self.described) + bytes(50)
        table = box(
            b"stbl",
            box(b"stsd", bytes(4), struct.pack(">I", 1), box(b"mp4v", entry)),
            box(b"stts", bytes(4), struct.pack(">III", 1, count, 60)),
            box(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, 1, 1)),
            box(b"stsz", bytes(4), struct.pack(f">II{count}I", 0, count, *map(len, self.samples))),
            self._chunks(offsets),
        )
        dref = box(b"dinf", box(b"dref", bytes(4), struct.pack(">I", 1), box(b"url ", b"\0\0\0\1")))
        hdlr = box(b"hdlr", bytes(8), self.handler, bytes(13))
        mdhd = box(b"mdhd", bytes(4), struct.pack(">IIII", 3_700_000_000, 3_700_000_001, 600, 1200), bytes(4))
        return box(b"trak", self.header, box(b"mdia", mdhd, hdlr, box(b"minf", dref, table)), self.extra)

    def _chunks(self, offsets: Sequence[int]) -> bytes:
        kind, code = (b"co64", "Q") if self.wide_offsets else (b"stco", "I")
        return box(kind, bytes(4), struct.pack(f">I{len(offsets)}{code}", len(offsets), *offsets))


SAMPLES = tuple(b"sample %d " % number * (number % 3 + 1) for number in range(9))


@dataclass(frozen=True)
class Movie:
    """`top`: boxes of the file in order, MOOV and MDAT where those two go (several MDAT share the samples).

    `inside`: what stands in moov behind the tracks.
    """

    top: tuple[object, ...] = (ftyp(), MDAT, MOOV)
    tracks: tuple[Track, ...] = (Track(SAMPLES[::2]), Track(SAMPLES[1::2], tkhd(2), handler=b"soun"))
    first: bytes = mvhd()
    inside: tuple[bytes, ...] = ()
    trailer: bytes = b""
    large_mdat: bool = False
    open_mdat: bool = False
    large_moov: bool = False
    base: int = 0

    def with_inside(self, *inside: bytes) -> Movie:
        return replace(self, inside=inside)

    def encoded(self) -> bytes:
        chunks = [(number, index) for number, track in enumerate(self.tracks) for index in range(len(track.samples))]
        chunks.sort(key=lambda chunk: chunk[::-1])
        offsets = dict.fromkeys(chunks, 0)
        for _ in range(2):
            data, places = self._laid_out(chunks, offsets)
            offsets = places
        return data + self.trailer

    def _moov(self, offsets: dict[tuple[int, int], int]) -> bytes:
        tracks = [
            track.encoded([offsets[number, index] + self.base for index in range(len(track.samples))])
            for number, track in enumerate(self.tracks)
        ]
        return box(b"moov", self.first, *tracks, *self.inside, large=self.large_moov)

    def _laid_out(
        self, chunks: list[tuple[int, int]], offsets: dict[tuple[int, int], int]
    ) -> tuple[bytes, dict[tuple[int, int], int]]:
        count = sum(part == MDAT for part in self.top)
        share = -(-len(chunks) // count) if count else 0
        left, data, places = list(chunks), b"", {}
        for number, part in enumerate(self.top):
            if part == MDAT:
                mine, left = left[:share], left[share:]
                is_open = self.open_mdat and number == len(self.top) - 1
                position, content = len(data) + (16 if self.large_mdat else 8), b""
                for track, index in mine:
                    content += b"gap"
                    places[track, index] = position + len(content)
                    content += self.tracks[track].samples[index]
                data += box(b"mdat", content, large=self.large_mdat, is_open=is_open)
            else:
                data += self._moov(offsets) if part == MOOV else bytes(part)  # type: ignore[call-overload]
        return data, places


def boxes(data: bytes, start: int = 0, end: Optional[int] = None) -> Iterator[tuple[bytes, int, int, int]]:
    """(kind, start, body, end) of each box; ends where there is none."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            size, body = struct.unpack_from(">Q", data, body)[0], body + 8
        elif size == 0:
            size = end - start
        if not kind.strip(b"\0") or start + size > end or size < 8:
            return
        yield kind, start, body, start + size
        start += size


def inside(data: bytes, *path: bytes) -> Iterator[bytes]:
    """The contents of every box at a path."""
    level = [(0, len(data))]
    for kind in path:
        level = [(body, stop) for low, high in level for name, _, body, stop in boxes(data, low, high) if name == kind]
    return (data[low:high] for low, high in level)


def kinds(data: bytes, *path: bytes) -> list[bytes]:
    """The kinds of the boxes at top level, or in the first box at a path."""
    content = next(inside(data, *path)) if path else data
    return [kind for kind, *_ in boxes(content)]


def samples(data: bytes, base: int = 0) -> list[list[bytes]]:
    """The bytes that each track's chunks point at."""
    found = []
    for stbl in inside(data, b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        sizes = next(inside(stbl, b"stsz"))[12:]
        wide = list(inside(stbl, b"co64"))
        offsets = (wide or list(inside(stbl, b"stco")))[0][8:]
        places = struct.unpack(f">{len(sizes) // 4}{'Q' if wide else 'I'}", offsets)
        lengths = struct.unpack(f">{len(sizes) // 4}I", sizes)
        found.append([data[at - base : at - base + length] for at, length in zip(places, lengths)])
    return found


def foreign(data: bytes, without: Iterable[bytes] = (), path: tuple[bytes, ...] = ()) -> list[object]:
    """Every box that a change of metadata has to leave as it is, with its path, in order.

    `without`: kinds of boxes that were changed.
    """
    found: list[object] = []
    for kind, _, body, stop in boxes(data):
        here = (*path, kind)
        content = data[body:stop]
        is_ours = kind in (b"stco", b"co64", *without) or content.startswith(XMP_ID)
        is_ours = is_ours or here in ((b"moov", b"meta"), (b"moov", b"udta"))
        if is_ours or (kind in (b"free", b"skip", b"wide") and not content.strip(b"\0")):
            continue
        if kind in PARENTS:
            found += foreign(content, without, here)
        else:
            found.append((here, content))
    return found
