"""Which files are opened: what Python itself tells of every open, of whatever library it comes.

Not here: opens in other processes, and anything that is demanded of them (test_*.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_watched: list[tuple[str, list[str]]] = []


@cache
def _listen() -> None:
    """Once: a hook cannot be taken away again."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if _watched and event == "open" and isinstance(arguments[0], (str, bytes)):
            path = os.fsdecode(arguments[0])
            name = os.path.basename(path)
            for folder, seen in _watched:
                if path.startswith(folder) and not name.startswith(".immich-meta-") and not os.path.isdir(path):
                    seen.append(name)

    sys.addaudithook(hook)


@contextmanager
def opened_below(folder: Path) -> Iterator[list[str]]:
    """The names of the files below `folder` that this process opens meanwhile, temporary ones left out."""
    _listen()
    entry: tuple[str, list[str]] = (str(folder) + os.sep, [])
    _watched.append(entry)
    try:
        yield entry[1]
    finally:
        _watched.remove(entry)
