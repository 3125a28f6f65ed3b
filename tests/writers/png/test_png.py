"""What the PNG container finds, what it writes, and what it refuses by name."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from fixtures.exiftool import ExifTool
from immich_meta_writers.containers import Payloads, png
from immich_meta_writers.containers.png_exif import apart
from immich_meta_writers.errors import (
    DamagedError,
    EmptyFileError,
    NoRoomError,
    StructureError,
    TruncatedError,
    UnsupportedError,
)
from immich_meta_writers.ifd.extents import walk
from immich_meta_writers.ifd.tree import Tree
from immich_meta_writers.source import MemorySource
from tests.writers.png import chunks
from tests.writers.png.chunks import END, HEADER, IMAGE, PACKET, PHYSICAL, SIGNATURE, TIFF, chunk, split

BOTH = Payloads(exif=TIFF, xmp=PACKET)
OURS = (b"eXIf", b"iTXt")


def read(data: bytes) -> png.PngFile:
    return png.read(MemorySource(data))


def patched(data: bytes, payloads: Payloads) -> bytes:
    return png.patch(read(data), payloads).apply(data)


def pixels(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as image:
        return [frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(image)]


def saved(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def test_accepts_only_png() -> None:
    assert png.accepts(SIGNATURE)
    assert not png.accepts(b"\x8aMNG\r\n\x1a\n")
    assert not png.accepts(b"\x8bJNG\r\n\x1a\n")


def test_a_png_without_metadata_has_no_payloads() -> None:
    found = read(chunks.png(PHYSICAL))
    assert found.payloads == Payloads()
    assert found.raster == (3, 2)
    assert found.orientation is None
    assert found.notes == ()
    assert not found.c2pa


@pytest.mark.parametrize("is_behind", [False, True])
def test_payloads_are_found_in_front_of_the_image_and_behind_it(is_behind: bool) -> None:
    own = (chunks.xmp(), chunks.exif())
    data = chunks.png(behind=own) if is_behind else chunks.png(*own)
    assert read(data).payloads == BOTH


def test_content_credentials_are_seen() -> None:
    assert read(chunks.png(chunk(b"caBX", b"jumb"))).c2pa


def test_a_phones_own_kind_of_png_is_read() -> None:
    data = SIGNATURE + chunk(b"CgBI", bytes(4)) + HEADER + chunks.exif() + IMAGE + END
    assert read(data).payloads.exif == TIFF
    assert read(data).raster == (3, 2)


def test_new_chunks_stand_in_front_of_the_image() -> None:
    data = chunks.png(PHYSICAL, trailer=b"behind the end")
    new = split(patched(data, BOTH))
    assert new == [HEADER, PHYSICAL, chunks.exif(), chunks.xmp(), IMAGE, END, b"behind the end"]


def test_chunks_are_replaced_where_they_stand() -> None:
    data = chunks.png(chunks.xmp(language=b"de"), PHYSICAL, behind=(chunks.exif(),))
    new = split(patched(data, Payloads(exif=TIFF + b"more", xmp=PACKET + b" ")))
    expected = [HEADER, chunks.xmp(PACKET + b" ", language=b"de"), PHYSICAL, IMAGE, chunks.exif(TIFF + b"more"), END]
    assert new[:-1] == expected


def test_a_payload_of_the_same_length_changes_itself_and_its_checksum() -> None:
    data = chunks.png(chunks.xmp())
    patch = png.patch(read(data), Payloads(xmp=PACKET.replace(b'"3"', b'"4"')))
    assert [(splice.length, len(splice.data)) for splice in patch.splices] == [(1, 1), (4, 4)]
    assert patch.new_size == len(data)
    split(patch.apply(data))


def test_none_removes_the_chunk() -> None:
    assert patched(chunks.png(chunks.exif(), PHYSICAL, chunks.xmp()), Payloads()) == chunks.png(PHYSICAL)


def test_a_deflated_packet_is_read_and_written_plain() -> None:
    data = chunks.png(chunks.xmp(deflated=True), PHYSICAL)
    assert read(data).payloads.xmp == PACKET
    assert not png.patch(read(data), Payloads(xmp=PACKET)).splices
    assert patched(data, Payloads(xmp=PACKET + b" ")) == chunks.png(chunks.xmp(PACKET + b" "), PHYSICAL)


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_a_packet_in_an_old_text_chunk_becomes_international_text(kind: bytes) -> None:
    text = b"\0" + zlib.compress(PACKET) if kind == b"zTXt" else PACKET
    data = chunks.png(chunk(kind, b"XML:com.adobe.xmp\0" + text))
    assert read(data).payloads.xmp == PACKET
    assert patched(data, Payloads(xmp=PACKET + b" ")) == chunks.png(chunks.xmp(PACKET + b" "))


def test_an_exif_block_with_jpegs_header_is_read_and_written_without() -> None:
    data = chunks.png(chunks.exif(b"Exif\0\0" + TIFF))
    assert read(data).payloads.exif == TIFF
    assert patched(data, Payloads(exif=TIFF + b"x")) == chunks.png(chunks.exif(TIFF + b"x"))


def test_of_several_chunks_the_first_valid_one_counts_and_the_others_stay() -> None:
    data = chunks.png(
        chunks.exif(b"nothing"), chunks.xmp(b" \n"), chunks.exif(), chunks.xmp(), chunks.exif(TIFF + b"2"), chunks.xmp()
    )
    found = read(data)
    assert found.payloads == BOTH
    assert len(found.notes) == 4
    new = split(patched(data, Payloads(exif=TIFF + b"new")))
    assert [each for each in new if each[4:8] in OURS] == [
        chunks.exif(b"nothing"), chunks.xmp(b" \n"), chunks.exif(TIFF + b"new"), chunks.exif(TIFF + b"2"), chunks.xmp()
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
@pytest.mark.parametrize(
    ("name", "content"),
    [(b"exif", b"Exif\0\0" + TIFF), (b"exif", TIFF), (b"APP1", b"Exif\0\0" + TIFF)],
)
def test_a_raw_profile_is_the_exif_block_and_stays(name: bytes, content: bytes, kind: bytes) -> None:
    profile = chunks.raw_profile(name, content, kind)
    data = chunks.png(profile)
    found = read(data)
    assert found.payloads.exif == TIFF
    assert found.notes == (f"the old text chunk 'Raw profile type {name.decode()}' at offset 33 stays as it is",)
    assert not png.patch(found, found.payloads).splices
    assert not png.patch(found, Payloads()).splices
    made = patched(data, Payloads(exif=TIFF + b"x"))
    assert split(made)[:2] == split(data)[:2]
    assert read(made).payloads.exif == apart(TIFF + b"x", TIFF)


TABLES = st.lists(st.sampled_from(["ExifIFD", "GPS", "Interop", "IFD1"]), unique=True)


@given(tables=TABLES, order=st.sampled_from("<>"))
def test_no_table_stands_where_an_old_profile_has_one(tables: list[str], order: str) -> None:
    """ExifTool takes a second table at the same offset for a loop, and does not read it."""
    block = exif_block(order, tables)
    moved = apart(block, block)
    old, new = (Tree.read(each, may_be_big=False) for each in (block, moved))
    before, after = dict(walk(old)), dict(walk(new))
    assert list(before) == list(after)
    assert not {table.offset for table in before.values()} & {table.offset for table in after.values()}
    pointers = {0x8769, 0x8825, 0xA005}
    for name, table in before.items():
        assert [e for e in table.entries if e[0] not in pointers] == [
            e for e in after[name].entries if e[0] not in pointers
        ]
    assert apart(block, b"no TIFF at all") == block
    assert apart(moved, block) == moved


def exif_block(order: str, tables: list[str]) -> bytes:
    """IFD0 with a date, and each of the tables with one entry, packed one behind the other."""
    names = [name for name in tables if name != "Interop" or "ExifIFD" in tables]
    pointers = {"ExifIFD": 0x8769, "GPS": 0x8825}
    in_ifd0 = [name for name in names if name in pointers]
    has_interop = "Interop" in names
    sizes = {name: 2 + 12 * (1 + (name == "ExifIFD" and has_interop)) + 4 for name in names}
    at, position = {}, 8 + 2 + 12 * (1 + len(in_ifd0)) + 4
    for name in names:
        at[name], position = position, position + sizes[name]

    def table(entries: list[tuple[int, int]], following: int = 0) -> bytes:
        packed = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in sorted(entries))
        return struct.pack(order + "H", len(entries)) + packed + struct.pack(order + "I", following)

    made = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    made += table([(0x0100, 64), *((pointers[name], at[name]) for name in in_ifd0)], at.get("IFD1", 0))
    for number, name in enumerate(names):
        extra = [(0xA005, at["Interop"])] if name == "ExifIFD" and has_interop else []
        made += table([(0x0001, number), *extra])
    return made


@pytest.mark.parametrize(
    ("name", "content"), [(b"xmp", PACKET), (b"APP1", b"http://ns.adobe.com/xap/1.0/\0" + PACKET)]
)
def test_a_raw_profile_is_the_packet_and_stays(name: bytes, content: bytes) -> None:
    profile = chunks.raw_profile(name, content)
    assert read(chunks.png(profile)).payloads.xmp == PACKET
    assert patched(chunks.png(profile), Payloads(xmp=b"<new/>")) == chunks.png(profile, chunks.xmp(b"<new/>"))


def test_a_chunk_of_its_own_outranks_a_raw_profile() -> None:
    profiles = (chunks.raw_profile(b"exif", TIFF + b"old"), chunks.raw_profile(b"xmp", b"<old/>"))
    assert read(chunks.png(*profiles, chunks.exif(), chunks.xmp())).payloads == BOTH


@pytest.mark.parametrize(("name", "expected"), [(b"exif", True), (b"APP1", True), (b"xmp", True), (b"iptc", False)])
def test_a_raw_profile_behind_the_image_is_a_drawback(name: bytes, expected: bool) -> None:
    profile = chunks.raw_profile(name, TIFF)
    found = read(chunks.png(behind=(profile,)))
    assert bool(found.drawback(png.patch(found, BOTH))) == expected
    assert found.drawback(png.patch(found, found.payloads)) is None
    found = read(chunks.png(profile))
    assert found.drawback(png.patch(found, BOTH)) is None


@pytest.mark.parametrize(
    "text", [b"", b"\nexif\n", b"\nexif\n 99\n4949", b"\nexif\n2\nxy", b"\nexif\n-1\n49", b"\nexif\n" + b"9" * 5000]
)
def test_a_damaged_raw_profile_is_no_payload(text: bytes) -> None:
    assert read(chunks.png(chunk(b"tEXt", b"Raw profile type exif\0" + text))).payloads.exif is None


def test_colour_profiles_and_other_texts_are_not_ours() -> None:
    data = chunks.png(chunks.raw_profile(b"icc", TIFF), chunk(b"tEXt", b"Title\0x"), chunk(b"zTXt", b"no end"))
    assert read(data).payloads == Payloads()
    assert read(data).notes == ()


def test_a_packet_that_does_not_inflate_is_named_and_never_replaced() -> None:
    whole = chunks.xmp(deflated=True)
    broken = chunk(b"iTXt", whole[8:-14])
    with pytest.raises(StructureError, match="is cut"):
        read(chunks.png(broken))
    with pytest.raises(StructureError, match="does not inflate"):
        read(chunks.png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + b"not deflated")))
    with pytest.raises(StructureError, match="has no text"):
        read(chunks.png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0de")))
    assert read(chunks.png(broken, chunks.xmp())).payloads.xmp == PACKET


def test_a_bomb_is_not_inflated_beyond_its_cap() -> None:
    bomb = zlib.compressobj()
    data = b"".join([*(bomb.compress(bytes(1 << 20)) for _ in range(70)), bomb.flush()])
    with pytest.raises(StructureError, match="inflates to more"):
        read(chunks.png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + data)))


def test_nothing_comes_between_the_control_chunks_of_an_animation_and_its_frames() -> None:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "green", "blue")]
    data = saved(frames[0], save_all=True, append_images=frames[1:], duration=50)
    before = split(data)
    new = patched(data, BOTH)
    after = split(new)
    kinds = [each[4:8] for each in after]
    assert kinds.index(b"iTXt") < kinds.index(b"acTL")
    assert [each for each in after if each[4:8] not in OURS] == before
    assert pixels(new) == pixels(data)
    assert len(pixels(new)) == 3


def parts_of(first: int, second: int) -> bytes:
    """macOS: how an image is split in two, with offsets from the chunk itself."""
    return chunk(b"iDOT", struct.pack(">7I", 2, 0, 1, first, 1, 1, second))


def test_new_chunks_stand_in_front_of_a_split() -> None:
    idot = parts_of(40, 40 + len(IMAGE))
    data = SIGNATURE + HEADER + idot + IMAGE + IMAGE + END
    assert split(patched(data, BOTH))[:4] == [HEADER, chunks.exif(), chunks.xmp(), idot]


def test_the_offsets_of_a_split_stay_true_when_a_chunk_behind_it_grows() -> None:
    packet = chunks.xmp()
    idot = parts_of(40 + len(packet), 40 + len(packet) + len(IMAGE))
    data = SIGNATURE + HEADER + idot + packet + IMAGE + IMAGE + END
    grown = len(packet) + 5
    new = patched(data, Payloads(xmp=PACKET + b"     "))
    assert split(new)[1] == parts_of(40 + grown, 40 + grown + len(IMAGE))


def test_the_offsets_of_a_split_that_are_wrong_already_stay_as_they_are() -> None:
    idot = parts_of(7, 9)
    data = SIGNATURE + HEADER + idot + chunks.xmp() + IMAGE + END
    assert split(patched(data, Payloads(xmp=PACKET + b"     ")))[1] == idot


@pytest.mark.parametrize("blank", [b"", bytes(3), bytes(40)])
def test_a_blank_exif_block_is_none_and_gives_its_place(blank: bytes) -> None:
    data = chunks.png(chunks.exif(blank))
    assert read(data).payloads.exif is None
    assert not png.patch(read(data), Payloads()).splices
    assert patched(data, Payloads(exif=TIFF)) == chunks.png(chunks.exif())


def test_other_payloads_have_no_place() -> None:
    with pytest.raises(UnsupportedError, match="photoshop"):
        png.patch(read(chunks.png()), Payloads(photoshop=b"8BIM"))
    with pytest.raises(UnsupportedError, match="xmp_extensions"):
        png.patch(read(chunks.png()), Payloads(xmp_extensions={"0" * 32: b"x"}))


def test_a_payload_that_is_too_large_is_named() -> None:
    with pytest.raises(NoRoomError, match="eXIf"):
        png.patch(read(chunks.png()), Payloads(exif=bytes(png.ROOM.exif + 1)))


def test_every_cut_is_truncation() -> None:
    data = chunks.png(PHYSICAL, chunks.exif(), chunks.xmp(deflated=True))
    with pytest.raises(EmptyFileError):
        read(b"")
    for end in range(1, len(data)):
        with pytest.raises((TruncatedError, StructureError)) as raised:
            read(data[:end])
        assert isinstance(raised.value, TruncatedError) or end < 8


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (SIGNATURE + IMAGE + END, "does not begin with IHDR"),
        (SIGNATURE + chunk(b"IHDR", bytes(4)) + IMAGE + END, "does not begin with IHDR"),
        (SIGNATURE + HEADER + END, "no image data"),
        (SIGNATURE + HEADER + b"\xff\xff\xff\xffIDAT", "claims 4294967295 bytes"),
        (SIGNATURE + HEADER + IMAGE + bytes(12), "is no chunk"),
        (b"GIF89a", "not a PNG"),
    ],
)
def test_lies_are_named(data: bytes, cause: str) -> None:
    with pytest.raises(StructureError, match=cause):
        read(data)


def test_a_length_behind_the_end_of_the_file_is_truncation() -> None:
    data = SIGNATURE + HEADER + struct.pack(">I", (1 << 31) - 1) + b"eXIf" + TIFF
    with pytest.raises(TruncatedError, match="behind the file"):
        read(data)


def test_more_chunks_of_metadata_than_any_image_has_are_refused() -> None:
    with pytest.raises(StructureError, match="more chunks"):
        read(chunks.png(*[chunks.exif(b"")] * 5000))


class Counting(MemorySource):
    """Counts the bytes that are read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.count = 0

    def read_at(self, offset: int, length: int) -> bytes:
        answer = super().read_at(offset, length)
        self.count += len(answer)
        return answer


