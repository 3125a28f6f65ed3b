"""What a file is: by its content; the name only tells TIFF-based raws apart.

Not here: reading its metadata (containers/).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.containers import gif, heif, jpeg, jxl, png, quicktime, tiff, webp
from immich_meta_writers.errors import EmptyFileError, StructureError
from immich_meta_writers.tags import FileKind

HEAD = 512


@dataclass(frozen=True)
class FileType:
    """A format by name, the column of the tag contract that it follows, and the payloads that are written into it."""

    name: str
    kind: FileKind
    payloads: tuple[str, ...]

    @property
    def embeds(self) -> bool:
        """True when this package writes into the file; else a sidecar serves."""
        return self.kind is not FileKind.SIDECAR


def _image(name: str, *, iptc: bool = False) -> FileType:
    return FileType(name, FileKind.IMAGE, ("EXIF", "IPTC", "XMP") if iptc else ("EXIF", "XMP"))


def _video(name: str) -> FileType:
    return FileType(name, FileKind.VIDEO, ("QuickTime", "XMP"))


def _beside(name: str) -> FileType:
    return FileType(name, FileKind.SIDECAR, ("XMP",))


JPEG, TIFF, DNG = _image("JPEG", iptc=True), _image("TIFF", iptc=True), _image("DNG", iptc=True)
PNG, WEBP, HEIF, AVIF, JXL = map(_image, ("PNG", "WebP", "HEIF", "AVIF", "JPEG XL"))
GIF = FileType("GIF", FileKind.GIF, ("XMP",))
MP4, MOV = _video("MP4"), _video("MOV")
TIFF_RAW = _beside("TIFF-based raw")
RAW, SVG = _beside("RAW"), _beside("SVG")

# Cameras' raws are TIFF inside, or have magics of their own.
RAW_ENDINGS = frozenset(
    "3fr ari arw cap cin cr2 cr3 crw dcr erf fff iiq k25 kdc mef mos mrw nef nrw orf ori pef raf raw rw2 rwl "
    "sr2 srf srw x3f".split()
)
# What Immich takes (its page "supported formats", and what its server lists beyond that), by the ending of the name.
EXPECTED: Mapping[str, FileType] = {
    **dict.fromkeys("jpg jpeg jpe jfif insp mpo".split(), JPEG),
    **dict.fromkeys("tif tiff".split(), TIFF),
    "dng": DNG,
    "png": PNG,
    "webp": WEBP,
    **dict.fromkeys("heic heif hif".split(), HEIF),
    "avif": AVIF,
    "jxl": JXL,
    "gif": GIF,
    **dict.fromkeys("mp4 m4v 3gp 3gpp 3g2 insv".split(), MP4),
    "mov": MOV,
    **dict.fromkeys(sorted(RAW_ENDINGS), RAW),
    **dict.fromkeys("jp2 j2k".split(), _beside("JPEG 2000")),
    "bmp": _beside("BMP"),
    "psd": _beside("PSD"),
    "svg": SVG,
    "avi": _beside("AVI"),
    "flv": _beside("FLV"),
    **dict.fromkeys("mkv webm".split(), _beside("Matroska")),
    **dict.fromkeys("mpe mpeg mpg vob".split(), _beside("MPEG")),
    **dict.fromkeys("m2t m2ts mts ts".split(), _beside("MPEG-TS")),
    "mxf": _beside("MXF"),
    "wmv": _beside("WMV"),
}
# What may claim a sidecar of its stem; IMG.aae, IMG.txt or IMG.pp3 do not.
MEDIA_ENDINGS = frozenset(EXPECTED)


def _tiff(head: bytes, ending: str) -> Optional[FileType]:
    """TIFF 6.0 and BigTIFF; Canon's CR2 says so behind the header, other raws only by their names."""
    if not tiff.accepts(head):
        return None
    if ending == "dng":
        return DNG
    return TIFF_RAW if ending in RAW_ENDINGS or ending == "psd" or head[8:10] == b"CR" else TIFF


def _boxes(head: bytes) -> Optional[FileType]:
    """ISO/IEC 14496-12, 4.3: files of boxes, by their brand."""
    if head[4:8] == b"ftyp" and head[8:12] == b"crx ":
        return RAW
    if heif.accepts(head):
        return AVIF if head[8:12] in (b"avif", b"avis") else HEIF
    if quicktime.accepts(head):
        return MP4 if head[4:8] == b"ftyp" and head[8:12] != b"qt  " else MOV
    return None


_BLANK = b"\xef\xbb\xbf \t\r\n"


def _bmp(head: bytes) -> bool:
    """BITMAPFILEHEADER: two letters alone begin many a text; the reserved bytes tell."""
    return head[:2] == b"BM" and head[6:10] == bytes(4)


def _svg(head: bytes, ending: str) -> bool:
    start = head.lstrip(_BLANK)
    if ending == "svg" and start.startswith(b"<"):  # the root comes behind a long preamble
        return True
    return start.startswith((b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE")) and b"<svg" in start


_EMBEDDED: tuple[tuple[FileType, Callable[[bytes], bool]], ...] = (
    (JPEG, jpeg.accepts),
    (PNG, png.accepts),
    (WEBP, webp.accepts),
    (JXL, jxl.accepts),
    (GIF, gif.accepts),
)
_MAGICS: tuple[tuple[str, bytes], ...] = (
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


def _only_beside(head: bytes, ending: str) -> Optional[FileType]:
    name = next((name for name, magic in _MAGICS if head.startswith(magic)), None)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        name = "AVI"
    # Transport streams: a sync byte every 188 bytes, or 192 with a time stamp in front (M2TS).
    elif head[:189:188] == b"GG" or head[4:197:192] == b"GG":
        name = "MPEG-TS"
    elif _bmp(head):
        name = "BMP"
    elif _svg(head, ending):
        name = "SVG"
    return None if name is None else _beside(name)


def refusal(kind: FileType, name: str, verb: str) -> str:
    """That metadata is not `verb` ("written into", "read from") such files; and that this is one, if its name hides it.
    """
    ending = os.path.splitext(name)[1].lower().lstrip(".")
    expected = EXPECTED.get(ending)
    plainly = f"metadata is not {verb} {kind.name} files"
    if expected == kind or (kind == TIFF_RAW and expected == RAW):
        return plainly
    misnamed = "" if expected is None else f", though its name ends in .{ending}"
    return f"by its content this is {kind.name}{misnamed}: {plainly}"


def detect(head: bytes, name: str) -> FileType:
    """The type of a file that begins with `head` (512 bytes of it, if it has as many).

    Raises EmptyFileError and StructureError when this is no photo and no video.
    """
    if not head:
        raise EmptyFileError("the file has 0 bytes")
    for kind, accepts in _EMBEDDED:
        if accepts(head):
            return kind
    ending = os.path.splitext(name)[1].lower().lstrip(".")
    found = _tiff(head, ending) or _boxes(head) or _only_beside(head, ending)
    if found is None:
        raise StructureError("this is neither a photo nor a video", place="offset 0")
    return found
