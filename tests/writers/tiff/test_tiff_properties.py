"""What holds for every sound file, in all four layouts, and every edit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.containers import tiff
from immich_meta_writers.errors import WriterError
from immich_meta_writers.ifd.ground import MOVABLE
from immich_meta_writers.patch import Patch
from immich_meta_writers.payloads import exif
from immich_meta_writers.source import MemorySource
from immich_meta_writers.tags import TABLE
from tests.writers.exif.tiff_trees import edits
from tests.writers.tiff.tiff_files import IPTC, PHOTOSHOP, XMP, Reader, files

BLOB = st.none() | st.binary(min_size=1, max_size=90).map(lambda tail: b"<" + tail)
RECORDS = st.none() | st.lists(st.binary(max_size=30), min_size=1, max_size=3).map(
    lambda words: b"".join([b"\x1c\x02\x19" + len(word).to_bytes(2, "big") + word for word in words])
)
ROUNDS = st.lists(st.tuples(edits(), BLOB, RECORDS, BLOB), min_size=1, max_size=3)
ASKED = {("page0", tag) for tag in (XMP, IPTC, PHOTOSHOP)}
FOLDERS = {"IFD0": "page0", "ExifIFD": "page0/exif", "GPS": "page0/gps"}


def edited(
    data: bytes,
    wanted: dict[ExifAddress, ExifValue | None],
    xmp: bytes | None,
    iim: bytes | None,
    photoshop: bytes | None,
) -> Patch:
    """One edit of a file, checked as far as the codec can see it."""
    found = tiff.read(MemorySource(data))
    block = exif.parse(found.payloads.tiff)
    grafted = exif.graft(block, wanted, room=found.room.exif)
    new = exif.parse(grafted.view)
    assert grafted.skipped == ()
    assert exif.differences(block, new, wanted) == ()
    assert {address: new.get(address) for address in wanted} == wanted
    payloads = replace(found.payloads, tiff=grafted.view, xmp=xmp, iim=iim, photoshop=photoshop)
    return tiff.patch(found, payloads)


@settings(deadline=None, max_examples=60)
@given(files(), ROUNDS)
def test_every_foreign_value_and_every_pixel_survives_and_every_value_reads_back(data: bytes, rounds: list) -> None:
    for wanted, xmp, iim, photoshop in rounds:
        patch = edited(data, wanted, xmp, iim, photoshop)
        made = patch.apply(data)
        asked = ASKED | {(FOLDERS[address.ifd], address.tag) for address in wanted}
        before, after = Reader(data), Reader(made)
        assert before.parts == after.parts
        old, new = before.foreign(asked), after.foreign(asked)
        # A table appears with its first entry, and goes with its last.
        for name in ("page0/exif", "page0/gps"):
            assert new.pop(name, []) == old.pop(name, [])
        assert new == old
        assert [before.offsets[name] for name in old if name != "page0"] == [
            after.offsets[name] for name in old if name != "page0"
        ]
        again = tiff.read(MemorySource(made)).payloads
        assert (again.xmp, again.photoshop, again.iim) == (xmp, photoshop, iim)
        assert patch.invert(lambda offset, length, old=data: old[offset : offset + length]).apply(made) == data
        data = made


@settings(deadline=None, max_examples=30)
@given(files(), ROUNDS)
def test_the_same_edit_again_changes_no_byte(data: bytes, rounds: list) -> None:
    wanted, xmp, iim, photoshop = rounds[0]
    once = edited(data, wanted, xmp, iim, photoshop).apply(data)
    assert edited(once, wanted, xmp, iim, photoshop).splices == ()


@settings(deadline=None, max_examples=5)
@given(files(), st.randoms(use_true_random=False))
def test_a_hundred_edits_do_not_grow_the_file(data: bytes, chance: st.random.Random) -> None:
    caption = ExifAddress("IFD0", 0x010E, 2)
    records = b"\x1c\x02\x19\x00\x40" + b"k" * 64
    # The first gives the tables their places, the second lays them out.
    for _ in range(2):
        data = edited(data, {caption: "x" * 300}, b"<" * 900, records * 4, b"8BIM" * 30).apply(data)
    largest = len(data)
    for number in range(100):
        wanted: dict[ExifAddress, ExifValue | None] = {caption: "x" * chance.randrange(300) if number % 7 else None}
        xmp = b"<" * chance.randrange(1, 900) if number % 5 else None
        iim = records * chance.randrange(1, 4) if number % 3 else None
        data = edited(data, wanted, xmp, iim, b"8BIM" * chance.randrange(1, 30)).apply(data)
        assert len(data) <= largest


@settings(deadline=None, max_examples=80)
@given(files(), st.data())
def test_damage_anywhere_raises_nothing_but_our_errors(data: bytes, draw: st.DataObject) -> None:
    broken = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        broken[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.sampled_from((0, 1, 2, 0x7F, 0xFF)))
    broken = broken[: draw.draw(st.integers(0, len(data)))] if draw.draw(st.booleans()) else broken
    whole = bytes(broken)
    try:
        found = tiff.read(MemorySource(whole))
        tiff.check_whole(MemorySource(whole), found)
        block = exif.parse(found.payloads.tiff)
        grafted = exif.graft(block, {ExifAddress("IFD0", 0x010E, 2): "caption"}, room=found.room.exif)
        exif.differences(block, exif.parse(grafted.view), ())
        patch = tiff.patch(found, replace(found.payloads, tiff=grafted.view, xmp=b"<a/>" * 9))
    except WriterError:
        return
    made = patch.apply(whole)
    assert tiff.read(MemorySource(made)).payloads.xmp == b"<a/>" * 9
    assert patch.invert(lambda offset, length: whole[offset : offset + length]).apply(made) == whole


def test_the_editor_knows_every_value_that_the_contract_writes() -> None:
    ours = {(tag.address.ifd, tag.address.tag) for tag in TABLE if isinstance(tag.address, ExifAddress)}
    assert ours <= MOVABLE
