"""What a TIFF file hands out, and which files are refused by which name."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from immich_meta_writers.containers import tiff
from immich_meta_writers.errors import (
    DamagedError,
    EmptyFileError,
    StructureError,
    TruncatedError,
    UnsupportedError,
    WriterError,
)
from immich_meta_writers.payloads import exif
from immich_meta_writers.source import MemorySource
from tests.writers.tiff.tiff_files import (
    GPS,
    IPTC,
    PHOTOSHOP,
    SHAPES,
    XMP,
    Builder,
    Page,
    RawEntry,
    build,
    entry,
    picture,
)

RECORDS = b"\x1c\x02\x19\x00\x05hello\x1c\x02\x19\x00\x02ok"
PACKET = b"<x:xmpmeta/>" + b" " * 40


def read(data: bytes) -> tiff.TiffFile:
    found = tiff.read(MemorySource(data))
    tiff.check_whole(MemorySource(data), found)
    return found


def with_entries(page: Page, *entries: RawEntry) -> Page:
    return replace(page, entries=(*page.entries, *entries))


def long(order: str, *values: int) -> bytes:
    return struct.pack(f"{order}{len(values)}I", *values)


@pytest.mark.parametrize(("order", "big"), SHAPES)
def test_payloads_are_values_of_the_first_page(order: str, big: bool) -> None:
    first = with_entries(
        picture(5, 4, order), entry(XMP, 1, PACKET), entry(IPTC, 7, RECORDS), entry(PHOTOSHOP, 1, b"8BIM")
    )
    second = with_entries(picture(3, 3, order), entry(XMP, 1, b"<other/>"))
    data = build([first, second], order, big)
    found = read(data)
    assert (found.payloads.xmp, found.payloads.iim, found.payloads.photoshop) == (PACKET, RECORDS, b"8BIM")
    assert (found.raster, found.orientation, found.size, found.c2pa) == ((5, 4), None, len(data), False)
    assert found.room.exif == (2**63 - 1 if big else 2**32 - 1)
    assert tiff.accepts(data[:16])


@pytest.mark.parametrize(("order", "big"), SHAPES)
def test_the_file_is_its_own_exif_block(order: str, big: bool) -> None:
    page = replace(picture(2, 2, order), exif=(entry(0x9003, 2, b"2001:02:03 04:05:06\0"),), gps=(entry(1, 2, b"S\0"),))
    page = with_entries(page, entry(0x0112, 3, struct.pack(order + "H", 6)))
    block = exif.parse(read(build([page], order, big)).payloads.tiff)
    assert (block.order, block.orientation, set(block.ifds)) == (order, 6, {"IFD0", "ExifIFD", "GPS"})


def test_a_file_without_payloads_has_none_and_blank_ones_count_as_none() -> None:
    assert read(build([picture(2, 2, "<")])).payloads.xmp is None
    blank = (entry(XMP, 1, b" \n" * 9), entry(IPTC, 4, bytes(8)), entry(PHOTOSHOP, 1, b""))
    payloads = read(build([with_entries(picture(2, 2, "<"), *blank)])).payloads
    assert (payloads.xmp, payloads.iim, payloads.photoshop) == (None, None, None)


@pytest.mark.parametrize("kind", [1, 4, 7])
def test_records_turned_around_in_groups_of_four_are_turned_back(kind: int) -> None:
    padded = RECORDS + bytes(-len(RECORDS) % 4)
    turned = b"".join([padded[at : at + 4][::-1] for at in range(0, len(padded), 4)])
    assert read(build([with_entries(picture(2, 2, ">"), entry(IPTC, kind, turned))], ">")).payloads.iim == RECORDS


@pytest.mark.parametrize(
    ("stored", "read_as"),
    [
        (b"\x1c\x02\x19\0\3k\0\0\0\0", b"\x1c\x02\x19\0\3k\0\0"),
        (b"\x1c\x02\xc8\x80\4\0\0\0\2k\0\0\0\0", b"\x1c\x02\xc8\x80\4\0\0\0\2k\0"),
        (b"\x1c\x02\x19\0\3k\0\0\0trailer\0", b"\x1c\x02\x19\0\3k\0\0\0trailer\0"),
        (b"\x1c\x02\x19\0\x40k\0\0\0", b"\x1c\x02\x19\0\x40k\0\0\0"),
        (b"\x1c\x02\x19\0", b"\x1c\x02\x19\0"),
        (b"no dataset", b"no dataset"),
    ],
)
def test_zeros_behind_the_records_are_padding_and_zeros_in_them_are_not(stored: bytes, read_as: bytes) -> None:
    assert read(build([with_entries(picture(2, 2, "<"), entry(IPTC, 7, stored))])).payloads.iim == read_as


def test_a_picture_below_a_reduced_one_gives_the_raster() -> None:
    """DNG: IFD0 is a thumbnail; of the SubIFDs the largest full picture counts, not a preview or a mask."""

    def sub(width: int, height: int, subfile: int) -> Page:
        page = picture(width, height, "<")
        return replace(page, entries=(entry(0x00FE, 4, long("<", subfile)), *page.entries[1:]))

    thumbnail = replace(sub(4, 3, 1), subs=(sub(90, 60, 1), sub(40, 30, 0), sub(40, 31, 0), sub(80, 80, 4)))
    assert read(build([thumbnail], seed=3)).raster == (40, 31)
    assert read(build([replace(thumbnail, subs=())])).raster == (4, 3)
    assert read(build([replace(thumbnail, entries=thumbnail.entries[1:])])).raster == (4, 3)


def test_a_picture_without_a_size_has_no_raster() -> None:
    assert read(build([Page((entry(0x0131, 2, b"x\0"),))])).raster is None


def test_content_credentials_are_seen() -> None:
    assert read(build([with_entries(picture(2, 2, "<"), entry(0xCD41, 7, b"jumb" * 4))])).c2pa


def test_an_empty_file_and_another_format_are_refused_by_name() -> None:
    with pytest.raises(EmptyFileError):
        read(b"")
    for head in (b"II", b"MM\0*", b"II+\0\x08\0\0\0\x10\0"):
        with pytest.raises(TruncatedError if len(head) > 2 else StructureError):
            read(head)
    for head in (b"\x89PNG\r\n\x1a\n" + bytes(20), b"II+\0\x04\0\0\0" + bytes(20), b"II*\0" + bytes(40)):
        with pytest.raises(StructureError):
            read(head)
    assert not tiff.accepts(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(("order", "big"), SHAPES)
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4])
def test_a_file_cut_at_any_byte_is_refused_as_truncated(order: str, big: bool, seed: int) -> None:
    first = replace(picture(6, 4, order, rows=1), subs=(picture(9, 9, order),))
    builder = Builder([first, picture(3, 3, order)], order, big, seed)
    data = builder.build()
    read(data)
    # A chain may end with the file, where a pointer to the next page should stand.
    count = len(builder.tables[0].entries)
    chain = builder.places["page0"] + (8 + 20 * count if big else 2 + 12 * count)
    for length in range(4, len(data)):
        if chain <= length < chain + (8 if big else 4):
            continue
        with pytest.raises(TruncatedError):
            read(data[:length])


def test_strips_whose_claims_overrun_are_read_when_the_picture_is_there() -> None:
    """libtiff computes what an uncompressed picture needs when its count cannot be true."""
    builder = Builder([picture(6, 4, "<", rows=2)], "<", False)
    data = bytearray(builder.build())
    lengths = data.index(long("<", 12, 12))
    assert builder.places["page0/part1"] + 12 == len(data)
    data[lengths : lengths + 8] = long("<", 12, 4000)
    assert read(bytes(data)).raster == (6, 4)
    with pytest.raises(TruncatedError):
        read(bytes(data[:-1]))
    compressed = bytes(data).replace(struct.pack("<HHIH", 0x0103, 3, 1, 1), struct.pack("<HHIH", 0x0103, 3, 1, 5))
    with pytest.raises(TruncatedError):
        read(compressed)
    old_jpeg = bytes(data).replace(struct.pack("<HHIH", 0x0103, 3, 1, 1), struct.pack("<HHIH", 0x0103, 3, 1, 6))
    assert read(old_jpeg).raster == (6, 4)


def test_tiles_whose_claims_overrun_are_read_when_the_picture_is_there() -> None:
    entries = tuple(item for item in picture(20, 12, "<").entries if item[0] != 0x0116)
    sizes = (entry(0x0142, 3, struct.pack("<H", 16)), entry(0x0143, 3, struct.pack("<H", 12)))
    builder = Builder([Page((*entries, *sizes), (bytes(192), bytes(192)), tiled=True)], "<", False)
    data = builder.build().replace(long("<", 192, 192), long("<", 192, 193))
    assert builder.places["page0/part1"] + 192 == len(data)
    assert read(data).raster == (20, 12)
    with pytest.raises(TruncatedError):
        read(data[:-1])


def test_strips_that_are_left_out_are_no_damage() -> None:
    page = picture(6, 4, "<", rows=2)
    data = build([Page((*page.entries, entry(0x0111, 4, long("<", 0, 0)), entry(0x0117, 4, long("<", 0, 0))))])
    assert read(data).raster == (6, 4)


def test_a_chain_that_comes_back_ends() -> None:
    builder = Builder([picture(2, 2, "<"), picture(3, 3, "<")], "<", False)
    data = bytearray(builder.build())
    second = next(table for table in builder.tables if table.name == "page1")
    at = builder.places["page1"] + 2 + 12 * len(second.entries)
    for target in ("page0", "page1"):
        data[at : at + 4] = long("<", builder.places[target])
        assert read(bytes(data)).raster == (2, 2)


def test_a_table_that_is_its_own_sub_ifd_is_read_once() -> None:
    builder = Builder([replace(picture(2, 2, "<"), gps=())], "<", False)
    data = bytearray(builder.build())
    pointer = data.index(struct.pack("<HHI", GPS, 4, 1))
    data[pointer : pointer + 12] = struct.pack("<HHII", 0x014A, 4, 1, builder.places["page0"])
    assert read(bytes(data)).raster == (2, 2)


@pytest.mark.parametrize("value", [2**64 - 1, 2**63, 2**62, 2**32, 65536])
def test_numbers_of_64_bits_that_lie_are_refused_by_name_and_allocate_nothing(value: int) -> None:
    builder = Builder([with_entries(picture(6, 4, "<", rows=1), entry(XMP, 1, PACKET))], "<", True)
    data = builder.build()
    spots = [8, builder.places["page0"]]
    spots += [builder.places["page0"] + 8 + 20 * index + at for index in range(12) for at in (4, 12)]
    refused = 0
    for spot in spots:
        broken = data[:spot] + struct.pack("<Q", value) + data[spot + 8 :]
        try:
            read(broken)
        except WriterError:
            refused += 1
    assert refused > 4


def test_a_payload_that_nobody_has_is_left_to_the_sidecar() -> None:
    large = entry(XMP, 1, b"<" * ((64 << 20) + 1))
    with pytest.raises(UnsupportedError, match="XMP"):
        read(build([with_entries(picture(2, 2, "<"), large)]))


@pytest.mark.parametrize(("order", "big"), SHAPES)
def test_any_byte_of_the_tables_flipped_is_refused_by_name_or_read(order: str, big: bool) -> None:
    page = replace(picture(4, 3, order), gps=(entry(1, 2, b"S\0"),), subs=(picture(2, 2, order),))
    data = build([page], order, big)
    refused = 0
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 0xFF
        try:
            exif.parse(read(bytes(broken)).payloads.tiff)
        except DamagedError:
            refused += 1
    assert refused > 8


def test_a_multi_page_file_reads_only_its_tables() -> None:
    class Counting(MemorySource):
        asked = 0

        def read_at(self, offset: int, length: int) -> bytes:
            self.asked += length
            return super().read_at(offset, length)

    # IFD0 behind 4 MB of picture, as libtiff writes it.
    page = Page(picture(1, 1, "<").entries, (bytes(4 << 20),))
    source = Counting(build([page] * 3, seed=9))
    tiff.read(source)
    assert source.asked < 40_000
