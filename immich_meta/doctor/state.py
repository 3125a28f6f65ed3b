"""Can the state be kept, how large is it, and is another run under way?

Not here: the state itself (immich_meta.state).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from immich_meta.doctor.finding import Finding, Level
from immich_meta.doctor.machine import Machine
from immich_meta.doctor.mounts import mount_of
from immich_meta.state.lock import Holder, holder_of, is_held
from immich_meta.state.place import readable

_LARGE = 2_000_000_000


def state_kept(directory: Path, machine: Machine) -> Iterator[Finding]:
    """A fault when it cannot be written: nothing that is written can be taken back then."""
    place = _existing(directory)
    if not _is_writable(place):
        yield Finding(
            "state.directory",
            Level.FAULT,
            f"The state directory {directory} cannot be written",
            "Every file is read in each run, and what is written cannot be undone.",
            "Let this user write there (in a container: mount a volume), or set IMMICH_META_STATE_DIR.",
        )
        return
    size = _size(directory)
    yield Finding(
        "state.directory",
        Level.NOTE if size > _LARGE else Level.OK,
        f"The state is in {directory}, {size / 1e6:.1f} MB",
        "Most of it takes writes back." if size > _LARGE else "",
        "IMMICH_META_KEEP_UNDO=30 keeps the way back for 30 days." if size > _LARGE else "",
    )
    mount = mount_of(os.path.realpath(place), machine.mounts)
    if mount is not None and mount.is_network:
        yield Finding(
            "state.network",
            Level.WARNING,
            f"The state is on a network file system ({mount.kind})",
            "SQLite's log and its locks are not safe there.",
            "Set IMMICH_META_STATE_DIR to a directory on a local disk. The photos may stay where they are.",
        )


def working_directory_writable(directory: Path) -> Iterator[Finding]:
    """Where a run begins, it keeps its checkpoint, the album cache and, unless told otherwise, the log."""
    if not _is_writable(directory):
        yield Finding(
            "state.working_directory",
            Level.WARNING,
            f"The directory {directory}, where this was started, cannot be written",
            "An interrupted run begins anew, albums are asked for in each run, and there may be no log file.",
            "Start it in a directory that this user may write, e.g. the state directory (in a container: working_dir).",
        )


def others_at_work(directory: Path) -> Iterator[Finding]:
    """Who has a store of this directory right now."""
    for path in sorted(directory.glob("*.lock")) if directory.is_dir() else ():
        if is_held(path):
            yield Finding(
                "state.busy",
                Level.NOTE,
                f"Another run is under way: {_words(holder_of(path))}",
                "A second one for the same server and user does not start.",
                "Wait until it has ended.",
            )


def _words(holder: Optional[Holder]) -> str:
    if holder is None:
        return "who it is has not been noted"
    since = "some time"
    with contextlib.suppress(OverflowError, ValueError, OSError):
        since = readable(holder.since)
    return f"{holder.command or 'immich-meta'}, process {holder.pid} on {holder.host}, since {since}"


def _existing(directory: Path) -> Path:
    """The directory, or the nearest one above it that is there already: there it will be made."""
    return next((each for each in (directory, *directory.parents) if os.path.lexists(each)), directory)


def _is_writable(place: Path) -> bool:
    read_only = hasattr(os, "statvfs") and place.exists() and os.statvfs(place).f_flag & os.ST_RDONLY
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK) and not read_only


def _size(directory: Path) -> int:
    total = 0
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        total = sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
    return total
