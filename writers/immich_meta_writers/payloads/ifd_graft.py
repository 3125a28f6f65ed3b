"""The graft: our values go into an EXIF block, and everything else stays where it is, byte for byte.

Not here: whether a value should change (merge/), its encoding (exif_values.py) and the container around the
block.

The steps: survey the block (ifd_ground.py), draft the edited tables (ifd_draft.py), give what moved a place
at the end, and answer with splices, so that the same editor serves a block in memory and, one day, a TIFF
file on disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Optional

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.payloads import ifd
from immich_meta_writers.payloads.exif_block import ExifBlock, parse
from immich_meta_writers.payloads.exif_values import Encoded, encode
from immich_meta_writers.payloads.ifd_draft import Draft, Drafts, make_drafts, zeroed_table
from immich_meta_writers.payloads.ifd_ground import Ground, survey

# A new block is big-endian (as piexif writes) and begins as a TIFF with an empty IFD0.
_NEW_BLOCK = b"MM\0*\0\0\0\x08" + bytes(6)

# Half of a pair would be a lie: a coordinate without its hemisphere, a date with another date's offset.
_TOGETHER: tuple[frozenset[tuple[str, int]], ...] = (
    frozenset(("GPS", tag) for tag in range(0x0007)),
    frozenset({("ExifIFD", 0x9003), ("ExifIFD", 0x9011)}),
    frozenset({("ExifIFD", 0x9004), ("ExifIFD", 0x9012)}),
    frozenset({("IFD0", 0x0132), ("ExifIFD", 0x9010)}),
    frozenset({("IFD0", 0x4746), ("IFD0", 0x4749)}),
)

Edits = Mapping[ExifAddress, Optional[ExifValue]]
Wanted = Mapping[ExifAddress, Optional[Encoded]]


@dataclass(frozen=True)
class Grafted:
    """The new block, and the addresses that did not fit into it (their old values stand)."""

    block: bytes
    skipped: tuple[ExifAddress, ...] = ()


@dataclass(frozen=True)
class GraftPlan:
    """The same as byte ranges of the old block: `patch` can be applied to any file that holds the block at
    offset 0.
    """

    patch: Patch
    skipped: tuple[ExifAddress, ...] = ()


def graft(block: Optional[ExifBlock], edits: Edits, *, room: int) -> Grafted:
    """Set (None: remove) values in a block of at most `room` bytes; without a block, make a new one.

    The new block is b"" when there is nothing to hold. A value equal to the file's changes nothing. Byte
    order, entry order, next-IFD pointers, the maker note and every foreign value stay. When `room` is
    short, zero bytes that nothing points to are given up first; then what fits is written, pairs only
    together, and the rest is `skipped`. Raises MetadataError for a value that its type cannot hold.
    """
    base = parse(_NEW_BLOCK) if block is None else block
    plan = plan_graft(base, edits, room=room)
    if block is None and not plan.patch.splices:
        return Grafted(b"", plan.skipped)
    return Grafted(plan.patch.apply(base.data), plan.skipped)


def plan_graft(block: ExifBlock, edits: Edits, *, room: int) -> GraftPlan:
    """What `graft` would do, as splices over the block's bytes. `room` is the most bytes that may result."""
    wanted = _encode(block, edits)
    ground = survey(block, tuple(wanted))
    patch = _fit(ground, wanted, room)
    if patch is not None:
        return GraftPlan(patch)
    chosen: dict[ExifAddress, Optional[Encoded]] = {}
    skipped: set[ExifAddress] = set()
    for group in _cheapest_first(ground, wanted):
        trial = {**chosen, **group}
        if _fit(ground, trial, room) is None:
            skipped.update(group)
        else:
            chosen = trial
    patch = _fit(ground, chosen, room) or Patch(len(block.data))
    return GraftPlan(patch, tuple(address for address in wanted if address in skipped))


def _encode(block: ExifBlock, edits: Edits) -> dict[ExifAddress, Optional[Encoded]]:
    """Every edit as type, count and bytes; a number keeps SHORT or LONG as the file has it: readers see no
    difference.
    """
    stored = {address: _stored_as(block, address) for address, value in edits.items() if value is not None}
    values = {stored[address]: value for address, value in edits.items() if value is not None}
    encoded = encode(values, block.order)
    return {address: encoded[stored[address]] if address in stored else None for address in edits}


