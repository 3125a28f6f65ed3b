"""An XMP packet in a `uuid` box at top level, and in the user data of a movie.

Not here: which of the two a file has (quicktime_boxes.py).
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from immich_meta_writers.containers.isobmff.boxes import Box, children, packed
from immich_meta_writers.containers.quicktime_boxes import XMP_UUID, Movie, Packet
from immich_meta_writers.containers.quicktime_space import (
    Grown,
    free_behind,
    freed,
    is_last,
    resized,
    taken,
)
from immich_meta_writers.errors import DamagedError, UnsupportedError
from immich_meta_writers.patch import Splice, narrowed
from immich_meta_writers.source import MemorySource

_HEADER = 8


def top_level_packet(movie: Movie, old: Optional[Packet], new: Optional[bytes]) -> Grown:
    """The `uuid` box: changed in its place where it fits, else free and made anew at the end of the file."""
    if old is None:
        return Grown((), b"" if new is None else packed(b"uuid", XMP_UUID + new))
    if new is None:
        return Grown(_removed(movie, old.box))
    growth = len(new) - len(old.content)
    change = narrowed(old.start, old.content, new)
    if not growth:
        return Grown(change)
    fitting = _fitting(movie, old.box, growth)
    if fitting is None:
        return Grown(freed(old.box), packed(b"uuid", XMP_UUID + new))
    return Grown((*change, resized(old.box, growth), *fitting))


def _removed(movie: Movie, box: Box) -> tuple[Splice, ...]:
    if is_last(movie, box):
        return (Splice(box.start, box.end - box.start, b""),)
    return freed(box)


def _fitting(movie: Movie, box: Box, growth: int) -> Optional[tuple[Splice, ...]]:
    """What lets a box grow in its place, beside its own bytes: free space, or nothing behind it that minds."""
    free = free_behind(movie, box, growth)
    splice = free and taken(free, growth)
    if splice:
        return (splice,)
    if growth <= -_HEADER:
        return (Splice(box.end, 0, packed(b"free", bytes(-growth - _HEADER))),)
    return () if is_last(movie, box) else None


class UserData(NamedTuple):
    """The content of a `udta`, and where in it the box `XMP_` stands (start, end)."""

    content: bytes
    packet: Optional[tuple[int, int]]

    @property
    def rest(self) -> bytes:
        """The content without the packet."""
        if self.packet is None:
            return self.content
        return self.content[: self.packet[0]] + self.content[self.packet[1] :]


def user_data_with(old: UserData, rest: bytes, packet: Optional[bytes]) -> bytes:
    """New user data: the packet stays at its place among the rest, or comes last, before the zeros at the end.

    Raises UnsupportedError when the rest does not consist of boxes.
    """
    if packet is None:
        return rest
    place = _place(old, rest)
    return b"".join((rest[:place], packed(b"XMP_", packet), rest[place:]))


def _place(old: UserData, rest: bytes) -> int:
    try:
        boxes = children(MemorySource(rest), 0, len(rest))
    except DamagedError as error:
        raise UnsupportedError("the user data does not consist of boxes", place="udta") from error
    ends = [0, *(box.end for box in boxes)]
    if old.packet is not None:
        before, place = old.rest, old.packet[0]
        behind = len(rest) - len(before) + place
        # What ends alike may do so within a longer box.
        if rest[:place] == before[:place] and place in ends:
            return place
        if behind in ends and rest[behind:] == before[place:]:
            return behind
    return ends[-1]
