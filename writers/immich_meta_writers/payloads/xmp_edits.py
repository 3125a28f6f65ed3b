"""How one property changes inside a packet: simple values, lists and language alternatives, in place.

Not here: regions (xmp_regions.py), new properties and the packet as a whole (xmp_graft.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.addresses import XmpAddress, XmpKind
from immich_meta_writers.errors import XmpError
from immich_meta_writers.payloads.xmp_document import Occurrence, XmpDocument
from immich_meta_writers.payloads.xmp_encoding import Encoded
from immich_meta_writers.payloads.xmp_markup import (
    RDF,
    AttributeSpan,
    Context,
    Edit,
    attribute_spans,
    blank_before,
    escape,
    indent,
    key,
    margin_before,
    qualified_name,
    rename,
    resolve,
    start_tag_end,
    transplant,
)
from immich_meta_writers.payloads.xmp_tree import Element, tree
from immich_meta_writers.payloads.xmp_values import (
    DEFAULT_LANGUAGE,
    LANGUAGE,
    carrier,
    container,
    items_of,
    languages,
    simple,
)

_RESOURCE = key(RDF, "resource")


class Change(NamedTuple):
    """What one property asks for: edits in place, and whether its new element has to be added to the packet."""

    edits: list[Edit]
    is_added: bool = False


# -- pieces ------------------------------------------------------------------------------------------------


def removal(data: bytes, start: int, end: int) -> Edit:
    """Takes an element out together with the white space before it, so that adding and removing cancel out."""
    return Edit(blank_before(data, start), end, b"")


def remove_occurrence(document: XmpDocument, occurrence: Occurrence) -> Edit:
    """Takes one copy of a property out: an element, or an attribute of its subject."""
    if occurrence.attribute is None:
        return removal(document.data, occurrence.start, occurrence.end)
    span = _shorthand(document, occurrence)
    return Edit(span.start, span.end, b"")


def _shorthand(document: XmpDocument, occurrence: Occurrence) -> AttributeSpan:
    subject = document.subjects[occurrence.node]
    return attribute_span(document.data, subject.start, subject.context, occurrence.key)


def attribute_span(data: bytes, start: int, context: Context, name: str) -> AttributeSpan:
    """The attribute with the key `name` in the start tag at `start`."""
    for span in attribute_spans(data, start, start_tag_end(data, start)):
        if resolve(span.name, context, is_attribute=True) == name:
            return span
    raise XmpError("an attribute cannot be found again in its start tag", place="XMP packet")


def set_content(data: bytes, element: Element, content: bytes) -> list[Edit]:
    """Gives an element other content; its attributes stay, except a reference that would contradict it."""
    edits = []
    if _RESOURCE in element.attributes:
        span = attribute_span(data, element.start, element.context, _RESOURCE)
        edits.append(Edit(span.start, span.end, b""))
    if element.is_empty:
        name = qualified_name(data, element.start).encode("utf-8")
        return [*edits, Edit(element.end - 2, element.end, b">" + content + b"</" + name + b">")]
    return [*edits, Edit(start_tag_end(data, element.start), element.inner_end, content)]


def set_text(data: bytes, element: Element, text: str) -> list[Edit]:
    """Sets a simple value where it really stands, so that qualifiers and foreign attributes stay."""
    if simple(element) == text:
        return []
    holder, attribute = carrier(element)
    if attribute is None or attribute == _RESOURCE:
        return set_content(data, holder, escape(text))
    span = attribute_span(data, holder.start, holder.context, attribute)
    return [Edit(span.value_start, span.value_end, escape(text))]


def insert_children(data: bytes, parent: Element, children: Sequence[bytes], *, first: bool = False) -> list[Edit]:
    """Adds elements as the last (or first) children of an element, in the line style of those that are there."""
    if not children:
        return []
    siblings = parent.children
    model = siblings[-1].start if siblings else parent.start
    blank = data[blank_before(data, model) : model]
    margin = margin_before(data, model)
    if not siblings and margin is not None:
        blank, margin = blank + b" ", margin + b" "
    text = b"".join(blank + indent(child, margin or b"") for child in children)
    if parent.is_empty:
        name = qualified_name(data, parent.start).encode("utf-8")
        closing = data[blank_before(data, parent.start) : parent.start] if margin is not None else b""
        return [Edit(parent.end - 2, parent.end, b">" + text + closing + b"</" + name + b">")]
    if first and siblings:
        at = blank_before(data, siblings[0].start)
    else:
        at = siblings[-1].end if siblings else blank_before(data, parent.inner_end)
    return [Edit(at, at, text)]


def encoded_tree(encoded: Encoded) -> Element:
    """An encoder's element, to take pieces out of."""
    return tree(encoded.markup, 0, len(encoded.markup), encoded.context)


