"""The marker segments of a JPEG in front of its scan (T.81, Annex B): where they stand and whose they are.

Not here: which segments make up a payload, and how they are changed (jpeg.py).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Optional

from immich_meta_writers.errors import DamagedError, EmptyFileError, StructureError, TruncatedError
from immich_meta_writers.source import HEAD_BYTES, ByteSource

EXIF_HEADER = b"Exif\0\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_HEADER = b"http://ns.adobe.com/xmp/extension/\0"
PHOTOSHOP_HEADER = b"Photoshop 3.0\0"
PHOTOSHOP_25_HEADER = b"Adobe_Photoshop2.5:"
MPF_HEADER = b"MPF\0"
TIFF_MAGIC = (b"II*\0", b"MM\0*")

# A segment's length field covers itself: at most 65,533 bytes follow it.
BODY_ROOM = 65533
# A header beyond these is no photo: the largest seen is a few MB of extended XMP.
MAX_HEADER_BYTES = 64 << 20
MAX_SEGMENTS = 4096
# Bytes that belong to no segment: cameras write lengths that are two too short; readers skip the rest.
MAX_STRAY_BYTES = 64 << 10

_REFILL_BYTES = 4096
_IDENTITY_BYTES = 96
_APP0, _APP1, _APP2, _APP11, _APP13 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED
_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_WITH_LENGTH = frozenset(range(0x02, 0xFF)) - _STANDALONE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NAMED = frozenset({_APP0, _APP1, _APP2, _APP11, _APP13})


class Kind(Enum):
    """What a segment holds, as far as this package cares."""

    APP0 = "APP0"
    EXIF = "Exif"
    XMP = "XMP"
    EXTENSION = "extended XMP"
    PHOTOSHOP = "Photoshop"
    MPF = "MPF"
    C2PA = "C2PA"
    OTHER = "other"


class Segment(NamedTuple):
    """One marker segment; all positions are bytes from the start of the file.

    `start`: its first fill byte or its FF. `body`: the first byte behind the length field. `end`: behind the
    last. `header`: the bytes at the front of the body that name the payload. `tiff`: a TIFF block follows it.
    """

    marker: int
    kind: Kind
    start: int
    body: int
    end: int
    header: bytes = b""
    tiff: bool = False

    @property
    def payload(self) -> int:
        """Where the bytes behind the header begin."""
        return self.body + len(self.header)

    @property
    def is_application(self) -> bool:
        """An APPn or a comment: metadata, not a table of the image."""
        return self.marker & 0xF0 == 0xE0 or self.marker == _COM


class Walk(NamedTuple):
    """All segments in front of the scan.

    `scan`: the position of SOS. `raster`: the SOF's (width, height). `stray`: bytes that belong to no
    segment.
    """

    segments: tuple[Segment, ...]
    scan: int
    raster: Optional[tuple[int, int]]
    stray: int


class _Window:
    """The bytes read last; asked for in rising order, so a header within the first 64 kB costs one read."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._start = 0
        self._data = source.read_at(0, HEAD_BYTES)

    def get(self, position: int, length: int) -> bytes:
        at = position - self._start
        if at + length > len(self._data):
            self._start, at = position, 0
            self._data = self._source.read_at(position, max(length, _REFILL_BYTES))
        return self._data[at : at + length]


def walk(source: ByteSource) -> Walk:
    """Follow the markers from SOI to the first SOS.

    Reads only the first bytes of each segment behind the first 64 kB. Raises EmptyFileError, TruncatedError
    when a segment or the scan lies behind the end of the file, StructureError when this is no JPEG or a
    length lies.
    """
    if source.size == 0:
        raise EmptyFileError("the file has no bytes")
    window = _Window(source)
    get, size = window.get, source.size
    if get(0, 2) != b"\xff\xd8":
        raise StructureError("not a JPEG: it does not begin with FF D8", place="offset 0")
    segments: list[Segment] = []
    raster, position, stray = None, 2, 0
    while True:
        head, start, skipped = get(position, 4), position, 0
        if len(head) < 4 or head[0] != 0xFF or head[1] not in _WITH_LENGTH:
            start, position, skipped = _next_marker(window, position, MAX_STRAY_BYTES - stray)
            stray += skipped
            head = get(position, 4)
        marker, body, end = head[1], position + 4, position + 2 + int.from_bytes(head[2:], "big")
        if marker == _SOS:
            return Walk(tuple(segments), start, raster, stray)
        if marker in _STANDALONE:
            position += 2
            continue
        if end < body or end > size or len(head) < 4 or marker == _EOI:
            raise _refusal(marker, start, body, end, size)
        if marker in _NAMED:
            segments.append(_identify(marker, get(body, min(_IDENTITY_BYTES, end - body)), start, body, end))
        else:
            segments.append(Segment(marker, Kind.OTHER, start, body, end))
            if marker in _FRAMES and raster is None:
                raster = _raster(get(body, 5), segments[-1])
        position = end
        if position > MAX_HEADER_BYTES or len(segments) > MAX_SEGMENTS:
            raise StructureError("the header is larger than that of any photo", place=f"offset {position}")


