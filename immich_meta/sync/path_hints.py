"""What to say after a run in which many files were not found.

Not here: the search itself (paths.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from immich_meta.logs import one_line
from immich_meta.sync.report import Status
from immich_meta.sync.statistics import Statistics

HINT_ABOVE = 0.5
STEPS_ABOVE = 0.9
SHOWN_EXAMPLES = 3


@dataclass(frozen=True)
class PathExample:
    """A path of the server, and the local paths that were tried for it."""

    original_path: str
    tried: tuple[str, ...]


def path_hints(
    statistics: Statistics,
    examples: Sequence[PathExample],
    *,
    photo_dir: str,
    segments: int,
    path_map: str = "",
) -> tuple[str, ...]:
    """Lines for the user: none, a hint (over 50 % of the assets missing), or the steps to check (over 90 %
    missing, or over 50 % with a path mismatch) and some of the paths that were tried."""
    if not statistics.total:
        return ()
    missing = statistics[Status.MISSING] / statistics.total
    mismatch = statistics[Status.PATH_MISMATCH] / statistics.total
    if missing > STEPS_ABOVE or mismatch > HINT_ABOVE:
        return (_headline(missing, mismatch), *_steps(photo_dir, segments, path_map), *_tried(examples))
    if missing > HINT_ABOVE:
        return (
            f"{missing:.0%} of the files were not found: is IMMICH_PHOTO_DIR ({photo_dir}) right, and is all "
            "of the library there? IMMICH_PATH_MAP says which directory of the server is which one here.",
        )
    return ()


def _headline(missing: float, mismatch: float) -> str:
    if missing > STEPS_ABOVE:
        return f"{missing:.0%} of the files were not found. Steps to check:"
    return f"{mismatch:.0%} of the files that were found are not proved to be the server's. Steps to check:"


def _steps(photo_dir: str, segments: int, path_map: str) -> tuple[str, ...]:
    current = f"now {path_map}" if path_map else "now not set"
    return (
        "  1. Compare the server's paths below with the paths that were tried: where do they part?",
        f"  2. Give the pair as IMMICH_PATH_MAP ({current}), e.g. IMMICH_PATH_MAP=/data/library={photo_dir}",
        f"  3. Or set IMMICH_PHOTO_DIR (now {photo_dir}) and IMMICH_PATH_SEGMENTS (now {segments}): so many "
        "last parts of the server's path are looked for in that directory.",
        "  4. In a container: is the directory with the originals mounted, and at that place?",
        "  5. An external library has paths of its own: add a pair for each of its import paths.",
        "  6. immich-meta doctor tries some of them, looks elsewhere, too, and shows the line to set.",
    )


def _tried(examples: Sequence[PathExample]) -> tuple[str, ...]:
    lines: list[str] = []
    for example in examples[:SHOWN_EXAMPLES]:
        lines.append(f"  server: {one_line(example.original_path)}")
        lines += [f"   tried: {one_line(path)}" for path in example.tried]
    return tuple(lines)