def _stored_as(block: ExifBlock, address: ExifAddress) -> ExifAddress:
    table = block.ifds.get(address.ifd)
    entry = table.by_tag.get(address.tag) if table is not None else None
    if entry is None or entry[2] != 1 or {entry[1], address.type} != {ifd.SHORT, ifd.LONG}:
        return address
    return replace(address, type=entry[1])


def _fit(ground: Ground, wanted: Wanted, room: int) -> Optional[Patch]:
    """The patch, with unused zeros given up only when needed; None when it does not fit at all."""
    for trim in (False, True):
        patch = _lay_out(ground, wanted, trim=trim)
        if patch.new_size <= max(room, patch.size):
            return patch
    return None


def _cheapest_first(ground: Ground, wanted: Wanted) -> list[dict[ExifAddress, Optional[Encoded]]]:
    """The edits in groups that belong together, those first that need the fewest new bytes."""
    groups: dict[object, dict[ExifAddress, Optional[Encoded]]] = {}
    for address, value in wanted.items():
        place = (address.ifd, address.tag)
        key: object = next((together for together in _TOGETHER if place in together), place)
        groups.setdefault(key, {})[address] = value
    return sorted(groups.values(), key=lambda group: _lay_out(ground, group, trim=False).new_size)


# ---------------------------------------------------------------- bytes


def _lay_out(ground: Ground, wanted: Wanted, *, trim: bool) -> Patch:
    """One try: drafts, places, splices."""
    drafts = make_drafts(ground, wanted)
    if not drafts.is_changed:
        return Patch(len(ground.block.data))
    start = ground.start_of_new_bytes(trim=trim)
    order = ground.block.order
    places, values = _place(drafts, start, order)
    tail = b"".join([_table_bytes(drafts.ifds[name], places, order) for name in places]) + values
    writes = list(drafts.overwrites)
    if "IFD0" in places:
        writes.append((4, ifd.pack_long(places["IFD0"], order)))
    for draft in drafts.ifds.values():
        if draft.name in places or draft.is_gone:
            writes += zeroed_table(ground, draft)
        elif draft.table is not None and draft.is_touched:
            writes.append((draft.table.offset, _rewritten_table(draft, draft.table, places, order)))
    return Patch(len(ground.block.data), tuple(_splices(ground, writes, start, tail)))


def _place(drafts: Drafts, start: int, order: str) -> tuple[dict[str, int], bytes]:
    """Offsets for the tables that move, then for the values, all even; the values' bytes come back joined."""
    places: dict[str, int] = {}
    position = start
    for draft in drafts.ifds.values():
        if draft.moves and not draft.is_gone:
            places[draft.name] = position
            position += 2 + ifd.ENTRY_BYTES * len(draft.slots) + 4
    values = []
    for draft in drafts.ifds.values():
        for index, slot in enumerate(draft.slots):
            if slot.moved is not None:
                draft.slots[index] = replace(slot, place=ifd.pack_long(position, order))
                values.append(slot.moved + bytes(len(slot.moved) % 2))
                position += len(values[-1])
    return places, b"".join(values)


def _entries(draft: Draft, places: Mapping[str, int], order: str) -> list[ifd.Entry]:
    entries = []
    for slot in draft.slots:
        if slot.leads_to in places:
            slot = replace(slot, place=ifd.pack_long(places[slot.leads_to], order))
        entries.append(slot.entry)
    return entries


def _table_bytes(draft: Draft, places: Mapping[str, int], order: str) -> bytes:
    """A table in its new place; the next-IFD pointer is kept as it was."""
    following = draft.table.next if draft.table is not None else b""
    return ifd.pack_table(order, _entries(draft, places, order)) + following.ljust(4, b"\0")


def _rewritten_table(draft: Draft, table: ifd.Ifd, places: Mapping[str, int], order: str) -> bytes:
    """A table over its old place; when it got shorter, its next-IFD pointer moves up and zeros follow."""
    if len(draft.slots) == len(table.entries):
        return ifd.pack_table(order, _entries(draft, places, order))
    return _table_bytes(draft, places, order).ljust(table.entries_end - table.offset, b"\0")


def _splices(ground: Ground, writes: list[tuple[int, bytes]], start: int, tail: bytes) -> Iterator[Splice]:
    """What really differs, sorted; the new tail comes last."""
    data = ground.block.data
    for offset, new in sorted(writes):
        if data[offset : offset + len(new)] != new:
            yield Splice(offset, len(new), new)
    cut = min(start, len(data))
    if (tail or ground.has_tail) and data[cut:] != tail:
        yield Splice(cut, len(data) - cut, bytes(start - cut) + tail)
