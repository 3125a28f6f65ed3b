"""POST /search/metadata of the stand-in: which assets, in which order, on which page (IMMICH.md, 1.2).

Not here: their JSON (answers.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable

from immich_meta.demo.library import DemoAsset, DemoTag, Library

DEFAULT_SIZE = 250
MAX_SIZE = 1000
_KEPT_LISTS = 16


class BadSearchError(ValueError):
    """The body is refused with 400; `field` is the one to blame."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class LockedSearchError(ValueError):
    """The locked folder is not for API keys."""


@dataclass(frozen=True)
class Hits:
    assets: list[DemoAsset]
    next_page: str


class Searches:
    """Answers searches. A list is made for its page 1 and kept for the later ones: 100,000 assets need it."""

    def __init__(self, library: Library, *, v3: bool) -> None:
        self._library = library
        self._v3 = v3
        self._lists: dict[str, list[DemoAsset]] = {}

    def hits(self, body: Mapping[str, object], *, lists_trashed: bool) -> Hits:
        """One page. Raises BadSearchError, LockedSearchError."""
        size = _whole(body, "size", DEFAULT_SIZE, MAX_SIZE)
        page = _whole(body, "page", 1, 10**9)
        paging = ("size", "page", "withExif", "withPeople", "withStacked")
        key = repr(sorted((name, repr(value)) for name, value in body.items() if name not in paging))
        if page == 1 or key not in self._lists:
            while len(self._lists) >= _KEPT_LISTS:
                self._lists.pop(next(iter(self._lists)), None)
            self._lists[key] = self._all(body, lists_trashed)
        found = self._lists[key]
        here = found[(page - 1) * size : page * size]
        return Hits(here, str(page + 1) if len(found) > page * size else "")

    def _all(self, body: Mapping[str, object], lists_trashed: bool) -> list[DemoAsset]:
        passes = self._filters(body)
        found = [
            asset
            for asset in list(self._library.assets.values())
            if (lists_trashed or not (asset.is_trashed or asset.is_offline))
            and all(each(asset) for each in passes)
        ]
        found.sort(key=lambda asset: asset.file_created_at, reverse=body.get("order") != "asc")
        return found

    def _filters(self, body: Mapping[str, object]) -> list[Callable[[DemoAsset], bool]]:
        owners = {self._library.owner_id, *self._library.partner_ids}
        passes: list[Callable[[DemoAsset], bool]] = [lambda asset: asset.owner_id in owners, self._seen(body)]
        albums, tags, people = (_ids(body, name) for name in ("albumIds", "tagIds", "personIds"))
        if albums:
            members = [album.assets for album in self._library.albums.values() if album.id in albums]
            passes.append(lambda asset: any(asset.id in each for each in members))
        if tags:
            passes.append(lambda asset: any(_is_below(tag, tags) for tag in asset.tags))
        if people:
            passes.append(lambda asset: people <= {person.id for person in asset.people})
        if "isFavorite" in body:
            passes.append(lambda asset: asset.is_favorite is body["isFavorite"])
        return passes

    def _seen(self, body: Mapping[str, object]) -> Callable[[DemoAsset], bool]:
        asked = body.get("visibility")
        if asked == "locked":
            raise LockedSearchError
        if asked not in (None, "timeline", "archive", "hidden"):
            raise BadSearchError("visibility", "visibility must be one of: archive, timeline, hidden, locked")
        if asked is None and self._v3:
            return lambda asset: asset.visibility != "locked"
        wanted = asked or "timeline"
        return lambda asset: asset.visibility == wanted


def _whole(body: Mapping[str, object], name: str, default: int, highest: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadSearchError(name, f"{name} must be an integer number")
    if not 1 <= value <= highest:
        bound = "less than 1" if value < 1 else f"greater than {highest}"
        raise BadSearchError(name, f"{name} must not be {bound}")
    return value


def _ids(body: Mapping[str, object], name: str) -> frozenset[str]:
    value = body.get(name)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadSearchError(name, f"each value in {name} must be a UUID")
    return frozenset(value)


def _is_below(tag: DemoTag, wanted: frozenset[str]) -> bool:
    """Whether the tag or one above it is wanted (tag_closure)."""
    return tag.id in wanted or (tag.parent is not None and _is_below(tag.parent, wanted))
