"""The items of a `meta` box (ISO/IEC 14496-12, 8.11): what they are, and which refer to which.

Not here: where their bytes lie (isobmff/iloc.py) and the properties of images (heif_properties.py).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.containers.isobmff import boxes
from immich_meta_writers.containers.isobmff.iloc import MAX_ITEMS
from immich_meta_writers.errors import StructureError

EXIF, MIME = b"Exif", b"mime"
XMP_TYPE = b"application/rdf+xml"
DESCRIBES, CONSTRUCTED_FROM = b"cdsc", b"iloc"
# A box of items beyond this is no photo's: the largest seen has 1.4 kB.
MAX_TABLE_BYTES = 4 << 20
_MAX_REFERENCES = 1 << 20
_HEADER = 8


class Item(NamedTuple):
    """An `infe` entry. `entry`: the whole box as found. `content_type` and `encoding` are those of `mime` items."""

    id: int
    type: bytes
    protection: int
    content_type: bytes
    encoding: bytes
    entry: bytes

    @property
    def is_exif(self) -> bool:
        return self.type == EXIF

    @property
    def is_xmp(self) -> bool:
        return self.type == MIME and self.content_type.lower() == XMP_TYPE


class Reference(NamedTuple):
    """One item refers to others (8.11.12)."""

    kind: bytes
    item: int
    targets: tuple[int, ...]


class References(NamedTuple):
    """The content of an `iref`; version 0 has ids of 16 bits, version 1 of 32."""

    version: int
    all: tuple[Reference, ...]


class Items(NamedTuple):
    """The content of an `iinf`; `version` 0 counts in 16 bits, 1 in 32."""

    version: int
    flags: bytes
    all: tuple[Item, ...]


def parse_items(content: bytes, place: str) -> Items:
    """Raises StructureError, at `place`, when the count is not the number of entries, or an entry lies."""
    version, flags = content[:1], content[1:4]
    width = 4 if version != b"\0" else 2
    if len(content) < 4 + width:
        raise StructureError("the list of items is too short", place=place)
    count, at, found = int.from_bytes(content[4 : 4 + width], "big"), 4 + width, []
    while at + _HEADER <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if size < _HEADER or at + size > len(content):
            raise StructureError(f"an item's entry claims {size} bytes", place=place)
        if kind == b"infe":
            found.append(_item(content[at : at + size], place))
        if len(found) > MAX_ITEMS:
            raise StructureError(f"more than {MAX_ITEMS} items", place=place)
        at += size
    if len(found) != count:
        raise StructureError(f"{count} items are announced, {len(found)} are there", place=place)
    return Items(version[0], flags, tuple(found))


def _item(entry: bytes, place: str) -> Item:
    """8.11.6: version 2 has ids of 16 bits and a type, 3 ids of 32; before, everything is known by its MIME type."""
    body = entry[_HEADER:]
    version = body[0] if body else 255
    width = 4 if version == 3 else 2
    at = 4 + width + 2 + (4 if version >= 2 else 0)
    if version > 3 or len(body) < at:
        raise StructureError("an item's entry is too short, or of an unknown version", place=place)
    identifier = int.from_bytes(body[4 : 4 + width], "big")
    protection = int.from_bytes(body[4 + width : 6 + width], "big")
    kind = body[at - 4 : at] if version >= 2 else MIME
    # The name, the content type, the content encoding; the last one may be missing, with its NUL.
    texts = [*body[at:].split(b"\0", 3), b"", b"", b""] if kind == MIME else [b""] * 3
    return Item(identifier, kind, protection, texts[1], texts[2], entry)


def encode_items(items: Items) -> bytes:
    """The content of an `iinf`; its count is widened when it has to be."""
    version = 1 if len(items.all) > 0xFFFF else items.version
    count = len(items.all).to_bytes(4 if version else 2, "big")
    return bytes((version,)) + items.flags + count + b"".join(item.entry for item in items.all)


def new_item(identifier: int, kind: bytes) -> Item:
    """An item as libheif writes one: `infe` of version 2, or 3 for an id over 65,535; no name."""
    is_wide = identifier > 0xFFFF
    body = struct.pack(">B3xIH" if is_wide else ">B3xHH", 3 if is_wide else 2, identifier, 0) + kind + b"\0"
    content_type = XMP_TYPE if kind == MIME else b""
    if content_type:
        body += content_type + b"\0"
    return Item(identifier, kind, 0, content_type, b"", boxes.packed(b"infe", body))


def parse_references(content: bytes, place: str) -> References:
    """Raises StructureError, at `place`, when a list of references is longer than its box."""
    if len(content) < 4:
        raise StructureError("the references are too short", place=place)
    version, at, found, total = content[0], 4, [], 0
    width, code = (4, "I") if version else (2, "H")
    while at + _HEADER <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        body = at + _HEADER
        if size < _HEADER + width + 2 or at + size > len(content):
            raise StructureError(f"a reference claims {size} bytes", place=place)
        item, count = struct.unpack_from(f">{code}H", content, body)
        total += count
        if body + width + 2 + count * width > at + size or total > _MAX_REFERENCES:
            raise StructureError(f"item {item} claims {count} references", place=place)
        found.append(Reference(kind, item, struct.unpack_from(f">{count}{code}", content, body + width + 2)))
        at += size
    return References(version, tuple(found))


def encode_references(references: References) -> bytes:
    """The content of an `iref`, with ids of 32 bits when one needs them."""
    is_wide = any(max((reference.item, *reference.targets)) > 0xFFFF for reference in references.all)
    version, code = (1, "I") if is_wide or references.version else (0, "H")
    parts = [bytes((version, 0, 0, 0))]
    for kind, item, targets in references.all:
        count = len(targets)
        parts.append(boxes.packed(kind, struct.pack(f">{code}H{count}{code}", item, count, *targets)))
    return b"".join(parts)


def without(references: References, item: int) -> References:
    """The references, none from or to an item."""
    kept = []
    for reference in references.all:
        targets = tuple([target for target in reference.targets if target != item])
        if reference.item != item and (targets or not reference.targets):
            kept.append(reference._replace(targets=targets))
    return references._replace(all=tuple(kept))


def parse_primary(content: bytes) -> Optional[int]:
    """The id in a `pitm` box (8.11.4)."""
    width = 4 if content[:1] != b"\0" else 2
    return int.from_bytes(content[4 : 4 + width], "big") if len(content) >= 4 + width else None


def described(references: References, item: int) -> Optional[tuple[int, ...]]:
    """What a metadata item describes (ISO/IEC 23008-12, 6.5.x `cdsc`); None when it does not say."""
    found = [reference.targets for reference in references.all if (reference.kind, reference.item) == (DESCRIBES, item)]
    return tuple(target for targets in found for target in targets) if found else None


def unused_id(taken: Sequence[int]) -> Optional[int]:
    """The next id; one that fits 16 bits as long as there is one."""
    used = set(taken)
    following = max(used, default=0) + 1
    if following <= 0xFFFF:
        return following
    return next((number for number in range(1, 0x10000) if number not in used), None)
