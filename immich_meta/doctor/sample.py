"""Which assets the paths are tried on: of every library and of many folders.

Not here: getting assets (visit.py) and trying (path_mapping.py).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from immich_meta.api.models import Asset
from immich_meta.path_map import with_slashes

MOST = 60


def spread(assets: Iterable[Asset], most: int = MOST) -> tuple[Asset, ...]:
    """At most `most` of them: one of each library in turn, and within a library one of each folder in turn."""
    libraries: dict[object, dict[str, list[Asset]]] = {}
    for asset in assets:
        folder = posixpath.dirname(with_slashes(asset.original_path))
        libraries.setdefault(asset.library_id, {}).setdefault(folder, []).append(asset)
    by_library = [list(_in_turn(folders.values())) for folders in libraries.values()]
    return tuple(_in_turn(by_library))[:most]


def _in_turn(lists: Iterable[list[Asset]]) -> Iterator[Asset]:
    for row in zip_longest(*lists):
        yield from (asset for asset in row if asset is not None)
