"""Sound files that look strange, and broken ones that look sound, through the whole plan.

Not here: each container's own structures (tests/writers/<format>).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.catalogue import BY_NAME
from immich_meta_writers import PhotoMetadata, plan
from immich_meta_writers.containers import Payloads, webp
from immich_meta_writers.errors import TruncatedError
from immich_meta_writers.source import MemorySource

WANTED = PhotoMetadata(caption="x")


def boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the boxes at top level."""
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position, position + (size or len(data) - position)
        position += size or len(data) - position


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["plain.heic", "plain.avif", "sequence.heic"])
def test_a_heif_file_of_nothing_but_its_brand_is_cut_and_gets_no_sidecar(tmp_path: Path, name: str) -> None:
    data = BY_NAME[name].build()
    with pytest.raises(TruncatedError):
        plan(written(tmp_path, name, data[: struct.unpack(">I", data[:4])[0]]), WANTED)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("tail", [b"0000ABCD" * 9, b"trailer of text"])
@pytest.mark.parametrize("name", ["plain.heic", "plain.avif", "container.jxl", "plain.mov"])
def test_a_text_behind_the_boxes_is_a_trailer_and_stays(tmp_path: Path, name: str, tail: bytes) -> None:
    path = written(tmp_path, name, BY_NAME[name].build() + tail)
    plan(path, WANTED).apply()
    assert path.read_bytes().endswith(tail)
    assert plan(path, WANTED).is_empty
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("kind", [b"uuid", b"junk", b"PICT", b"udta"])
def test_a_movie_without_a_brand_may_begin_with_another_box(tmp_path: Path, kind: bytes) -> None:
    path = written(tmp_path, "a.mov", struct.pack(">I4s", 24, kind) + bytes(16) + BY_NAME["no-ftyp.mov"].build())
    plan(path, WANTED).apply()
    assert plan(path, WANTED).is_empty


@pytest.mark.parametrize("kind", [b"\xe9abc", b"\0\1ab"])
def test_a_box_of_no_known_letters_in_the_header_stays(tmp_path: Path, kind: bytes) -> None:
    data = BY_NAME["plain.mov"].build()
    start, end = next((start, end) for name, start, end in boxes(data) if name == b"moov")
    assert end == len(data)
    strange = struct.pack(">I4s", 12, kind) + b"abcd"
    path = written(tmp_path, "a.mov", data[:start] + struct.pack(">I", end - start + 12) + data[start + 4 :] + strange)
    plan(path, WANTED).apply()
    assert strange in path.read_bytes()
    assert plan(path, WANTED).is_empty


@pytest.mark.parametrize("more", [b"", b"\0", b"\0\0", b"ab"])
def test_a_padding_byte_that_is_no_zero_is_no_part_of_the_payload(more: bytes) -> None:
    odd, data = b"II*\0\x08" + bytes(10), BY_NAME["lossy.webp"].build()
    made = bytearray(webp.patch(webp.read(MemorySource(data)), Payloads(exif=odd)).apply(data))
    made[made.find(odd) + len(odd)] = 0x58
    found = webp.read(MemorySource(bytes(made)))
    after = webp.patch(found, Payloads(exif=odd + more)).apply(bytes(made))
    assert webp.read(MemorySource(after)).payloads.exif == odd + more
    assert len(after) % 2 == 0
