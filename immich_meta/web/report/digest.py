"""What a person wants to know first of a file's changes: one or two tags for each kind of thing, of some thirty.

Not here: all of them; those are shown, too, one click away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from immich_meta.state import KeptChange
from immich_meta_writers.tags import BY_NAME, Module

# Those that tell most; else it is a module's first.
_TELLING: Mapping[Module, tuple[str, ...]] = {
    Module.GPS: ("GPS:GPSLatitude", "GPS:GPSLongitude"),
    Module.ALBUMS: ("XMP-iptcExt:Event",),
}
KEYWORDS = "keywords"
_IN_KEYWORDS = frozenset({Module.PEOPLE, Module.ALBUMS, Module.TAGS})
_PAIRS = frozenset({Module.GPS})


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
    found = [Highlight(module.value, each) for module in Module for each in _telling(module, by_module.get(module, []))]
    if shared and _IN_KEYWORDS.isdisjoint(by_module):
        found.append(Highlight(KEYWORDS, shared[0]))
    return tuple(found)


def _telling(module: Module, changes: list[KeptChange]) -> list[KeptChange]:
    names = _TELLING.get(module, ())
    told = [change for name in names for change in changes if change.tag == name]
    return (told or changes)[: 2 if module in _PAIRS else 1]
