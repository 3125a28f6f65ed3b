"""Containers: file formats seen as bytes with places for payloads.

Each module has the same three verbs, in this order: `accepts(head)`, `read(source)`, `patch(found, payloads)`.
Not here: what a payload says (payloads/) and writing to files (commit/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional, Protocol

from immich_meta_writers.patch import Patch
from immich_meta_writers.source import ByteView


@dataclass(frozen=True)
class Payloads:
    """The metadata blocks of a file; None where it has none.

    `exif`: a TIFF block without `Exif\\0\\0`. `xmp`: the main packet. `xmp_extensions`: reassembled extended packets
    by GUID (32 hex characters; XMP part 3, 1.1.3.1). `photoshop`: image resources, joined, without their header.
    `tiff`: a TIFF file, which is its own EXIF block. `iim`: IPTC datasets that stand alone (TIFF tag 33723).
    `atoms`: the contents of a movie's metadata boxes by path: `mvhd`, `trak1/tkhd`, `trak1/mdhd`, `meta` and `udta`
    (those of moov; `udta` without its XMP_), and `ftyp`, which is never changed.
    """

    exif: Optional[bytes] = None
    xmp: Optional[bytes] = None
    photoshop: Optional[bytes] = None
    xmp_extensions: Mapping[str, bytes] = field(default_factory=dict)
    tiff: Optional[ByteView] = None
    iim: Optional[bytes] = None
    atoms: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Room:
    """The most bytes that a file can take of each payload; `padding`: the blank bytes that a new packet is given.

    `extends`: what does not fit into the main packet may go into an extended one.
    """

    exif: int
    xmp: int
    padding: int
    extends: bool = False


class Found(Protocol):
    """What every container's `read` answers with, beside its own knowledge of where things lie."""

    @property
    def size(self) -> int:
        """Bytes of the file."""

    @property
    def payloads(self) -> Payloads: ...

    @property
    def raster(self) -> Optional[tuple[int, int]]:
        """Stored width and height in pixels; None when the file does not tell."""

    @property
    def orientation(self) -> Optional[int]:
        """How the stored raster is turned for display, as EXIF Orientation 1-8; None: as the EXIF block says."""

    @property
    def c2pa(self) -> bool:
        """Whether the file holds content credentials."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What stays as it is although it looks like metadata, in words."""

    @property
    def room(self) -> Room: ...

    def drawback(self, patch: Patch) -> Optional[str]:
        """What a patch would break though the file stays sound; then mode `auto` rather takes the sidecar."""
