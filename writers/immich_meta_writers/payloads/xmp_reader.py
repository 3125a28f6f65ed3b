"""The one hardened reader of XMP: an RDF packet as an index of its top-level properties, by position.

Not here: what the properties' values mean (xmp_values.py), and changing them (xmp_graft.py).
"""

from __future__ import annotations

import functools
import re
from typing import NoReturn, Optional
from xml.parsers import expat

from immich_meta_writers.errors import XmpError
from immich_meta_writers.payloads import xmp_packet
from immich_meta_writers.payloads.xmp_document import Found, Place, Subject, XmpDocument
from immich_meta_writers.payloads.xmp_markup import (
    RDF,
    SEPARATOR,
    XML,
    X,
    key,
    start_tag_end,
    without_controls,
    without_illegal,
)
from immich_meta_writers.payloads.xmp_packet import Frame

MAX_DEPTH = 64
MAX_TAGS = 500_000
SKIPS_UP_TO = 2_000  # tags: above it every element is heard, and its depth counted

_RDF_RDF = key(RDF, "RDF")
_XMPMETA = (key(X, "xmpmeta"), key(X, "xapmeta"))
_ABOUT = (key(RDF, "about"), "about")
_NODE_ID = key(RDF, "nodeID")
_NOT_PROPERTIES = (RDF + SEPARATOR, XML + SEPARATOR)
_RDF_ROOM = 6
_NO_RDF = 1 << 30


@functools.lru_cache(maxsize=4)
def parse_new(packet: bytes) -> XmpDocument:
    """`parse` of a packet that was just made: the graft, its engine and the plan each read it back."""
    return parse(packet)


def parse(packet: bytes) -> XmpDocument:
    """A packet, a sidecar or an extended packet; UTF-8, UTF-16 or UTF-32, with or without its wrapper.

    Raises XmpError when it cannot be read, holds a DTD, is nested deeper than MAX_DEPTH, has more than MAX_TAGS
    tags or no rdf:RDF.
    """
    frame = xmp_packet.decode(packet)
    body = _prepare(frame.data)
    if body.count(b"<") > MAX_TAGS:
        raise XmpError(f"more than {MAX_TAGS} tags", place="XMP packet")
    try:
        return _index(frame, body)
    except expat.ExpatError as error:
        cured = without_illegal(body)
        if cured == body:
            _refuse(error)
    try:
        return _index(frame, cured)
    except expat.ExpatError as error:
        _refuse(error)


def _index(frame: Frame, body: bytes) -> XmpDocument:
    try:
        return _Indexer(frame).run(body, skips=body.count(b"<") <= SKIPS_UP_TO)
    except _UncertainError:
        return _Indexer(frame).run(body, skips=False)


def _refuse(error: expat.ExpatError) -> NoReturn:
    message = expat.ErrorString(error.code)
    place = f"XMP packet, line {error.lineno}, column {error.offset}"
    raise XmpError(f"not well-formed XML: {message}", place=place) from error


def _prepare(data: bytes) -> bytes:
    """What expat gets: no prolog, no trailer, no control characters; every byte at its old position."""
    end = xmp_packet.trailer_start(data)
    body = data if end == len(data) else data[:end]
    if body[-1:] == b"\0":
        body = body.rstrip(b"\0")
    body = without_controls(body)
    first = body.find(b"<")
    if first > 0:
        body = b" " * first + body[first:]
    declaration = body.find(b"<?xml", 0, 400)
    if declaration >= 0 and body[declaration + 5 : declaration + 6].isspace():
        close = body.find(b"?>", declaration)
        if close > 0:
            body = body[:declaration] + b" " * (close + 2 - declaration) + body[close + 2 :]
    return body


class _UncertainError(Exception):
    """A property may hold an element of its own name, so its first end is not to be trusted."""


