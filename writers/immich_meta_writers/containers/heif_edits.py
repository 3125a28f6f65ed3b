"""The edits of a HEIF file: `meta` with its tables, the bytes of moved items, and every offset that follows them.

When `meta` grows it takes `free` space inside of it, or right behind it; else everything behind it moves. When it
shrinks it is left a `free` box.
Not here: the choice of what moves (heif_layout.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.containers import heif_items
from immich_meta_writers.containers.heif_items import Items, References
from immich_meta_writers.containers.heif_meta import Span
from immich_meta_writers.containers.heif_places import FREE, SMALLEST_BOX, File, Region, overlap
from immich_meta_writers.containers.isobmff import iloc
from immich_meta_writers.containers.isobmff.boxes import Box, header, packed
from immich_meta_writers.containers.isobmff.iloc import Extent, Location, Table
from immich_meta_writers.containers.isobmff.offsets import Move, moves, shifted
from immich_meta_writers.errors import NoRoomError
from immich_meta_writers.patch import Patch, Splice, narrowed

_LARGEST_SMALL = 0xFFFFFFFF
# Every field of the item locations can widen twice.
_ROUNDS = 10

_Contents = Mapping[str, bytes]


class Task(NamedTuple):
    """Items by kind. `over`: the new bytes of those that keep their place. `laid`: all that a region is to hold which
    is written anew. `behind`: the hole that `meta` may grow into, and what it holds. `gone`: the ids of removed items,
    `ids` those of the others, and the tables that list them."""

    over: _Contents
    laid: Mapping[Region, _Contents]
    behind: Optional[tuple[Region, _Contents]]
    gone: frozenset[int]
    ids: Mapping[str, int]
    items: Items
    references: References


class _Edits(NamedTuple):
    """`moving`: edits that may change lengths, in the order of the file. `headers`: sizes of boxes, overwritten.
    `placed`: where the items of rewritten regions lie afterwards, and their lengths."""

    moving: tuple[Splice, ...]
    headers: tuple[Splice, ...]
    placed: Mapping[str, Span]


class _Written(NamedTuple):
    """A region's edit, and how far behind its start each item lies."""

    splice: Splice
    distances: Mapping[str, int]


def plain(file: File, splices: Sequence[Splice]) -> Patch:
    """A patch without the bytes at both ends of a splice that stay the same: undo stays small."""
    ordered = sorted(splices, key=lambda splice: (splice.offset, splice.length > 0))
    narrow = (
        narrowed(splice.offset, file.source.read_at(splice.offset, splice.length), splice.data) for splice in ordered
    )
    return Patch(file.source.size, tuple(splice for parts in narrow for splice in parts))


def solved(file: File, task: Task) -> Optional[Patch]:
    """The patch; None when a region is too small, or the video of a motion photo would move.

    Raises NoRoomError when an offset outgrows a field that cannot be widened.
    """
    table = file.meta.table
    for _ in range(_ROUNDS):
        edits = _edits(file, task, _located(file, task, table, None, {}))
        if edits is None:
            return None
        move = moves(edits.moving)
        located = _located(file, task, table, move, edits.placed)
        if located[:6] == _located(file, task, table, None, {})[:6]:
            break
        table = located._replace(locations=file.meta.table.locations)
    final = _edits(file, task, located)
    if final is None or (file.fixed and move(file.fixed.start) != file.fixed.start):
        return None
    starts = {kind: file.held[kind].spans[0].start for kind in task.over}
    over = [Splice(starts[kind], len(data), data) for kind, data in task.over.items() if kind not in final.placed]
    follow = shifted(file.source, file.others, move, _relocated(file, task, move, final.placed))
    return plain(file, [*final.moving, *final.headers, *over, *follow])


