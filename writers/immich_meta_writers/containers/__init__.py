"""Containers: file formats seen as bytes with places for payloads.

Each module has the same three verbs, in this order: `accepts(head)`, `read(source)`, `patch(found, payloads)`.
Not here: what a payload says (payloads/) and writing to files (commit.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class Payloads:
    """The metadata blocks of a file; None where it has none.

    `exif`: a TIFF block without `Exif\\0\\0`. `xmp`: the main packet. `xmp_extensions`: reassembled extended packets
    by GUID (32 hex characters; XMP part 3, 1.1.3.1). `photoshop`: image resources, joined, without their header.
    """

    exif: Optional[bytes] = None
    xmp: Optional[bytes] = None
    photoshop: Optional[bytes] = None
    xmp_extensions: Mapping[str, bytes] = field(default_factory=dict)
