"""How payloads are written into a TIFF file: what moves, what stays, and what is refused."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Optional

import pytest

from immich_meta_writers.addresses import ExifAddress
from immich_meta_writers.containers import tiff
from immich_meta_writers.errors import ExifError, NoRoomError, UnsupportedError
from immich_meta_writers.patch import Patch, PatchedView, Splice
from immich_meta_writers.payloads import exif
from immich_meta_writers.source import MemorySource
from tests.writers.tiff.tiff_files import (
    IPTC,
    PHOTOSHOP,
    SHAPES,
    XMP,
    Builder,
    Page,
    RawEntry,
    Reader,
    build,
    entry,
    picture,
)

PACKET = b"<x:xmpmeta>" + b" " * 500 + b"</x:xmpmeta>"
RECORDS = b"\x1c\x02\x19\x00\x05hello"
CAPTION = ExifAddress("IFD0", 0x010E, 2)


def read(data: bytes) -> tiff.TiffFile:
    return tiff.read(MemorySource(data))


def patched(data: bytes, caption: Optional[str] = None, **payloads: Optional[bytes]) -> Patch:
    found = read(data)
    view = found.payloads.tiff
    if caption is not None:
        view = exif.graft(exif.parse(view), {CAPTION: caption}, room=found.room.exif).view
    return tiff.patch(found, replace(found.payloads, tiff=view, **payloads))


def with_entries(page: Page, *entries: RawEntry) -> Page:
    return replace(page, entries=(*page.entries, *entries))


def value(data: bytes, tag: int, table: str = "page0") -> tuple[int, int, bytes]:
    return next(item[1:] for item in Reader(data).tables[table] if item[0] == tag)


@pytest.mark.parametrize(("order", "big"), SHAPES)
def test_the_same_payloads_change_nothing(order: str, big: bool) -> None:
    page = with_entries(picture(3, 3, order), entry(XMP, 1, PACKET), entry(IPTC, 4, RECORDS + b"\0\0"))
    found = read(build([page], order, big))
    assert tiff.patch(found, found.payloads) == Patch(found.size)


@pytest.mark.parametrize(("order", "big"), SHAPES)
def test_new_payloads_get_the_types_that_readers_expect(order: str, big: bool) -> None:
    data = build([picture(3, 3, order), picture(4, 4, order)], order, big)
    patch = patched(data, xmp=PACKET, iim=RECORDS, photoshop=b"8BIM")
    made = patch.apply(data)
    assert value(made, XMP) == (1, len(PACKET), PACKET)
    assert value(made, IPTC) == (4, 3, RECORDS + b"\0\0")
    assert value(made, PHOTOSHOP) == (1, 4, b"8BIM")
    tags = [item[0] for item in Reader(made).tables["page0"]]
    assert tags == sorted(tags)
    # The pointer to IFD0, the old table emptied, and the tail; the picture and the other page are not in it.
    assert [splice.offset for splice in patch.splices][-1] == len(data)
    assert sum(splice.length for splice in patch.splices) < 300


def test_only_the_first_page_gets_payloads() -> None:
    pages = [picture(3, 3, "<"), with_entries(picture(4, 4, "<"), entry(XMP, 1, b"<page two/>"))]
    data = build(pages, seed=5)
    made = patched(data, caption="caption", xmp=PACKET).apply(data)
    before, after = Reader(data), Reader(made)
    assert after.tables["page1"] == before.tables["page1"]
    assert after.offsets["page1"] == before.offsets["page1"]
    assert after.parts == before.parts


@pytest.mark.parametrize(("order", "big"), SHAPES)
def test_a_packet_of_equal_size_is_written_in_place(order: str, big: bool) -> None:
    data = build([with_entries(picture(3, 3, order), entry(XMP, 7, PACKET))], order, big, seed=4)
    patch = patched(data, xmp=PACKET.replace(b"<x:xmpmeta>    ", b"<x:xmpmeta>Ada "))
    assert [(splice.length, splice.data) for splice in patch.splices] == [(3, b"Ada")]
    assert value(patch.apply(data), XMP)[0] == 7


def test_a_packet_that_outgrows_its_place_leaves_zeros_there() -> None:
    data = build([with_entries(picture(3, 3, "<"), entry(XMP, 1, PACKET))])
    patch = patched(data, xmp=PACKET * 2)
    made = patch.apply(data)
    assert made.count(b"</x:xmpmeta>") == 2
    assert value(made, XMP) == (1, 2 * len(PACKET), PACKET * 2)
    assert made[data.index(PACKET) : data.index(PACKET) + len(PACKET)] == bytes(len(PACKET))


def test_removed_payloads_leave_no_trace() -> None:
    entries = (entry(XMP, 1, PACKET), entry(IPTC, 7, RECORDS), entry(PHOTOSHOP, 1, b"8BIM image resources"))
    data = build([with_entries(picture(3, 3, "<"), *entries)], seed=2)
    made = patched(data, xmp=None, iim=None, photoshop=None).apply(data)
    assert not any(tag in (XMP, IPTC, PHOTOSHOP) for tag, *_ in Reader(made).tables["page0"])
    assert not any(part in made for part in (b"xmpmeta", b"hello", b"8BIM"))
    assert len(made) == len(data)


@pytest.mark.parametrize("kind", [1, 2, 4, 7, 9])
def test_records_keep_the_type_that_the_file_gives_them(kind: int) -> None:
    records = RECORDS + b"\x1c\x02\x19\x00\x01k"
    data = build([with_entries(picture(3, 3, ">"), entry(IPTC, kind, records))], ">")
    assert value(patched(data, iim=RECORDS).apply(data), IPTC) == (
        (kind, 3, RECORDS + b"\0\0") if kind in (4, 9) else (kind, len(RECORDS), RECORDS)
    )


def test_records_of_a_senseless_type_are_retyped() -> None:
    data = build([with_entries(picture(3, 3, ">"), entry(IPTC, 3, RECORDS))], ">")
    assert value(patched(data, iim=RECORDS * 2).apply(data), IPTC)[0] == 7


def test_records_turned_around_are_written_so() -> None:
    turned = b"".join([(RECORDS + b"\0\0")[at : at + 4][::-1] for at in range(0, 12, 4)])
    data = build([with_entries(picture(3, 3, ">"), entry(IPTC, 4, turned))], ">")
    assert read(data).payloads.iim == RECORDS
    made = patched(data, iim=RECORDS.replace(b"hello", b"world")).apply(data)
    new = b"\x1c\x02\x19\x00\x05world\0\0"
    assert value(made, IPTC) == (4, 3, b"".join([new[at : at + 4][::-1] for at in (0, 4, 8)]))
    assert read(made).payloads.iim == new[:10]


def test_a_value_that_two_entries_share_is_not_overwritten() -> None:
    builder = Builder([with_entries(picture(3, 3, "<"), entry(XMP, 1, PACKET), entry(0xC801, 7, PACKET))], "<", False)
    data = bytearray(builder.build())
    ours, other = (data.index(struct.pack("<HH", tag, kind)) for tag, kind in ((XMP, 1), (0xC801, 7)))
    data[other + 8 : other + 12] = data[ours + 8 : ours + 12]
    changed = PACKET.replace(b"    ", b"Ada ", 1)
    made = patched(bytes(data), xmp=changed).apply(bytes(data))
    assert value(made, XMP)[2] == changed
    assert value(made, 0xC801)[2] == PACKET


def test_exif_and_the_other_payloads_make_one_tail() -> None:
    data = build([picture(30, 30, "<")])
    both = patched(data, caption="a caption", xmp=PACKET).apply(data)
    xmp_only = patched(data, xmp=PACKET).apply(data)
    assert len(both) - len(xmp_only) == 12 + len("a caption") + 1
    assert patched(both, caption="a caption", xmp=PACKET).splices == ()


def test_a_view_that_was_not_found_here_is_refused() -> None:
    found, other = read(build([picture(3, 3, "<")])), read(build([picture(3, 3, "<")]))
    for view in (other.payloads.tiff, PatchedView(other.payloads.tiff, Patch(other.size)), None):
        with pytest.raises(UnsupportedError):
            tiff.patch(found, replace(found.payloads, tiff=view))
    with pytest.raises(UnsupportedError, match="atoms"):
        tiff.patch(found, replace(found.payloads, atoms={"mvhd": b"x"}))


def test_a_payload_that_nobody_has_is_refused() -> None:
    data = build([picture(3, 3, "<")])
    for name in ("xmp", "iim", "photoshop"):
        with pytest.raises(NoRoomError, match="(?i)" + {"iim": "iptc"}.get(name, name)):
            patched(data, **{name: bytes((64 << 20) + 1)})


class Sparse:
    """A source of any size with bytes at its start and zeros behind them."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.size, self.asked = head, size, 0

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        self.asked += length
        return self.head[offset : offset + length].ljust(length, b"\0")


