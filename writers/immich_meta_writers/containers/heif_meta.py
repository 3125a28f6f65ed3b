"""The `meta` box of a HEIF file (ISO/IEC 14496-12, 8.11), and the metadata items of its primary image.

Decisions where files leave a choice:
- An item is the photo's when it refers to the primary item (`cdsc`). Of several, the first in the list of items.
- An item that refers to nothing is the photo's when no other one of its kind is: ExifTool reads it so, libheif does not
  show it at all; a second one beside it would be read as a second truth.
- An Exif item begins with the distance to its TIFF header. Where the distance is wrong or missing, the TIFF header is
  looked for at the places where writers put it.
Not here: other items' bytes, and where new bytes go (heif_places.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Optional

from immich_meta_writers.containers import heif_items
from immich_meta_writers.containers.heif_items import Item, Items, References
from immich_meta_writers.containers.isobmff import iloc
from immich_meta_writers.containers.isobmff.boxes import Box, children, first
from immich_meta_writers.containers.isobmff.iloc import Location, Table
from immich_meta_writers.containers.isobmff.offsets import in_file_references
from immich_meta_writers.containers.replacing import shown
from immich_meta_writers.errors import StructureError, TruncatedError
from immich_meta_writers.source import ByteSource

EXIF, XMP = "exif", "xmp"
# The most bytes of one payload; the largest seen has 57 kB.
MOST = 64 << 20
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class Span(NamedTuple):
    """Bytes of the file."""

    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


class Held(NamedTuple):
    """A metadata item of the primary image; `prefix`: its bytes in front of the payload."""

    item: int
    location: Optional[Location]
    spans: tuple[Span, ...]
    prefix: bytes
    payload: bytes


class Meta(NamedTuple):
    """What a `meta` box says. `local`: the data references that mean this file. `ids`: those of items and groups."""

    box: Box
    inside: tuple[Box, ...]
    primary: int
    items: Items
    table: Table
    references: References
    local: frozenset[int]
    idat: Optional[Box]
    ids: frozenset[int]

    def child(self, kind: bytes) -> Optional[Box]:
        return first(self.inside, kind)

    def spans(self, location: Location) -> tuple[Span, ...]:
        """Where an item lies in the file; nothing when it lies in another item or another file."""
        base = 0
        if location.method == iloc.IN_IDAT and self.idat:
            base = self.idat.body
        elif location.method != iloc.IN_FILE or location.reference not in self.local:
            return ()
        return tuple([Span(base + start, length) for start, length in location.spans()])


class Metadata(NamedTuple):
    """The photo's own items by kind, why a kind must be left alone, and what else was seen."""

    held: Mapping[str, Held]
    closed: Mapping[str, str]
    notes: tuple[str, ...]


def read_meta(source: ByteSource, boxes: tuple[Box, ...]) -> Optional[Meta]:
    """The first `meta` at top level that has a primary item; None without one.

    Raises StructureError when it lies, TruncatedError when an item runs past the end of the file.
    """
    for box in boxes:
        if box.kind == b"meta":
            inside = children(source, box.body + 4, box.end)
            pitm, iinf, table = (first(inside, kind) for kind in (b"pitm", b"iinf", b"iloc"))
            primary = heif_items.parse_primary(_content(source, pitm)) if pitm else None
            if primary is not None and iinf and table:
                return _meta(source, box, inside, primary, iinf, table)
    return None


def _meta(source: ByteSource, box: Box, inside: tuple[Box, ...], primary: int, iinf: Box, table: Box) -> Meta:
    iref, grpl = first(inside, b"iref"), first(inside, b"grpl")
    references = References(0, ())
    if iref:
        references = heif_items.parse_references(_content(source, iref), f"offset {iref.start}")
    meta = Meta(
        box=box,
        inside=inside,
        primary=primary,
        items=heif_items.parse_items(_content(source, iinf), f"offset {iinf.start}"),
        table=iloc.parse(_content(source, table), f"offset {table.start}"),
        references=references,
        local=in_file_references(source, inside),
        idat=first(inside, b"idat"),
        ids=frozenset(_groups(source, grpl)),
    )
    _require_whole(source, meta)
    ids = {item.id for item in meta.items.all} | {location.item for location in meta.table.locations}
    return meta._replace(ids=meta.ids | ids)


