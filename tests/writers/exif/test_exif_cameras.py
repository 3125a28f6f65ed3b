"""What real cameras and programs do to an EXIF block, and that a graft survives it."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.ifd.draft import insertion_index
from immich_meta_writers.ifd.layout import CLASSIC
from immich_meta_writers.payloads import exif
from tests.writers.exif.tiff_trees import EDITS, ROOM, ROWS, Tree, build, entry

CAPTION, RATING, PERCENT = ROWS["IFD0:ImageDescription"], ROWS["IFD0:Rating"], ROWS["IFD0:RatingPercent"]
DATE, OFFSET, COMMENT = (
    ROWS["ExifIFD:DateTimeOriginal"],
    ROWS["ExifIFD:OffsetTimeOriginal"],
    ROWS["ExifIFD:UserComment"],
)
LATITUDE_REF = ROWS["GPS:GPSLatitudeRef"]
NOTE = bytes(range(1, 61))
BASE = Tree(
    "<",
    ifd0=(entry(0x010E, 2, b"OLYMPUS DIGITAL CAMERA\0"), entry(0x010F, 2, b"Maker\0")),
    exif=(entry(0x9003, 2, b"2000:01:01 00:00:00\0"), entry(0x927C, 7, NOTE)),
    gps=(entry(1, 2, b"N\0"), entry(7, 5, bytes(range(24)))),
)


def graft(data: bytes, edits: dict[ExifAddress, ExifValue | None], room: int = ROOM) -> exif.ExifBlock:
    """The new block, after the checks that hold for every graft."""
    block = exif.parse(data)
    grafted = exif.graft(block, edits, room=room)
    assert grafted.skipped == ()
    new = exif.parse(grafted.block)
    assert exif.differences(block, new, edits) == ()
    assert {address: new.get(address) for address in edits} == edits
    return new


def pointer_at(data: bytes, tag: int, order: str = "<") -> int:
    """Where IFD0's entry of `tag` stands in the block."""
    table = exif.parse(data).ifds["IFD0"]
    return table.offset + 2 + 12 * [e[0] for e in table.entries].index(tag)


def patched(data: bytes, position: int, new: bytes) -> bytes:
    return data[:position] + new + data[position + len(new) :]


def test_a_value_that_fits_is_written_over_the_old_one() -> None:
    data = build(BASE)
    new = graft(data, {CAPTION: "Ada", DATE: "2001:02:03 04:05:06"})
    assert len(new.data) == len(data)
    assert b"OLYMPUS" not in new.data
    assert new.data.index(NOTE) == data.index(NOTE)


def test_a_new_entry_moves_only_its_own_ifd_and_leaves_zeros_behind() -> None:
    data = build(BASE)
    old = exif.parse(data)
    new = graft(data, {OFFSET: "+01:00"})
    assert new.ifds["IFD0"].offset == old.ifds["IFD0"].offset
    assert new.ifds["GPS"].offset == old.ifds["GPS"].offset
    assert new.ifds["ExifIFD"].offset >= len(data) + 32
    assert new.data[len(data) : len(data) + 32] == bytes(32)
    moved = old.ifds["ExifIFD"]
    assert new.data[moved.offset : moved.entries_end + 4] == bytes(moved.entries_end + 4 - moved.offset)
    assert new.data.index(NOTE) == data.index(NOTE)


def test_a_graft_can_be_had_as_splices_of_the_old_bytes() -> None:
    block = exif.parse(build(BASE))
    plan = exif.plan_graft(block, EDITS, room=ROOM)
    assert plan.patch.apply(block.data) == exif.graft(block, EDITS, room=ROOM).block
    assert plan.patch.splices[-1].offset == len(block.data)


