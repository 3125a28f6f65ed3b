"""The ways in: `python -m immich_meta`, `immich-meta`, and the predecessor's `immich-ultra-sync`.

Not here: any command (cli/).
"""

from __future__ import annotations

import io
import sys

from immich_meta.cli import commands, run


def main() -> None:
    """`immich-meta`."""
    _print_any_text()
    sys.exit(run(commands, "immich-meta", sys.argv[1:]))


def ultra_sync() -> None:
    """`immich-ultra-sync`: the same as `immich-meta sync`."""
    _print_any_text()
    sys.exit(run(commands, "immich-ultra-sync", ["sync", *sys.argv[1:]]))


def _print_any_text() -> None:
    """Names of files and people that the terminal's encoding lacks are printed as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