def _relocated(
    file: File, task: Task, move: Move, placed: Mapping[str, Span]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Old and new places of our items, for tables elsewhere in the file that list them too."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for kind, held in file.held.items():
        if len(held.spans) == 1:
            start, length = held.spans[0]
            if kind in placed:
                found[start, length] = placed[kind]
            elif kind in task.over:
                found[start, length] = (move(start), len(task.over[kind]))
    return found


def _located(file: File, task: Task, sizes: Table, move: Optional[Move], placed: Mapping[str, Span]) -> Table:
    """The item locations after the edits, in fields at least as wide as those of `sizes`; before the edits are known
    (`move` None) only their number and widths are true."""
    kinds = {identifier: kind for kind, identifier in task.ids.items()}
    rewritten = {kind for contents in task.laid.values() for kind in contents} | placed.keys()
    locations: list[Location] = []
    for location in file.meta.table.locations:
        kind = kinds.get(location.item, "")
        if location.item in task.gone:
            continue
        if kind in rewritten:
            locations.append(_at(sizes, location.item, placed.get(kind)))
            rewritten.remove(kind)
            continue
        if move:
            location = iloc.moved(location, move, has_offsets=sizes.offset_size > 0, references=file.meta.local)
        if kind in task.over:
            location = location._replace(extents=(location.extents[0]._replace(length=len(task.over[kind])),))
        locations.append(location)
    locations += [_at(sizes, task.ids[kind], placed.get(kind)) for kind in sorted(rewritten)]
    return iloc.fitted(sizes._replace(locations=tuple(locations)))


def _at(sizes: Table, item: int, span: Optional[Span]) -> Location:
    """One extent in the file; its position in the base when only that has a field."""
    start, length = span or (0, 0)
    if sizes.offset_size or not sizes.base_size:
        return Location(item, iloc.IN_FILE, 0, 0, (Extent(0, start, length),))
    return Location(item, iloc.IN_FILE, 0, start, (Extent(0, 0, length),))


def _edits(file: File, task: Task, table: Table) -> Optional[_Edits]:
    """The edits when the item locations are these; None when a region is too small for what it is to hold."""
    inside = list(_tables(file, task, table))
    growth = sum(len(splice.data) - splice.length for splice in inside)
    free = _into_free_child(file, growth)
    inside += free
    growth += sum(len(splice.data) - splice.length for splice in free)
    regions: dict[Region, _Written] = {}
    if task.behind and growth > 0:
        hole, contents = task.behind
        written = _hole(hole, task.laid.get(hole, contents), growth)
        if written:
            regions[hole] = written
    for region, contents in task.laid.items():
        if region not in regions:
            written = _hole(region, contents, 0) if region.keeps_length else _tail(region, contents)
            if written is None:
                return None
            regions[region] = written
    # Stable: what `meta` grows by stands in front of a region that begins where it ends.
    moving = sorted([*inside, *(region.splice for region in regions.values())], key=lambda s: (s.offset, s.length > 0))
    placed = _placed(task, moving, regions)
    return _Edits(tuple(moving), tuple(_headers(file, regions, growth)), placed)


def _placed(task: Task, moving: Sequence[Splice], regions: Mapping[Region, _Written]) -> dict[str, Span]:
    lengths = {kind: len(data) for contents in task.laid.values() for kind, data in contents.items()}
    if task.behind:
        lengths = {**{kind: len(data) for kind, data in task.behind[1].items()}, **lengths}
    placed, growth = {}, 0
    for splice in moving:
        for region in regions.values():
            if region.splice is splice:
                for kind, distance in region.distances.items():
                    placed[kind] = Span(splice.offset + growth + distance, lengths[kind])
        growth += len(splice.data) - splice.length
    return placed


def _tables(file: File, task: Task, table: Table) -> Iterator[Splice]:
    """The tables of `meta` that change."""
    meta = file.meta
    located, listed, linked = (meta.child(kind) for kind in (b"iloc", b"iinf", b"iref"))
    if located:
        yield _replaced(located, iloc.encode(table))
    if listed and task.items is not meta.items:
        yield _replaced(listed, heif_items.encode_items(task.items))
    if task.references == meta.references:
        return
    content = heif_items.encode_references(task.references)
    if linked:
        is_empty = not task.references.all
        yield Splice(linked.start, linked.end - linked.start, b"") if is_empty else _replaced(linked, content)
    elif listed:
        yield Splice(listed.end, 0, packed(b"iref", content))


def _replaced(box: Box, content: bytes) -> Splice:
    return Splice(box.start, box.end - box.start, packed(box.kind, content))


def _into_free_child(file: File, growth: int) -> list[Splice]:
    """What makes up for the growth inside of `meta`; nothing when it cannot be."""
    meta = file.meta
    spans = [span for location in meta.table.locations for span in meta.spans(location) if span.length]
    free = [box for box in meta.inside if box.kind in FREE]
    for box in free:
        size = box.end - box.start
        if growth == size and not any(overlap(Span(box.start, size), span) for span in spans):
            return [Splice(box.start, size, b"")]
        if growth and size - growth >= SMALLEST_BOX and not any(overlap(Span(box.start, size), span) for span in spans):
            head = header(box.kind, size - growth - SMALLEST_BOX)
            cut = SMALLEST_BOX + max(growth, 0)
            return [Splice(box.start, cut, head + bytes(max(-growth, 0)))]
    if growth <= -SMALLEST_BOX:
        return [Splice(meta.box.end, 0, packed(b"free", bytes(-growth - SMALLEST_BOX)))]
    return []


def _hole(region: Region, contents: _Contents, less: int) -> Optional[_Written]:
    """A region of whole boxes that keeps its length, but for its first `less` bytes: one `mdat`, and one `free`."""
    if not region.holds([len(data) for data in contents.values()], less=less):
        return None
    body, distances = _joined(contents, SMALLEST_BOX)
    rest = region.end - region.start - less - (len(body) + SMALLEST_BOX if contents else 0)
    if rest < SMALLEST_BOX:
        body, rest = body + bytes(rest), 0
    data = packed(b"mdat", body) if contents else b""
    data += header(b"free", rest - SMALLEST_BOX) if rest else b""
    return _Written(Splice(region.start, len(data) + less, data), distances)


def _tail(region: Region, contents: _Contents) -> _Written:
    body, distances = _joined(contents, 0 if region.host else SMALLEST_BOX)
    data = body if region.host or not contents else packed(b"mdat", body)
    return _Written(Splice(region.start, region.end - region.start, data), distances)


def _joined(contents: _Contents, distance: int) -> tuple[bytes, dict[str, int]]:
    distances = {}
    for kind, data in contents.items():
        distances[kind] = distance
        distance += len(data)
    return b"".join(contents.values()), distances


def _headers(file: File, regions: Mapping[Region, _Written], growth: int) -> Iterator[Splice]:
    """The new sizes of `meta` and of the boxes that hold or precede the last bytes."""
    meta, last = file.meta.box, file.boxes[-1]
    if growth and not meta.is_open:
        yield from _sized(meta, meta.end - meta.start + growth)
    for region, (splice, _) in regions.items():
        if region.keeps_length:
            continue
        if region.host:
            if not region.host.is_open:
                more = len(splice.data) - splice.length
                yield from _sized(region.host, region.host.end - region.host.start + more)
        elif last.is_open and last.end == region.start and splice.data:
            # What follows a box that lasts "to the end of the file" has to know where it ends.
            yield from _sized(last, last.end - last.start + (growth if last == meta else 0))


def _sized(box: Box, size: int) -> Iterator[Splice]:
    if box.body - box.start > SMALLEST_BOX:
        yield Splice(box.start + SMALLEST_BOX, 8, size.to_bytes(8, "big"))
    elif size > _LARGEST_SMALL:
        raise NoRoomError(f"a box of {size} bytes does not fit its 32 bits", place=f"offset {box.start}")
    else:
        yield Splice(box.start, 4, size.to_bytes(4, "big"))
