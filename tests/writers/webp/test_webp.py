"""What the WebP container finds, what it writes, and what it refuses by name."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from fixtures.exiftool import ExifTool
from immich_meta_writers.containers import Payloads, webp
from immich_meta_writers.errors import (
    DamagedError,
    EmptyFileError,
    NoRoomError,
    StructureError,
    TruncatedError,
    UnsupportedError,
)
from immich_meta_writers.source import MemorySource
from tests.writers.webp import chunks
from tests.writers.webp.chunks import KINDS, PACKET, TIFF, chunk, extended, image, riff, saved, split

BOTH = Payloads(exif=TIFF, xmp=PACKET)
EXIF, XMP = chunk(b"EXIF", TIFF), chunk(b"XMP ", PACKET)
OWN = (b"EXIF", b"XMP ", b"XMP\0", b"VP8X")


def read(data: bytes) -> webp.WebpFile:
    return webp.read(MemorySource(data))


def patched(data: bytes, payloads: Payloads) -> bytes:
    return webp.patch(read(data), payloads).apply(data)


def pixels(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as picture:
        return [frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(picture)]


def test_accepts_only_webp() -> None:
    assert webp.accepts(b"RIFF\0\0\0\0WEBP")
    assert not webp.accepts(b"RIFF\0\0\0\0WAVE")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_metadata_and_keeps_its_pixels(kind: str, tmp_path: Path, exiftool: ExifTool) -> None:
    data = saved(kind)
    found = read(data)
    assert found.payloads == Payloads()
    assert found.raster == (20, 10)
    assert found.orientation is None
    new = patched(data, BOTH)
    assert pixels(new) == pixels(data)
    with Image.open(io.BytesIO(new)) as picture:
        assert picture.getexif()[0x010E] == "abc"
        assert picture.info["xmp"] == PACKET
    flags = split(new)[0][8]
    assert split(new)[0][:4] == b"VP8X"
    assert flags & 0x0C == 0x0C
    assert bool(flags & 0x10) == ("alpha" in kind)
    assert bool(flags & 0x02) == (kind == "animated")
    assert bool(flags & 0x20) == (kind == "profile")
    assert split(new)[-3:] == [EXIF, XMP, b""]
    assert [each for each in split(new) if each[:4] not in OWN] == [e for e in split(data) if e[:4] not in OWN]
    path = tmp_path / "new.webp"
    path.write_bytes(new)
    assert b"Warning" not in exiftool.run(["-s", "-a", "-validate", "-warning", str(path)])
    assert b"XMP, EXIF" in exiftool.run(["-WebP_Flags", str(path)])


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16383, 1), (3, 16383), (257, 255)])
@pytest.mark.parametrize("lossless", [False, True])
def test_a_new_canvas_has_the_size_of_the_image(width: int, height: int, lossless: bool) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, "WEBP", lossless=lossless, method=0)
    found = read(stream.getvalue())
    assert found.raster == (width, height)
    assert split(patched(stream.getvalue(), BOTH))[0] == extended(0x0C, width, height)


def test_the_scale_bits_of_a_lossy_image_are_not_its_size() -> None:
    content = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 20 | 0x4000, 10 | 0xC000)
    assert read(riff(chunk(b"VP8 ", content))).raster == (20, 10)


@pytest.mark.parametrize("kind", ["lossy", "lossless", "alpha-lossless"])
def test_taking_all_back_leaves_a_readable_file(kind: str) -> None:
    new = patched(patched(saved(kind), BOTH), Payloads())
    assert pixels(new) == pixels(saved(kind))
    assert read(new).payloads == Payloads()
    assert split(new)[0][8] & 0x0C == 0


def test_chunks_are_replaced_where_they_stand() -> None:
    data = riff(extended(0x0C), XMP, image(), chunk(b"abcd", b"12345"), EXIF)
    new = patched(data, Payloads(exif=TIFF + b"more", xmp=PACKET + b"!"))
    foreign = chunk(b"abcd", b"12345")
    own = chunk(b"XMP ", PACKET + b"!"), chunk(b"EXIF", TIFF + b"more")
    assert split(new) == [extended(0x0C), own[0], image(), foreign, own[1], b""]


def test_new_chunks_stand_behind_the_image_and_exif_in_front_of_xmp() -> None:
    foreign = chunk(b"abcd", b"x")
    assert split(patched(riff(extended(4), image(), XMP, foreign), BOTH)) == [
        extended(0x0C), image(), EXIF, XMP, foreign, b""
    ]  # fmt: skip
    assert split(patched(riff(extended(8), image(), foreign, EXIF), BOTH)) == [
        extended(0x0C), image(), foreign, EXIF, XMP, b""
    ]  # fmt: skip
    assert split(patched(riff(extended(8), EXIF, image(), foreign), BOTH)) == [
        extended(0x0C), EXIF, image(), XMP, foreign, b""
    ]  # fmt: skip


def test_a_payload_of_the_same_length_changes_only_itself() -> None:
    data = riff(extended(0x0C), image(), EXIF, XMP)
    patch = webp.patch(read(data), Payloads(exif=TIFF, xmp=PACKET.replace(b'"3"', b'"4"')))
    assert [(splice.length, splice.data) for splice in patch.splices] == [(1, b"4")]


def test_the_same_payloads_change_nothing_even_where_the_flags_lie() -> None:
    data = riff(extended(0), image(), EXIF, XMP)
    assert read(data).payloads == BOTH
    assert not webp.patch(read(data), BOTH).splices


def test_flags_that_lie_become_true_with_the_next_change() -> None:
    data = riff(extended(0xFB), image(), XMP)
    new = patched(data, Payloads(xmp=PACKET + b" "))
    assert split(new)[0][8] == 0xF7


def test_jpegs_header_in_front_of_the_block_is_read_and_not_written() -> None:
    data = riff(extended(8), image(), chunk(b"EXIF", b"Exif\0\0" + TIFF))
    assert read(data).payloads.exif == TIFF
    assert not webp.patch(read(data), Payloads(exif=TIFF)).splices
    assert split(patched(data, Payloads(exif=TIFF + b"x")))[2] == chunk(b"EXIF", TIFF + b"x")


def test_the_other_spelling_of_xmp_is_read_and_corrected() -> None:
    data = riff(extended(4), image(), chunk(b"XMP\0", PACKET))
    assert read(data).payloads.xmp == PACKET
    assert split(patched(data, Payloads(xmp=PACKET + b" ")))[2] == chunk(b"XMP ", PACKET + b" ")


def test_of_several_chunks_the_first_valid_one_counts_and_the_others_stay() -> None:
    others = (chunk(b"EXIF", b"nothing"), chunk(b"XMP ", b" "), EXIF, XMP, chunk(b"EXIF", TIFF + b"2"))
    data = riff(extended(0x0C), image(), *others)
    found = read(data)
    assert found.payloads == BOTH
    assert len(found.notes) == 3
    new = split(patched(data, Payloads()))
    assert new == [extended(0x0C), image(), others[0], others[1], others[4], b""]


def test_content_credentials_are_seen() -> None:
    assert read(riff(extended(0), image(), chunk(b"C2PA", b"jumb"))).c2pa


def test_bytes_behind_the_riff_stay_there() -> None:
    new = patched(riff(image(), trailer=b"behind"), BOTH)
    assert split(new)[-2:] == [XMP, b"behind"]


ODD = PACKET + b" " * (1 - len(PACKET) % 2)


@pytest.mark.parametrize("counts", [0, 1])
def test_a_last_chunk_without_its_padding_is_read(counts: int) -> None:
    data = unpadded(riff(extended(4), image(), chunk(b"XMP ", ODD)), counts)
    assert read(data).payloads.xmp == ODD
    new = patched(data, Payloads(exif=TIFF, xmp=ODD + b"??"))
    assert split(new) == [extended(0x0C), image(), EXIF, chunk(b"XMP ", ODD + b"??"), b""]
    assert split(patched(data, Payloads(xmp=ODD[1:] + b">")))[-2] == chunk(b"XMP ", ODD[1:] + b">")
    assert split(patched(data, Payloads())) == [extended(0), image(), b""]


@pytest.mark.parametrize("counts", [0, 1])
def test_what_comes_behind_a_chunk_without_its_padding_gives_it(counts: int) -> None:
    lossy = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 20, 10) + b"7"
    data = unpadded(riff(chunk(b"VP8 ", lossy)), counts)
    assert split(patched(data, BOTH)) == [extended(0x0C), chunk(b"VP8 ", lossy), EXIF, XMP, b""]
    odd = TIFF + b"x" * (1 - len(TIFF) % 2)
    data = unpadded(riff(extended(8), image(), chunk(b"EXIF", odd)), counts)
    assert split(patched(data, Payloads(exif=odd, xmp=PACKET)))[2:] == [chunk(b"EXIF", odd), XMP, b""]
    assert split(patched(data, Payloads(exif=odd + b"yy", xmp=PACKET)))[2:] == [chunk(b"EXIF", odd + b"yy"), XMP, b""]
    assert split(patched(data, Payloads(xmp=PACKET)))[2:] == [XMP, b""]


def unpadded(data: bytes, counts: int) -> bytes:
    """The last byte cut off; `counts`: the RIFF's size says that it is there."""
    return data[:4] + struct.pack("<I", len(data) - 9 + counts) + data[8:-1]


