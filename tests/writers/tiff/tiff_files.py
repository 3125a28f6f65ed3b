"""Builds TIFF files of any shape for the tests, and reads them again, with no code of the product. Not a test."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
EXIF, GPS, SUBS = 0x8769, 0x8825, 0x014A
XMP, IPTC, PHOTOSHOP = 0x02BC, 0x83BB, 0x8649
SHAPES = tuple((order, big) for order in "<>" for big in (False, True))

RawEntry = tuple[int, int, int, bytes]


def entry(tag: int, kind: int, raw: bytes) -> RawEntry:
    """An entry whose count follows from its bytes."""
    return tag, kind, len(raw) // TYPE_BYTES[kind], raw


@dataclass(frozen=True)
class Page:
    """One picture with what hangs below it. `parts` are its strips, or tiles."""

    entries: tuple[RawEntry, ...] = ()
    parts: tuple[bytes, ...] = ()
    tiled: bool = False
    exif: tuple[RawEntry, ...] | None = None
    gps: tuple[RawEntry, ...] | None = None
    subs: tuple[Page, ...] = ()


@dataclass
class _Table:
    name: str
    entries: list[RawEntry]
    next: str = ""
    # Tags whose numbers are offsets of chunks, by name.
    pointers: dict[int, list[str]] = field(default_factory=dict)


class Builder:
    """Lays out the chunks of a file in any order: `seed` 0 keeps header, tables, values, pictures in sequence."""

    def __init__(self, pages: list[Page], order: str, big: bool, seed: int = 0) -> None:
        self.order, self.big = order, big
        self.offset = struct.Struct(order + ("Q" if big else "I"))
        self.tables: list[_Table] = []
        self.data: dict[str, bytes] = {}
        for number, page in enumerate(pages):
            self._add(f"page{number}", page, f"page{number + 1}" if number + 1 < len(pages) else "")
        self._lay_out(seed)

    def _add(self, name: str, page: Page, following: str = "") -> None:
        table = _Table(name, list(page.entries), following)
        self.tables.append(table)
        kind = 16 if self.big else 4
        if page.parts:
            names = [f"{name}/part{index}" for index in range(len(page.parts))]
            self.data.update(zip(names, page.parts))
            lengths = b"".join([struct.pack(self.order + "I", len(part)) for part in page.parts])
            table.pointers[0x0144 if page.tiled else 0x0111] = names
            table.entries.append((0x0144 if page.tiled else 0x0111, kind, len(names), b""))
            table.entries.append(entry(0x0145 if page.tiled else 0x0117, 4, lengths))
        for tag, suffix, below in ((EXIF, "exif", page.exif), (GPS, "gps", page.gps)):
            if below is not None:
                table.pointers[tag] = [f"{name}/{suffix}"]
                table.entries.append((tag, kind, 1, b""))
                self.tables.append(_Table(f"{name}/{suffix}", sorted(below, key=lambda item: item[0])))
        if page.subs:
            table.pointers[SUBS] = [f"{name}/sub{index}" for index in range(len(page.subs))]
            table.entries.append((SUBS, 18 if self.big else 13, len(page.subs), b""))
            for index, sub in enumerate(page.subs):
                self._add(f"{name}/sub{index}", sub)
        table.entries.sort(key=lambda item: item[0])

    def _lay_out(self, seed: int) -> None:
        chunks: list[tuple[str, int]] = []
        for table in self.tables:
            chunks.append((table.name, (16 if self.big else 6) + (20 if self.big else 12) * len(table.entries)))
            chunks += [
                (f"{table.name}:{index}", item[2] * TYPE_BYTES[item[1]])
                for index, item in enumerate(table.entries)
                if item[2] * TYPE_BYTES[item[1]] > self.offset.size
            ]
        chunks += [(name, len(part)) for name, part in self.data.items()]
        chance = random.Random(seed)
        if seed:
            chance.shuffle(chunks)
        self.places: dict[str, int] = {}
        position = 16 if self.big else 8
        for name, size in chunks:
            position += position % 2 + (2 * (chance.randrange(5) // 4) if seed else 0)
            self.places[name] = position
            position += size
        self.size = position

    def build(self) -> bytes:
        data = bytearray(self.size)
        magic = (b"II" if self.order == "<" else b"MM") + struct.pack(self.order + "H", 43 if self.big else 42)
        data[:8] = magic + (struct.pack(self.order + "HH", 8, 0) if self.big else self._pointer("page0"))
        if self.big:
            data[8:16] = self._pointer("page0")
        for name, part in self.data.items():
            data[self.places[name] : self.places[name] + len(part)] = part
        for table in self.tables:
            self._put(data, table)
        return bytes(data)

    def _pointer(self, name: str) -> bytes:
        return self.offset.pack(self.places[name] if name else 0)

    def _put(self, data: bytearray, table: _Table) -> None:
        place = self.places[table.name]
        count = struct.pack(self.order + ("Q" if self.big else "H"), len(table.entries))
        packed = [count]
        for index, (tag, kind, number, raw) in enumerate(table.entries):
            value = raw or b"".join([self._number(kind, name) for name in table.pointers.get(tag, [])])
            if f"{table.name}:{index}" in self.places:
                start = self.places[f"{table.name}:{index}"]
                data[start : start + len(value)] = value
                value = self.offset.pack(start)
            head = struct.pack(self.order + ("HHQ" if self.big else "HHI"), tag, kind, number)
            packed.append(head + value.ljust(self.offset.size, b"\0"))
        packed.append(self._pointer(table.next))
        whole = b"".join(packed)
        data[place : place + len(whole)] = whole

    def _number(self, kind: int, name: str) -> bytes:
        return struct.pack(self.order + ("Q" if kind in (16, 18) else "I"), self.places[name])


def build(pages: list[Page], order: str = "<", big: bool = False, seed: int = 0) -> bytes:
    return Builder(pages, order, big, seed).build()


def picture(width: int, height: int, order: str, *, rows: int = 0, seed: int = 1) -> Page:
    """A grey picture that readers can decode."""
    rows = rows or height
    chance = random.Random(seed)
    parts = [bytes(chance.randrange(256) for _ in range(width * min(rows, height - y))) for y in range(0, height, rows)]

    def number(tag: int, kind: int, value: int) -> RawEntry:
        return entry(tag, kind, struct.pack(order + ("H" if kind == 3 else "I"), value))

    return Page(
        (
            number(0x00FE, 4, 0),
            number(0x0100, 3, width),
            number(0x0101, 3, height),
            number(0x0102, 3, 8),
            number(0x0103, 3, 1),
            number(0x0106, 3, 1),
            number(0x0115, 3, 1),
            number(0x0116, 4, rows),
            entry(0x0131, 2, b"test builder\0"),
        ),
        tuple(parts),
    )


# ---------------------------------------------------------------- reading


Tables = dict[str, list[RawEntry]]


class Reader:
    """Every table by name, with the bytes of its values, and the parts of its picture; only for sound files."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.big = struct.unpack_from(self.order + "H", data, 2)[0] == 43
        self.tables: Tables = {}
        self.parts: dict[str, list[bytes]] = {}
        self.offsets: dict[str, int] = {}
        start = self._offset(8 if self.big else 4)
        number = 0
        while start:
            start = self._read(f"page{number}", start)
            number += 1

    def _offset(self, at: int) -> int:
        return int(struct.unpack_from(self.order + ("Q" if self.big else "I"), self.data, at)[0])

    def _read(self, name: str, start: int) -> int:
        assert start not in self.offsets.values()
        self.offsets[name] = start
        count = struct.unpack_from(self.order + ("Q" if self.big else "H"), self.data, start)[0]
        position = start + (8 if self.big else 2)
        entries = []
        for _ in range(count):
            tag, kind, number = struct.unpack_from(self.order + ("HHQ" if self.big else "HHI"), self.data, position)
            position += 12 if self.big else 8
            size, inline = number * TYPE_BYTES[kind], 8 if self.big else 4
            at = position if size <= inline else self._offset(position)
            assert at + size <= len(self.data)
            entries.append((tag, kind, number, self.data[at : at + size]))
            position += inline
        self.tables[name] = entries
        self._follow(name)
        return self._offset(position)

    def _follow(self, name: str) -> None:
        found = {item[0]: list(self.numbers(item)) for item in self.tables[name]}
        for starts, lengths in ((0x0111, 0x0117), (0x0144, 0x0145)):
            pairs = list(zip(found.get(starts, []), found.get(lengths, [])))
            if pairs:
                assert all(start + length <= len(self.data) for start, length in pairs)
                self.parts[name] = [self.data[start : start + length] for start, length in pairs]
        for tag, suffix in ((EXIF, "exif"), (GPS, "gps")):
            for start in found.get(tag, []):
                self._read(f"{name}/{suffix}", start)
        for index, start in enumerate(found.get(SUBS, [])):
            self._read(f"{name}/sub{index}", start)

    def numbers(self, item: RawEntry) -> Iterator[int]:
        code = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(item[1])
        return iter(struct.unpack(f"{self.order}{item[2]}{code}", item[3]) if code else ())

    def foreign(self, asked: set[tuple[str, int]]) -> Tables:
        """What nobody asked to change. Pointers may differ: what they lead to is read."""
        return {
            name: [item for item in entries if item[0] not in (EXIF, GPS) and (name, item[0]) not in asked]
            for name, entries in self.tables.items()
        }


