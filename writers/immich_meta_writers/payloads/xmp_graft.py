"""The graft: our properties go into a packet's text, every foreign byte stays (one splice per change).

Not here: how one property changes (xmp_edits.py, xmp_regions.py) and how it is encoded (the encoders).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Optional

from immich_meta_writers.addresses import LangAlt, RegionEdit, RegionInfo, XmpAddress, XmpEdit, XmpKind, XmpValue
from immich_meta_writers.errors import SelfCheckError, XmpError
from immich_meta_writers.payloads import xmp_packet
from immich_meta_writers.payloads.xmp_document import Place, XmpDocument, about_of, home
from immich_meta_writers.payloads.xmp_edits import (
    Change,
    insert_children,
    remove_all,
    remove_default_language,
    set_default_language,
    set_list,
    set_simple,
)
from immich_meta_writers.payloads.xmp_encoding import Edits, Encoded, Encoder, cleaned, encodable
from immich_meta_writers.payloads.xmp_markup import (
    RDF,
    Context,
    Edit,
    X,
    blank_before,
    bound_prefixes,
    escape,
    indent,
    start_tag_end,
    transplant,
    with_prefix,
)
from immich_meta_writers.payloads.xmp_reader import parse, parse_new
from immich_meta_writers.payloads.xmp_regions import apply_edits, edit_regions, expected
from immich_meta_writers.payloads.xmp_tree import Element

PADDING = 2048


def graft(
    document: Optional[XmpDocument],
    edits: Edits,
    encoder: Encoder,
    *,
    padding: int = PADDING,
    size: Optional[int] = None,
) -> bytes:
    """The whole new packet, in the old one's encoding. An edit of None removes its property.

    Without a document: a new packet. `size`: the old packet's length in bytes, kept exactly when the padding allows;
    else there are `padding` fresh blanks before the trailer (0: the white space stays as it is, as in a sidecar).
    No edits: the same bytes. Raises SelfCheckError when the result does not read back as wanted.
    """
    wanted = cleaned(edits)
    if document is None:
        document = parse(b"")
    encoded = encoder.elements(encodable(wanted))
    changes, added = [], []
    for address in _stable(wanted):
        change = _change(document, address, wanted[address], encoded)
        changes += change.edits
        if change.is_added:
            added.append(encoded[address])
    if not changes and not added:
        return xmp_packet.encode(document.data, document.frame.codec) + document.frame.rest
    if document.root is None:
        result = xmp_packet.wrap(_new_document(added), padding)
    else:
        data = apply_edits(document.data, changes + _additions(document, added))
        result = xmp_packet.fit(data, document.frame, padding, size)
    _verify(document, result, wanted, encoder)
    return result


def new_sidecar(edits: Edits, encoder: Encoder) -> bytes:
    """A new .xmp file: pretty and stable RDF in UTF-8 with its wrapper, without padding."""
    return graft(None, edits, encoder, padding=0) + b"\n"


def _stable(edits: Edits) -> list[XmpAddress]:
    return sorted(edits, key=lambda address: (address.prefix, address.name, address.uri))


def _change(
    document: XmpDocument, address: XmpAddress, edit: Optional[XmpEdit], encoded: dict[XmpAddress, Encoded]
) -> Change:
    occurrences = document.occurrences(address)
    new = encoded.get(address)
    if isinstance(edit, RegionEdit):
        return edit_regions(document, occurrences, edit, new)
    if edit is None:
        if address.kind is XmpKind.ALT:
            return remove_default_language(document, occurrences)
        return remove_all(document, occurrences)
    if not occurrences or new is None:
        return Change([], is_added=new is not None)
    if isinstance(edit, tuple):
        return set_list(document, occurrences, address, edit, new)
    if address.kind is XmpKind.ALT:
        return set_default_language(document, occurrences, edit, new)
    return set_simple(document, occurrences, edit)


# -- additions ---------------------------------------------------------------------------------------------


def _additions(document: XmpDocument, added: Sequence[Encoded]) -> list[Edit]:
    """New properties stand last in the subject that the packet is about."""
    if not added:
        return []
    bound = bound_prefixes(document.data)
    added = [_in_the_packets_words(one, bound) for one in added]
    subject = home(document)
    if subject is not None:
        number = document.subjects.index(subject)
        starts = [one.start for one in document.properties() if one.node == number]
        parent = _parent(document.data, Place(subject.start, subject.end, subject.context), starts)
        elements = [transplant(one.markup, one.context, subject.context) for one in added]
        return insert_children(document.data, parent, elements)
    if document.rdf is not None:
        place, starts = document.rdf, [one.start for one in document.subjects]
        new = transplant(_description(added, about_of(document)), {"rdf": RDF}, place.context)
    elif document.root is not None:
        place, starts = document.root, []
        new = _rdf([_description(added, "")])
    else:
        raise XmpError("the packet has no place for a property", place="XMP packet")
    return insert_children(document.data, _parent(document.data, place, starts), [new])


def _in_the_packets_words(encoded: Encoded, bound: Context) -> Encoded:
    """One URI, one prefix: the XMP toolkit of exiv2 0.27 gives a packet up that has two."""
    markup, context = encoded.markup, dict(encoded.context)
    for prefix, uri in encoded.context.items():
        known = bound.get(uri, prefix)
        if known != prefix and known not in context:
            markup = with_prefix(markup, prefix, known)
            context[known] = context.pop(prefix)
    return Encoded(markup, context)


def _parent(data: bytes, place: Place, starts: Sequence[int]) -> Element:
    """An element around children that begin at `starts` (-1: attributes); enough to add one more behind the last."""
    element = Element("", "", {}, place.start, place.context)
    element.end = element.inner_end = place.end
    if start_tag_end(data, place.start) != place.end:
        element.inner_end = data.rindex(b"</", place.start, place.end)
    last = max(starts, default=-1)
    if last >= 0:
        child = Element("", "", {}, last, place.context)
        child.end = blank_before(data, element.inner_end)
        element.children.append(child)
    return element


def _description(added: Sequence[Encoded], about: str) -> bytes:
    inside = b"".join(b"\n " + indent(transplant(one.markup, one.context, {"rdf": RDF}), b" ") for one in added)
    return b'<rdf:Description rdf:about="%s">%s\n</rdf:Description>' % (escape(about), inside)


def _rdf(descriptions: Sequence[bytes]) -> bytes:
    inside = b"".join(b"\n " + indent(one, b" ") for one in descriptions)
    return b'<rdf:RDF xmlns:rdf="%s">%s\n</rdf:RDF>' % (RDF.encode(), inside)


def _new_document(added: Sequence[Encoded]) -> bytes:
    """x:xmpmeta around one rdf:Description that declares every prefix once."""
    context: dict[str, str] = {}
    for one in added:
        for prefix, uri in one.context.items():
            if context.setdefault(prefix, uri) != uri:
                context.pop(prefix)
    declared = {prefix: uri for prefix, uri in sorted(context.items()) if prefix != "rdf"}
    names = b"".join(b'\n  xmlns:%s="%s"' % (prefix.encode(), escape(uri)) for prefix, uri in declared.items())
    known = {"rdf": RDF, **declared}
    inside = b"".join(b"\n " + indent(transplant(one.markup, one.context, known), b" ") for one in added)
    description = b'<rdf:Description rdf:about=""%s>%s\n</rdf:Description>' % (names, inside)
    return b'<x:xmpmeta xmlns:x="%s">\n %s\n</x:xmpmeta>' % (X.encode(), indent(_rdf([description]), b" "))


# -- self check --------------------------------------------------------------------------------------------


def _verify(document: XmpDocument, result: bytes, wanted: Edits, encoder: Encoder) -> None:
    """Reads the result back: our values are the wanted ones, and every foreign property has its old bytes."""
    try:
        after = parse_new(result)
    except XmpError as error:
        raise SelfCheckError(f"the new packet cannot be read: {error.cause}", place="XMP packet") from error
    for address, edit in wanted.items():
        before = document.get(address) if address.kind in (XmpKind.ALT, XmpKind.REGIONS) else None
        if not agrees(before, after.get(address), address, edit):
            raise SelfCheckError(f"{address.prefix}:{address.name} did not read back", place="XMP packet")
    if document.foreign(wanted) != after.foreign(wanted):
        raise SelfCheckError("a foreign property would have changed", place="XMP packet")
    encoder.check(result, wanted)


def agrees(before: Optional[XmpValue], after: Optional[XmpValue], address: XmpAddress, edit: Optional[XmpEdit]) -> bool:
    """Whether `after` is what `edit` makes of `before`."""
    if isinstance(edit, RegionEdit):
        wanted = expected(before if isinstance(before, RegionInfo) else None, edit)
        return _same_regions(wanted, after)
    if address.kind is XmpKind.ALT:
        return _same_languages(before, after, edit)
    if edit is None:
        return after is None
    if isinstance(edit, tuple) and isinstance(after, tuple) and address.kind is XmpKind.BAG:
        return Counter(edit) == Counter(after)
    return edit == after


def _same_languages(before: Optional[XmpValue], after: Optional[XmpValue], edit: Optional[XmpEdit]) -> bool:
    def others(value: Optional[XmpValue]) -> list[tuple[str, str]]:
        found = value.items if isinstance(value, LangAlt) else ()
        return sorted((language.lower(), text) for language, text in found if language.lower() != "x-default")

    default = None
    if isinstance(after, LangAlt):
        default = next((text for language, text in after.items if language.lower() == "x-default"), None)
    return default == edit and others(before) == others(after)


def _same_regions(wanted: RegionInfo, after: Optional[XmpValue]) -> bool:
    found = after if isinstance(after, RegionInfo) else RegionInfo(None, ())
    if len(found.regions) != len(wanted.regions):
        return False
    if found.regions and (found.applied or ()) != tuple(float(edge) for edge in wanted.applied or ()):
        return False
    return all(
        (one.name, one.type) == (two.name, two.type)
        and all(math.isclose(getattr(one, edge), getattr(two, edge), abs_tol=1e-9) for edge in "xywh")
        for one, two in zip(found.regions, wanted.regions)
    )
