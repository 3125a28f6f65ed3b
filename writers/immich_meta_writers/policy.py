"""The choices a caller makes about writing: plain values, no behaviour.

Not here: reading them from an environment or a command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional

from immich_meta_writers.metadata import LOCAL_CLAIMANT


class WriteTo(Enum):
    """Where metadata goes: see the tag contract, "Sidecars and what cannot be embedded"."""

    AUTO = "auto"
    EMBED = "embed"
    SIDECAR = "sidecar"
    BOTH = "both"


class FileTime(Enum):
    """What becomes of a file's modification time."""

    CAPTURE = "capture"
    KEEP = "keep"
    NOW = "now"


@dataclass(frozen=True)
class PlanOptions:
    """How to plan.

    `claimant`: whose values these are (8 hex digits, or "local"). `mtime` None: capture when a date is wanted,
    else keep. `xmp_engine`: exempi, builtin or auto. `protect_after`: a file that was modified more than 2 s later
    than this (seconds since 1970), and not by us, keeps its differing single values, reported. `protect`: so does any.
    `sidecar_dir`: everything goes into sidecars in a tree of folders below this directory (plan/tree.py), whatever
    `write_to` says; nothing is ever written where the photo is.
    """

    write_to: WriteTo = WriteTo.AUTO
    claimant: str = LOCAL_CLAIMANT
    mtime: Optional[FileTime] = None
    xmp_engine: str = "auto"
    microsoft_percent: bool = False
    clear_ratings: bool = False
    protect: bool = False
    protect_after: Optional[float] = None
    sidecar_dir: Optional[str] = None
