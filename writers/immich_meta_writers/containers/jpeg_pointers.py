"""Where a JPEG holds a position in the file: it stays true when the bytes in front of its target grow.

Not here: maker notes (their offsets live inside the Exif payload), and what is addressed from the end of
the file and so needs nothing: Samsung's SEFT trailer, GCamera:MicroVideoOffset, Container Item:Length,
Canon VRD, Insta360.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from immich_meta_writers.containers.jpeg_segments import MPF_HEADER, Kind, Segment
from immich_meta_writers.errors import NoRoomError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.source import ByteSource

_MP_ENTRY, _MP_ENTRY_BYTES = 0xB002, 16
_FOTOSTATION = b"\xa1\xb2\xc3\xd4"
_MAX_TRAILERS = 16
_AFCP = re.compile(rb"AXS[!*](?=[\0-\xff]{8})", re.DOTALL)
_EOI = b"\xff\xd9"
_TAIL_BYTES = 65536


class Pointer(NamedTuple):
    """Four bytes at `at` that hold `target - base`; positions in the file, `base` 0 for absolute offsets."""

    at: int
    order: Literal["little", "big"]
    base: int
    target: int


def shift(patch: Patch, position: int) -> int:
    """By how many bytes the byte at `position` of the old file moves; it must not lie inside of a splice."""
    return sum(
        len(splice.data) - splice.length for splice in patch.splices if splice.offset + splice.length <= position
    )


def growth(patch: Patch) -> int:
    """By how many bytes the file grows: scan, previews and trailers move by it."""
    return patch.new_size - patch.size


def follow(pointers: Sequence[Pointer], patch: Patch) -> tuple[Splice, ...]:
    """The splices that keep the pointers true after `patch`. Raises NoRoomError when one outgrows 32 bits."""
    splices = []
    for pointer in pointers:
        old = pointer.target - pointer.base
        new = old + shift(patch, pointer.target) - shift(patch, pointer.base)
        if new == old:
            continue
        if not 0 <= new <= 0xFFFFFFFF:
            raise NoRoomError(f"an offset of {new} does not fit 32 bits", place=f"offset {pointer.at}")
        splices.append(Splice(pointer.at, 4, new.to_bytes(4, pointer.order)))
    return tuple(splices)


def multi_picture(source: ByteSource, segments: Sequence[Segment], scan: int) -> tuple[Pointer, ...]:
    """The image offsets of every MP index (CIPA DC-007, 5.2.3): they count from the MPF's own TIFF header.

    Only offsets that lead behind the scan and into the file are followed. The size of the first image is no
    offset: it goes stale, as with every other writer.
    """
    pointers: list[Pointer] = []
    for segment in segments:
        if segment.kind is Kind.MPF:
            base = segment.body + len(MPF_HEADER)
            block = source.read_at(base, segment.end - base)
            pointers += [p for p in _mp_entries(block, base) if scan < p.target < source.size]
    return tuple(pointers)


def _mp_entries(block: bytes, base: int) -> list[Pointer]:
    order: Literal["little", "big"] = "little" if block[:2] == b"II" else "big"
    sign = "<" if order == "little" else ">"
    if len(block) < 8:
        return []
    ifd = struct.unpack_from(sign + "I", block, 4)[0]
    if ifd + 2 > len(block):
        return []
    count = struct.unpack_from(sign + "H", block, ifd)[0]
    found: list[Pointer] = []
    for at in range(ifd + 2, min(ifd + 2 + 12 * count, len(block) - 11), 12):
        tag, _, size, value = struct.unpack_from(sign + "HHII", block, at)
        if tag != _MP_ENTRY:
            continue
        for entry in range(value, min(value + size, len(block)) - _MP_ENTRY_BYTES + 1, _MP_ENTRY_BYTES):
            offset = struct.unpack_from(sign + "I", block, entry + 8)[0]
            if offset:
                found.append(Pointer(base + entry + 8, order, base, base + offset))
    return found


def afcp_trailer(source: ByteSource, scan: int) -> tuple[Pointer, ...]:
    """The absolute offsets of an AFCP trailer: 12 last bytes lead to its start, its directory to its values.

    It may stand in front of other trailers: FotoStation's are stepped over; else it is looked for near the end of a
    file that does not end with its picture. One whose offset is already wrong is left as it is. Layout as ExifTool's
    AFCP.pm reads it; no specification is public.
    """
    for end in _afcp_ends(source, scan):
        pointers = _afcp_pointers(source, scan, end)
        if pointers:
            return pointers
    return ()


def _afcp_ends(source: ByteSource, scan: int) -> Iterator[int]:
    """Where the 12 last bytes of an AFCP trailer may end, the likeliest first."""
    end = source.size
    tail = b""
    for _ in range(_MAX_TRAILERS):
        tail = source.read_at(end - 12, 12) if end - 12 > scan else b""
        if not tail.endswith(_FOTOSTATION):
            break
        end -= max(10, int.from_bytes(tail[4:8], "big"))
    yield end
    if not tail or tail.endswith(_EOI):
        return
    start = max(scan, source.size - _TAIL_BYTES)
    tail = source.read_at(start, source.size - start)
    for match in _AFCP.finditer(tail):
        yield start + match.start() + 12


def _afcp_pointers(source: ByteSource, scan: int, end: int) -> tuple[Pointer, ...]:
    tail = source.read_at(end - 12, 12) if end - 12 > scan else b""
    signature = tail[:4]
    if signature not in (b"AXS!", b"AXS*"):
        return ()
    order: Literal["little", "big"] = "big" if signature == b"AXS!" else "little"
    start = int.from_bytes(tail[4:8], order)
    head = source.read_at(start, 12) if scan < start <= end - 24 else b""
    if not head.startswith(signature):
        return ()
    pointers = [Pointer(end - 8, order, 0, start)]
    count = int.from_bytes(head[6:8], order)
    directory = source.read_at(start + 12, min(12 * count, end - 24 - start))
    for at in range(0, len(directory) - 11, 12):
        target = int.from_bytes(directory[at + 8 : at + 12], order)
        if start < target < end:
            pointers.append(Pointer(start + 12 + at + 8, order, 0, target))
    return tuple(pointers)
