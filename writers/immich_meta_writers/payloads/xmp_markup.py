"""RDF names, XML escaping, and moving a piece of markup from one namespace context to another.

Not here: what a property means (xmp_values.py) and where it stands in a packet (xmp_reader.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML = "http://www.w3.org/XML/1998/namespace"
X = "adobe:ns:meta/"
NOTE = "http://ns.adobe.com/xmp/note/"
ST_AREA = "http://ns.adobe.com/xmp/sType/Area#"
ST_DIM = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"

# Between URI and local name in a key. No XML document can hold this character, so no URI can fake a key.
SEPARATOR = "\x1f"

# Illegal in XML 1.0 (section 2.2), or not text at all.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNSAFE = re.compile("[&<>\"'\x00-\x1f\ud800-\udfff\ufffe\uffff]")
# Line breaks and tabs as decimal references: raw ones do not survive an attribute, a raw CR survives nowhere,
# and Exempi 2.6 reads two-digit hexadecimal references as a space.
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
_START_TAG = re.compile(rb"<[^<>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^<>\"']*)*>")
_NAME = re.compile(rb"[^\s<>/=\"'&]+")
_ATTRIBUTE = re.compile(rb"([^\s<>/=\"'&]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_BINDING = re.compile(rb"""\sxmlns:([\w.-]+)\s*=\s*(["'])([^"'<&]*)\2""")
_TAG = re.compile(rb"<[^>]*>")
_PREFIX = re.compile(rb"[<\s/]([^\s<>/=\"'&:?!]+):")
_UNPREFIXED = re.compile(rb"<[^\s<>/=\"'&:?!]+[\s/>]")

# Some cameras write C0 controls, raw or as references; readers take them as spaces, expat refuses them.
_CONTROLS = bytes(32 if byte < 32 and byte not in (9, 10, 13) else byte for byte in range(256))
_PERHAPS_ILLEGAL = re.compile(rb"&#(?:[0-9]{1,9}|x[0-9A-Fa-f]{1,8});|\xef\xbf[\xbe\xbf]")

Context = Mapping[str, str]


class Edit(NamedTuple):
    """Bytes `start` to `end` of a packet's UTF-8 form become `text`."""

    start: int
    end: int
    text: bytes


class AttributeSpan(NamedTuple):
    """One attribute in a start tag: from the white space before it to its closing quote, and its value inside."""

    name: str
    start: int
    value_start: int
    value_end: int
    end: int


def key(uri: str, name: str) -> str:
    """How a property is looked up: URI and local name in one string."""
    return f"{uri}{SEPARATOR}{name}"


def clean(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text)


def escape(text: str) -> bytes:
    """`text` as UTF-8 markup that is right both inside an element and inside an attribute."""
    if _UNSAFE.search(text):
        text = clean(text).translate(_ESCAPES)
    return text.encode("utf-8")


def without_controls(data: bytes) -> bytes:
    """`data` with C0 controls as spaces: for the parser only, every byte keeps its position."""
    return data.translate(_CONTROLS)


def without_illegal(data: bytes) -> bytes:
    """`data` with forbidden references as spaces, forbidden characters as U+FFFD; every byte keeps its position."""
    if b"&#" in data or b"\xef\xbf" in data:
        return _PERHAPS_ILLEGAL.sub(_blank_if_illegal, data)
    return data


def _blank_if_illegal(match: re.Match[bytes]) -> bytes:
    text = match.group()
    if text.startswith(b"&#x"):
        code = int(text[3:-1], 16)
    elif text.startswith(b"&"):
        code = int(text[2:-1])
    else:
        return b"\xef\xbf\xbd"
    legal = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    if legal:
        return text
    return b"&#%s;" % b"32".zfill(len(text) - 3) if len(text) > 4 else b"&#9;"


def start_tag_end(data: bytes, start: int) -> int:
    """Where the start tag at `start` ends (behind its `>`); the caller has parsed it before."""
    match = _START_TAG.match(data, start)
    return match.end() if match else data.index(b">", start) + 1


def qualified_name(data: bytes, start: int) -> str:
    """The element's name as the file writes it, with its prefix."""
    match = _NAME.match(data, start + 1)
    return match.group().decode("utf-8") if match else ""


def attribute_spans(data: bytes, start: int, end: int) -> list[AttributeSpan]:
    """The attributes of the start tag that begins at `start` and ends at `end`."""
    name = _NAME.match(data, start + 1)
    spans = []
    for match in _ATTRIBUTE.finditer(data, name.end() if name else start, end):
        value = 2 if match.group(2) is not None else 3
        spans.append(
            AttributeSpan(
                match.group(1).decode("utf-8"), blank_before(data, match.start()), *match.span(value), match.end()
            )
        )
    return spans


def resolve(name: str, context: Context, *, is_attribute: bool = False) -> str:
    """The key of a prefixed name; an unprefixed attribute has no namespace."""
    prefix, colon, local = name.partition(":")
    if not colon:
        prefix, local = "", name
        if is_attribute:
            return name
    uri = XML if prefix == "xml" else context.get(prefix)
    return key(uri, local) if uri else name


def blank_before(data: bytes, position: int) -> int:
    """The start of the white space that ends at `position`."""
    start = position
    while start and data[start - 1] in b" \t\r\n":
        start -= 1
    return start


def declarations(attributes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The xmlns attributes among raw `attributes`, by prefix ('' for the default namespace)."""
    return {name[6:]: value for name, value in attributes if name == "xmlns" or name.startswith("xmlns:")}


def transplant(markup: bytes, source: Context, target: Context) -> bytes:
    """`markup`, one element out of context `source`, so that it means the same in context `target`.

    Adds an xmlns attribute for each prefix that `target` binds otherwise.
    """
    if all(target.get(prefix) == uri for prefix, uri in source.items()) and "" not in target:
        return markup
    used = {match.decode("utf-8", "replace") for match in _PREFIX.findall(markup)}
    end = start_tag_end(markup, 0)
    declared = {span.name for span in attribute_spans(markup, 0, end)}
    added = []
    for prefix in sorted(used - {"xml", "xmlns"}):
        uri = source.get(prefix)
        if uri and f"xmlns:{prefix}" not in declared and target.get(prefix) != uri:
            added.append(b' xmlns:%s="%s"' % (prefix.encode("utf-8"), escape(uri)))
    default = source.get("", "")
    if default != target.get("", "") and "xmlns" not in declared and _UNPREFIXED.search(markup):
        added.append(b' xmlns="%s"' % escape(default))
    name = _NAME.match(markup, 1)
    at = name.end() if name else 1
    return markup[:at] + b"".join(added) + markup[at:]


def bound_prefixes(data: bytes) -> dict[str, str]:
    """The prefix that a packet uses for each URI, wherever it is declared; the first one counts."""
    bound: dict[str, str] = {}
    for match in _BINDING.finditer(data):
        bound.setdefault(match[3].decode("utf-8", "replace"), match[1].decode("utf-8", "replace"))
    return bound


def with_prefix(markup: bytes, old: str, new: str) -> bytes:
    """`markup` with one prefix instead of another, in tags only."""
    pattern = re.compile(rb"(?<=[<\s/])%s:" % re.escape(old.encode("utf-8")))
    name = new.encode("utf-8") + b":"
    return _TAG.sub(lambda tag: pattern.sub(name, tag.group()), markup)


def rename(markup: bytes, name: str) -> bytes:
    """One element with another qualified name, in its start tag and its end tag."""
    old = _NAME.match(markup, 1)
    if old is None:
        return markup
    new = name.encode("utf-8")
    renamed = b"<" + new + markup[old.end() :]
    closing = b"</" + old.group()
    at = renamed.rfind(closing)
    return renamed if at < 0 else renamed[:at] + b"</" + new + renamed[at + len(closing) :]


def indent(markup: bytes, margin: bytes) -> bytes:
    """`markup` with every further line moved right; values hold no raw line breaks (see `escape`)."""
    return markup.replace(b"\n", b"\n" + margin) if margin else markup


def margin_before(data: bytes, start: int) -> Optional[bytes]:
    """The blanks between the last line break and `start`; None when something else stands on that line."""
    blank = data[blank_before(data, start) : start]
    line = blank.rfind(b"\n")
    return blank[line + 1 :] if line >= 0 else None
