"""Extended XMP in JPEG segments (XMP part 3, 1.1.3.1): chunks with a GUID, a total and an offset.

Not here: the packets' meaning and their GUIDs (payloads/), and where chunks go in a file (jpeg.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.containers.jpeg_segments import EXTENSION_HEADER, Segment
from immich_meta_writers.source import ByteSource

CHUNK_BYTES = 65400
_FIELDS_BYTES = 40
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


class Chunk(NamedTuple):
    """One segment's part of an extended packet."""

    total: int
    offset: int
    data: bytes


class Extension(NamedTuple):
    """An extended packet that is complete, and the segments that hold it."""

    packet: bytes
    segments: tuple[Segment, ...]


def collect(source: ByteSource, segments: Sequence[Segment]) -> tuple[Mapping[str, Extension], tuple[str, ...]]:
    """The complete packets by GUID, and the GUIDs of those that are not: their segments stay as they are."""
    parts: dict[str, list[tuple[Chunk, Segment]]] = {}
    for segment in segments:
        body = source.read_at(segment.payload, segment.end - segment.payload)
        guid = body[:32].decode("latin-1")
        total, offset = int.from_bytes(body[32:36], "big"), int.from_bytes(body[36:40], "big")
        chunk = Chunk(total, offset, body[_FIELDS_BYTES:])
        parts.setdefault(guid, []).append((chunk, segment))
    complete: dict[str, Extension] = {}
    broken: list[str] = []
    for guid, found in parts.items():
        packet = join([chunk for chunk, _ in found]) if is_guid(guid) else None
        if packet is None:
            broken.append(guid)
        else:
            complete[guid] = Extension(packet, tuple(segment for _, segment in found))
    return complete, tuple(broken)


def is_guid(text: str) -> bool:
    """32 hexadecimal digits: the MD5 of the packet."""
    return len(text) == 32 and _HEXADECIMAL.issuperset(text)


def join(chunks: Sequence[Chunk]) -> Optional[bytes]:
    """The packet of chunks in any order, or None when they disagree, overlap differently, or leave a gap.

    Never allocates what a total claims: only what is there is joined.
    """
    total = chunks[0].total
    packet = bytearray()
    for chunk in sorted(chunks, key=lambda each: each.offset):
        if chunk.total != total or chunk.offset > len(packet):
            return None
        known = packet[chunk.offset : chunk.offset + len(chunk.data)]
        if not chunk.data.startswith(known):
            return None
        packet += chunk.data[len(known) :]
    return bytes(packet) if len(packet) == total else None


def bodies(guid: str, packet: bytes) -> list[bytes]:
    """The segment bodies that hold an extended packet. Raises ValueError when `guid` is none."""
    if not is_guid(guid):
        raise ValueError(f"not a GUID of 32 hexadecimal digits: {guid!r}")
    front = EXTENSION_HEADER + guid.encode("ascii") + len(packet).to_bytes(4, "big")
    return [
        front + offset.to_bytes(4, "big") + packet[offset : offset + CHUNK_BYTES]
        for offset in range(0, len(packet), CHUNK_BYTES)
    ]
