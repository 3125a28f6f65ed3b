"""What a property's markup means: text, lists, language alternatives, regions, in all the forms RDF allows.

Not here: where properties stand (xmp_reader.py) and how they change (xmp_edits.py, xmp_regions.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Optional, Union
from xml.parsers import expat

from immich_meta_writers.addresses import LangAlt, RegionInfo, StoredRegion, XmpKind, XmpValue
from immich_meta_writers.errors import XmpError
from immich_meta_writers.payloads.xmp_markup import (
    RDF,
    SEPARATOR,
    ST_AREA,
    ST_DIM,
    XML,
    Context,
    declarations,
    key,
    resolve,
    start_tag_end,
    without_controls,
    without_illegal,
)
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
# Bytes that an XML parser hands on as they are (leaves out CR and controls, and what may be U+FFFE).
_PLAIN = re.compile(rb"[\t\n\x20-\xee\xf0-\xff]*")
_RESERVED = (RDF + SEPARATOR, XML + SEPARATOR)

_REGION_LIST = key(MWG_REGIONS, "RegionList")
_APPLIED = key(MWG_REGIONS, "AppliedToDimensions")
_AREA = key(MWG_REGIONS, "Area")


class Element:
    """An element of a property, with its bytes' positions in the packet; built once, then only read."""

    __slots__ = ("attributes", "children", "context", "end", "inner_end", "name", "raw", "start", "text")

    def __init__(self, name: str, raw: str, attributes: dict[str, str], start: int, context: Context) -> None:
        self.name = name
        self.raw = raw
        self.attributes = attributes
        self.start = start
        self.context = context
        self.children: list[Element] = []
        self.text = ""
        self.inner_end = self.end = -1

    @property
    def is_empty(self) -> bool:
        """It is written as `<a/>`."""
        return self.inner_end == self.end


# A tag, and the text behind it, without anything that XML would resolve, change or refuse.
_TOKEN = re.compile(
    rb'<(/?)([\w.-]+(?::[\w.-]+)?)((?:\s+[\w.-]+(?::[\w.-]+)?="[^"<>&\x00-\x1f]*")*)\s*(/?)>([^<&\x00-\x08\x0b-\x1f]*)'
)
_PLAIN_ATTRIBUTE = re.compile(rb'\s([\w.-]+(?::[\w.-]+)?)="([^"]*)"')

Field = Union[Element, str]


def from_attribute(text: str) -> Element:
    """The element that an attribute stands for."""
    element = Element("", "", {}, -1, {})
    element.text = text
    return element


def tree(data: bytes, start: int, end: int, context: Context) -> Element:
    """The element at `start`, resolved in the namespace `context` around it. It has been parsed before."""
    opening = data.find(b">", start, end) + 1
    plain = data[opening : end - 3]
    text, closed, tail = plain.partition(b"<")
    if tail.count(b"<") == 0 and closed and b"=" not in data[start:opening] and b"&" not in text:
        leaf = _leaf(data, start, end, opening, text, context)
        if leaf is not None:
            return leaf
    return _plain_tree(data, start, end, context) or _Builder(data, start, end, context).root()


def _plain_tree(data: bytes, start: int, end: int, context: Context) -> Optional[Element]:
    """An element of nothing but plain tags and text, read without a parser; None for any other.

    Plain: no references, comments, CDATA, processing instructions or characters that XML would change. The packet
    has been parsed before, so tags are balanced; regions are the one property that is deep and common.
    """
    stack: list[Element] = []
    position = start
    for match in _TOKEN.finditer(data, start, end):
        if match.start() != position:
            return None
        position = match.end()
        closing, raw, attributes, empty, text = match.groups()
        if closing:
            element = stack.pop()
            element.inner_end, element.end = match.start(), match.start(5)
            if not stack:
                return element if position == end else None
        else:
            element = _opened(raw, attributes, match.start(), stack[-1].context if stack else context)
            if stack:
                stack[-1].children.append(element)
            if empty:
                element.inner_end = element.end = match.start(5)
                if not stack:
                    return element if position == end else None
            else:
                stack.append(element)
        if text:
            stack[-1].text += text.decode("utf-8")
    return None


def _opened(raw: bytes, attributes: bytes, start: int, context: Context) -> Element:
    name = raw.decode("utf-8")
    if not attributes:
        return Element(resolve(name, context), name, {}, start, context)
    found = {match[1].decode("utf-8"): match[2].decode("utf-8") for match in _PLAIN_ATTRIBUTE.finditer(attributes)}
    own = declarations(found.items())
    if own:
        context = {**context, **own}
    named = {resolve(key, context, is_attribute=True): value for key, value in found.items() if key[:5] != "xmlns"}
    return Element(resolve(name, context), name, named, start, context)


def _leaf(data: bytes, start: int, end: int, opening: int, text: bytes, context: Context) -> Optional[Element]:
    """An element of nothing but text, read without a parser: most simple properties."""
    inner_end = opening + len(text)
    if data[inner_end : inner_end + 2] != b"</" or data[opening - 2] == ord("/") or not _PLAIN.fullmatch(text):
        return None
    raw = data[start + 1 : opening - 1].strip().decode("utf-8")
    element = Element(resolve(raw, context), raw, {}, start, context)
    element.text = text.decode("utf-8")
    element.inner_end, element.end = inner_end, end
    return element


class _Builder:
    """Expat without namespace processing over one property, since its context lies outside of it."""

    def __init__(self, data: bytes, start: int, end: int, context: Context) -> None:
        self.data = data
        self.offset = start
        self.stop = end
        self.context = context
        self.stack: list[Element] = []
        self.result: Optional[Element] = None
        self.parser = expat.ParserCreate("utf-8")

    def root(self) -> Element:
        parser = self.parser
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        source = without_illegal(without_controls(self.data[self.offset : self.stop]))
        try:
            parser.Parse(source, True)
        except expat.ExpatError as error:
            raise XmpError(f"a property cannot be read: {expat.ErrorString(error.code)}", place="XMP packet") from error
        if self.result is None:
            raise XmpError("a property is empty", place="XMP packet")
        return self.result

    def _start(self, raw: str, attributes: dict[str, str]) -> None:
        context = self.stack[-1].context if self.stack else self.context
        named = attributes
        if attributes:
            own = declarations(attributes.items())
            if own:
                context = {**context, **own}
            named = {
                resolve(name, context, is_attribute=True): value
                for name, value in attributes.items()
                if name[:5] != "xmlns"
            }
        start = self.offset + self.parser.CurrentByteIndex
        element = Element(resolve(raw, context), raw, named, start, context)
        if self.stack:
            self.stack[-1].children.append(element)
        else:
            self.result = element
        self.stack.append(element)

    def _end(self, raw: str) -> None:
        element = self.stack.pop()
        position = self.offset + self.parser.CurrentByteIndex
        data = self.data
        if data[position : position + 2] != b"</" or data[position - 2 : position] == b"/>":
            tag_end = start_tag_end(data, element.start)
            if data[tag_end - 2 : tag_end] == b"/>":
                element.inner_end = element.end = tag_end
                return
        element.inner_end = position
        element.end = data.index(b">", position) + 1

    def _text(self, text: str) -> None:
        self.stack[-1].text += text


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
