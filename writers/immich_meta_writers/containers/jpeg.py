"""JPEG as a container (T.81; Exif 3.0, 4.5.4; XMP part 3, 1.1.3): finds the payloads, answers with a patch.

Not here: what a payload says, and the pixels: nothing behind SOS is read but the end of the file.

Decisions where files disagree with the specifications:
- Two Exif segments: the first that begins like a TIFF block is the payload; the others stay as they are.
  A segment right behind it that does not begin so is its continuation (blocks over 64 kB) and is joined.
- Two XMP packets: the first that is not blank; the others stay.
- Several Photoshop APP13: joined in file order; when changed, written at the first one's place.
- An extended packet that is incomplete, or lies about its size: not handed out, its segments stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.containers import Payloads, Room, jpeg_extensions
from immich_meta_writers.containers.jpeg_pointers import (
    Pointer,
    afcp_trailer,
    follow,
    growth,
    multi_picture,
    shift,
)
from immich_meta_writers.containers.jpeg_segments import (
    BODY_ROOM,
    EXIF_HEADER,
    MAX_HEADER_BYTES,
    PHOTOSHOP_HEADER,
    XMP_HEADER,
    Kind,
    Segment,
    walk,
)
from immich_meta_writers.errors import NoRoomError, TruncatedError
from immich_meta_writers.patch import Patch, Splice, narrowed
from immich_meta_writers.source import ByteSource

__all__ = ["ROOM", "JpegFile", "accepts", "check_whole", "growth", "patch", "read", "shift"]

# The largest payload that fits one segment, in bytes. Photoshop resources are split, extended packets too.
ROOM = Room(exif=BODY_ROOM - len(EXIF_HEADER), xmp=BODY_ROOM - len(XMP_HEADER), padding=2048, extends=True)

_APP1, _APP13 = 0xE1, 0xED
_TAIL_BYTES = 1 << 20
_EOI = b"\xff\xd9"
_OURS = (Kind.EXIF, Kind.XMP, Kind.EXTENSION, Kind.PHOTOSHOP)


@dataclass(frozen=True)
class JpegFile:
    """A JPEG as found.

    `raster`: (width, height) as stored, None when the file tells it later. `scan`: the offset of SOS.
    `exif`, `xmp` and `photoshop` are the segments of each payload; `extensions` those of each complete
    extended packet. `pointers` hold positions in the file; `notes` says in words what was left out and
    stays as it is.
    """

    size: int
    payloads: Payloads
    raster: Optional[tuple[int, int]]
    c2pa: bool
    scan: int
    segments: tuple[Segment, ...]
    exif: tuple[Segment, ...]
    xmp: tuple[Segment, ...]
    photoshop: tuple[Segment, ...]
    extensions: tuple[tuple[str, tuple[Segment, ...]], ...]
    pointers: tuple[Pointer, ...]
    notes: tuple[str, ...]

    @property
    def exif_at(self) -> Optional[int]:
        """The position of the TIFF header: offsets of the block and of most maker notes count from it."""
        return self.exif[0].payload if self.exif else None

    @property
    def orientation(self) -> Optional[int]:
        """None: the Exif block says it."""
        return None

    @property
    def room(self) -> Room:
        return ROOM

    def drawback(self, patch: Patch) -> Optional[str]:
        """A trailer (AFCP) that counts from the start of the file: growth rewrites its offsets."""
        if growth(patch) and any(pointer.base == 0 for pointer in self.pointers):
            return "a trailer with an absolute offset (AFCP) would have to be changed"
        return None


def accepts(head: bytes) -> bool:
    """Whether a file that begins so is a JPEG."""
    return head.startswith(b"\xff\xd8\xff")


def read(source: ByteSource) -> JpegFile:
    """The payloads of a JPEG; of a 6 MB photo the first 64 kB and the last 12 bytes are read.

    Raises EmptyFileError, TruncatedError (no scan), StructureError (not a JPEG, lying lengths, a header over
    64 MiB).
    """
    segments, scan, raster, stray = walk(source)
    exif = _exif_segments(segments)
    xmp = _xmp_segments(source, segments)
    photoshop = tuple([segment for segment in segments if segment.kind is Kind.PHOTOSHOP])
    extensions, broken = jpeg_extensions.collect(
        source, [segment for segment in segments if segment.kind is Kind.EXTENSION]
    )
    payloads = Payloads(
        exif=_joined(source, exif),
        xmp=_joined(source, xmp),
        photoshop=_joined(source, photoshop),
        xmp_extensions={guid: extension.packet for guid, extension in extensions.items()},
    )
    pointers = afcp_trailer(source, scan)
    if _has_payload_behind_mpf(segments):
        pointers += multi_picture(source, segments, scan)
    return JpegFile(
        size=source.size,
        payloads=payloads,
        raster=raster,
        c2pa=any(segment.kind is Kind.C2PA for segment in segments),
        scan=scan,
        segments=segments,
        exif=exif,
        xmp=xmp,
        photoshop=photoshop,
        extensions=tuple((guid, extension.segments) for guid, extension in extensions.items()),
        pointers=pointers,
        notes=tuple(_notes(segments, exif, xmp, broken, stray)),
    )


def _exif_segments(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    candidates = [index for index, segment in enumerate(segments) if segment.kind is Kind.EXIF]
    if not candidates:
        return ()
    valid = [index for index in candidates if segments[index].tiff]
    if not valid:
        return (segments[candidates[0]],)
    end = valid[0] + 1
    while end < len(segments) and segments[end].kind is Kind.EXIF and not segments[end].tiff:
        end += 1
    return tuple(segments[valid[0] : end])


def _xmp_segments(source: ByteSource, segments: Sequence[Segment]) -> tuple[Segment, ...]:
    candidates = [segment for segment in segments if segment.kind is Kind.XMP]
    if len(candidates) > 1:
        for segment in candidates:
            if source.read_at(segment.payload, segment.end - segment.payload).strip(b"\0 \t\r\n"):
                return (segment,)
    return tuple(candidates[:1])


def _joined(source: ByteSource, segments: Sequence[Segment]) -> Optional[bytes]:
    if not segments:
        return None
    parts = [source.read_at(segment.payload, segment.end - segment.payload) for segment in segments]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _has_payload_behind_mpf(segments: Iterable[Segment]) -> bool:
    behind = False
    for segment in segments:
        if segment.kind is Kind.MPF:
            behind = True
        elif behind and segment.kind in _OURS:
            return True
    return False


def _notes(
    segments: Sequence[Segment],
    exif: Sequence[Segment],
    xmp: Sequence[Segment],
    broken: Sequence[str],
    stray: int,
) -> Iterator[str]:
    for segment in segments:
        if segment.kind in (Kind.EXIF, Kind.XMP) and segment not in exif and segment not in xmp:
            yield f"another {segment.kind.value} segment at offset {segment.start} stays as it is"
    for guid in broken:
        yield f"the extended XMP {guid!a} is incomplete and stays as it is"
    if stray:
        yield f"{stray} bytes between the segments belong to none and stay as they are"


def patch(found: JpegFile, payloads: Payloads) -> Patch:
    """What turns the payloads of the file into `payloads`; only those that differ are touched.

    A payload that is None is removed, and so is an extended packet that is not named; incomplete ones stay.
    Raises NoRoomError, naming the payload, when one does not fit.
    """
    places = _Places(found)
    splices: list[Splice] = []
    if payloads.exif != found.payloads.exif:
        splices += _exif_splices(found, payloads.exif, places.exif)
    if payloads.xmp != found.payloads.xmp:
        splices += _xmp_splices(found, payloads.xmp, places.xmp)
    splices += _extension_splices(found, payloads, places.extensions)
    if (payloads.photoshop or None) != (found.payloads.photoshop or None):
        splices += _photoshop_splices(found, payloads.photoshop, places.photoshop)
    # Stable: insertions at one place stay in the order Exif, XMP, extensions, APP13, and in front of a
    # removal.
    splices.sort(key=lambda splice: (splice.offset, splice.length > 0))
    moved = Patch(found.size, tuple(splices))
    pointers = follow(found.pointers, moved)
    if not pointers:
        return moved
    return Patch(found.size, tuple(sorted([*splices, *pointers], key=lambda s: (s.offset, s.length > 0))))


class _Places:
    """Where a payload goes that the file does not have: APP0, Exif, XMP, APP13, and never behind an MPF."""

    def __init__(self, found: JpegFile) -> None:
        segments = found.segments
        starts = [segment.start for segment in segments[1:]] + [found.scan]
        behind = dict(zip(segments, starts))
        limit = next((segment.start for segment in segments if segment.kind is Kind.MPF), found.scan)
        self.exif = 2
        for segment in segments:
            if segment.kind is Kind.MPF or not segment.is_application:
                break
            if segment.kind is Kind.APP0:
                self.exif = behind[segment]
        self.xmp = min(limit, behind[found.exif[-1]]) if found.exif else self.exif
        self.extensions = behind[found.xmp[-1]] if found.xmp else self.xmp
        packets = [*found.xmp, *(segment for _, owned in found.extensions for segment in owned)]
        self.photoshop = min(limit, max([behind[segment] for segment in packets], default=self.xmp))


def _segment(marker: int, body: bytes) -> bytes:
    return b"\xff%c%b%b" % (marker, (len(body) + 2).to_bytes(2, "big"), body)


def _exif_splices(found: JpegFile, payload: Optional[bytes], place: int) -> list[Splice]:
    header = found.exif[0].header if found.exif else EXIF_HEADER
    if payload is None:
        return _replace(found.exif, None, [], place)
    room = BODY_ROOM - len(header)
    if len(payload) > room and len(found.exif) < 2:
        raise NoRoomError(f"the Exif block takes {len(payload)} of at most {room} bytes", place="Exif")
    parts = [payload[at : at + room] for at in range(0, len(payload), room)] or [b""]
    bodies = [(header if not index else EXIF_HEADER) + part for index, part in enumerate(parts)]
    return _replace(found.exif, found.payloads.exif, [_segment(_APP1, body) for body in bodies], place)


def _xmp_splices(found: JpegFile, payload: Optional[bytes], place: int) -> list[Splice]:
    if payload is None:
        return _replace(found.xmp, None, [], place)
    if len(payload) > ROOM.xmp:
        raise NoRoomError(f"the XMP packet takes {len(payload)} of at most {ROOM.xmp} bytes", place="XMP")
    return _replace(found.xmp, found.payloads.xmp, [_segment(_APP1, XMP_HEADER + payload)], place)


def _extension_splices(found: JpegFile, payloads: Payloads, place: int) -> list[Splice]:
    old, new = found.payloads.xmp_extensions, payloads.xmp_extensions
    splices: list[Splice] = []
    for guid, segments in found.extensions:
        if new.get(guid) != old[guid]:
            splices += _replace(segments, None, [], place)
    for guid, packet in new.items():
        if packet != old.get(guid):
            bodies = jpeg_extensions.bodies(guid, packet)
            splices.append(Splice(place, 0, b"".join(_segment(_APP1, body) for body in bodies)))
    if sum(len(splice.data) for splice in splices) > MAX_HEADER_BYTES // 2:
        raise NoRoomError("the extended XMP is larger than 32 MiB", place="extended XMP")
    return splices


def _photoshop_splices(found: JpegFile, payload: Optional[bytes], place: int) -> list[Splice]:
    if not payload:
        return _replace(found.photoshop, None, [], place)
    if len(payload) > MAX_HEADER_BYTES // 2:
        raise NoRoomError("the image resources are larger than 32 MiB", place="Photoshop")
    header = found.photoshop[0].header if found.photoshop else PHOTOSHOP_HEADER
    room = BODY_ROOM - len(header)
    parts = [payload[at : at + room] for at in range(0, len(payload), room)]
    bodies = [(header if not index else PHOTOSHOP_HEADER) + part for index, part in enumerate(parts)]
    chunks = [_segment(_APP13, body) for body in bodies]
    return _replace(found.photoshop, found.payloads.photoshop, chunks, place)


def _replace(segments: Sequence[Segment], old: Optional[bytes], chunks: Sequence[bytes], place: int) -> list[Splice]:
    """`chunks` instead of the segments: at the first one's place, or at `place` when there are none."""
    if not segments:
        return [Splice(place, 0, b"".join(chunks))] if chunks else []
    first = segments[0]
    if not chunks:
        return [Splice(segment.start, segment.end - segment.start, b"") for segment in segments]
    if old is not None and len(segments) == len(chunks) == 1:
        return _resized(first, old, chunks[0][4 + len(first.header) :])
    head = Splice(first.body - 4, first.end - first.body + 4, b"".join(chunks))
    return [head, *(Splice(each.start, each.end - each.start, b"") for each in segments[1:])]


def _resized(segment: Segment, old: bytes, new: bytes) -> list[Splice]:
    """One segment's new payload, and its length when that differs."""
    splices = narrowed(segment.payload, old, new)
    if len(old) == len(new):
        return list(splices)
    length = (len(segment.header) + len(new) + 2).to_bytes(2, "big")
    return [Splice(segment.body - 2, 2, length), *splices]


def check_whole(source: ByteSource, found: JpegFile) -> None:
    """Raises TruncatedError when no EOI marker follows the scan: half of the picture is missing.

    Looks at the last bytes first, then backwards in chunks of 1 MiB: an EOI stands at or near the end of
    the file, or in front of a trailer.
    """
    end = source.size
    while end > found.scan:
        start = max(found.scan, end - (64 if end == source.size else _TAIL_BYTES))
        # One byte more: the marker may lie across two chunks.
        if source.read_at(start, end - start + 1).rfind(_EOI) >= 0:
            return
        end = start
    raise TruncatedError("the image data has no end", place=f"offset {source.size}")
