"""Camera files, where a directory of them stands beside the checkout."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from immich_meta_writers.payloads import exif
from tests.writers.exif.tiff_trees import EDITS, ROOM

MEDIA = Path(__file__).resolve().parents[4] / "shared" / "media"


def exif_of(path: Path) -> bytes | None:
    """The first Exif segment's block; a walk over markers that is good enough for a test."""
    data = path.read_bytes()[:200_000]
    position = 2
    while data[:2] == b"\xff\xd8" and position + 4 <= len(data) and data[position] == 0xFF:
        length = struct.unpack_from(">H", data, position + 2)[0]
        if data[position + 1] == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0":
            return data[position + 10 : position + 2 + length]
        if data[position + 1] == 0xDA:
            return None
        position += 2 + length
    return None


@pytest.fixture(scope="module")
def blocks() -> dict[str, bytes]:
    if not MEDIA.is_dir():
        pytest.skip("no directory of camera files beside the checkout")
    paths = sorted(p for p in MEDIA.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    found = {str(path): exif_of(path) for path in paths}
    return {path: block for path, block in found.items() if block is not None}


def test_no_camera_file_is_refused_and_none_loses_an_entry(blocks: dict[str, bytes]) -> None:
    assert len(blocks) > 50
    for path, data in blocks.items():
        block = exif.parse(data)
        grafted = exif.graft(block, EDITS, room=ROOM)
        new = exif.parse(grafted.block)
        assert grafted.skipped == (), path
        assert exif.differences(block, new, EDITS) == (), path
        assert {address: new.get(address) for address in EDITS} == EDITS, path
        assert exif.graft(new, EDITS, room=ROOM).block == grafted.block, path
