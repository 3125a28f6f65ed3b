"""How a process of this program begins to print, and how it ends.

Not here: what it does in between.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import NoReturn

from immich_meta.cli import EXIT_INTERRUPTED


def print_any_text() -> None:
    """Names of files and people that the terminal's encoding lacks are printed as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def leave(code: int) -> NoReturn:
    """End with this exit code."""
    if code == EXIT_INTERRUPTED:
        # All that was in hand is done and closed. A thread may still wait for the server's next list, and Python
        # would wait for that thread, for up to a minute.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)
