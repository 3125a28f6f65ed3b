"""Where the metadata items of a HEIF file may be written: their own bytes, unused space, the end of the file.

Not here: the writing (heif_layout.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.containers.heif_meta import Held, Meta, Span
from immich_meta_writers.containers.isobmff.boxes import Box
from immich_meta_writers.containers.isobmff.iloc import IN_FILE
from immich_meta_writers.containers.isobmff.offsets import shifted
from immich_meta_writers.source import ByteSource

# Boxes that stay last: a motion photo's video, Samsung's directory and a movie's random access are found from the end.
_LAST = (b"mpvd", b"sefd", b"mfra")
FREE = (b"free", b"skip")
SMALLEST_BOX = 8


class File(NamedTuple):
    """What is known of a file: its boxes at top level up to `end`, its `meta`, and the photo's own items by kind."""

    source: ByteSource
    boxes: tuple[Box, ...]
    end: int
    meta: Meta
    held: Mapping[str, Held]
    is_avif: bool

    @property
    def others(self) -> tuple[Box, ...]:
        """The boxes whose offsets are not those of our `meta`."""
        return tuple([box for box in self.boxes if box is not self.meta.box])

    @property
    def last(self) -> int:
        """Where new bytes go: behind everything but a trailer."""
        return next((box.start for box in self.boxes if box.kind in _LAST), self.end)

    @property
    def fixed(self) -> Optional[Box]:
        """What may not move: the video of a Samsung motion photo; `sefd` holds its position, XMP its distance."""
        if any(box.kind == b"sefd" for box in self.boxes):
            return next((box for box in self.boxes if box.kind == b"mpvd"), None)
        return None


class Region(NamedTuple):
    """Bytes that may be written anew, and the kinds of items in them, in order.

    `host`: the `mdat` whose last bytes they are; without one they are whole boxes, or none at all (the tail of a file
    that holds nothing of ours there). A region with `keeps_length` may not grow or shrink.
    """

    start: int
    end: int
    kinds: tuple[str, ...]
    host: Optional[Box]
    keeps_length: bool

    def holds(self, lengths: Sequence[int], *, less: int = 0) -> bool:
        """Whether items of these lengths, in one `mdat`, fit a region that keeps its length, `less` bytes of it."""
        room = self.end - self.start - less - (SMALLEST_BOX if lengths else 0) - sum(lengths)
        return room >= SMALLEST_BOX or (room >= 0 if lengths else room == 0)


class Places(NamedTuple):
    """`tail`: None when nothing may be added to the file."""

    tail: Optional[Region]
    holes: tuple[Region, ...]

    @property
    def all(self) -> tuple[Region, ...]:
        return (*self.holes, self.tail) if self.tail else self.holes


def pointed(file: File, gone: Collection[str]) -> tuple[Span, ...]:
    """Where movies and other `meta` boxes of the file point to; of their bytes only the first is known.

    Left out is what also lists our items, which follows them; but not those in `gone`.
    """
    seen: list[Span] = []

    def note(position: int) -> int:
        seen.append(Span(position, 1))
        return position

    ours = [span for kind, held in file.held.items() if kind not in gone for span in held.spans]
    twins = {(start, length): (start, length) for start, length in ours}
    shifted(file.source, file.others, note, twins)
    return tuple(seen)


def exclusive(file: File, foreign: Sequence[Span]) -> dict[str, Span]:
    """The kinds whose item lies in one piece, in `mdat` or `idat`, that neither another item nor `foreign`
    shares."""
    alone = {kind: held.spans[0] for kind, held in file.held.items() if len(held.spans) == 1 and held.spans[0].length}
    others = [*_items(file, {held.item for held in file.held.values()}), *foreign]
    for kind, span in tuple(alone.items()):
        twins = [twin for name, held in file.held.items() if name != kind for twin in held.spans]
        if not _is_data(file, span) or any(overlap(span, other) for other in (*others, *twins)):
            del alone[kind]
    return alone