class _Indexer:
    """One run of expat over a packet; only subjects and their properties are looked at, the rest is counted."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.subjects: list[Subject] = []
        self.index: dict[str, list[Found]] = {}
        self.rdf: Optional[Place] = None
        self.root: Optional[Place] = None
        self.root_name = ""
        self.children = 0

    def run(self, body: bytes, *, skips: bool) -> XmpDocument:
        parser = expat.ParserCreate("utf-8", SEPARATOR)
        self._connect(parser, body, skips=skips)
        try:
            parser.Parse(body, True)
        except UnicodeError as error:
            raise XmpError(f"not UTF-8 text: {error}", place="XMP packet") from error
        except expat.ExpatError as error:
            if not (self._is_empty(body) or self._is_only_trailed(error, body)):
                raise
        if self.rdf is None and (self.children or (self.root_name and self.root_name not in _XMPMETA)):
            raise XmpError("no rdf:RDF in it, so it is not XMP", place="XMP packet")
        return XmpDocument(self.frame, tuple(self.subjects), self.index, self.rdf, self.root)

    def _is_empty(self, body: bytes) -> bool:
        """Nothing but blanks, or a whole wrapper around nothing: there is no metadata that could be lost."""
        if self.root_name or (body.strip() and len(body) == len(self.frame.data)):
            return False
        return re.fullmatch(rb"\s*(?:<\?xpacket\s[^<>]*\?>)?\s*", body) is not None

    def _is_only_trailed(self, error: expat.ExpatError, body: bytes) -> bool:
        """The document ended well, and only text follows it."""
        if error.code != expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT] or self.root is None:
            return False
        return b"<" not in body[self.root.end :]

    def _connect(self, parser: expat.XMLParserType, body: bytes, *, skips: bool) -> None:
        """Attach the handlers. They are closures over plain variables: this is the hot loop of an unchanged photo.

        `skips`: inside of a property only the ends of elements are heard, which halves the time.
        """
        depth = 0
        rdf_depth = -1
        deepest = _NO_RDF  # where properties stand; below it nothing is looked at
        context: dict[str, str] = {}
        saved: list[dict[str, str]] = []
        pending: list[tuple[Optional[str], str]] = []
        node_start = property_start = ends = 0
        node_fields: tuple[str, str, bool] = ("", "", False)
        property_key = ""
        subjects, index = self.subjects, self.index

        def declare(prefix: Optional[str], uri: Optional[str]) -> None:
            pending.append((prefix, uri or ""))

        def enter() -> None:
            nonlocal context
            saved.append(context)
            if pending:
                context = dict(context)
                context.update((prefix or "", uri) for prefix, uri in pending)
                pending.clear()

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth, property_start, property_key, ends
            depth += 1
            if depth < deepest:
                outer(name, attributes)
                return
            if depth == deepest:
                property_start = parser.CurrentByteIndex
                property_key = name
                if skips:
                    ends = 0
                    parser.StartElementHandler = parser.StartNamespaceDeclHandler = None
                    parser.EndElementHandler = inner_end
            elif depth > MAX_DEPTH:
                raise XmpError(f"nested deeper than {MAX_DEPTH} elements", place="XMP packet")
            if pending:
                pending.clear()

        def outer(name: str, attributes: dict[str, str]) -> None:
            nonlocal rdf_depth, deepest, node_start, node_fields
            if depth > MAX_DEPTH:
                raise XmpError(f"nested deeper than {MAX_DEPTH} elements", place="XMP packet")
            enter()
            position = parser.CurrentByteIndex
            if depth == 1:
                self.root_name = name
                self.root = Place(position, -1, context)
            if rdf_depth >= 0:
                node_start = position
                about = next((attributes[one] for one in _ABOUT if one in attributes), "")
                node_fields = (name, about, _NODE_ID in attributes)
                if not node_fields[2]:
                    shorthand(attributes)
            elif name == _RDF_RDF and depth <= _RDF_ROOM:
                if self.rdf is not None:
                    raise XmpError("two rdf:RDF elements in one packet", place="XMP packet")
                rdf_depth, deepest = depth, depth + 2
                self.rdf = Place(position, -1, context)
            else:
                self.children += depth > 1

        def shorthand(attributes: dict[str, str]) -> None:
            for name, value in attributes.items():
                if SEPARATOR in name and not name.startswith(_NOT_PROPERTIES):
                    index.setdefault(name, []).append((name, len(subjects), -1, -1, value))

        def element_end(started: int) -> int:
            # For <a/> expat reports a place behind the tag, so the bytes decide what it was.
            position: int = parser.CurrentByteIndex
            if body[position : position + 2] != b"</" or body[position - 2 : position] == b"/>":
                tag_end = start_tag_end(body, started)
                if body[tag_end - 2 : tag_end] == b"/>":
                    return tag_end
            return body.index(b">", position) + 1

        def inner_end(name: str) -> None:
            nonlocal ends
            ends += 1
            if name == property_key:
                parser.StartElementHandler, parser.StartNamespaceDeclHandler = start, declare
                parser.EndElementHandler = end
                if not is_balanced(parser.CurrentByteIndex):
                    raise _UncertainError
                end(name)

        def is_balanced(position: int) -> bool:
            """Whether as many elements ended as began; also False where a comment or CDATA is in between.

            Without a start handler expat reports the end of <a/> on the tag, and behind it when its start was heard.
            """
            if ends == 1 and body[position - 2 : position] == b"/>":
                return start_tag_end(body, property_start) == position
            behind = position + 2
            return body.count(b"<", property_start, behind) - body.count(b"</", property_start, behind) == ends

        def end(name: str) -> None:
            nonlocal depth, context, rdf_depth, deepest
            depth -= 1
            if depth >= deepest:
                return
            if depth == deepest - 1:
                if node_fields[2]:
                    return
                position = parser.CurrentByteIndex
                if body[position - 2 : position] == b"/>":
                    position = element_end(property_start)
                else:
                    position = body.index(b">", position) + 1
                found = (property_key, len(subjects), property_start, position, None)
                if property_key in index:
                    index[property_key].append(found)
                else:
                    index[property_key] = [found]
                return
            leave()

        def leave() -> None:
            nonlocal context, rdf_depth, deepest
            if depth == rdf_depth >= 0:
                node_name, about, is_blank = node_fields
                subjects.append(Subject(node_name, node_start, element_end(node_start), about, is_blank, context))
            elif depth == rdf_depth - 1 and self.rdf is not None:
                self.rdf = Place(self.rdf.start, element_end(self.rdf.start), self.rdf.context)
                rdf_depth, deepest = -1, _NO_RDF
            if depth == 0 and self.root is not None:
                self.root = Place(self.root.start, element_end(self.root.start), self.root.context)
            context = saved.pop()

        parser.buffer_text = True
        parser.StartNamespaceDeclHandler = declare
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.StartDoctypeDeclHandler = _refuse_dtd


def _refuse_dtd(name: str, system: Optional[str], public: Optional[str], has_subset: bool) -> None:
    raise XmpError("it has a document type declaration, which XMP forbids", place="XMP packet")
