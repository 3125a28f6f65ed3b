"""The ways in: `python -m immich_meta`, `immich-meta`, and the predecessor's `immich-ultra-sync`.

Not here: any command (cli/).
"""

from __future__ import annotations

import sys

from immich_meta.cli import commands, run


def main() -> None:
    """`immich-meta`."""
    sys.exit(run(commands, "immich-meta", sys.argv[1:]))


def ultra_sync() -> None:
    """`immich-ultra-sync`: the same as `immich-meta sync`."""
    sys.exit(run(commands, "immich-ultra-sync", ["sync", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
