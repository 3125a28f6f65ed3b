"""Drafts of the edited IFDs: which entries each will have, and which values find no place where they stand.

Not here: where moved tables and values go, and the bytes (graft.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Optional

from immich_meta_writers.ifd.ground import Ground
from immich_meta_writers.ifd.layout import Layout
from immich_meta_writers.ifd.pointers import NEXT
from immich_meta_writers.ifd.table import Entry, Ifd, pointer_target, raw_value, value_span
from immich_meta_writers.ifd.tree import EDITABLE, POINTER_TAGS, Place


@dataclass(frozen=True)
class Encoded:
    """A value as it goes into an entry: type, count, and its bytes in the block's order."""

    type: int
    count: int
    raw: bytes


# What is overwritten or emptied where it stands; a length that claims more is a lie, or the place is not worth it.
_LARGEST_PLACE = 1 << 26


@dataclass(frozen=True)
class Slot:
    """An entry of a draft.

    `place` has four (BigTIFF: eight) bytes: the value, or its offset. `moved` is a value that is given a place later,
    `leads_to` the name of an IFD that is; `old` is the index that the entry had in the file, or -1.
    """

    tag: int
    type: int
    count: int
    place: bytes
    moved: Optional[bytes]
    old: int
    leads_to: str = ""

    @property
    def entry(self) -> Entry:
        return self.tag, self.type, self.count, self.place


@dataclass
class Draft:
    """One IFD while it is edited. `moves`: its table needs a new place. `edited`: some value in it changes."""

    name: str
    table: Optional[Ifd]
    slots: list[Slot]
    moves: bool
    edited: bool = False

    @property
    def is_touched(self) -> bool:
        """True when the table has to be readable afterwards: it, or what it leads to, differs from the file's."""
        old = self.table.entries if self.table is not None else ()
        if self.moves or self.edited or tuple(slot.entry for slot in self.slots) != old:
            return True
        return any(slot.moved is not None or slot.leads_to for slot in self.slots)

    @property
    def is_gone(self) -> bool:
        """True for ExifIFD and GPS when nothing is left in it, or nothing ever was."""
        return self.name != "IFD0" and not self.slots and (self.table is None or bool(self.table.entries))


@dataclass
class Drafts:
    """All three, and what is overwritten where it stands: (offset, bytes)."""

    ifds: dict[str, Draft]
    overwrites: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """False when every wanted value was there already."""
        return any(draft.edited for draft in self.ifds.values())


def make_drafts(ground: Ground, wanted: Mapping[Place, Optional[Encoded]]) -> Drafts:
    """The three IFDs with every wanted value set (None: removed), their pointers still open."""
    drafts = Drafts({name: _open(ground, name) for name in EDITABLE})
    for (name, tag), value in wanted.items():
        _set(ground, drafts, drafts.ifds[name], tag, value)
    for name in ("ExifIFD", "GPS"):
        _settle_sub_ifd(ground, drafts, drafts.ifds[name])
    ifd0 = drafts.ifds["IFD0"]
    ifd0.moves = ifd0.moves or _has_to_move(ground, ifd0)
    return drafts


def _open(ground: Ground, name: str) -> Draft:
    table = ground.tree.ifds.get(name)
    if table is None:
        return Draft(name, None, [], True)
    slots, layout = [], ground.tree.layout
    for index, entry in enumerate(table.entries):
        span = value_span(entry, layout) if ground.has_tail else None
        moved = None
        if span is not None and ground.tail <= span[0] and span[1] <= ground.size:
            moved = ground.tree.data[span[0] : span[1]]
        slots.append(Slot(*entry[:3], layout.pack_offset(0) if moved is not None else entry[3], moved, index))
    return Draft(name, table, slots, table.offset >= ground.tail)


def _set(ground: Ground, drafts: Drafts, draft: Draft, tag: int, value: Optional[Encoded]) -> None:
    """Give every entry of the tag (duplicates are seen) the value; add one where there is none."""
    layout = ground.tree.layout
    found = [i for i, slot in enumerate(draft.slots) if slot.tag == tag and slot.type in layout.type_bytes]
    if value is None:
        draft.edited = draft.edited or bool(found)
        for index in reversed(found):
            _free_value(ground, drafts, draft, draft.slots.pop(index))
        return
    for index in found:
        draft.slots[index] = _replace(ground, drafts, draft, draft.slots[index], value)
    if not found:
        draft.slots.insert(insertion_index([s.entry for s in draft.slots], tag, layout), _new_slot(layout, tag, value))
        draft.moves = draft.edited = True


def _new_slot(layout: Layout, tag: int, value: Encoded, old: int = -1) -> Slot:
    if len(value.raw) <= layout.offset_bytes:
        return Slot(tag, value.type, value.count, value.raw.ljust(layout.offset_bytes, b"\0"), None, old)
    return Slot(tag, value.type, value.count, layout.pack_offset(0), value.raw, old)


