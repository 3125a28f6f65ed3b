"""Which asset a file says that it is the original of.

Not here: what that proves (identity.py).
"""

from __future__ import annotations

from functools import partial
from typing import Optional

from immich_meta_writers import WriterError
from immich_meta_writers.changes import Shown
from immich_meta_writers.merge import ASSET_ID
from immich_meta_writers.plan import mirrored, read, read_sidecar_of


def read_asset_id(path: str, sidecar_dir: Optional[str] = None) -> Optional[str]:
    """The immichmeta:AssetId of a photo or its sidecar, in a tree of sidecars too; None when there is none to be read.
    """
    places = [] if sidecar_dir is None else [mirrored(path, sidecar_dir).path[: -len(".xmp")]]
    says = (partial(read, path, mends=sidecar_dir is None), *(partial(_sidecar_tags, each) for each in (path, *places)))
    for say in says:
        try:
            value = say().get(ASSET_ID)
        except WriterError:
            continue
        if isinstance(value, str):
            return value
    return None


def _sidecar_tags(path: str) -> dict[str, Shown]:
    return read_sidecar_of(path)[1]