def test_entries_are_never_sorted_and_bad_ones_do_not_come_first() -> None:
    bad, late = (0, 0, 0, b"\0" * 4), (0x0100, 3, 1, b"\0" * 4)
    entries = [(0x010F, 2, 1, b"\0" * 4), bad, (0x0112, 3, 1, b"\0" * 4), (0x8769, 4, 1, b"\0" * 4), late, bad]
    assert insertion_index(entries, 0x010E, CLASSIC["<"]) == 0
    assert insertion_index(entries, 0x0110, CLASSIC["<"]) == 1
    assert insertion_index(entries, 0x0132, CLASSIC["<"]) == 3
    assert insertion_index(entries, 0x9999, CLASSIC["<"]) == 4
    assert insertion_index([], 5, CLASSIC["<"]) == 0


def test_a_non_zero_next_pointer_in_exif_ifd_is_kept() -> None:
    new = graft(build(replace(BASE, exif_next=b"\x12\x34\0\0")), {OFFSET: "+01:00"})
    assert new.ifds["ExifIFD"].next == b"\x12\x34\0\0"


@pytest.mark.parametrize(
    "pointer",
    [struct.pack("<HHI", 0x8825, 9, 0), struct.pack("<HHI", 0x8825, 4, 0)],
    ids=["SLONG, count 0", "LONG, count 0"],
)
def test_a_gps_pointer_of_count_0_counts_as_absent_and_is_repaired(pointer: bytes) -> None:
    data = build(BASE)
    new = graft(patched(data, pointer_at(data, 0x8825), pointer), {LATITUDE_REF: "S"})
    assert new.ifds["IFD0"].by_tag[0x8825][1:3] == (4, 1)
    assert len(new.ifds["IFD0"].entries) == 4


def test_an_exif_pointer_typed_as_text_is_followed_and_repaired() -> None:
    data = build(BASE)
    data = patched(data, pointer_at(data, 0x8769), struct.pack("<HHI", 0x8769, 2, 154))
    assert exif.parse(data).get(DATE) == "2000:01:01 00:00:00"
    new = graft(data, {DATE: "2001:02:03 04:05:06"})
    assert new.ifds["IFD0"].by_tag[0x8769][1:3] == (4, 1)
    assert len(new.data) == len(data)


def test_an_exif_pointer_of_type_short_is_followed() -> None:
    data = build(replace(BASE, order=">"))
    offset = exif.parse(data).ifds["ExifIFD"].offset
    short = struct.pack(">HHIHH", 0x8769, 3, 1, offset, 0)
    assert exif.parse(patched(data, pointer_at(data, 0x8769), short)).ifds["ExifIFD"].offset == offset


@pytest.mark.parametrize("target", ["exif", "ifd0", "behind"])
def test_a_gps_pointer_to_another_table_or_to_nowhere_counts_as_absent(target: str) -> None:
    data = build(BASE)
    block = exif.parse(data)
    offsets = {"exif": block.ifds["ExifIFD"].offset, "ifd0": block.ifds["IFD0"].offset, "behind": len(data)}
    data = patched(data, pointer_at(data, 0x8825) + 8, struct.pack("<I", offsets[target]))
    assert "GPS" not in exif.parse(data).ifds
    new = graft(data, {LATITUDE_REF: "S"})
    assert new.get(DATE) == "2000:01:01 00:00:00"
    assert new.ifds["GPS"].offset not in offsets.values()


def test_an_interop_pointer_to_ifd0_finds_an_empty_table_after_ifd0_moved() -> None:
    data = build(replace(BASE, interop=(entry(1, 2, b"R98\0"),)))
    block = exif.parse(data)
    exif_ifd, ifd0 = block.ifds["ExifIFD"], block.ifds["IFD0"]
    place = exif_ifd.offset + 2 + 12 * [e[0] for e in exif_ifd.entries].index(0xA005) + 8
    new = graft(patched(data, place, struct.pack("<I", ifd0.offset)), {RATING: 5})
    assert new.data[ifd0.offset : ifd0.offset + 2] == b"\0\0"


