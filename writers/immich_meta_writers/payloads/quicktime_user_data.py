"""User data: texts of several languages, 3GPP texts, and the 3GPP place (QuickTime File Format, "User Data Atoms";
3GPP TS 26.244, section 8).

Not here: the list of atoms that they stand in, and udta/meta (quicktime_meta.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection
from typing import NamedTuple, Optional

from immich_meta_writers import iso6709

PLACE = b"loci"
PLAIN = b"date"
UNDEFINED_LANGUAGE = 0x55C4  # "und" (ISO 639-2) in three times five bits
_MACINTOSH = range(0x400)  # codes of Macintosh languages, whose texts are in Mac Roman
_MACINTOSH_UNDEFINED = 0x7FFF
_ENTRY = struct.Struct(">HH")  # bytes of the text, language
_LEAD = 6  # of a 3GPP text: version, flags, language
_UTF16_MARK = b"\xfe\xff"
_COORDINATES = struct.Struct(">3i")  # longitude, latitude, altitude: 16.16
_ONE = 1 << 16


class Text(NamedTuple):
    language: int
    text: str


class Form(NamedTuple):
    """How an atom holds its texts. `read` answers None for content that is not of this form.

    `write` puts one text in place of those whose language is named, and answers None when it cannot hold that text;
    `foreign` is what such an edit leaves as it is, empty where it leaves nothing that says anything.
    """

    read: Callable[[bytes], Optional[tuple[Text, ...]]]
    write: Callable[[bytes, Collection[int], str], Optional[bytes]]
    foreign: Callable[[bytes, Collection[int]], object]


def form_of(kind: bytes, content: bytes) -> Form:
    if kind[:1] == b"\xa9":
        return INTERNATIONAL
    if kind == PLACE:
        return LOCATION
    return STRING if kind == PLAIN and content[:4] != bytes(4) else TEXT_3GPP


class _Entry(NamedTuple):
    """One language; `counted`: its size counts the size and the language themselves."""

    language: int
    text: bytes
    counted: bool


def _entries(content: bytes) -> Optional[tuple[tuple[_Entry, ...], bytes]]:
    """The entries, and up to 3 bytes behind the last. Most programs count the text only, as Apple does."""
    entries, position = [], 0
    while position + _ENTRY.size <= len(content):
        size, language = _ENTRY.unpack_from(content, position)
        position += _ENTRY.size
        counted = position + size > len(content)
        if counted:
            size -= _ENTRY.size
        if size < 0 or position + size > len(content):
            return None
        entries.append(_Entry(language, content[position : position + size], counted))
        position += size
    return (tuple(entries), content[position:]) if entries else None


def _read_international(content: bytes) -> Optional[tuple[Text, ...]]:
    found = _entries(content)
    if found is None:
        return None
    # Empty ones behind the first are padding.
    return tuple(Text(e.language, _decode(e)) for n, e in enumerate(found[0]) if e.text or not n)


def _decode(entry: _Entry) -> str:
    is_macintosh = entry.language in _MACINTOSH or entry.language == _MACINTOSH_UNDEFINED
    return _text(entry.text, "mac_roman" if is_macintosh else "latin-1")


def _text(data: bytes, otherwise: str) -> str:
    """UTF-16 with its mark, else UTF-8, else what old programs wrote."""
    if data.startswith(_UTF16_MARK):
        return data[2:].decode("utf-16-be", "replace").rstrip("\0")
    try:
        return data.decode("utf-8").rstrip("\0")
    except UnicodeDecodeError:
        return data.decode(otherwise).rstrip("\0")


def _write_international(content: bytes, languages: Collection[int], text: str) -> Optional[bytes]:
    found, data = _entries(content), text.encode("utf-8")
    if found is None:
        return None
    entries, tail = found
    made = []
    for number, entry in enumerate(entries):
        if entry.language in languages and (entry.text or not number):
            is_unicode = entry.language not in _MACINTOSH and entry.language != _MACINTOSH_UNDEFINED
            language = entry.language if is_unicode or text.isascii() else UNDEFINED_LANGUAGE
            entry = _Entry(language, data, entry.counted)
        size = len(entry.text) + (_ENTRY.size if entry.counted else 0)
        if size > 0xFFFF:
            return None
        made.append(_ENTRY.pack(size, entry.language) + entry.text)
    return b"".join(made) + tail


def _foreign_international(content: bytes, languages: Collection[int]) -> object:
    found = _entries(content)
    if found is None:
        return content
    return tuple(entry for entry in found[0] if entry.language not in languages and entry.text)


def _read_3gpp(content: bytes) -> Optional[tuple[Text, ...]]:
    if len(content) < _LEAD or content[:4] != bytes(4):
        return None
    return (Text(struct.unpack_from(">H", content, 4)[0], _text(content[_LEAD:], "latin-1")),)


def _write_3gpp(content: bytes, languages: Collection[int], text: str) -> Optional[bytes]:
    if _read_3gpp(content) is None:
        return None
    return content[:_LEAD] + text.encode("utf-8") + b"\0"


def _read_string(content: bytes) -> Optional[tuple[Text, ...]]:
    return (Text(UNDEFINED_LANGUAGE, _text(content, "latin-1")),)


def _write_string(content: bytes, languages: Collection[int], text: str) -> Optional[bytes]:
    return text.encode("utf-8") + (b"\0" if content.endswith(b"\0") else b"")


def _coordinates_at(content: bytes) -> Optional[int]:
    """Where the three numbers stand: behind the name of the place and its role (TS 26.244, 8.9)."""
    if len(content) < _LEAD or content[:4] != bytes(4):
        return None
    if content.startswith(_UTF16_MARK, _LEAD):
        end = _LEAD
        while content[end : end + 2] not in (b"\0\0", b""):
            end += 2
        end += 2
    else:
        end = content.find(b"\0", _LEAD) + 1
    at = end + 1
    return at if end > 0 and at + _COORDINATES.size <= len(content) else None


def _read_place(content: bytes) -> Optional[tuple[Text, ...]]:
    at = _coordinates_at(content)
    if at is None:
        return None
    longitude, latitude, altitude = (number / _ONE for number in _COORDINATES.unpack_from(content, at))
    text = iso6709.spell(latitude, longitude, iso6709.spell_height(altitude))
    return (Text(struct.unpack_from(">H", content, 4)[0], text),)


def _write_place(content: bytes, languages: Collection[int], text: str) -> Optional[bytes]:
    at, place = _coordinates_at(content), iso6709.parse(text)
    if at is None or place is None:
        return None
    longitude, latitude = round(place.longitude.degrees * _ONE), round(place.latitude.degrees * _ONE)
    altitude = _COORDINATES.unpack_from(content, at)[2] if place.altitude is None else round(place.altitude * _ONE)
    if not -(1 << 31) <= altitude < 1 << 31:
        return None
    return content[:at] + _COORDINATES.pack(longitude, latitude, altitude) + content[at + _COORDINATES.size :]


def _foreign_place(content: bytes, languages: Collection[int]) -> object:
    at = _coordinates_at(content)
    return content if at is None else (content[:at], content[at + _COORDINATES.size :])


INTERNATIONAL = Form(_read_international, _write_international, _foreign_international)
TEXT_3GPP = Form(_read_3gpp, _write_3gpp, lambda content, languages: ())
STRING = Form(_read_string, _write_string, lambda content, languages: ())
LOCATION = Form(_read_place, _write_place, _foreign_place)
