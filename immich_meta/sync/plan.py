"""One asset to one plan: where its file is, what it should say, what that would change. Reads, never writes.

Not here: fetching assets (api/), carrying plans out and counting (engine.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, Optional, Union

from immich_meta.api.models import Asset, InvalidAsset
from immich_meta.mapping.compose import Mapped, MappingOptions, to_metadata
from immich_meta.mapping.notes import Notes
from immich_meta.sync.path_outcomes import Resolution, Resolved
from immich_meta.sync.report import Failure, LivePhoto, Result, Status
from immich_meta_writers import PhotoMetadata, Plan, PlanOptions, WriterError
from immich_meta_writers.errors import UnsupportedError
from immich_meta_writers.tags import Module

LivePhotos = Literal["both", "still"]
Planner = Callable[[str, PhotoMetadata, PlanOptions], Plan]
Resolver = Callable[[Asset], Resolution]


@dataclass(frozen=True)
class PlanningOptions:
    """How assets become plans. `protect_newer`: files edited since the server read them keep their single values.
    `live_photos`: the video of a live photo gets what is said of its still, or is left alone."""

    mapping: MappingOptions
    writing: PlanOptions
    protect_newer: bool = False
    live_photos: LivePhotos = "both"


@dataclass(frozen=True)
class Planned:
    """A plan that is ready to be carried out, and what it would be reported as."""

    asset: Asset
    plan: Plan
    notes: Notes


def plan_asset(
    asset: Union[Asset, InvalidAsset],
    albums: Mapping[str, tuple[str, ...]],
    resolve: Resolver,
    planner: Planner,
    options: PlanningOptions,
    today: date,
) -> Union[Planned, Result]:
    """A plan, or the result when there is none to be had. Raises nothing for what a server or a file says."""
    if isinstance(asset, InvalidAsset):
        return Result(asset.name, Status.FAILED, asset_id=asset.id, error=Failure("bad_answer", asset.reason))
    found = resolve(asset)
    if not isinstance(found, Resolved):
        return _result(asset, asset.original_path, found.status, found.failure)
    if asset.is_hidden_video and (asset.still is None or options.live_photos == "still"):
        return _left_alone(asset, found.path, options.live_photos)
    mapped = _mapped(asset, albums, options.mapping, today)
    wanted = replace(mapped.metadata, asset_id=asset.id)
    try:
        plan = planner(found.path, wanted, _writing(asset, options))
    except WriterError as error:
        return failed(asset, found.path, error)
    return Planned(asset, plan, mapped.notes)


def _mapped(asset: Asset, albums: Mapping[str, tuple[str, ...]], options: MappingOptions, today: date) -> Mapped:
    """What the file should say. For the video of a live photo its still speaks, of everything but where faces are:
    those move."""
    speaks = asset.still or asset
    if asset.still is not None:
        options = replace(options, modules=options.modules - {Module.FACES})
    return to_metadata(
        speaks, albums=albums.get(speaks.id, ()), faces=None, edits=None, options=options, today=today
    )


def _left_alone(video: Asset, path: str, live_photos: LivePhotos) -> Result:
    """Immich says nothing of a hidden video itself: with that, all would go that its still has given it."""
    if live_photos == "still":
        note = "the video of a live photo, left as it is: --live-photos still"
        return replace(_result(video, path, Status.UNCHANGED), notes=(note,))
    reason = f"{path} is the video of a live photo whose still is not listed (trash, locked folder): left as it is"
    return _result(video, path, Status.UNSUPPORTED, Failure("still_not_listed", reason))


def failed(asset: Asset, path: str, error: WriterError) -> Result:
    """The result of an asset whose file could not be read or written."""
    status = Status.UNSUPPORTED if isinstance(error, UnsupportedError) else Status.FAILED
    return _result(asset, path, status, Failure(error.kind, str(error)))


def succeeded(planned: Planned, status: Status) -> Result:
    """The result of a plan that was carried out, simulated, or empty."""
    plan = planned.plan
    sidecar = plan.sidecar if plan.sidecar and plan.sidecar.changes else None
    return Result(
        path=plan.path,
        status=status,
        changes=plan.changes,
        kept=plan.kept,
        skipped=plan.skipped,
        sidecar=sidecar.path if sidecar else None,
        asset_id=planned.asset.id,
        live_photo=_live_photo(planned.asset),
        notes=tuple(note.text for note in planned.notes if not note.is_debug) + planned.asset.notes + plan.notes,
    )


def _result(asset: Asset, path: str, status: Status, error: Optional[Failure] = None) -> Result:
    return Result(path, status, asset_id=asset.id, error=error, live_photo=_live_photo(asset), notes=asset.notes)


def _live_photo(asset: Asset) -> Optional[LivePhoto]:
    if asset.still is not None:
        return LivePhoto("video", asset.still.id, asset.still.original_file_name)
    return LivePhoto("still", asset.live_photo_video_id) if asset.live_photo_video_id else None


def _writing(asset: Asset, options: PlanningOptions) -> PlanOptions:
    read_at: Optional[float] = None
    if options.protect_newer and asset.file_modified_at is not None:
        read_at = asset.file_modified_at.timestamp()
    return options.writing if read_at is None else replace(options.writing, protect_after=read_at)
