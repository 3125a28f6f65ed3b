"""Regions in the layout in which this program writes them, read without a parser: a photo with faces, unchanged.

Not here: the layouts of others: those answer None, and xmp_values reads them.
"""

from __future__ import annotations

import re
from typing import Optional

from immich_meta_writers.addresses import RegionInfo, StoredRegion
from immich_meta_writers.payloads.xmp_markup import RDF, ST_AREA, ST_DIM, Context
from immich_meta_writers.payloads.xmp_plain import text_of
from immich_meta_writers.tags import MWG_REGIONS

_PREFIXES = {"rdf": RDF, "mwg-rs": MWG_REGIONS, "stArea": ST_AREA, "stDim": ST_DIM}
_NUMBER = rb"([0-9]{1,9}(?:\.[0-9]{1,20})?)"
_TEXT = rb"([^<\x00-\x08\x0b-\x1f]*)"
_RESOURCE = rb' rdf:parseType="Resource">\s*'


def _numbers(prefix: bytes, names: bytes) -> bytes:
    return b"".join(rb"<%b:%c>%b</%b:%c>\s*" % (prefix, name, _NUMBER, prefix, name) for name in names)


_AREA = rb"<mwg-rs:Area" + _RESOURCE + _numbers(b"stArea", b"xywh")
_AREA += rb"<stArea:unit>normalized</stArea:unit>\s*</mwg-rs:Area>\s*"
_ITEM = rb"<rdf:li" + _RESOURCE + _AREA
_ITEM += rb"<mwg-rs:Name>" + _TEXT + rb"</mwg-rs:Name>\s*<mwg-rs:Type>" + _TEXT + rb"</mwg-rs:Type>\s*</rdf:li>\s*"
_APPLIED = rb"<mwg-rs:AppliedToDimensions" + _RESOURCE + _numbers(b"stDim", b"wh")
_APPLIED += rb"<stDim:unit>pixel</stDim:unit>\s*</mwg-rs:AppliedToDimensions>\s*"
_OPENING = rb'<mwg-rs:Regions((?:\s+xmlns:[\w.-]+="[^"<&]*")*)' + _RESOURCE
_CLOSING = rb"</rdf:Bag>\s*</mwg-rs:RegionList>\s*"

_START = re.compile(_OPENING + b"(?:" + _APPLIED + rb")?<mwg-rs:RegionList>\s*<rdf:Bag>\s*")
_REGION = re.compile(_ITEM)
_END = re.compile(_CLOSING + b"(?:" + _APPLIED + rb")?</mwg-rs:Regions>")
_BINDING = re.compile(rb'xmlns:([\w.-]+)="([^"]*)"')


def value(source: bytes, context: Context) -> Optional[RegionInfo]:
    """The regions of an element of this layout; None for any other."""
    start = _START.match(source)
    if start is None or not _binds(start[1], context):
        return None
    position, regions = start.end(), []
    match = _REGION.match(source, position)
    while match:
        x, y, w, h, name, kind = match.groups()
        names = text_of(name), text_of(kind)
        if names[0] is None or names[1] is None:
            return None
        regions.append(StoredRegion(names[0], names[1], float(x), float(y), float(w), float(h)))
        position = match.end()
        match = _REGION.match(source, position)
    end = _END.fullmatch(source, position)
    if end is None or (start[2] is not None and end[1] is not None):
        return None
    size = (start[2], start[3]) if start[2] is not None else (end[1], end[2])
    return RegionInfo(None if size[0] is None else (float(size[0]), float(size[1])), tuple(regions))


def _binds(declared: bytes, context: Context) -> bool:
    """Whether the usual prefixes mean the usual things here."""
    bound = dict(context)
    bound.update((name.decode(), uri.decode()) for name, uri in _BINDING.findall(declared))
    return all(bound.get(prefix) == uri for prefix, uri in _PREFIXES.items())
