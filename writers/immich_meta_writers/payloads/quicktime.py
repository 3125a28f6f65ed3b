"""The metadata of a movie: dates in its headers, named keys, user data, iTunes' items.

Not here: where the boxes lie (containers/) and XMP in user data, which the container takes out.

A value has as many homes as programs have given it: one address stands for all that ExifTool reads under one name, and
all of them are written. Headers: quicktime_headers.py. Keys and items: quicktime_meta.py. User data:
quicktime_user_data.py.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

from immich_meta_writers.addresses import QuickTimeAddress, QuickTimeValue
from immich_meta_writers.errors import StructureError
from immich_meta_writers.payloads import quicktime_atoms as atoms
from immich_meta_writers.payloads import quicktime_headers as headers
from immich_meta_writers.payloads import quicktime_meta as metas
from immich_meta_writers.payloads import quicktime_user_data as user_data
from immich_meta_writers.payloads.quicktime_atoms import Atom, Atoms, UnreadableError
from immich_meta_writers.payloads.quicktime_meta import Meta

HEADERS = ("mvhd", "tkhd", "mdhd")
MOVIE, USER = "meta", "udta"  # where a meta atom stands: in moov, in moov/udta
_META = b"meta"
# Each language of these has a text of its own; the same place or date in another language is the same value.
_TRANSLATED = frozenset({"com.apple.quicktime.description", "desc", "dscp"})
# Atoms that ExifTool reads under one name.
_SYNONYMS: Mapping[str, tuple[str, ...]] = {"desc": ("desc", "\xa9des", "dscp")}

OUT_OF_RANGE = "the movie's header cannot hold this date"
DAMAGED_ATOM = "the atom that holds it cannot be read"
NO_KEYS = "the movie's metadata has no room for named keys"
NOT_MADE = "only updated where it stands"


@dataclass(frozen=True)
class QuickTimeBlock:
    """Decoded atoms. `closed`: boxes of addresses (keys, udta, ilst) that must be left alone, and why.

    `metas`: the readable meta atoms, by MOVIE and USER. `user`: the atoms of user data.
    """

    atoms: Mapping[str, bytes]
    closed: Mapping[str, str]
    metas: Mapping[str, Meta]
    user: Atoms

    def get(self, address: QuickTimeAddress) -> Optional[QuickTimeValue]:
        """Headers: a text for each box. Else one text, or a tuple where its homes say different things."""
        if address.box in HEADERS:
            found = tuple(headers.read(content, address.name) for _, content in self._headers(address.box))
            return tuple(text for text in found if text is not None) or None
        if address.box in self.closed:
            return None
        texts = tuple(dict.fromkeys(self._texts(address)))
        return texts[0] if len(texts) == 1 else texts or None

    def foreign(self, asked: Collection[QuickTimeAddress]) -> tuple[object, ...]:
        """Everything that a graft of `asked` has to leave as it is, to be compared."""
        left: list[object] = []
        for path, content in sorted(self.atoms.items()):
            if path == MOVIE and MOVIE in self.metas:
                left += self._foreign_meta(MOVIE, asked)
            elif path == USER and "udta" not in self.closed:
                left += self._foreign_user(asked)
            else:
                box = path.rpartition("/")[2]
                fields = [address.name for address in asked if address.box == box in HEADERS]
                left.append((path, _without_dates(content, fields)))
        return tuple(left)

    def _headers(self, box: str) -> Iterator[tuple[str, bytes]]:
        return ((path, content) for path, content in self.atoms.items() if path.rpartition("/")[2] == box)

    def _texts(self, address: QuickTimeAddress) -> Iterator[str]:
        if address.box == "udta":
            texts = [text for atom in self._user_atoms.get(_kind(address.name), ()) for text in _read(atom)]
            languages = _chosen(texts, address)
            yield from (text.text for text in texts if text.language in languages)
            return
        for meta in self.metas.values():
            for data in metas.texts(meta, _kinds(meta, address), translated=address.name in _TRANSLATED):
                yield data.text

    @functools.cached_property
    def _user_atoms(self) -> Mapping[bytes, list[Atom]]:
        by_kind: dict[bytes, list[Atom]] = {}
        for atom in self.user.atoms:
            by_kind.setdefault(atom.kind, []).append(atom)
        return by_kind

    def _foreign_meta(self, where: str, asked: Collection[QuickTimeAddress]) -> tuple[object, ...]:
        meta = self.metas[where]
        kinds = {each.name: (_kinds(meta, each), each.name in _TRANSLATED) for each in asked if _kinds(meta, each)}
        left = metas.foreign(meta, kinds)
        return ((where, left),) if left else ()

    def _foreign_user(self, asked: Collection[QuickTimeAddress]) -> Iterator[object]:
        chosen = {_kind(each.name): _languages(self.user, each) for each in asked if each.box == "udta"}
        at = _meta_at(self.user) if USER in self.metas else None
        for position, atom in enumerate(self.user.atoms):
            languages = chosen.get(atom.kind, ())
            if position == at:
                yield from self._foreign_meta(USER, asked)
            elif _tells(atom, atom.kind, languages):
                left = user_data.form_of(atom.kind, atom.content).foreign(atom.content, languages)
                yield from ((atom.kind, left),) if left else ()
            else:
                yield atom.raw
        if self.user.tail:
            yield self.user.tail


class Grafted(NamedTuple):
    """New atoms, in which everything untouched is the same object; and what the file cannot take, with the reason."""

    atoms: Mapping[str, bytes]
    skipped: Mapping[QuickTimeAddress, str]


def parse(found: Mapping[str, bytes]) -> QuickTimeBlock:
    """What cannot be read closes its own box; dates can then still be read.

    Raises StructureError for a header that has no place for its dates.
    """
    for path, content in found.items():
        if path.rpartition("/")[2] in HEADERS and content[:1] in (b"", b"\0", b"\1"):
            for field in headers.FIELDS:
                if headers.place(content, field) is None:
                    raise StructureError(f"the header ends after {len(content)} bytes", place=f"moov/{path}")
    closed: dict[str, str] = {}
    readable: dict[str, Meta] = {}
    user = Atoms(())
    if MOVIE in found:
        _open(readable, MOVIE, found[MOVIE], closed, "keys")
    if USER in found:
        try:
            user = atoms.split(found[USER])
        except UnreadableError as error:
            closed["udta"] = closed["ilst"] = f"moov/udta: {error}"
        at = _meta_at(user)
        if at is not None:
            _open(readable, USER, user.atoms[at].content, closed, "ilst")
    return QuickTimeBlock(found, closed, readable, user)


def graft(block: QuickTimeBlock, edits: Mapping[QuickTimeAddress, Optional[str]]) -> Grafted:
    """The atoms with these values changed, None taking one out. Only keys are made where there are none."""
    skipped: dict[QuickTimeAddress, str] = {}
    made = dict(block.atoms)
    new_metas, new_user = dict(block.metas), block.user
    for address, text in edits.items():
        if address.box in HEADERS:
            reason = _date(made, address, text)
        elif address.box in block.closed:
            reason = block.closed[address.box]
        elif address.box == "udta":
            new_user, reason = _in_user_data(new_user, address, text)
        else:
            reason = _in_metas(new_metas, address, text, may_make=MOVIE not in block.atoms)
        if reason is not None:
            skipped[address] = reason
    _put(block, made, new_metas, new_user)
    return Grafted(made, skipped)


def _open(readable: dict[str, Meta], where: str, content: bytes, closed: dict[str, str], box: str) -> None:
    try:
        readable[where] = metas.parse(content)
    except UnreadableError as error:
        path = "moov/meta" if where == MOVIE else "moov/udta/meta"
        closed.setdefault(box, f"{path}: {error}")


def _meta_at(user: Atoms) -> Optional[int]:
    return next((position for position, atom in enumerate(user.atoms) if atom.kind == _META), None)


def _kind(name: str) -> bytes:
    return name.encode("latin-1", "replace")


def _kinds(meta: Meta, address: QuickTimeAddress) -> frozenset[bytes]:
    """The atoms of an ilst that an address means."""
    if address.box == "keys":
        return meta.kinds(address.name)
    if address.box == "ilst" and meta.keys is None:
        return frozenset(map(_kind, _SYNONYMS.get(address.name, (address.name,))))
    return frozenset()


def _read(atom: Atom) -> tuple[user_data.Text, ...]:
    content = atom.content
    return user_data.form_of(atom.kind, content).read(content) or ()


def _languages(user: Atoms, address: QuickTimeAddress) -> frozenset[int]:
    """The languages in which user data tells this value."""
    texts = [text for atom in user.atoms if atom.kind == _kind(address.name) for text in _read(atom)]
    return _chosen(texts, address)


def _chosen(texts: Sequence[user_data.Text], address: QuickTimeAddress) -> frozenset[int]:
    """All of them, or of a translated value only the first."""
    languages = [text.language for text in texts]
    return frozenset(languages[:1] if address.name in _TRANSLATED else languages)


def _without_dates(content: bytes, fields: Collection[str]) -> bytes:
    for field in fields:
        place = headers.place(content, field)
        if place is not None:
            content = content[: place.start] + bytes(place.size) + content[place.start + place.size :]
    return content


def _date(made: dict[str, bytes], address: QuickTimeAddress, text: Optional[str]) -> Optional[str]:
    """The date in all boxes of a kind, or, where one cannot hold it, in none: they would disagree."""
    found = {path: content for path, content in made.items() if path.rpartition("/")[2] == address.box}
    changed: dict[str, bytes] = {}
    for path, content in found.items():
        if text is not None and headers.read(content, address.name) == text:
            continue
        header = None if text is None else headers.write(content, address.name, text)
        if header is None:
            return OUT_OF_RANGE
        changed[path] = header
    if not found:
        return NOT_MADE
    made.update(changed)
    return None


def _in_user_data(user: Atoms, address: QuickTimeAddress, text: Optional[str]) -> tuple[Atoms, Optional[str]]:
    kind, languages = _kind(address.name), _languages(user, address)
    if text is not None and not languages:
        return user, DAMAGED_ATOM if any(atom.kind == kind for atom in user.atoms) else NOT_MADE
    if text is None and any(atom.kind == kind and not _tells(atom, kind, languages) for atom in user.atoms):
        text = ""  # translations stay: without a text in front, one of them would be the value
    left: list[Atom] = []
    for atom in user.atoms:
        if not _tells(atom, kind, languages):
            left.append(atom)
        elif text is not None:
            content = user_data.form_of(kind, atom.content).write(atom.content, languages, text)
            if content is None:
                return user, DAMAGED_ATOM
            left.append(atoms.with_content(atom, content))
    return Atoms(tuple(left), user.tail), None


def _tells(atom: Atom, kind: bytes, languages: Collection[int]) -> bool:
    return atom.kind == kind and any(text.language in languages for text in _read(atom))


def _in_metas(
    found: dict[str, Meta], address: QuickTimeAddress, text: Optional[str], *, may_make: bool
) -> Optional[str]:
    """The value in every meta atom that has it; without any, a new key."""
    translated = address.name in _TRANSLATED
    holding = []
    for where, meta in found.items():
        kinds = _kinds(meta, address)
        own = [item for item in meta.items if item.kind in kinds]
        if any(item.parts is None for item in own):
            return DAMAGED_ATOM
        if own:
            holding.append((where, meta, kinds))
    for where, meta, kinds in holding:
        found[where] = metas.with_text(meta, kinds, text, translated=translated)
    if holding or text is None:
        return None
    if address.box != "keys":
        return NOT_MADE
    home = next((where for where, meta in found.items() if meta.takes_keys), MOVIE if may_make else None)
    if home is None:
        return NO_KEYS
    found[home] = metas.with_key(found.get(home) or metas.new(), address.name, text)
    return None


def _put(block: QuickTimeBlock, made: dict[str, bytes], new_metas: Mapping[str, Meta], new_user: Atoms) -> None:
    """Changed metas and user data into the atoms; a meta that says nothing any more is taken out."""
    movie, user_meta = new_metas.get(MOVIE), new_metas.get(USER)
    if movie is not None and movie != block.metas.get(MOVIE):
        made[MOVIE] = metas.rendered(movie)
        if metas.is_idle(movie):
            del made[MOVIE]
    at = _meta_at(new_user)
    if at is not None and user_meta is not None and user_meta != block.metas[USER]:
        atom = atoms.with_content(new_user.atoms[at], metas.rendered(user_meta))
        new_user = new_user._replace(atoms=(*new_user.atoms[:at], atom, *new_user.atoms[at + 1 :]))
    if new_user != block.user:
        made[USER] = new_user.raw
