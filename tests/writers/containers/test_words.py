"""What people read about a broken or full file: names of boxes and chunks as text, and not as Python writes bytes."""

from __future__ import annotations

import struct

import pytest

from immich_meta_writers import WriterError, file_types
from immich_meta_writers.plan.formats import FORMATS
from immich_meta_writers.source import MemorySource
from tests.writers.quicktime.movies import box, ftyp

PNG = b"\x89PNG\r\n\x1a\n"
IHDR = struct.pack(">I4s", 13, b"IHDR") + bytes(17)


def riff(*parts: bytes) -> bytes:
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


BROKEN = {
    "a box without a size": (file_types.MP4, ftyp() + b"\0\0\0\1mdat\0", "'mdat'"),
    "a box less than its header": (file_types.MP4, ftyp() + b"\0\0\0\3moov" + bytes(8), "'moov'"),
    "a box behind the end": (file_types.MP4, ftyp() + b"\0\0\7\0moov" + bytes(8), "'moov'"),
    "a box longer than its parent": (file_types.MOV, box(b"moov", b"\0\0\0\x09\xa9nam") + box(b"mdat"), "'©nam'"),
    "no chunk": (file_types.PNG, PNG + b"\0\0\0\0!!!!" + bytes(9), "'!!!!'"),
    "a long chunk": (file_types.PNG, PNG + b"\xff\xff\xff\xffIHDR" + bytes(9), "'IHDR'"),
    "a chunk behind the end": (file_types.PNG, PNG + IHDR + b"\0\0\7\0IDAT", "'IDAT'"),
    "a chunk behind the RIFF": (file_types.WEBP, riff(b"VP8 " + struct.pack("<I", 99) + bytes(20)), "'VP8 '"),
    "no image": (file_types.WEBP, riff(b"VP8L" + struct.pack("<I", 12) + bytes(12)), "'VP8L'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_box_is_named_as_people_know_it(name: str) -> None:
    kind, data, shown = BROKEN[name]
    with pytest.raises(WriterError) as caught:
        FORMATS[kind].read(MemorySource(data))
    assert shown in str(caught.value)
    assert "b'" not in str(caught.value)
