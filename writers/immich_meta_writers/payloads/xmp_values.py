"""What a property's markup means: text, lists, language alternatives, regions, in all the forms RDF allows.

Not here: where properties stand (xmp_reader.py) and how they change (xmp_edits.py, xmp_regions.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Optional

from immich_meta_writers.addresses import LangAlt, RegionInfo, StoredRegion, XmpKind, XmpValue
from immich_meta_writers.payloads.xmp_markup import (
    RDF,
    SEPARATOR,
    ST_AREA,
    ST_DIM,
    XML,
    key,
)
from immich_meta_writers.payloads.xmp_tree import Element, Field
from immich_meta_writers.tags import MWG_REGIONS

DEFAULT_LANGUAGE = "x-default"
LANGUAGE = key(XML, "lang")

_VALUE = key(RDF, "value")
_RESOURCE = key(RDF, "resource")
_PARSE_TYPE = key(RDF, "parseType")
_DESCRIPTION = key(RDF, "Description")
_CONTAINERS = (key(RDF, "Bag"), key(RDF, "Seq"), key(RDF, "Alt"))
_ITEM = re.compile(re.escape(RDF + SEPARATOR) + r"(?:li|_[0-9]+)")
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*")
_RESERVED = (RDF + SEPARATOR, XML + SEPARATOR)

_REGION_LIST = key(MWG_REGIONS, "RegionList")
_APPLIED = key(MWG_REGIONS, "AppliedToDimensions")
_AREA = key(MWG_REGIONS, "Area")


# -- structure ---------------------------------------------------------------------------------------------


def body(element: Element) -> Optional[Element]:
    """The element that holds a structure's fields: itself (parseType Resource, shorthand) or its node element."""
    if element.attributes.get(_PARSE_TYPE) == "Resource":
        return element
    for child in element.children:
        if child.name not in _CONTAINERS and not _ITEM.fullmatch(child.name):
            return child if child.name == _DESCRIPTION or len(element.children) == 1 else element
    if any(not name.startswith(_RESERVED) and SEPARATOR in name for name in element.attributes):
        return element
    return None


def fields(element: Optional[Element]) -> dict[str, Field]:
    """A structure's fields by key: child elements, or the text of shorthand attributes."""
    holder = body(element) if element is not None else None
    if holder is None:
        return {}
    found: dict[str, Field] = {
        name: value for name, value in holder.attributes.items() if not name.startswith(_RESERVED)
    }
    for child in holder.children:
        found.setdefault(child.name, child)
    return found


def carrier(element: Element) -> tuple[Element, Optional[str]]:
    """Where a simple value really stands: behind rdf:value qualifiers and inside of containers.

    The second part names the attribute that holds it (rdf:value or rdf:resource), else it is the element's text.
    """
    while True:
        inner = _single(element)
        if inner is None:
            break
        element = inner
    for attribute in (_VALUE, _RESOURCE):
        if attribute in element.attributes:
            return element, attribute
    return element, None


def _single(element: Element) -> Optional[Element]:
    for child in element.children:
        if child.name in _CONTAINERS:
            found = list(items_of(child))
            return next((item for item in found if _language(item) == DEFAULT_LANGUAGE), found[0] if found else child)
    for child in element.children:
        if child.name == _VALUE:
            return child
    for child in element.children:
        if child.name == _DESCRIPTION and (_VALUE in child.attributes or any(c.name == _VALUE for c in child.children)):
            return child
    return None


def container(element: Element) -> Optional[Element]:
    """The rdf:Bag, rdf:Seq or rdf:Alt of a property, also behind rdf:value."""
    inner: Optional[Element] = element
    while inner is not None:
        for child in inner.children:
            if child.name in _CONTAINERS:
                return child
        inner = _single(inner)
    return None


def items_of(holder: Element) -> Iterator[Element]:
    """The items of a container, rdf:li or rdf:_1 ..."""
    return (child for child in holder.children if _ITEM.fullmatch(child.name))


def simple(field: Optional[Field]) -> str:
    """The text of a simple value, whatever it is wrapped in."""
    if field is None or isinstance(field, str):
        return field or ""
    element, attribute = carrier(field)
    if attribute is not None:
        return element.attributes[attribute]
    return element.text.strip() if element.children or element.name in _CONTAINERS else element.text


