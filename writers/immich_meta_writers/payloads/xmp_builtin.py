"""The built-in XMP encoder: canonical RDF for our own properties, without a library.

Not here: reading XMP, and placing elements in a packet (xmp_graft.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from immich_meta_writers.addresses import RegionInfo, StoredRegion, XmpAddress, XmpKind
from immich_meta_writers.payloads.xmp_encoding import Edits, Encoded, NewValue, decimal
from immich_meta_writers.payloads.xmp_markup import RDF, ST_AREA, ST_DIM, escape

_RESOURCE = b' rdf:parseType="Resource"'


class BuiltinEncoder:
    """Writes canonical RDF: containers as elements, structures with parseType Resource (XMP part 1, 7.9)."""

    name = "builtin"

    def elements(self, values: Mapping[XmpAddress, NewValue]) -> dict[XmpAddress, Encoded]:
        """An element for each value."""
        return {address: Encoded(_property(address, value), _context(address)) for address, value in values.items()}

    def check(self, packet: bytes, edits: Edits) -> None:
        """Nothing: the graft itself reads the packet back."""


def _context(address: XmpAddress) -> dict[str, str]:
    context = {"rdf": RDF, address.prefix: address.uri}
    if address.kind is XmpKind.REGIONS:
        context.update(stArea=ST_AREA, stDim=ST_DIM)
    return context


def _property(address: XmpAddress, value: NewValue) -> bytes:
    name = f"{address.prefix}:{address.name}".encode()
    if isinstance(value, RegionInfo):
        return _regions(name, address.prefix.encode(), value)
    if isinstance(value, tuple):
        items = [_item(text) for text in value]
        return _nested(name, b"", [_nested(b"rdf:" + address.kind.value.encode(), b"", items)])
    if address.kind is XmpKind.ALT:
        item = _leaf(b"rdf:li", value, b' xml:lang="x-default"')
        return _nested(name, b"", [_nested(b"rdf:Alt", b"", [item])])
    return _leaf(name, value)


def _regions(name: bytes, prefix: bytes, info: RegionInfo) -> bytes:
    inside = []
    if info.applied:
        width, height = (decimal(edge) for edge in info.applied)
        size = [_leaf(b"stDim:w", width), _leaf(b"stDim:h", height), _leaf(b"stDim:unit", "pixel")]
        inside.append(_struct(prefix + b":AppliedToDimensions", size))
    if info.regions:
        items = [_region(prefix, region) for region in info.regions]
        inside.append(_nested(prefix + b":RegionList", b"", [_nested(b"rdf:Bag", b"", items)]))
    return _struct(name, inside)


def _region(prefix: bytes, region: StoredRegion) -> bytes:
    edges = zip((b"x", b"y", b"w", b"h"), (region.x, region.y, region.w, region.h))
    area = [_leaf(b"stArea:" + edge, decimal(value)) for edge, value in edges]
    area.append(_leaf(b"stArea:unit", "normalized"))
    return _struct(
        b"rdf:li",
        [
            _struct(prefix + b":Area", area),
            _leaf(prefix + b":Name", region.name),
            _leaf(prefix + b":Type", region.type),
        ],
    )


def _item(text: str) -> bytes:
    return _leaf(b"rdf:li", text)


def _leaf(name: bytes, text: str, attributes: bytes = b"") -> bytes:
    return b"<%s%s>%s</%s>" % (name, attributes, escape(text), name)


def _struct(name: bytes, inside: Sequence[bytes]) -> bytes:
    return _nested(name, _RESOURCE, inside)


def _nested(name: bytes, attributes: bytes, inside: Sequence[bytes]) -> bytes:
    lines = b"".join(b"\n " + child.replace(b"\n", b"\n ") for child in inside)
    return b"<%s%s>%s\n</%s>" % (name, attributes, lines, name)
