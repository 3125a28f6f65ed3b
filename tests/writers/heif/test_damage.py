"""Bad files: one named error, whatever is cut or lies, and bounded work."""

from __future__ import annotations

import struct
import time
import tracemalloc
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.containers import heif
from immich_meta_writers.errors import DamagedError, StructureError, TruncatedError, UnsupportedError, WriterError
from immich_meta_writers.source import MemorySource
from tests.writers.heif.pictures import (
    PACKET,
    TIFF,
    Picture,
    box,
    exif_item,
    full,
    image,
    movie,
    plain,
    xmp_item,
)

WHOLE = Picture(
    (image(1), image(2, home="idat"), exif_item(3), xmp_item(4, pieces=2), xmp_item(5, b"<other/>", to=(2,))),
    order=("meta", "moov", "mdat", "free"),
    extra={"moov": movie([70, 80]), "free": box(b"free", bytes(20))},
    in_meta=(box(b"free", bytes(8)), box(b"dinf", full(b"dref", 0, struct.pack(">I", 0))), box(b"grpl")),
).encode()
HEADERS = WHOLE.index(b"coded image")


def attempt(data: bytes) -> Optional[WriterError]:
    """Read, and write everything; only a named error may come out."""
    try:
        found = heif.read(MemorySource(data))
        for packet in (PACKET + bytes(100), PACKET[:-20], None):
            exif = None if packet is None else TIFF + b"12"
            payloads = type(found.payloads)(exif=exif, xmp=packet)
            heif.patch(found, payloads).apply(data)
    except WriterError as error:
        assert error.place or error.kind == "empty"  # noqa: PT017
        return error
    return None


def test_the_whole_file_is_sound() -> None:
    assert attempt(WHOLE) is None


@pytest.mark.parametrize("order", [("meta", "mdat"), ("mdat", "meta")])
def test_a_file_cut_anywhere_is_refused(order: tuple[str, ...]) -> None:
    data = plain(exif_item(2), xmp_item(3), order=order).encode()
    for end in range(len(data)):
        # Cut in front of its `meta`, a file has no image that metadata could describe.
        assert isinstance(attempt(data[:end]), (DamagedError, UnsupportedError)), end


def test_every_byte_of_the_headers_may_lie() -> None:
    for at in range(HEADERS):
        for value in (0, 0xFF):
            attempt(WHOLE[:at] + bytes((value,)) + WHOLE[at + 1 :])


@given(
    st.lists(st.tuples(st.integers(0, HEADERS - 4), st.sampled_from([0, 1, 7, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))),
    st.binary(max_size=30),
)
def test_lying_fields(changes: list[tuple[int, int]], tail: bytes) -> None:
    data = bytearray(WHOLE)
    for at, value in changes:
        data[at : at + 4] = value.to_bytes(4, "big")
    attempt(bytes(data) + tail)


def meta(*parts: bytes) -> bytes:
    hdlr, pitm = full(b"hdlr", 0, bytes(4), b"pict", bytes(13)), full(b"pitm", 0, b"\0\1")
    return box(b"ftyp", b"heic\0\0\0\0mif1") + box(b"meta", bytes(4), hdlr, pitm, *parts)


NO_ITEMS = full(b"iinf", 0, bytes(2))
NOWHERE = full(b"iloc", 0, b"\x44\0", bytes(2))


@pytest.mark.parametrize(
    "parts",
    [
        (full(b"iinf", 0, b"\xff\xff"), NOWHERE),
        (full(b"iinf", 1, b"\xff" * 4), NOWHERE),
        (full(b"iinf", 0, b"\0\0", full(b"infe", 2, bytes(9))), NOWHERE),
        (full(b"iinf", 0, b"\0\1", full(b"infe", 9, bytes(20))), NOWHERE),
        (full(b"iinf", 0, b"\0\1", struct.pack(">I4s", 4, b"infe")), NOWHERE),
        (full(b"iinf", 0), NOWHERE),
        (NO_ITEMS, full(b"iloc", 0, b"\x44\0\xff\xff")),
        (NO_ITEMS, full(b"iloc", 3, b"\x44\0\0\0")),
        (NO_ITEMS, full(b"iloc", 0, b"\x35\0\0\0")),
        (NO_ITEMS, full(b"iloc", 2, b"\0\0\xff\xff\xff\xff")),
        (NO_ITEMS, full(b"iloc", 1, b"\0\0\0\3", (bytes(6) + b"\xff\xff") * 3)),
        (NO_ITEMS, full(b"iloc", 1, b"\x44\0\0\1", struct.pack(">HHHHII", 1, 1, 0, 1, 0, 9))),
        (NO_ITEMS, NOWHERE, full(b"iref", 0, box(b"cdsc", b"\0\1\xff\xff\0\1"))),
        (NO_ITEMS, NOWHERE, full(b"iref", 0, struct.pack(">I4s", 3, b"cdsc"))),
        (NO_ITEMS, NOWHERE, box(b"iprp", box(b"ipco"), full(b"ipma", 0, b"\xff\xff\xff\xff"))),
        (NO_ITEMS, NOWHERE, box(b"iprp", box(b"ipco"), full(b"ipma", 0, b"\0\0\0\1\0\1\xff\1"))),
    ],
)
def test_tables_that_lie(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(StructureError) as caught:
        heif.read(MemorySource(meta(*parts)))
    assert caught.value.place


@pytest.mark.parametrize("start", [1 << 20, (1 << 63) + 5, (1 << 64) - 1])
def test_an_item_behind_the_end_of_the_file(start: int) -> None:
    table = full(b"iloc", 0, b"\x88\x80\0\1", struct.pack(">HHQHQQ", 1, 0, start, 1, start, 1 << 63))
    with pytest.raises(TruncatedError):
        heif.read(MemorySource(meta(NO_ITEMS, table)))


def test_references_in_a_ring() -> None:
    ring = Picture((image(1), xmp_item(2, to=(3, 2, 1)), xmp_item(3, to=(2, 3)), exif_item(4, to=(4,))))
    assert attempt(ring.encode()) is None


def test_memory_and_time_are_bounded() -> None:
    # 65,535 extents of nothing in six bytes; every item is the whole file, again and again.
    entry = struct.pack(">HHHH", 1, 0, 0, 20000) + b"".join(struct.pack(">II", 0, 1000) for _ in range(20000))
    table = full(b"iloc", 1, b"\x44\0\0\1", entry)
    item = full(b"infe", 2, b"\0\1\0\0mime\0application/rdf+xml\0")
    data = meta(full(b"iinf", 0, b"\0\1", item), table)
    tracemalloc.start()
    start = time.perf_counter()
    found = heif.read(MemorySource(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.payloads.xmp is None or len(found.payloads.xmp) <= 64 << 20
    assert peak < 200 << 20
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("name", [b"iloc", b"iinf", b"moov", b"ftyp", b"stco"])
def test_an_item_that_leads_into_a_table_is_not_written_over(name: bytes) -> None:
    start, place = WHOLE.index(TIFF) - 10, WHOLE.index(name)
    data = WHOLE.replace(struct.pack(">I", start), struct.pack(">I", place))
    assert data != WHOLE
    for payload in (b"+", TIFF, TIFF * 9, None):
        found = heif.read(MemorySource(data))
        made = heif.patch(found, type(found.payloads)(exif=payload, xmp=found.payloads.xmp)).apply(data)
        assert heif.read(MemorySource(made)).payloads.xmp == found.payloads.xmp
        assert heif.read(MemorySource(made)).meta is not None
