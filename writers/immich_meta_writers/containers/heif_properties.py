"""The properties of an image item (ISO/IEC 23008-12, 6.5 and 9.3): its size, what is shown of it, how it is turned.

Not here: every other property, and EXIF Orientation, which readers of these formats ignore.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple, Optional

from immich_meta_writers.containers.heif_items import MAX_TABLE_BYTES
from immich_meta_writers.containers.isobmff.boxes import Box, children, first
from immich_meta_writers.errors import StructureError
from immich_meta_writers.source import ByteSource

# What happens to a point (x right, y down) of the stored raster: x' = a*x + b*y, y' = c*x + d*y.
_Turn = tuple[int, int, int, int]
_ORIENTATIONS: dict[_Turn, int] = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, -1, 1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, 1, -1, 0): 8,
}
_SAME: _Turn = (1, 0, 0, 1)
_QUARTER_LEFT: _Turn = (0, 1, -1, 0)
# 6.5.12 since its second edition, and libheif and libavif: 0 exchanges top and bottom, 1 left and right.
_MIRRORS: tuple[_Turn, _Turn] = ((1, 0, 0, -1), (-1, 0, 0, 1))


class Properties(NamedTuple):
    """`raster`: width and height in pixels before any turn, of a grid those of the whole, without what is cropped away;
    `orientation`: 1-8 as in EXIF."""

    raster: Optional[tuple[int, int]]
    orientation: int


def read_properties(source: ByteSource, iprp: Optional[Box], item: int) -> Properties:
    """Those of one image item, in the order of its associations. Raises StructureError when a box lies."""
    raster, turn = None, _SAME
    for box in _associated(source, iprp, item) if iprp else ():
        if box.kind == b"ispe" and box.size >= 12:
            width, height = struct.unpack(">II", source.read_at(box.body + 4, 8))
            raster = (width, height) if width and height else raster
        elif box.kind == b"clap" and box.size >= 32:
            raster = _cropped(raster, source.read_at(box.body, 16), is_turned=turn[0] == 0)
        elif box.kind == b"irot" and box.size:
            for _ in range(source.read_at(box.body, 1)[0] & 3):
                turn = _then(turn, _QUARTER_LEFT)
        elif box.kind == b"imir" and box.size:
            turn = _then(turn, _MIRRORS[source.read_at(box.body, 1)[0] & 1])
    return Properties(raster, _ORIENTATIONS[turn])


def _cropped(raster: Optional[tuple[int, int]], aperture: bytes, *, is_turned: bool) -> Optional[tuple[int, int]]:
    """The size of the clean aperture (14496-12, 12.1.4): encoders pad small images, and only this part is shown."""
    width, of_width, height, of_height = struct.unpack(">4I", aperture)
    if not (of_width and of_height and width // of_width and height // of_height):
        return raster
    size = (width // of_width, height // of_height)
    return size[::-1] if is_turned else size


def _then(one: _Turn, other: _Turn) -> _Turn:
    """First `one`, then `other`."""
    a, b, c, d = one
    e, f, g, h = other
    return (e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d)


def _associated(source: ByteSource, iprp: Box, item: int) -> Iterator[Box]:
    inside = children(source, iprp.body, iprp.end)
    ipco = first(inside, b"ipco")
    if ipco is None:
        return
    properties = children(source, ipco.body, ipco.end)
    for box in inside:
        if box.kind == b"ipma":
            for index in _associations(source, box, item):
                if 0 < index <= len(properties):
                    yield properties[index - 1]


def _associations(source: ByteSource, ipma: Box, item: int) -> tuple[int, ...]:
    """The indices, from 1, of one item's properties (9.3.1). Raises StructureError."""
    place = f"offset {ipma.start}"
    if ipma.size > MAX_TABLE_BYTES or ipma.size < 8:
        raise StructureError(f"the associations take {ipma.size} bytes", place=place)
    data = source.read_at(ipma.body, ipma.size)
    id_width, width = (4 if data[0] else 2), (2 if data[3] & 1 else 1)
    count, at = int.from_bytes(data[4:8], "big"), 8
    for _ in range(count):
        behind = at + id_width + 1
        if behind > len(data) or behind + data[behind - 1] * width > len(data):
            raise StructureError(f"{count} associations do not fit their box", place=place)
        end = behind + data[behind - 1] * width
        if int.from_bytes(data[at : at + id_width], "big") == item:
            mask = (1 << 8 * width - 1) - 1
            return tuple([int.from_bytes(data[n : n + width], "big") & mask for n in range(behind, end, width)])
        at = end
    return ()