def insertion_index(entries: list[Entry], tag: int, layout: Layout) -> int:
    """Behind the last smaller tag that is in sequence.

    Nothing is ever re-sorted: a bad entry (type 0, 65533: seen) that comes to stand first makes ExifTool
    drop the IFD.
    """
    place, highest = 0, -1
    for index, entry in enumerate(entries):
        if entry[1] in layout.type_bytes and entry[0] >= highest:
            highest = entry[0]
            if entry[0] < tag:
                place = index + 1
    return place


def _replace(ground: Ground, drafts: Drafts, draft: Draft, slot: Slot, value: Encoded) -> Slot:
    """The slot with the new value: unchanged, in its entry, over the old value, or to be moved."""
    layout = ground.tree.layout
    if (slot.type, slot.count) == (value.type, value.count) and _old_value(ground, slot) == value.raw:
        return slot
    draft.edited = True
    span = _pinned_span(ground, slot)
    if len(value.raw) > layout.offset_bytes and span is not None and span[1] - span[0] >= len(value.raw):
        if ground.may_write(*span, (draft.name, slot.old)) and span[1] - span[0] <= _LARGEST_PLACE:
            drafts.overwrites.append((span[0], value.raw.ljust(span[1] - span[0], b"\0")))
            return replace(slot, type=value.type, count=value.count)
    else:
        _free_value(ground, drafts, draft, slot)
    return _new_slot(layout, slot.tag, value, slot.old)


def _old_value(ground: Ground, slot: Slot) -> Optional[bytes]:
    if slot.moved is not None:
        return slot.moved
    return raw_value(ground.tree.data, ground.tree.layout, slot.entry)


def _pinned_span(ground: Ground, slot: Slot) -> Optional[tuple[int, int]]:
    return None if slot.moved is not None else value_span(slot.entry, ground.tree.layout)


def _free_value(ground: Ground, drafts: Drafts, draft: Draft, slot: Slot) -> None:
    """Zero a value that nothing refers to any more: a removed place must not linger in the file."""
    span = _pinned_span(ground, slot)
    if span is None or span[1] - span[0] > _LARGEST_PLACE:
        return
    if ground.may_write(*span, (draft.name, slot.old)):
        drafts.overwrites.append((span[0], bytes(span[1] - span[0])))


def _has_to_move(ground: Ground, draft: Draft) -> bool:
    return draft.is_touched and (draft.table is None or not ground.may_rewrite_table(draft.name, draft.table))


def _settle_sub_ifd(ground: Ground, drafts: Drafts, draft: Draft) -> None:
    """Decide whether its table moves, and make IFD0's pointer fit: added, repaired, to be repointed, or
    gone.
    """
    ifd0, layout = drafts.ifds["IFD0"], ground.tree.layout
    tag = POINTER_TAGS[draft.name]
    pointers = [i for i, slot in enumerate(ifd0.slots) if slot.tag == tag]
    mine = [i for i in pointers if _leads_to(ground, ifd0.slots[i], draft.table)]
    if draft.is_gone:
        if draft.table is not None:
            for index in reversed(mine):
                ifd0.slots.pop(index)
        return
    draft.moves = draft.moves or _has_to_move(ground, draft)
    if not draft.is_touched:
        return
    # A pointer that leads nowhere, has count 0 or repeats the other one is overwritten where it stands.
    mine = mine or pointers[-1:]
    offset = draft.table.offset if draft.table is not None else 0
    leads_to = draft.name if draft.moves else ""
    pointer = Slot(tag, layout.offset_type, 1, layout.pack_offset(offset), None, -1, leads_to)
    for index in mine:
        ifd0.slots[index] = replace(pointer, old=ifd0.slots[index].old)
    if not mine:
        ifd0.slots.insert(insertion_index([s.entry for s in ifd0.slots], tag, layout), pointer)
        ifd0.moves = True


def _leads_to(ground: Ground, slot: Slot, table: Optional[Ifd]) -> bool:
    return table is not None and pointer_target(slot.entry, ground.tree.layout) == table.offset


def zeroed_table(ground: Ground, draft: Draft) -> list[tuple[int, bytes]]:
    """What to do with the old place of a moved table: zeros, so that stray pointers find an empty IFD
    there.
    """
    table = draft.table
    if table is None or table.offset >= ground.tail or not ground.may_rewrite_table(draft.name, table):
        return []
    zeros = [(table.offset, bytes(table.entries_end - table.offset))]
    end = table.entries_end + len(table.next)
    if ground.may_write(table.entries_end, end, (draft.name, NEXT)):
        zeros.append((table.entries_end, bytes(len(table.next))))
    return zeros
