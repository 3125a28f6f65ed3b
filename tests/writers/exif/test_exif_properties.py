"""What holds for every block and every edit. Not here: single misbehaviours of real cameras."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.errors import ExifError
from immich_meta_writers.payloads import exif
from tests.writers.exif.tiff_trees import EDITS, ROOM, ROWS, Tree, build, edits, entry, trees

CAPTION, COMMENT = ROWS["IFD0:ImageDescription"], ROWS["ExifIFD:UserComment"]


def full_block(order: str) -> bytes:
    """Every table, foreign values, a maker note, a thumbnail."""
    return build(
        Tree(
            order,
            ifd0=(entry(0x010F, 2, b"Maker\0"), entry(0x010E, 2, b"OLYMPUS\0"), entry(0xC801, 7, b"abcdef")),
            exif=(entry(0x927C, 7, bytes(range(60))), entry(0x9003, 2, b"2000:01:01 00:00:00\0")),
            gps=(entry(1, 2, b"N\0"), entry(7, 5, bytes(range(24)))),
            interop=(entry(1, 2, b"R98\0"),),
            ifd1=(entry(0x0103, 3, b"\0\6" if order == ">" else b"\6\0"),),
            thumbnail=b"\xff\xd8thumbnail\xff\xd9",
            seed=3,
        )
    )


@settings(deadline=None, max_examples=40)
@given(trees(), st.lists(edits(), min_size=1, max_size=3))
def test_every_foreign_entry_survives_and_every_value_reads_back(
    tree: Tree, rounds: list[dict[ExifAddress, ExifValue | None]]
) -> None:
    block = exif.parse(build(tree))
    for wanted in rounds:
        grafted = exif.graft(block, wanted, room=ROOM)
        new = exif.parse(grafted.block)
        assert grafted.skipped == ()
        assert exif.differences(block, new, wanted) == ()
        assert {address: new.get(address) for address in wanted} == wanted
        assert new.order == block.order
        block = new


@settings(deadline=None, max_examples=30)
@given(trees(), edits())
def test_the_same_edit_again_changes_no_byte(tree: Tree, wanted: dict[ExifAddress, ExifValue | None]) -> None:
    once = exif.graft(exif.parse(build(tree)), wanted, room=ROOM).block
    assert exif.graft(exif.parse(once), wanted, room=ROOM).block == once


@settings(deadline=None, max_examples=6)
@given(trees(), st.integers(0, 2**32))
def test_a_hundred_edits_do_not_grow_the_block(tree: Tree, seed: int) -> None:
    chance = random.Random(seed)
    largest: dict[ExifAddress, ExifValue | None] = {**EDITS, CAPTION: "x" * 300, COMMENT: "y" * 200}
    block = exif.parse(exif.graft(exif.parse(build(tree)), largest, room=ROOM).block)
    first = len(block.data)
    for number in range(100):
        wanted: dict[ExifAddress, ExifValue | None] = {
            CAPTION: "x" * chance.randrange(300) if number % 7 else None,
            COMMENT: "y" * chance.randrange(200),
            ROWS["IFD0:Rating"]: number % 6 if number % 5 else None,
            ROWS["ExifIFD:DateTimeOriginal"]: f"2001:02:03 04:05:{number % 60:02d}",
        }
        block = exif.parse(exif.graft(block, wanted, room=ROOM).block)
    assert len(block.data) <= first


@settings(deadline=None, max_examples=40)
@given(edits())
def test_a_new_block_holds_what_was_asked_and_nothing_else(
    wanted: dict[ExifAddress, ExifValue | None],
) -> None:
    data = exif.graft(None, wanted, room=ROOM).block
    if not any(value is not None for value in wanted.values()):
        assert data == b""
        return
    block = exif.parse(data)
    assert block.order == ">"
    assert {address: block.get(address) for address in wanted} == wanted
    assert block.foreign(wanted) == ()


@settings(deadline=None, max_examples=30)
@given(trees(), edits(), st.integers(0, 900))
def test_short_room_is_never_exceeded_and_what_does_not_fit_is_named(
    tree: Tree, wanted: dict[ExifAddress, ExifValue | None], extra: int
) -> None:
    block = exif.parse(build(tree))
    room = len(block.data) + extra
    grafted = exif.graft(block, wanted, room=room)
    new = exif.parse(grafted.block)
    assert len(grafted.block) <= room
    assert exif.differences(block, new, wanted) == ()
    for address, value in wanted.items():
        assert new.get(address) == (block.get(address) if address in grafted.skipped else value)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_block_cut_at_any_byte_is_refused_by_name_or_grafted(order: str) -> None:
    whole = full_block(order)
    refused = 0
    for length in range(len(whole)):
        try:
            block = exif.parse(whole[:length])
        except ExifError as error:
            refused += error.place.startswith("EXIF offset")
            continue
        _graft_and_check(block)
    assert 8 <= refused < len(whole)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_block_with_any_byte_flipped_is_refused_by_name_or_grafted(order: str) -> None:
    whole = full_block(order)
    for position in range(len(whole)):
        for flip in (0xFF, 0x01):
            broken = bytearray(whole)
            broken[position] ^= flip
            with suppress(ExifError):
                _graft_and_check(exif.parse(bytes(broken)))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from((b"II*\0", b"MM\0*")), st.binary(max_size=200))
@example(b"II*\0", b"\x08\0\0\0" + b"\xff" * 200)
def test_noise_behind_a_header_is_refused_by_name_or_grafted(header: bytes, noise: bytes) -> None:
    with suppress(ExifError):
        _graft_and_check(exif.parse(header + noise))


def _graft_and_check(block: exif.ExifBlock) -> None:
    for address in ROWS.values():
        block.get(address)
    assert 1 <= block.orientation <= 8
    grafted = exif.graft(block, EDITS, room=ROOM)
    new = exif.parse(grafted.block)
    assert {address: new.get(address) for address in EDITS} == EDITS
    assert exif.shift_maker_note(new, behind=len(block.data), growth=2)
    emptied = exif.graft(new, dict.fromkeys(EDITS), room=ROOM)
    assert all(exif.parse(emptied.block).get(address) is None for address in EDITS)
