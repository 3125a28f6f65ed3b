"""What a file is: by its content; the name only tells TIFF-based raws apart.

Not here: reading its metadata (containers/).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.containers import jpeg
from immich_meta_writers.errors import EmptyFileError, StructureError

HEAD = 512


@dataclass(frozen=True)
class FileType:
    """A format by name; `embeds` when this package writes into it, else a sidecar serves."""

    name: str
    embeds: bool


JPEG = FileType("JPEG", embeds=True)
RAW = FileType("RAW", embeds=False)

# Cameras' raws are TIFF inside, or have magics of their own.
RAW_ENDINGS = frozenset(
    "3fr arw cap cin cr2 cr3 crw dcr dng erf fff iiq k25 kdc mef mos mrw nef nrw orf ori pef psd raf raw rw2 rwl "
    "sr2 srf srw x3f".split()
)
# What may claim a sidecar of its stem; IMG.aae, IMG.txt or IMG.pp3 do not.
MEDIA_ENDINGS = RAW_ENDINGS | frozenset(
    "3g2 3gp avi avif bmp flv gif heic heif hif insp insv j2k jfif jp2 jpe jpeg jpg jxl m2t m2ts m4v mkv mov mp4 mpe "
    "mpeg mpg mts mxf png svg tif tiff ts vob webm webp wmv".split()
)


def _ftyp(head: bytes) -> Optional[str]:
    """ISO/IEC 14496-12, 4.3: the brand of a box file."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "AVIF"
        if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"):
            return "HEIF"
        if brand == b"crx ":
            return "RAW"
        return "MOV" if brand == b"qt  " else "MP4"
    return "MOV" if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot") else None


def _riff(head: bytes) -> Optional[str]:
    if head[:4] != b"RIFF":
        return None
    return {b"WEBP": "WebP", b"AVI ": "AVI"}.get(head[8:12])


_BLANK = b"\xef\xbb\xbf \t\r\n"


def _bmp(head: bytes) -> Optional[str]:
    """BITMAPFILEHEADER: two letters alone begin many a text; the reserved bytes tell."""
    return "BMP" if head[:2] == b"BM" and head[6:10] == bytes(4) else None


def _svg(head: bytes) -> Optional[str]:
    start = head.lstrip(_BLANK)
    return "SVG" if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE")) and b"<svg" in start else None


_MAGICS: tuple[tuple[str, bytes], ...] = (
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("GIF", b"GIF8"),
    ("TIFF", b"II*\0"),
    ("TIFF", b"MM\0*"),
    ("TIFF", b"II+\0"),
    ("TIFF", b"MM\0+"),
    ("JXL", b"\xff\x0a"),
    ("JXL", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
    ("JPEG 2000", b"\xff\x4f\xff\x51"),

    ("PSD", b"8BPS"),
    ("Matroska", b"\x1a\x45\xdf\xa3"),
    ("WMV", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    ("FLV", b"FLV\1"),
    ("MPEG", b"\0\0\1\xba"),
    ("MPEG", b"\0\0\1\xb3"),
    ("MXF", b"\x06\x0e\x2b\x34\x02\x05\x01\x01"),
    ("RAW", b"FUJIFILMCCD-RAW"),
    ("RAW", b"FOVb"),
    ("RAW", b"\0MRM"),
    ("RAW", b"IIRO"),
    ("RAW", b"IIRS"),
    ("RAW", b"MMOR"),
    ("RAW", b"IIU\0"),
    ("RAW", b"II\x1a\0\0\0HEAPCCDR"),
)

_SNIFFERS: tuple[Callable[[bytes], Optional[str]], ...] = (
    _ftyp,
    _riff,
    lambda head: next((name for name, magic in _MAGICS if head.startswith(magic)), None),
    # Transport streams: a sync byte every 188 bytes, or 192 with a time stamp in front (M2TS).
    lambda head: "MPEG-TS" if head[:189:188] == b"GG" or head[4:197:192] == b"GG" else None,
    _bmp,
    _svg,
)


def detect(head: bytes, name: str) -> FileType:
    """The type of a file that begins with `head` (512 bytes of it, if it has as many).

    Raises EmptyFileError and StructureError when this is no photo and no video.
    """
    if not head:
        raise EmptyFileError("the file has 0 bytes")
    if jpeg.accepts(head):
        return JPEG
    ending = os.path.splitext(name)[1].lower().lstrip(".")
    for sniff in _SNIFFERS:
        found = sniff(head)
        if found:
            is_raw = found == "TIFF" and ending in RAW_ENDINGS
            return RAW if is_raw else FileType(found, embeds=False)
    if ending == "svg" and head.lstrip(_BLANK).startswith(b"<"):  # the root comes behind a long preamble
        return FileType("SVG", embeds=False)
    raise StructureError("this is neither a photo nor a video", place="offset 0")
