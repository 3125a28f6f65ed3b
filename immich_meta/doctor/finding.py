"""One thing that a check has found, in words for people and with an id for programs.

Not here: the checks, and how findings are shown (cli/doctor.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from immich_meta.errors import ImmichMetaError


class Level(Enum):
    """`note`: good to know. `warning`: something works worse, or not with every option. `fault`: it does not work."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """`id` is stable, `AREA.NAME`. `found`: what it is; `means`: what follows; `cure`: what to do, both empty when all
    is well. `paste`: a setting to copy as it is. `details`: lines of their own, not to be broken. `user`: whom of
    several users it concerns; empty for all, and where there is one only."""

    id: str
    level: Level
    found: str
    means: str = ""
    cure: str = ""
    paste: str = ""
    details: tuple[str, ...] = ()
    user: str = ""

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]

    @property
    def is_fault(self) -> bool:
        return self.level is Level.FAULT


def good(ident: str, found: str, *details: str) -> Finding:
    """All is well."""
    return Finding(ident, Level.OK, found, details=details)


def of_error(ident: str, error: ImmichMetaError, means: str = "") -> Finding:
    """A fault that an error names, with its cure."""
    return Finding(ident, Level.FAULT, sentence(error.cause), means, sentence(error.cure))


def sentence(text: str) -> str:
    """Words of an error as a sentence: they begin small, because there something stands before them."""
    return text[:1].upper() + text[1:]
