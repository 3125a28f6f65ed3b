"""The text chunks of a PNG (PNG 3rd edition, 11.3.3) and the "raw profiles" that ImageMagick once put into them.

Not here: where the chunks lie (png_chunks.py), and what a profile says.
"""

from __future__ import annotations

import binascii
import zlib
from typing import NamedTuple, Optional

from immich_meta_writers.containers.png_chunks import PROFILE_KEYWORD, Chunk
from immich_meta_writers.containers.replacing import EXIF_HEADER, MAX_PAYLOAD_BYTES, tiff_start
from immich_meta_writers.errors import StructureError
from immich_meta_writers.source import ByteSource

_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_OURS = (b"exif", b"app1", b"xmp")
_METADATA = (*_OURS, b"iptc", b"8bim")


class Text(NamedTuple):
    """`front`: the bytes of the chunk in front of its text; `is_plain`: the text stands there as it is."""

    front: bytes
    text: bytes
    is_plain: bool


class Profile(NamedTuple):
    """What a raw profile holds: one of both."""

    exif: Optional[bytes] = None
    xmp: Optional[bytes] = None


def read_text(source: ByteSource, chunk: Chunk) -> Text:
    """The text of an iTXt, tEXt or zTXt chunk; inflated up to 64 MiB.

    Raises StructureError when its fields have no end or it does not inflate.
    """
    if chunk.length > MAX_PAYLOAD_BYTES:
        raise _wrong(chunk, f"holds {chunk.length} bytes")
    body = source.read_at(chunk.body, chunk.length)
    start = len(chunk.keyword) + 1
    if chunk.kind == b"tEXt":
        return Text(body[:start], body[start:], True)
    is_deflated = chunk.kind == b"zTXt" or body[start : start + 1] != b"\0"
    if chunk.kind == b"zTXt":
        start += 1  # compression method
    else:
        start += 2  # compression flag and method; then language and translated keyword
        for _ in range(2):
            start = body.find(b"\0", start) + 1
            if not start:
                raise _wrong(chunk, "has no text")
    if not is_deflated:
        return Text(body[:start], body[start:], True)
    return Text(body[:start], _inflated(chunk, body[start:]), False)


def _inflated(chunk: Chunk, data: bytes) -> bytes:
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(data, MAX_PAYLOAD_BYTES)
    except zlib.error as error:
        raise _wrong(chunk, f"does not inflate ({error})") from error
    if not inflate.eof and (inflate.unconsumed_tail or len(text) == MAX_PAYLOAD_BYTES):
        raise _wrong(chunk, f"inflates to more than {MAX_PAYLOAD_BYTES} bytes")
    if not inflate.eof:
        raise _wrong(chunk, "is cut")
    return text


def _wrong(chunk: Chunk, what: str) -> StructureError:
    return StructureError(f"the text chunk {chunk.keyword.decode('latin-1')!r} {what}", place=f"offset {chunk.start}")


def is_profile(chunk: Chunk) -> bool:
    """Whether the keyword is that of a raw profile with metadata (others hold a colour profile)."""
    return _profile_name(chunk) in _METADATA


def is_ours(chunk: Chunk) -> bool:
    """Whether the keyword is that of a raw profile with Exif or XMP."""
    return _profile_name(chunk) in _OURS


def _profile_name(chunk: Chunk) -> bytes:
    front, keyword, name = chunk.keyword.partition(PROFILE_KEYWORD)
    return name.lower() if keyword and not front else b""


def read_profile(source: ByteSource, chunk: Chunk) -> Profile:
    """The block that a raw profile holds: lines of name, length, then hexadecimal digits. Empty when it is damaged.

    No specification is public; as ImageMagick writes it, and ExifTool reads it.
    """
    try:
        fields = read_text(source, chunk).text.split(None, 2)
        content = binascii.unhexlify(b"".join(fields[2].split()))
        size = int(fields[1])
    except (StructureError, ValueError, IndexError):
        return Profile()
    if not 0 < size <= len(content):
        return Profile()
    content = content[:size]
    start = tiff_start(content)
    if start >= 0:
        return Profile(exif=content[start:])
    if content.startswith(_XMP_HEADER):
        return Profile(xmp=content[len(_XMP_HEADER) :])
    if chunk.keyword.lower().endswith(b"xmp") and not content.startswith(EXIF_HEADER):
        return Profile(xmp=content)
    return Profile()
