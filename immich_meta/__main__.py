"""The ways in: `python -m immich_meta`, `immich-meta`, and the predecessor's `immich-ultra-sync`.

Not here: any command (cli/).
"""

from __future__ import annotations

import sys

from immich_meta.cli import commands, run
from immich_meta.cli.process import leave, print_any_text


def main() -> None:
    """`immich-meta`."""
    print_any_text()
    leave(run(commands, "immich-meta", sys.argv[1:]))


def ultra_sync() -> None:
    """`immich-ultra-sync`: the same as `immich-meta sync`."""
    print_any_text()
    leave(run(commands, "immich-ultra-sync", ["sync", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
