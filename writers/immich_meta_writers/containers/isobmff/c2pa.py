"""Content credentials in boxes (C2PA 2.1, A.5).

Not here: what they say, and content credentials in other files (each container).
"""

from __future__ import annotations

from immich_meta_writers.containers.isobmff.boxes import Box
from immich_meta_writers.source import ByteSource

_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def is_c2pa(source: ByteSource, box: Box) -> bool:
    """Whether a box at top level holds them."""
    return box.kind == b"jumb" or (box.kind == b"uuid" and source.read_at(box.body, min(box.size, 16)) == _UUID)
