"""The albums of an asset: the names that belong into its file.

Not here: how `|` in a name is written (the writers), or where the list of albums comes from (sync/).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

from immich_meta.api.models import Album
from immich_meta.mapping.names import distinct, one_line


def names_of(albums: Iterable[Union[Album, str]]) -> tuple[str, ...]:
    """Album names sorted by code point, nameless ones left out, each name once (TAGS.md, Albums)."""
    return distinct(one_line(album if isinstance(album, str) else album.name) for album in albums)
