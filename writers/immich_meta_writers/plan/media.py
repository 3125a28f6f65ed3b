"""Plan for the photo itself: its container's payloads, changed, as a patch.

Not here: the sidecar (sidecars.py) and how payloads change (target.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from immich_meta_writers.containers import Payloads, jpeg
from immich_meta_writers.errors import UnsupportedError
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.patch import Patch
from immich_meta_writers.payloads import exif
from immich_meta_writers.plan.blocks import Blocks, decode
from immich_meta_writers.plan.files import OpenFile
from immich_meta_writers.plan.outcome import FilePlan
from immich_meta_writers.plan.target import Outcome, Target, settle
from immich_meta_writers.plan.times import mtime_change, protected
from immich_meta_writers.policy import PlanOptions, WriteTo
from immich_meta_writers.tags import FileKind

C2PA_NOTE = "C2PA content credentials stay in the file, but no longer match it"


@dataclass(frozen=True)
class Media:
    """A photo as read: what its container found, and its payloads decoded."""

    found: jpeg.JpegFile
    blocks: Blocks

    @property
    def raster(self) -> Optional[tuple[int, int]]:
        """Stored width and height in pixels."""
        return self.found.raster


def read_media(file: OpenFile) -> Media:
    """Raises StructureError, TruncatedError, ExifError, IptcError, XmpError."""
    found = jpeg.read(file.source)
    return Media(found, decode(found.payloads))


def plan_media(file: OpenFile, media: Media, wanted: PhotoMetadata, options: PlanOptions) -> FilePlan:
    """Raises UnsupportedError, NoRoomError, SelfCheckError, TruncatedError."""
    options = protected(file.status, wanted, options)
    target = Target(
        kind=FileKind.IMAGE,
        blocks=media.blocks,
        raster=media.raster,
        orientation=media.blocks.orientation,
        exif_room=jpeg.PAYLOAD_ROOM["exif"],
        xmp_room=jpeg.PAYLOAD_ROOM["xmp"],
    )
    outcome = settle(target, wanted, options)
    patch = _patch(media, outcome)
    if media.found.has_absolute_trailer and jpeg.growth(patch) and options.write_to is WriteTo.AUTO:
        raise UnsupportedError("a trailer with an absolute offset (AFCP) would have to be changed", place="trailer")
    if patch.splices:
        jpeg.check_whole(file.source, media.found)
    times, mtime_ns = mtime_change(file.status, wanted, options, patch)
    return FilePlan(
        path=file.path,
        changes=outcome.changes + times,
        kept=outcome.kept,
        skipped=outcome.skipped,
        notes=_notes(media, patch),
        stamp=file.stamp,
        patch=patch,
        mtime_ns=mtime_ns,
    )


def plan_mtime(file: OpenFile, wanted: PhotoMetadata, options: PlanOptions) -> FilePlan:
    """Only the modification time: for a photo whose metadata goes into a sidecar."""
    changes, mtime_ns = mtime_change(file.status, wanted, options, Patch(file.status.st_size))
    return FilePlan(file.path, changes, stamp=file.stamp, mtime_ns=mtime_ns if changes else None)


def _patch(media: Media, outcome: Outcome) -> Patch:
    if outcome.payloads is media.found.payloads:
        return Patch(media.found.size)
    patch = jpeg.patch(media.found, outcome.payloads)
    block, start = outcome.payloads.exif, media.found.exif_at
    if not patch.splices or block is None or media.blocks.exif is None or start is None:
        return patch
    # Some cameras keep a preview behind the picture and point to it from the start of the Exif block.
    in_front = Patch(patch.size, tuple(splice for splice in patch.splices if splice.offset < start))
    growth = jpeg.growth(patch) - jpeg.growth(in_front)
    shifted = exif.shift_maker_note(exif.parse(block), behind=len(media.blocks.exif.data), growth=growth)
    return patch if shifted == block else jpeg.patch(media.found, _with_exif(outcome.payloads, shifted))


def _with_exif(payloads: Payloads, block: bytes) -> Payloads:
    return replace(payloads, exif=block)


def _notes(media: Media, patch: Patch) -> tuple[str, ...]:
    c2pa = (C2PA_NOTE,) if media.found.c2pa and patch.splices else ()
    return media.found.notes + c2pa
