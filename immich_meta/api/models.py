"""What Immich says, as frozen values.

Not here: how JSON becomes these (decode.py), and what they mean for a file (mapping/).

None means that the server did not say, or said something that makes no sense. Field names follow the API's
(@immich/sdk 3.2.2, `fetch-client.d.ts`), in Python's spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Optional, Union

IMAGE = "IMAGE"
VIDEO = "VIDEO"

TIMELINE = "timeline"
ARCHIVE = "archive"
HIDDEN = "hidden"


@dataclass(frozen=True)
class User:
    """Whose key it is; `name` as its owner wrote it."""

    id: str
    name: str = ""


@dataclass(frozen=True)
class Server:
    """What answers: `version` is (major, minor, patch); `features` the switches of GET /server/features."""

    version: tuple[int, int, int]
    features: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_v3(self) -> bool:
        """Whether albums and visibility follow 3.0 (released 2026-07-01)."""
        return self.version[0] >= 3

    @property
    def imports_faces(self) -> bool:
        """Whether a re-read turns MWG regions into faces (admin setting metadata.faces.import)."""
        return self.features.get("importFaces", False)

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.version)


@dataclass(frozen=True)
class Face:
    """A box in pixels of an oriented image of image_width x image_height; edges may lie outside of it.

    `source_type` is machine-learning, exif, manual or None; `person` only in answers of GET /faces.
    """

    image_width: Optional[float]
    image_height: Optional[float]
    x1: Optional[float]
    y1: Optional[float]
    x2: Optional[float]
    y2: Optional[float]
    source_type: Optional[str] = None
    person: Optional[Person] = None


@dataclass(frozen=True)
class Person:
    """`name` is empty for an unnamed one. `faces`: the person's boxes in this asset; None = not known."""

    id: str
    name: str
    is_hidden: bool = False
    faces: Optional[tuple[Face, ...]] = None


@dataclass(frozen=True)
class Album:
    """`asset_count` is what the server says, for all owners; None when it does not. `updated_at` is its text."""

    id: str
    name: str
    owner_id: Optional[str] = None
    shared: bool = False
    asset_count: Optional[int] = None
    updated_at: str = ""


@dataclass(frozen=True)
class Tag:
    """`value` is the full path, `Travel/Berlin`."""

    id: str
    value: str


@dataclass(frozen=True)
class Edit:
    """One step of a non-destructive edit, in the order of application; `action` is crop, rotate or mirror."""

    action: str
    parameters: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class ExifInfo:
    """Dates are aware UTC. `date_time_original` of a file without a zone (`time_zone` None) is its wall clock
    labelled UTC; `modify_date` is the file's mtime. Degrees, metres, bytes, pixels of the stored raster."""

    date_time_original: Optional[datetime] = None
    date_time_created: Optional[datetime] = None
    modify_date: Optional[datetime] = None
    time_zone: Optional[str] = None
    latitude: Optional[float] = None
    longitude: Optional[float] = None
    altitude: Optional[float] = None
    description: Optional[str] = None
    rating: Optional[int] = None
    orientation: Optional[str] = None
    file_size: Optional[int] = None
    image_width: Optional[int] = None
    image_height: Optional[int] = None


@dataclass(frozen=True)
class Asset:
    """One photo or video.

    `library_id` None is the upload library. `checksum` is base64. `local_date_time` is naive: the wall clock.
    `people` are all of the answer, hidden and unnamed ones too; `people_known` and `exif_known` are False
    when the server sent none at all, which is not the same as an empty list. `tags` None: not known.
    `edits` None: not asked, or not to be had. `notes` say what could not be got for this asset alone.
    `still` is only there for the video of a live photo: the picture that speaks for it. `updated_at` is the server's
    text; names, albums and tags change without it. `listed` is a digest of all that the server said when it listed the
    asset.
    """

    id: str
    original_path: str
    original_file_name: str = ""
    owner_id: Optional[str] = None
    library_id: Optional[str] = None
    kind: str = IMAGE
    checksum: Optional[str] = None
    file_created_at: Optional[datetime] = None
    file_modified_at: Optional[datetime] = None
    local_date_time: Optional[datetime] = None
    is_favorite: bool = False
    is_trashed: bool = False
    is_offline: bool = False
    is_edited: bool = False
    visibility: Optional[str] = None
    live_photo_video_id: Optional[str] = None
    rating: Optional[int] = None
    width: Optional[int] = None
    height: Optional[int] = None
    exif: ExifInfo = ExifInfo()
    exif_known: bool = True
    people: tuple[Person, ...] = ()
    people_known: bool = True
    tags: Optional[tuple[Tag, ...]] = None
    edits: Optional[tuple[Edit, ...]] = None
    notes: tuple[str, ...] = ()
    still: Optional[Asset] = None
    updated_at: str = ""
    listed: bytes = b""

    @property
    def is_hidden_video(self) -> bool:
        """Whether Immich shows it only as the motion of a still: in no timeline, with no metadata of its own."""
        return self.kind == VIDEO and self.visibility == HIDDEN


@dataclass(frozen=True)
class SettledAsset:
    """An asset of which the caller of the listing knew enough; `path` is where its file is on this machine."""

    id: str
    path: str


@dataclass(frozen=True)
class InvalidAsset:
    """An asset that the server described so badly that it cannot be handled; the run counts it as failed."""

    id: Optional[str]
    name: str
    reason: str


Listed = Union[Asset, InvalidAsset, SettledAsset]
"""What the listing gives."""
