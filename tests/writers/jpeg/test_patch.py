"""What the JPEG container changes, and that nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.containers import Payloads, jpeg
from immich_meta_writers.containers.jpeg_pointers import Pointer, follow
from immich_meta_writers.errors import NoRoomError, WriterError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.source import MemorySource
from tests.writers.jpeg import shapes
from tests.writers.jpeg.shapes import ADOBE, COMMENT, FRAME, ICC, JFIF, PACKET, TABLE, TIFF

SECOND = b"\xff\xd8 the second image \xff\xd9"


def read(data: bytes) -> jpeg.JpegFile:
    return jpeg.read(MemorySource(data))


def changed(data: bytes, **payloads: object) -> bytes:
    found = read(data)
    return jpeg.patch(found, replace(found.payloads, **payloads)).apply(data)  # type: ignore[arg-type]


def bodies(data: bytes) -> list[bytes]:
    return [data[segment.body : segment.end] for segment in read(data).segments]


def test_the_same_payloads_change_nothing() -> None:
    found = read(
        shapes.jpeg(JFIF, shapes.exif(), shapes.xmp(), shapes.photoshop(b"8BIM"), *shapes.extension(PACKET, 9))
    )
    assert jpeg.patch(found, found.payloads) == Patch(found.size)


def test_a_changed_payload_is_replaced_where_it_stands() -> None:
    data = shapes.jpeg(JFIF, shapes.exif(), ICC, shapes.xmp(), ADOBE, trailer=b"movie")
    made = changed(data, xmp=b"<longer than it was before, by far/>" * 9)
    assert made == data.replace(shapes.xmp(), shapes.xmp(b"<longer than it was before, by far/>" * 9))


def test_a_payload_of_equal_size_touches_only_the_bytes_that_differ() -> None:
    found = read(shapes.jpeg(JFIF, shapes.xmp(b"<a>" + b" " * 900 + b"1 </a>")))
    patch = jpeg.patch(found, replace(found.payloads, xmp=b"<a>" + b" " * 900 + b"2 </a>"))
    assert [(splice.length, splice.data) for splice in patch.splices] == [(1, b"2")]


def test_fill_bytes_and_stray_bytes_stay_with_their_segments() -> None:
    data = shapes.jpeg(b"\xff\xff", shapes.exif(), b"?>\xff\xff\xff", shapes.xmp(b"<a/>"), b"stray", COMMENT)
    made = changed(data, exif=TIFF + b"+", xmp=b"<b/>")
    expected = shapes.jpeg(
        b"\xff\xff", shapes.exif(TIFF + b"+"), b"?>\xff\xff\xff", shapes.xmp(b"<b/>"), b"stray", COMMENT
    )
    assert made == expected


def test_new_payloads_go_behind_app0_in_the_order_exif_xmp_app13() -> None:
    made = changed(shapes.jpeg(JFIF, JFIF, ICC, ADOBE, FRAME), exif=TIFF, xmp=PACKET, photoshop=b"8BIM")
    expected = [JFIF, JFIF, shapes.exif(), shapes.xmp(), shapes.photoshop(b"8BIM"), ICC, ADOBE, FRAME]
    assert made == shapes.jpeg(*expected)


def test_without_app0_new_payloads_come_first() -> None:
    assert changed(shapes.jpeg(ADOBE, TABLE), exif=TIFF) == shapes.jpeg(shapes.exif(), ADOBE, TABLE)


def test_segments_in_front_of_app0_stay_there() -> None:
    assert changed(shapes.jpeg(ADOBE, JFIF, ICC), exif=TIFF) == shapes.jpeg(ADOBE, JFIF, shapes.exif(), ICC)


def test_new_payloads_follow_those_that_are_there() -> None:
    data = shapes.jpeg(JFIF, COMMENT, shapes.exif(), ICC)
    made = changed(data, xmp=PACKET, photoshop=b"8BIM")
    assert made == shapes.jpeg(JFIF, COMMENT, shapes.exif(), shapes.xmp(), shapes.photoshop(b"8BIM"), ICC)
    data = shapes.jpeg(shapes.exif(), ICC, shapes.xmp(), *shapes.extension(PACKET, 20), COMMENT)
    made = changed(data, photoshop=b"8BIM")
    behind = [shapes.xmp(), *shapes.extension(PACKET, 20), shapes.photoshop(b"8BIM"), COMMENT]
    assert made == shapes.jpeg(shapes.exif(), ICC, *behind)


def test_a_removed_payload_takes_its_segments_and_nothing_else() -> None:
    data = shapes.jpeg(
        JFIF, shapes.exif(), b"\xff", shapes.photoshop(b"8B"), ICC, shapes.xmp(), shapes.photoshop(b"IM")
    )
    assert changed(data, exif=None, xmp=None, photoshop=None) == shapes.jpeg(JFIF, ICC)


def test_a_second_exif_segment_is_left_as_it_is() -> None:
    data = shapes.jpeg(shapes.exif(), COMMENT, shapes.exif(TIFF + b"other"))
    assert changed(data, exif=TIFF + b"new") == data.replace(shapes.exif(), shapes.exif(TIFF + b"new"), 1)


def test_an_odd_exif_header_is_kept() -> None:
    data = shapes.jpeg(shapes.segment(0xE1, b"Exif\0\xff" + TIFF))
    assert changed(data, exif=TIFF + b"new") == shapes.jpeg(shapes.segment(0xE1, b"Exif\0\xff" + TIFF + b"new"))


def test_split_resources_are_joined_into_the_first_segment() -> None:
    data = shapes.jpeg(JFIF, shapes.photoshop(b"8BIM"), ICC, shapes.photoshop(b"rest"), COMMENT)
    assert changed(data, photoshop=b"8BIMnew") == shapes.jpeg(JFIF, shapes.photoshop(b"8BIMnew"), ICC, COMMENT)


def test_resources_that_outgrow_a_segment_are_split_again() -> None:
    blob = bytes(range(256)) * 700
    made = changed(shapes.jpeg(JFIF, shapes.photoshop(b"8BIM"), COMMENT), photoshop=blob)
    room = 65533 - 14
    parts = [shapes.photoshop(blob[at : at + room]) for at in range(0, len(blob), room)]
    assert made == shapes.jpeg(JFIF, *parts, COMMENT)
    assert read(made).payloads.photoshop == blob


def test_a_photoshop_25_header_is_kept() -> None:
    name = b"Adobe_Photoshop2.5:\0\0\0\0\0\0\0\x01"
    made = changed(shapes.jpeg(shapes.photoshop(b"8BIM", name)), photoshop=b"8BIMnew")
    assert made == shapes.jpeg(shapes.photoshop(b"8BIMnew", name))


def test_an_exif_block_over_several_segments_may_grow() -> None:
    block = TIFF + bytes(range(256)) * 400
    room = jpeg.ROOM.exif
    data = shapes.jpeg(shapes.exif(block[:room]), shapes.exif(block[room:]), ICC)
    grown = block + bytes(60000)
    made = changed(data, exif=grown)
    assert read(made).payloads.exif == grown
    assert bodies(made)[-1] == bodies(data)[-1]


@pytest.mark.parametrize(("name", "first"), [("exif", TIFF), ("xmp", b"<a>")])
def test_a_payload_that_fits_exactly_is_taken_and_one_byte_more_refused(name: str, first: bytes) -> None:
    room = getattr(jpeg.ROOM, name)
    payload = first + bytes(room - len(first))
    made = changed(shapes.jpeg(JFIF), **{name: payload})
    assert getattr(read(made).payloads, name) == payload
    with pytest.raises(NoRoomError, match="(?i)" + name):
        changed(shapes.jpeg(JFIF), **{name: payload + b"!"})


def test_other_payloads_that_no_photo_needs_are_refused() -> None:
    with pytest.raises(NoRoomError, match="Photoshop"):
        changed(shapes.jpeg(JFIF), photoshop=bytes((32 << 20) + 1))
    with pytest.raises(NoRoomError, match="extended XMP"):
        changed(shapes.jpeg(JFIF), xmp_extensions={"0" * 32: bytes((32 << 20) + 1)})


def test_extended_xmp_that_does_not_change_is_not_touched() -> None:
    data = shapes.jpeg(shapes.xmp(), *shapes.extension(PACKET, 20), COMMENT)
    assert changed(data, xmp=b"<b/>") == data.replace(shapes.xmp(), shapes.xmp(b"<b/>"))


def test_a_changed_extension_is_written_right_behind_the_main_packet() -> None:
    old, other, new = b"<old/>" * 9, b"<other/>" * 9, b"<new/>" * 30000
    one, two, three = shapes.extension(old, 20)
    data = shapes.jpeg(shapes.xmp(b"<a/>"), *shapes.extension(other, 30), two, one, ICC, three)
    extensions = {shapes.guid_of(other): other, shapes.guid_of(new): new}
    made = changed(data, xmp=b"<main/>", xmp_extensions=extensions)
    chunks = shapes.extension(new, 65400)
    assert made == shapes.jpeg(shapes.xmp(b"<main/>"), *chunks, *shapes.extension(other, 30), ICC)
    assert read(made).payloads.xmp_extensions == extensions


def test_a_first_packet_and_its_extension_are_written_together() -> None:
    made = changed(shapes.jpeg(JFIF, ICC), xmp=b"<main/>", xmp_extensions={shapes.guid_of(PACKET): PACKET})
    assert made == shapes.jpeg(JFIF, shapes.xmp(b"<main/>"), *shapes.extension(PACKET, 65400), ICC)


def test_a_name_that_is_no_guid_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError):
        changed(shapes.jpeg(JFIF), xmp_extensions={"no guid": b"<a/>"})


def test_an_incomplete_extension_stays() -> None:
    part = shapes.chunk(PACKET, 0, PACKET[:9])
    assert changed(shapes.jpeg(shapes.xmp(), part), xmp=b"<b/>") == shapes.jpeg(shapes.xmp(b"<b/>"), part)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("before", [b"", JFIF, JFIF + shapes.exif()])
def test_new_payloads_go_in_front_of_an_mpf(order: str, before: bytes) -> None:
    data = shapes.with_mpf(order, before, ICC, SECOND)
    made = changed(data, exif=TIFF + b"new", xmp=PACKET, photoshop=b"8BIM")
    kinds = [segment.kind.value for segment in read(made).segments if segment.kind.value not in ("APP0", "other")]
    assert kinds == ["Exif", "XMP", "Photoshop", "MPF"]
    assert shapes.second_image(made, order) == SECOND
    assert made.endswith(SECOND)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_payload_behind_an_mpf_that_grows_moves_its_offsets(order: str) -> None:
    behind = shapes.exif() + shapes.xmp() + shapes.photoshop(b"8BIM") + shapes.extension(PACKET, 99)[0]
    data = shapes.with_mpf(order, JFIF, behind, SECOND)
    new = {
        "exif": TIFF + bytes(50),
        "xmp": PACKET * 40,
        "photoshop": b"",
        "xmp_extensions": {"A" * 32: PACKET * 2},
    }
    for name, payload in new.items():
        made = changed(data, **{name: payload})
        assert made != data
        assert shapes.second_image(made, order) == SECOND
    assert shapes.second_image(changed(data, **new), order) == SECOND


def test_payloads_missing_behind_an_mpf_are_made_in_front_of_it() -> None:
    data = shapes.with_mpf("<", JFIF, shapes.exif() + shapes.xmp(), SECOND)
    made = changed(data, photoshop=b"8BIM", exif=TIFF + b"new")
    assert made.index(b"8BIM") < made.index(b"MPF\0")
    assert shapes.second_image(made, "<") == SECOND


@pytest.mark.parametrize("cut", range(0, 90, 3))
def test_a_broken_mpf_is_left_as_it_is(cut: int) -> None:
    whole = shapes.mpf("<", 500, 20)[4:]
    broken = shapes.segment(0xE2, whole[: max(4, cut)])
    data = shapes.jpeg(broken, shapes.xmp(), trailer=SECOND)
    made = changed(data, xmp=PACKET * 2)
    assert broken in made


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "behind", [b"", b"\0\x01\0\0\0\x0a\xa1\xb2\xc3\xd4", b"another trailer" + bytes(300) + b"SEFT"]
)
def test_the_absolute_offsets_of_an_afcp_trailer_are_moved(order: str, behind: bytes) -> None:
    data = shapes.afcp(shapes.jpeg(JFIF, shapes.exif()), order, b"the value") + behind
    made = changed(data, exif=TIFF + bytes(77), xmp=PACKET)
    assert len(made) > len(data)
    assert shapes.afcp_value(made, order, len(made) - len(behind)) == b"the value"
    grown = Patch(len(data), (Splice(2, 0, b"more"),))
    assert "AFCP" in str(read(data).drawback(grown))
    assert read(data).drawback(Patch(len(data), (Splice(2, 4, b"same"),))) is None
    assert read(shapes.jpeg(JFIF, shapes.exif())).drawback(grown) is None


@pytest.mark.parametrize(
    "trailer",
    [
        b"AXS!" + bytes(8),
        b"AXS*\xff\xff\xff\xff" + bytes(4),
        b"\xa1\xb2\xc3\xd4",
        bytes(6) + b"\xa1\xb2\xc3\xd4",
    ],
)
def test_a_trailer_whose_offset_leads_nowhere_stays(trailer: bytes) -> None:
    assert changed(shapes.jpeg(JFIF, trailer=trailer), xmp=PACKET) == shapes.jpeg(JFIF, shapes.xmp(), trailer=trailer)


def test_a_trailer_that_is_addressed_from_the_end_stays() -> None:
    trailer = b"movie bytes" + b"SEFH" + bytes(20) + b"SEFT"
    assert changed(shapes.jpeg(JFIF, trailer=trailer), xmp=PACKET).endswith(shapes.EOI + trailer)


def test_growth_and_shift_say_how_far_the_bytes_move() -> None:
    data = shapes.jpeg(shapes.exif(), shapes.xmp(b"<a/>"), trailer=b"preview")
    found = read(data)
    patch = jpeg.patch(found, replace(found.payloads, xmp=b"<longer/>"))
    assert jpeg.growth(patch) == 5
    assert found.exif_at is not None
    assert jpeg.shift(patch, found.exif_at) == 0
    assert jpeg.shift(patch, data.index(b"preview")) == 5


def test_an_offset_that_outgrows_32_bits_is_refused_by_name() -> None:
    patch = Patch(2**33, (Splice(10, 0, b"new"),))
    near = Pointer(20, "big", 15, 2**32)
    assert follow([near], patch) == ()
    with pytest.raises(NoRoomError, match="offset 20"):
        follow([Pointer(20, "big", 0, 2**32 - 2)], patch)


SEGMENTS = st.lists(
    st.one_of(
        st.sampled_from([JFIF, ADOBE, COMMENT, ICC, TABLE, FRAME, b"\xff", b"\xff\xd1", shapes.c2pa()]),
        st.binary(max_size=40).map(lambda tail: shapes.exif(TIFF + tail)),
        st.binary(max_size=40).map(lambda tail: shapes.xmp(b"<" + tail)),
        st.binary(max_size=40).map(shapes.photoshop),
        st.binary(min_size=1, max_size=90).map(lambda packet: b"".join(shapes.extension(packet, 40))),
    ),
    max_size=12,
)
BLOCK = st.none() | st.binary(max_size=60).map(lambda tail: TIFF + tail)
BLOB = st.none() | st.binary(min_size=1, max_size=60)


@given(SEGMENTS, BLOCK, BLOB, BLOB, st.dictionaries(st.sampled_from(["A" * 32, "b" * 32]), st.binary(min_size=1)))
def test_any_edit_of_any_sequence_of_segments_reads_back_and_can_be_undone(
    segments: list[bytes],
    exif: Optional[bytes],
    xmp: Optional[bytes],
    photoshop: Optional[bytes],
    extensions: dict[str, bytes],
) -> None:
    data = shapes.jpeg(*segments, trailer=b"the trailer")
    found = read(data)
    wanted = Payloads(exif, b"<" + xmp if xmp else None, photoshop, extensions)
    # What is removed uncovers the second of two: such files keep it, as the notes say.
    ours = {segment for group in (found.exif, found.xmp) for segment in group}
    if any(s.kind.value in ("Exif", "XMP") and s not in ours for s in found.segments):
        wanted = replace(wanted, exif=found.payloads.exif, xmp=found.payloads.xmp)
    patch = jpeg.patch(found, wanted)
    made = patch.apply(data)
    again = read(made)
    # A Photoshop segment without a resource is as good as none, and stays.
    assert replace(again.payloads, photoshop=again.payloads.photoshop or None) == wanted
    assert jpeg.patch(again, wanted).splices == ()
    assert made[again.scan :] == data[found.scan :]
    foreign = [data[s.start : s.end] for s in found.segments if s.kind.value in ("APP0", "other", "C2PA")]
    kept = [made[s.start : s.end] for s in again.segments if s.kind.value in ("APP0", "other", "C2PA")]
    assert [part.lstrip(b"\xff") for part in kept] == [part.lstrip(b"\xff") for part in foreign]
    undo = patch.invert(lambda offset, length: data[offset : offset + length])
    assert undo.apply(made) == data


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=9))
def test_damage_anywhere_raises_nothing_but_our_errors(tail: bytes, at: int, noise: bytes) -> None:
    data = shapes.afcp(shapes.with_mpf("<", JFIF + shapes.exif(), shapes.xmp() + tail, SECOND), ">", b"value")
    data = data[:at] + noise + data[at + len(noise) :]
    try:
        found = read(data)
        patch = jpeg.patch(found, replace(found.payloads, xmp=PACKET + b"  ", photoshop=b"8BIM"))
    except WriterError:
        return
    assert patch.invert(lambda offset, length: data[offset : offset + length]).apply(patch.apply(data)) == data


MEDIA = Path(__file__).resolve().parents[3].parent / "shared" / "media"


@pytest.mark.skipif(not MEDIA.is_dir(), reason="the shared corpora are not beside the project")
def test_every_photo_of_the_corpora_takes_every_payload_and_gives_it_back() -> None:
    paths = [path for path in sorted(MEDIA.rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg")]
    assert paths
    for path in paths:
        data = path.read_bytes()
        found = read(data)
        jpeg.check_whole(MemorySource(data), found)
        wanted = replace(found.payloads, xmp=PACKET * 30, photoshop=b"8BIM" + bytes(70000))
        patch = jpeg.patch(found, wanted)
        made = patch.apply(data)
        again = read(made)
        assert again.payloads == wanted, path
        assert made[again.scan :] == data[found.scan :], path
        assert patch.invert(MemorySource(data).read_at).apply(made) == data