def test_a_riff_that_is_longer_than_the_file_is_truncated() -> None:
    data = riff(extended(0), image(), EXIF)
    with pytest.raises(EmptyFileError):
        read(b"")
    for end in range(1, len(data)):
        with pytest.raises(DamagedError) as raised:
            read(data[:end])
        assert isinstance(raised.value, TruncatedError)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"RIFF\0\0\0\0WAVEabcdefgh", "not a WebP"),
        (b"RIFF\4\0\0\0WEBP", "claims 4 bytes"),
        (riff(extended(0)), "no image data"),
        (riff(EXIF), "no image data"),
        (riff(chunk(b"VP8X", b"123"), image()), "VP8X is too short"),
        (riff(chunk(b"VP8 ", b"123")), "does not begin an image"),
        (riff(chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\0\0\0\0")), "does not begin an image"),
        (riff(chunk(b"VP8 ", b"\x11\0\0\x9d\x01\x2a\1\0\1\0")), "does not begin an image"),
        (riff(chunk(b"VP8L", b"/123")), "does not begin an image"),
        (riff(chunk(b"ALPH", b"1234"), image()), "does not begin an image"),
        (riff(image(), b"EXIF\xff\xff\xff\xff" + TIFF, trailer=b"x"), "too many"),
        (riff(extended(0), image(), *[chunk(b"EXIF", b"")] * 5000), "more chunks"),
    ],
)
def test_lies_are_named(data: bytes, cause: str) -> None:
    with pytest.raises(StructureError, match=cause):
        read(data)


