"""The one hardened reader of XMP: an RDF packet as an index of its top-level properties, by position.

Not here: what the properties' values mean (xmp_values.py), and changing them (xmp_graft.py).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn, Optional
from xml.parsers import expat

from immich_meta_writers.addresses import XmpAddress, XmpValue
from immich_meta_writers.errors import XmpError
from immich_meta_writers.payloads import xmp_packet, xmp_plain, xmp_values
from immich_meta_writers.payloads.xmp_markup import (
    RDF,
    SEPARATOR,
    XML,
    Context,
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
_DESCRIPTION = key(RDF, "Description")
_XMPMETA = (key(X, "xmpmeta"), key(X, "xapmeta"))
_ABOUT = (key(RDF, "about"), "about")
_NODE_ID = key(RDF, "nodeID")
_NOT_PROPERTIES = (RDF + SEPARATOR, XML + SEPARATOR)
_RDF_ROOM = 6
_NO_RDF = 1 << 30


class Occurrence(NamedTuple):
    """One copy of a property: an element's bytes from `start` to `end`, or an attribute of node `node`."""

    key: str
    node: int
    start: int
    end: int
    attribute: Optional[str]


# The fields of an Occurrence as a bare tuple: most properties are never looked at.
_Found = tuple[str, int, int, int, Optional[str]]


class Subject(NamedTuple):
    """A node element inside rdf:RDF. `is_blank`: it has an rdf:nodeID, so it is a part of something else."""

    name: str
    start: int
    end: int
    about: str
    is_blank: bool
    context: Context


class Place(NamedTuple):
    """An element around the subjects: rdf:RDF, or the packet's root."""

    start: int
    end: int
    context: Context


@dataclass(frozen=True)
class XmpDocument:
    """A parsed packet: its UTF-8 form (`frame.data`) and where everything stands in it, in bytes."""

    frame: Frame
    subjects: tuple[Subject, ...]
    index: Mapping[str, Sequence[_Found]]
    rdf: Optional[Place]
    root: Optional[Place]

    @property
    def data(self) -> bytes:
        """The packet in UTF-8; every position counts in it."""
        return self.frame.data

    def occurrences(self, address: XmpAddress) -> tuple[Occurrence, ...]:
        """Every copy of a property, under each of its URIs, in the packet's order."""
        found = self.index.get(key(address.uri, address.name), ())
        if not address.also:
            return tuple(Occurrence(*one) for one in found)
        united = list(found)
        for uri in address.also:
            united += self.index.get(key(uri, address.name), ())
        return tuple(Occurrence(*one) for one in sorted(united, key=lambda one: (one[1], one[2])))

    def properties(self) -> Iterator[Occurrence]:
        """Every top-level property, grouped by name."""
        return (Occurrence(*one) for found in self.index.values() for one in found)

    def get(self, address: XmpAddress) -> Optional[XmpValue]:
        """The value, all copies united; None when the packet has no such property."""
        return read((self,), address)

    def foreign(self, addresses: Collection[XmpAddress]) -> tuple[tuple[str, bytes], ...]:
        """Key and bytes of every property that is not addressed, in order; equal before and after a graft."""
        ours = {key(uri, address.name) for address in addresses for uri in (address.uri, *address.also)}
        everything = [occurrence for occurrence in self.properties() if occurrence.key not in ours]
        everything.sort(key=lambda occurrence: (occurrence.node, occurrence.start, occurrence.key))
        found = [(one.key, self.source(one)) for one in everything]
        found += [(one.name, self.data[one.start : one.end]) for one in self.subjects if one.is_blank]
        return tuple(found)

    def source(self, occurrence: Occurrence) -> bytes:
        """An element's bytes as they stand, an attribute's text in UTF-8."""
        if occurrence.attribute is not None:
            return occurrence.attribute.encode("utf-8")
        return self.data[occurrence.start : occurrence.end]


def read(documents: Iterable[XmpDocument], address: XmpAddress) -> Optional[XmpValue]:
    """The value of a property over a packet and its extension: all copies united."""
    documents = tuple(documents)
    name = key(address.uri, address.name)
    if not address.also and not any(name in document.index for document in documents):
        return None
    plain = _read_plain(documents, address, name)
    if plain is not None:
        return plain
    copies = []
    for document in documents:
        for occurrence in document.occurrences(address):
            if occurrence.attribute is not None:
                copies.append(xmp_values.from_attribute(occurrence.attribute))
            else:
                context = document.subjects[occurrence.node].context
                copies.append(xmp_values.tree(document.data, occurrence.start, occurrence.end, context))
    return xmp_values.unite(copies, address.kind) if copies else None


def _read_plain(documents: tuple[XmpDocument, ...], address: XmpAddress, name: str) -> Optional[XmpValue]:
    """The value of a property that stands once, as an element in its plain form."""
    if len(documents) != 1 or address.also:
        return None
    found = documents[0].index.get(name, ())
    if len(found) != 1 or found[0][4] is not None:
        return None
    _, node, start, end, _ = found[0]
    return xmp_plain.value(documents[0].data[start:end], address.kind, documents[0].subjects[node].context)


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
        self.index: dict[str, list[_Found]] = {}
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


def home(document: XmpDocument) -> Optional[Subject]:
    """The subject that takes new properties: the last rdf:Description about the same thing as the first one."""
    about = about_of(document)
    for subject in reversed(document.subjects):
        if subject.name == _DESCRIPTION and not subject.is_blank and subject.about == about:
            return subject
    return None


def about_of(document: XmpDocument) -> str:
    """What the packet says it is about (rdf:about), mostly nothing."""
    return next((subject.about for subject in document.subjects if not subject.is_blank), "")
