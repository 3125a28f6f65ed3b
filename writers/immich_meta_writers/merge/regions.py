"""Face regions (MWG 2.0, 5.9): ours come and go, foreign ones keep all their fields.

Not here: how a region list is spelled in XMP (payloads/).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

from immich_meta_writers.addresses import RegionEdit, RegionInfo, StoredRegion
from immich_meta_writers.changes import Change, Skipped
from immich_meta_writers.merge.decisions import Claimed, Decision, Released, View, rows
from immich_meta_writers.merge.provenance import Claim, claim_text
from immich_meta_writers.metadata import Region
from immich_meta_writers.tags import Module
from immich_meta_writers.text import nfc

SAME_FACE = 0.5  # intersection over union
PIXELS = 2
FRACTION = 0.001
SAME_ASPECT = 0.01
TAG = "XMP-mwg-rs:RegionInfo"

Box = tuple[float, float, float, float]


def to_stored(region: Region, orientation: int) -> StoredRegion:
    """A region as displayed, in the stored raster: the inverse of the EXIF Orientation 1-8 (EXIF 3.0, 4.6.5.1.6)."""
    x, y, w, h = region.x, region.y, region.w, region.h
    x, y, w, h = {
        2: (1 - x, y, w, h),
        3: (1 - x, 1 - y, w, h),
        4: (x, 1 - y, w, h),
        5: (y, x, h, w),
        6: (y, 1 - x, h, w),
        7: (1 - y, 1 - x, h, w),
        8: (1 - y, x, h, w),
    }.get(orientation, (x, y, w, h))
    return StoredRegion(region.name, "Face", x, y, w, h)


def clamped(region: Region) -> Optional[Region]:
    """The part of the region inside of the picture; None when nothing of it is."""
    left, right = max(0.0, region.x - region.w / 2), min(1.0, region.x + region.w / 2)
    top, bottom = max(0.0, region.y - region.h / 2), min(1.0, region.y + region.h / 2)
    if not (right > left and bottom > top):
        return None
    return Region(region.name, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def claim_of(region: StoredRegion) -> str:
    """How provenance names a region: its place to four decimals, then whose face it is."""
    place = ",".join(f"{value:.4f}" for value in _box(region))
    return f"{place},{claim_text(region.name)}"


def merge_regions(view: View, wanted: Sequence[Region]) -> Iterator[Decision]:
    """Add, move and remove our faces; a foreign region of the same name in the same place *is* the face."""
    for tag in rows(view, TAG):
        if view.raster is None:
            if wanted:
                yield Skipped(tag.name, "the size of the stored picture is not known")
            return
        stored = [to_stored(region, view.orientation) for region in filter(None, map(clamped, wanted))]
        yield from _merge(view, stored, view.raster)


def _merge(view: View, wanted: Sequence[StoredRegion], raster: tuple[int, int]) -> Iterator[Decision]:
    value = view.get(TAG)
    found = value if isinstance(value, RegionInfo) else RegionInfo(None, ())
    mine = _mine(view, found)
    pairs = _pair(wanted, found, mine)
    moved = tuple(
        (index, region)
        for region, index in pairs
        if index in mine and _is_off(found.regions[index], region, raster)
    )
    added = tuple(region for region, index in pairs if index is None)
    stays = {index for _, index in pairs}
    removed = tuple(index for index in sorted(mine) if index not in stays)
    if moved or added or removed:
        edit = RegionEdit(removed, moved, added, _dimensions(found, raster))
        yield Change(TAG, _shown(found.regions) or None, _shown(_after(found, edit)) or None, edit)
    yield from _claims(view, mine, pairs, moved, removed)


def _claims(
    view: View,
    mine: dict[int, Claim],
    pairs: Sequence[tuple[StoredRegion, Optional[int]]],
    moved: Sequence[tuple[int, StoredRegion]],
    removed: Sequence[int],
) -> Iterator[Decision]:
    for index in removed:
        yield Released(TAG, mine[index])
    for position, region in moved:
        yield Released(TAG, mine[position])
        yield Claimed(TAG, _claim(view, region))
    for region, found_at in pairs:
        if found_at is None:
            yield Claimed(TAG, _claim(view, region))
    for claim in view.claims.mine(Module.FACES, TAG):
        if claim not in mine.values():
            yield Released(TAG, claim)


def _claim(view: View, region: StoredRegion) -> Claim:
    claims = view.claims
    return Claim(Module.FACES.value, claims.user, TAG, claim_of(region))


def _mine(view: View, found: RegionInfo) -> dict[int, Claim]:
    """Our regions by position. Another program may have written the numbers anew: then the same place counts."""
    result: dict[int, Claim] = {}
    claims = list(view.claims.mine(Module.FACES, TAG))
    for index, region in enumerate(found.regions):
        for claim in claims:
            if claim.value == claim_of(region) or _is_claimed(claim.value, region):
                result[index] = claim
                claims.remove(claim)
                break
    return result


def _is_claimed(text: str, region: StoredRegion) -> bool:
    parts = text.split(",", 4)
    if len(parts) < 5 or parts[4] != claim_text(region.name):
        return False
    try:
        x, y, w, h = map(float, parts[:4])
    except ValueError:
        return False
    return overlap((x, y, w, h), _box(region)) >= SAME_FACE


def _pair(
    wanted: Sequence[StoredRegion], found: RegionInfo, mine: dict[int, Claim]
) -> list[tuple[StoredRegion, Optional[int]]]:
    """Each wanted face with the position of the region that is it already: same name, best overlap, ours first."""
    free = set(range(len(found.regions)))
    pairs: list[tuple[StoredRegion, Optional[int]]] = []
    for region in wanted:
        best: Optional[int] = None
        score: tuple[bool, float] = (False, 0.0)
        for position in sorted(free):
            other = found.regions[position]
            if nfc(other.name) != nfc(region.name):
                continue
            shared = overlap(_box(other), _box(region))
            if shared >= SAME_FACE and (position in mine, shared) > score:
                best, score = position, (position in mine, shared)
        if best is None:
            # Our own region of that person, somewhere else: the face was moved in Immich.
            best = next((i for i in sorted(free & set(mine)) if nfc(found.regions[i].name) == nfc(region.name)), None)
        if best is not None:
            free.discard(best)
        pairs.append((region, best))
    return pairs


def _box(region: StoredRegion) -> Box:
    return region.x, region.y, region.w, region.h


def overlap(one: Box, two: Box) -> float:
    """Intersection over union of two centre-based boxes, 0-1."""
    width = min(one[0] + one[2] / 2, two[0] + two[2] / 2) - max(one[0] - one[2] / 2, two[0] - two[2] / 2)
    height = min(one[1] + one[3] / 2, two[1] + two[3] / 2) - max(one[1] - one[3] / 2, two[1] - two[3] / 2)
    shared = max(0.0, width) * max(0.0, height)
    union = one[2] * one[3] + two[2] * two[3] - shared
    return shared / union if union > 0 else 0.0


def _is_off(found: StoredRegion, wanted: StoredRegion, raster: tuple[int, int]) -> bool:
    """Immich rounds down when it reads regions back: an edge may be off by that much and is still the same."""
    across, down = (max(PIXELS / max(1, side), FRACTION) for side in raster)

    def edges(centre: float, size: float) -> tuple[float, float]:
        return centre - size / 2, centre + size / 2

    return any(
        abs(a - b) > limit
        for limit, a_edges, b_edges in (
            (across, edges(found.x, found.w), edges(wanted.x, wanted.w)),
            (down, edges(found.y, found.h), edges(wanted.y, wanted.h)),
        )
        for a, b in zip(a_edges, b_edges)
    )


def _dimensions(found: RegionInfo, raster: tuple[int, int]) -> Optional[tuple[int, int]]:
    """The raster, unless the file's own dimensions have the same aspect."""
    if found.applied and found.applied[0] > 0 and found.applied[1] > 0:
        aspect = (found.applied[0] * raster[1]) / (found.applied[1] * raster[0])
        if abs(aspect - 1) <= SAME_ASPECT:
            return None
    return raster


def _after(found: RegionInfo, edit: RegionEdit) -> tuple[StoredRegion, ...]:
    moved = dict(edit.moved)
    kept = tuple(
        moved.get(index, region) for index, region in enumerate(found.regions) if index not in edit.removed
    )
    return kept + edit.added


def _shown(regions: Sequence[StoredRegion]) -> tuple[str, ...]:
    return tuple(f"{r.name} ({r.x:.3f}, {r.y:.3f}, {r.w:.3f} x {r.h:.3f})" for r in regions)
