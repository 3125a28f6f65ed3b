"""The plain forms in which nearly every property stands, read without a parser: this is what an unchanged photo costs.

Not here: any other form (attributes, qualifiers, comments, CDATA, parseType): those answer None; see xmp_values.
"""

from __future__ import annotations

import re
from typing import Optional

from immich_meta_writers.addresses import LangAlt, XmpKind, XmpValue
from immich_meta_writers.payloads.xmp_markup import RDF, Context

# Text without markup, and without the characters that XML would change or refuse.
_TEXT = rb"[^<\x00-\x08\x0b-\x1f]*"
_OPEN = rb'<(?P<name>[\w.-]+:[\w.-]+)(?:\s+xmlns:(?!rdf=)[\w.-]+="[^"<&]*")*\s*>'
_SIMPLE = re.compile(_OPEN + rb"(?P<text>" + _TEXT + rb")</(?P=name)>")
_LIST = re.compile(
    _OPEN
    + rb"\s*<rdf:(?P<kind>Bag|Seq)>\s*(?P<items>(?:<rdf:li>"
    + _TEXT
    + rb"</rdf:li>\s*)*)</rdf:(?P=kind)>\s*</(?P=name)>"
)
_ITEM = re.compile(rb"<rdf:li>([^<]*)</rdf:li>")
_LANGUAGES = re.compile(
    _OPEN
    + rb'\s*<rdf:Alt>\s*(?P<items>(?:<rdf:li\s+xml:lang="[A-Za-z0-9-]+">'
    + _TEXT
    + rb"</rdf:li>\s*)*)</rdf:Alt>\s*</(?P=name)>"
)
_LANGUAGE = re.compile(rb'<rdf:li\s+xml:lang="([A-Za-z0-9-]+)">([^<]*)</rdf:li>')
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def value(source: bytes, kind: XmpKind, context: Context) -> Optional[XmpValue]:
    """The value of a property element in plain form; None for any other."""
    if context.get("rdf") != RDF:
        return None
    if kind is XmpKind.SIMPLE:
        match = _SIMPLE.fullmatch(source)
        return text_of(match["text"]) if match else None
    if kind is XmpKind.ALT:
        return _languages(source)
    if kind is XmpKind.REGIONS:
        return None
    match = _LIST.fullmatch(source)
    items = None if match is None else [text_of(item) for item in _ITEM.findall(match["items"])]
    return None if items is None or None in items else tuple(item for item in items if item is not None)


def _languages(source: bytes) -> Optional[LangAlt]:
    match = _LANGUAGES.fullmatch(source)
    if match is None:
        return None
    items = []
    for language, raw in _LANGUAGE.findall(match["items"]):
        text = text_of(raw)
        if text is None:
            return None
        items.append((language.decode("ascii"), text))
    is_clear = len({language.lower() for language, _ in items}) == len(items)
    return LangAlt(tuple(items)) if is_clear else None


def text_of(raw: bytes) -> Optional[str]:
    """Text without markup, its references resolved; None when one is unknown."""
    text = raw.decode("utf-8")
    if "&" not in text:
        return text
    if _ENTITY.sub("", text).count("&"):
        return None
    try:
        return _ENTITY.sub(_resolved, text)
    except (ValueError, OverflowError):
        return None


def _resolved(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if (code < 0x20 and code not in (9, 10, 13)) or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF):
        raise ValueError("not a character of XML 1.0")
    return chr(code)