@pytest.mark.parametrize("big", [False, True])
def test_a_file_of_four_gibibytes_is_full_and_a_big_one_is_not(big: bool) -> None:
    source = Sparse(build([picture(3, 3, "<")], "<", big), 2**32 - 200)
    found = tiff.read(source)
    block = exif.parse(found.payloads.tiff)
    grafted = exif.graft(block, {CAPTION: "x" * 90}, room=found.room.exif)
    assert grafted.skipped == (() if big else (CAPTION,))
    wanted = replace(found.payloads, tiff=grafted.view, xmp=PACKET)
    if big:
        patch = tiff.patch(found, wanted)
        assert (patch.size, patch.new_size > 2**32) == (source.size, True)
    else:
        with pytest.raises(NoRoomError, match="XMP"):
            tiff.patch(found, wanted)
    assert source.asked < 100_000


def test_a_large_file_is_edited_without_being_read() -> None:
    source = Sparse(build([picture(3, 3, "<"), picture(3, 3, "<")]), 500 << 20)
    found = tiff.read(source)
    block = exif.parse(found.payloads.tiff)
    grafted = exif.graft(block, {CAPTION: "caption"}, room=found.room.exif)
    assert exif.differences(block, exif.parse(grafted.view), {CAPTION}) == ()
    patch = tiff.patch(found, replace(found.payloads, tiff=grafted.view, xmp=PACKET))
    assert patch.splices[-1] == Splice(500 << 20, 0, patch.splices[-1].data)
    assert source.asked < 100_000


