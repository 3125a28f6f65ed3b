"""Pointers that lead back to a table that moves: chains of pages that loop, tables that several pages share."""

from __future__ import annotations

import struct
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.containers import tiff
from immich_meta_writers.payloads import exif
from immich_meta_writers.source import MemorySource
from tests.writers.tiff.tiff_files import EXIF, GPS, SHAPES, SUBS, Builder, entry, picture

CAPTION, DATE = ExifAddress("IFD0", 0x010E, 2), ExifAddress("ExifIFD", 0x9003, 2)
OFFSET, NORTH = ExifAddress("ExifIFD", 0x9011, 2), ExifAddress("GPS", 0x0001, 2)
WANTED: dict[ExifAddress, ExifValue | None] = {
    CAPTION: "a caption",
    DATE: "2001:02:03 04:05:06",
    OFFSET: "+01:00",
    NORTH: "S",
}
PACKET = b"<x:xmpmeta/>" + b" " * 40
# The header's pointer to IFD0; a table's next-IFD pointer; an entry that points, by tag and position.
Pointer = tuple[str, int]


class Links:
    """Where every pointer leads, for files whose pointers may loop; tables by their offset."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.big = data[2:4] in (b"+\0", b"\0+")
        self.tags: dict[int, list[int]] = {}
        self.links: dict[int, dict[Pointer, int]] = {}
        self.first = self.number(8 if self.big else 4, 8 if self.big else 4)
        todo = [self.first]
        for table in todo:
            if table and table not in self.links:
                self.read(table)
                todo += self.links[table].values()

    def number(self, at: int, size: int) -> int:
        return int.from_bytes(self.data[at : at + size], "little" if self.order == "<" else "big")

    def read(self, table: int) -> None:
        wide, head, step = (8, 8, 20) if self.big else (4, 2, 12)
        count = self.number(table, head)
        entries = range(table + head, table + head + step * count, step)
        self.tags[table] = [self.number(at, 2) for at in entries]
        found = self.links[table] = {("next", 0): self.number(table + head + step * count, wide)}
        for at, tag in zip(entries, self.tags[table]):
            if tag in (EXIF, GPS, SUBS):
                kind, numbers = self.number(at + 2, 2), self.number(at + 4, step - 4 - wide)
                size = 8 if kind in (16, 18) else 4
                start = at + step - wide if size * numbers <= wide else self.number(at + step - wide, wide)
                found |= {(f"{tag:04x}", index): self.number(start + size * index, size) for index in range(numbers)}

    def named(self) -> dict[str, dict[Pointer, str]]:
        """The same by names that do not depend on where a table lies: the first way to it."""
        names = {0: "-", self.first: "ifd0"}
        for table in (todo := [self.first]):
            for (kind, index), target in self.links[table].items():
                if target not in names:
                    names[target] = f"{names[table]}/{kind}{index}"
                    todo.append(target)
        return {
            names[table]: {pointer: names[target] for pointer, target in links.items()}
            for table, links in self.links.items()
        }


def edited(data: bytes, wanted: dict[ExifAddress, ExifValue | None] = WANTED) -> bytes:
    found = tiff.read(MemorySource(data))
    block = exif.parse(found.payloads.tiff)
    grafted = exif.graft(block, wanted, room=found.room.exif)
    assert exif.differences(block, exif.parse(grafted.view), wanted) == ()
    patch = tiff.patch(found, replace(found.payloads, tiff=grafted.view, xmp=PACKET))
    made = patch.apply(data)
    assert patch.invert(lambda offset, length: data[offset : offset + length]).apply(made) == data
    return made


def full(order: str, big: bool, seed: int, subs: int = 2) -> Builder:
    """Two pages, each with all that can hang from a page; their SubIFDs are single ones, or an array elsewhere."""
    below = tuple(picture(2 + index, 2, order) for index in range(subs))
    page = replace(picture(3, 3, order), exif=(entry(0x9000, 7, b"0232"),), gps=(entry(0x12, 2, b"WGS-84\0"),))
    return Builder([replace(page, subs=below), replace(page, subs=below)], order, big, seed)


def place(builder: Builder, table: str, pointer: Pointer) -> tuple[int, int]:
    """Where the pointer of a table stands, and its size in bytes."""
    found = next(one for one in builder.tables if one.name == table)
    wide, head, step = (8, 8, 20) if builder.big else (4, 2, 12)
    at = builder.places[table] + head
    if pointer[0] == "next":
        return at + step * len(found.entries), wide
    row = [item[0] for item in found.entries].index(int(pointer[0], 16))
    if f"{table}:{row}" in builder.places:
        return builder.places[f"{table}:{row}"] + wide * pointer[1], wide
    return at + step * row + step - wide + wide * pointer[1], wide


def led(builder: Builder, data: bytes, table: str, pointer: Pointer, target: str) -> bytes:
    at, size = place(builder, table, pointer)
    number = builder.places[target].to_bytes(size, "little" if builder.order == "<" else "big")
    return data[:at] + number + data[at + size :]


LOOPS: dict[str, tuple[tuple[str, Pointer, str], ...]] = {
    "the only page is its own next": (("page0", ("next", 0), "page0"),),
    "the last page leads to the first": (("page1", ("next", 0), "page0"),),
    "a SubIFD is the first page": (("page1", ("014a", 0), "page0"),),
    "the first page is below itself": (("page0", ("014a", 1), "page0"),),
    "a picture below has the first page next": (("page0/sub1", ("next", 0), "page0"),),
    "two pages share what hangs from them": (("page1", ("8769", 0), "page0/exif"), ("page1", ("8825", 0), "page0/gps")),
    "the pointer to GPS leads to ExifIFD": (("page1", ("8825", 0), "page0/exif"),),
    "ExifIFD has the first page next": (("page0/exif", ("next", 0), "page0"), ("page0/gps", ("next", 0), "page0/exif")),
    "all at once": (
        ("page1", ("next", 0), "page0"),
        ("page0/exif", ("next", 0), "page0/exif"),
        ("page0", ("014a", 0), "page0/gps"),
        ("page1", ("014a", 0), "page0"),
        ("page1", ("014a", 1), "page0/exif"),
        ("page1/exif", ("next", 0), "page0/gps"),
        ("page0/sub1", ("next", 0), "page0/exif"),
    ),
}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("order", "big"), SHAPES)
@pytest.mark.parametrize("seed", [0, 7])
def test_a_pointer_to_a_table_that_moves_leads_to_its_new_place(loop: str, order: str, big: bool, seed: int) -> None:
    builder = full(order, big, seed)
    data = builder.build()
    for table, pointer, target in LOOPS[loop]:
        data = led(builder, data, table, pointer, target)
    made = edited(data)
    before, after = Links(data), Links(made)
    assert before.first != after.first
    assert after.named() == before.named()
    assert edited(made) == made


@pytest.mark.parametrize("subs", [1, 2])
def test_a_second_edit_of_a_looping_file_keeps_the_loop(subs: int) -> None:
    builder = full("<", False, 3, subs)
    data = led(builder, builder.build(), "page1", ("next", 0), "page0")
    data = led(builder, data, "page1", ("014a", 0), "page0")
    longer = edited(edited(data), {**WANTED, CAPTION: "a caption of more words than the first one had"})
    assert Links(longer).named() == Links(data).named()
    shorter = edited(longer, dict.fromkeys(WANTED))
    assert Links(shorter).named() == Links(data).named()


@pytest.mark.parametrize("pages", [1, 3])
def test_every_page_of_a_looping_file_can_still_be_opened(pages: int) -> None:
    builder = Builder([picture(3 + number, 3, "<") for number in range(pages)], "<", False)
    data = led(builder, builder.build(), f"page{pages - 1}", ("next", 0), "page0")

    def sizes(file: bytes) -> list[tuple[int, int]]:
        with Image.open(BytesIO(file)) as image:
            found = []
            for number in range(image.n_frames):
                image.seek(number)
                image.load()
                found.append(image.size)
            return found

    assert sizes(edited(data)) == sizes(data) == [(3 + number, 3) for number in range(pages)]


@pytest.mark.parametrize("big", [False, True])
def test_an_array_of_sub_ifds_that_pages_share_keeps_its_loop(big: bool) -> None:
    """Its entry is not in the same row of both pages once the first one has a caption."""
    builder = full("<", big, 5, 3)
    data = led(builder, builder.build(), "page0", ("014a", 1), "page0")
    head, step, wide = (8, 20, 8) if big else (2, 12, 4)
    row = [item[0] for item in builder.tables[0].entries].index(SUBS)
    ours, other = (builder.places[page] + head + step * row + step - wide for page in ("page0", "page1"))
    data = data[:other] + data[ours : ours + wide] + data[other + wide :]
    made = edited(edited(data), {**WANTED, CAPTION: None})
    assert Links(made).named() == Links(data).named()


def test_bytes_that_two_pointers_or_a_value_use_are_no_pointer_to_move() -> None:
    """Behind ExifIFD stands a value, not a next-IFD pointer; its first bytes happen to be the offset of IFD0."""
    builder = full("<", False, 0)
    data = bytearray(builder.build())
    at, size = place(builder, "page1/exif", ("next", 0))
    row = 0
    table = next(one for one in builder.tables if one.name == "page1")
    while table.entries[row][0] != 0x0131:
        row += 1
    value = builder.places["page1"] + 2 + 12 * row + 8
    data[value : value + 4] = struct.pack("<I", at)
    data[at : at + size] = struct.pack("<I", builder.places["page0"])
    made = edited(bytes(data))
    assert made[at : at + size] == data[at : at + size]


def test_a_page_that_is_exif_ifd_too_keeps_its_place_and_its_pointer_follows() -> None:
    builder = full("<", False, 0)
    data = led(builder, builder.build(), "page0", ("next", 0), "page0/exif")
    data = led(builder, data, "page0/exif", ("next", 0), "page0")
    after = Links(edited(data))
    page = builder.places["page0/exif"]
    assert after.links[after.first]["next", 0] == page != after.links[after.first]["8769", 0]
    assert after.links[page]["next", 0] == after.first


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(SHAPES), st.integers(0, 300), st.integers(1, 2))
def test_no_pointer_leads_to_an_emptied_table_however_tables_point_at_each_other(
    draw: st.DataObject, shape: tuple[str, bool], seed: int, subs: int
) -> None:
    builder = full(*shape, seed, subs)
    data = builder.build()
    names = [table.name for table in builder.tables]
    # The chain goes through pages only: what nothing else leads to than a next-IFD pointer elsewhere is not known.
    pages, known = ["page0", "page1"], ["page0", "page0/exif", "page0/gps"]
    spots = [(name, ("next", 0)) for name in names]
    spots += [("page0", ("014a", 0)), *(("page1", (tag, 0)) for tag in ("8769", "8825", "014a"))]
    for table, pointer in draw.draw(st.lists(st.sampled_from(spots), max_size=6, unique=True)):
        is_walked = pointer[0] != "next" or table in pages
        data = led(builder, data, table, pointer, draw.draw(st.sampled_from(names if is_walked else known)))
    assert fewest_tags(data) > 0
    assert fewest_tags(edited(data)) > 0


def fewest_tags(data: bytes) -> int:
    """Of the tables that any pointer leads to."""
    return min(map(len, Links(data).tags.values()))
