"""The face of the engine: read a photo's metadata, plan what a change of it would do, and do it.

Not here: any decision about a tag (merge/), any byte (containers/, payloads/), any writing (commit/).
"""

from __future__ import annotations

import os
from typing import Optional, Union

from immich_meta_writers import file_types
from immich_meta_writers.changes import Shown
from immich_meta_writers.errors import DamagedError, UnsupportedError, naming
from immich_meta_writers.file_types import FileType
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.plan.batch import apply_all
from immich_meta_writers.plan.files import OpenFile, marks, opened
from immich_meta_writers.plan.media import plan_media, plan_mtime, read_geometry, read_media
from immich_meta_writers.plan.outcome import FilePlan, Plan
from immich_meta_writers.plan.shown import shown
from immich_meta_writers.plan.sidecars import new_sidecar, plan_mirrored, plan_sidecar, read_sidecar, sidecar_of
from immich_meta_writers.plan.target import Geometry
from immich_meta_writers.plan.tree import mirrored, written_in
from immich_meta_writers.plan.wanted import prepared
from immich_meta_writers.policy import PlanOptions, WriteTo
from immich_meta_writers.tags import TABLE

__all__ = ["FilePlan", "Plan", "apply_all", "marks", "mirrored", "plan", "read", "read_sidecar_of", "written_in"]

DEFAULTS = PlanOptions()
AnyPath = Union[str, "os.PathLike[str]"]


def read(path: AnyPath, *, mends: bool = True) -> dict[str, Shown]:
    """What a photo says, by ExifTool's tag names; only the tags of the contract that are there. `mends`: what a killed
    run left half written of it is brought back first.

    Angles in degrees (unsigned, beside their reference), dates as text. Raises DamagedError, UnsupportedError (a
    format that this package does not embed into), AccessError.
    """
    path = os.fspath(path)
    with naming(path), opened(path, mends=mends) as file:
        kind = _type_of(file)
        if not kind.embeds:
            cure = f"what is known of it is in its sidecar, {path}.xmp, once there is one"
            raise UnsupportedError(file_types.refusal(kind, path, "read from"), cure=cure)
        return shown(read_media(file, kind).blocks.values(TABLE))


def read_sidecar_of(path: AnyPath) -> tuple[Optional[str], dict[str, Shown]]:
    """The path of a photo's sidecar and what it says; (None, {}) when there is none. Raises as `read`."""
    path = os.fspath(path)
    with naming(path):
        found = sidecar_of(path)
        return found, {} if found is None else shown(read_sidecar(found).values(TABLE))


def plan(path: AnyPath, wanted: PhotoMetadata, options: PlanOptions = DEFAULTS) -> Plan:
    """What writing `wanted` into a photo, and into its sidecar, would change. Writes nothing.

    Raises DamagedError, UnsupportedError (only with WriteTo.EMBED), AccessError, SelfCheckError, MetadataError; each
    names the file.
    """
    path = os.fspath(path)
    wanted = prepared(wanted)
    with naming(path), opened(path, mends=options.sidecar_dir is None) as file:
        if options.write_to is WriteTo.SIDECAR or options.sidecar_dir is not None:
            return _beside(file, wanted, options)
        return _inside(file, wanted, options)


def _type_of(file: OpenFile) -> FileType:
    return file_types.detect(file.source.read_at(0, file_types.HEAD), file.path)


def _inside(file: OpenFile, wanted: PhotoMetadata, options: PlanOptions) -> Plan:
    """Into the photo where it can hold it, and into a sidecar that exists; else into a sidecar, if that is allowed."""
    kind = _type_of(file)
    geometry, makes_sidecar = Geometry(), options.write_to is WriteTo.BOTH
    try:
        media = read_media(file, kind)
        geometry = media.geometry
        inside = plan_media(file, media, wanted, options)
    except UnsupportedError:
        if options.write_to is WriteTo.EMBED:
            raise
        inside, makes_sidecar = plan_mtime(file, wanted, options), True
        geometry = geometry if kind.embeds else _geometry(file)
    return Plan(file.path, inside, _sidecar(file, geometry, wanted, options, makes=makes_sidecar))


def _beside(file: OpenFile, wanted: PhotoMetadata, options: PlanOptions) -> Plan:
    """Only into the sidecar: even a damaged photo may have one."""
    return Plan(file.path, None, _sidecar(file, _geometry(file), wanted, options, makes=True))


def _geometry(file: OpenFile) -> Geometry:
    """What faces in a sidecar count from, as far as the photo tells."""
    try:
        return read_geometry(file, _type_of(file))
    except (DamagedError, UnsupportedError):
        return Geometry()


def _sidecar(
    file: OpenFile, geometry: Geometry, wanted: PhotoMetadata, options: PlanOptions, *, makes: bool
) -> Optional[FilePlan]:
    if options.sidecar_dir is not None:
        return plan_mirrored(file, options.sidecar_dir, wanted, options, geometry)
    found = sidecar_of(file.path)
    if found is not None:
        return plan_sidecar(found, wanted, options, geometry)
    if not makes:
        return None
    return new_sidecar(file.path + ".xmp", wanted, options, geometry, beside=file.status)
