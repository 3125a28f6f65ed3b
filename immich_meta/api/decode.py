"""Answers of the API to the values of models.py: the one place that knows the field names.

Not here: requests (client.py), and reading single values (values.py).
Unknown fields are ignored and missing ones tolerated; only an asset without a usable id or path is invalid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Optional, Union

from immich_meta.api.models import (
    Album,
    Asset,
    Edit,
    ExifInfo,
    Face,
    InvalidAsset,
    Person,
    Server,
    Tag,
    User,
)
from immich_meta.api.values import Json, entries, flag, instant, integer, mapping, number, text, wall

MAX_PATH_LENGTH = 32_767
MAX_ID_LENGTH = 128

_UNUSABLE_IN_PATH = re.compile("[\0\ud800-\udfff]")
_EDIT_ACTIONS = ("crop", "rotate", "mirror")
_FILE_SIZE = "fileSizeInByte"
_ESSENTIAL = (
    "id",
    "originalPath",
    "originalFileName",
    "ownerId",
    "libraryId",
    "type",
    "checksum",
    "fileModifiedAt",
    "isTrashed",
    "isOffline",
    "visibility",
)


def server(version: object, features: object) -> Optional[Server]:
    """GET /server/version and /server/features; None when there is no version in it."""
    numbers = [integer(mapping(version).get(name)) for name in ("major", "minor", "patch")]
    if numbers[0] is None or numbers[1] is None:
        return None
    switches = {name: on for name, on in mapping(features).items() if isinstance(on, bool)}
    return Server((numbers[0], numbers[1], numbers[2] or 0), MappingProxyType(switches))


def user(answer: object) -> Optional[User]:
    """GET /users/me."""
    found = mapping(answer)
    user_id = _id(found.get("id"))
    return User(user_id, text(found.get("name")) or "") if user_id else None


def asset(item: object, listed: bytes = b"") -> Union[Asset, InvalidAsset]:
    """One item of POST /search/metadata (AssetResponseDto)."""
    return _read(item, listed, _asset)


def head(item: object, listed: bytes = b"") -> Union[Asset, InvalidAsset]:
    """An item without dates, people and the like, which take most of the time: what leads to its original."""
    return _read(item, listed, _head)


def has_tags(item: object) -> bool:
    """Whether the server listed the tags with an asset."""
    return isinstance(mapping(item).get("tags"), list)


def listing_digest(item: object, tags: Optional[Mapping[str, tuple[Tag, ...]]]) -> bytes:
    """Of all that an item says, and of its tags where these are known from elsewhere, by the asset's id."""
    said = repr((item, tags.get(str(mapping(item).get("id"))) if tags else None))
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _read(
    item: object, listed: bytes, read: Callable[[Json, str, str, bytes], Asset]
) -> Union[Asset, InvalidAsset]:
    fields = mapping(item)
    ident, path = _id(fields.get("id")), fields.get("originalPath")
    reason = "" if ident else "the server sent no usable id for it"
    if not isinstance(path, str) or not path:
        reason = reason or "the server sent no path for it"
    elif len(path) > MAX_PATH_LENGTH or _UNUSABLE_IN_PATH.search(path):
        reason = reason or "its path cannot be the name of a file"
    if reason or ident is None or not isinstance(path, str):
        return InvalidAsset(ident, _name_of(fields), reason)
    return read(fields, ident, path, listed)


def essentials(item: object) -> dict[str, object]:
    """What of an item leads to its original and proves it; `asset` takes it for one without any metadata."""
    fields = mapping(item)
    kept: dict[str, object] = {name: fields[name] for name in _ESSENTIAL if fields.get(name) is not None}
    size = mapping(fields.get("exifInfo")).get(_FILE_SIZE)
    return kept if size is None else {**kept, "exifInfo": {_FILE_SIZE: size}}


def _head(fields: Json, ident: str, path: str, listed: bytes) -> Asset:
    return Asset(
        id=ident,
        original_path=path,
        owner_id=text(fields.get("ownerId")),
        library_id=text(fields.get("libraryId")),
        kind=text(fields.get("type")) or "OTHER",
        checksum=text(fields.get("checksum")),
        is_trashed=flag(fields.get("isTrashed")),
        is_offline=flag(fields.get("isOffline")),
        visibility=text(fields.get("visibility")),
        live_photo_video_id=text(fields.get("livePhotoVideoId")),
        exif=ExifInfo(file_size=integer(mapping(fields.get("exifInfo")).get(_FILE_SIZE))),
        listed=listed,
    )


def _asset(fields: Json, ident: str, path: str, listed: bytes) -> Asset:
    exif, people = fields.get("exifInfo"), fields.get("people")
    return Asset(
        id=ident,
        original_path=path,
        original_file_name=text(fields.get("originalFileName")) or path.replace("\\", "/").rpartition("/")[2],
        owner_id=text(fields.get("ownerId")),
        library_id=text(fields.get("libraryId")),
        kind=text(fields.get("type")) or "OTHER",
        checksum=text(fields.get("checksum")),
        file_created_at=instant(fields.get("fileCreatedAt")),
        file_modified_at=instant(fields.get("fileModifiedAt")),
        local_date_time=wall(fields.get("localDateTime")),
        is_favorite=flag(fields.get("isFavorite")),
        is_trashed=flag(fields.get("isTrashed")),
        is_offline=flag(fields.get("isOffline")),
        is_edited=flag(fields.get("isEdited")),
        visibility=text(fields.get("visibility")),
        live_photo_video_id=text(fields.get("livePhotoVideoId")),
        rating=integer(fields.get("rating")),
        width=integer(fields.get("width")),
        height=integer(fields.get("height")),
        exif=_exif(mapping(exif)),
        exif_known=isinstance(exif, dict),
        people=tuple(_person(entry) for entry in entries(people)),
        people_known=isinstance(people, list),
        tags=tags(fields.get("tags")) if isinstance(fields.get("tags"), list) else None,
        updated_at=text(fields.get("updatedAt")) or "",
        listed=listed,
    )


