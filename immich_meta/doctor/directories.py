"""Are the directories with the photos there, and is something in them?

Not here: the folders in them (folders.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from immich_meta.doctor.finding import Finding, Level, good, of_error
from immich_meta.doctor.machine import Machine
from immich_meta.doctor.mounts import mount_of
from immich_meta.errors import PathsError
from immich_meta.path_map import PathRule
from immich_meta.settings import Settings
from immich_meta.sync.path_check import check_library, check_sidecar_dir


def roots(settings: Settings) -> tuple[str, ...]:
    """The directories that a run depends on: the targets of the map, else the photo directory."""
    return tuple(dict.fromkeys(rule.target for rule in settings.path_map)) or (str(settings.photo_dir),)


def directories_there(settings: Settings, machine: Machine) -> Iterator[Finding]:
    """A fault for each that is missing, unreadable or empty, a warning for one that is not mounted into a container."""
    each: list[tuple[PathRule, ...]] = [(rule,) for rule in settings.path_map]
    for rules in each or [()]:
        directory = rules[0].target if rules else str(settings.photo_dir)
        try:
            check_library(rules, str(settings.photo_dir))
        except PathsError as error:
            yield of_error("paths.directory", error, "No run can begin.")
        else:
            yield from _mounted(directory, machine)
    if settings.sidecar_dir is not None:
        yield from _sidecars(str(settings.sidecar_dir), roots(settings), machine)


def _sidecars(directory: str, libraries: Iterable[str], machine: Machine) -> Iterator[Finding]:
    try:
        check_sidecar_dir(directory, libraries)
    except PathsError as error:
        yield of_error("paths.sidecar_dir", error, "No run can begin.")
    else:
        yield from _mounted(directory if os.path.isdir(directory) else os.path.dirname(directory), machine)


def _mounted(directory: str, machine: Machine) -> Iterator[Finding]:
    mount = mount_of(os.path.realpath(directory), machine.mounts)
    if not machine.in_container or mount is None or mount.point != "/":
        yield good("paths.directory", f"{directory} is there, and is not empty")
        return
    yield Finding(
        "paths.not_mounted",
        Level.WARNING,
        f"{directory} is inside this container, not a folder of the host",
        "What is written there is gone with the container.",
        f"Mount the photos there: -v /path/on/the/host:{directory}",
    )
