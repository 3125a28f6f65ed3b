"""The graft of EXIF values: encoded, and put into a block by the editor of tables.

Not here: whether a value should change (merge/), its encoding (exif_values.py) and where bytes go (ifd/graft.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Optional

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.ifd.draft import Encoded
from immich_meta_writers.ifd.graft import plan_edits
from immich_meta_writers.ifd.layout import LONG, SHORT
from immich_meta_writers.ifd.tree import Place
from immich_meta_writers.patch import Patch, patched
from immich_meta_writers.payloads.exif_block import ExifBlock, parse
from immich_meta_writers.payloads.exif_values import encode
from immich_meta_writers.payloads.maker_notes import NotePins
from immich_meta_writers.source import ByteView

# A new block is big-endian (as piexif writes) and begins as a TIFF with an empty IFD0.
_NEW_BLOCK = b"MM\0*\0\0\0\x08" + bytes(6)

# Half of a pair would be a lie: a coordinate without its hemisphere, a date with another date's offset.
_TOGETHER: tuple[frozenset[Place], ...] = (
    frozenset(("GPS", tag) for tag in range(0x0007)),
    frozenset({("ExifIFD", 0x9003), ("ExifIFD", 0x9011)}),
    frozenset({("ExifIFD", 0x9004), ("ExifIFD", 0x9012)}),
    frozenset({("IFD0", 0x0132), ("ExifIFD", 0x9010)}),
    frozenset({("IFD0", 0x4746), ("IFD0", 0x4749)}),
)

Edits = Mapping[ExifAddress, Optional[ExifValue]]


@dataclass(frozen=True)
class Grafted:
    """The new block, or file, and the addresses that did not fit into it (their old values stand)."""

    view: ByteView
    skipped: tuple[ExifAddress, ...] = ()

    @property
    def block(self) -> bytes:
        """The bytes of a block that was made of bytes. Raises TypeError for a file: that stays a view."""
        if not isinstance(self.view, bytes):
            raise TypeError("a file is not held in memory: use its view")
        return self.view


@dataclass(frozen=True)
class GraftPlan:
    """The same as byte ranges of the old block: `patch` can be applied to any file that holds the block at
    offset 0.
    """

    patch: Patch
    skipped: tuple[ExifAddress, ...] = ()


def graft(block: Optional[ExifBlock], edits: Edits, *, room: int) -> Grafted:
    """Set (None: remove) values in a block of at most `room` bytes; without a block, make a new one.

    The new block is b"" when there is nothing to hold; of a file the answer is a PatchedView. A value equal to the
    file's changes nothing. Byte order, entry order, next-IFD pointers, the maker note and every foreign value stay.
    When `room` is short, zero bytes that nothing points to are given up first; then what fits is written, pairs only
    together, and the rest is `skipped`. Raises MetadataError for a value that its type cannot hold.
    """
    base = parse(_NEW_BLOCK) if block is None else block
    plan = plan_graft(base, edits, room=room)
    if not plan.patch.splices:
        return Grafted(b"" if block is None else base.data, plan.skipped)
    return Grafted(patched(base.data, plan.patch), plan.skipped)


def plan_graft(block: ExifBlock, edits: Edits, *, room: int) -> GraftPlan:
    """What `graft` would do, as splices over the block's bytes. `room` is the most bytes that may result."""
    addresses: dict[Place, ExifAddress] = {(address.ifd, address.tag): address for address in edits}
    wanted = {(address.ifd, address.tag): value for address, value in _encode(block, edits).items()}
    plan = plan_edits(block, wanted, room=room, together=_TOGETHER, pins=NotePins(block))
    return GraftPlan(plan.patch, tuple([addresses[place] for place in plan.skipped]))


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
    if entry is None or entry[2] != 1 or {entry[1], address.type} != {SHORT, LONG}:
        return address
    return replace(address, type=entry[1])