def _exif(fields: Json) -> ExifInfo:
    description = fields.get("description")
    return ExifInfo(
        date_time_original=instant(fields.get("dateTimeOriginal")),
        date_time_created=instant(fields.get("dateTimeCreated")),
        modify_date=instant(fields.get("modifyDate")),
        time_zone=text(fields.get("timeZone")),
        latitude=number(fields.get("latitude")),
        longitude=number(fields.get("longitude")),
        altitude=number(fields.get("altitude")),
        description=description if isinstance(description, str) else None,
        rating=integer(fields.get("rating")),
        orientation=_orientation(fields.get("orientation")),
        file_size=integer(fields.get(_FILE_SIZE)),
        image_width=integer(fields.get("exifImageWidth")),
        image_height=integer(fields.get("exifImageHeight")),
    )


def _orientation(value: object) -> Optional[str]:
    # "1".."8" in every SDK; some forks send the number.
    whole = integer(value)
    return str(whole) if whole is not None else text(value)


def _person(fields: Json) -> Person:
    boxes = fields.get("faces")  # up to 2.7 only
    name = fields.get("name")
    return Person(
        id=_id(fields.get("id")) or "",
        name=name if isinstance(name, str) else "",
        is_hidden=flag(fields.get("isHidden")),
        faces=faces(boxes) if isinstance(boxes, list) else None,
    )


def faces(answer: object) -> tuple[Face, ...]:
    """GET /faces, or the boxes of a person in a search answer of 2.x."""
    return tuple(
        Face(
            image_width=number(fields.get("imageWidth")),
            image_height=number(fields.get("imageHeight")),
            x1=number(fields.get("boundingBoxX1")),
            y1=number(fields.get("boundingBoxY1")),
            x2=number(fields.get("boundingBoxX2")),
            y2=number(fields.get("boundingBoxY2")),
            source_type=text(fields.get("sourceType")),
            person=_person(mapping(fields["person"])) if isinstance(fields.get("person"), dict) else None,
        )
        for fields in entries(answer)
    )


def edits(answer: object) -> Optional[tuple[Edit, ...]]:
    """GET /assets/{id}/edits; None when a step in it is unknown, for then none of it can be undone."""
    listed = mapping(answer).get("edits")
    if not isinstance(listed, list):
        return None
    steps = []
    for step in listed:
        action = mapping(step).get("action")
        if not isinstance(action, str) or action not in _EDIT_ACTIONS:
            return None
        steps.append(Edit(action, MappingProxyType(dict(mapping(mapping(step).get("parameters"))))))
    return tuple(steps)


def albums(answer: object) -> tuple[Album, ...]:
    """GET /albums, of both generations."""
    found = []
    for fields in entries(answer):
        ident, name = _id(fields.get("id")), fields.get("albumName")
        if ident:
            found.append(
                Album(
                    id=ident,
                    name=name if isinstance(name, str) else "",
                    owner_id=_album_owner(fields),
                    shared=flag(fields.get("shared")),
                    asset_count=integer(fields.get("assetCount")),
                    updated_at=str(fields.get("updatedAt") or ""),
                )
            )
    return tuple(found)


def _album_owner(fields: Json) -> Optional[str]:
    # 2.x says ownerId; since 3.0 the owner is the member whose role says so.
    for member in entries(fields.get("albumUsers")):
        if member.get("role") == "owner":
            return _id(mapping(member.get("user")).get("id"))
    return _id(fields.get("ownerId"))


def people_states(pages: Iterable[object]) -> Iterator[tuple[str, str]]:
    """Ids and `updatedAt` out of pages of GET /people."""
    for page in pages:
        for person in entries(mapping(page).get("people")):
            ident = _id(person.get("id"))
            if ident:
                yield ident, text(person.get("updatedAt")) or ""


def ids(answer: object) -> tuple[str, ...]:
    """The ids of a list of objects."""
    return tuple(ident for ident in (_id(fields.get("id")) for fields in entries(answer)) if ident)


def tags(answer: object) -> tuple[Tag, ...]:
    """GET /tags, or the tags of an asset."""
    return tuple(
        Tag(ident, value)
        for ident, value in ((_id(each.get("id")), text(each.get("value"))) for each in entries(answer))
        if ident and value
    )


def _id(value: object) -> Optional[str]:
    found = text(value)
    return found if found and len(found) <= MAX_ID_LENGTH and found.isprintable() else None


def _name_of(fields: Json) -> str:
    """Something a person can find the asset by."""
    for name in ("originalFileName", "originalPath", "id"):
        found = text(fields.get(name))
        if found:
            return found[:200].encode("utf-8", "replace").decode("utf-8")
    return "an asset without a name"