def piece(encoded: Encoded, element: Element, target: Context) -> bytes:
    """A part of an encoder's element, ready for the namespace context `target`."""
    line = encoded.markup[element.start : element.end]
    margin = margin_before(encoded.markup, element.start)
    return transplant(line.replace(b"\n" + margin, b"\n") if margin else line, encoded.context, target)


def rewrite(document: XmpDocument, occurrence: Occurrence, encoded: Encoded) -> Edit:
    """Replaces a whole property element by the encoder's, under the name that the file gives it."""
    data = document.data
    old = tree(data, occurrence.start, occurrence.end, document.subjects[occurrence.node].context)
    context = document.subjects[occurrence.node].context
    prefix = old.raw.partition(":")[0] if ":" in old.raw else ""
    source = {**encoded.context, prefix: old.context.get(prefix, "")}
    markup = transplant(rename(encoded.markup, old.raw), source, context)
    return Edit(occurrence.start, occurrence.end, indent(markup, margin_before(data, occurrence.start) or b""))


def trees(document: XmpDocument, occurrences: Sequence[Occurrence]) -> list[tuple[Occurrence, Element]]:
    """The elements among a property's copies, parsed."""
    return [
        (one, tree(document.data, one.start, one.end, document.subjects[one.node].context))
        for one in occurrences
        if one.attribute is None
    ]


def _first_container(copies: Sequence[tuple[Occurrence, Element]]) -> Optional[tuple[Occurrence, Element]]:
    for one, copy in copies:
        holder = container(copy)
        if holder is not None:
            return one, holder
    return None


# -- kinds -------------------------------------------------------------------------------------------------


def remove_all(document: XmpDocument, occurrences: Sequence[Occurrence]) -> Change:
    """Takes every copy out."""
    return Change([remove_occurrence(document, one) for one in occurrences])


def set_simple(document: XmpDocument, occurrences: Sequence[Occurrence], text: str) -> Change:
    """Sets the first copy where it stands; further copies would be second truths and go."""
    first, *others = occurrences
    edits = [remove_occurrence(document, one) for one in others]
    if first.attribute is not None:
        if first.attribute == text:
            return Change(edits)
        span = _shorthand(document, first)
        return Change([*edits, Edit(span.value_start, span.value_end, escape(text))])
    element = tree(document.data, first.start, first.end, document.subjects[first.node].context)
    return Change(edits + set_text(document.data, element, text))


def set_list(
    document: XmpDocument, occurrences: Sequence[Occurrence], address: XmpAddress, wanted: tuple[str, ...], new: Encoded
) -> Change:
    """Adds and removes single items; kept ones keep their bytes. Copies are united in the first real list."""
    copies = trees(document, occurrences)
    primary = _first_container(copies)
    if primary is None:
        return _replace_all(document, occurrences, new)
    owner, holder = primary
    missing = Counter(wanted)
    edits: list[Edit] = []
    kept: list[tuple[str, bytes]] = []
    for item in items_of(holder):
        text = simple(item)
        if missing[text] > 0:
            missing[text] -= 1
            kept.append((text, document.data[item.start : item.end]))
        else:
            edits.append(removal(document.data, item.start, item.end))
    added: list[tuple[str, bytes]] = []
    for one, copy in copies:
        if one is not owner:
            added += _items_to_move(document, copy, holder.context, missing)
    elements = list(items_of(container(encoded_tree(new)) or holder))
    for position, text in enumerate(wanted):
        if missing[text] > 0:
            missing[text] -= 1
            added.append((text, piece(new, elements[position], holder.context)))
    edits += [remove_occurrence(document, one) for one in occurrences if one is not owner]
    found = kept + added
    if address.kind is XmpKind.SEQ and tuple(text for text, _ in found) != wanted:
        return Change(_in_order(document, occurrences, owner, holder, found, wanted))
    return Change(edits + insert_children(document.data, holder, [markup for _, markup in added]))


def _items_to_move(
    document: XmpDocument, copy: Element, target: Context, missing: Counter[str]
) -> list[tuple[str, bytes]]:
    """The items that only this further copy has, as they are."""
    holder = container(copy)
    moved: list[tuple[str, bytes]] = []
    if holder is None:
        return moved
    for item in items_of(holder):
        text = simple(item)
        if missing[text] > 0:
            missing[text] -= 1
            moved.append((text, transplant(document.data[item.start : item.end], holder.context, target)))
    return moved


