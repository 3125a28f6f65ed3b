"""What the HEIF container changes, and that every other item's bytes stay where `iloc` leads."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.exiftool import ExifTool
from immich_meta_writers.containers import Payloads, heif
from immich_meta_writers.containers.heif_items import unused_id
from immich_meta_writers.errors import NoRoomError, UnsupportedError
from immich_meta_writers.patch import Patch
from tests.writers.heif.conftest import Coded
from tests.writers.heif.edits import changed, read
from tests.writers.heif.pictures import (
    PACKET,
    PREFIX,
    TIFF,
    Picture,
    box,
    decode_positions,
    exif_item,
    full,
    image,
    inside,
    items_of,
    kinds,
    movie,
    plain,
    references_of,
    types_of,
    walk,
    xmp_item,
)

LONG = PACKET.replace(b"blue", b"blue" * 500)
LONGER = PACKET.replace(b"blue", b"blue" * 900)
SHORT = PACKET.replace(b"blue", b"b")
VIDEO = box(b"mpvd", b"a whole movie, found from both ends")
SEFD = box(b"sefd", b"SEFH...SEFT")


def test_the_same_payloads_change_nothing() -> None:
    found = read(plain(exif_item(2), xmp_item(3)).encode())
    assert heif.patch(found, found.payloads) == Patch(found.size)


def test_a_payload_of_equal_size_touches_only_the_bytes_that_differ() -> None:
    found = read(plain(xmp_item(2), exif_item(3)).encode())
    patch = heif.patch(found, replace(found.payloads, xmp=PACKET.replace(b"blue", b"blur")))
    assert [(splice.length, splice.data) for splice in patch.splices] == [(1, b"r")]


def test_a_shorter_payload_stays_in_its_place() -> None:
    data = plain(xmp_item(2), image(3)).encode()
    made = changed(data, xmp=SHORT)
    assert len(made) == len(data)
    assert sum(one != other for one, other in zip(data, made)) < 80


@pytest.mark.parametrize(("home", "version"), [("mdat", 0), ("mdat", 1), ("mdat", 2), ("idat", 1), ("idat", 2)])
@pytest.mark.parametrize("sizes", [(4, 4, 0, 0), (4, 4, 4, 4), (8, 8, 8, 8), (0, 4, 4, 0), (0, 8, 8, 4)])
@pytest.mark.parametrize("order", [("meta", "mdat"), ("moov", "mdat", "meta", "uuid")])
def test_every_form_of_item_locations(
    home: str, version: int, sizes: tuple[int, int, int, int], order: tuple[str, ...]
) -> None:
    picture = Picture(
        (image(1, with_base=True), xmp_item(2, home=home, with_base=True), image(3, home=home), exif_item(4)),
        version=version,
        sizes=sizes,
        order=order,
        extra={"moov": movie([99]), "uuid": box(b"uuid", bytes(16))},
    )
    changed(picture.encode(), xmp=SHORT)
    made = changed(picture.encode(), xmp=LONG)
    changed(made, exif=TIFF + bytes(300), xmp=LONGER)
    changed(changed(made, exif=None), xmp=None)


def test_a_longer_payload_goes_into_an_mdat_at_the_end() -> None:
    data = plain(xmp_item(2), image(3)).encode()
    made = changed(data, xmp=LONG)
    assert kinds(made) == [b"ftyp", b"meta", b"mdat", b"mdat"]
    assert made.endswith(box(b"mdat", LONG))
    assert len(made) == len(data) + 8 + len(LONG)


def test_the_end_of_the_file_is_written_anew() -> None:
    data = plain(image(3), exif_item(4), xmp_item(2)).encode()
    made = changed(data, xmp=LONG)
    assert kinds(made) == [b"ftyp", b"meta", b"mdat"]
    assert len(made) == len(data) + len(LONG) - len(PACKET)
    assert len(changed(made, xmp=SHORT)) == len(data) + len(SHORT) - len(PACKET)


def test_a_hundred_edits_leave_no_dead_payloads() -> None:
    data = plain(xmp_item(2), exif_item(3), image(4)).encode()
    for number in range(100):
        packet = PACKET.replace(b"blue", b"x" * (7 * number % 2000))
        data = changed(data, xmp=packet, exif=TIFF + bytes(13 * number % 900))
    assert len(data) < len(plain(xmp_item(2), exif_item(3), image(4)).encode()) + 2000 + 900 + 200


def test_free_space_is_used_and_used_again() -> None:
    free = box(b"free", bytes(5000))
    data = plain(xmp_item(2), image(3), order=("meta", "free", "mdat"), extra={"free": free}).encode()
    made = changed(data, xmp=LONG)
    assert len(made) == len(data)
    assert kinds(made) == [b"ftyp", b"meta", b"mdat", b"free", b"mdat"]
    again = changed(made, xmp=LONGER)
    assert len(again) == len(data)
    assert kinds(changed(again, xmp=LONGER * 9)) == [b"ftyp", b"meta", b"free", b"mdat", b"mdat"]


@pytest.mark.parametrize("spare", range(17))
def test_free_space_that_fits_almost(spare: int) -> None:
    free = box(b"free", bytes(len(LONG) + spare))
    data = plain(xmp_item(2), image(9), order=("meta", "mdat", "free"), extra={"free": free}).encode()
    made = changed(data, xmp=LONG)
    assert len(made) == len(data)
    for packet in (SHORT, LONG[:-1], LONG, LONGER, None):
        changed(made, xmp=packet)


def test_free_space_that_an_item_lies_in_is_not_used() -> None:
    # The mdat of this file calls itself free.
    data = plain(xmp_item(2), image(3, bytes(4000))).encode().replace(b"mdat", b"free")
    changed(data, xmp=LONG)


def test_a_new_item_is_linked_to_the_primary_image() -> None:
    made = changed(Picture((image(4), image(9)), primary=9).encode(), exif=TIFF, xmp=PACKET)
    assert references_of(made) == {(b"cdsc", 10, (9,)), (b"cdsc", 11, (9,))}
    assert [types_of(made)[item] for item in (10, 11)] == [b"Exif", b"mime"]
    assert items_of(made)[10] == PREFIX + TIFF
    assert kinds(made) == [b"ftyp", b"meta", b"mdat", b"mdat"]


def test_in_avif_nothing_stands_between_the_distance_and_the_block() -> None:
    made = changed(plain(brands=b"avif\0\0\0\0mif1").encode(), exif=TIFF)
    assert items_of(made)[2] == bytes(4) + TIFF


def test_new_items_take_the_space_that_meta_has_to_spare() -> None:
    data = plain(in_meta=(box(b"free", bytes(400)),), order=("meta", "mdat")).encode()
    made = changed(data, xmp=PACKET)
    assert made[: data.index(b"mdat")].count(b"free") == 1
    assert made.index(b"mdat") == data.index(b"mdat")


def test_meta_grows_into_free_space_behind_it() -> None:
    extra = {"free": box(b"free", bytes(400)), "mpvd": VIDEO}
    data = plain(order=("mdat", "meta", "free", "mpvd"), extra=extra).encode()
    made = changed(data, exif=TIFF, xmp=SHORT[:100])
    assert len(made) == len(data)
    assert made.endswith(VIDEO)


def test_a_removed_item_is_gone_from_every_table_and_comes_back_in_its_space() -> None:
    data = plain(exif_item(2), xmp_item(3), image(4)).encode()
    bare = changed(data, exif=None, xmp=None)
    assert types_of(bare).keys() == items_of(bare).keys() == {1, 4}
    assert references_of(bare) == set()
    assert len(bare) == len(data)
    made = changed(bare, exif=TIFF, xmp=PACKET)
    assert inside(made, b"meta") == inside(data, b"meta")


def test_what_describes_another_image_stays() -> None:
    data = Picture((image(1), image(2), exif_item(3, to=(2,)), xmp_item(4, to=(2,)))).encode()
    made = changed(data, exif=TIFF + b"ours", xmp=LONG)
    assert references_of(made) == {(b"cdsc", 3, (2,)), (b"cdsc", 4, (2,)), (b"cdsc", 5, (1,)), (b"cdsc", 6, (1,))}


@pytest.mark.parametrize("primary", [1, 70000])
def test_wide_ids(primary: int) -> None:
    items = (image(primary), image(90000), xmp_item(80000, to=(primary,)))
    data = Picture(items, primary=primary, version=2, wide_count=True).encode()
    made = changed(data, exif=TIFF, xmp=LONG)
    assert (b"cdsc", 2 if primary == 1 else 1, (primary,)) in references_of(made)


def test_references_are_widened_for_a_wide_primary() -> None:
    made = changed(Picture((image(70000),), primary=70000, version=2).encode(), xmp=PACKET)
    assert references_of(made) == {(b"cdsc", 1, (70000,))}


def test_ids_are_narrow_as_long_as_there_is_one() -> None:
    assert unused_id((1, 5)) == 6
    assert unused_id((1, 2, 0xFFFF)) == 3
    assert unused_id((1, 90000)) == 2
    assert unused_id(range(1, 0x10000)) is None


def test_narrow_offset_fields_are_widened() -> None:
    # No field for an offset at all: the image lies at the start of idat.
    data = Picture((image(1, home="idat"),), sizes=(0, 4, 0, 0)).encode()
    made = changed(data, xmp=PACKET)
    assert items_of(made)[2] == PACKET


def test_extents_become_one() -> None:
    data = plain(xmp_item(2, pieces=4), image(3, pieces=3)).encode()
    made = changed(data, xmp=SHORT)
    assert items_of(made)[2] == SHORT


def test_shared_bytes_are_not_written_over() -> None:
    # Two metadata items of two images lead to the same bytes.
    data = Picture((image(1), image(5), xmp_item(2), xmp_item(3, bytes(len(PACKET)), to=(5,)))).encode()
    start = data.index(PACKET)
    fields = struct.pack(">II", start + len(PACKET), len(PACKET))
    assert data.count(fields) == 1
    shared = data.replace(fields, struct.pack(">II", start, len(PACKET)))
    for packet in (SHORT, PACKET.replace(b"blue", b"grey"), LONG, None):
        assert items_of(changed(shared, xmp=packet))[3] == PACKET


@pytest.mark.parametrize("kind", [b"stco", b"co64"])
def test_the_samples_of_a_movie_in_the_file_follow(kind: bytes) -> None:
    picture = plain(order=("meta", "moov", "mdat"), extra={"moov": movie([0, 0], kind)})
    sample = picture.encode().index(b"coded image")
    data = picture.but(extra={"moov": movie([sample, sample + 6], kind)}).encode()
    made = changed(data, exif=TIFF, xmp=LONG)
    assert made.index(b"coded image") != sample
    assert decode_positions(made) == [made.index(b"coded image"), made.index(b" image") + 1]


def test_a_box_without_an_end_takes_what_is_appended() -> None:
    data = plain(xmp_item(2), image(3), open_last=True).encode()
    made = changed(data, xmp=LONG)
    assert len(made) == len(data) + len(LONG)
    assert kinds(made) == [b"ftyp", b"meta", b"mdat"]
    assert len(changed(made, xmp=LONGER)) == len(data) + len(LONGER)


@pytest.mark.parametrize("order", [("mdat", "meta"), ("meta", "mdat", "uuid")])
def test_another_box_without_an_end_is_given_one(order: tuple[str, ...]) -> None:
    extra = {"uuid": box(b"uuid", b"0123456789abcdef")}
    data = plain(xmp_item(2), open_last=True, order=order, extra=extra).encode()
    made = changed(data, xmp=LONG, exif=TIFF)
    assert [kind for kind, *_ in walk(made)] == [b"ftyp", *(name.encode() for name in order), b"mdat"]


def test_a_box_with_a_wide_size_grows() -> None:
    data = plain(image(3), xmp_item(2), large=True).encode()
    made = changed(data, xmp=LONG)
    assert len(made) == len(data) + len(LONG) - len(PACKET)


def test_a_motion_photo_of_samsung_keeps_its_length() -> None:
    extra = {"free": box(b"free", bytes(3000)), "mpvd": VIDEO, "sefd": SEFD}
    order = ("mdat", "meta", "free", "mpvd", "sefd")
    data = plain(xmp_item(2), image(3), order=order, extra=extra).encode()
    assert read(data).room.padding == 0
    made = changed(data, exif=TIFF, xmp=LONG)
    assert len(made) == len(data)
    assert made.endswith(VIDEO + SEFD)
    for packet in (LONG + b" ", SHORT, LONG[:1500]):
        made = changed(made, xmp=packet)
        assert (len(made), made.endswith(VIDEO + SEFD)) == (len(data), True)


def test_a_motion_photo_of_samsung_without_space_is_refused() -> None:
    extra = {"free": box(b"free", bytes(300)), "mpvd": VIDEO, "sefd": SEFD}
    data = plain(xmp_item(2), order=("mdat", "meta", "free", "mpvd", "sefd"), extra=extra).encode()
    with pytest.raises(UnsupportedError, match="sefd") as caught:
        changed(data, xmp=LONG)
    assert caught.value.place == "mpvd"


@pytest.mark.parametrize("last", ["mpvd", "sefd"])
def test_other_trailers_stay_last(last: str) -> None:
    extra = {"mpvd": VIDEO, "sefd": SEFD}
    data = plain(xmp_item(2), image(3), order=("meta", "mdat", last), extra=extra).encode()
    made = data
    for packet in (LONG, LONGER, SHORT + b" " * 50, LONG):
        made = changed(made, xmp=packet, exif=TIFF)
        assert made.endswith(extra[last])
        assert len(made) < len(data) + len(packet) + 400


def test_a_trailer_that_is_no_box_stays_last() -> None:
    trailer = bytes(range(200, 240))
    made = changed(plain(xmp_item(2), image(3)).encode() + trailer, xmp=LONG, exif=TIFF)
    assert made.endswith(trailer)


@pytest.mark.parametrize("item", [xmp_item(2, protection=1), xmp_item(2, encoding=b"gzip")])
def test_a_closed_item_is_not_replaced(item: object) -> None:
    data = plain(item).encode()  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match="XMP item 2"):
        changed(data, xmp=PACKET)
    changed(data, exif=TIFF)


def test_no_primary_image_is_refused() -> None:
    data = box(b"ftyp", b"msf1\0\0\0\0hevc") + movie([1])
    with pytest.raises(UnsupportedError, match="no primary image"):
        changed(data, xmp=PACKET)


def test_a_payload_over_the_room_is_refused() -> None:
    found = read(plain().encode())
    with pytest.raises(NoRoomError):
        heif.patch(found, Payloads(xmp=bytes(found.room.xmp + 1)))


def test_a_second_meta_follows() -> None:
    other = plain(order=("mdat", "meta")).encode()
    second = other[other.index(b"meta") - 4 :]
    data = plain(xmp_item(2), order=("meta", "second", "mdat"), extra={"second": second}).encode()
    # Let the second meta's image be the bytes of the first one's.
    at = data.rindex(b"iloc")
    position = data.index(b"coded image")
    old = struct.pack(">II", other.index(b"coded image"), 11)
    data = data[:at] + data[at:].replace(old, struct.pack(">II", position, 11), 1)
    made = changed(data, exif=TIFF, xmp=LONG)
    new = struct.pack(">II", made.index(b"coded image"), 11)
    assert new in made[made.rindex(b"iloc") :]
    assert made.index(b"coded image") != position


# ------------------------------------------------------------------------------------------- other readers


def pixels(data: bytes) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = pillow_heif.open_heif(io.BytesIO(data))
    return bytes(picture.data)


@pytest.mark.parametrize("order", [("meta", "mdat"), ("mdat", "meta"), ("meta", "free", "mdat")])
@pytest.mark.parametrize("version", [0, 1, 2])
def test_libheif_and_exiftool_read_what_was_written(
    coded: Coded, exiftool: ExifTool, tmp_path: Path, order: tuple[str, ...], version: int
) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    extra = {"free": box(b"free", bytes(600))}
    data = coded.picture(version=version, order=order, extra=extra).encode()
    for packet, block in ((PACKET, TIFF), (LONG, TIFF.replace(b"hello", b"world")), (SHORT, TIFF + bytes(900))):
        data = changed(data, xmp=packet, exif=block)
        info = pillow_heif.open_heif(io.BytesIO(data)).info
        assert info["xmp"] == packet
        assert info["exif"].endswith(block)
        path = tmp_path / "made.heic"
        path.write_bytes(data)
        reading = exiftool.read(path)
        assert reading["IFD0:ImageDescription"] == ("world" if b"world" in block else "hello",)
        assert reading["XMP-xmp:Label"] == (packet[packet.index(b'Label="') + 7 : packet.rindex(b'"/>')].decode(),)
        assert not exiftool.warnings(path)
    assert pixels(data) == pixels(coded.picture().encode())


def frames(data: bytes) -> list[bytes]:
    from PIL import Image, ImageSequence

    with Image.open(io.BytesIO(data)) as picture:
        return [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(picture)]


def test_a_sequence_still_decodes(avif_sequence: bytes) -> None:
    made = changed(avif_sequence, exif=TIFF, xmp=LONG)
    assert frames(made) == frames(avif_sequence)
    assert len(frames(made)) == 3


@pytest.mark.parametrize("packet", [SHORT, PACKET.replace(b"blue", b"grey"), LONG])
def test_a_track_that_lists_the_same_metadata_follows(avif_sequence: bytes, packet: bytes) -> None:
    from PIL import Image

    target = io.BytesIO()
    with Image.open(io.BytesIO(avif_sequence)) as picture:
        picture.save(target, "AVIF", save_all=True, exif=b"Exif\0\0" + TIFF, xmp=PACKET)
    data = target.getvalue()
    made = changed(changed(data, xmp=packet), exif=TIFF.replace(b"hello", b"world") + bytes(200))
    assert frames(made) == frames(data)
    # Of a sequence, libavif reads what the track lists.
    with Image.open(io.BytesIO(made)) as picture:
        assert picture.info["xmp"] == packet
        assert picture.getexif()[0x010E] == "world"
    changed(made, xmp=None, exif=None)


def test_an_avif_still_decodes(avif: bytes) -> None:
    from PIL import Image

    made = changed(changed(avif, exif=TIFF, xmp=PACKET), xmp=LONG)
    with Image.open(io.BytesIO(made)) as new, Image.open(io.BytesIO(avif)) as old:
        assert new.convert("RGB").tobytes() == old.convert("RGB").tobytes()
        assert new.info["xmp"] == LONG
        assert new.getexif()[0x010E] == "hello"


def test_unknown_boxes_of_meta_stay() -> None:
    data = plain(in_meta=(full(b"ZZZZ", 0, b"what is this"), box(b"uuid", bytes(range(30))))).encode()
    made = changed(data, exif=TIFF, xmp=PACKET)
    assert full(b"ZZZZ", 0, b"what is this") + box(b"uuid", bytes(range(30))) in made
