"""The graft: values go into the tables of a TIFF structure, and everything else stays where it is, byte for byte.

Not here: whether a value should change (merge/), its encoding (payloads/exif_values.py) and the file around the
block.

The steps: survey the block (ground.py), draft the edited tables (draft.py), give what moved a place at the end, and
answer with splices, so that the same editor serves a block in memory and a TIFF file on disk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Optional

from immich_meta_writers.ifd.draft import Draft, Drafts, Encoded, Slot, make_drafts, zeroed_table
from immich_meta_writers.ifd.ground import Ground, NoPins, Pins, survey
from immich_meta_writers.ifd.layout import Layout
from immich_meta_writers.ifd.pointers import NEXT, BackLink
from immich_meta_writers.ifd.table import Entry, Ifd, pack_table, table_bytes
from immich_meta_writers.ifd.tree import Place, Tree
from immich_meta_writers.patch import Patch, Splice, common_start, narrowed

Wanted = Mapping[Place, Optional[Encoded]]


@dataclass(frozen=True)
class EditPlan:
    """`patch` is over the tree's bytes; the values of the places that did not fit stand as they were."""

    patch: Patch
    skipped: tuple[Place, ...] = ()


def plan_edits(
    tree: Tree,
    wanted: Wanted,
    *,
    room: int,
    together: Collection[frozenset[Place]] = (),
    pins: Optional[Pins] = None,
) -> EditPlan:
    """Set (None: remove) values in IFD0, ExifIFD and GPS; at most `room` bytes may result.

    A value equal to the file's changes nothing. Byte order, entry order and every other value stay; pointers lead where
    they led, also to a table that moves.
    When `room` is short, zero bytes that nothing points to are given up first; then what fits is written, those of
    `together` only together, and the rest is `skipped`.
    """
    ground = survey(tree, wanted, pins or NoPins())
    room = min(room, tree.layout.room)
    patch = _fit(ground, wanted, room)
    if patch is not None:
        return EditPlan(patch)
    chosen: dict[Place, Optional[Encoded]] = {}
    skipped: set[Place] = set()
    for group in _cheapest_first(ground, wanted, together):
        trial = {**chosen, **group}
        if _fit(ground, trial, room) is None:
            skipped.update(group)
        else:
            chosen = trial
    patch = _fit(ground, chosen, room) or Patch(ground.size)
    return EditPlan(patch, tuple([place for place in wanted if place in skipped]))


def _fit(ground: Ground, wanted: Wanted, room: int) -> Optional[Patch]:
    """The patch, with unused zeros given up only when needed; None when it does not fit at all."""
    for trim in (False, True):
        patch = _lay_out(ground, wanted, room, trim=trim)
        if patch is not None:
            return patch
    return None


def _cheapest_first(
    ground: Ground, wanted: Wanted, together: Collection[frozenset[Place]]
) -> list[dict[Place, Optional[Encoded]]]:
    """The edits in groups that belong together, those first that need the fewest new bytes."""
    groups: dict[object, dict[Place, Optional[Encoded]]] = {}
    for place, value in wanted.items():
        key: object = next((group for group in together if place in group), place)
        groups.setdefault(key, {})[place] = value
    return sorted(groups.values(), key=lambda group: _size_with(ground, group))


def _size_with(ground: Ground, wanted: Wanted) -> int:
    drafts = make_drafts(ground, wanted)
    return _Places(ground, drafts, trim=False).end if drafts.is_changed else ground.size


# ---------------------------------------------------------------- bytes


class _Places:
    """Offsets for the tables that move, then for the values, all even."""

    def __init__(self, ground: Ground, drafts: Drafts, *, trim: bool) -> None:
        self.start = ground.start_of_new_bytes(trim=trim)
        self.tables: dict[str, int] = {}
        self.values: dict[tuple[str, int], int] = {}
        layout, position = ground.tree.layout, self.start
        for draft in drafts.ifds.values():
            if draft.moves and not draft.is_gone:
                self.tables[draft.name] = position
                position += table_bytes(layout, len(draft.slots))
        for draft in drafts.ifds.values():
            for index, slot in enumerate(draft.slots):
                if slot.moved is not None:
                    self.values[draft.name, index] = position
                    position += len(slot.moved) + len(slot.moved) % 2
        self.end = ground.size if position == self.start and not ground.has_tail else position
        self.links: dict[tuple[str, int], list[tuple[BackLink, bytes]]] = {}
        for owner, links in ground.links.items():
            for link in links:
                packed = link.packed(self.tables[link.target], layout) if link.target in self.tables else None
                if packed is not None and (link.row != NEXT or ground.may_relink(link)):
                    self.links.setdefault(owner, []).append((link, packed))


