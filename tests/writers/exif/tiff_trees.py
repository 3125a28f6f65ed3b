"""Builds TIFF blocks of any shape for the tests. Not a test."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import strategies as st

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.tags import TABLE

ROWS: dict[str, ExifAddress] = {tag.name: tag.address for tag in TABLE if isinstance(tag.address, ExifAddress)}
ROOM = 65525
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
VALUES: dict[str, ExifValue] = {
    "IFD0:ImageDescription": "Zoë O'Brien, Jr. — 山田太郎 Łukasz 😀\nsecond line",
    "IFD0:ModifyDate": "2001:02:03 04:05:06",
    "IFD0:Rating": 4,
    "IFD0:RatingPercent": 80,
    "ExifIFD:DateTimeOriginal": "2001:02:03 04:05:06",
    "ExifIFD:CreateDate": "2001:02:03 04:05:07",
    "ExifIFD:OffsetTimeOriginal": "+01:30",
    "ExifIFD:OffsetTimeDigitized": "+01:30",
    "ExifIFD:OffsetTime": "-03:00",
    "ExifIFD:UserComment": "Ferien, 山田太郎",
    "GPS:GPSVersionID": b"\x02\x03\x00\x00",
    "GPS:GPSLatitudeRef": "S",
    "GPS:GPSLatitude": (Fraction(33), Fraction(51), Fraction(305400, 10000)),
    "GPS:GPSLongitudeRef": "W",
    "GPS:GPSLongitude": (Fraction(151), Fraction(12), Fraction(301234, 10000)),
    "GPS:GPSAltitudeRef": b"\x01",
    "GPS:GPSAltitude": (Fraction(1234, 100),),
}
EDITS: dict[ExifAddress, ExifValue] = {ROWS[name]: value for name, value in VALUES.items()}

RawEntry = tuple[int, int, int, bytes]


@dataclass(frozen=True)
class Tree:
    """What a block holds; `order` is `<` or `>`. Pointers are made where the sub-IFD is not None."""

    order: str
    ifd0: tuple[RawEntry, ...] = ()
    exif: tuple[RawEntry, ...] | None = None
    gps: tuple[RawEntry, ...] | None = None
    interop: tuple[RawEntry, ...] | None = None
    ifd1: tuple[RawEntry, ...] | None = None
    thumbnail: bytes = b""
    seed: int = 0
    exif_next: bytes = field(default=b"\0\0\0\0")


def entry(tag: int, kind: int, raw: bytes) -> RawEntry:
    """An entry whose count follows from its bytes."""
    return tag, kind, len(raw) // TYPE_BYTES[kind], raw


def build(tree: Tree) -> bytes:
    """The block: tables and values in a random but repeatable order, some with padding between them."""
    names = [n for n in ("ifd0", "exif", "gps", "interop", "ifd1") if getattr(tree, n) is not None]
    entries: dict[str, list[RawEntry]] = {name: list(getattr(tree, name)) for name in names}
    long = struct.Struct(tree.order + "I")
    pointers = {"exif": ("ifd0", 0x8769), "gps": ("ifd0", 0x8825), "interop": ("exif", 0xA005)}
    for name, (parent, tag) in pointers.items():
        if name in entries and parent in entries:
            entries[parent].append((tag, 4, 1, name.encode()))
    if tree.thumbnail and "ifd1" in entries:
        entries["ifd1"] += [(0x0201, 4, 1, b"thumbnail"), entry(0x0202, 4, long.pack(len(tree.thumbnail)))]
    for name in names:
        entries[name].sort(key=lambda item: item[0])
    chunks: list[tuple[str, int]] = [(name, 2 + 12 * len(entries[name]) + 4) for name in names]
    chunks += [
        (f"{name}/{index}", len(item[3]))
        for name in names
        for index, item in enumerate(entries[name])
        if item[2] * TYPE_BYTES[item[1]] > 4
    ]
    chunks += [("thumbnail", len(tree.thumbnail))] if tree.thumbnail else []
    chance = random.Random(tree.seed)
    chance.shuffle(chunks)
    places: dict[str, int] = {}
    position = 8
    for name, size in chunks:
        position += position % 2 + 2 * (chance.randrange(4) // 3)
        places[name] = position
        position += size
    data = bytearray(position)
    data[:8] = (b"II*\0" if tree.order == "<" else b"MM\0*") + long.pack(places["ifd0"])
    if tree.thumbnail and "ifd1" in entries:
        data[places["thumbnail"] : places["thumbnail"] + len(tree.thumbnail)] = tree.thumbnail
    for name in names:
        _put_table(data, tree, name, entries[name], places)
    return bytes(data)


def _put_table(data: bytearray, tree: Tree, name: str, entries: list[RawEntry], places: dict[str, int]) -> None:
    order, offset = tree.order, places[name]
    struct.pack_into(order + "H", data, offset, len(entries))
    for index, (tag, kind, count, raw) in enumerate(entries):
        if f"{name}/{index}" in places:
            start = places[f"{name}/{index}"]
            data[start : start + len(raw)] = raw
            raw = struct.pack(order + "I", start)
        elif raw.decode("latin-1") in places and kind == 4:
            raw = struct.pack(order + "I", places[raw.decode("latin-1")])
        struct.pack_into(order + "HHI4s", data, offset + 2 + 12 * index, tag, kind, count, raw)
    following = tree.exif_next if name == "exif" else b"\0\0\0\0"
    if name == "ifd0" and "ifd1" in places:
        following = struct.pack(order + "I", places["ifd1"])
    end = offset + 2 + 12 * len(entries)
    data[end : end + 4] = following


@st.composite
def _entries(draw: st.DrawFn, tags: st.SearchStrategy[int]) -> tuple[RawEntry, ...]:
    chosen = draw(st.lists(tags, max_size=8, unique=True))
    made = []
    for tag in chosen:
        kind = draw(st.sampled_from(sorted(TYPE_BYTES)))
        size = TYPE_BYTES[kind] * draw(st.integers(1, 9))
        made.append(entry(tag, kind, draw(st.binary(min_size=size, max_size=size))))
    return tuple(made)


def _tags(*ours: int) -> st.SearchStrategy[int]:
    """Private tags that nobody gives a meaning, and some of ours, in whatever type they come."""
    return st.one_of(st.integers(0xC800, 0xFDFF), st.sampled_from(ours))


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Valid blocks: both byte orders, unknown tags, any layout, missing sub-IFDs, thumbnails."""
    exif = draw(st.none() | _entries(_tags(0x9003, 0x9004, 0x9011, 0x9286, 0x927C)))
    return Tree(
        order=draw(st.sampled_from("<>")),
        ifd0=draw(_entries(_tags(0x010E, 0x0132, 0x4746, 0x4749, 0x0112))),
        exif=exif,
        gps=draw(st.none() | _entries(_tags(0, 1, 2, 3, 4, 5, 6, 7))),
        interop=draw(st.none() | _entries(_tags(1, 2))) if exif is not None else None,
        ifd1=draw(st.none() | _entries(_tags(0x0103, 0x010E))),
        thumbnail=draw(st.binary(max_size=40)),
        seed=draw(st.integers(0, 1000)),
        exif_next=draw(st.sampled_from((b"\0\0\0\0", b"\x01\x02\x03\xff"))),
    )


_TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=60)
_DATES = st.sampled_from(("2001:02:03 04:05:06", "1999:12:31 23:59:59"))
_PARTS = st.builds(Fraction, st.integers(0, 3_600_000), st.integers(1, 1_000_000))


@st.composite
def edits(draw: st.DrawFn) -> dict[ExifAddress, ExifValue | None]:
    """Values, and removals, for any of our rows."""
    values: dict[str, st.SearchStrategy[ExifValue]] = {
        "IFD0:ImageDescription": _TEXT,
        "IFD0:Rating": st.integers(0, 5),
        "IFD0:RatingPercent": st.integers(0, 100),
        "IFD0:ModifyDate": _DATES,
        "ExifIFD:DateTimeOriginal": _DATES,
        "ExifIFD:CreateDate": _DATES,
        "ExifIFD:OffsetTimeOriginal": st.sampled_from(("+01:00", "-09:30")),
        "ExifIFD:UserComment": _TEXT.map(str.rstrip),
        "GPS:GPSVersionID": st.just(b"\x02\x03\x00\x00"),
        "GPS:GPSLatitudeRef": st.sampled_from("NS"),
        "GPS:GPSLatitude": st.tuples(_PARTS, _PARTS, _PARTS),
        "GPS:GPSLongitudeRef": st.sampled_from("EW"),
        "GPS:GPSLongitude": st.tuples(_PARTS, _PARTS, _PARTS),
        "GPS:GPSAltitudeRef": st.sampled_from((b"\0", b"\1")),
        "GPS:GPSAltitude": st.tuples(_PARTS),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(values)), min_size=1, unique=True))
    return {ROWS[name]: draw(st.none() | values[name]) for name in chosen}
