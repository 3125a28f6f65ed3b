"""What the stand-in server knows: a small library that tests and the demo build and change as a user would.

Not here: how it is told in JSON (answers.py), and what Immich makes of a file (reread.py).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Optional

from immich_meta.demo.zones import label_of, offset_at

OWNER = "a6b1c5d2-0000-4000-8000-000000000001"
PARTNER = "a6b1c5d2-0000-4000-8000-000000000002"

_EPOCH = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
_EPOCH_WALL = datetime(2024, 1, 1, 12)

Box = tuple[float, float, float, float]


@dataclass(eq=False)
class DemoPerson:
    id: str
    name: str
    is_hidden: bool = False
    updated_at: datetime = _EPOCH


@dataclass(eq=False)
class DemoFace:
    """A box in pixels (x1, y1, x2, y2) of the displayed image of `size` (width, height)."""

    id: str
    person: Optional[DemoPerson]
    box: Box
    size: tuple[float, float]
    source_type: str = "machine-learning"


@dataclass(eq=False)
class DemoTag:
    id: str
    value: str
    parent: Optional[DemoTag] = None


@dataclass(eq=False)
class DemoAlbum:
    """`assets` are ids in the order of adding."""

    id: str
    name: str
    owner_id: str = OWNER
    shared: bool = False
    assets: dict[str, None] = field(default_factory=dict)


@dataclass(eq=False)
class DemoAsset:
    """One photo or video, with the columns of asset and asset_exif. Dates aware UTC, `local_date_time` naive.

    `width` x `height` is the stored raster. `modify_date` None: follows file_modified_at. `has_sidecar`: the
    server knows of one. `overrides` and `exif_overrides` replace fields of the JSON by anything at all; the value
    `ABSENT` takes a field away.
    """

    id: str
    original_path: str
    original_file_name: str
    owner_id: str = OWNER
    library_id: Optional[str] = None
    kind: str = "IMAGE"
    checksum: str = ""
    file_created_at: datetime = _EPOCH
    file_modified_at: datetime = _EPOCH
    updated_at: datetime = _EPOCH
    local_date_time: datetime = _EPOCH_WALL
    date_time_original: Optional[datetime] = None
    modify_date: Optional[datetime] = None
    time_zone: Optional[str] = None
    is_favorite: bool = False
    is_trashed: bool = False
    is_offline: bool = False
    visibility: str = "timeline"
    live_photo_video_id: Optional[str] = None
    rating: Optional[int] = None
    description: str = ""
    latitude: Optional[float] = None
    longitude: Optional[float] = None
    altitude: Optional[float] = None
    orientation: str = "1"
    width: int = 4032
    height: int = 3024
    size: Optional[int] = None
    has_sidecar: bool = False
    content: Optional[bytes] = field(default=None, repr=False)
    people: list[DemoPerson] = field(default_factory=list)
    faces: list[DemoFace] = field(default_factory=list)
    tags: list[DemoTag] = field(default_factory=list)
    edits: list[Mapping[str, object]] = field(default_factory=list)
    overrides: dict[str, object] = field(default_factory=dict)
    exif_overrides: dict[str, object] = field(default_factory=dict)

    @property
    def displayed_size(self) -> tuple[int, int]:
        """Width and height as the viewer sees it: swapped for orientations 5 to 8."""
        turned = self.orientation in ("5", "6", "7", "8")
        return (self.height, self.width) if turned else (self.width, self.height)

    def set_date(self, wall: datetime, time_zone: Optional[str]) -> None:
        """The date as Immich keeps it: without a zone the wall clock is labelled UTC (IMMICH.md, 3)."""
        offset = offset_at(time_zone, wall) if time_zone else timedelta(0)
        self.date_time_original = (wall - offset).replace(tzinfo=timezone.utc)
        self.time_zone = time_zone
        self.local_date_time = wall
        self.file_created_at = self.date_time_original


ABSENT = object()


class Library:
    """One user's library, a partner's assets within it. People, albums and tags go by name, each once.

    `first_number`: ids count from there; those of two users on one server must not be the same.
    """

    def __init__(
        self, *, owner_id: str = OWNER, partner_ids: Sequence[str] = (PARTNER,), first_number: int = 1
    ) -> None:
        self.owner_id = owner_id
        self.partner_ids = tuple(partner_ids)
        self.assets: dict[str, DemoAsset] = {}
        self.people: dict[str, DemoPerson] = {}
        self.albums: dict[str, DemoAlbum] = {}
        self.tags: dict[str, DemoTag] = {}
        self._numbers = itertools.count(first_number)

    def add_photo(
        self,
        path: str,
        *,
        people: Iterable[str] = (),
        boxes: Optional[Mapping[str, Box]] = None,
        albums: Iterable[str] = (),
        tags: Iterable[str] = (),
        date: Optional[datetime] = None,
        time_zone: Optional[str] = None,
        mtime: Optional[datetime] = None,
        favorite: bool = False,
        content: Optional[bytes] = None,
        **columns: object,
    ) -> DemoAsset:
        """A photo at Immich's `path`.

        `boxes`: name to (x1, y1, x2, y2) in pixels of the displayed image; the names count as people too.
        `date`: naive is the wall clock in `time_zone` (None: no zone known), aware is an instant whose offset
        becomes the zone when none is given. `mtime` is aware. `content`: the file's bytes (size and SHA-1).
        `columns`: any other field of DemoAsset (rating, description, latitude, visibility, is_trashed ...).
        """
        asset = DemoAsset(
            id=self.new_id(),
            original_path=path,
            original_file_name=path.rpartition("/")[2],
            is_favorite=favorite,
            checksum=_sha1(path.encode("utf-8", "replace")),
        )
        asset.owner_id = self.owner_id
        if date is not None and date.tzinfo is not None:
            offset = date.utcoffset() or timedelta(0)
            time_zone = time_zone or label_of(offset)
            date = date.astimezone(timezone.utc).replace(tzinfo=None)
            date += offset_at(time_zone, date + offset)
        if date is not None:
            asset.set_date(date, time_zone)
        asset.file_modified_at = mtime or asset.file_created_at
        if content is not None:
            asset.size = len(content)
            asset.content = content
            asset.checksum = _sha1(content)
        for name, value in columns.items():
            if not hasattr(asset, name):
                raise TypeError(f"DemoAsset has no field {name!r}")
            setattr(asset, name, value)
        self.assets[asset.id] = asset
        self.set_people(asset, people)
        for name, box in (boxes or {}).items():
            self.add_face(asset, name, box)
        for album in albums:
            self.put_in_album(asset, album)
        self.set_tags(asset, tags)
        return asset

    def add_video(self, path: str, *, date: Optional[datetime] = None, **fields: object) -> DemoAsset:
        """A video; the fields are those of add_photo."""
        return self.add_photo(path, date=date, kind="VIDEO", **fields)  # type: ignore[arg-type]

    def add_motion_part(self, still: DemoAsset, path: str, **fields: object) -> DemoAsset:
        """The hidden video of a live photo, linked from its still; the fields are those of add_photo."""
        part = self.add_video(path, visibility="hidden", **fields)  # type: ignore[arg-type]
        part.file_created_at, part.file_modified_at = still.file_created_at, still.file_modified_at
        still.live_photo_video_id = part.id
        return part

    def person(self, name: str, *, hidden: bool = False) -> DemoPerson:
        """The person of that name, made when there is none."""
        found = self.people.get(name)
        if found is None:
            found = self.people[name] = DemoPerson(self.new_id(), name, hidden)
        return found

    def rename_person(self, old: str, new: str) -> None:
        person = self.people.pop(old)
        person.name = new
        self.people[new] = person

    def set_people(self, asset: DemoAsset, names: Iterable[str]) -> None:
        """These people and no others; boxes of the others go."""
        asset.people = [self.person(name) for name in names]
        asset.faces = [face for face in asset.faces if face.person is None or face.person in asset.people]

    def add_face(
        self,
        asset: DemoAsset,
        name: Optional[str],
        box: Box,
        *,
        size: Optional[tuple[float, float]] = None,
        source_type: str = "machine-learning",
    ) -> DemoFace:
        """A box; `name` None: a face of nobody; `size`: of the image it was found in (None: as displayed)."""
        person = self.person(name) if name is not None else None
        if person is not None and person not in asset.people:
            asset.people.append(person)
        face = DemoFace(self.new_id(), person, box, size or asset.displayed_size, source_type)
        asset.faces.append(face)
        return face

    def album(self, name: str, *, shared: bool = False, owner_id: Optional[str] = None) -> DemoAlbum:
        """The album of that name, made when there is none."""
        found = self.albums.get(name)
        if found is None:
            found = DemoAlbum(self.new_id(), name, owner_id or self.owner_id, shared)
            self.albums[name] = found
        return found

    def put_in_album(self, asset: DemoAsset, name: str) -> None:
        self.album(name).assets[asset.id] = None

    def take_from_album(self, asset: DemoAsset, name: str) -> None:
        del self.album(name).assets[asset.id]

    def tag(self, value: str) -> DemoTag:
        """The tag of that path, made with those above it when there is none."""
        found = self.tags.get(value)
        if found is None:
            above = value.rpartition("/")[0]
            parent = self.tag(above) if above else None
            found = self.tags[value] = DemoTag(self.new_id(), value, parent)
        return found

    def set_tags(self, asset: DemoAsset, values: Iterable[str]) -> None:
        """These tags and no others."""
        asset.tags = [self.tag(value) for value in dict.fromkeys(values)]

    def by_path(self, path: str) -> DemoAsset:
        return next(asset for asset in self.assets.values() if asset.original_path == path)

    def new_id(self) -> str:
        return f"5f1b1f0c-6a0e-4b7e-9f55-{next(self._numbers):012x}"


def _sha1(content: bytes) -> str:
    """As Immich tells checksums; it secures nothing."""
    return base64.b64encode(hashlib.sha1(content).digest()).decode()  # noqa: S324