def _refusal(marker: int, start: int, body: int, end: int, size: int) -> DamagedError:
    """Why the segment at `start` cannot be one; positions as in Segment, in a file of `size` bytes."""
    place = f"offset {start}"
    if marker == _EOI:
        return StructureError("the image ends before its scan begins", place=place)
    if body > size:
        return TruncatedError("the file ends inside of a segment's length", place=place)
    if end < body:
        return StructureError(f"segment FF {marker:02X} claims {end - body + 2} bytes", place=place)
    return TruncatedError(f"segment FF {marker:02X} ends {end - size} bytes behind the file", place=place)


def _next_marker(window: _Window, position: int, stray_room: int) -> tuple[int, int, int]:
    """(start with its fill bytes, position of the marker's own FF, bytes skipped that belong to nothing)."""
    start, skipped, fill = position, 0, 0
    while skipped + fill <= stray_room:
        pair = window.get(position, 2)
        if len(pair) < 2:
            raise TruncatedError("the file ends before the image data", place=f"offset {position}")
        if pair[0] != 0xFF or pair[1] == 0:
            skipped += 1 + fill
            fill, position = 0, position + 1
            start = position
        elif pair[1] == 0xFF:
            fill, position = fill + 1, position + 1
        else:
            return start, position, skipped
    raise StructureError("no marker where a segment should begin", place=f"offset {start}")


def _identify(marker: int, head: bytes, start: int, body: int, end: int) -> Segment:
    if marker == _APP0:
        return Segment(marker, Kind.APP0, start, body, end)
    if marker == _APP1:
        if head.startswith(XMP_HEADER):
            return Segment(marker, Kind.XMP, start, body, end, XMP_HEADER)
        if head.startswith(EXTENSION_HEADER):
            return Segment(marker, Kind.EXTENSION, start, body, end, EXTENSION_HEADER)
        # Seen: one NUL and an FF; up to four bytes of garbage in front.
        at = head.find(b"Exif\0", 0, 9)
        if 0 <= at <= len(head) - 6:
            tiff = head[at + 6 : at + 10] in TIFF_MAGIC
            return Segment(marker, Kind.EXIF, start, body, end, head[: at + 6], tiff)
    elif marker == _APP2 and head.startswith(MPF_HEADER):
        return Segment(marker, Kind.MPF, start, body, end, MPF_HEADER)
    elif marker == _APP11 and head.startswith(b"JP") and b"jumb" in head and b"c2pa" in head:
        return Segment(marker, Kind.C2PA, start, body, end)
    elif marker == _APP13:
        header = _photoshop_header(head)
        if header:
            return Segment(marker, Kind.PHOTOSHOP, start, body, end, header)
    return Segment(marker, Kind.OTHER, start, body, end)


def _photoshop_header(head: bytes) -> bytes:
    if head.startswith(PHOTOSHOP_HEADER):
        return PHOTOSHOP_HEADER
    if head.startswith(PHOTOSHOP_25_HEADER):
        # Eight more bytes of unknown meaning stand between the name and the first resource.
        return head[:19] if head[19:23] == b"8BIM" else head[:27]
    return b""


def _raster(head: bytes, segment: Segment) -> Optional[tuple[int, int]]:
    """SOF: sample precision, height, width (T.81, B.2.2). A height of 0 is told later, by a DNL marker."""
    if segment.end - segment.body < 5:
        raise StructureError("the frame header is too short", place=f"offset {segment.start}")
    height, width = int.from_bytes(head[1:3], "big"), int.from_bytes(head[3:5], "big")
    return (width, height) if width and height else None
