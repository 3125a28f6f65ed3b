"""Both engines, and the shared corpus when it is there."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from immich_meta_writers.errors import UnsupportedError
from immich_meta_writers.payloads import xmp


def _encoder(engine: str) -> xmp.Encoder:
    try:
        return xmp.encoder(engine)
    except UnsupportedError:
        if os.environ.get("CI"):
            raise
        pytest.skip("libexempi is not installed")


@pytest.fixture(params=["builtin", "exempi"])
def encoder(request: pytest.FixtureRequest) -> xmp.Encoder:
    """Each engine in turn: one contract for both."""
    return _encoder(request.param)


@pytest.fixture(scope="session")
def both() -> tuple[xmp.Encoder, xmp.Encoder]:
    """Both engines at once, for property tests."""
    return _encoder("builtin"), _encoder("exempi")


def _segments(data: bytes) -> Iterator[bytes]:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] not in (0xD9, 0xDA):
        length = struct.unpack(">H", data[position + 2 : position + 4])[0]
        if data[position + 1] == 0xE1:
            yield data[position + 4 : position + 2 + length]
        position += 2 + length


@pytest.fixture(scope="session")
def corpus() -> list[tuple[str, bytes]]:
    """Every distinct packet of the shared media: APP1 of JPEG, sidecars, and what lies bare in other files."""
    root = Path(__file__).resolve().parents[4] / "shared" / "media"
    if not root.is_dir():
        pytest.skip("no shared media beside the checkout")
    found: dict[bytes, str] = {}
    for path in sorted(one for one in root.rglob("*") if one.is_file()):
        data = path.read_bytes()
        if data[:2] == b"\xff\xd8":
            mark = b"http://ns.adobe.com/xap/1.0/\0"
            packets = [segment[len(mark) :] for segment in _segments(data) if segment.startswith(mark)]
        elif path.suffix.lower() == ".xmp":
            packets = [data]
        else:
            start = data.find(b"<?xpacket begin")
            end = data.find(b"?>", data.find(b"<?xpacket end", start))
            packets = [data[start : end + 2]] if 0 <= start < end else []
        for packet in packets:
            found.setdefault(packet, str(path.relative_to(root)))
    return [(name, packet) for packet, name in found.items()]
