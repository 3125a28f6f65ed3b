"""From lists of members to what each asset is a member of.

Not here: how the members are asked for (client.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from immich_meta.api.models import Tag

_Group = TypeVar("_Group")


def albums_of(albums: Iterable[tuple[str, Iterable[str]]]) -> dict[str, tuple[str, ...]]:
    """Asset id to album names, sorted by code point, equal ones once; out of (name, asset ids)."""
    named = ((name, members) for name, members in albums if name.strip())
    return {asset: tuple(sorted(set(names))) for asset, names in _turned(named).items()}


def deepest_tags(tags: Iterable[tuple[Tag, Iterable[str]]]) -> dict[str, tuple[Tag, ...]]:
    """Asset id to tags, out of (tag, asset ids), sorted by path.

    A search for `Travel` also lists what carries `Travel/Berlin` only. So of a branch the deepest tag counts;
    an asset that carries both is not told from one that carries the deeper alone.
    """
    return {asset: _leaves(carried) for asset, carried in _turned(tags).items()}


def _leaves(carried: list[Tag]) -> tuple[Tag, ...]:
    by_path = {tag.value: tag for tag in carried}
    parents = {path[:at] for path in by_path for at in range(len(path)) if path[at] == "/"}
    return tuple(by_path[path] for path in sorted(by_path) if path not in parents)


def _turned(groups: Iterable[tuple[_Group, Iterable[str]]]) -> dict[str, list[_Group]]:
    found: dict[str, list[_Group]] = {}
    for group, members in groups:
        for asset in members:
            found.setdefault(asset, []).append(group)
    return found