# ---------------------------------------------------------------- any file


@st.composite
def _entries(draw: st.DrawFn, big: bool, ours: tuple[int, ...]) -> tuple[RawEntry, ...]:
    tags = st.one_of(st.integers(0xC800, 0xFDFF).filter(lambda tag: tag != 0xFE00), st.sampled_from(ours))
    kinds = sorted(kind for kind in TYPE_BYTES if big or kind < 16)
    made = []
    for tag in draw(st.lists(tags, max_size=5, unique=True)):
        kind = draw(st.sampled_from(kinds))
        size = TYPE_BYTES[kind] * draw(st.integers(1, 9))
        made.append(entry(tag, kind, draw(st.binary(min_size=size, max_size=size))))
    return tuple(made)


@st.composite
def _pages(draw: st.DrawFn, big: bool, depth: int) -> Page:
    return Page(
        entries=draw(_entries(big, (0x010E, 0x0132, 0x4746, 0x4749))),
        parts=tuple(draw(st.lists(st.binary(min_size=1, max_size=40), max_size=3))),
        tiled=draw(st.booleans()),
        exif=draw(st.none() | _entries(big, (0x9003, 0x9011, 0x9286, 0x927C))),
        gps=draw(st.none() | _entries(big, (0, 1, 2, 3, 4))),
        subs=tuple(draw(st.lists(_pages(big, depth - 1), max_size=2))) if depth else (),
    )


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Sound files: four layouts, several pages, SubIFDs, strips and tiles, in any order of bytes and chunks."""
    order, big = draw(st.sampled_from(SHAPES))
    pages = draw(st.lists(_pages(big, 1), min_size=1, max_size=3))
    return build(pages, order, big, draw(st.integers(0, 500)))
