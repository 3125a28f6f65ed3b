"""Photoshop image resources (Adobe Photoshop File Formats Specification), read and rewritten.

Not here: what a resource means, except which of them is IPTC, and how a file holds them (containers/).
"""

from __future__ import annotations

from typing import NamedTuple

from immich_meta_writers.errors import IptcError

IPTC, IPTC_DIGEST = 0x0404, 0x0425
SIGNATURE = b"8BIM"
# Other programs' blocks of the same shape; their 0x0404 is not IPTC.
_SIGNATURES = frozenset({SIGNATURE, b"PHUT", b"AgHg", b"DCSR", b"MeSa"})
# Signature, number, an empty padded name, size.
_LEAST_BYTES = 12
MAX_RESOURCES = 65536


class Resource(NamedTuple):
    """One resource. `head`: signature, number and name as found. `pad`: as found; not every writer pads."""

    head: bytes
    data: bytes
    pad: bytes

    @property
    def number(self) -> int:
        return int.from_bytes(self.head[4:6], "big")

    def is_adobe(self, number: int) -> bool:
        """Whether this is Photoshop's own resource of that number."""
        return self.head[:4] == SIGNATURE and self.number == number

    def holding(self, data: bytes) -> Resource:
        """The same resource with other data, padded to an even size."""
        return Resource(self.head, data, b"\0" * (len(data) % 2))

    def packed(self) -> bytes:
        return self.head + len(self.data).to_bytes(4, "big") + self.data + self.pad


def new(number: int, data: bytes) -> Resource:
    """A resource of Photoshop's own, without a name."""
    return Resource(SIGNATURE + number.to_bytes(2, "big") + b"\0\0", b"", b"").holding(data)


def split(blob: bytes) -> tuple[tuple[Resource, ...], bytes]:
    """The resources, and the bytes behind the last one that can be told apart: padding or junk.

    Raises IptcError when a resource runs past the end.
    """
    found: list[Resource] = []
    position, end = 0, len(blob)
    while end - position >= _LEAST_BYTES and blob[position : position + 4] in _SIGNATURES:
        # A Pascal string: its length, the bytes, padded to an even total.
        size_at = position + 6 + (blob[position + 6] + 2) // 2 * 2
        data_at = size_at + 4
        data_end = data_at + int.from_bytes(blob[size_at:data_at], "big")
        if data_end > end or data_at > end:
            number = int.from_bytes(blob[position + 4 : position + 6], "big")
            raise IptcError(
                f"resource 0x{number:04X} ends {max(data_at, data_end) - end} bytes behind the block",
                place=f"Photoshop resources, byte {position}",
            )
        after = data_end
        if (data_end - data_at) % 2 and blob[data_end : data_end + 4] not in _SIGNATURES:
            after = min(end, data_end + 1)
        found.append(Resource(blob[position:size_at], blob[data_at:data_end], blob[data_end:after]))
        position = after
        if len(found) > MAX_RESOURCES:
            raise IptcError("more resources than any photo has", place="Photoshop resources")
    return tuple(found), blob[position:]


def joined(resources: tuple[Resource, ...], tail: bytes) -> bytes:
    """The opposite of split."""
    return b"".join([*(resource.packed() for resource in resources), tail])
