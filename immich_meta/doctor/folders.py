"""Can the folders be written in which the photos are, and can new files keep the owner of the old ones?

Not here: what the disk can do (disks.py). A hidden temporary file like those of a run is made, and is gone afterwards.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from immich_meta.doctor.finding import Finding, Level, good
from immich_meta.logs import one_line
from immich_meta_writers.commit.replacement import temporary_file, write_all

MOST_FOLDERS = 20
_SHOWN = 3


@dataclass(frozen=True)
class Folder:
    """A folder and one of the photos in it, None when there is none."""

    path: str
    file: Optional[str] = None


@dataclass(frozen=True)
class Refusal:
    """Why a folder, or the photo in it, cannot be written. `kind` is the name of the finding."""

    kind: str
    place: str
    reason: str = ""


def folders_of(files: Iterable[str], roots: Iterable[str]) -> tuple[Folder, ...]:
    """The folders of these files; without files, the directories themselves and those right in them."""
    found: dict[str, Optional[str]] = {}
    for file in files:
        found.setdefault(os.path.dirname(file), file)
    if not found:
        for root in roots:
            found.update((path, _first_file(path)) for path in (root, *_subfolders(root)) if os.path.isdir(path))
    return tuple(Folder(path, file) for path, file in list(found.items())[:MOST_FOLDERS])


def _subfolders(path: str) -> list[str]:
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        folders = (each for each in entries if not each.name.startswith(".") and each.is_dir(follow_symlinks=False))
        return sorted(each.path for each in folders)
    return []


def _first_file(path: str) -> Optional[str]:
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        files = (each for each in entries if not each.name.startswith(".") and each.is_file(follow_symlinks=False))
        return next((each.path for each in files), None)
    return None


def try_folder(folder: Folder) -> Optional[Refusal]:
    """Do what a run does to replace a photo, up to the rename, with a file of its own; None when all of it went."""
    try:
        with temporary_file(folder.path) as temporary:
            write_all(temporary.descriptor, b"a try of immich-meta doctor; it can be removed")
            return None if folder.file is None else _try_rights(folder.file, temporary.descriptor)
    except OSError as error:
        reason = error.strerror or str(error)
        return Refusal(_KINDS.get(error.errno or 0, "folders.failed"), folder.path, reason)


_KINDS = {
    errno.EROFS: "folders.read_only",
    errno.EACCES: "folders.no_permission",
    errno.EPERM: "folders.no_permission",
}


def _try_rights(file: str, descriptor: int) -> Optional[Refusal]:
    status = os.stat(file)
    if not os.access(file, os.W_OK):
        return Refusal("folders.read_only_files", file, f"{stat.filemode(status.st_mode)}, of user {status.st_uid}")
    if hasattr(os, "fchown"):
        try:
            os.fchown(descriptor, status.st_uid, status.st_gid)
        except PermissionError:
            return Refusal("folders.owner", file, f"{status.st_uid}:{status.st_gid}")
    return None


def folders_writable(folders: Sequence[Folder], refusals: Sequence[Refusal]) -> Iterator[Finding]:
    """One fault for each kind of refusal."""
    if folders and not refusals:
        yield good("folders.writable", f"{_folders(len(folders))} to write to can be written")
    for kind in dict.fromkeys(refusal.kind for refusal in refusals):
        of_kind = [refusal for refusal in refusals if refusal.kind == kind]
        found, means, cure = _WORDS[kind]
        us = f"{os.geteuid()}:{os.getegid()}" if hasattr(os, "geteuid") else "this user"
        words = {"count": len(of_kind), "total": len(folders), "us": us, "theirs": of_kind[0].reason}
        details = (f"{one_line(each.place)}  {each.reason}".rstrip() for each in of_kind[:_SHOWN])
        told = found.format(**words), means, cure.format(**words)
        yield Finding(kind, Level.FAULT, *told, details=tuple(details))


def _folders(count: int) -> str:
    return "1 folder" if count == 1 else f"{count} folders"


_WORDS = {
    "folders.read_only": (
        "Of {total} folders tried, {count} are on a disk that is mounted read-only",
        "Nothing can be written there, no sidecars either.",
        "Mount the library writable: in a compose file take :ro away from its volume. Or leave it so and have sidecars "
        "elsewhere: IMMICH_META_SIDECAR_DIR.",
    ),
    "folders.no_permission": (
        "Of {total} folders tried, {count} may not be written by this user ({us})",
        "A photo is replaced by a new file beside it, so the folder has to be writable.",
        "Run as the owner of the files (in a container: PUID and PGID, or user: in the compose file), or give this "
        "user write access to the folders.",
    ),
    "folders.read_only_files": (
        "Photos in {count} of {total} folders tried are read-only for this user ({us})",
        "They stay as they are, and the run reports them as failed.",
        "Allow writing to them (chmod u+w), or run as their owner.",
    ),
    "folders.owner": (
        "Photos in {count} of {total} folders tried belong to {theirs}, and this runs as {us}",
        "A new file could not keep the owner of the old one, so such photos fail.",
        "Run as {theirs} (in a container: PUID and PGID, or user: in the compose file), or as root.",
    ),
    "folders.failed": (
        "Of {total} folders tried, {count} cannot be written",
        "Photos there would fail.",
        "See what the system says below; free space, or look after the disk.",
    ),
}
