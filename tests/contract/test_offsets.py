"""What counts in bytes, from wherever it counts: it finds the same thing after the file has grown.

Not here: what ExifTool says of it; it forgives wrong offsets, other readers do not.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.blocks import trailers
from fixtures.blocks.iptc import DIGEST_RESOURCE, IIM_RESOURCE, dataset
from fixtures.blocks.jpeg import base
from fixtures.values import EVERYTHING, NOTHING
from immich_meta_writers import PlanOptions, WriteTo, plan
from tests.contract.cases import original
from tests.contract.skeletons import segments

Grown = Callable[[str], Path]


@pytest.fixture(params=["written", "taken back"])
def grown(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Grown:
    """Writes everything into a fixture, and maybe takes it back; the file has another length then."""

    def make(name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(original(name))
        options = PlanOptions(xmp_engine=engine, write_to=WriteTo.EMBED)
        for wanted in (EVERYTHING, NOTHING)[: 1 if request.param == "written" else 2]:
            plan(path, wanted, options).apply()
        assert len(path.read_bytes()) != len(original(name))
        return path

    return make


def test_an_afcp_trailer_knows_where_it_is(grown: Grown) -> None:
    data = grown("afcp-trailer.jpg").read_bytes()
    start = struct.unpack(">I", data[-8:-4])[0]
    assert data[start : start + 4] == b"AXS!"
    assert data[start:] == trailers.afcp(start, dataset(2, 5, b"Title in the trailer"))


@pytest.mark.parametrize("name", ["mpf-behind-payloads.jpg", "mpf-before-payloads.jpg", "mpf-alone.jpg"])
def test_an_mpf_finds_its_second_image(grown: Grown, name: str) -> None:
    data = grown(name).read_bytes()
    header = data.index(b"MPF\0") + 4
    order = "<" if data[header : header + 2] == b"II" else ">"
    entries = header + 8 + 2 + 3 * 12 + 4
    size, offset = struct.unpack_from(order + "II", data, entries + 16 + 4)
    assert data[header + offset : header + offset + size] == base("thumbnail.jpg")
    assert header + offset + size == len(data)


def test_a_preview_behind_the_scan_is_found_by_its_maker_note(grown: Grown) -> None:
    """Read from the bytes: ExifTool corrects a wrong pointer in silence."""
    data = grown("maker-note-preview-behind-scan.jpg").read_bytes()
    header = data.index(b"Exif\0\0") + 6
    entry = data.index(struct.pack(">HHI", 0x0088, 4, 1), header)
    start = header + struct.unpack_from(">I", data, entry + 8)[0]
    assert data[start:] == base("thumbnail.jpg")


@pytest.mark.parametrize("name", ["micro-video.jpg", "motion-photo.jpg"])
def test_a_video_is_found_from_the_end(grown: Grown, name: str) -> None:
    data = grown(name).read_bytes()
    lengths = re.findall(rb'(?:MicroVideoOffset|Item:Length)="(\d+)"', data)
    assert data[-int(lengths[-1]) :] == trailers.movie()


def test_a_samsung_trailer_ends_the_file(grown: Grown) -> None:
    assert grown("samsung-trailer.jpg").read_bytes().endswith(trailers.samsung())


@pytest.mark.parametrize("name", ["maker-note-canon.jpg", "maker-note-sony.jpg", "exif-full-with-slack.jpg"])
def test_a_maker_note_stays_at_its_place_in_the_block(grown: Grown, name: str) -> None:
    """Its offsets count from the start of the block."""
    before, after = (_block(data) for data in (original(name), grown(name).read_bytes()))
    note = b"Firmware Version 1.10\0" if "canon" in name else b"SONY DSC \0\0\0"
    assert after.index(note) == before.index(note)
    place = before.index(note)
    assert after[place : place + 60] == before[place : place + 60]


def _block(data: bytes) -> bytes:
    return next(payload[6:] for marker, payload in segments(data)[0] if payload.startswith(b"Exif\0"))


def _resources(data: bytes) -> dict[int, bytes]:
    """Photoshop resources by number; names in this suite are empty."""
    joined = b"".join(payload[14:] for marker, payload in segments(data)[0] if payload.startswith(b"Photoshop 3.0\0"))
    found, position = {}, 0
    while position + 12 <= len(joined):
        number, _, size = struct.unpack_from(">HHI", joined, position + 4)
        found[number] = joined[position + 12 : position + 12 + size]
        position += 12 + size + size % 2
    return found


def test_a_digest_that_was_true_is_true_again(grown: Grown) -> None:
    resources = _resources(grown("iptc-digest-in-sync.jpg").read_bytes())
    assert resources[DIGEST_RESOURCE] == hashlib.md5(resources[IIM_RESOURCE], usedforsecurity=False).digest()
    assert resources[DIGEST_RESOURCE] != _resources(original("iptc-digest-in-sync.jpg"))[DIGEST_RESOURCE]


def test_a_digest_that_was_stale_stays_as_it_is(grown: Grown) -> None:
    name = "iptc-digest-stale.jpg"
    assert _resources(grown(name).read_bytes())[DIGEST_RESOURCE] == _resources(original(name))[DIGEST_RESOURCE]
