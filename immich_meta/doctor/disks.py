"""Is there room, and can the file system do what a safe write needs?

Not here: rights (folders.py). What it can do is tried with hidden temporary files, which are gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from immich_meta.doctor.finding import Finding, Level, good
from immich_meta.doctor.mounts import Mount
from immich_meta_writers.commit.durability import Lock, flush, flush_directory, lock
from immich_meta_writers.commit.replacement import Temporary, temporary_file, write_all

LEAST_ROOM = 100_000_000
COMFORTABLE_ROOM = 1_000_000_000
LEAST_FILES, COMFORTABLE_FILES = 20, 1000
_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file
_CONTENT = b"immich-meta doctor tries this disk\n" * 128


@dataclass(frozen=True)
class Abilities:
    """What was tried and went. `shares_blocks`: a copy takes no room (reflink). `ignores_case`: a is also A."""

    renames: bool
    syncs: bool
    locks: bool
    attributes: bool
    kernel_copy: bool
    shares_blocks: bool
    ignores_case: bool


def room(folder: str, largest: int) -> Iterator[Finding]:
    """`largest`: bytes of the largest file seen. It has to fit in a second time, unless it can be changed in place."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding("disk.space", Level.WARNING, f"The free space of {folder} is not told: {error.strerror or error}")
        return
    comfortable = max(COMFORTABLE_ROOM, LEAST_ROOM + largest)
    level = Level.FAULT if free < LEAST_ROOM else Level.WARNING if free < comfortable else Level.OK
    yield Finding(
        "disk.space",
        level,
        f"{_words(free)} are free at {folder}",
        "" if level is Level.OK else "A photo is written anew beside the old one; several at a time.",
        "" if level is Level.OK else f"Free some space; {_words(comfortable)} are comfortable.",
    )
    yield from _room_for_files(folder)


def _room_for_files(folder: str) -> Iterator[Finding]:
    if not hasattr(os, "statvfs"):
        return
    found = os.statvfs(folder)
    if not found.f_files or found.f_favail >= COMFORTABLE_FILES:  # btrfs and others count none
        return
    yield Finding(
        "disk.inodes",
        Level.FAULT if found.f_favail < LEAST_FILES else Level.WARNING,
        f"Only {found.f_favail} more files can be made at {folder} (inodes)",
        "A photo is written as a new file first; sidecars are new files, too.",
        "Remove files that are not needed from this file system.",
    )


def try_abilities(folder: str) -> Abilities:
    """Try them in a folder that can be written. Raises OSError when it cannot."""
    with temporary_file(folder) as one, temporary_file(folder) as other:
        write_all(one.descriptor, _CONTENT)
        return Abilities(
            syncs=_syncs(one, folder),
            locks=lock(one.descriptor) is not Lock.NONE or os.name != "posix",
            attributes=_sets_attribute(one),
            kernel_copy=_copies(one, other),
            shares_blocks=_shares(one, other),
            ignores_case=os.path.lexists(os.path.join(folder, os.path.basename(one.path).upper())),
            renames=_renames(other, one),
        )


def _syncs(temporary: Temporary, folder: str) -> bool:
    try:
        flush(temporary.descriptor)
        flush_directory(folder)
    except OSError:
        return False
    return True


def _sets_attribute(temporary: Temporary) -> bool:
    if sys.platform != "linux":
        return True  # the system copies them, and nobody asks
    try:
        os.setxattr(temporary.path, "user.immich-meta", b"1")
    except OSError:
        return False
    return True


def _copies(one: Temporary, other: Temporary) -> bool:
    copy = getattr(os, "copy_file_range", None)
    try:
        with open(one.path, "rb", buffering=0) as source:
            return copy is not None and copy(source.fileno(), other.descriptor, len(_CONTENT), 0) > 0
    except OSError:
        return False


def _shares(one: Temporary, other: Temporary) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        with open(one.path, "rb", buffering=0) as source:
            fcntl.ioctl(other.descriptor, _FICLONE, source.fileno())
    except OSError:
        return False
    return True


def _renames(one: Temporary, other: Temporary) -> bool:
    """Over a file that is there, in one step."""
    with contextlib.suppress(OSError):
        other.close()  # Windows replaces no file that is open
        one.replace(other.path)
        return not os.path.lexists(one.path) and os.path.lexists(other.path)
    return False


def file_system(folder: str, can: Abilities, mount: Optional[Mount]) -> Iterator[Finding]:
    """What it can do, in one line; then one finding for each thing that it cannot."""
    kind = f" ({mount.kind})" if mount else ""
    able = {
        "atomic rename": can.renames,
        "fsync": can.syncs,
        "locks": can.locks,
        "extended attributes": can.attributes,
        "copies that share blocks": can.shares_blocks,
        "copies by the kernel": can.kernel_copy and not can.shares_blocks,
    }
    names = ", ".join(name for name, has in able.items() if has)
    yield good("disk.features", f"The disk of {folder}{kind} has {names or 'none of what was tried'}")
    lacks = {
        "disk.rename": not can.renames,
        "disk.sync": not can.syncs,
        "disk.locks": not can.locks,
        "disk.attributes": not can.attributes,
        "disk.case": can.ignores_case,
        "disk.network": mount is not None and (mount.is_network or mount.is_of_host),
    }
    for ident, is_so in lacks.items():
        if is_so:
            level, found, means, cure = _LACKS[ident]
            yield Finding(ident, level, f"{folder}{kind}: {found}", means, cure)


def _words(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


_LACKS = {
    "disk.rename": (
        Level.FAULT,
        "a file cannot be renamed over another one",
        "No photo can be replaced safely, so none is.",
        "Put the library on a local disk, or mount the share with other options (for SMB: vers=3.0 or newer).",
    ),
    "disk.sync": (
        Level.WARNING,
        "files cannot be flushed to the disk",
        "A crash of the machine that has the disk may lose what was written last.",
        "Let no other machine's power fail during a run, or run where the disk is.",
    ),
    "disk.locks": (
        Level.WARNING,
        "there are no file locks",
        "What a killed run left behind cannot be told from a living run's files, and stays.",
        "Never run two at a time on it; remove left .immich-meta-*.tmp files by hand.",
    ),
    "disk.attributes": (
        Level.NOTE,
        "there are no extended attributes",
        "None can be lost then; labels of a file manager are kept elsewhere.",
        "",
    ),
    "disk.case": (
        Level.NOTE,
        "IMG.jpg and img.jpg are one file",
        "Two assets of the server may lead to the same file; the run reports it and writes neither.",
        "Rename one of two such files on the server's disk, should there be any.",
    ),
    "disk.network": (
        Level.NOTE,
        "the disk is on another machine or system",
        "Writing is slower there, and many writers slow each other down.",
        "Try --jobs 1 or 2, or run on the machine that has the disk.",
    ),
}
