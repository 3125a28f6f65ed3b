"""Plan for the photo or video itself: its container's payloads, changed, as a patch.

Not here: the sidecar (sidecars.py) and how payloads change (target.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from immich_meta_writers.containers import Found, Payloads, jpeg
from immich_meta_writers.errors import DamagedError, SelfCheckError, UnsupportedError
from immich_meta_writers.file_types import TIFF, TIFF_RAW, FileType, refusal
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.patch import Patch, PatchedView
from immich_meta_writers.payloads import exif
from immich_meta_writers.plan.blocks import Blocks, decode
from immich_meta_writers.plan.files import OpenFile
from immich_meta_writers.plan.formats import FORMATS, Format, homes
from immich_meta_writers.plan.outcome import FilePlan
from immich_meta_writers.plan.previews import with_previews
from immich_meta_writers.plan.target import Geometry, Outcome, Target, require_settled, settle
from immich_meta_writers.plan.times import mtime_change, protected
from immich_meta_writers.policy import PlanOptions, WriteTo
from immich_meta_writers.source import MemorySource, SourceView

C2PA_NOTE = "C2PA content credentials stay in the file, but no longer match it"


@dataclass(frozen=True)
class Media:
    """A file as read: its type, what its container found, and its payloads decoded."""

    kind: FileType
    found: Found
    blocks: Blocks

    @property
    def format(self) -> Format:
        return FORMATS[self.kind]

    @property
    def geometry(self) -> Geometry:
        """A container that tells the orientation itself (HEIF, JPEG XL, movies) is believed more than EXIF."""
        orientation = self.found.orientation
        return Geometry(self.found.raster, self.blocks.orientation if orientation is None else orientation)


def read_media(file: OpenFile, kind: FileType) -> Media:
    """Raises StructureError, TruncatedError, ExifError, IptcError, XmpError, and UnsupportedError."""
    if kind not in FORMATS:
        raise UnsupportedError(refusal(kind, file.path, "written into"))
    found = FORMATS[kind].read(file.source)
    return Media(kind, found, decode(found.payloads))


def read_geometry(file: OpenFile, kind: FileType) -> Geometry:
    """The stored raster and its orientation, of raws built on TIFF too. Raises as `read_media`."""
    if kind == TIFF_RAW:
        kind = TIFF
    return read_media(file, kind).geometry


def plan_media(file: OpenFile, media: Media, wanted: PhotoMetadata, options: PlanOptions) -> FilePlan:
    """Raises UnsupportedError, NoRoomError, SelfCheckError, TruncatedError."""
    options = protected(file.status, wanted, options)
    target = Target(media.kind.kind, homes(media.kind), media.blocks, media.geometry, media.found.room)
    outcome = settle(target, wanted, options)
    payloads, patch = changed(media, outcome)
    drawback = media.found.drawback(patch) if patch.splices else None
    if drawback and options.write_to is WriteTo.AUTO:
        raise UnsupportedError(drawback, place=media.kind.name)
    if patch.splices:
        if media.format.check_whole is not None:
            media.format.check_whole(file.source, media.found)
        after = _read_back(file, media, payloads, patch)
        if after is not None:
            require_settled(target, after, outcome, wanted, options)
    times, mtime_ns = mtime_change(file.status, wanted, options, patch)
    return FilePlan(
        path=file.path,
        changes=outcome.changes + times,
        kept=outcome.kept,
        skipped=outcome.skipped,
        notes=_notes(media, patch, drawback),
        stamp=file.stamp,
        patch=patch,
        mtime_ns=mtime_ns,
    )


def plan_mtime(file: OpenFile, wanted: PhotoMetadata, options: PlanOptions) -> FilePlan:
    """Only the modification time: for a photo whose metadata goes into a sidecar."""
    changes, mtime_ns = mtime_change(file.status, wanted, options, Patch(file.status.st_size))
    return FilePlan(file.path, changes, stamp=file.stamp, mtime_ns=mtime_ns if changes else None)


def changed(media: Media, outcome: Outcome) -> tuple[Payloads, Patch]:
    """The payloads that are written, and what turns the file into one that has them.

    Raises NoRoomError, UnsupportedError.
    """
    if outcome.payloads is media.found.payloads:
        return outcome.payloads, Patch(media.found.size)
    patch = media.format.patch(media.found, outcome.payloads)
    if not isinstance(media.found, jpeg.JpegFile):
        return outcome.payloads, patch
    payloads = with_previews(media.found, media.blocks, outcome.payloads, patch)
    return payloads, patch if payloads is outcome.payloads else jpeg.patch(media.found, payloads)


def _read_back(file: OpenFile, media: Media, payloads: Payloads, patch: Patch) -> Optional[Blocks]:
    """The new file as its container will find it, before there is one; None when that is just the payloads.

    Raises SelfCheckError.
    """
    try:
        found = media.format.read(MemorySource(PatchedView(SourceView(file.source), patch)))
        blocks = None if _are_same(payloads, found.payloads) else decode(found.payloads)
    except (DamagedError, UnsupportedError) as error:
        raise SelfCheckError(f"the new file could not be read: {error.cause}", place=error.place) from error
    if (found.raster, found.orientation) != (media.found.raster, media.found.orientation):
        raise SelfCheckError("the new file would show another picture", place="self check")
    return blocks


def _are_same(wanted: Payloads, found: Payloads) -> bool:
    """A TIFF file is found with the other payloads in it, and says the same when every entry of its EXIF does."""
    if wanted.tiff is None or found.tiff is None:
        return wanted == found
    others = replace(wanted, tiff=None) == replace(found, tiff=None)
    return others and not exif.differences(exif.parse(wanted.tiff), exif.parse(found.tiff), ())


def _notes(media: Media, patch: Patch, drawback: Optional[str]) -> tuple[str, ...]:
    c2pa = (C2PA_NOTE,) if media.found.c2pa and patch.splices else ()
    return media.found.notes + c2pa + ((drawback,) if drawback else ())
