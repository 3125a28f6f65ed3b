"""Items of an `ilst`: each holds `data` atoms, one for a language (QuickTime File Format, "Metadata Item Atom").

Not here: which item is which value (quicktime_meta.py).

Written here and not with mutagen: what it exports writes whole files, and its items know one language and one text, so
that other languages and the atoms beside them would be lost.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.payloads import quicktime_atoms as atoms

DATA = b"data"
UTF8 = 1
_LEAD = struct.Struct(">II")  # type indicator; country and language
_RESERVED, _UTF8_SORT, _UTF16, _UTF16_SORT, _SHIFT_JIS = 0, 4, 2, 5, 3
# Languages under which programs write what has none: unset, `und` (ISO 639-2), and Macintosh's own code for it.
_NO_LANGUAGE = frozenset({0, 0x55C4, 0x7FFF})


class Data(NamedTuple):
    """The text of the `data` atom at `position` of an item. `language` tells languages apart; 0 is none."""

    position: int
    language: int
    locale: int
    text: str


class Item(NamedTuple):
    """An atom of an ilst. `parts` None: what is in it cannot be read. `texts`: those of the parts, decoded once."""

    kind: bytes
    raw: bytes
    parts: Optional[atoms.Atoms]
    texts: tuple[Data, ...] = ()


def item(atom: atoms.Atom) -> Item:
    try:
        return _item(atom, atoms.split(atom.content))
    except atoms.UnreadableError:
        return Item(atom.kind, atom.raw, None)


def _item(atom: atoms.Atom, parts: atoms.Atoms) -> Item:
    found = [_text(position, part) for position, part in enumerate(parts.atoms)]
    return Item(atom.kind, atom.raw, parts, tuple([text for text in found if text is not None]))


def new_item(kind: bytes, text: str) -> Item:
    return item(atoms.packed(kind, _data(text, 0).raw))


def texts(found: Item, language: Optional[int] = None) -> tuple[Data, ...]:
    """The texts of an item, of one language or (None) of all."""
    return found.texts if language is None else tuple([data for data in found.texts if data.language == language])


def default_language(every: Sequence[Data]) -> int:
    """That of the texts without a language, else the first one's: the others are translations."""
    return 0 if not every or any(data.language == 0 for data in every) else every[0].language


def with_text(found: Item, text: Optional[str], language: Optional[int], *, may_add: bool) -> Optional[Item]:
    """The item with another text in a language, None being all; None when nothing is left of it.

    `may_add`: where it has none in this language, it gets one. What cannot be read stays.
    """
    if found.parts is None:
        return found
    chosen = {data.position: data.locale for data in texts(found, language)}
    parts: list[atoms.Atom] = []
    for position, atom in enumerate(found.parts.atoms):
        if position not in chosen:
            parts.append(atom)
        elif text is not None:
            parts.append(_data(text, chosen[position]))
    if not chosen and text is not None and may_add:
        parts.append(_data(text, 0))
    if tuple(parts) == found.parts.atoms:
        return found
    if not any(part.kind == DATA for part in parts):
        return None
    made = atoms.packed(found.kind, atoms.joined(parts) + found.parts.tail)
    return _item(made, atoms.Atoms(tuple(parts), found.parts.tail))


def foreign(found: Item, language: Optional[int]) -> tuple[bytes, ...]:
    """What with_text leaves as it is; nothing when no other text would be left."""
    if found.parts is None:
        return (found.raw,)
    chosen = {data.position for data in texts(found, language)}
    left = [atom for position, atom in enumerate(found.parts.atoms) if position not in chosen]
    return tuple(atom.raw for atom in left) if any(atom.kind == DATA for atom in left) else ()


def _data(text: str, locale: int) -> atoms.Atom:
    return atoms.packed(DATA, _LEAD.pack(UTF8, locale) + text.encode("utf-8"))


def _text(position: int, atom: atoms.Atom) -> Optional[Data]:
    if atom.kind != DATA or len(atom.raw) < atom.body + _LEAD.size:
        return None
    kind, locale = _LEAD.unpack_from(atom.raw, atom.body)
    text = _decode(kind, atom.raw[atom.body + _LEAD.size :])
    language = 0 if locale & 0xFFFF in _NO_LANGUAGE else locale
    return None if text is None else Data(position, language, locale, text)


def _decode(kind: int, data: bytes) -> Optional[str]:
    """Well-known types (QuickTime File Format, table 3-5); some programs end a text with NUL."""
    if kind in (UTF8, _UTF8_SORT):
        return data.decode("utf-8", "replace").rstrip("\0")
    if kind in (_UTF16, _UTF16_SORT):
        return data.decode("utf-16-be", "replace").lstrip("\ufeff").rstrip("\0")
    if kind == _SHIFT_JIS:
        return data.decode("shift_jis", "replace").rstrip("\0")
    if kind == _RESERVED:  # "implicit": what iTunes knows by name, and what some programs write for a text
        try:
            return data.decode("utf-8").rstrip("\0")
        except UnicodeDecodeError:
            return None
    return None
