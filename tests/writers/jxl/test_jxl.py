"""What the JPEG XL container finds, what it writes, and what it refuses by name."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Optional

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.exiftool import ExifTool
from immich_meta_writers.containers import Payloads, jxl, jxl_compressed
from immich_meta_writers.errors import (
    DamagedError,
    EmptyFileError,
    NoRoomError,
    StructureError,
    TruncatedError,
    UnsupportedError,
)
from immich_meta_writers.source import MemorySource

TIFF = b"II*\x00\x08\x00\x00\x00\x01\x00\x0e\x01\x02\x00\x04\x00\x00\x00abc\x00\x00\x00\x00\x00"
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"/></rdf:RDF></x:xmpmeta>'
)
BOTH = Payloads(exif=TIFF, xmp=PACKET)

# A picture of 5 x 3 pixels.
STREAM = bytes.fromhex(
    "ff0a105010505c08080201008c004b188b15c211aa1770eb0f200241d671d466cb02686a7026990bf9836ffc8e883e4b00"
)


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def brob(kind: bytes, content: bytes) -> bytes:
    return box(b"brob", kind + brotli.compress(content))


def part(number: int, content: bytes) -> bytes:
    return box(b"jxlp", struct.pack(">I", number) + content)


def exif(block: bytes = TIFF) -> bytes:
    return box(b"Exif", bytes(4) + block)


def xmp(packet: bytes = PACKET) -> bytes:
    return box(b"xml ", packet)


START = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
WHOLE = box(b"jxlc", STREAM)


def made(*boxes: bytes) -> bytes:
    return START + b"".join(boxes)


def read(data: bytes) -> jxl.JxlFile:
    return jxl.read(MemorySource(data))


def patched(data: bytes, payloads: Payloads) -> bytes:
    return jxl.patch(read(data), payloads).apply(data)


def pixels(data: bytes, folder: Path) -> bytes:
    """The picture as djxl decodes it."""
    if shutil.which("djxl") is None:
        pytest.skip("djxl is not installed")
    source, target = folder / "in.jxl", folder / "out.ppm"
    source.write_bytes(data)
    subprocess.run(["djxl", str(source), str(target)], check=True, capture_output=True)
    return target.read_bytes()


class Fields:
    """Writes numbers from the lowest bit on (ISO/IEC 18181-1, B.2)."""

    def __init__(self) -> None:
        self._value = self._count = 0

    def put(self, value: int, bits: int) -> None:
        self._value |= value << self._count
        self._count += bits

    def length(self, value: int, is_small: bool) -> None:
        if is_small:
            self.put(value // 8 - 1, 5)
            return
        choice = next(index for index, bits in enumerate((9, 13, 18, 30)) if value - 1 < 1 << bits)
        self.put(choice, 2)
        self.put(value - 1, (9, 13, 18, 30)[choice])

    def encoded(self) -> bytes:
        return b"\xff\x0a" + self._value.to_bytes(self._count // 8 + 17, "little")


def head(
    width: int, height: int, *, ratio: int = 0, is_small: bool = False, orientation: Optional[int] = None
) -> bytes:
    fields = Fields()
    fields.put(is_small, 1)
    fields.length(height, is_small)
    fields.put(ratio, 3)
    if not ratio:
        fields.length(width, is_small)
    fields.put(orientation is None, 1)
    if orientation is not None:
        fields.put(orientation > 0, 1)
        fields.put(max(orientation - 1, 0), 3)
    return fields.encoded()


def test_accepts_both_forms() -> None:
    assert jxl.accepts(STREAM)
    assert jxl.accepts(START)
    assert not jxl.accepts(b"\0\0\0\x0cjP  \r\n\x87\n")


@pytest.mark.parametrize("size", [(1, 1), (512, 513), (8192, 8193), (262144, 262145), (1 << 30, 3), (5, 1 << 30)])
@pytest.mark.parametrize("orientation", [None, 0, 1, 6, 8])
def test_size_and_orientation_come_from_the_codestream(size: tuple[int, int], orientation: Optional[int]) -> None:
    data = head(*size, orientation=orientation)
    for found in (read(data), read(made(exif(), box(b"jxlc", data)))):
        assert found.raster == size
        assert found.orientation == (orientation or 1)


@pytest.mark.parametrize("size", [(8, 8), (256, 8), (64, 248)])
def test_small_sizes_have_a_form_of_their_own(size: tuple[int, int]) -> None:
    assert read(head(*size, is_small=True, orientation=3)).raster == size
    assert read(head(*size, is_small=True, orientation=3)).orientation == 3


@pytest.mark.parametrize(
    ("ratio", "width"), [(1, 1003), (2, 1203), (3, 1337), (4, 1504), (5, 1783), (6, 1253), (7, 2006)]
)
def test_a_width_may_be_a_ratio(ratio: int, width: int) -> None:
    assert read(head(0, 1003, ratio=ratio, orientation=5)).raster == (width, 1003)
    assert read(head(0, 1003, ratio=ratio, orientation=5)).orientation == 5


def test_a_bare_codestream_is_wrapped(tmp_path: Path) -> None:
    found = read(STREAM)
    assert found.payloads == Payloads()
    assert found.raster == (5, 3)
    assert not jxl.patch(found, Payloads()).splices
    new = patched(STREAM, BOTH)
    assert new == made(exif(), xmp(), WHOLE)
    assert pixels(new, tmp_path) == pixels(STREAM, tmp_path)


def test_a_bare_codestream_with_bytes_behind_it_is_wrapped_with_them(tmp_path: Path) -> None:
    data = STREAM + b"behind the codestream"
    assert pixels(patched(data, BOTH), tmp_path) == pixels(STREAM, tmp_path)


@pytest.mark.parametrize(
    "stream",
    [
        WHOLE,
        struct.pack(">I4s", 0, b"jxlc") + STREAM,
        struct.pack(">I4sQ", 1, b"jxlc", 16 + len(STREAM)) + STREAM,
        part(0, STREAM[:7]) + part(1, STREAM[7:9]) + part(2 | 1 << 31, STREAM[9:]),
        box(b"jxll", b"\x0a") + WHOLE,
    ],
    ids=["one box", "open", "64 bits", "parts", "level"],
)  # fmt: skip
def test_every_kind_of_container_takes_metadata_and_keeps_its_pixels(
    stream: bytes, tmp_path: Path, exiftool: ExifTool
) -> None:
    data = made(stream)
    found = read(data)
    assert found.raster == (5, 3)
    new = patched(data, BOTH)
    assert read(new).payloads == BOTH
    assert new.replace(exif() + xmp(), b"") == data
    assert new.endswith(stream[stream.index(b"jxl", 8) - 4 :] if b"jxll" in stream else stream)
    assert patched(new, Payloads()) == data
    if not stream.startswith(b"\0\0\0\1"):  # djxl 0.7 looks for the 64 bits in the wrong place
        assert pixels(new, tmp_path) == pixels(data, tmp_path)
    path = tmp_path / "new.jxl"
    path.write_bytes(new)
    reading = exiftool.run(["-s", "-G1", "-a", "-validate", "-warning", "-all", str(path)])
    assert b"Rating" in reading
    assert b"ImageDescription" in reading
    assert b"Warning" not in reading


def test_boxes_are_replaced_where_they_stand() -> None:
    data = made(xmp(), WHOLE, box(b"jumb", b"x"), exif())
    found = read(data)
    assert found.payloads == BOTH
    assert found.c2pa
    new = patched(data, Payloads(exif=TIFF + b"more", xmp=PACKET + b" "))
    assert new == made(xmp(PACKET + b" "), WHOLE, box(b"jumb", b"x"), exif(TIFF + b"more"))
    assert patched(data, Payloads()) == made(WHOLE, box(b"jumb", b"x"))


def test_a_payload_of_the_same_length_changes_only_itself() -> None:
    patch = jxl.patch(read(made(exif(), xmp(), WHOLE)), replace(BOTH, xmp=PACKET.replace(b'"3"', b'"4"')))
    assert [(splice.length, splice.data) for splice in patch.splices] == [(1, b"4")]


@pytest.mark.parametrize("front", [bytes(4), b"\0\0\0\6Exif\0\0", b"\0\0\0\2ab", b""])
def test_the_form_of_an_exif_box_is_kept(front: bytes) -> None:
    data = made(box(b"Exif", front + TIFF), WHOLE)
    assert read(data).payloads.exif == TIFF
    assert patched(data, Payloads(exif=TIFF + b"more")) == made(box(b"Exif", front + TIFF + b"more"), WHOLE)


@pytest.mark.parametrize("front", [b"\0\0\0\7", b"\xff\xff\xff\xff", b"\0\0\0\0Exif\0\0"])
def test_a_wrong_offset_in_an_exif_box_is_read_around(front: bytes) -> None:
    data = made(box(b"Exif", front + TIFF), WHOLE)
    assert read(data).payloads.exif == TIFF
    assert read(patched(data, Payloads(exif=TIFF + b"more"))).payloads.exif == TIFF + b"more"


def test_a_last_box_of_metadata_may_be_open() -> None:
    data = made(WHOLE, struct.pack(">I4s", 0, b"xml ") + PACKET)
    assert patched(data, Payloads(xmp=PACKET + b" ")) == data + b" "
    assert patched(data, BOTH) == made(exif(), WHOLE, struct.pack(">I4s", 0, b"xml ") + PACKET)


def test_a_box_with_a_large_header_keeps_it() -> None:
    data = made(struct.pack(">I4sQ", 1, b"xml ", 16 + len(PACKET)) + PACKET, WHOLE)
    new = made(struct.pack(">I4sQ", 1, b"xml ", 17 + len(PACKET)) + PACKET + b" ", WHOLE)
    assert patched(data, Payloads(xmp=PACKET + b" ")) == new


def test_compressed_boxes_are_read_and_stay_compressed(tmp_path: Path, exiftool: ExifTool) -> None:
    others = brob(b"abcd", b"foreign")
    data = made(brob(b"Exif", bytes(4) + TIFF), others, brob(b"xml ", PACKET), WHOLE)
    assert read(data).payloads == BOTH
    assert not jxl.patch(read(data), BOTH).splices
    new = patched(data, Payloads(exif=TIFF + b"more", xmp=PACKET.replace(b'"3"', b'"4"')))
    assert read(new).payloads == Payloads(exif=TIFF + b"more", xmp=PACKET.replace(b'"3"', b'"4"'))
    assert new.count(b"brob") == 3
    assert others in new
    assert pixels(new, tmp_path) == pixels(data, tmp_path)
    assert patched(data, Payloads()) == made(others, WHOLE)


@pytest.mark.parametrize("tail", [b"", b"\0", b"no brotli at all", brotli.compress(PACKET)[:-3]])
def test_damaged_compression_is_named_and_never_replaced(tail: bytes) -> None:
    with pytest.raises(StructureError, match="Brotli stream"):
        read(made(box(b"brob", b"xml " + tail), WHOLE))


def test_a_bomb_is_not_inflated_beyond_its_cap() -> None:
    bomb = brotli.compress(bytes(200 << 20), quality=1)
    with pytest.raises(StructureError, match="more than"):
        read(made(box(b"brob", b"Exif" + bomb), WHOLE))
    assert jxl_compressed.decompressed(brotli.compress(bytes(1 << 20)), "here") == bytes(1 << 20)


def test_of_several_boxes_the_first_valid_one_counts_and_the_others_stay() -> None:
    boxes = (exif(b"nothing"), xmp(b"<other/>"), exif(), xmp(), exif(TIFF + b"2"), xmp(PACKET + b"2"))
    data = made(*boxes, WHOLE)
    found = read(data)
    assert found.payloads == BOTH
    assert len(found.notes) == 4
    assert patched(data, Payloads()) == made(boxes[0], boxes[1], boxes[4], boxes[5], WHOLE)


def test_xml_that_is_no_packet_is_not_ours() -> None:
    data = made(xmp(b"<svg/>"), WHOLE)
    assert read(data).payloads.xmp is None
    assert patched(data, Payloads(xmp=PACKET)) == made(xmp(b"<svg/>"), xmp(), WHOLE)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be", "utf-32"])
def test_a_packet_in_another_encoding_is_one(codec: str) -> None:
    packet = PACKET.decode().encode(codec)
    assert read(made(xmp(packet), WHOLE)).payloads.xmp == packet


def test_a_cut_packet_is_handed_out_and_not_passed_by() -> None:
    assert read(made(xmp(b"<?xpacket begin='' id=''?><x:xm"), WHOLE)).payloads.xmp


def test_the_reconstruction_of_a_jpeg_is_a_drawback() -> None:
    data = made(box(b"jbrd", b"x"), WHOLE)
    found = read(data)
    assert "reconstruction" in str(found.drawback(jxl.patch(found, BOTH)))
    assert found.drawback(jxl.patch(found, Payloads())) is None
    assert read(patched(data, BOTH)).payloads == BOTH
    assert read(made(WHOLE)).drawback(jxl.patch(read(made(WHOLE)), BOTH)) is None


@pytest.mark.parametrize("blank", [b"", bytes(3), bytes(40)])
def test_a_blank_exif_block_is_none_and_gives_its_place(blank: bytes) -> None:
    data = made(box(b"Exif", blank), WHOLE)
    assert read(data).payloads.exif is None
    assert not jxl.patch(read(data), Payloads()).splices
    assert patched(data, Payloads(exif=TIFF)) == made(exif(), WHOLE)


def test_other_payloads_have_no_place() -> None:
    with pytest.raises(UnsupportedError, match="photoshop"):
        jxl.patch(read(STREAM), Payloads(photoshop=b"8BIM"))


def test_a_payload_that_is_too_large_is_named() -> None:
    with pytest.raises(NoRoomError, match="xml"):
        jxl.patch(read(STREAM), Payloads(xmp=bytes((64 << 20) + 1)))


def test_every_cut_in_front_of_the_codestreams_end_is_truncation() -> None:
    first = part(0, STREAM[:20])
    data = made(box(b"jxll", b"\5"), exif(), first, xmp(), part(1 | 1 << 31, STREAM[20:]))
    with pytest.raises(EmptyFileError):
        read(b"")
    for end in range(1, len(data)):
        with pytest.raises(DamagedError) as raised:
            read(data[:end])
        assert isinstance(raised.value, TruncatedError) or end < 12
    for end in range(2, 4):
        with pytest.raises(TruncatedError):
            read(STREAM[:end])


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"nothing", "not a JPEG XL"),
        (made(box(b"jxlc", b"\xff\x0b" + bytes(20))), "does not begin with FF 0A"),
        (made(struct.pack(">I4s", 7, b"jxlc") + STREAM), "less than its header"),
        (made(struct.pack(">I4sQ", 1, b"jxlc", 15) + STREAM), "less than its header"),
    ],
)
def test_lies_are_named(data: bytes, cause: str) -> None:
    with pytest.raises(StructureError, match=cause):
        read(data)


@pytest.mark.parametrize("size", [1 << 31, (1 << 63) + 7, (1 << 64) - 1])
def test_a_box_that_claims_more_than_the_file_is_truncation(size: int) -> None:
    with pytest.raises(TruncatedError):
        read(made(struct.pack(">I4sQ", 1, b"Exif", size) + bytes(4) + TIFF))


FOREIGN = st.tuples(st.sampled_from([b"abcd", b"jumb", b"jxli", b"free", b"brob"]), st.binary(max_size=40)).map(
    lambda pair: box(*pair)
)
BLOCKS = st.one_of(st.none(), st.binary(max_size=40).map(lambda tail: TIFF + tail))
PACKETS = st.one_of(st.none(), st.binary(max_size=40).map(lambda tail: PACKET + tail))
EXIFS = st.sampled_from([exif(), brob(b"Exif", bytes(4) + TIFF), box(b"Exif", b"\0\0\0\6Exif\0\0" + TIFF)])
XMPS = st.sampled_from([xmp(), brob(b"xml ", PACKET)])
MINE = st.lists(st.one_of(FOREIGN, EXIFS, XMPS), max_size=6)


@settings(max_examples=200)
@given(MINE, MINE, BLOCKS, PACKETS, st.booleans())
def test_whatever_is_written_reads_back_and_nothing_else_changes(
    front: list[bytes], back: list[bytes], block: Optional[bytes], packet: Optional[bytes], is_split: bool
) -> None:
    parts = [part(0, STREAM[:20]), part(1 | 1 << 31, STREAM[20:])] if is_split else [WHOLE]
    data = made(*front, *parts, *back)
    found = read(data)
    wanted = Payloads(exif=block or found.payloads.exif, xmp=packet or found.payloads.xmp)
    patch = jxl.patch(found, wanted)
    new = patch.apply(data)
    again = read(new)
    assert again.payloads == wanted
    assert not jxl.patch(again, wanted).splices
    used = [data[home.box.start : home.box.end] for home in (found.exif, found.xmp) if home is not None]
    ours = [new[home.box.start : home.box.end] for home in (again.exif, again.xmp) if home is not None]
    assert without(new, ours) == without(data, used)
    assert patch.invert(lambda offset, length: data[offset : offset + length]).apply(new) == data


def without(data: bytes, some: list[bytes]) -> list[bytes]:
    """All boxes but the first of each of `some`."""
    at, rest = 0, []
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        rest.append(data[at : at + size])
        at += size
    for each in some:
        rest.remove(each)
    return rest


@settings(max_examples=400)
@given(st.integers(0, 200), st.binary(max_size=8), st.binary(max_size=60))
def test_only_our_own_errors_escape(at: int, noise: bytes, tail: bytes) -> None:
    data = made(exif(), brob(b"xml ", PACKET), WHOLE)
    for hostile in (data[:at] + noise + data[at + len(noise) :], START + tail, b"\xff\x0a" + tail):
        try:
            found = read(hostile)
        except DamagedError:
            continue
        jxl.patch(found, BOTH).apply(hostile)


def test_real_files_keep_their_pixels(shared: Path, tmp_path: Path) -> None:
    if shutil.which("djxl") is None:
        pytest.skip("djxl is not installed")
    for path in sorted(shared.glob("media/**/*.jxl")):
        data = path.read_bytes()
        new = patched(data, BOTH)
        assert read(new).payloads == BOTH
        if len(data) < 2 << 20:
            assert pixels(new, tmp_path) == pixels(data, tmp_path)