def test_image_data_is_not_read() -> None:
    source = Counting(SIGNATURE + HEADER + chunks.exif() + chunk(b"IDAT", bytes(1 << 20)) * 3 + END)
    png.read(source)
    assert source.count < 200


FOREIGN = st.one_of(
    st.tuples(st.sampled_from([b"tEXt", b"abCd", b"prVt"]), st.binary(max_size=40)).map(
        lambda pair: chunk(*pair)
    ),
    st.sampled_from([chunks.raw_profile(b"iptc", b"x"), chunks.exif(b"second")]),
)
BLOCKS = st.one_of(st.none(), st.binary(max_size=60).map(lambda tail: TIFF + tail))
PACKETS = st.one_of(st.none(), st.binary(max_size=60).map(lambda tail: PACKET + tail))
MINE = st.lists(st.one_of(FOREIGN, BLOCKS.filter(bool).map(chunks.exif), PACKETS.filter(bool).map(chunks.xmp)))


@settings(max_examples=150)
@given(MINE, MINE, BLOCKS, PACKETS, st.binary(max_size=9))
def test_whatever_is_written_reads_back_and_nothing_else_changes(
    front: list[bytes], back: list[bytes], exif: Optional[bytes], xmp: Optional[bytes], trailer: bytes
) -> None:
    data = chunks.png(*front, behind=tuple(back), trailer=trailer)
    found = read(data)
    wanted = Payloads(exif=exif or found.payloads.exif, xmp=xmp or found.payloads.xmp)
    new = patched(data, wanted)
    again = read(new)
    assert again.payloads == wanted
    assert not png.patch(again, wanted).splices
    used = [data[home.chunk.start : home.chunk.end] for home in (found.exif, found.xmp) if home is not None]
    ours = [new[home.chunk.start : home.chunk.end] for home in (again.exif, again.xmp) if home is not None]
    assert without(split(new), ours) == without(split(data), used)
    assert pixels(new) == pixels(data)
    if found.exif is None and found.xmp is None:
        assert patched(new, Payloads()) == data
    inverse = png.patch(found, wanted).invert(lambda offset, length: data[offset : offset + length])
    assert inverse.apply(new) == data


