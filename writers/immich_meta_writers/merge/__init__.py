"""Merging: what a file says and what is wanted, to changes. Pure.

Not here: reading or writing a file, and the spelling of any value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from immich_meta_writers.addresses import IimAddress, RegionEdit
from immich_meta_writers.changes import Change, Kept, Skipped
from immich_meta_writers.merge.dates import merge_dates
from immich_meta_writers.merge.decisions import Claimed, Decision, Released, View, rows
from immich_meta_writers.merge.lists import Wanted, is_join_of, merge_list
from immich_meta_writers.merge.places import merge_position
from immich_meta_writers.merge.provenance import claim_text
from immich_meta_writers.merge.ratings import merge_favorite, merge_rating
from immich_meta_writers.merge.regions import merge_regions
from immich_meta_writers.merge.texts import merge_caption, merge_comment, merge_event
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.tags import TABLE, Module

ADDED, ASSET_ID = "XMP-immichmeta:Added", "XMP-immichmeta:AssetId"
_SWAP = str.maketrans("/|", "|/")  # a "|" inside of a component stands for a "/" and back (Immich, Lightroom)
LISTS = (
    "XMP-dc:Subject",
    "IPTC:Keywords",
    "XMP-iptcExt:PersonInImage",
    "XMP-lr:HierarchicalSubject",
    "XMP-digiKam:TagsList",
)


@dataclass(frozen=True)
class Merged:
    """What becomes of one file; `claimed` and `released` are written only together with a change."""

    changes: tuple[Change, ...] = ()
    kept: tuple[Kept, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    claimed: tuple[Claimed, ...] = ()
    released: tuple[Released, ...] = ()


def asked_modules(wanted: PhotoMetadata) -> frozenset[Module]:
    """The modules that PhotoMetadata says anything about."""
    fields = {
        Module.PEOPLE: wanted.people,
        Module.GPS: wanted.gps,
        Module.CAPTION: wanted.caption,
        Module.TIME: wanted.captured,
        Module.ALBUMS: wanted.albums,
        Module.FACES: wanted.regions,
        Module.TAGS: wanted.tags,
        Module.RATING: wanted.rating if wanted.rating is not None else wanted.favorite,
    }
    return frozenset(module for module, value in fields.items() if value is not None)


def merge(view: View, wanted: PhotoMetadata) -> Merged:
    """Current values and wanted ones to changes; what is None in `wanted` is left alone."""
    decisions = [_protected(view, decision) for decision in _decide(view, wanted)]
    blocked = {kept.tag for kept in decisions if isinstance(kept, Kept)}
    return Merged(
        tuple(d for d in decisions if isinstance(d, Change)),
        tuple(d for d in decisions if isinstance(d, Kept)),
        (*(d for d in decisions if isinstance(d, Skipped)), *_closed(view, wanted)),
        tuple(d for d in decisions if isinstance(d, Claimed) and d.tag not in blocked),
        tuple(d for d in decisions if isinstance(d, Released) and d.tag not in blocked),
    )


def provenance(view: View, wanted: PhotoMetadata, merged: Merged, skipped: Collection[str]) -> tuple[Change, ...]:
    """The changes of our own bookkeeping that go with the merged ones; `skipped` tags did not reach the file."""
    if not any(view.takes(tag) for tag in rows(view, ADDED)):
        return ()
    old = view.claims.records
    new = view.claims.after(
        [c.claim for c in merged.claimed if c.tag not in skipped],
        [r.claim for r in merged.released if r.tag not in skipped],
    )
    changes = []
    if new != old:
        changes.append(Change(ADDED, old or None, new or None, new or None))
    if wanted.asset_id and view.text(ASSET_ID) != wanted.asset_id:
        changes.append(Change(ASSET_ID, view.text(ASSET_ID) or None, wanted.asset_id, wanted.asset_id))
    return tuple(changes)


def _decide(view: View, wanted: PhotoMetadata) -> Iterator[Decision]:
    yield from _merge_lists(view, wanted)
    if wanted.gps is not None:
        yield from merge_position(view, wanted.gps)
    if wanted.caption is not None:
        yield from merge_caption(view, wanted.caption)
    if wanted.captured is not None:
        yield from merge_dates(view, wanted.captured)
    if wanted.rating is not None:
        yield from merge_rating(view, wanted.rating, wanted.rating_source, wanted.favorite)
    if wanted.favorite is not None:
        yield from merge_favorite(view, wanted.favorite)
    if wanted.albums is not None:
        yield from merge_event(view, wanted.albums)
        yield from merge_comment(view, wanted.albums)
    if wanted.regions is not None:
        yield from merge_regions(view, wanted.regions)


def _merge_lists(view: View, wanted: PhotoMetadata) -> Iterator[Decision]:
    people, albums = wanted.people, wanted.albums
    tags = None if wanted.tags is None else _without_echo(view, wanted.tags, people or ())
    leaves = None if tags is None else tuple(dict.fromkeys(path.rsplit("/", 1)[-1] for path in tags))
    branches = None if tags is None else tuple(path.translate(_SWAP) for path in tags)
    names = None if albums is None else tuple(f"Albums|{name.replace('|', '/')}" for name in albums)
    wishes = {
        "XMP-dc:Subject": {Module.PEOPLE: people, Module.TAGS: leaves},
        "IPTC:Keywords": {Module.PEOPLE: people, Module.TAGS: leaves},
        "XMP-iptcExt:PersonInImage": {Module.PEOPLE: people},
        "XMP-lr:HierarchicalSubject": {Module.ALBUMS: names, Module.TAGS: branches},
        "XMP-digiKam:TagsList": {Module.TAGS: tags},
    }
    for tag in rows(view, *LISTS):
        asked: Wanted = {module: items for module, items in wishes[tag.name].items() if items is not None}
        if asked:
            joined = names if Module.ALBUMS in asked else people if Module.PEOPLE in asked else None
            limit = tag.address.max_bytes if isinstance(tag.address, IimAddress) else 0
            yield from merge_list(tag, view, asked, _predecessor(joined or (), limit))


def _predecessor(items: Sequence[str], limit: int) -> Callable[[str], bool]:
    return lambda item: is_join_of(item, items, ",", limit)


def _without_echo(view: View, tags: Sequence[str], people: Sequence[str]) -> tuple[str, ...]:
    """Immich reads our people keywords back as root tags: those are not the user's."""
    names = view.claims.names_of_people().union(map(claim_text, people))
    return tuple(path for path in tags if claim_text(path) not in names)


def _protected(view: View, decision: Decision) -> Decision:
    """Under `protect`, a single value that stands in the file stays; lists are merged as always."""
    if not (view.options.protect and isinstance(decision, Change) and decision.old is not None):
        return decision
    if isinstance(decision.edit, RegionEdit) or isinstance(decision.old, tuple):
        return decision
    return Kept(decision.tag, decision.old, "the file was edited since Immich read it")


def _closed(view: View, wanted: PhotoMetadata) -> Iterator[Skipped]:
    if not view.closed:
        return
    asked = asked_modules(wanted)
    for tag in TABLE:
        reason = view.closed.get(type(tag.address))
        if reason and view.kind in tag.created_in and asked.intersection(tag.modules):
            yield Skipped(tag.name, reason)