def test_a_shared_value_is_not_overwritten() -> None:
    data = build(replace(BASE, ifd0=(entry(0x0132, 2, b"2000:01:01 00:00:00\0"), entry(0xC801, 2, bytes(20)))))
    ours = exif.parse(data).ifds["IFD0"].by_tag[0x0132][3]
    data = patched(data, pointer_at(data, 0xC801) + 8, ours)
    new = graft(data, {ROWS["IFD0:ModifyDate"]: "2001:02:03 04:05:06"})
    assert new.get(ExifAddress("IFD0", 0xC801, 2)) == "2000:01:01 00:00:00"


def test_of_duplicate_tags_both_get_the_value() -> None:
    twice = (entry(0x010E, 2, b"first caption\0"), entry(0x010E, 2, b"second caption\0"))
    data = build(replace(BASE, ifd0=twice))
    assert exif.parse(data).get(CAPTION) in ("first caption", "second caption")
    new = graft(data, {CAPTION: "A caption longer than both"})
    assert new.data.count(b"A caption longer than both") == 2
    gone = graft(new.data, {CAPTION: None})
    assert b"A caption" not in gone.data


def test_a_missing_exif_ifd_and_an_empty_ifd0_are_filled() -> None:
    new = graft(build(Tree("<")), {DATE: "2001:02:03 04:05:06", LATITUDE_REF: "S"})
    assert [e[0] for e in new.ifds["IFD0"].entries] == [0x8769, 0x8825]


def test_a_sub_ifd_goes_with_its_last_entry() -> None:
    new = graft(build(replace(BASE, gps=(entry(1, 2, b"N\0"),))), {LATITUDE_REF: None})
    assert 0x8825 not in new.ifds["IFD0"].by_tag
    assert graft(new.data, {LATITUDE_REF: "S"}).get(LATITUDE_REF) == "S"


def test_a_removed_value_leaves_no_trace() -> None:
    new = graft(build(BASE), {CAPTION: None})
    assert b"OLYMPUS" not in new.data


def test_setting_and_removing_over_and_over_does_not_grow() -> None:
    data, sizes = build(BASE), []
    for _ in range(20):
        data = graft(data, dict(EDITS)).data
        data = graft(data, dict.fromkeys(EDITS)).data
        sizes.append(len(data))
    assert sizes[-1] == sizes[1]


def test_a_thumbnail_that_runs_past_the_end_does_not_stop_the_tail_from_being_reused() -> None:
    length = struct.pack("<I", 9999)
    data = build(replace(BASE, ifd1=(entry(0x0202, 4, length), entry(0x0201, 4, struct.pack("<I", 60)))))
    first = graft(data, {CAPTION: "x" * 300, COMMENT: "y" * 90}).data
    again = first
    for number in range(10):
        again = graft(again, {CAPTION: "z" * (200 + number), COMMENT: "w" * (80 - number)}).data
    assert len(again) <= len(first)


# ---------------------------------------------------------------- short room


def test_zeros_that_nothing_points_to_are_given_up_only_when_needed() -> None:
    data = build(BASE)
    padded = data + bytes(65000 - len(data))
    assert len(graft(padded, {RATING: 5}, room=ROOM).data) > 65000
    assert len(graft(padded, {RATING: 5}, room=65000).data) < len(data) + 400


def test_zeros_that_a_maker_note_points_to_stay() -> None:
    data = build(BASE)
    size = 8000
    inside = struct.pack("<HHHIIHHIII", 2, 0x0001, 7, 4, 0, 0x0002, 7, 6000, len(data), 0)
    block = data.replace(NOTE, inside.ljust(60, b"\1")) + bytes(size - len(data))
    grafted = exif.graft(exif.parse(block), {RATING: 5, PERCENT: 99}, room=size)
    assert len(grafted.block) <= size
    assert exif.parse(grafted.block).get(RATING) == 5
    assert exif.parse(grafted.block).data[len(data) : len(data) + 6000] == bytes(6000)


