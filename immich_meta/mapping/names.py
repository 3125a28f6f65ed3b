"""How Immich's free text becomes text for a file: trimmed, names on one line, lists sorted, nothing twice.

Not here: what a control character is and how text is cut to bytes (immich_meta_writers.text).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from immich_meta_writers.text import clean, nfc

# What Python or JavaScript strips: Immich trims what it re-reads, and there U+FEFF is a blank too. An end
# that only one of the two takes off would differ again on every run. (clean() leaves no other breaks.)
_BLANKS = "\t\n \xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000\ufeff"
_BREAK = re.compile(r"[\n\t]")


def trimmed(text: str) -> str:
    """Cleaned text without blanks at either end; inner line breaks stay, as LF."""
    return clean(text).strip(_BLANKS)


def cut_after(text: str, characters: int) -> str:
    """At most so many code points, and no blank where the cut fell."""
    return text if len(text) <= characters else text[: max(0, characters)].rstrip(_BLANKS)


def one_line(text: str) -> str:
    """A name: trimmed, with line breaks and tabs turned into one space."""
    parts = (part.strip(" ") for part in _BREAK.split(trimmed(text)))
    return " ".join(part for part in parts if part)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Sorted by code point, empty ones left out, of those that are equal in NFC only the first."""
    found: dict[str, str] = {}
    for name in sorted(names):
        if name:
            found.setdefault(nfc(name), name)
    return tuple(found.values())
