"""From the path that the server gives for an original to the file here.

Not here: what proves a file to be an asset's (identity.py), and where to look below the photo directory when
the map has no answer (path_inference.py).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Optional, Union

from immich_meta.api.models import Asset
from immich_meta.path_map import PathRule, split_path, with_slashes
from immich_meta.sync.identity import Claims, Proof, ReadAssetId, prove
from immich_meta.sync.path_inference import (
    DERIVED,
    DirectoryIndex,
    Place,
    direct_places,
    existing_directory,
    name_forms,
)
from immich_meta.sync.path_outcomes import (
    Ambiguous,
    How,
    Mismatch,
    NotFound,
    Refusal,
    Refused,
    Resolution,
    Resolved,
)

MOTION_PART = "-mp.mp4"
MAX_REMEMBERED_DIRECTORIES = 20_000
MAX_FOUND_RULES = 50
_ORIGINALS = ("upload", "library")
_MEDIA_FOLDERS = (*_ORIGINALS, *DERIVED)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class _Mapped:
    """The directory that the map gives; `exists` False: it is not there."""

    directory: str
    exists: bool


@dataclass(frozen=True)
class _Tails:
    """The places that end like the server's directory; `outside` are those that links lead to out of it.

    `at` is the depth that the number of segments gives; `long` are the places of this depth and more.
    """

    parts: tuple[str, ...]
    long: tuple[Place, ...]
    short: tuple[Place, ...]
    outside: tuple[Place, ...]
    at: int


@dataclass(frozen=True)
class _File:
    path: str
    found: os.stat_result


_Directory = Union[_Mapped, _Tails, Refusal]


class PathMapper:
    """Finds the files of assets, one asset at a time; about 10 microseconds for a known directory.

    A rule of `rules` (longest prefix first, as `parse_path_map` gives them) is trusted. Where none fits,
    the last `segments` components are looked for in `photo_dir`, then the longest common tail anywhere below
    it; such a file is only taken when its size, `read_asset_id` or its checksum prove it to be the asset's.
    `photo_dir` None: only the rules count. `read_asset_id` answers None for what it cannot read.
    Nothing here raises for what a server says.
    """

    def __init__(
        self, rules: Sequence[PathRule], photo_dir: Optional[str], segments: int, read_asset_id: ReadAssetId
    ) -> None:
        self._rules = tuple((rule.parts, rule.target) for rule in rules)
        self._photo_dir = photo_dir
        self._segments = segments
        self._read_asset_id = read_asset_id
        roots = [rule.target for rule in rules] + ([photo_dir] if photo_dir is not None else [])
        self._roots = tuple(os.path.join(os.path.realpath(root), "") for root in dict.fromkeys(roots))
        self._directories: dict[tuple[str, bool], _Directory] = {}
        self._below: dict[tuple[str, ...], tuple[Place, ...]] = {}
        self._index = DirectoryIndex(photo_dir or "")
        self._announced = Claims()
        self._has_announced = False
        self._taken = Claims()
        self._found: dict[PathRule, int] = {}

    def announce(self, asset: Asset) -> None:
        """Optional first pass over all assets: two of one tail and size are then noticed before the first is
        written, not when the second comes."""
        self._has_announced = True
        self._announced.add(self._ending(asset), asset.id)

    def _ending(self, asset: Asset) -> str:
        tail = "/".join(split_path(asset.original_path)[-self._segments :])
        return f"{asset.exif.file_size} {tail}"

    def resolve(self, asset: Asset) -> Resolution:
        """The asset's file, or why there is none."""
        original = with_slashes(asset.original_path)
        head, separator, name = original.rpartition("/")
        if not name or name in (".", "..") or "\0" in name or _breaks_out(name):
            return _refused(original, Refusal.MALFORMED)
        if name[-len(MOTION_PART) :].lower() == MOTION_PART:
            return _refused(original, Refusal.DERIVED)
        directory = self._directory(head + separator, asset.library_id is None)
        if isinstance(directory, Refusal):
            return _refused(original, directory)
        if isinstance(directory, _Mapped):
            return self._resolve_mapped(asset, directory, name)
        return self._resolve_tail(asset, directory, name)

    def found_rules(self) -> tuple[tuple[PathRule, int], ...]:
        """What the search found and proved: rules with the number of their assets, most first."""
        return tuple(sorted(self._found.items(), key=lambda item: (-item[1], item[0].prefix)))

    def map_line(self) -> Optional[str]:
        """The `IMMICH_PATH_MAP=...` line that makes the search needless; None when nothing was found."""
        rules = ";".join(str(rule) for rule, _ in self.found_rules())
        return f"IMMICH_PATH_MAP={rules}" if rules else None

    def _directory(self, head: str, upload: bool) -> _Directory:
        known = self._directories.get((head, upload))
        if known is None:
            if len(self._directories) >= MAX_REMEMBERED_DIRECTORIES:
                self._directories.clear()
            known = self._directories[head, upload] = self._find_directory(head, upload)
        return known

    def _find_directory(self, head: str, upload: bool) -> _Directory:
        parts = split_path(head)
        if "\0" in head or ".." in parts or "." in parts or any(map(_breaks_out, parts[1:])):
            return Refusal.MALFORMED
        if is_derived(parts, upload=upload):
            return Refusal.DERIVED
        for prefix, target in self._rules:
            if parts[: len(prefix)] == prefix:
                return self._mapped(target, parts[len(prefix) :])
        direct = direct_places(self._photo_dir, parts) if self._photo_dir is not None else ()
        outside = tuple(place for place in direct if not self._is_inside(place.directory))
        inside = [place for place in direct if place not in outside]
        at = min(self._segments - 1, len(parts))
        long = tuple(place for place in inside if place.depth >= at)
        return _Tails(parts, long, tuple(inside[len(long) :]), outside, at)

    def _mapped(self, target: str, rest: Sequence[str]) -> _Directory:
        directory = existing_directory(target, rest)
        if directory is None:
            return _Mapped(os.path.join(target, *rest), False)
        return _Mapped(directory, True) if self._is_inside(directory) else Refusal.OUTSIDE

    def _is_inside(self, path: str) -> bool:
        """Whether a path, all links resolved, is in the photo directory or a target of the map."""
        return os.path.join(os.path.realpath(path), "").startswith(self._roots)

    def _look_up(self, directory: str, name: str) -> Union[_File, Refusal, None]:
        """The regular file in an existing directory; of a link, the file that it leads to."""
        for form in name_forms(name):
            path = os.path.join(directory, form)
            try:
                found = os.lstat(path)
                if stat.S_ISLNK(found.st_mode):
                    path = os.path.realpath(path)
                    found = os.stat(path)
                    if not self._is_inside(os.path.dirname(path)):
                        return Refusal.OUTSIDE
            except PermissionError:
                return Refusal.NO_ACCESS
            except (OSError, ValueError):
                continue
            return _File(path, found) if stat.S_ISREG(found.st_mode) else Refusal.NOT_A_FILE
        return None

    def _resolve_mapped(self, asset: Asset, mapped: _Mapped, name: str) -> Resolution:
        file = self._look_up(mapped.directory, name) if mapped.exists else None
        if isinstance(file, Refusal):
            return _refused(asset.original_path, file)
        if file is None:
            return NotFound(asset.original_path, (os.path.join(mapped.directory, name),))
        return Resolved(file.path, How.MAP, file.found.st_size)

    def _resolve_tail(self, asset: Asset, tails: _Tails, name: str) -> Resolution:
        hits = self._hits(tails, name)
        if isinstance(hits, Refusal):
            return _refused(asset.original_path, hits)
        if not hits and any(os.path.lexists(os.path.join(place.directory, name)) for place in tails.outside):
            return _refused(asset.original_path, Refusal.OUTSIDE)
        if not hits:
            return NotFound(asset.original_path, self._tried(tails, name))
        files = {(file.found.st_dev, file.found.st_ino): file.path for _, file in hits}
        if len(files) > 1:
            return Ambiguous(asset.original_path, tuple(files.values()), "the ending fits several files")
        place, file = hits[0]
        return self._take(asset, tails, place, file)

    def _hits(self, tails: _Tails, name: str) -> Union[list[tuple[Place, _File]], Refusal]:
        """The files with the longest common tail; with the tail that the segments give, if that is there."""
        found, refusal = self._files(tails.long, name)
        if found and found[-1][0].depth == tails.at:
            return found
        short, refusal_short = self._files(tails.short, name)
        below, refusal_below = self._files(self._places_below(tails.parts), name)
        hits = found + short + below
        if not hits:
            return refusal or refusal_short or refusal_below or []
        longest = max(place.depth for place, _ in hits)
        return [hit for hit in hits if hit[0].depth == longest]

    def _places_below(self, parts: tuple[str, ...]) -> tuple[Place, ...]:
        if self._photo_dir is None:
            return ()
        if parts not in self._below:
            if len(self._below) >= MAX_REMEMBERED_DIRECTORIES:
                self._below.clear()
            places = self._index.places(parts)
            self._below[parts] = tuple(place for place in places if self._is_inside(place.directory))
        return self._below[parts]

    def _files(self, places: Iterable[Place], name: str) -> tuple[list[tuple[Place, _File]], Optional[Refusal]]:
        """The files of this name in the places, and why one that is there cannot be taken."""
        hits: list[tuple[Place, _File]] = []
        refusal: Optional[Refusal] = None
        for place in places:
            file = self._look_up(place.directory, name)
            if isinstance(file, Refusal):
                refusal = file
            elif file is not None:
                hits.append((place, file))
        return hits, refusal

    def _take(self, asset: Asset, tails: _Tails, place: Place, file: _File) -> Resolution:
        size = file.found.st_size
        contested = self._has_announced and self._announced.contested(self._ending(asset))
        proof = prove(asset, file.path, size, self._read_asset_id, size_proves=not contested)
        if proof is not None and self._taken.add(file.path, asset.id) and proof is Proof.SIZE:
            contested = True
            proof = prove(asset, file.path, size, self._read_asset_id, size_proves=False)
        if proof is not None:
            how = How.SEGMENTS if place.depth == tails.at and place.base == self._photo_dir else How.INFERRED
            if how is How.INFERRED:
                self._note_rule(asset.original_path, tails.parts, place)
            return Resolved(file.path, how, size, proof)
        if contested and size == asset.exif.file_size:
            return Ambiguous(asset.original_path, (file.path,), "several assets fit this file by ending and size")
        wanted = "an unknown size" if asset.exif.file_size is None else f"{asset.exif.file_size} bytes"
        return Mismatch(asset.original_path, file.path, f"it has {size} bytes, the asset {wanted}")

    def _note_rule(self, original: str, parts: tuple[str, ...], place: Place) -> None:
        start = "/" if original.startswith("/") else ""
        rule = PathRule(start + "/".join(parts[: len(parts) - place.depth]) or "/", place.base)
        if rule in self._found or len(self._found) < MAX_FOUND_RULES:
            self._found[rule] = self._found.get(rule, 0) + 1

    def _tried(self, tails: _Tails, name: str) -> tuple[str, ...]:
        if self._photo_dir is None:
            return ()
        depths = dict.fromkeys((tails.at, len(tails.parts)))
        directories = (tails.parts[len(tails.parts) - depth :] for depth in depths)
        return tuple(os.path.join(self._photo_dir, *parts, name) for parts in directories)


