"""Files as the merge rules see them, and a file that takes the changes they answer with.

Not here: the rules' tests (test_*.py) and any bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from immich_meta_writers.addresses import (
    ExifAddress,
    IimAddress,
    LangAlt,
    QuickTimeAddress,
    RegionEdit,
    RegionInfo,
    StoredRegion,
    Value,
    XmpAddress,
    XmpKind,
)
from immich_meta_writers.changes import Change
from immich_meta_writers.merge import ADDED, Merged, merge, provenance
from immich_meta_writers.merge.decisions import View
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.policy import PlanOptions
from immich_meta_writers.tags import BY_NAME, FileKind

IMAGE_HOMES = frozenset({ExifAddress, IimAddress, XmpAddress})
SIDECAR_HOMES: frozenset[type] = frozenset({XmpAddress})
VIDEO_HOMES: frozenset[type] = frozenset({QuickTimeAddress, XmpAddress})
HEADERS = ("mvhd", "tkhd", "mdhd")
RASTER = (4000, 3000)

Values = dict[str, Value]


def view(
    values: Optional[Mapping[str, Value]] = None,
    *,
    added: tuple[str, ...] = (),
    user: str = "local",
    kind: FileKind = FileKind.IMAGE,
    closed: Optional[dict[type, str]] = None,
    raster: Optional[tuple[int, int]] = RASTER,
    orientation: int = 1,
    **options: Any,
) -> View:
    """A photo (or a movie, or a sidecar) that says `values`, in which `added` is recorded."""
    homes = {FileKind.IMAGE: IMAGE_HOMES, FileKind.VIDEO: VIDEO_HOMES}.get(kind, SIDECAR_HOMES)
    return View(
        kind=kind,
        values=values or {},
        homes=homes - (closed or {}).keys(),
        records=lambda: added,
        options=PlanOptions(claimant=user, **options),
        closed=closed or {},
        raster=raster,
        orientation=orientation,
    )


def changed(merged: Merged) -> dict[str, object]:
    """New values by tag."""
    return {change.tag: change.new for change in merged.changes}


def kept(merged: Merged) -> dict[str, object]:
    return {each.tag: each.value for each in merged.kept}


def claims(merged: Merged) -> set[str]:
    return {claimed.claim.record for claimed in merged.claimed}


def releases(merged: Merged) -> set[str]:
    return {released.claim.record for released in merged.released}


class File:
    """A file without bytes: it holds what was written the way the codecs give it back."""

    def __init__(
        self, values: Optional[Mapping[str, Value]] = None, added: tuple[str, ...] = (), **view_options: Any
    ) -> None:
        self.values: Values = dict(values or {})
        self.added = added
        self.view_options = view_options

    def view(self, user: str = "local", **options: Any) -> View:
        return view(self.values, added=self.added, user=user, **{**self.view_options, **options})

    def look(self, wanted: PhotoMetadata, user: str = "local", **options: Any) -> Merged:
        return merge(self.view(user, **options), wanted)

    def run(self, wanted: PhotoMetadata, user: str = "local", **options: Any) -> Merged:
        """Merge and write; a second look has to find nothing to do, and a glance has to agree."""
        before = self.view(user, **options)
        merged = merge(before, wanted)
        glance = merge(replace(before, is_glance=True), wanted)
        assert bool(glance.changes) == bool(merged.changes)
        if merged.changes:
            for change in provenance(before, wanted, merged, skipped=(), asset_id=None):
                self.write(change)
            for change in merged.changes:
                self.write(change)
        again = self.look(wanted, user, **options)
        assert again.changes == ()
        return merged

    def write(self, change: Change) -> None:
        if change.tag == ADDED:
            assert change.edit is None or isinstance(change.edit, tuple)
            self.added = tuple(map(str, change.edit or ()))
            return
        value = _stored(change, self.values.get(change.tag))
        if value is None:
            self.values.pop(change.tag, None)
        else:
            self.values[change.tag] = value

    def __getitem__(self, tag: str) -> object:
        value = self.values.get(tag)
        return value.default if isinstance(value, LangAlt) else value


def _stored(change: Change, old: Optional[Value]) -> Optional[Value]:
    address = BY_NAME[change.tag].address
    if isinstance(change.edit, RegionEdit):
        return _regions(change.edit, old)
    if isinstance(address, XmpAddress) and address.kind is XmpKind.ALT:
        others = tuple(item for item in getattr(old, "items", ()) if item[0] != "x-default")
        items = (("x-default", str(change.edit)), *others) if change.edit is not None else others
        return LangAlt(items) if items else None
    if isinstance(address, QuickTimeAddress) and address.box in HEADERS:
        assert isinstance(old, tuple)
        return (str(change.edit),) * len(old)
    return change.edit


def _regions(edit: RegionEdit, old: object) -> Optional[RegionInfo]:
    found = old if isinstance(old, RegionInfo) else RegionInfo(None, ())
    moved = dict(edit.moved)
    regions = [moved.get(i, region) for i, region in enumerate(found.regions) if i not in edit.removed]
    regions += edit.added
    if not regions:
        return None
    applied = found.applied if edit.applied is None else (float(edit.applied[0]), float(edit.applied[1]))
    return RegionInfo(applied, tuple(map(_ten_decimals, regions)))


def _ten_decimals(region: StoredRegion) -> StoredRegion:
    x, y, w, h = (round(value, 10) for value in (region.x, region.y, region.w, region.h))
    return replace(region, x=x, y=y, w=w, h=h)
