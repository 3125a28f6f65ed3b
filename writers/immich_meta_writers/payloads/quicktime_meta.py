"""A `meta` atom: named keys with their items (handler `mdta`), or iTunes' items (handler `mdir`).

Not here: where the atom lies (moov/meta, moov/udta/meta) and the texts of an item (quicktime_items.py).

Sources: QuickTime File Format, "Metadata"; ISO/IEC 14496-12, 8.11.1. QuickTime's has no version and flags, ISO's has;
both stand in both kinds of file.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Optional

from immich_meta_writers.payloads import quicktime_atoms as atoms
from immich_meta_writers.payloads import quicktime_items as items
from immich_meta_writers.payloads.quicktime_atoms import Atom, UnreadableError
from immich_meta_writers.payloads.quicktime_items import Data, Item

MDTA = b"mdta"
_HANDLER, _KEYS, _ITEMS, _NAMESPACE = b"hdlr", b"keys", b"ilst", b"mdta"
_VERSION = 4
_HANDLER_AT = slice(8, 12)  # of the content of hdlr: version and flags, four zeros, then the type
_KEYS_LEAD = struct.Struct(">4sI")  # version and flags, number of keys
_NEW_HANDLER = bytes(8) + MDTA + bytes(13)  # with an empty name
# What ExifTool takes off a key to get its name, longest first.
_DOMAINS = (b"com.apple.quicktime.", b"com.")


class Key(NamedTuple):
    """An entry of `keys`: `mdta` and a reversed domain name."""

    namespace: bytes
    name: bytes

    @property
    def short(self) -> bytes:
        """The name without Apple's domain."""
        name = self.name.split(b"\0", 1)[0]
        for domain in _DOMAINS:
            if name.startswith(domain):
                return name[len(domain) :]
        return name


@dataclass(frozen=True)
class Meta:
    """`lead`: version and flags, or nothing. `parts`: everything in it. `keys` None: it has none.

    `keys` and `items` are those of its first `keys` and `ilst`; `items_tail` follows the last item.
    """

    lead: bytes
    parts: atoms.Atoms
    handler: bytes
    keys: Optional[tuple[Key, ...]]
    keys_lead: bytes
    items: tuple[Item, ...]
    items_tail: bytes

    @property
    def takes_keys(self) -> bool:
        """Whether named keys may be added: not where items have numbers beyond the keys, which new ones would name."""
        numbers = (int.from_bytes(item.kind, "big") for item in self.items)
        has_keys = self.keys is not None or self.handler == MDTA
        return has_keys and max(numbers, default=0) <= len(self.keys or ())

    @functools.cached_property
    def _numbers(self) -> Mapping[bytes, frozenset[bytes]]:
        numbers: dict[bytes, list[bytes]] = {}
        for number, key in enumerate(self.keys or (), 1):
            if key.namespace == _NAMESPACE:
                numbers.setdefault(key.short, []).append(_number(number))
        return {short: frozenset(each) for short, each in numbers.items()}

    def kinds(self, key: str) -> frozenset[bytes]:
        """The numbers of a key, by which its items go; `key` with or without Apple's domain."""
        return self._numbers.get(Key(_NAMESPACE, key.encode("utf-8")).short, frozenset())

    def name_of(self, found: Item) -> object:
        """What an item is, whatever its number."""
        number = int.from_bytes(found.kind, "big")
        return self.keys[number - 1] if self.keys and 0 < number <= len(self.keys) else found.kind


def parse(content: bytes) -> Meta:
    """Raises UnreadableError."""
    lead, parts = _split(content)
    first = {atom.kind: atom for atom in reversed(parts.atoms)}
    handler = first[_HANDLER].content[_HANDLER_AT] if _HANDLER in first else b""
    keys = _parse_keys(first[_KEYS].content) if _KEYS in first else None
    stored = atoms.split(first[_ITEMS].content) if _ITEMS in first else atoms.Atoms(())
    return Meta(
        lead,
        parts,
        handler,
        keys,
        first[_KEYS].content[:_VERSION] if _KEYS in first else bytes(_VERSION),
        tuple(map(items.item, stored.atoms)),
        stored.tail,
    )


def new() -> Meta:
    """An empty one for named keys, in QuickTime's form: in moov, that is what Android, Apple and ExifTool write and
    read, in MP4 too; ExifTool does not see ISO's form there."""
    parts = atoms.Atoms((atoms.packed(_HANDLER, _NEW_HANDLER),))
    return Meta(b"", parts, MDTA, None, bytes(_VERSION), (), b"")


def rendered(meta: Meta) -> bytes:
    """The content of the atom; parts that say the same keep their bytes, new ones follow the handler."""
    changed = {_ITEMS: b"".join(item.raw for item in meta.items) + meta.items_tail}
    if meta.keys is not None:
        changed[_KEYS] = _render_keys(meta.keys_lead, meta.keys)
    parts: list[Atom] = []
    for atom in meta.parts.atoms:
        content = changed.pop(atom.kind, None)
        parts.append(atom if content is None else atoms.with_content(atom, content))
    missing = [atoms.packed(kind, changed[kind]) for kind in (_KEYS, _ITEMS) if changed.get(kind)]
    before = _HANDLER if _KEYS in changed else _KEYS
    at = next((n for n, atom in enumerate(parts, 1) if atom.kind == before), 0)
    parts[at:at] = missing
    return meta.lead + atoms.joined(parts) + meta.parts.tail