def is_derived(parts: Sequence[str], *, upload: bool) -> bool:
    """Whether a directory of the server holds what it makes itself: thumbnails, encoded videos, motion parts,
    profile pictures, backups (Immich's layout: docs.immich.app, backup and restore).

    `upload`: the asset is of the upload library. In an external one people's own folders may have such names.
    """
    if "encoded-video" in parts:
        return True
    following = tuple(zip(parts, (*parts[1:], "")))
    if any(part in DERIVED and _UUID.fullmatch(after) for part, after in following):
        return True
    # The media directory itself may be called upload (/usr/src/app/upload), or lie in /mnt/backups.
    is_original = any(part in _ORIGINALS and after and after not in _MEDIA_FOLDERS for part, after in following)
    return upload and not is_original and any(part in DERIVED for part in parts)


def _breaks_out(part: str) -> bool:
    """Whether a component is more than a name on this system: on Windows `\\` and `:` lead elsewhere."""
    return os.sep == "\\" and ("\\" in part or ":" in part)


_REASONS = {
    Refusal.DERIVED: "this is a file that the server makes itself, not an original",
    Refusal.MALFORMED: "this is not a path that can be followed ('..', an empty name or a NUL in it)",
    Refusal.OUTSIDE: "a link leads out of the library; add its directory to IMMICH_PATH_MAP if that is meant",
    Refusal.NOT_A_FILE: "a folder or a device is there, not a file; move it away, or correct IMMICH_PATH_MAP",
    Refusal.NO_ACCESS: "the directory may not be entered; let the user that runs this read and write it",
}


def _refused(original: str, kind: Refusal) -> Refused:
    return Refused(original, kind, _REASONS[kind])
