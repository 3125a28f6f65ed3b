"""One asset to one task: where its file is and what marks it, what it should say. Opens no file.

Not here: fetching assets (api/), looking at files (work.py), and in which process that is done (crew.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Literal, Optional, Union

from immich_meta.api.models import Asset
from immich_meta.mapping.compose import Mapped, MappingOptions, to_metadata
from immich_meta.mapping.notes import NoteKind
from immich_meta.sync.path_outcomes import Resolution, Resolved
from immich_meta.sync.report import Failure, LivePhoto, Result, Status
from immich_meta.sync.turns import Earlier
from immich_meta_writers import PhotoMetadata, PlanOptions
from immich_meta_writers.plan import marks
from immich_meta_writers.tags import Module

LivePhotos = Literal["both", "still"]
Resolver = Callable[[Asset], Resolution]


@dataclass(frozen=True)
class PlanningOptions:
    """How assets become tasks. `protect_newer`: files edited since the server read them keep their single values.
    `live_photos`: the video of a live photo gets what is said of its still, or is left alone. `check_checksum`: an
    original of the upload library has to have the server's SHA-1 before it is changed for the first time."""

    mapping: MappingOptions
    writing: PlanOptions
    protect_newer: bool = False
    live_photos: LivePhotos = "both"
    check_checksum: bool = False


class Mode(Enum):
    """What may be done to a file. ASK, SPARE: when an original of the upload library would be changed for the first
    time, somebody has to be asked, or has said no; all else is written."""

    LOOK = "look"
    WRITE = "write"
    ASK = "ask"
    SPARE = "spare"
    FOLLOW = "follow"
    """The file is another asset's too, or another user's: it may only be found to say the same."""


@dataclass(frozen=True)
class Task:
    """One file to be looked at: all that a worker in another process needs. `checksum` None: not to be checked."""

    asset_id: str
    path: str
    wanted: PhotoMetadata
    options: PlanOptions
    is_upload: bool = False
    checksum: Optional[str] = None
    live_photo: Optional[LivePhoto] = None
    notes: tuple[str, ...] = ()
    asset_notes: tuple[str, ...] = ()
    date_moved: bool = False
    mode: Mode = Mode.WRITE
    files: str = ""
    """What marked the photo and its sidecar before anybody looked into them (immich_meta_writers.marks)."""
    earlier: Optional[Earlier] = None
    """In the mode FOLLOW: the user who reached the file before this one did."""
    is_again: bool = False
    """A process was lost over it: it may have been done."""

    @property
    def size(self) -> int:
        """Bytes of the photo, as `files` tells; 0: not known."""
        return int(self.files.partition(":")[0] or 0)

    def failed(self, failure: Failure, status: Status = Status.FAILED) -> Result:
        """The result when nothing could be done."""
        return self._result(status, failure, self.asset_notes)

    def settled(self) -> Result:
        """The result when nobody had to look into the file: it is as the last run left it."""
        return self._result(Status.UNCHANGED, None, self.notes + self.asset_notes)

    def _result(self, status: Status, error: Optional[Failure], notes: tuple[str, ...]) -> Result:
        return Result(
            self.path, status, asset_id=self.asset_id, error=error, live_photo=self.live_photo, notes=notes
        )


def to_task(
    asset: Asset,
    albums: Mapping[str, tuple[str, ...]],
    resolve: Resolver,
    options: PlanningOptions,
    today: date,
) -> Union[Task, Result]:
    """A task, or the result when there is nothing to be done. Raises nothing for what a server says."""
    found = resolve(asset)
    if not isinstance(found, Resolved):
        return _result(asset, asset.original_path, found.status, found.failure)
    if asset.is_hidden_video and (asset.still is None or options.live_photos == "still"):
        return _left_alone(asset, found.path, options.live_photos)
    mapped = _mapped(asset, albums, options.mapping, today)
    wanted = mapped.metadata
    return Task(
        asset.id,
        found.path,
        wanted if asset.still is None else replace(wanted, asset_id=asset.id),
        _writing(asset, options),
        is_upload=asset.library_id is None,
        checksum=asset.checksum if options.check_checksum and asset.library_id is None else None,
        live_photo=_live_photo(asset),
        notes=tuple(note.text for note in mapped.notes if not note.is_debug),
        asset_notes=asset.notes,
        date_moved=any(note.kind is NoteKind.DATE_MOVED for note in mapped.notes),
        files=marks(found.path, options.writing.sidecar_dir),
    )


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
