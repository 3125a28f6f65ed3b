"""How values of any type and spelling are read, and how ours are written."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.errors import ExifError, MetadataError
from immich_meta_writers.payloads import exif
from tests.writers.exif.tiff_trees import ROOM, ROWS, RawEntry, Tree, build, entry

CAPTION, COMMENT, RATING = ROWS["IFD0:ImageDescription"], ROWS["ExifIFD:UserComment"], ROWS["IFD0:Rating"]
LATITUDE, ALTITUDE_REF = ROWS["GPS:GPSLatitude"], ROWS["GPS:GPSAltitudeRef"]
VERSION, ALTITUDE = ROWS["GPS:GPSVersionID"], ROWS["GPS:GPSAltitude"]


def read(address: ExifAddress, stored: RawEntry, order: str = "<") -> ExifValue | None:
    key = {"IFD0": "ifd0", "ExifIFD": "exif", "GPS": "gps"}[address.ifd]
    tree = Tree(order, **{"ifd0": (), key: (stored,)})  # type: ignore[arg-type]
    return exif.parse(build(tree)).get(address)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain\0", "plain"),
        (b"no NUL at all", "no NUL at all"),
        (b"first\0second\0", "first"),
        ("山田".encode() + b"\0", "山田"),
        (b"K\xe5lltorp \x80\x81\0", "Kålltorp €\x81"),
        (b"\0\0\0\0\0", ""),
    ],
)
def test_text_is_utf8_or_else_cp1252_up_to_its_nul(raw: bytes, text: str) -> None:
    assert read(CAPTION, entry(0x010E, 2, raw)) == text
    assert read(CAPTION, entry(0x010E, 7, raw)) == text


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kind", "code", "number"), [(1, "B", 4), (3, "H", 4), (4, "I", 4), (8, "h", -1), (9, "i", 4), (12, "d", 4.0)]
)
def test_a_number_is_read_from_any_type(order: str, kind: int, code: str, number: float) -> None:
    assert read(RATING, entry(0x4746, kind, struct.pack(order + code, number)), order) == number


@pytest.mark.parametrize(
    ("raw", "number"), [(b"4\0", 4), (b" 4 \0", 4), (b"-1\0", -1), (b"four\0", None), (b"\0", None), (b"\xb2\0", None)]
)
def test_a_number_is_read_from_text(raw: bytes, number: int | None) -> None:
    assert read(RATING, entry(0x4746, 2, raw)) == number


def test_a_number_in_a_rational_is_read_when_it_is_whole() -> None:
    assert read(RATING, entry(0x4746, 5, struct.pack("<2I", 8, 2))) == 4
    assert read(RATING, entry(0x4746, 5, struct.pack("<2I", 7, 2))) is None
    assert read(RATING, entry(0x4746, 5, struct.pack("<2I", 7, 0))) is None
    assert read(RATING, entry(0x4746, 12, struct.pack("<d", float("nan")))) is None


def test_coordinates_with_a_zero_denominator_are_no_coordinates() -> None:
    good = struct.pack("<6I", 33, 1, 51, 1, 3054, 100)
    assert read(LATITUDE, entry(2, 5, good)) == (Fraction(33), Fraction(51), Fraction(1527, 50))
    assert read(LATITUDE, entry(2, 5, struct.pack("<6I", 33, 1, 51, 1, 0, 0))) is None
    assert read(ALTITUDE, entry(6, 12, struct.pack("<d", 1.5))) == (Fraction(3, 2),)
    assert read(ALTITUDE, entry(6, 12, struct.pack("<d", float("inf")))) is None
    assert read(ALTITUDE, entry(6, 3, struct.pack("<H", 7))) == (Fraction(7),)
    assert read(ALTITUDE, entry(6, 2, b"12\0")) is None


def test_bytes_are_read_from_text_and_numbers() -> None:
    assert read(VERSION, entry(0, 2, b"2.2.0.0\0")) == b"\2\2\0\0"
    assert read(VERSION, entry(0, 2, b"v2\0")) == b"v2"
    assert read(ALTITUDE_REF, entry(5, 2, b"1\0")) == b"\1"
    assert read(ALTITUDE_REF, entry(5, 3, struct.pack("<H", 1))) == b"\1"
    assert read(ALTITUDE_REF, entry(5, 3, struct.pack("<H", 700))) is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"ASCII\0\0\0Ferien\0\0\0", "Ferien"),
        (b"ASCII   Ferien  ", "Ferien"),
        (b"\0" * 8 + b"Ferien", "Ferien"),
        (b"\0garbage" + b"Ferien", "Ferien"),
        (b"ASCII\0\0\0" + b" " * 40, ""),
        (b"\0" * 60, ""),
        (b"UNICODE\0" + "Fête".encode("utf-16-le"), "Fête"),
        (b"UNICODE\0" + "Fête".encode("utf-16-be"), "Fête"),
        (b"UNICODE\0\xfe\xff" + "Fête".encode("utf-16-be"), "Fête"),
        (b"UNICODE\0" + "Fête".encode("utf-16-le") + b"\0\0\0", "Fête"),
        (b"JIS\0\0\0\0\0" + "山田".encode("iso2022_jp"), "山田"),
        (b"JIS\0\0\0\0\0" + "山田".encode("shift_jis"), "山田"),
        (b"JIS\0\0\0\0\0\xff\xff\x80a", "\ufffd\ufffd\ufffda"),
        (b"Free text without a code", "Free text without a code"),
        (b"short", "short"),
    ],
)
def test_a_comment_is_read_under_every_character_code(raw: bytes, text: str) -> None:
    assert read(COMMENT, entry(0x9286, 7, raw)) == text


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("text", ["一", "䄀䈀䌀", "\ufefftext", "一丁丂", "a", "Ünï", "山田太郎 😀"])
def test_a_comment_that_readers_would_misguess_carries_a_byte_order_mark(order: str, text: str) -> None:
    block = exif.parse(build(Tree(order)))
    new = exif.parse(exif.graft(block, {COMMENT: text}, room=ROOM).block)
    assert new.get(COMMENT) == text
    stored = text.encode("utf-16-le" if order == "<" else "utf-16-be")
    assert b"UNICODE\0" in new.data
    assert stored in new.data


def test_seconds_of_arc_have_a_denominator_of_ten_thousand() -> None:
    value = (Fraction(33), Fraction(51), Fraction(30))
    new = exif.graft(exif.parse(build(Tree("<"))), {LATITUDE: value}, room=ROOM)
    assert struct.pack("<6I", 33, 1, 51, 1, 300000, 10000) in new.block


@pytest.mark.parametrize(("kind", "code"), [(3, "H"), (4, "I")])
def test_a_number_keeps_short_or_long_as_the_file_has_it(kind: int, code: str) -> None:
    block = exif.parse(build(Tree("<", ifd0=(entry(0x4746, kind, struct.pack("<" + code, 1)),))))
    new = exif.parse(exif.graft(block, {RATING: 5}, room=ROOM).block)
    assert new.ifds["IFD0"].by_tag[0x4746][:3] == (0x4746, kind, 1)
    assert new.get(RATING) == 5


def test_a_number_stored_as_text_becomes_a_number() -> None:
    block = exif.parse(build(Tree("<", ifd0=(entry(0x4746, 2, b"1\0"),))))
    new = exif.parse(exif.graft(block, {RATING: 5}, room=ROOM).block)
    assert new.ifds["IFD0"].by_tag[0x4746][:3] == (0x4746, 3, 1)
    assert len(new.data) == len(block.data)


def test_a_tag_that_the_library_does_not_know_is_encoded_by_its_type() -> None:
    unknown: dict[ExifAddress, ExifValue] = {
        ExifAddress("IFD0", 0xC801, 3): 7,
        ExifAddress("IFD0", 0xC802, 4): 70000,
        ExifAddress("ExifIFD", 0xC803, 2): "text",
        ExifAddress("GPS", 0xC804, 5): (Fraction(1, 3),),
        ExifAddress("GPS", 0xC805, 1): b"\1\2",
        ExifAddress("ExifIFD", 0xC806, 7): b"undefined",
    }
    for order in "<>":
        block = exif.parse(exif.graft(exif.parse(build(Tree(order))), unknown, room=ROOM).block)
        assert {address: block.get(address) for address in unknown} == unknown


@pytest.mark.parametrize(
    ("address", "value"),
    [
        (RATING, -1),
        (RATING, 65536),
        (CAPTION, "half \ud800"),
        (CAPTION, "a\0b"),
        (COMMENT, "a\0b"),
        (ALTITUDE, (Fraction(-1),)),
        (ALTITUDE, (Fraction(2**33),)),
        (ALTITUDE, ()),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_named(address: ExifAddress, value: ExifValue) -> None:
    with pytest.raises(MetadataError) as caught:
        exif.graft(None, {address: value}, room=ROOM)
    assert caught.value.place == f"{address.ifd}:0x{address.tag:04x}"


@pytest.mark.parametrize("orientation", [0, 1, 6, 8, 9])
def test_the_orientation_is_one_to_eight(orientation: int) -> None:
    block = exif.parse(build(Tree(">", ifd0=(entry(0x0112, 3, struct.pack(">H", orientation)),))))
    assert block.orientation == (orientation if 1 <= orientation <= 8 else 1)
    assert exif.parse(build(Tree(">"))).orientation == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"II*\0", b"II+\0\x08\0\0\0\0\0", b"MM\0*\0\0\0\x08", b"MM\0*\0\0\0\0\0\0", b"II*\0\xff\0\0\0\0\0"],
)
def test_an_unreadable_header_or_ifd0_is_refused_by_its_offset(data: bytes) -> None:
    with pytest.raises(ExifError) as caught:
        exif.parse(data)
    assert caught.value.place.startswith("EXIF offset ")
