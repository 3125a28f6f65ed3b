"""Face regions (MWG 2.0, 5.9): ours come and go, foreign ones keep all their fields.

Not here: how a region list is spelled in XMP (payloads/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
_NO_SIDE = 1e-9  # what ten decimals could not show
TAG = "XMP-mwg-rs:RegionInfo"

Box = tuple[float, float, float, float]
Size = tuple[float, float]


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
    if not (right - left > _NO_SIDE and bottom - top > _NO_SIDE):
        return None
    return Region(region.name, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def claim_of(region: StoredRegion) -> str:
    """How provenance names a region: its place to four decimals, then whose face it is."""
    place = ",".join(f"{value:.4f}" for value in _box(region))
    return f"{place},{claim_text(region.name)}"


def merge_regions(view: View, wanted: Sequence[Region]) -> Iterator[Decision]:
    """Add, move and remove our faces; a foreign region of the same name in the same place *is* the face."""
    for tag in rows(view, TAG):
        if wanted and view.raster is None:
            yield Skipped(tag.name, "the size of the stored picture is not known")
            return
        stored = (to_stored(region, view.orientation) for region in filter(None, map(clamped, wanted)))
        yield from _merge(view, tuple({claim_of(region): region for region in stored}.values()))


def _merge(view: View, wanted: Sequence[StoredRegion]) -> Iterator[Decision]:
    value = view.get(TAG)
    found = value if isinstance(value, RegionInfo) else RegionInfo(None, ())
    applied = _dimensions(found, view.raster)
    grid = applied or found.applied or (1, 1)
    if view.is_glance and _is_settled(found, wanted, grid):
        return
    mine = _claimed(found, view.claims.mine(Module.FACES, TAG))
    shared = _claimed(found, [claim for claim in view.claims.of(TAG) if claim.user != view.claims.user])
    pairs = _pair(wanted, found, mine)
    moved = tuple(
        (index, region)
        for region, index in pairs
        if index in mine and index not in shared and _is_off(found.regions[index], region, grid)
    )
    added = tuple(region for region, index in pairs if index is None)
    stays = {index for _, index in pairs}.union(shared)
    removed = tuple(index for index in sorted(mine) if index not in stays)
    if moved or added or removed:
        edit = RegionEdit(removed, moved, added, applied)
        yield Change(TAG, _shown(found.regions) or None, _shown(_after(found, edit)) or None, edit)
    if not view.is_glance:
        yield from _claims(view, found, mine, shared, pairs, moved)


def _is_settled(found: RegionInfo, wanted: Sequence[StoredRegion], grid: Size) -> bool:
    """Whether the file holds exactly the wanted faces: then it does not matter whose they are."""
    if len(found.regions) != len(wanted):
        return False
    pairs = _pair(wanted, found, {})
    return all(at is not None and not _is_off(found.regions[at], region, grid) for region, at in pairs)


def _claims(
    view: View,
    found: RegionInfo,
    mine: Mapping[int, Claim],
    shared: Mapping[int, Claim],
    pairs: Sequence[tuple[StoredRegion, Optional[int]]],
    moved: Sequence[tuple[int, StoredRegion]],
) -> Iterator[Decision]:
    """Ours: what we added or moved, and what somebody of ours had claimed already; all else of ours is let go."""
    anew = {index for index, _ in moved}
    kept: set[Claim] = set()
    for region, index in pairs:
        if index is None or index in anew:
            yield Claimed(TAG, _claim(view, region))
        elif index in mine:
            kept.add(mine[index])
        elif index in shared:
            yield Claimed(TAG, _claim(view, found.regions[index]))
    for claim in view.claims.mine(Module.FACES, TAG):
        if claim not in kept:
            yield Released(TAG, claim)


def _claim(view: View, region: StoredRegion) -> Claim:
    claims = view.claims
    return Claim(Module.FACES.value, claims.user, TAG, claim_of(region))


def _claimed(found: RegionInfo, claims: Sequence[Claim]) -> dict[int, Claim]:
    """Claimed regions by position. Another program may have written the numbers anew: then the same place counts."""
    result: dict[int, Claim] = {}
    left = list(claims)
    for is_it in (lambda text, region: text == claim_of(region), _is_claimed):
        for index, region in enumerate(found.regions):
            claim = next((claim for claim in left if index not in result and is_it(claim.value, region)), None)
            if claim is not None:
                result[index] = claim
                left.remove(claim)
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
    wanted: Sequence[StoredRegion], found: RegionInfo, mine: Mapping[int, Claim]
) -> list[tuple[StoredRegion, Optional[int]]]:
    """Each wanted face with the position of the region that is it already: same name, best overlap, ours first."""
    free = set(range(len(found.regions)))
    pairs: list[tuple[StoredRegion, Optional[int]]] = []
    for region in wanted:
        best = _same_face(region, found, free, mine)
        free.discard(-1 if best is None else best)
        pairs.append((region, best))
    for number, (region, best) in enumerate(pairs):
        if best is None:
            # Our own region of that person, somewhere else: the face was moved in Immich.
            best = next((i for i in sorted(free & set(mine)) if nfc(found.regions[i].name) == nfc(region.name)), None)
            free.discard(-1 if best is None else best)
            pairs[number] = (region, best)
    return pairs


def _same_face(
    region: StoredRegion, found: RegionInfo, free: Collection[int], mine: Mapping[int, Claim]
) -> Optional[int]:
    best: Optional[int] = None
    score: tuple[bool, float] = (False, 0.0)
    for position in sorted(free):
        other = found.regions[position]
        if nfc(other.name) != nfc(region.name):
            continue
        shared = overlap(_box(other), _box(region))
        if shared >= SAME_FACE and (position in mine, shared) > score:
            best, score = position, (position in mine, shared)
    return best


def _box(region: StoredRegion) -> Box:
    return region.x, region.y, region.w, region.h


def overlap(one: Box, two: Box) -> float:
    """Intersection over union of two centre-based boxes, 0-1."""
    width = min(one[0] + one[2] / 2, two[0] + two[2] / 2) - max(one[0] - one[2] / 2, two[0] - two[2] / 2)
    height = min(one[1] + one[3] / 2, two[1] + two[3] / 2) - max(one[1] - one[3] / 2, two[1] - two[3] / 2)
    shared = max(0.0, width) * max(0.0, height)
    union = one[2] * one[3] + two[2] * two[3] - shared
    return shared / union if union > 0 else 0.0


def _is_off(found: StoredRegion, wanted: StoredRegion, grid: Size) -> bool:
    """Immich rounds down to `grid` when it reads back: an edge may be off by that much and is still the same."""
    across, down = (max(PIXELS / max(1, side), FRACTION) for side in grid)

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


def _dimensions(found: RegionInfo, raster: Optional[tuple[int, int]]) -> Optional[tuple[int, int]]:
    """The raster, unless it is not known or the file's own dimensions have the same aspect."""
    if raster and found.applied and found.applied[0] > 0 and found.applied[1] > 0:
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