def _lay_out(ground: Ground, wanted: Wanted, room: int, *, trim: bool) -> Optional[Patch]:
    """One try: drafts, places, splices. None when the result would be larger than the file is and than `room`."""
    drafts = make_drafts(ground, wanted)
    if not drafts.is_changed:
        return Patch(ground.size)
    places = _Places(ground, drafts, trim=trim)
    if places.end > max(room, ground.size):
        return None
    layout = ground.tree.layout
    tail = b"".join([_table_bytes(drafts.ifds[name], places, layout) for name in places.tables])
    tail += _moved_values(drafts)
    writes = list(drafts.overwrites)
    if "IFD0" in places.tables:
        writes.append((layout.ifd0_at, layout.pack_offset(places.tables["IFD0"])))
    for draft in drafts.ifds.values():
        if draft.name in places.tables or draft.is_gone:
            writes += zeroed_table(ground, draft)
        elif draft.table is not None and draft.is_touched:
            writes.append((draft.table.offset, _rewritten_table(draft, draft.table, places, layout)))
    writes += _relinked(ground, drafts, places).items()
    return Patch(ground.size, tuple(_splices(ground, writes, places.start, tail)))


def _moved_values(drafts: Drafts) -> bytes:
    values = [slot.moved for draft in drafts.ifds.values() for slot in draft.slots if slot.moved is not None]
    return b"".join([value + bytes(len(value) % 2) for value in values])


def _entries(draft: Draft, places: _Places, layout: Layout) -> list[Entry]:
    entries = []
    for index, slot in enumerate(draft.slots):
        target = places.tables.get(slot.leads_to, places.values.get((draft.name, index)))
        place = _relinked_place(draft, slot, places) if target is None else layout.pack_offset(target)
        entries.append(replace(slot, place=place).entry)
    return entries


def _relinked_place(draft: Draft, slot: Slot, places: _Places) -> bytes:
    """The place of an entry, with what leads to moved tables repointed; one that was edited is right already."""
    place = slot.place
    if draft.table is not None and slot.old >= 0 and draft.table.entries[slot.old] == slot.entry:
        for link, new in places.links.get((draft.name, slot.old), ()):
            if link.in_entry is not None:
                place = place[: link.in_entry] + new + place[link.in_entry + link.size :]
    return place


def _following(draft: Draft, places: _Places) -> bytes:
    """The next-IFD pointer of a table that is written anew: as it was, unless it leads to one that moves."""
    for _, new in places.links.get((draft.name, NEXT), ()):
        return new
    return draft.table.next if draft.table is not None else b""


def _table_bytes(draft: Draft, places: _Places, layout: Layout) -> bytes:
    """A table in its new place, with its next-IFD pointer."""
    return pack_table(layout, _entries(draft, places, layout)) + _following(draft, places).ljust(
        layout.offset_bytes, b"\0"
    )


def _rewritten_table(draft: Draft, table: Ifd, places: _Places, layout: Layout) -> bytes:
    """A table over its old place; when it got shorter, its next-IFD pointer moves up and zeros follow."""
    if len(draft.slots) == len(table.entries):
        return pack_table(layout, _entries(draft, places, layout))
    return _table_bytes(draft, places, layout).ljust(table.entries_end - table.offset, b"\0")


def _relinked(ground: Ground, drafts: Drafts, places: _Places) -> dict[int, bytes]:
    """Pointers to moved tables that stand in tables which are not written anew, or in values elsewhere, by offset."""
    made: dict[int, bytes] = {}
    seen: set[int] = set()
    for (holder, index), links in places.links.items():
        draft = drafts.ifds.get(holder)
        for link, new in links:
            is_written = draft is not None and _is_written(draft, index, places, in_table=link.in_entry is not None)
            # Many pages can share an array of SubIFDs.
            if is_written or link.at in seen:
                continue
            seen.add(link.at)
            if ground.may_relink(link):
                made[link.at] = new
    return made


def _is_written(draft: Draft, index: int, places: _Places, *, in_table: bool) -> bool:
    """True when the new bytes of the table hold the pointer, or the table is gone."""
    is_moved = draft.name in places.tables or draft.is_gone
    if index == NEXT:
        return is_moved or (draft.table is not None and len(draft.slots) != len(draft.table.entries))
    return in_table and (is_moved or draft.is_touched)


def _splices(ground: Ground, writes: list[tuple[int, bytes]], start: int, tail: bytes) -> Iterator[Splice]:
    """What really differs, sorted; the new tail comes last."""
    data = ground.tree.data
    for offset, new in sorted(writes):
        yield from narrowed(offset, data[offset : offset + len(new)], new)
    cut = min(start, ground.size)
    if not tail and not ground.has_tail:
        return
    old = data[cut : ground.size]
    if old != tail:
        same = common_start(old, tail)
        yield Splice(cut + same, len(old) - same, bytes(start - cut) + tail[same:])
