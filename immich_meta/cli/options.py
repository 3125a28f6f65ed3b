"""Options that several commands share, and what they turn into.

Not here: the commands.
"""

from __future__ import annotations

from typing import Any, Callable, TypeVar

import click

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
        "--mtime",
        type=click.Choice([each.value for each in FileTime]),
        help="The file's modification time: the capture date (default with --time), kept, or now.",
    ),
    click.option(
        "--rating-percent",
        type=click.Choice(["stars", "microsoft"]),
        default="stars",
        show_default=True,
        help="RatingPercent as stars x 20, or on the scale of Windows (1, 25, 50, 75, 99).",
    ),
    click.option("--clear-ratings", is_flag=True, help="Unrated in Immich: also set other programs' ratings to 0."),
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
    )
