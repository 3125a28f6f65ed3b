"""The XMP sidecar as a container: the whole file is the packet.

Not here: what the packet says, and which name a sidecar has.
"""

from __future__ import annotations

from dataclasses import dataclass

from immich_meta_writers.containers import Payloads
from immich_meta_writers.errors import EmptyFileError, StructureError, UnsupportedError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.source import ByteSource

# The largest sidecars seen (Lightroom masks) are a few MB.
MAX_BYTES = 64 << 20

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class SidecarFile:
    """A sidecar as found; `size` in bytes."""

    size: int
    payloads: Payloads


def accepts(head: bytes) -> bool:
    """Whether a file that begins so can be a packet: XML in UTF-8, -16 or -32, with or without a mark."""
    for mark in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            head = head[len(mark) :]
            break
    return head.replace(b"\0", b"").lstrip(b" \t\r\n").startswith(b"<")


def read(source: ByteSource) -> SidecarFile:
    """The packet of a sidecar. Raises EmptyFileError, and StructureError when it is larger than 64 MiB."""
    if source.size == 0:
        raise EmptyFileError("the sidecar has no bytes", cure="delete it; a new one will be made")
    if source.size > MAX_BYTES:
        raise StructureError(f"a sidecar of {source.size} bytes: more than 64 MiB is not read")
    return SidecarFile(source.size, Payloads(xmp=source.read_at(0, source.size)))


def patch(found: SidecarFile, payloads: Payloads) -> Patch:
    """The whole packet replaced, when it differs. Raises UnsupportedError for any other kind of payload."""
    if payloads.exif or payloads.photoshop or payloads.xmp_extensions:
        raise UnsupportedError("a sidecar holds one XMP packet and nothing else", place="sidecar")
    packet = payloads.xmp or b""
    if packet == (found.payloads.xmp or b""):
        return Patch(found.size)
    return Patch(found.size, (Splice(0, found.size, packet),))
