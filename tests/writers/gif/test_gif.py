"""What the GIF container finds, what it writes, and what it refuses by name."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from fixtures.exiftool import ExifTool
from immich_meta_writers.containers import Payloads, gif
from immich_meta_writers.errors import (
    DamagedError,
    EmptyFileError,
    NoRoomError,
    StructureError,
    TruncatedError,
    UnsupportedError,
)
from immich_meta_writers.source import MemorySource

PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"/></rdf:RDF></x:xmpmeta>'
)


def _frame() -> bytes:
    """An image of 5 x 4 pixels without a table of its own."""
    image = Image.new("P", (5, 4))
    image.putpalette(b"\xff\xff\xff\0\0\0")
    image.putpixel((2, 3), 1)
    stream = io.BytesIO()
    image.save(stream, "GIF")
    data = stream.getvalue()
    return data[data.index(b"\x2c\0\0\0\0\x05\0\x04\0\0") : -1]


RAMP = b"\x01" + bytes(255 - step for step in range(256)) + b"\0"
SCREEN = b"\x05\0\x04\0\x80\0\0" + b"\xff\xff\xff\0\0\0"
FRAME = _frame()
CONTROL = b"\x21\xf9\x04\0\x05\0\0\0"
COMMENT = b"\x21\xfe\x05hello\0"
LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
ICC = b"\x21\xff\x0bICCRGBG1012\x03abc\0"


def xmp(packet: bytes = PACKET) -> bytes:
    return b"\x21\xff\x0bXMP DataXMP" + packet + RAMP


def framed(packet: bytes) -> bytes:
    """In proper sub-blocks, as other editors leave it."""
    parts = [packet[at : at + 255] for at in range(0, len(packet), 255)]
    return b"\x21\xff\x0bXMP DataXMP" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def made(*blocks: bytes, version: bytes = b"GIF89a", end: bytes = b"\x3b") -> bytes:
    return version + SCREEN + b"".join(blocks) + end


def read(data: bytes) -> gif.GifFile:
    return gif.read(MemorySource(data))


def patched(data: bytes, packet: Optional[bytes]) -> bytes:
    return gif.patch(read(data), Payloads(xmp=packet)).apply(data)


def pixels(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as image:
        return [frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(image)]


def test_accepts_both_versions() -> None:
    assert gif.accepts(b"GIF87a")
    assert gif.accepts(b"GIF89a")
    assert not gif.accepts(b"GIF90a")


def test_a_gif_without_metadata_has_no_payloads() -> None:
    found = read(made(CONTROL, FRAME))
    assert found.payloads == Payloads()
    assert found.raster == (5, 4)
    assert found.orientation == 1
    assert found.notes == ()


@pytest.mark.parametrize("blocks", [(xmp(), FRAME), (CONTROL, FRAME, xmp()), (ICC, xmp(), LOOP, CONTROL, FRAME)])
def test_the_packet_is_found_wherever_it_stands(blocks: tuple[bytes, ...]) -> None:
    assert read(made(*blocks)).payloads.xmp == PACKET


def test_a_new_packet_stands_in_front_of_the_first_image() -> None:
    assert patched(made(CONTROL, FRAME), PACKET) == made(xmp(), CONTROL, FRAME)
    assert patched(made(COMMENT, FRAME), PACKET) == made(xmp(), COMMENT, FRAME)


def test_a_new_packet_stands_behind_the_loop() -> None:
    assert patched(made(LOOP, COMMENT, CONTROL, FRAME), PACKET) == made(LOOP, xmp(), COMMENT, CONTROL, FRAME)


def test_a_new_packet_does_not_separate_a_frame_from_its_control() -> None:
    assert patched(made(CONTROL, LOOP, FRAME), PACKET) == made(xmp(), CONTROL, LOOP, FRAME)


def test_the_old_version_has_no_extensions_and_becomes_the_new_one() -> None:
    data = made(FRAME, version=b"GIF87a")
    assert patched(data, PACKET) == made(xmp(), FRAME)
    assert not gif.patch(read(data), Payloads()).splices


def test_a_packet_is_replaced_where_it_stands() -> None:
    data = made(ICC, FRAME, xmp(), CONTROL, FRAME)
    assert patched(data, PACKET + b" ") == made(ICC, FRAME, xmp(PACKET + b" "), CONTROL, FRAME)
    assert patched(data, None) == made(ICC, FRAME, CONTROL, FRAME)


def test_a_packet_of_the_same_length_changes_only_itself() -> None:
    patch = gif.patch(read(made(xmp(), FRAME)), Payloads(xmp=PACKET.replace(b'"3"', b'"4"')))
    assert [(splice.length, splice.data) for splice in patch.splices] == [(1, b"4")]


LONG = PACKET + b" " * 700


@pytest.mark.parametrize(
    ("block", "packet"),
    [
        (framed(PACKET), PACKET),
        (framed(LONG), LONG),
        (framed(b"\xef\xbb\xbf" + PACKET), b"\xef\xbb\xbf" + PACKET),
        (b"\x21\xff\x0bXMP DataXMP" + PACKET + RAMP[1:], PACKET),
        (b"\x21\xff\x0bXMP DataXMP" + PACKET + b"\x01\xff" + RAMP[1:], PACKET + b"\x01\xff"),
    ],
)
def test_unusual_forms_are_read_and_put_right_when_they_change(block: bytes, packet: bytes) -> None:
    data = made(block, FRAME)
    assert read(data).payloads.xmp == packet
    assert not gif.patch(read(data), Payloads(xmp=packet)).splices
    assert patched(data, LONG + b"new") == made(xmp(LONG + b"new"), FRAME)


def test_of_several_packets_the_first_that_is_not_blank_counts() -> None:
    data = made(xmp(b" \n "), xmp(), xmp(b"<other/>"), FRAME)
    found = read(data)
    assert found.payloads.xmp == PACKET
    assert len(found.notes) == 2
    assert patched(data, PACKET + b"!") == made(xmp(b" \n "), xmp(PACKET + b"!"), xmp(b"<other/>"), FRAME)


@pytest.mark.parametrize("end", [b"", b"\x3bbehind", b"\0\0\0", b"garbage", b"\x3b" + FRAME])
def test_a_missing_trailer_and_what_stands_behind_it_stay(end: bytes) -> None:
    data = made(CONTROL, FRAME, end=end)
    assert patched(data, PACKET) == made(xmp(), CONTROL, FRAME, end=end)


def test_zeros_between_blocks_are_stepped_over() -> None:
    data = made(bytes(5000), FRAME, b"\0", xmp(), bytes(30), FRAME, end=bytes(9))
    assert read(data).payloads.xmp == PACKET
    assert patched(data, None) == data.replace(xmp(), b"")


def test_content_credentials_are_seen() -> None:
    assert read(made(b"\x21\xff\x0bC2PA_GIF\1\0\0\x03abc\0", FRAME)).c2pa


def test_a_screen_without_size_has_no_raster() -> None:
    assert read(b"GIF89a" + bytes(7) + FRAME + b"\x3b").raster is None


def test_local_colour_tables_are_stepped_over() -> None:
    local = FRAME[:9] + b"\x81" + b"\x3b" * 12 + FRAME[10:]
    assert patched(made(local, xmp()), None) == made(local)


def test_other_payloads_have_no_place() -> None:
    with pytest.raises(UnsupportedError, match="no place for exif"):
        gif.patch(read(made(FRAME)), Payloads(exif=b"II*\0"))


def test_a_packet_that_would_end_its_own_block_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="zero byte"):
        patched(made(FRAME), PACKET.decode().encode("utf-16"))
    with pytest.raises(NoRoomError):
        patched(made(FRAME), b" " * (gif.ROOM.xmp + 1))


def test_every_cut_but_between_blocks_is_truncation() -> None:
    data = made(LOOP, xmp(), CONTROL, FRAME)
    with pytest.raises(EmptyFileError):
        read(b"")
    for end in range(6, len(data) - 1):
        with pytest.raises(TruncatedError):
            read(data[:end])
    assert read(data[:-1]).payloads.xmp == PACKET


@pytest.mark.parametrize(
    ("data", "cause"),
    [(b"GIF", "not a GIF"), (made(), "no image"), (made(b"\1", FRAME), "no image"), (made(COMMENT), "no image")],
)
def test_lies_are_named(data: bytes, cause: str) -> None:
    with pytest.raises(StructureError, match=cause):
        read(data)


def test_more_packets_than_any_image_has_are_refused() -> None:
    with pytest.raises(StructureError, match="more blocks"):
        read(made(*[framed(b"x")] * 5000, FRAME))


def test_a_large_image_is_followed_in_large_steps() -> None:
    class Counting(MemorySource):
        calls = largest = 0

        def read_at(self, offset: int, length: int) -> bytes:
            self.calls += 1
            self.largest = max(self.largest, length)
            return super().read_at(offset, length)

    pixels_of_20_mb = (b"\xff" + bytes(255)) * 80_000
    source = Counting(made(FRAME[:11] + pixels_of_20_mb + b"\0", xmp()))
    start = time.perf_counter()
    assert gif.read(source).payloads.xmp == PACKET
    assert time.perf_counter() - start < 2
    assert source.calls < 200
    assert source.largest <= 1 << 18


PACKETS = st.one_of(st.none(), st.binary(max_size=600).map(lambda tail: PACKET + tail.replace(b"\0", b"0")))
BLOCK = st.one_of(
    st.sampled_from([COMMENT, LOOP, ICC, CONTROL + FRAME, FRAME]),
    st.binary(min_size=1, max_size=255).map(lambda text: b"\x21\xfe" + bytes([len(text)]) + text + b"\0"),
)


@settings(max_examples=200)
@given(
    st.lists(BLOCK), st.lists(BLOCK), PACKETS, PACKETS, st.sampled_from([b"", b"\x3b", b"\x3bbehind"]), st.booleans()
)
def test_whatever_is_written_reads_back_and_nothing_else_changes(
    front: list[bytes], back: list[bytes], old: Optional[bytes], new: Optional[bytes], end: bytes, is_old: bool
) -> None:
    version = b"GIF87a" if is_old else b"GIF89a"
    data = made(*front, *([] if old is None else [xmp(old)]), FRAME, *back, end=end, version=version)
    found = read(data)
    assert found.payloads.xmp == old
    patch = gif.patch(found, Payloads(xmp=new))
    result = patch.apply(data)
    assert read(result).payloads.xmp == new
    assert not gif.patch(read(result), Payloads(xmp=new)).splices
    rest = result if new is None else result.replace(xmp(new), b"")
    assert rest[6:] == (data if old is None else data.replace(xmp(old), b""))[6:]
    assert pixels(result) == pixels(data)
    assert patch.invert(lambda offset, length: data[offset : offset + length]).apply(result) == data
    if old is None:
        assert patched(result, None)[6:] == data[6:]


@settings(max_examples=300)
@given(st.integers(0, 700), st.binary(max_size=8), st.binary(max_size=60))
def test_only_our_own_errors_escape(at: int, noise: bytes, tail: bytes) -> None:
    data = made(LOOP, xmp(), CONTROL, FRAME)
    for hostile in (data[:at] + noise + data[at + len(noise) :], b"GIF89a" + tail, made(tail)):
        try:
            found = read(hostile)
        except DamagedError:
            continue
        gif.patch(found, Payloads(xmp=PACKET)).apply(hostile)


@pytest.mark.parametrize("count", [1, 3])
def test_others_read_what_was_written(count: int, tmp_path: Path, exiftool: ExifTool) -> None:
    frames = [Image.new("RGB", (11, 5), colour) for colour in ("red", "green", "blue")][:count]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], loop=0, duration=50)
    data = stream.getvalue()
    new = patched(data, PACKET)
    assert pixels(new) == pixels(data)
    assert len(pixels(new)) == count
    path = tmp_path / "new.gif"
    path.write_bytes(new)
    reading = exiftool.run(["-s", "-G1", "-a", "-validate", "-warning", "-all", str(path)]).decode()
    assert "[XMP-xmp]       Rating" in reading
    assert reading.count("Warning") == 0


@pytest.mark.parametrize("loop", [(), (LOOP,)])
def test_a_packet_by_another_writer_stays_readable(loop: tuple[bytes, ...], tmp_path: Path, exiftool: ExifTool) -> None:
    path = tmp_path / "other.gif"
    path.write_bytes(made(*loop, ICC, CONTROL, FRAME))
    exiftool.run(["-overwrite_original", "-XMP-dc:Title=foreign", str(path)])
    data = path.read_bytes()
    packet = read(data).payloads.xmp
    assert packet is not None
    path.write_bytes(patched(data, packet.replace(b"foreign", b"longer than before")))
    assert b"longer than before" in exiftool.run(["-XMP-dc:Title", str(path)])
    assert pixels(path.read_bytes()) == pixels(data)
    assert ICC in path.read_bytes()