@pytest.mark.parametrize("blank", [b"", bytes(3), bytes(40)])
def test_a_blank_exif_block_is_none_and_gives_its_place(blank: bytes) -> None:
    data = riff(extended(8), image(), chunk(b"EXIF", blank))
    assert read(data).payloads.exif is None
    assert not webp.patch(read(data), Payloads()).splices
    assert patched(data, Payloads(exif=TIFF)) == riff(extended(8), image(), EXIF)


def test_other_payloads_have_no_place() -> None:
    with pytest.raises(UnsupportedError, match="photoshop"):
        webp.patch(read(saved("lossy")), Payloads(photoshop=b"8BIM"))


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(NoRoomError, match="EXIF"):
        webp.patch(read(saved("lossy")), Payloads(exif=bytes(webp.ROOM.exif + 1)))
    found = read(saved("lossy"))
    huge = replace(found, structure=found.structure._replace(end=(1 << 32) - 20))
    with pytest.raises(NoRoomError, match="4 GiB"):
        webp.patch(huge, BOTH)


FOREIGN = st.tuples(st.sampled_from([b"abcd", b"ICCP", b"zzzz", b"C2PA"]), st.binary(max_size=9)).map(
    lambda pair: chunk(*pair)
)
BLOCKS = st.one_of(st.none(), st.binary(max_size=9).map(lambda tail: TIFF + tail))
PACKETS = st.one_of(st.none(), st.binary(max_size=9).map(lambda tail: PACKET + tail))
MINE = st.lists(
    st.one_of(
        FOREIGN,
        BLOCKS.filter(bool).map(lambda block: chunk(b"EXIF", block)),
        PACKETS.filter(bool).map(lambda packet: chunk(b"XMP ", packet)),
    ),
    max_size=6,
)