def test_the_self_check_sees_what_a_patch_does_to_a_foreign_value() -> None:
    data = build([with_entries(picture(3, 3, "<"), entry(0xC801, 7, b"somebody else's"))])
    found = read(data)
    block = exif.parse(found.payloads.tiff)
    harm = Patch(len(data), (Splice(data.index(b"else"), 4, b"nobo"),))
    assert exif.differences(block, exif.parse(PatchedView(found.payloads.tiff, harm)), ()) == ("IFD0:0xc801",)
    growth = Patch(len(data), (Splice(data.index(b"else"), 0, b"x"),))
    assert "IFD0:0xc801" in exif.differences(block, exif.parse(PatchedView(found.payloads.tiff, growth)), ())


def test_big_tiff_is_no_exif_block_of_another_file() -> None:
    data = build([picture(3, 3, "<")], "<", True)
    with pytest.raises(ExifError):
        exif.parse(data)


def test_a_second_page_with_an_exif_table_of_its_own_keeps_it() -> None:
    second = replace(picture(4, 4, "<"), exif=(entry(0x9003, 2, b"1999:02:03 04:05:06\0"),))
    data = build([picture(3, 3, "<"), second], seed=3)
    found = read(data)
    block = exif.parse(found.payloads.tiff)
    date = ExifAddress("ExifIFD", 0x9003, 2)
    assert block.get(date) is None
    grafted = exif.graft(block, {date: "2001:02:03 04:05:06"}, room=found.room.exif)
    assert exif.differences(block, exif.parse(grafted.view), {date}) == ()
    made = tiff.patch(found, replace(found.payloads, tiff=grafted.view)).apply(data)
    assert value(made, 0x9003, "page0/exif")[2] == b"2001:02:03 04:05:06\0"
    assert value(made, 0x9003, "page1/exif")[2] == b"1999:02:03 04:05:06\0"


def test_the_self_check_leaves_the_other_payloads_of_a_file_to_their_own_checks() -> None:
    data = build([with_entries(picture(3, 3, "<"), entry(XMP, 1, PACKET), entry(0xC801, 7, b"somebody else's"))])
    made = patched(data, caption="caption", xmp=PACKET * 2, iim=RECORDS, photoshop=b"8BIM").apply(data)
    before, after = (exif.parse(read(file).payloads.tiff) for file in (data, made))
    assert exif.differences(before, after, {CAPTION}) == ()
    assert exif.differences(before, after, ()) != ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_lost_value_behind_the_end_keeps_new_bytes_out(order: str) -> None:
    below = with_entries(picture(2, 2, order), entry(0xC801, 7, b"a value"))
    data = build([replace(picture(3, 3, order), subs=(below,))], order)
    at = data.index(struct.pack(order + "HHI", 0xC801, 7, 7)) + 4

    def lost(distance: int) -> bytes:
        return data[:at] + struct.pack(order + "II", 9000, len(data) + distance) + data[at + 8 :]

    with pytest.raises(UnsupportedError, match="0xc801"):
        patched(lost(300), xmp=PACKET)
    assert read(patched(lost(90000), xmp=PACKET).apply(lost(90000))).payloads.xmp == PACKET
