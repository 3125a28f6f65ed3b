"""Which container reads and writes a type of file, and which payloads it has a home for.

Not here: telling the types apart (file_types.py) and what is done with the payloads (media.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from immich_meta_writers import file_types
from immich_meta_writers.addresses import ExifAddress, IimAddress, QuickTimeAddress, XmpAddress
from immich_meta_writers.containers import Found, Payloads, gif, heif, jpeg, jxl, png, quicktime, tiff, webp
from immich_meta_writers.file_types import FileType
from immich_meta_writers.patch import Patch
from immich_meta_writers.source import ByteSource

_HOMES: Mapping[str, type] = {
    "EXIF": ExifAddress,
    "IPTC": IimAddress,
    "QuickTime": QuickTimeAddress,
    "XMP": XmpAddress,
}


@dataclass(frozen=True)
class Format:
    """A container's verbs. `patch` is given what `read` found; `check_whole` looks for an early end of the picture."""

    read: Callable[[ByteSource], Found]
    patch: Callable[[Any, Payloads], Patch]
    check_whole: Optional[Callable[[ByteSource, Any], None]] = None


FORMATS: Mapping[FileType, Format] = {
    file_types.JPEG: Format(jpeg.read, jpeg.patch, jpeg.check_whole),
    file_types.PNG: Format(png.read, png.patch),
    file_types.WEBP: Format(webp.read, webp.patch),
    file_types.GIF: Format(gif.read, gif.patch),
    file_types.JXL: Format(jxl.read, jxl.patch),
    file_types.HEIF: Format(heif.read, heif.patch),
    file_types.AVIF: Format(heif.read, heif.patch),
    file_types.TIFF: Format(tiff.read, tiff.patch, tiff.check_whole),
    file_types.DNG: Format(tiff.read, tiff.patch, tiff.check_whole),
    file_types.MP4: Format(quicktime.read, quicktime.patch, quicktime.check_whole),
    file_types.MOV: Format(quicktime.read, quicktime.patch, quicktime.check_whole),
}


def homes(kind: FileType) -> frozenset[type]:
    """The address types that a file of this type can hold."""
    return frozenset(_HOMES[payload] for payload in kind.payloads)