@settings(max_examples=150)
@given(st.booleans(), MINE, MINE, BLOCKS, PACKETS, st.binary(max_size=5), st.booleans())
def test_whatever_is_written_reads_back_and_nothing_else_changes(
    is_extended: bool,
    front: list[bytes],
    back: list[bytes],
    exif: Optional[bytes],
    xmp: Optional[bytes],
    trailer: bytes,
    is_cut: bool,
) -> None:
    head = (extended(0x10), *front) if is_extended else ()
    data = riff(*head, image("lossless"), *back, trailer=trailer)
    if is_cut and not trailer and back and struct.unpack_from("<I", back[-1], 4)[0] % 2:
        data = unpadded(data, 1)
    found = read(data)
    wanted = Payloads(exif=exif, xmp=xmp)
    patch = webp.patch(found, wanted)
    new = patch.apply(data)
    again = read(new)
    used = [home.chunk for home in (found.exif, found.xmp) if home is not None]
    if len(used) == len(found.structure.kept):
        assert again.payloads == wanted
        assert not webp.patch(again, wanted).splices
    rest = [data[c.start : c.end] for c in used]
    assert foreign(new) == foreign(data)
    assert len(again.structure.kept) >= len(found.structure.kept) - len(rest)
    assert patch.invert(lambda offset, length: data[offset : offset + length]).apply(new) == data
    if new != data and struct.unpack_from("<I", new, 4)[0] + 8 <= len(new):
        assert split(new)[-1] == trailer


def foreign(data: bytes) -> list[bytes]:
    """The contents of all chunks but EXIF, XMP and VP8X."""
    at, found = 12, []
    while at + 8 <= min(len(data), 8 + struct.unpack_from("<I", data, 4)[0]):
        size = struct.unpack_from("<I", data, at + 4)[0]
        if data[at : at + 4] not in OWN:
            found.append(data[at : at + 8 + size])
        at += 8 + size + size % 2
    return found


@settings(max_examples=300)
@given(st.integers(0, 120), st.binary(max_size=8), st.binary(max_size=60))
def test_only_our_own_errors_escape(at: int, noise: bytes, tail: bytes) -> None:
    data = riff(extended(0x0C), image(), EXIF, XMP)
    for hostile in (data[:at] + noise + data[at + len(noise) :], riff(tail), data[:12] + tail):
        try:
            found = read(hostile)
        except DamagedError:
            continue
        webp.patch(found, BOTH).apply(hostile)


def test_real_files_keep_their_pixels(shared: Path) -> None:
    for path in sorted(shared.glob("media/**/*.webp")):
        data = path.read_bytes()
        new = patched(data, BOTH)
        assert pixels(new) == pixels(data)
        assert read(new).payloads == BOTH
        assert chunks.split(new)[-1] == b""
