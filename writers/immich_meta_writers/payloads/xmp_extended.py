"""Extended XMP: a packet that is split in two, and edited where its properties stand (XMP part 3, 1.1.3.1).

Not here: the JPEG segments that carry the parts (containers/jpeg.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Optional

from immich_meta_writers.addresses import RegionEdit, RegionInfo, XmpAddress, XmpEdit, XmpKind
from immich_meta_writers.errors import NoRoomError
from immich_meta_writers.payloads import xmp_packet
from immich_meta_writers.payloads.xmp_builtin import BuiltinEncoder
from immich_meta_writers.payloads.xmp_document import Occurrence, XmpDocument
from immich_meta_writers.payloads.xmp_edits import remove_occurrence
from immich_meta_writers.payloads.xmp_encoding import Edits, Encoder, cleaned
from immich_meta_writers.payloads.xmp_graft import PADDING, graft
from immich_meta_writers.payloads.xmp_markup import NOTE, RDF, SEPARATOR, X, transplant
from immich_meta_writers.payloads.xmp_reader import parse
from immich_meta_writers.payloads.xmp_regions import apply_edits

HAS_EXTENDED = XmpAddress(NOTE, "HasExtendedXMP", "xmpNote", XmpKind.SIMPLE)
# Readers look for these in the main packet only: where a motion photo's video or a gain map lies.
_MAIN_ONLY = (
    NOTE,
    "http://ns.google.com/photos/1.0/camera/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.adobe.com/hdr-gain-map/1.0/",
)
_OPEN = b'<x:xmpmeta xmlns:x="%s"><rdf:RDF xmlns:rdf="%s"><rdf:Description rdf:about="">' % (X.encode(), RDF.encode())
_CLOSE = b"</rdf:Description></rdf:RDF></x:xmpmeta>"


class Packets(NamedTuple):
    """A main packet, and its extension with its GUID (32 upper-case hex digits), or neither."""

    main: bytes
    guid: Optional[str] = None
    extension: Optional[bytes] = None


def extension_guid(document: XmpDocument) -> Optional[str]:
    """The GUID of the extension that a main packet asks for (xmpNote:HasExtendedXMP)."""
    value = document.get(HAS_EXTENDED)
    return value.strip() or None if isinstance(value, str) else None


def guid_of(extension: bytes) -> str:
    """The MD5 of an extended packet in upper-case hex: its name, not a protection."""
    return hashlib.new("md5", extension, usedforsecurity=False).hexdigest().upper()


def graft_extended(
    main: XmpDocument,
    extension: Optional[XmpDocument],
    edits: Edits,
    encoder: Encoder,
    *,
    padding: int = PADDING,
    size: Optional[int] = None,
) -> Packets:
    """Edits a property where it stands; new ones go to the main packet.

    An extension that need not change keeps its bytes and its GUID; a changed one gets a new GUID, which the main
    packet then names; an emptied one goes.
    """
    before = extension_guid(main)
    if extension is None:
        return Packets(graft(main, edits, encoder, padding=padding, size=size), before)
    ours, theirs = _divide(main, extension, cleaned(edits))
    if not theirs:
        kept = graft(extension, {}, encoder)
        return Packets(graft(main, ours, encoder, padding=padding, size=size), before, kept)
    changed = graft(extension, theirs, encoder, padding=0)
    after = parse(changed)
    if not after.index and not any(subject.is_blank for subject in after.subjects):
        main_edits = {**ours, HAS_EXTENDED: None}
        return Packets(graft(main, main_edits, encoder, padding=padding, size=size))
    guid = guid_of(changed)
    named: dict[XmpAddress, Optional[XmpEdit]] = {**ours, HAS_EXTENDED: guid}
    return Packets(graft(main, named, encoder, padding=padding, size=size), guid, changed)


def _divide(main: XmpDocument, extension: XmpDocument, edits: Edits) -> tuple[Edits, Edits]:
    """Which edits the main packet takes and which the extension; a property in both becomes one truth in main."""
    ours: dict[XmpAddress, Optional[XmpEdit]] = {}
    theirs: dict[XmpAddress, Optional[XmpEdit]] = {}
    for address, edit in edits.items():
        here, there = bool(main.occurrences(address)), bool(extension.occurrences(address))
        if not there:
            ours[address] = edit
        elif not here:
            theirs[address] = edit
        elif isinstance(edit, RegionEdit):
            ours[address], theirs[address] = _divide_regions(main, edit, address)
        else:
            # x-default goes from the extension, its other languages stay there; everything else moves over.
            ours[address], theirs[address] = edit, None
    return ours, theirs


def _divide_regions(main: XmpDocument, edit: RegionEdit, address: XmpAddress) -> tuple[RegionEdit, RegionEdit]:
    """Positions count over both packets, the main one first."""
    found = main.get(address)
    count = len(found.regions) if isinstance(found, RegionInfo) else 0
    here = replace(
        edit,
        removed=tuple(position for position in edit.removed if position < count),
        moved=tuple(move for move in edit.moved if move[0] < count),
    )
    there = RegionEdit(
        removed=tuple(position - count for position in edit.removed if position >= count),
        moved=tuple((position - count, region) for position, region in edit.moved if position >= count),
        applied=edit.applied,
    )
    return here, there


def spill(packet: bytes, limit: int, extension: Optional[bytes] = None) -> Packets:
    """Moves the largest properties of a packet into its extension until the main packet fits into `limit` bytes.

    Padding goes first. Raises NoRoomError when even that does not help, XmpError when a packet cannot be read.
    """
    document = parse(packet)
    guid = extension_guid(document)
    # A placeholder of the GUID's length, so that the sizes are final.
    slim = graft(document, {HAS_EXTENDED: "0" * 32}, BuiltinEncoder(), padding=1)
    short = xmp_packet.fit(document.data, document.frame, 1, None)
    if len(short) <= limit:
        fitted = xmp_packet.fit(document.data, document.frame, 1, limit)
        return Packets(fitted, guid, extension)
    document = parse(slim)
    moved = _largest(document, len(slim) - limit)
    new = _extended(document, moved, extension)
    rest = apply_edits(document.data, [remove_occurrence(document, one) for one in moved])
    main = parse(xmp_packet.fit(rest, document.frame, 1, None))
    guid = guid_of(new)
    return Packets(graft(main, {HAS_EXTENDED: guid}, BuiltinEncoder(), padding=1, size=limit), guid, new)


def _largest(document: XmpDocument, excess: int) -> list[Occurrence]:
    """The fewest largest property elements that free `excess` bytes (in the packet's own encoding, at least)."""
    movable = [
        one
        for one in document.properties()
        if one.attribute is None and one.key.partition(SEPARATOR)[0] not in _MAIN_ONLY
    ]
    movable.sort(key=lambda one: (one.start - one.end, one.start))
    chosen = []
    for one in movable:
        if excess <= 0:
            break
        chosen.append(one)
        excess -= one.end - one.start
    if excess > 0:
        raise NoRoomError("the XMP packet does not fit, even with an extension", place="XMP packet")
    return sorted(chosen, key=lambda one: one.start)


def _extended(document: XmpDocument, moved: Sequence[Occurrence], extension: Optional[bytes]) -> bytes:
    """The extended packet: UTF-8 RDF without a wrapper, what was in it before first."""
    elements = b"".join(
        transplant(document.data[one.start : one.end], document.subjects[one.node].context, {"rdf": RDF})
        for one in moved
    )
    if extension is None:
        return _OPEN + elements + _CLOSE
    old = parse(extension)
    if old.rdf is None:
        return _OPEN + elements + _CLOSE
    at = old.data.rindex(b"</", old.rdf.start, old.rdf.end)
    added = b'<rdf:Description xmlns:rdf="%s" rdf:about="">' % RDF.encode() + elements + b"</rdf:Description>"
    data = old.data[:at] + added + old.data[at:]
    return xmp_packet.encode(data, old.frame.codec) + old.frame.rest
