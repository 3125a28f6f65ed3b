"""Options that several commands share, and what they turn into.

Not here: the commands.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar

import click

from immich_meta.errors import UsageError
from immich_meta.sync.path_check import check_sidecar_dir
from immich_meta_writers.metadata import LOCAL_CLAIMANT
from immich_meta_writers.policy import FileTime, PlanOptions, WriteTo

F = TypeVar("F", bound=Callable[..., Any])

_WRITING = (
    click.option(
        "--write-to",
        type=click.Choice([each.value for each in WriteTo]),
        default=WriteTo.AUTO.value,
        show_default=True,
        help="auto: into the photo, else beside it; embed: never make a sidecar; sidecar: never touch the photo; both.",
    ),
    click.option(
        "--sidecar-dir",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Only into sidecars in DIR, which mirrors the folders: nothing is ever written where the photos are.",
    ),
    click.option(
        "--mtime",
        type=click.Choice([each.value for each in FileTime]),
        help="The file's modification time: the capture date (default where dates are written), kept, or now.",
    ),
    click.option(
        "--rating-percent",
        type=click.Choice(["stars", "microsoft"]),
        default="stars",
        show_default=True,
        help="RatingPercent as stars x 20, or on the scale of Windows (1, 25, 50, 75, 99).",
    ),
    click.option("--clear-ratings", is_flag=True, help="Without stars: also set other programs' ratings to 0."),
)


def writing_options(command: F) -> F:
    """The options that say how files are written."""
    for option in reversed(_WRITING):
        command = option(command)
    return command


def plan_options(flags: dict[str, Any], *, xmp_engine: str, claimant: str = LOCAL_CLAIMANT) -> PlanOptions:
    """What the flags of `writing_options` mean."""
    return PlanOptions(
        write_to=WriteTo(flags["write_to"]),
        claimant=claimant,
        mtime=FileTime(flags["mtime"]) if flags["mtime"] else None,
        xmp_engine=xmp_engine,
        microsoft_percent=flags["rating_percent"] == "microsoft",
        clear_ratings=flags["clear_ratings"],
        sidecar_dir=flags.get("sidecar_dir"),
    )


def with_sidecar_dir(
    flags: Mapping[str, Any], configured: Optional[Path], roots: Iterable[str]
) -> dict[str, Any]:
    """The flags with the directory of --sidecar-dir, else the `configured` one, as a text; with it nothing else is
    written to. `roots` are the libraries.

    Raises UsageError when something else is asked for, PathsError when the directory cannot serve.
    """
    given: Optional[Path] = flags.get("sidecar_dir")
    chosen = configured if given is None else given
    if chosen is None:
        return {**flags, "sidecar_dir": None}
    if flags["write_to"] in (WriteTo.EMBED.value, WriteTo.BOTH.value):
        name = "IMMICH_META_SIDECAR_DIR" if given is None else "--sidecar-dir"
        raise UsageError(f"{name} is for sidecars alone", cure=f"leave out --write-to {flags['write_to']}")
    directory = os.path.abspath(os.path.expanduser(chosen))
    check_sidecar_dir(directory, roots)
    return {**flags, "sidecar_dir": directory, "write_to": WriteTo.SIDECAR.value, "refresh": "none"}


def may_sweep(directory: str, sidecar_dir: Optional[str]) -> bool:
    """Whether a run may tidy a directory where a killed one wrote: with a sidecar directory only in there."""
    if sidecar_dir is None:
        return True
    tree = os.path.join(os.path.realpath(sidecar_dir), "")
    return os.path.join(os.path.realpath(directory), "").startswith(tree)
