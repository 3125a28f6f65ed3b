"""The stand-in's library as Immich tells it: JSON of both generations (@immich/sdk 2.7.5 and 3.2.2).

Not here: which assets are told (search.py) and to whom (api.py).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Optional

from immich_meta.demo.library import ABSENT, DemoAlbum, DemoAsset, DemoFace, DemoPerson, DemoTag, Library

Json = dict[str, object]

_STAMP = "2026-10-01T00:00:00.000Z"


def asset_json(
    asset: DemoAsset,
    *,
    user_id: str,
    v3: bool,
    with_exif: bool = True,
    with_people: bool = True,
    with_tags: bool = False,
) -> Json:
    """AssetResponseDto. Of other people's assets nobody learns the people nor the heart (asset.service)."""
    mine = asset.owner_id == user_id
    width, height = asset.displayed_size
    answer: Json = {
        "id": asset.id,
        "createdAt": _STAMP,
        "ownerId": asset.owner_id,
        "libraryId": asset.library_id,
        "type": asset.kind,
        "originalPath": asset.original_path,
        "originalFileName": asset.original_file_name,
        "originalMimeType": _mime_type(asset),
        "thumbhash": None,
        "checksum": asset.checksum,
        "fileCreatedAt": stamp(asset.file_created_at),
        "fileModifiedAt": stamp(asset.file_modified_at),
        "localDateTime": stamp(asset.local_date_time),
        "updatedAt": stamp(asset.updated_at),
        "isFavorite": asset.is_favorite and mine,
        "isArchived": asset.visibility == "archive",
        "isTrashed": asset.is_trashed,
        "isOffline": asset.is_offline,
        "isEdited": bool(asset.edits),
        "visibility": asset.visibility,
        "duration": None if v3 else "0:00:00.00000",
        "width": width,
        "height": height,
        "livePhotoVideoId": asset.live_photo_video_id,
        "duplicateId": None,
        "hasMetadata": True,
    }
    if not v3:
        answer.update(deviceAssetId=asset.original_file_name, deviceId="CLI")
    if with_exif:
        answer["exifInfo"] = _exif(asset)
    if with_people:
        people = asset.people if mine else []
        answer["people"] = [person_json(each, None if v3 else asset.faces) for each in people]
    if with_tags:
        answer["tags"] = [tag_json(tag) for tag in asset.tags]
    return _overridden(answer, asset.overrides)


def _mime_type(asset: DemoAsset) -> str:
    ending = asset.original_file_name.rpartition(".")[2].lower()
    kind = {"jpg": "jpeg", "mov": "quicktime"}.get(ending, ending)
    return f"{asset.kind.lower()}/{kind}"


def _exif(asset: DemoAsset) -> Json:
    answer: Json = {
        "make": None,
        "model": None,
        "exifImageWidth": asset.width,
        "exifImageHeight": asset.height,
        "fileSizeInByte": asset.size,
        "orientation": asset.orientation,
        "dateTimeOriginal": _row_stamp(asset.date_time_original),
        "modifyDate": _row_stamp(asset.modify_date or asset.file_modified_at),
        "timeZone": asset.time_zone,
        "latitude": asset.latitude,
        "longitude": asset.longitude,
        "city": None,
        "state": None,
        "country": None,
        "description": asset.description,
        "projectionType": None,
        "rating": asset.rating,
    }
    if asset.altitude is not None:
        answer["altitude"] = asset.altitude
    return _overridden(answer, asset.exif_overrides)


def _overridden(answer: Json, overrides: Json) -> Json:
    if overrides:
        answer.update(overrides)
        return {name: value for name, value in answer.items() if value is not ABSENT}
    return answer


def person_json(person: DemoPerson, faces: Optional[list[DemoFace]] = None) -> Json:
    """PersonResponseDto; with boxes (up to 2.7) PersonWithFacesResponseDto."""
    answer: Json = {
        "id": person.id,
        "name": person.name,
        "birthDate": None,
        "thumbnailPath": f"/data/thumbs/{person.id}.jpeg",
        "isHidden": person.is_hidden,
        "isFavorite": False,
        "updatedAt": stamp(person.updated_at),
    }
    if faces is not None:
        answer["faces"] = [_box(face) for face in faces if face.person is person]
    return answer


def face_json(face: DemoFace) -> Json:
    """AssetFaceResponseDto."""
    return {**_box(face), "person": person_json(face.person) if face.person else None}


def _box(face: DemoFace) -> Json:
    x1, y1, x2, y2 = face.box
    return {
        "id": face.id,
        "imageWidth": face.size[0],
        "imageHeight": face.size[1],
        "boundingBoxX1": x1,
        "boundingBoxY1": y1,
        "boundingBoxX2": x2,
        "boundingBoxY2": y2,
        "sourceType": face.source_type,
    }


def tag_json(tag: DemoTag) -> Json:
    """TagResponseDto."""
    answer: Json = {
        "id": tag.id,
        "name": tag.value.rpartition("/")[2],
        "value": tag.value,
        "createdAt": _STAMP,
        "updatedAt": _STAMP,
    }
    if tag.parent:
        answer["parentId"] = tag.parent.id
    return answer


def album_json(album: DemoAlbum, *, v3: bool) -> Json:
    """AlbumResponseDto without assets: since 3.0 the owner is one of the users, before it had own fields."""
    answer: Json = {
        "id": album.id,
        "albumName": album.name,
        "description": "",
        "createdAt": _STAMP,
        "updatedAt": _STAMP,
        "albumThumbnailAssetId": None,
        "shared": album.shared,
        "hasSharedLink": False,
        "isActivityEnabled": True,
        "assetCount": len(album.assets),
        "albumUsers": [],
    }
    owner = user_json(album.owner_id)
    if v3:
        answer["albumUsers"] = [{"role": "owner", "user": owner}]
    else:
        answer.update(ownerId=album.owner_id, owner=owner)
    return answer


def user_json(user_id: str) -> Json:
    name = f"user {user_id[-1:]}"
    return {"id": user_id, "email": "a@example.org", "name": name, "profileImagePath": "", "isAdmin": False}


def people_json(library: Library) -> Json:
    people = [person_json(person) for person in library.people.values()]
    hidden = sum(person.is_hidden for person in library.people.values())
    return {"people": people, "total": len(people), "hidden": hidden, "hasNextPage": False}


def stamp(moment: datetime) -> str:
    """A date as the API writes it: UTC, milliseconds, Z; a naive one gets the same fake Z."""
    utc = moment.astimezone(timezone.utc) if moment.tzinfo else moment
    return f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _row_stamp(moment: Optional[datetime]) -> Optional[str]:
    """A date that the database turned into JSON: `+00:00`, a fraction only when there is one."""
    if moment is None:
        return None
    utc = moment.astimezone(timezone.utc)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds")