def _is_data(file: File, span: Span) -> bool:
    """Whether bytes lie where items do; a table that an item leads into is not written over."""
    homes = [box for box in file.boxes if box.kind == b"mdat"] + ([file.meta.idat] if file.meta.idat else [])
    return any(home.body <= span.start and span.end <= home.end for home in homes)


def _items(file: File, ours: Collection[int]) -> list[Span]:
    """The bytes of all items but these."""
    return [
        span
        for location in file.meta.table.locations
        if location.item not in ours
        for span in file.meta.spans(location)
        if span.length
    ]


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share a byte."""
    return one.start < other.end and other.start < one.end


def survey(file: File, ours: Mapping[str, Span], pointed: Sequence[Span]) -> Places:
    """The tail, and the runs of boxes that are free or hold nothing but `ours` (see `exclusive` and `pointed`)."""
    foreign = (*pointed, *_items(file, {file.held[kind].item for kind in ours}))
    in_mdat = {kind: span for kind, span in ours.items() if _method(file, kind) == IN_FILE}
    wholly = {box: kinds for box, kinds in ((box, _whole(file, box, in_mdat, foreign)) for box in file.boxes) if kinds}
    tail = None if file.fixed else _tail(file, in_mdat, wholly, foreign)
    holes: list[Region] = []
    for box in file.boxes:
        is_tail = tail is not None and tail.host is None and tail.start <= box.start < tail.end
        is_free = box.kind in FREE and not box.is_open and not _is_used(foreign, ours, box)
        if is_tail or not (is_free or (box in wholly and not box.is_open)):
            continue
        kinds = wholly.get(box, ())
        if holes and holes[-1].end == box.start:
            holes[-1] = holes[-1]._replace(end=box.end, kinds=holes[-1].kinds + kinds)
        else:
            holes.append(Region(box.start, box.end, kinds, None, True))
    return Places(tail, tuple(holes))


def _method(file: File, kind: str) -> Optional[int]:
    location = file.held[kind].location
    return location.method if location else None


def _is_used(foreign: Sequence[Span], ours: Mapping[str, Span], box: Box) -> bool:
    whole = Span(box.start, box.end - box.start)
    return any(overlap(whole, span) for span in (*foreign, *ours.values()))


def _whole(file: File, box: Box, ours: Mapping[str, Span], foreign: Sequence[Span]) -> tuple[str, ...]:
    """The kinds in an `mdat` that holds our items, nothing else, and at most seven blank bytes."""
    if box.kind != b"mdat":
        return ()
    inside = sorted((span, kind) for kind, span in ours.items() if box.body <= span.start and span.end <= box.end)
    position = box.body
    for span, _ in inside:
        if span.start != position:
            return ()
        position = span.end
    rest = box.end - position
    if not inside or rest >= SMALLEST_BOX or any(file.source.read_at(position, rest)):
        return ()
    if any(overlap(Span(box.start, box.end - box.start), span) for span in foreign):
        return ()
    return tuple(kind for _, kind in inside)


def _tail(
    file: File, ours: Mapping[str, Span], wholly: Mapping[Box, tuple[str, ...]], foreign: Sequence[Span]
) -> Region:
    start, kinds = file.last, tuple[str, ...]()
    front = [box for box in file.boxes if box.end <= file.last]
    for box in reversed(front):
        if box not in wholly:
            break
        start, kinds = box.start, wholly[box] + kinds
    host = front[-1] if front else None
    if kinds or host is None or host.kind != b"mdat":
        return Region(start, file.last, kinds, None, False)
    for span, kind in _backwards(ours, host):
        if any(overlap(Span(span.start, host.end - span.start), other) for other in foreign):
            break
        start, kinds = span.start, (kind, *kinds)
    # An open box takes what is written behind it; a closed one is left alone unless our items are its end.
    return Region(start, file.last, kinds, host if kinds or host.is_open else None, False)


def _backwards(ours: Mapping[str, Span], host: Box) -> Iterator[tuple[Span, str]]:
    """The items that lie at the end of a box, the last one first, without a gap."""
    end = host.end
    for span, kind in sorted(((span, kind) for kind, span in ours.items()), reverse=True):
        if span.end == end and span.start >= host.body:
            yield span, kind
            end = span.start
