"""Which asset a file says that it is the original of.

Not here: what that proves (identity.py).
"""

from __future__ import annotations

from typing import Optional

from immich_meta_writers import WriterError
from immich_meta_writers.changes import Shown
from immich_meta_writers.merge import ASSET_ID
from immich_meta_writers.plan import read, read_sidecar_of


def read_asset_id(path: str) -> Optional[str]:
    """The immichmeta:AssetId of a photo or its sidecar; None when there is none to be read."""
    for say in (read, _sidecar_tags):
        try:
            value = say(path).get(ASSET_ID)
        except WriterError:
            continue
        if isinstance(value, str):
            return value
    return None


def _sidecar_tags(path: str) -> dict[str, Shown]:
    return read_sidecar_of(path)[1]