def test_without_room_what_fits_in_place_is_written_and_the_rest_named() -> None:
    data = build(BASE)
    grafted = exif.graft(exif.parse(data), {CAPTION: "Ada", RATING: 5, LATITUDE_REF: "S"}, room=len(data))
    new = exif.parse(grafted.block)
    assert grafted.skipped == (RATING,)
    assert (new.get(CAPTION), new.get(RATING), new.get(LATITUDE_REF)) == ("Ada", None, "S")


def test_a_date_is_not_written_without_its_new_offset() -> None:
    data = build(BASE)
    grafted = exif.graft(exif.parse(data), {DATE: "2001:02:03 04:05:06", OFFSET: "+05:00"}, room=len(data))
    assert grafted.skipped == (DATE, OFFSET)
    assert grafted.block == data


def test_a_new_block_without_room_is_no_block() -> None:
    assert exif.graft(None, {RATING: 5}, room=20) == exif.Grafted(b"", (RATING,))


# ---------------------------------------------------------------- the self check


def test_the_self_check_names_a_lost_or_changed_foreign_entry() -> None:
    data = build(BASE)
    changed = exif.parse(data.replace(NOTE, bytes(60)))
    lost = exif.parse(build(replace(BASE, ifd0=BASE.ifd0[:1])))
    assert exif.differences(exif.parse(data), changed, EDITS) == ("ExifIFD:0x927c",)
    assert exif.differences(exif.parse(data), lost, EDITS) == ("IFD0:0x010f",)
    assert exif.differences(lost, exif.parse(data), EDITS) == ("IFD0:0x010f",)


# ---------------------------------------------------------------- maker notes


def minolta(make: bytes, note_start: bytes = b"") -> bytes:
    preview = struct.pack("<HHHIIHHIIHHII", 3, 0x0081, 7, 500, 90000, 0x0088, 4, 1, 90000, 0x0089, 4, 1, 500)
    return build(
        replace(BASE, ifd0=(entry(0x010F, 2, make),), exif=(entry(0x927C, 7, (note_start + preview).ljust(80, b"\0")),))
    )


@pytest.mark.parametrize("make", [b"Minolta Co., Ltd.\0", b"KONICA MINOLTA\0"])
def test_a_minolta_preview_behind_the_block_moves_with_the_file(make: bytes) -> None:
    data = minolta(make)
    shifted = exif.shift_maker_note(exif.parse(data), behind=len(data), growth=1234)
    assert shifted == data.replace(struct.pack("<I", 90000), struct.pack("<I", 91234))
    assert shifted.count(struct.pack("<I", 91234)) == 2
    assert exif.shift_maker_note(exif.parse(shifted), behind=len(data), growth=-1234) == data


def test_pointers_inside_the_block_and_other_makers_notes_stay() -> None:
    data = minolta(b"Minolta\0")
    assert exif.shift_maker_note(exif.parse(data), behind=90001, growth=10) == data
    for other in (minolta(b"Nikon\0"), minolta(b"Minolta\0", b"CAMER\0"), build(BASE)):
        assert exif.shift_maker_note(exif.parse(other), behind=0, growth=10) == other


def test_an_empty_preview_ifd_behind_a_nikon_note_is_not_overwritten() -> None:
    head = b"Nikon\0\x02\0\0\0II*\0\x08\0\0\0"
    comment = b"ASCII\0\0\0" + bytes(92)

    def made(preview: int) -> bytes:
        table = struct.pack("<HHHIIHHIII", 2, 0x0001, 7, 8, 40, 0x0011, 4, 1, preview, 0)
        note = (head + table).ljust(60, b"\1")
        return build(replace(BASE, exif=(entry(0x927C, 7, note), entry(0x9286, 7, comment))))

    plain = made(0)
    place = plain.index(comment) + 20
    data = made(place - (plain.index(head) + 10))
    new = graft(data, {COMMENT: "Holiday"})
    assert new.data[place : place + 6] == bytes(6)
