"""One property's markup as a light tree, with its bytes' positions; without a parser where it is plain.

Not here: what the tree means (xmp_values.py), and where properties stand in a packet (xmp_reader.py).
"""

from __future__ import annotations

import re
from typing import Optional, Union
from xml.parsers import expat

from immich_meta_writers.errors import XmpError
from immich_meta_writers.payloads.xmp_markup import (
    Context,
    declarations,
    resolve,
    start_tag_end,
    without_controls,
    without_illegal,
)
from immich_meta_writers.payloads.xmp_plain import text_of

# Bytes that an XML parser hands on as they are (leaves out CR and controls, and what may be U+FFFE).
_PLAIN = re.compile(rb"[\t\n\x20-\xee\xf0-\xff]*")
# A tag, and the text behind it, without anything that XML would resolve, change or refuse.
_TOKEN = re.compile(
    rb'<(/?)([\w.-]+(?::[\w.-]+)?)((?:\s+[\w.-]+(?::[\w.-]+)?="[^"<>&\x00-\x1f]*")*)\s*(/?)>([^<\x00-\x08\x0b-\x1f]*)'
)
_PLAIN_ATTRIBUTE = re.compile(rb'\s([\w.-]+(?::[\w.-]+)?)="([^"]*)"')


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

    Plain: no comments, CDATA, processing instructions or characters that XML would change. The packet
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
            plain = text_of(text)
            if plain is None:
                return None
            stack[-1].text += plain
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
