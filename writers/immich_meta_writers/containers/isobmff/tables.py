"""Tables of numbers in boxes: read in one piece, renumbered as one overwrite.

Not here: which boxes hold which numbers (offsets.py, fragments.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from immich_meta_writers.containers.isobmff.boxes import Box
from immich_meta_writers.containers.replacing import shown
from immich_meta_writers.errors import NoRoomError, StructureError, UnsupportedError
from immich_meta_writers.patch import Splice
from immich_meta_writers.source import ByteSource

Move = Callable[[int], int]

# 16 million chunks: days of video.
MAX_TABLE_BYTES = 64 << 20
_CODES = {4: "I", 8: "Q"}


def content(source: ByteSource, box: Box) -> bytes:
    """The content of a box. Raises UnsupportedError when it is larger than 64 MiB."""
    if box.size > MAX_TABLE_BYTES:
        raise UnsupportedError(f"the table {shown(box.kind)} has {box.size} bytes", place=f"offset {box.start}")
    return source.read_at(box.body, box.size)


def full_box(source: ByteSource, box: Box) -> tuple[int, int, bytes]:
    """(version, flags, content with both). Raises StructureError when the box is too small for them."""
    data = content(source, box)
    if len(data) < 4:
        raise StructureError(f"the box {shown(box.kind)} has no version", place=f"offset {box.start}")
    return data[0], int.from_bytes(data[1:4], "big"), data


def renumbered(data: bytes, start: int, at: int, count: int, width: int, move: Move) -> Iterator[Splice]:
    """At most one splice: `count` numbers of `width` bytes at `data[at:]`, moved; `data` lies at `start` in the file.

    Raises NoRoomError when one outgrows its field.
    """
    form = f">{count}{_CODES[width]}"
    old = struct.unpack_from(form, data, at)
    new = [move(value) for value in old]
    changed = [index for index, value in enumerate(old) if value != new[index]]
    if not changed:
        return
    low, high = changed[0], changed[-1] + 1
    part = new[low:high]
    if max(part) >= 1 << 8 * width:
        raise NoRoomError(f"an offset of {max(part)} does not fit {8 * width} bits", place=f"offset {start}")
    yield Splice(start + at + low * width, (high - low) * width, struct.pack(f">{len(part)}{_CODES[width]}", *part))
