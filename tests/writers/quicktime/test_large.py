"""A movie of 4 GB: how little of it is read, and how little is written."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.values import EVERYTHING, NOTHING
from immich_meta_writers import PlanOptions, WriteTo, plan
from immich_meta_writers.containers import quicktime
from immich_meta_writers.patch import Patch
from immich_meta_writers.source import FileSource
from tests.writers.quicktime.movies import LOCATION, PACKET, Track, box, free, ftyp, mvhd

MEDIA = (4 << 30) + 12345
CHUNKS = 50_000
LIMIT = 1_000_000


def _movie(*inside: bytes, start: int) -> bytes:
    """An hour of chunks, the last of them behind 4 GiB."""
    offsets = [start + number * (MEDIA // CHUNKS) for number in range(CHUNKS)]
    return box(b"moov", mvhd(), Track((b"x" * 100,) * CHUNKS, wide_offsets=True).encoded(offsets), *inside)


def _sparse(path: Path, before: bytes, after: bytes) -> Path:
    """`before`, a media box of zeros that takes no room on the disk, `after`."""
    with path.open("wb") as file:
        file.write(before + struct.pack(">I4sQ", 1, b"mdat", MEDIA + 16))
        file.seek(MEDIA, os.SEEK_CUR)
        file.write(after or b"\0")
        if not after:
            file.truncate(len(before) + MEDIA + 16)
    if path.stat().st_blocks * 512 > 64 << 20:
        pytest.skip("this file system has no sparse files")
    return path


@pytest.fixture(params=["moov last", "moov first", "moov first, no free space"])
def large(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    head = ftyp(b"qt  ")
    if request.param == "moov last":
        path = _sparse(tmp_path / "a.mov", head, _movie(start=len(head) + 16))
    else:
        room = free(4096) if request.param == "moov first" else b""
        moov = _movie(start=0)
        path = _sparse(tmp_path / "a.mov", head + _movie(start=len(head) + len(moov) + len(room) + 16) + room, b"")
    yield path
    path.unlink()


def _planned(path: Path, *, dates: bool, rest: bool) -> tuple[Patch, int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        source = FileSource(descriptor, path.stat().st_size)
        found = quicktime.read(source)
        atoms = dict(found.payloads.atoms)
        if dates:
            for name in ("mvhd", "trak1/tkhd", "trak1/mdhd"):
                atoms[name] = atoms[name][:4] + bytes(range(8)) + atoms[name][12:]
        if rest:
            atoms.update(meta=box(b"hdlr", bytes(8), b"mdta", bytes(13)), udta=LOCATION)
        patch = quicktime.patch(found, replace(found.payloads, xmp=PACKET if rest else None, atoms=atoms))
        return patch, source.bytes_read
    finally:
        os.close(descriptor)


def test_dates_are_a_few_bytes(large: Path) -> None:
    patch, read = _planned(large, dates=True, rest=False)
    assert read < LIMIT
    assert sum(len(splice.data) for splice in patch.splices) <= 24
    assert patch.new_size == patch.size
    assert all(len(splice.data) == splice.length for splice in patch.splices)


def test_new_metadata_move_no_media(large: Path) -> None:
    patch, read = _planned(large, dates=True, rest=True)
    assert read < LIMIT
    # 50,000 chunks: the header itself has 600 kB, and is copied to the end when it has no room where it stands.
    assert sum(len(splice.data) for splice in patch.splices) < 2 * LIMIT
    shift, media = 0, large.stat().st_size // 2
    for splice in patch.splices:
        shift += len(splice.data) - splice.length if splice.offset < media else 0
    assert shift == 0


def test_a_long_movie_says_everything_and_its_media_are_neither_read_nor_written(large: Path) -> None:
    counters = Path("/proc/self/io")
    if not counters.exists():
        pytest.skip("no counters of bytes here")
    inode = large.stat().st_ino
    for wanted in (EVERYTHING, replace(EVERYTHING, caption="another"), NOTHING):
        before = _traffic(counters)
        plan(large, wanted, PlanOptions(write_to=WriteTo.EMBED)).apply()
        assert all(after - old < 8 * LIMIT for old, after in zip(before, _traffic(counters)))
        assert plan(large, wanted, PlanOptions(write_to=WriteTo.EMBED)).is_empty
        assert large.stat().st_ino == inode
    assert os.listdir(large.parent) == [large.name]


def _traffic(counters: Path) -> tuple[int, ...]:
    """Bytes read and written by this process so far."""
    return tuple(int(line.split()[1]) for line in counters.read_text().splitlines()[:2])