def _language(element: Element) -> str:
    return element.attributes.get(LANGUAGE, "").lower()


# -- values ------------------------------------------------------------------------------------------------


def unite(copies: Sequence[Element], kind: XmpKind) -> XmpValue:
    """One value out of all copies of a property; nothing that only a later copy says is lost."""
    if kind is XmpKind.SIMPLE:
        texts = [simple(copy) for copy in copies]
        return next((text for text in texts if text), texts[0])
    if kind is XmpKind.ALT:
        return _united_languages(copies)
    if kind is XmpKind.REGIONS:
        found = [region_info(copy) for copy in copies]
        applied = next((info.applied for info in found if info.applied), None)
        return RegionInfo(applied, tuple(region for info in found for region in info.regions))
    united = listed(copies[0])
    for copy in copies[1:]:
        known = set(united)
        united += tuple(text for text in listed(copy) if text not in known)
    return united


def listed(element: Element) -> tuple[str, ...]:
    """A list's items; a simple value where a list belongs is a list of one."""
    holder = container(element)
    if holder is not None:
        return tuple(simple(item) for item in items_of(holder))
    text = simple(element)
    return (text,) if text.strip() else ()


def languages(element: Element) -> list[tuple[str, str, Optional[Element]]]:
    """(language, text, item) of a language alternative; a simple value has no item.

    An item without a language is the default, if no other item is.
    """
    holder = container(element)
    if holder is None:
        text = simple(element)
        return [(element.attributes.get(LANGUAGE, DEFAULT_LANGUAGE), text, None)] if text else []
    found = list(items_of(holder))
    has_default = any(_language(item) == DEFAULT_LANGUAGE for item in found)
    spoken: list[tuple[str, str, Optional[Element]]] = []
    for item in found:
        language = item.attributes.get(LANGUAGE)
        if language is None:
            language = "" if has_default else DEFAULT_LANGUAGE
            has_default = True
        spoken.append((language, simple(item), item))
    return spoken


def _united_languages(copies: Sequence[Element]) -> LangAlt:
    united: dict[str, tuple[str, str]] = {}
    for copy in copies:
        for language, text, _ in languages(copy):
            united.setdefault(language.lower(), (language, text))
    return LangAlt(tuple(united.values()))


# -- regions (MWG 2.0, section 5.9) ------------------------------------------------------------------------


def region_items(element: Element) -> list[Element]:
    """The items of RegionList, in order."""
    listing = fields(element).get(_REGION_LIST)
    holder = container(listing) if isinstance(listing, Element) else None
    return list(items_of(holder)) if holder is not None else []


def region_info(element: Element) -> RegionInfo:
    """mwg-rs:Regions; a region whose area cannot be read is there all the same, with zeros."""
    applied = fields(element).get(_APPLIED)
    size = fields(applied) if isinstance(applied, Element) else {}
    width, height = number(size.get(key(ST_DIM, "w"))), number(size.get(key(ST_DIM, "h")))
    dimensions = (width, height) if width is not None and height is not None else None
    regions = tuple(_region(item, dimensions) for item in region_items(element))
    return RegionInfo(dimensions, regions)


def _region(item: Element, applied: Optional[tuple[float, float]]) -> StoredRegion:
    found = fields(item)
    area = found.get(_AREA)
    edges = fields(area) if isinstance(area, Element) else {}
    x, y, w, h = (number(edges.get(key(ST_AREA, name))) for name in "xywh")
    name, kind = simple(found.get(key(MWG_REGIONS, "Name"))), simple(found.get(key(MWG_REGIONS, "Type")))
    if x is None or y is None or w is None or h is None:
        return StoredRegion(name, kind, 0.0, 0.0, 0.0, 0.0)
    if simple(edges.get(key(ST_AREA, "unit"))).strip() == "pixel" and applied and min(applied) > 0:
        # The standard forbids pixels here; some write them all the same.
        x, w, y, h = x / applied[0], w / applied[0], y / applied[1], h / applied[1]
    return StoredRegion(name, kind, x, y, w, h)


def number(field: Optional[Field]) -> Optional[float]:
    """A finite number, or None."""
    text = simple(field)
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None
