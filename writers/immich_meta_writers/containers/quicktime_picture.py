"""The picture of a movie: its stored size and how it is turned for display (ISO/IEC 14496-12, 8.2.2, 8.3.2, 12.1.3).

Not here: anything that is changed.
"""

from __future__ import annotations

from typing import Optional

from immich_meta_writers.containers.isobmff.boxes import descend
from immich_meta_writers.containers.quicktime_boxes import Movie, Track
from immich_meta_writers.source import ByteSource

Matrix = tuple[int, int, int, int]

_UPRIGHT: Matrix = (1, 0, 0, 1)
# A point (x right, y down) goes to (ax + cy, bx + dy), so (a, b, c, d) is, in EXIF's words:
_ORIENTATIONS: dict[Matrix, int] = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


def picture(movie: Movie) -> tuple[Optional[tuple[int, int]], int]:
    """Width and height as stored, None when the file does not tell; and EXIF Orientation 1-8.

    Of the first enabled video track, by its header; by its first sample description where that says 0. A matrix that
    is no turn by right angles (a slant, a projection) counts as upright.
    """
    tracks = [(number, track) for number, track in enumerate(movie.tracks, 1) if track.handler == b"vide"]
    headed = [(track, movie.contents.get(f"trak{number}/tkhd", b"")) for number, track in tracks]
    enabled = [each for each in headed if each[1][3:4] and each[1][3] & 1]
    if not headed:
        return None, 1
    track, tkhd = (enabled or headed)[0]
    mvhd = movie.contents.get("mvhd", b"")
    turn = _times(_matrix(tkhd, 52 if tkhd[:1] == b"\1" else 40), _matrix(mvhd, 48 if mvhd[:1] == b"\1" else 36))
    return _size(tkhd) or _described(movie.source, track), _ORIENTATIONS.get(turn, 1)


def _size(tkhd: bytes) -> Optional[tuple[int, int]]:
    """16.16 fixed point."""
    at = 88 if tkhd[:1] == b"\1" else 76
    if len(tkhd) < at + 8:
        return None
    width, height = (int.from_bytes(tkhd[start : start + 4], "big") + 0x8000 >> 16 for start in (at, at + 4))
    return (width, height) if width and height else None


def _matrix(header: bytes, at: int) -> Matrix:
    """The signs of a, b, c, d, of nine numbers a b u c d v x y w; what is small beside the others is rounding.

    Without any, as some muxers leave it: upright.
    """
    if len(header) < at + 36:
        return _UPRIGHT
    a, b, _, c, d = (int.from_bytes(header[at + 4 * n : at + 4 * n + 4], "big", signed=True) for n in range(5))
    least = max(map(abs, (a, b, c, d))) // 16
    found = (_sign(a, least), _sign(b, least), _sign(c, least), _sign(d, least))
    return found if any(found) else _UPRIGHT


def _sign(number: int, least: int) -> int:
    return (number > least) - (number < -least)


def _times(one: Matrix, other: Matrix) -> Matrix:
    """First `one`, then `other`: players turn a track, then the movie."""
    a, b, c, d = one
    e, f, g, h = other
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)


def _described(source: ByteSource, track: Track) -> Optional[tuple[int, int]]:
    """The first entry of `stsd`: 32 bytes into a visual sample entry stand its width and height, 16 bits each."""
    stsd = descend(source, track.minf, b"stbl", b"stsd")
    entry = source.read_at(stsd.body + 8, min(36, stsd.size - 8)) if stsd and stsd.size >= 44 else b""
    width, height = int.from_bytes(entry[32:34], "big"), int.from_bytes(entry[34:36], "big")
    return (width, height) if width and height else None
