"""Plan for the XMP sidecar of a photo: the one that exists, or a new one.

Not here: when a sidecar is wanted (plan/__init__.py).
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Optional

from immich_meta_writers.addresses import XmpAddress, XmpKind
from immich_meta_writers.containers import Payloads, sidecar
from immich_meta_writers.errors import naming
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.plan.blocks import Blocks, decode
from immich_meta_writers.plan.files import OpenFile, ending, find_sidecar, opened, require_near
from immich_meta_writers.plan.outcome import FilePlan
from immich_meta_writers.plan.target import Geometry, Target, settle
from immich_meta_writers.plan.tree import mirrored
from immich_meta_writers.policy import PlanOptions
from immich_meta_writers.tags import PHOTOSHOP, FileKind

_SIDECAR_FOR = XmpAddress(PHOTOSHOP, "SidecarForExtension", "photoshop", XmpKind.SIMPLE)


def sidecar_of(path: str) -> Optional[str]:
    """The path of the sidecar that belongs to a photo; None when there is none. Raises XmpError, AccessError."""
    place = find_sidecar(path)
    if not place.exists or (place.shared and not _belongs(place.path, path)):
        return None
    return place.path


def _belongs(sidecar_path: str, path: str) -> bool:
    """`IMG.xmp` may say for which ending it is (photoshop:SidecarForExtension)."""
    packet = read_sidecar(sidecar_path).xmp
    value = None if packet is None else packet.get(_SIDECAR_FOR)
    return not isinstance(value, str) or value.strip().upper() in ("", ending(path))


def read_sidecar(path: str) -> Blocks:
    """Raises EmptyFileError, StructureError, XmpError, AccessError."""
    with naming(path), opened(path) as file:
        return decode(sidecar.read(file.source).payloads)


def plan_sidecar(
    path: str,
    wanted: PhotoMetadata,
    options: PlanOptions,
    geometry: Geometry,
) -> FilePlan:
    """Changes of an existing sidecar. `geometry` is the photo's."""
    require_near(path)
    with naming(path), opened(path) as file:
        found = sidecar.read(file.source)
        outcome = settle(_target(decode(found.payloads), geometry), wanted, options)
        return FilePlan(
            path=path,
            changes=outcome.changes,
            kept=outcome.kept,
            skipped=outcome.skipped,
            stamp=file.stamp,
            patch=sidecar.patch(found, outcome.payloads),
        )


def new_sidecar(
    path: str,
    wanted: PhotoMetadata,
    options: PlanOptions,
    geometry: Geometry,
    *,
    beside: os.stat_result,
    blocks: Optional[Blocks] = None,
) -> FilePlan:
    """A sidecar that is made for a photo, of `blocks` that are there already; without anything to say it is not."""
    outcome = settle(_target(blocks or Blocks(Payloads()), geometry), wanted, options)
    return FilePlan(
        path=path,
        changes=outcome.changes,
        kept=outcome.kept,
        skipped=outcome.skipped,
        content=outcome.payloads.xmp,
        beside=beside,
    )


def plan_mirrored(
    photo: OpenFile, tree: str, wanted: PhotoMetadata, options: PlanOptions, geometry: Geometry
) -> FilePlan:
    """The sidecar in a tree. Before there is one, that beside the photo is what it begins with: nothing of what other
    programs wrote there is lost; from then on only the one in the tree counts."""
    place = mirrored(photo.path, tree)
    place.require_sound()
    if os.path.lexists(place.path):
        return replace(plan_sidecar(place.path, wanted, options, geometry), mirrored=place)
    base = sidecar_of(photo.path)
    blocks = Blocks(Payloads()) if base is None else read_sidecar(base)
    made = new_sidecar(place.path, wanted, options, geometry, beside=photo.status, blocks=blocks)
    return replace(made, mirrored=place)


def _target(blocks: Blocks, geometry: Geometry) -> Target:
    return Target(FileKind.SIDECAR, frozenset({XmpAddress}), blocks, geometry)
