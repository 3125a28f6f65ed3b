"""EXIF blocks whose tables point back at each other: the pointers lead to where the tables are after a graft."""

from __future__ import annotations

import struct

import pytest

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.payloads import exif
from tests.writers.exif.tiff_trees import EDITS, ROOM, ROWS, Tree, build, entry

CAPTION, OFFSET = ROWS["IFD0:ImageDescription"], ROWS["ExifIFD:OffsetTimeOriginal"]


def number(data: bytes, at: int, order: str, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "little" if order == "<" else "big")


def next_at(data: bytes, table: int, order: str) -> int:
    """Where the next-IFD pointer of the table at `table` stands."""
    return table + 2 + 12 * number(data, table, order, 2)


def pointed(data: bytes, table: int, tag: int, order: str) -> int:
    """Where the entry of the tag leads."""
    places = range(table + 2, next_at(data, table, order), 12)
    return next(number(data, at + 8, order) for at in places if number(data, at, order, 2) == tag)


def tables(data: bytes, order: str) -> dict[str, int]:
    """Where IFD0, ExifIFD, GPS and Interop are."""
    first = number(data, 4, order)
    below = pointed(data, first, 0x8769, order)
    found = {"ifd0": first, "exif": below, "gps": pointed(data, first, 0x8825, order)}
    return {**found, "interop": pointed(data, below, 0xA005, order)}


def block(order: str, seed: int) -> tuple[bytes, dict[str, int]]:
    """A block with all five tables, and where they are."""
    tree = Tree(
        order,
        ifd0=(entry(0x010F, 2, b"Maker\0"), entry(0x9C9B, 1, b"title and more")),
        exif=(entry(0x9000, 7, b"0232"), entry(0x927C, 7, bytes(range(60)))),
        gps=(entry(7, 5, bytes(range(24))),),
        interop=(entry(1, 2, b"R98\0"),),
        ifd1=(entry(0x0103, 3, b"\6\6"),),
        thumbnail=b"\xff\xd8thumbnail\xff\xd9",
        seed=seed,
    )
    data = build(tree)
    found = tables(data, order)
    return data, {**found, "ifd1": number(data, next_at(data, found["ifd0"], order), order)}


def with_next(data: bytes, table: int, target: int, order: str) -> bytes:
    at = next_at(data, table, order)
    return data[:at] + struct.pack(order + "I", target) + data[at + 4 :]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("target", ["ifd0", "exif", "gps"])
@pytest.mark.parametrize("source", ["exif", "gps", "interop", "ifd1"])
def test_a_next_pointer_to_a_table_that_moves_follows_it(order: str, seed: int, source: str, target: str) -> None:
    data, places = block(order, seed)
    old = exif.parse(with_next(data, places[source], places[target], order))
    new = exif.parse(exif.graft(old, EDITS, room=ROOM).block)
    assert exif.differences(old, new, EDITS) == ()
    found = {**tables(new.data, order), "ifd1": places["ifd1"]}
    assert found[target] != places[target]
    assert number(new.data, next_at(new.data, found[source], order), order) == found[target]
    assert exif.graft(new, EDITS, room=ROOM).block == new.data


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_block_that_is_its_own_next_page_stays_so(order: str) -> None:
    data, places = block(order, 1)
    data = with_next(data, places["ifd0"], places["ifd0"], order)
    for wanted in (EDITS, {CAPTION: "another caption", OFFSET: None}, dict.fromkeys(EDITS)):
        data = exif.graft(exif.parse(data), wanted, room=ROOM).block
        first = number(data, 4, order)
        assert first != places["ifd0"]
        assert number(data, next_at(data, first, order), order) == first


def test_a_thumbnail_that_shares_exif_and_gps_still_does() -> None:
    data, places = block("<", 2)
    shared = build(Tree("<", ifd1=(entry(0x0103, 3, b"\6\0"), (0x8769, 4, 1, b"????"), (0x8825, 4, 1, b"????"))))
    thumbnail = len(data)
    start = number(shared, next_at(shared, number(shared, 4, "<"), "<"), "<")
    table = shared[start : next_at(shared, start, "<")] + bytes(4)
    table = table.replace(b"????", struct.pack("<I", places["exif"]), 1)
    table = table.replace(b"????", struct.pack("<I", places["gps"]), 1)
    old = exif.parse(with_next(data, places["ifd0"], thumbnail, "<") + table)
    new = exif.parse(exif.graft(old, EDITS, room=ROOM).block)
    assert exif.differences(old, new, EDITS) == ()
    found = tables(new.data, "<")
    assert found["exif"] != places["exif"]
    assert pointed(new.data, thumbnail, 0x8769, "<") == found["exif"]
    assert pointed(new.data, thumbnail, 0x8825, "<") == found["gps"]


@pytest.mark.parametrize("extra", [0, 40, 120, 300])
def test_short_room_keeps_a_loop_too(extra: int) -> None:
    data, places = block(">", 3)
    data = with_next(data, places["ifd1"], places["ifd0"], ">")
    wanted: dict[ExifAddress, ExifValue | None] = {**EDITS}
    made = exif.graft(exif.parse(data), wanted, room=len(data) + extra).block
    first = number(made, 4, ">")
    assert len(made) <= len(data) + extra
    assert number(made, next_at(made, places["ifd1"], ">"), ">") == first


def test_a_page_that_is_exif_ifd_too_keeps_its_place_as_that_page() -> None:
    data, places = block("<", 0)
    old = exif.parse(with_next(data, places["ifd0"], places["exif"], "<"))
    new = exif.parse(exif.graft(old, EDITS, room=ROOM).block)
    assert exif.differences(old, new, EDITS) == ()
    assert tables(new.data, "<")["exif"] != places["exif"]
    kept = slice(places["exif"], next_at(data, places["exif"], "<"))
    assert new.data[kept] == data[kept]
    first = number(new.data, 4, "<")
    assert number(new.data, next_at(new.data, first, "<"), "<") == places["exif"]
