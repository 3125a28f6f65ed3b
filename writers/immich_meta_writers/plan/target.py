"""One file's blocks and what is wanted, to new payloads: merge, graft, and read our own result back.

Not here: opening files (files.py) and where the payloads lie (containers/).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Optional

from immich_meta_writers.changes import Change, Kept, Skipped
from immich_meta_writers.containers import Payloads, Room
from immich_meta_writers.errors import SelfCheckError
from immich_meta_writers.merge import ADDED, ASSET_ID, Merged, asked_modules, merge, provenance
from immich_meta_writers.merge.decisions import View
from immich_meta_writers.metadata import PhotoMetadata, Raster
from immich_meta_writers.payloads import xmp
from immich_meta_writers.plan.blocks import Blocks, check, decode, graft_binary, graft_xmp
from immich_meta_writers.policy import PlanOptions
from immich_meta_writers.tags import BY_NAME, TABLE, FileKind, Module, Tag

BOOKKEEPING = frozenset({ADDED, ASSET_ID})


@dataclass(frozen=True)
class Geometry:
    """The picture as stored: width and height in pixels, and how it is turned for display (EXIF 1-8); None: not known.
    """

    raster: Optional[tuple[int, int]] = None
    orientation: Optional[int] = None

    def or_else(self, hint: Optional[Raster]) -> Geometry:
        """With a hint where the file does not tell; one that contradicts what it does tell is not believed."""
        if hint is None or self.raster is not None or self.orientation not in (None, hint.orientation):
            return self
        return Geometry((hint.width, hint.height), hint.orientation)


@dataclass(frozen=True)
class Target:
    """A file to be changed. `homes`: the address types it can hold. `room` None: a sidecar, which has all it wants."""

    kind: FileKind
    homes: frozenset[type]
    blocks: Blocks
    geometry: Geometry
    room: Optional[Room] = None


@dataclass(frozen=True)
class Outcome:
    """`payloads` are the file's own ones, the very same object, when nothing changes."""

    payloads: Payloads
    changes: tuple[Change, ...]
    kept: tuple[Kept, ...]
    skipped: tuple[Skipped, ...]


@functools.lru_cache(maxsize=64)
def rows_of(modules: frozenset[Module]) -> tuple[Tag, ...]:
    """The rows that any of the modules concerns."""
    return tuple(tag for tag in TABLE if modules.intersection(tag.modules) and tag.name not in BOOKKEEPING)


@functools.lru_cache(maxsize=8)
def _encoder(engine: str) -> xmp.Encoder:
    """Looking for libexempi takes longer than encoding a photo's values."""
    return xmp.encoder(engine)


def settle(target: Target, wanted: PhotoMetadata, options: PlanOptions) -> Outcome:
    """What becomes of the payloads. Raises NoRoomError, SelfCheckError, MetadataError."""
    view = _view(target, wanted, options, is_glance=True)
    merged = merge(view, wanted)
    if merged.changes:
        view = replace(view, is_glance=False)
        merged = merge(view, wanted)
    if not merged.changes:
        return Outcome(target.blocks.payloads, (), merged.kept, merged.skipped)
    blocks, refused = graft_binary(target.blocks, merged.changes, target.room)
    changes = tuple(change for change in merged.changes if change.tag not in refused)
    skipped = merged.skipped + tuple(Skipped(tag, refused[tag]) for tag in sorted(refused))
    if not changes:
        return Outcome(target.blocks.payloads, (), merged.kept, skipped)
    changes += provenance(view, wanted, merged, skipped=frozenset(refused), asset_id=_asset_id(target.blocks))
    encoder = _encoder(options.xmp_engine)
    blocks = graft_xmp(blocks, changes, encoder, target.room)
    outcome = Outcome(blocks.payloads, changes, merged.kept, skipped)
    require_settled(target, decode(blocks.payloads, is_new=True), outcome, wanted, options)
    return outcome


def require_settled(
    target: Target, after: Blocks, outcome: Outcome, wanted: PhotoMetadata, options: PlanOptions
) -> None:
    """What nobody asked to change must be as before, and a second run must find nothing to do in `after`.

    Raises SelfCheckError.
    """
    check(target.blocks, after, outcome.changes)
    again: Merged = merge(_view(replace(target, blocks=after), wanted, options, is_glance=True), wanted)
    skipped = {skipped.tag for skipped in outcome.skipped}
    unsettled = [change.tag for change in again.changes if change.tag not in skipped]
    if unsettled:
        raise SelfCheckError(f"{', '.join(unsettled)} would not read back as written", place="self check")


def _view(target: Target, wanted: PhotoMetadata, options: PlanOptions, *, is_glance: bool) -> View:
    blocks, geometry = target.blocks, target.geometry.or_else(wanted.raster)
    values = blocks.values(rows_of(asked_modules(wanted)))

    def records() -> tuple[str, ...]:
        found = blocks.values((BY_NAME[ADDED],)).get(ADDED)
        return tuple(map(str, found)) if isinstance(found, tuple) else ()

    return View(
        kind=target.kind,
        values=values,
        homes=target.homes - blocks.closed.keys(),
        records=records,
        options=options,
        closed=blocks.closed,
        raster=geometry.raster,
        orientation=geometry.orientation or 1,
        is_glance=is_glance,
    )


def _asset_id(blocks: Blocks) -> Optional[str]:
    found = blocks.values((BY_NAME[ASSET_ID],)).get(ASSET_ID)
    return found if isinstance(found, str) else None
