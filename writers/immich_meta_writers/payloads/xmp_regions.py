"""How mwg-rs:Regions changes inside a packet: regions go, move and come one by one (MWG 2.0, section 5.9).

Not here: reading regions (xmp_values.py), and which of them are ours (merge/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

from immich_meta_writers.addresses import RegionEdit, RegionInfo, StoredRegion
from immich_meta_writers.errors import SelfCheckError
from immich_meta_writers.payloads.xmp_document import Occurrence, XmpDocument
from immich_meta_writers.payloads.xmp_edits import (
    Change,
    attribute_span,
    encoded_tree,
    insert_children,
    piece,
    removal,
    remove_all,
    remove_occurrence,
    rewrite,
    set_text,
    trees,
)
from immich_meta_writers.payloads.xmp_encoding import Encoded, decimal
from immich_meta_writers.payloads.xmp_markup import (
    RDF,
    ST_AREA,
    ST_DIM,
    Edit,
    escape,
    key,
    qualified_name,
    start_tag_end,
    transplant,
)
from immich_meta_writers.payloads.xmp_tree import Element, Field
from immich_meta_writers.payloads.xmp_values import (
    body,
    container,
    fields,
    region_info,
    region_items,
    simple,
)
from immich_meta_writers.tags import MWG_REGIONS

_APPLIED = key(MWG_REGIONS, "AppliedToDimensions")
_LIST = key(MWG_REGIONS, "RegionList")
_AREA = key(MWG_REGIONS, "Area")


def expected(found: Optional[RegionInfo], edit: RegionEdit) -> RegionInfo:
    """What the regions are after the edit."""
    regions = list(found.regions) if found else []
    for position, region in edit.moved:
        old = regions[position]
        regions[position] = StoredRegion(old.name, old.type, region.x, region.y, region.w, region.h)
    kept = tuple(region for position, region in enumerate(regions) if position not in edit.removed)
    applied = edit.applied or (found.applied if found else None)
    return RegionInfo(applied, kept + edit.added)


def edit_regions(
    document: XmpDocument, occurrences: Sequence[Occurrence], edit: RegionEdit, new: Optional[Encoded]
) -> Change:
    """Edits the list in place; raises IndexError when the edit counts regions that are not there."""
    copies = trees(document, occurrences)
    items = [(item, one) for one, copy in copies for item in region_items(copy)]
    for position in (*edit.removed, *(position for position, _ in edit.moved)):
        items[position]
    if len(set(edit.removed)) == len(items) and not edit.added:
        return remove_all(document, occurrences)
    if not copies or not items:
        return _start_list(document, occurrences, copies, new)
    owner = next(one for item, one in items)
    gone = {id(item) for item in (items[position][0] for position in edit.removed)}
    moved = {
        id(items[position][0]): (region, index)
        for index, (position, region) in enumerate(edit.moved)
        if position not in edit.removed
    }
    edits: list[Edit] = []
    joined: list[bytes] = []
    primary = next(copy for one, copy in copies if one is owner)
    holder = _list_of(primary)
    for item, one in items:
        if one is not owner:
            # A further copy cannot be edited and moved at once: its areas stay, later runs find one list.
            if id(item) not in gone:
                joined.append(_moved_copy(document, item, moved, holder))
        elif id(item) in gone:
            edits.append(removal(document.data, item.start, item.end))
        elif id(item) in moved:
            edits += _move(document.data, item, *moved[id(item)], new)
    edits += [remove_occurrence(document, one) for one in occurrences if one is not owner]
    joined += _added(new, len(edit.moved), holder)
    edits += insert_children(document.data, holder, joined)
    if edit.applied:
        edits += _set_applied(document.data, primary, edit.applied, new)
    return Change(edits)


def _list_of(regions: Element) -> Element:
    listing = fields(regions)[_LIST]
    holder = container(listing) if isinstance(listing, Element) else None
    return holder if holder is not None else regions


def _start_list(
    document: XmpDocument,
    occurrences: Sequence[Occurrence],
    copies: Sequence[tuple[Occurrence, Element]],
    new: Optional[Encoded],
) -> Change:
    """There are no regions yet: the whole property is the encoder's."""
    edits = [remove_occurrence(document, one) for one in occurrences if not copies or one is not copies[0][0]]
    if new is None:
        return Change([])
    if not copies:
        return Change(edits, is_added=True)
    owner, regions = copies[0]
    structure = body(regions)
    if structure is None or (structure is regions and not regions.children):
        return Change([*edits, rewrite(document, owner, new)])
    inside = fields(encoded_tree(new))
    for name in (_APPLIED, _LIST):
        old, fresh = fields(regions).get(name), inside.get(name)
        if not isinstance(fresh, Element):
            continue
        edits += _remove_field(document.data, structure, name, old)
        edits += insert_children(document.data, structure, [piece(new, fresh, structure.context)])
    return Change(edits)


