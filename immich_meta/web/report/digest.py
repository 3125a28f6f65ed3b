"""What a person wants to know first of a file's changes: one line for each kind of thing, of some thirty tags.

Not here: all of them; those are shown, too, one click away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

from immich_meta.changed import Value
from immich_meta.state import KeptChange
from immich_meta_writers.tags import BY_NAME, Module

_LATITUDE, _LONGITUDE = "GPS:GPSLatitude", "GPS:GPSLongitude"
# The event is the first album alone; all of them are here, beside tags.
_HIERARCHY, _ALBUM = "XMP-lr:HierarchicalSubject", "Albums|"
KEYWORDS = "keywords"
_IN_KEYWORDS = frozenset({Module.PEOPLE, Module.ALBUMS, Module.TAGS})


class Highlight(NamedTuple):
    """A change, and the module (people, gps ...) that it is of, or KEYWORDS, which several of them write."""

    module: str
    change: KeptChange


def highlights(changes: Iterable[KeptChange]) -> tuple[Highlight, ...]:
    """In the order of the modules; what is of every module or of none is not among them."""
    by_module: dict[Module, list[KeptChange]] = {}
    shared: list[KeptChange] = []
    for change in changes:
        row = BY_NAME.get(change.tag)
        if row is not None and len(row.modules) == 1:
            by_module.setdefault(row.modules[0], []).append(change)
        elif row is not None and len(row.modules) < len(Module):
            shared.append(change)
    albums = next(filter(None, map(_albums, shared)), None)
    if albums is not None:
        by_module[Module.ALBUMS] = [albums]
    place = _place({change.tag: change for change in by_module.get(Module.GPS, ())})
    if place is not None:
        by_module[Module.GPS] = [place]
    found = [Highlight(module.value, by_module[module][0]) for module in Module if module in by_module]
    if shared and _IN_KEYWORDS.isdisjoint(by_module):
        found.append(Highlight(KEYWORDS, shared[0]))
    return tuple(found)


def _place(changes: Mapping[str, KeptChange]) -> Optional[KeptChange]:
    """Both coordinates in one line, as far as they change."""
    found = [changes[tag] for tag in (_LATITUDE, _LONGITUDE) if tag in changes]
    if not found:
        return None
    halves = [changes.get(f"{each.tag}Ref") for each in found]
    old = [_coordinate(each.old, half and half.old) for each, half in zip(found, halves)]
    new = [_coordinate(each.new, half and half.new) for each, half in zip(found, halves)]
    return KeptChange(_LATITUDE, ", ".join(filter(None, old)) or None, ", ".join(filter(None, new)) or None)


def _coordinate(value: Value, half: Value) -> str:
    """`half`: N, S, E or W, where that changes, too."""
    return "" if value is None else f"{value} {half}" if half else str(value)


def _albums(change: KeptChange) -> Optional[KeptChange]:
    if change.tag != _HIERARCHY:
        return None
    old, new = _albums_in(change.old), _albums_in(change.new)
    return None if old == new else KeptChange(change.tag, old, new)


def _albums_in(value: Value) -> tuple[str, ...]:
    items = value if isinstance(value, tuple) else ()
    return tuple(item[len(_ALBUM) :] for item in items if item.startswith(_ALBUM))
