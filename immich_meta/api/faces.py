"""Face boxes for a page of assets, several requests at once.

Not here: what a box means for a file (mapping/faces.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Callable, Optional

from immich_meta.api.models import Asset, Edit, Face, Listed, Person
from immich_meta.errors import BadAnswerError, FaultError, MissingPermissionError, RefusedError

_LOG = logging.getLogger(__name__)


# What can go wrong with one asset and leave the others well: it was deleted meanwhile, say.
_OF_ONE_ASSET = (RefusedError, FaultError, BadAnswerError)


class BoxFetcher:
    """Asks for boxes where the search did not send them, and for the edits of edited assets.

    `are_known` says of which assets nobody needs them; it is asked once for each that would need a request.
    """

    def __init__(
        self,
        faces: Callable[[str], tuple[Face, ...]],
        edits: Callable[[str], Optional[tuple[Edit, ...]]],
        concurrency: int,
        are_known: Callable[[Asset], bool] = lambda asset: False,
    ) -> None:
        self._faces = faces
        self._edits = edits
        self._are_known = are_known
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="immich-faces")

    def fill(self, page: Sequence[Listed]) -> Iterator[Listed]:
        """The page in its order, with boxes and edits. Raises a ServerError that meets every asset."""
        # In this thread: what is known is looked up where no other thread may.
        asked = [isinstance(asset, Asset) and _has_named(asset) and not self._are_known(asset) for asset in page]
        return self._pool.map(self._filled, page, asked) if any(asked) else iter(page)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _filled(self, asset: Listed, is_asked: bool) -> Listed:
        if not isinstance(asset, Asset) or not is_asked:
            return asset
        if asset.is_edited:
            asset = self._with_edits(asset)
        if all(person.faces is not None for person in asset.people if _is_named(person)):
            return asset
        try:
            return with_boxes(asset, self._faces(asset.id))
        except _OF_ONE_ASSET as error:
            return _noted(asset, f"its face boxes could not be read: {error}")

    def _with_edits(self, asset: Asset) -> Asset:
        try:
            edits = self._edits(asset.id)
        except (MissingPermissionError, *_OF_ONE_ASSET) as error:
            return _noted(asset, f"its edits could not be read: {error}")
        if edits is None:
            return _noted(asset, "its edits could not be understood")
        return replace(asset, edits=edits)


def with_boxes(asset: Asset, faces: Sequence[Face]) -> Asset:
    """The asset with each box given to the person it belongs to; boxes of nobody are dropped."""
    by_person: dict[str, list[Face]] = {}
    for face in faces:
        if face.person is not None and face.person.id:
            by_person.setdefault(face.person.id, []).append(face)
    people = tuple(replace(person, faces=tuple(by_person.get(person.id, ()))) for person in asset.people)
    return replace(asset, people=people)


def _has_named(asset: Asset) -> bool:
    return any(_is_named(person) for person in asset.people)


def _is_named(person: Person) -> bool:
    return bool(person.name.strip()) and not person.is_hidden


def _noted(asset: Asset, note: str) -> Asset:
    _LOG.warning("%s: %s", asset.original_file_name, note)
    return replace(asset, notes=(*asset.notes, note))
