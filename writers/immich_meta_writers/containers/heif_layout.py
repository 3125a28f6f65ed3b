"""New metadata items of a HEIF file as a patch: what stays where it is, what moves.

In this order: over the old bytes when the new ones fit; into the region where the item lies already; into `free` space
of the file, whose length then stays; behind everything else.
Not here: which bytes may be written (heif_places.py), and the boxes and offsets that follow (heif_edits.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Optional

from immich_meta_writers.containers import heif_items
from immich_meta_writers.containers.heif_edits import Task, plain, solved
from immich_meta_writers.containers.heif_items import Reference
from immich_meta_writers.containers.heif_meta import EXIF, Span
from immich_meta_writers.containers.heif_places import File, Places, Region, exclusive, pointed, survey
from immich_meta_writers.containers.isobmff.iloc import MAX_ITEMS
from immich_meta_writers.errors import NoRoomError, UnsupportedError
from immich_meta_writers.patch import Patch, Splice

__all__ = ["File", "rewritten"]

# What stands in front of a new Exif block: the distance to its TIFF header; in AVIF there is nothing between.
_HEIF_PREFIX, _AVIF_PREFIX = b"\0\0\0\6Exif\0\0", bytes(4)


def rewritten(file: File, wanted: Mapping[str, Optional[bytes]]) -> Patch:
    """The patch that gives the items of these kinds new payloads; None removes one. They differ from the old ones.

    Raises UnsupportedError when something has to move that may not, NoRoomError when an offset outgrows its field.
    """
    seen = pointed(file, [kind for kind, payload in wanted.items() if payload is None])
    alone = exclusive(file, seen)
    contents = {kind: _framed(file, kind, payload) for kind, payload in wanted.items() if payload is not None}
    same = [kind for kind, data in contents.items() if kind in alone and alone[kind].length == len(data)]
    if len(same) == len(wanted):
        return plain(file, [Splice(alone[kind].start, len(contents[kind]), contents[kind]) for kind in same])
    places = survey(file, alone, seen)
    for task in _tasks(file, places, alone, wanted, contents):
        patch = solved(file, task)
        if patch is not None:
            return patch
    raise UnsupportedError(
        "the photo's video has to stay where it is (sefd tells its position), and too little space is free before it",
        place="mpvd",
    )


def _framed(file: File, kind: str, payload: bytes) -> bytes:
    """A payload as its item holds it: an Exif block keeps the form that it has in this file."""
    held = file.held.get(kind)
    if kind == EXIF and (held is None or not held.payload):
        return (_AVIF_PREFIX if file.is_avif else _HEIF_PREFIX) + payload
    return held.prefix + payload if held else payload


def _tasks(
    file: File,
    places: Places,
    alone: Mapping[str, Span],
    wanted: Mapping[str, Optional[bytes]],
    contents: Mapping[str, bytes],
) -> Iterator[Task]:
    """The ways to do it, the best one first."""
    full = {kind: held.prefix + held.payload for kind, held in file.held.items() if kind not in wanted}
    full.update(contents)
    laid: dict[Region, Mapping[str, bytes]] = {}
    for region in places.all:
        if any(kind in wanted and len(full.get(kind, b"")) != alone[kind].length for kind in region.kinds):
            laid[region] = _staying(region, contents, full)
    at_home = {kind for region in laid for kind in laid[region]}
    over: dict[str, bytes] = {}
    homeless: dict[str, bytes] = {}
    evicted = {kind for region in laid for kind in region.kinds}
    for kind, data in contents.items():
        if kind not in at_home:
            fits = kind in alone and kind not in evicted and len(data) <= alone[kind].length
            (over if fits else homeless)[kind] = data
    base = _listed(file, wanted)._replace(over=over, laid=laid, behind=_behind(file, places, full))
    if not homeless:
        yield base
        return
    for target in places.all:
        # An item that stays in the target region moves with the rest of it.
        here = {kind: full[kind] for kind in target.kinds if kind in full and kind not in homeless}
        kept = {kind: data for kind, data in over.items() if kind not in here}
        yield base._replace(over=kept, laid={**laid, target: {**here, **homeless}})


def _staying(region: Region, contents: Mapping[str, bytes], full: Mapping[str, bytes]) -> dict[str, bytes]:
    """What remains in a region: everything, but of a full one only what does not change."""
    here = {kind: full[kind] for kind in region.kinds if kind in full}
    if not region.keeps_length or region.holds([len(data) for data in here.values()]):
        return here
    return {kind: data for kind, data in here.items() if kind not in contents}


def _behind(file: File, places: Places, full: Mapping[str, bytes]) -> Optional[tuple[Region, Mapping[str, bytes]]]:
    """The hole right behind `meta`, and what has to remain in it when `meta` grows into it."""
    for hole in places.holes:
        if hole.start == file.meta.box.end:
            return hole, {kind: full[kind] for kind in hole.kinds if kind in full}
    return None


def _listed(file: File, wanted: Mapping[str, Optional[bytes]]) -> Task:
    """The tables of items, with new ones and without removed ones."""
    items, references, taken = file.meta.items, file.meta.references, set(file.meta.ids)
    ids = {kind: held.item for kind, held in file.held.items()}
    gone: set[int] = set()
    for kind, payload in wanted.items():
        if payload is None:
            removed = ids.pop(kind)
            gone.add(removed)
            items = items._replace(all=tuple([item for item in items.all if item.id != removed]))
            references = heif_items.without(references, removed)
        elif kind not in ids:
            identifier = heif_items.unused_id(tuple(taken))
            if identifier is None or len(items.all) >= MAX_ITEMS:
                raise NoRoomError("every item id is taken", place="iinf")
            taken.add(identifier)
            ids[kind] = identifier
            item = heif_items.new_item(identifier, heif_items.EXIF if kind == EXIF else heif_items.MIME)
            link = Reference(heif_items.DESCRIBES, identifier, (file.meta.primary,))
            items = items._replace(all=(*items.all, item))
            references = references._replace(all=(*references.all, link))
    return Task({}, {}, None, frozenset(gone), ids, items, references)
