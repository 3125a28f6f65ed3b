"""Values of tags as a page shows them: what comes and goes of a list, long texts cut, marks that deceive made visible.

Not here: the words around them (texts/), and escaping for HTML, which the templates do.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from flask import Flask
from markupsafe import Markup

from immich_meta.changed import Value
from immich_meta.state import KeptChange
from immich_meta.web.pictures.thumbnails import ASSET_ID
from immich_meta.web.texts import has

SHORT = 160  # characters of a value in a list of files
LONG = 10_000  # and on the page of one; the export has all of it
_FEW, _MANY = 12, 500
# As in a log (immich_meta.logs), but line breaks stay, and blanks that are none in a name are told.
_DECEIVING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

_HALVES = re.compile("[\ud800-\udfff]")


class Piece(NamedTuple):
    """A text: how it begins, the rest that a click shows, and how many characters it has. `is_cut`: there is more."""

    start: str
    rest: str
    length: int
    is_cut: bool


class Difference(NamedTuple):
    """Of a list what was `removed`, `added` and how many `stayed`; of any other value old and new.

    `left_out`: so many are not shown.
    """

    removed: tuple[Piece, ...]
    added: tuple[Piece, ...]
    stayed: int
    left_out: int


def register(app: Flask) -> None:
    app.jinja_env.filters.update(visible=visible, breakable=breakable)
    app.jinja_env.globals.update(difference=difference, pieces=pieces, has_text=has)
    app.jinja_env.finalize = _whole
    app.jinja_env.tests["asset_id"] = lambda text: ASSET_ID.fullmatch(text) is not None


def visible(text: object) -> str:
    """The text with every character that would hide or turn what stands around it written as its number."""
    return _DECEIVING.sub(_number, str(text))


def _whole(value: object) -> object:
    """What is about to be written into a page, without halves of characters: no answer can carry them."""
    return _HALVES.sub(_number, value) if isinstance(value, str) and _HALVES.search(value) else value


def _number(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def breakable(path: object) -> Markup:
    """A path that a narrow window may break behind its slashes, and else only where it has to."""
    return Markup("/<wbr>").join(str(path).split("/"))


def difference(change: KeptChange, *, full: bool = False) -> Difference:
    """What the change does; `full`: on the page of a single file."""
    most = _MANY if full else _FEW
    old, new = _items(change.old), _items(change.new)
    removed, added = list((Counter(old) - Counter(new)).elements()), list((Counter(new) - Counter(old)).elements())
    if not (isinstance(change.old, tuple) or isinstance(change.new, tuple)) or not removed + added:
        removed, added = old, new  # the same values in another order or of another kind are told as they are
    left_out = max(0, len(removed) - most) + max(0, len(added) - most)
    stayed = len(old) - len(removed)
    return Difference(_pieces(removed[:most], full), _pieces(added[:most], full), stayed, left_out)


def pieces(value: Value, *, full: bool = False) -> tuple[Piece, ...]:
    """Each text of a value."""
    return _pieces(_items(value)[: _MANY if full else _FEW], full)


def _items(value: Value) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else [str(value)]


def _pieces(texts: list[str], full: bool) -> tuple[Piece, ...]:
    return tuple(_piece(text, full) for text in texts)


def _piece(text: str, full: bool) -> Piece:
    shown = visible(text[:LONG])
    start = shown if len(shown) <= SHORT else shown[:SHORT]
    return Piece(start, shown[len(start) :] if full else "", len(text), len(text) > LONG or len(shown) > len(start))