def _in_order(
    document: XmpDocument,
    occurrences: Sequence[Occurrence],
    owner: Occurrence,
    holder: Element,
    found: Sequence[tuple[str, bytes]],
    wanted: tuple[str, ...],
) -> list[Edit]:
    """A Seq whose order changes: its items are laid out anew, each with its own bytes."""
    pool = list(found)
    ordered = []
    for text in wanted:
        position = next(index for index, (one, _) in enumerate(pool) if one == text)
        ordered.append(pool.pop(position)[1])
    data, old = document.data, list(items_of(holder))
    edits = [remove_occurrence(document, one) for one in occurrences if one is not owner]
    if not old:
        return edits + insert_children(data, holder, ordered)
    blank = data[blank_before(data, old[0].start) : old[0].start]
    return [*edits, Edit(old[0].start, old[-1].end, blank.join(ordered))]


def _replace_all(document: XmpDocument, occurrences: Sequence[Occurrence], new: Encoded) -> Change:
    """No copy has the right shape: the first element is rewritten, or a new one added; the others go."""
    first = next((one for one in occurrences if one.attribute is None), None)
    edits = [remove_occurrence(document, one) for one in occurrences if one is not first]
    if first is None:
        return Change(edits, is_added=True)
    return Change([*edits, rewrite(document, first, new)])


def set_default_language(document: XmpDocument, occurrences: Sequence[Occurrence], text: str, new: Encoded) -> Change:
    """Sets x-default; every other language keeps its bytes. Copies are united in the first real alternative."""
    copies = trees(document, occurrences)
    primary = _first_container(copies)
    if primary is None:
        return _with_own_language(document, occurrences, copies, new)
    owner, holder = primary
    data = document.data
    edits = [remove_occurrence(document, one) for one in occurrences if one is not owner]
    spoken = languages(next(copy for one, copy in copies if one is owner))
    default = next((item for language, _, item in spoken if language.lower() == DEFAULT_LANGUAGE), None)
    if default is not None:
        edits += set_text(data, default, text)
    else:
        item = next(items_of(container(encoded_tree(new)) or holder))
        edits += insert_children(data, holder, [piece(new, item, holder.context)], first=True)
    known = {(language.lower(), said) for language, said, _ in spoken}
    return Change(edits + insert_children(data, holder, _other_languages(document, copies, owner, holder, known)))


def _other_languages(
    document: XmpDocument,
    copies: Sequence[tuple[Occurrence, Element]],
    owner: Occurrence,
    holder: Element,
    known: set[tuple[str, str]],
) -> list[bytes]:
    """What further copies say in other languages, for the first copy."""
    moved = []
    for one, copy in copies:
        if one is owner:
            continue
        for language, said, item in languages(copy):
            if language.lower() == DEFAULT_LANGUAGE or (language.lower(), said) in known:
                continue
            known.add((language.lower(), said))
            if item is None:
                moved.append(_said(language, said, holder.context))
            else:
                source = container(copy) or copy
                moved.append(transplant(document.data[item.start : item.end], source.context, holder.context))
    return moved


def _said(language: str, text: str, target: Context) -> bytes:
    item = b'<rdf:li xml:lang="%s">%s</rdf:li>' % (escape(language), escape(text))
    return transplant(item, {"rdf": RDF}, target)


def _with_own_language(
    document: XmpDocument,
    occurrences: Sequence[Occurrence],
    copies: Sequence[tuple[Occurrence, Element]],
    new: Encoded,
) -> Change:
    """Simple values where an alternative belongs: what is marked as another language is kept beside x-default."""
    others = [
        _said(language, said, new.context)
        for _, copy in copies
        for language, said, _ in languages(copy)
        if LANGUAGE in copy.attributes and language.lower() != DEFAULT_LANGUAGE
    ]
    holder = container(encoded_tree(new))
    if others and holder is not None:
        (added,) = insert_children(new.markup, holder, list(dict.fromkeys(others)))
        new = Encoded(new.markup[: added.start] + added.text + new.markup[added.end :], new.context)
    return _replace_all(document, occurrences, new)


def remove_default_language(document: XmpDocument, occurrences: Sequence[Occurrence]) -> Change:
    """Takes x-default out of every copy; a copy in which nothing else remains goes as a whole."""
    edits = []
    for one in occurrences:
        if one.attribute is not None:
            edits.append(remove_occurrence(document, one))
            continue
        copy = tree(document.data, one.start, one.end, document.subjects[one.node].context)
        spoken = languages(copy)
        default = [item for language, _, item in spoken if language.lower() == DEFAULT_LANGUAGE]
        if len(default) == len(spoken):
            edits.append(remove_occurrence(document, one))
        else:
            edits += [removal(document.data, item.start, item.end) for item in default if item is not None]
    return Change(edits)
