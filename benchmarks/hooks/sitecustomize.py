"""Counts opened files in every Python process of a run, without strace: Python imports this module when it starts.

BENCHMARK_LIBRARY is a folder; each file below it that is opened for its content becomes a line in BENCHMARK_OPENS.
Folders do not count: they are opened to make a rename durable. Nor does what C libraries open by themselves.
Not here: anything that changes what the program does.
"""

from __future__ import annotations

import os
import sys

_LIBRARY = os.environ.get("BENCHMARK_LIBRARY", "")
_LOG = os.environ.get("BENCHMARK_OPENS", "")


def _watch(library: str, log: str) -> None:
    below = os.path.join(os.path.realpath(library), "")
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], (str, bytes, os.PathLike)):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(below) and not os.path.isdir(path):
            os.write(target, (path.replace("\n", "?") + "\n").encode("utf-8", "surrogateescape"))

    sys.addaudithook(hook)


if _LIBRARY and _LOG:
    _watch(_LIBRARY, _LOG)
