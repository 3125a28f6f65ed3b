"""Atoms inside of a movie's metadata: size, four characters, content (QuickTime File Format, "Atoms").

Not here: what an atom means, and atoms that are too large to be in memory (containers/).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

MAX_ATOMS = 65536
_HEADER, _LARGE_HEADER = 8, 16
_LARGEST_SMALL = 0xFFFFFFFF


class UnreadableError(Exception):
    """Content that is no list of atoms; it never leaves the codec, which closes the block instead."""


class Atom(NamedTuple):
    """`raw`: the whole atom as it stands, its content from `body` on."""

    kind: bytes
    raw: bytes
    body: int

    @property
    def content(self) -> bytes:
        return self.raw[self.body :]


class Atoms(NamedTuple):
    """Atoms one after another. `tail`: what follows the last; user data may end with four zeros."""

    atoms: tuple[Atom, ...]
    tail: bytes = b""

    @property
    def raw(self) -> bytes:
        return b"".join((*(atom.raw for atom in self.atoms), self.tail))


def split(content: bytes) -> Atoms:
    """The atoms of a content; a size of 0, or too few bytes for another atom, ends them.

    Raises UnreadableError when a size is impossible, or there are more than 65,536 atoms.
    """
    atoms: list[Atom] = []
    position, end = 0, len(content)
    while position + _HEADER <= end:
        size, kind = struct.unpack_from(">I4s", content, position)
        if size == 0:
            break
        body = _HEADER
        if size == 1:
            size = struct.unpack_from(">Q", content, position + _HEADER)[0] if position + _LARGE_HEADER <= end else 0
            body = _LARGE_HEADER
        if not body <= size <= end - position:
            raise UnreadableError(f"the atom {shown(kind)} claims {size} bytes, {end - position} are there")
        if len(atoms) == MAX_ATOMS:
            raise UnreadableError(f"there are more than {MAX_ATOMS} atoms")
        atoms.append(Atom(kind, content[position : position + size], body))
        position += size
    return Atoms(tuple(atoms), content[position:])


def packed(kind: bytes, content: bytes) -> Atom:
    """A new atom; its content stays under 4 GiB, since it is all in memory."""
    size = len(content) + _HEADER
    if size > _LARGEST_SMALL:
        raise UnreadableError(f"the atom {shown(kind)} would take {size} bytes")
    return Atom(kind, struct.pack(">I4s", size, kind) + content, _HEADER)


def with_content(atom: Atom, content: bytes) -> Atom:
    """The same atom with another content; the very same where nothing changes."""
    return atom if atom.content == content else packed(atom.kind, content)


def joined(atoms: Iterable[Atom]) -> bytes:
    return b"".join(atom.raw for atom in atoms)


def shown(kind: bytes) -> str:
    """The four characters for people; the copyright sign of Mac Roman is the same in Latin 1."""
    return repr(kind.decode("latin-1"))