def without(whole: list[bytes], some: list[bytes]) -> list[bytes]:
    rest = list(whole)
    for each in some:
        rest.remove(each)
    return rest


@settings(max_examples=300)
@given(st.binary(max_size=200), st.integers(0, 150), st.binary(max_size=8))
def test_only_our_own_errors_escape(tail: bytes, at: int, noise: bytes) -> None:
    data = chunks.png(chunks.exif(), chunks.xmp(deflated=True), chunks.raw_profile(b"exif", TIFF))
    for hostile in (SIGNATURE + tail, data[:at] + noise + data[at + len(noise) :]):
        try:
            found = read(hostile)
        except DamagedError:
            continue
        png.patch(found, BOTH).apply(hostile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1", "I;16"])
def test_others_read_what_was_written(mode: str, tmp_path: Path, exiftool: ExifTool) -> None:
    data = saved(Image.new(mode, (11, 5)))
    new = patched(data, BOTH)
    assert pixels(new) == pixels(data)
    with Image.open(io.BytesIO(new)) as image:
        assert image.getexif()[0x010E] == "abc"
        assert "xmp:Rating" in image.info["XML:com.adobe.xmp"]
    path = tmp_path / "new.png"
    path.write_bytes(new)
    reading = exiftool.run(["-s", "-G1", "-a", "-validate", "-warning", str(path)]).decode()
    assert "Warning" not in reading
    text = exiftool.run(["-s", "-G1", str(path)]).decode()
    assert "ImageDescription" in text
    assert "Rating" in text


def test_real_files_keep_their_pixels(shared: Path) -> None:
    for path in sorted(shared.glob("media/**/*.png")):
        data = path.read_bytes()
        found = read(data)
        new = patched(data, replace(found.payloads, exif=TIFF, xmp=PACKET))
        assert pixels(new) == pixels(data)
        assert read(new).payloads == BOTH