def with_key(meta: Meta, key: str, text: str) -> Meta:
    """A new item, under the key of that name if there is one, else under a new one."""
    kinds, keys = meta.kinds(key), meta.keys or ()
    if not kinds:
        keys = (*keys, Key(_NAMESPACE, key.encode("utf-8")))
        kinds = frozenset({_number(len(keys))})
    return replace(meta, keys=keys, items=(*meta.items, items.new_item(min(kinds), text)))


def texts(meta: Meta, kinds: Collection[bytes], *, translated: bool) -> tuple[Data, ...]:
    """The texts of the items of these kinds; of `translated` ones those of the default language."""
    every = tuple(data for item in _of(meta, kinds) for data in items.texts(item))
    language = items.default_language(every) if translated else None
    return tuple(data for data in every if language in (None, data.language))


def with_text(meta: Meta, kinds: Collection[bytes], text: Optional[str], *, translated: bool) -> Meta:
    """Another text in every item of these kinds, of `translated` ones in the default language; None takes it out.

    Where translations stay, an empty text is left in place of one that is taken out: else one of them would be the
    value.
    """
    language = _language(meta, kinds) if translated else None
    own = _of(meta, kinds)
    if text is None and translated and any(items.foreign(item, language) for item in own):
        text = ""
    may_add = not any(items.texts(item, language) for item in own)
    left: list[Item] = []
    for item in meta.items:
        if item.kind in kinds:
            made = items.with_text(item, text, language, may_add=may_add)
            may_add = False
            left += () if made is None else (made,)
        else:
            left.append(item)
    changed = replace(meta, items=tuple(left))
    return _without_idle_keys(changed, kinds) if len(left) < len(meta.items) else changed


def _of(meta: Meta, kinds: Collection[bytes]) -> tuple[Item, ...]:
    return tuple(item for item in meta.items if item.kind in kinds) if kinds else ()


def _language(meta: Meta, kinds: Collection[bytes]) -> int:
    return items.default_language([data for item in _of(meta, kinds) for data in items.texts(item)])


def is_idle(meta: Meta) -> bool:
    """Whether it says nothing, and looks as `new` makes it."""
    return not (meta.keys or meta.items) and _is_bare(meta)


def foreign(meta: Meta, asked: Mapping[str, tuple[Collection[bytes], bool]]) -> tuple[object, ...]:
    """What with_key and with_text leave as it is. `asked`: by any name the kinds, and whether they are translated."""
    languages: dict[bytes, Optional[int]] = {}
    for kinds, translated in asked.values():
        languages.update(dict.fromkeys(kinds, _language(meta, kinds) if translated else None))
    left: list[object] = [key for number, key in enumerate(meta.keys or (), 1) if _number(number) not in languages]
    for item in meta.items:
        is_asked = item.kind in languages
        what = items.foreign(item, languages[item.kind]) if is_asked else (item.raw[8:],)
        if what:
            left.append((meta.name_of(item), what))
    if not left and _is_bare(meta):
        return ()
    left += [meta.lead, meta.parts.tail, meta.items_tail, meta.keys_lead]
    left += [atom.raw for atom in meta.parts.atoms if atom.kind not in (_KEYS, _ITEMS)]
    return tuple(left)


def _is_bare(meta: Meta) -> bool:
    others = [atom.raw for atom in meta.parts.atoms if atom.kind not in (_KEYS, _ITEMS)]
    tails = (meta.lead, meta.items_tail, meta.parts.tail, meta.keys_lead.strip(b"\0"))
    return others == [new().parts.raw] and not any(tails) and len(meta.parts.atoms) <= 3


def _split(content: bytes) -> tuple[bytes, atoms.Atoms]:
    """In which form it is tells the place of its handler; without one, the form in which it can be read."""
    is_iso = content[8:12] == _HANDLER
    starts = [_VERSION] if is_iso else [0] if content[4:8] == _HANDLER else [_VERSION, 0]
    for start in starts:
        try:
            parts = atoms.split(content[start:])
        except UnreadableError:
            if start == starts[-1]:
                raise
            continue
        if parts.atoms or start == starts[-1]:
            return content[:start], parts
    raise UnreadableError("it holds no atoms")


def _parse_keys(content: bytes) -> tuple[Key, ...]:
    if len(content) < _KEYS_LEAD.size:
        raise UnreadableError("the list of keys ends too early")
    count = _KEYS_LEAD.unpack_from(content)[1]
    stored = atoms.split(content[_KEYS_LEAD.size :])
    if len(stored.atoms) != count or stored.tail or any(atom.body != 8 for atom in stored.atoms):
        raise UnreadableError(f"the list of keys claims {count}, {len(stored.atoms)} are there")
    return tuple(Key(atom.kind, atom.content) for atom in stored.atoms)


def _render_keys(lead: bytes, keys: Sequence[Key]) -> bytes:
    return lead + struct.pack(">I", len(keys)) + atoms.joined(atoms.packed(key.namespace, key.name) for key in keys)


def _number(number: int) -> bytes:
    return struct.pack(">I", number)


def _without_idle_keys(meta: Meta, kinds: Collection[bytes]) -> Meta:
    """Items go by the number of their key: only the last keys can go with their items."""
    keys = list(meta.keys or ())
    used = {item.kind for item in meta.items}
    while keys and _number(len(keys)) in kinds and _number(len(keys)) not in used:
        keys.pop()
    return meta if meta.keys is None else replace(meta, keys=tuple(keys))
