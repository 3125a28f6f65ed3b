"""Merging: what a file says and what is wanted, to changes. Pure.

Not here: reading or writing a file, and the spelling of any value.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.addresses import IimAddress, RegionEdit
from immich_meta_writers.changes import Change, Kept, Skipped
from immich_meta_writers.merge.dates import merge_dates
from immich_meta_writers.merge.decisions import Claimed, Decision, Released, View, rows
from immich_meta_writers.merge.lists import Wanted, is_join_of, merge_list
from immich_meta_writers.merge.movies import merge_movie_dates, merge_movie_position
from immich_meta_writers.merge.places import merge_position
from immich_meta_writers.merge.provenance import ECHO, claim_text
from immich_meta_writers.merge.ratings import STAR_TAGS, merge_favorite, merge_rating
from immich_meta_writers.merge.regions import merge_regions
from immich_meta_writers.merge.texts import merge_caption, merge_comment, merge_event
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.tags import BY_NAME, TABLE, Module

ADDED, ASSET_ID = "XMP-immichmeta:Added", "XMP-immichmeta:AssetId"
_ONE_VALUE = frozenset({Module.GPS, Module.CAPTION, Module.TIME})
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
    return _modules_of(
        (
            wanted.people is not None,
            wanted.gps is not None,
            wanted.caption is not None,
            wanted.captured is not None,
            wanted.rating is not None or wanted.favorite is not None,
            wanted.albums is not None,
            wanted.regions is not None,
            wanted.tags is not None,
        )
    )


@functools.lru_cache(maxsize=256)
def _modules_of(asked: tuple[bool, ...]) -> frozenset[Module]:
    return frozenset(module for module, is_asked in zip(Module, asked) if is_asked)


def merge(view: View, wanted: PhotoMetadata) -> Merged:
    """Current values and wanted ones to changes; what is None in `wanted` is left alone."""
    decisions = list(_decide(view, wanted))
    if view.options.protect:
        decisions = _protected(decisions)
    blocked = {kept.tag for kept in decisions if isinstance(kept, Kept)}
    return Merged(
        tuple(d for d in decisions if isinstance(d, Change)),
        tuple(d for d in decisions if isinstance(d, Kept)),
        (*(d for d in decisions if isinstance(d, Skipped)), *_closed(view, wanted)),
        tuple(d for d in decisions if isinstance(d, Claimed) and d.tag not in blocked),
        tuple(d for d in decisions if isinstance(d, Released) and d.tag not in blocked),
    )


def provenance(
    view: View, wanted: PhotoMetadata, merged: Merged, *, skipped: Collection[str], asset_id: Optional[str]
) -> tuple[Change, ...]:
    """The changes of our own bookkeeping that go with the merged ones.

    `skipped` tags did not reach the file; `asset_id` is the one that the file holds.
    """
    old = view.claims.records
    new = view.claims.after(
        [c.claim for c in merged.claimed if c.tag not in skipped],
        [r.claim for r in merged.released if r.tag not in skipped],
    )
    changes = []
    if new != old:
        changes.append(Change(ADDED, old or None, new or None, new or None))
    if wanted.asset_id and wanted.asset_id != asset_id:
        changes.append(Change(ASSET_ID, asset_id, wanted.asset_id, wanted.asset_id))
    return tuple(changes)


def _decide(view: View, wanted: PhotoMetadata) -> Iterator[Decision]:
    yield from _merge_lists(view, wanted)
    if wanted.gps is not None:
        yield from merge_position(view, wanted.gps)
        yield from merge_movie_position(view, wanted.gps)
    if wanted.caption is not None:
        yield from merge_caption(view, wanted.caption)
    if wanted.captured is not None:
        yield from merge_dates(view, wanted.captured)
        yield from merge_movie_dates(view, wanted.captured)
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
    if tags is not None and not view.is_glance:
        yield from _echoes(view, set(wanted.tags or ()).difference(tags, people or ()))
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
    """Immich reads our people keywords back as tags: those are not the user's."""
    if view.is_glance and view.get("XMP-digiKam:TagsList") == tags and all("/" in path for path in tags):
        return tuple(tags)  # written as tags before, and only an odd name has a "/"
    names = view.claims.names_of_people().union(map(claim_text, people))
    return tuple(path for path in tags if claim_text(path) not in names)


def _echoes(view: View, paths: Collection[str]) -> Iterator[Decision]:
    """An echo is remembered while Immich has it, so that it is no tag of the user's once the person is gone."""
    needed = {view.claims.new(Module.PEOPLE, ECHO, path) for path in paths}
    for claim in sorted(needed, key=lambda claim: claim.value):
        yield Claimed(ECHO, claim)
    for claim in view.claims.mine(Module.PEOPLE, ECHO):
        if claim not in needed:
            yield Released(ECHO, claim)


def _protected(decisions: Sequence[Decision]) -> list[Decision]:
    """Single values that stand in the file stay, and get no second home that says otherwise; lists are merged."""
    single = [d for d in decisions if isinstance(d, Change) and not _is_list(d)]
    kept = {d.tag for d in single if d.old is not None}
    told = {_value_of(tag) for tag in kept}
    left = {d.tag for d in single if _value_of(d.tag) in told}
    result: list[Decision] = []
    for decision in decisions:
        if isinstance(decision, Change) and decision.tag in kept:
            result.append(Kept(decision.tag, decision.old, "the file was edited since Immich read it"))
        elif isinstance(decision, Kept) or decision.tag not in left:
            result.append(decision)
    return result


def _is_list(change: Change) -> bool:
    return isinstance(change.edit, RegionEdit) or change.tag in LISTS


def _value_of(tag: str) -> object:
    """What a tag tells: the homes of a caption, a place, a date or the stars are one value; any other is its own."""
    modules = BY_NAME[tag].modules
    return modules if tag in STAR_TAGS or _ONE_VALUE.intersection(modules) else tag


def _closed(view: View, wanted: PhotoMetadata) -> Iterator[Skipped]:
    if not view.closed:
        return
    asked = asked_modules(wanted)
    for tag in TABLE:
        reason = view.closed.get(type(tag.address))
        if reason and view.kind in tag.created_in and asked.intersection(tag.modules):
            yield Skipped(tag.name, reason)
