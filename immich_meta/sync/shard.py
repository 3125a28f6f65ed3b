"""One of several runs that share a library, each with its own part of the assets.

Not here: starting them: that is for whoever has the machines.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from immich_meta.api.models import Listed

MOST_SHARDS = 10_000


@dataclass(frozen=True)
class Shard:
    """Part `index` (from 0) of `count`."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def has(self, asset_id: Optional[str]) -> bool:
        """Whether an asset is in this part; what has no id is in the first, so that it is counted once."""
        if asset_id is None:
            return self.index == 0
        return zlib.crc32(asset_id.encode("utf-8", "surrogatepass")) % self.count == self.index

    def of(self, assets: Iterator[Listed]) -> Iterator[Listed]:
        """Those of the assets that are in this part."""
        return (asset for asset in assets if self.has(asset.id))


def parse_shard(text: str) -> Shard:
    """`0/8` to `7/8`. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", text.strip())
    if not found:
        raise ValueError(f"{text!r} is not I/N, e.g. 0/8")
    shard = Shard(int(found.group(1)), int(found.group(2)))
    if not 1 <= shard.count <= MOST_SHARDS or shard.index >= shard.count:
        raise ValueError(f"{text!r}: I counts from 0 to N-1, and N is at most {MOST_SHARDS}")
    return shard
