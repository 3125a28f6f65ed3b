"""A parsed packet: an index of its top-level properties by position, and their values.

Not here: parsing (xmp_reader.py), what a value's markup means (xmp_values.py), and changing it (xmp_graft.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.addresses import XmpAddress, XmpKind, XmpValue
from immich_meta_writers.payloads import xmp_plain, xmp_plain_regions, xmp_tree, xmp_values
from immich_meta_writers.payloads.xmp_markup import RDF, Context, key
from immich_meta_writers.payloads.xmp_packet import Frame

_DESCRIPTION = key(RDF, "Description")


class Occurrence(NamedTuple):
    """One copy of a property: an element's bytes from `start` to `end`, or an attribute of node `node`."""

    key: str
    node: int
    start: int
    end: int
    attribute: Optional[str]


# The fields of an Occurrence as a bare tuple: most properties are never looked at.
Found = tuple[str, int, int, int, Optional[str]]


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
    index: Mapping[str, Sequence[Found]]
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
                copies.append(xmp_tree.from_attribute(occurrence.attribute))
            else:
                context = document.subjects[occurrence.node].context
                copies.append(xmp_tree.tree(document.data, occurrence.start, occurrence.end, context))
    return xmp_values.unite(copies, address.kind) if copies else None


def _read_plain(documents: tuple[XmpDocument, ...], address: XmpAddress, name: str) -> Optional[XmpValue]:
    """The value of a property that stands once, as an element in its plain form."""
    if len(documents) != 1 or address.also:
        return None
    found = documents[0].index.get(name, ())
    if len(found) != 1 or found[0][4] is not None:
        return None
    _, node, start, end, _ = found[0]
    source, context = documents[0].data[start:end], documents[0].subjects[node].context
    if address.kind is XmpKind.REGIONS:
        return xmp_plain_regions.value(source, context)
    return xmp_plain.value(source, address.kind, context)


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