def _remove_field(data: bytes, structure: Element, name: str, old: Optional[Field]) -> list[Edit]:
    if isinstance(old, Element):
        return [removal(data, old.start, old.end)]
    if old is None:
        return []
    span = attribute_span(data, structure.start, structure.context, name)
    return [Edit(span.start, span.end, b"")]


def _added(new: Optional[Encoded], moved: int, holder: Element) -> list[bytes]:
    """The encoder's regions behind those that only move."""
    if new is None:
        return []
    return [piece(new, item, holder.context) for item in region_items(encoded_tree(new))[moved:]]


def _moved_copy(
    document: XmpDocument, item: Element, moved: Mapping[int, tuple[StoredRegion, int]], holder: Element
) -> bytes:
    markup = document.data[item.start : item.end]
    if id(item) in moved:
        edits = _move(document.data, item, *moved[id(item)], None)
        shifted = [Edit(one.start - item.start, one.end - item.start, one.text) for one in edits]
        markup = apply_edits(markup, shifted)
    return transplant(markup, item.context, holder.context)


def apply_edits(data: bytes, edits: Sequence[Edit]) -> bytes:
    """`data` with all edits made; they must not overlap."""
    parts, position = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        if edit.start < position:
            raise SelfCheckError(f"edits overlap at byte {edit.start}", place="XMP packet")
        parts += [data[position : edit.start], edit.text]
        position = edit.end
    return b"".join([*parts, data[position:]])


def _move(data: bytes, item: Element, region: StoredRegion, index: int, new: Optional[Encoded]) -> list[Edit]:
    """Sets the area of a region and leaves its other fields alone."""
    area = fields(item).get(_AREA)
    wanted = {key(ST_AREA, name): decimal(getattr(region, name)) for name in "xywh"}
    if isinstance(area, Element):
        found = fields(area)
        if all(name in found for name in wanted):
            unit = key(ST_AREA, "unit")
            if unit in found:
                wanted[unit] = "normalized"
            holder = body(area) or area
            return [edit for name, text in wanted.items() for edit in _set_field(data, holder, name, found[name], text)]
    if new is None:
        raise SelfCheckError("a region without an area in a second list cannot move", place="XMP packet")
    fresh = region_items(encoded_tree(new))[index]
    part = fields(fresh)[_AREA]
    if not isinstance(part, Element):
        return []
    structure = body(item)
    if structure is None or (structure is item and not item.children):
        return [Edit(item.start, item.end, _opened(data, item, piece(new, part, item.context)))]
    edits = _remove_field(data, structure, _AREA, area)
    return edits + insert_children(data, structure, [piece(new, part, structure.context)])


def _opened(data: bytes, item: Element, area: bytes) -> bytes:
    """An item of nothing but attributes, as a node element that has room for an area."""
    name = qualified_name(data, item.start).encode("utf-8")
    tag = data[item.start : start_tag_end(data, item.start)].rstrip(b">").rstrip(b"/")
    node = b"<rdf:Description%s>%s</rdf:Description>" % (tag[1 + len(name) :].rstrip(), area)
    return b"<%s>%s</%s>" % (name, transplant(node, {"rdf": RDF}, item.context), name)


def _set_field(data: bytes, structure: Element, name: str, field: Field, text: str) -> list[Edit]:
    if simple(field) == text:
        return []
    if isinstance(field, Element):
        return set_text(data, field, text)
    span = attribute_span(data, structure.start, structure.context, name)
    return [Edit(span.value_start, span.value_end, escape(text))]


def _set_applied(data: bytes, regions: Element, applied: tuple[int, int], new: Optional[Encoded]) -> list[Edit]:
    if region_info(regions).applied == (float(applied[0]), float(applied[1])):
        return []
    structure = body(regions)
    old = fields(regions).get(_APPLIED)
    wanted = {key(ST_DIM, "w"): str(applied[0]), key(ST_DIM, "h"): str(applied[1])}
    if isinstance(old, Element):
        found = fields(old)
        if all(name in found for name in wanted):
            if key(ST_DIM, "unit") in found:
                wanted[key(ST_DIM, "unit")] = "pixel"
            holder = body(old) or old
            return [edit for name, text in wanted.items() for edit in _set_field(data, holder, name, found[name], text)]
    if structure is None or new is None:
        return []
    fresh = fields(encoded_tree(new)).get(_APPLIED)
    if not isinstance(fresh, Element):
        return []
    return _remove_field(data, structure, _APPLIED, old) + insert_children(
        data, structure, [piece(new, fresh, structure.context)]
    )
