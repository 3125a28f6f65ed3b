"""Where the text of a setting comes from: layers of names and texts, the first one that has a name wins.

Not here: which settings there are (settings_table.py), and which layers (settings.py).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Optional

from immich_meta.errors import SettingsError
from immich_meta.settings_table import VARIABLES
from immich_meta.settings_values import Variable

HIDDEN = "(hidden)"
_SHOWN_CHARACTERS = 100
_CREDENTIALS = re.compile(r"//[^/?#]*@")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class Source(Enum):
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True)
class Origin:
    """Where a value came from; `name` is the one used (maybe an alias), `place` the file's path."""

    source: Source
    name: str
    place: str = ""

    def __str__(self) -> str:
        if self.source is Source.FILE:
            return f"{self.name} in {self.place}"
        return f"environment variable {self.name}" if self.source is Source.ENVIRONMENT else "default"


@dataclass(frozen=True)
class Layer:
    """Names and texts of one source; `place` is the file's path, and for whom it speaks. `name`: what was set, where
    that has another name."""

    source: Source
    values: Mapping[str, str] = field(repr=False)
    place: str = ""
    name: str = ""


def shown_value(variable: Variable, text: str) -> str:
    """The text of a setting as it may be shown: no key, no password of an address, at most 100 characters."""
    if variable.secret:
        return HIDDEN if text else ""
    text = _CREDENTIALS.sub("//***@", text)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def misspellings(path: Optional[Path], names: Iterable[str]) -> tuple[str, ...]:
    """A .env file is often shared with other programs: unlike names there are not ours."""
    known = [name for variable in VARIABLES for name in (variable.name, *variable.aliases)]
    notes = []
    for name in sorted(set(names) - set(known)):
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if close:
            notes.append(f"{path}: {name} is not a setting and is ignored; did you mean {close[0]}?")
    return tuple(notes)


def text_of(variable: Variable, layers: Sequence[Layer]) -> tuple[str, Origin]:
    """The text of a setting, the default when nobody sets it, and where it came from."""
    for layer in layers:
        for name in (variable.name, *variable.aliases):
            text = layer.values.get(name, "").strip()
            if text:
                return text, Origin(layer.source, layer.name or name, layer.place)
    return variable.default, Origin(Source.DEFAULT, variable.name)


def parsed(variable: Variable, text: str, origin: Origin) -> Any:
    """What a text means. Raises SettingsError."""
    if not text:
        return variable.empty
    reason = ""
    try:
        if not _CONTROL.search(text) and ("\n" not in text or variable.has_lines):
            return variable.parse(text)
        reason = "a control character"
    except ValueError as error:
        reason = str(error) if variable.field in ("api_keys", "path_map", "schedule") else ""
    detail = f" ({reason})" if reason else ""
    raise SettingsError(
        f"{origin.name} is {_quoted(variable, text)}{detail}, from the {_place(origin)}",
        name=origin.name,
        cure=f"allowed: {variable.allowed}",
    ) from None


def _quoted(variable: Variable, text: str) -> str:
    return "not usable" if variable.secret else repr(shown_value(variable, text))


def _place(origin: Origin) -> str:
    return f"file {origin.place}" if origin.source is Source.FILE else origin.source.value
