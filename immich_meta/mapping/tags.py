"""The tags of an asset: their full paths.

Not here: leaves and separators in the file, and the echo of our own people as tags (merge/).
"""

from __future__ import annotations

from typing import Optional

from immich_meta.api.models import Asset
from immich_meta.mapping.names import distinct, one_line

SEPARATOR = "/"
# `Albums|Summer` as a keyword comes back as the tag `Albums/Summer` when Immich re-reads the file.
OUR_ALBUMS_ROOT = "Albums"


def tags_of(asset: Asset) -> Optional[tuple[str, ...]]:
    """Full paths, `Travel/Berlin`, sorted, each once; None when the server did not say (TAGS.md, Tags)."""
    if asset.tags is None:
        return None
    paths = (_components(tag.value) for tag in asset.tags)
    return distinct(SEPARATOR.join(path) for path in paths if path and path[0] != OUR_ALBUMS_ROOT)


def _components(value: str) -> tuple[str, ...]:
    return tuple(part for part in map(one_line, value.split(SEPARATOR)) if part)