def _content(source: ByteSource, box: Box) -> bytes:
    if box.size > heif_items.MAX_TABLE_BYTES:
        cause = f"the box {shown(box.kind)} has {box.size} bytes, more than any photo's"
        raise StructureError(cause, place=_place(box))
    return source.read_at(box.body, box.size)


def _place(box: Box) -> str:
    return f"offset {box.start}"


def _groups(source: ByteSource, grpl: Optional[Box]) -> Iterator[int]:
    """The ids of entity groups: items may not have the same (8.18.3)."""
    for group in children(source, grpl.body, grpl.end) if grpl else ():
        yield int.from_bytes(source.read_at(group.body + 4, 4), "big")


def _require_whole(source: ByteSource, meta: Meta) -> None:
    for location in meta.table.locations:
        is_inside = location.method == iloc.IN_IDAT
        if is_inside and meta.idat is None:
            raise StructureError(f"item {location.item} lies in a box that is missing", place=_place(meta.box))
        end = meta.idat.end if is_inside and meta.idat else source.size
        for span in meta.spans(location):
            if span.end > end:
                error = StructureError if is_inside else TruncatedError
                raise error(f"item {location.item} ends at {span.end}, behind {end}", place=_place(meta.box))


def read_metadata(source: ByteSource, meta: Meta) -> Metadata:
    """The Exif and the XMP item of the primary image."""
    held: dict[str, Held] = {}
    closed: dict[str, str] = {}
    notes: list[str] = []
    for kind, name in ((EXIF, "Exif"), (XMP, "XMP")):
        candidates = [item for item in meta.items.all if (item.is_exif if kind == EXIF else item.is_xmp)]
        chosen = _of_primary(meta, candidates)
        notes += [_note(meta, item, name) for item in candidates if item is not chosen]
        if chosen is None:
            continue
        places = [location for location in meta.table.locations if location.item == chosen.id]
        reason = _reason(meta, chosen, places)
        if reason:
            closed[kind] = f"the {name} item {chosen.id} {reason}"
            notes.append(f"{closed[kind]}, and stays as it is")
        else:
            held[kind] = _held(source, meta, kind, chosen, places[0] if places else None)
    return Metadata(held, closed, tuple(notes))


def _of_primary(meta: Meta, candidates: list[Item]) -> Optional[Item]:
    aims = [(item, heif_items.described(meta.references, item.id)) for item in candidates]
    own = [item for item, targets in aims if targets is not None and meta.primary in targets]
    loose = [item for item, targets in aims if targets is None]
    return next(iter([*own, *loose]), None)


def _note(meta: Meta, item: Item, name: str) -> str:
    targets = heif_items.described(meta.references, item.id)
    if targets is None or meta.primary in targets:
        return f"another {name} item ({item.id}) stays as it is"
    named = ", ".join(map(str, targets[:8]))
    return f"another {name} item ({item.id}) describes item {named} and stays as it is"


def _reason(meta: Meta, item: Item, places: list[Location]) -> str:
    """Why the bytes of an item can be neither read nor written; empty when they can."""
    if item.protection:
        return "is protected"
    if item.encoding:
        return f"is encoded ({item.encoding.decode('ascii', 'replace')})"
    if len(places) > 1 or sum(other.id == item.id for other in meta.items.all) > 1:
        return "is listed twice"
    if any(ref.kind == heif_items.CONSTRUCTED_FROM and item.id in ref.targets for ref in meta.references.all):
        return "is a part of another item"
    for location in places:
        spans = meta.spans(location)
        if len(spans) != len(location.extents):
            return "lies in another item or file"
        if spans and not meta.table.length_size:
            return "has no length"
        if sum(span.length for span in spans) > MOST:
            return f"is larger than {MOST} bytes"
    return ""


def _held(source: ByteSource, meta: Meta, kind: str, item: Item, location: Optional[Location]) -> Held:
    spans = meta.spans(location) if location else ()
    data = b"".join([source.read_at(span.start, span.length) for span in spans])
    at = _tiff_header(data) if kind == EXIF else 0
    return Held(item.id, location, spans, data[:at], data[at:])


def _tiff_header(data: bytes) -> int:
    """Where the TIFF block begins in an Exif item (ISO/IEC 23008-12, A.2.1)."""
    named = 4 + int.from_bytes(data[:4], "big")
    for at in (named, 0, 4, 6, 10):
        if data[at : at + 4] in _TIFF:
            return at
    return named if named <= len(data) else min(4, len(data))
