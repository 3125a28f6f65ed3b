"""The log of a run as the page keeps it: JSON lines, and not without end.

Not here: the lines (immich_meta.logs), and reading them (tail.py).
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from types import TracebackType
from typing import Optional

# A dry run of 100,000 photos logs a quarter of a gigabyte; what changes in each is in the report anyway.
MOST_BYTES = 32 << 20
_DETAIL = re.compile(r'"level": "(?:DEBUG|INFO)", "message": "(?!FINISH)')
_FULL = '{"timestamp": "", "level": "INFO", "message": "More lines like these are left out: the report has every file"}'


class RunLog:
    """Writes lines into a file, each of them at once; behind 32 MiB only warnings, errors and the last words."""

    def __init__(self, path: Path, most: int = MOST_BYTES) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n")
        self._room = most

    def write(self, line: str) -> None:
        """Raises OSError."""
        if self._room <= 0 and _DETAIL.search(line, 0, 200):
            return
        self._file.write(line + "\n")
        had_room, self._room = self._room > 0, self._room - len(line) - 1
        if had_room and self._room <= 0:
            self._file.write(_FULL + "\n")
        self._file.flush()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        with contextlib.suppress(OSError):  # a full disk: what did not fit was noticed when it was written
            self._file.close()
