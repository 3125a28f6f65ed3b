"""The ways in: `python -m immich_meta`, `immich-meta`, and the predecessor's `immich-ultra-sync`.

Not here: any command (cli/).
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

from immich_meta.cli import EXIT_INTERRUPTED, commands, run


def main() -> None:
    """`immich-meta`."""
    _print_any_text()
    _exit(run(commands, "immich-meta", sys.argv[1:]))


def ultra_sync() -> None:
    """`immich-ultra-sync`: the same as `immich-meta sync`."""
    _print_any_text()
    _exit(run(commands, "immich-ultra-sync", ["sync", *sys.argv[1:]]))


def _exit(code: int) -> None:
    if code == EXIT_INTERRUPTED:
        # All that was in hand is done and closed. A thread may still wait for the server's next list, and Python
        # would wait for that thread, for up to a minute.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _print_any_text() -> None:
    """Names of files and people that the terminal's encoding lacks are printed as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
