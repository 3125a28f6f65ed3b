"""The stand-in's routes: a request in, an answer out, as Immich 2.x and 3.x give it.

Not here: sockets, faults and the log (server.py), the shapes of the JSON (answers.py).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable, Optional

from immich_meta.demo.answers import (
    Json,
    album_json,
    asset_json,
    face_json,
    people_json,
    tag_json,
    user_json,
)
from immich_meta.demo.jobs import Jobs
from immich_meta.demo.library import OWNER, DemoAlbum, DemoAsset, Library
from immich_meta.demo.search import BadSearchError, LockedSearchError, Searches
from immich_meta.demo.thumbnails import SIDES, thumbnail_of

Version = tuple[int, int, int]
EDITS_SINCE: Version = (2, 5, 0)
OWN_KEY_SINCE: Version = (2, 2, 3)
ALL = "all"
JOB_CREATE = "job.create"


@dataclass(frozen=True)
class DemoKey:
    """Whose key it is and what it may; `all` is everything."""

    user_id: str = OWNER
    permissions: frozenset[str] = frozenset({ALL})


@dataclass(frozen=True)
class Call:
    """A request: `path` after `/api`, `body` parsed, or {} when Immich would not look at it; whose key came with it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, object]
    user_id: str = ""
    match: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reply:
    """An answer: `value` is told as JSON; bytes are sent as they are, as a `kind`."""

    value: object
    status: int = 200
    kind: str = "application/json; charset=utf-8"


@dataclass
class Switches:
    """How this server is set up, to be changed at will.

    `lists_trashed`: searches tell trashed and offline assets too (some older servers did).
    `tells_tags`: searches tell tags. `max_page`: refuses larger pages with 400.
    `is_admin`: whether the users of all keys are administrators. `clock_offset`: the clock is fast by so many seconds.
    """

    lists_trashed: bool = False
    tells_tags: bool = False
    max_page: int = 1000
    maintenance: bool = False
    imports_faces: bool = False
    is_admin: bool = True
    clock_offset: float = 0.0


@dataclass
class DemoApi:
    """One server over one library."""

    library: Library
    version: Version = (3, 2, 2)
    keys: dict[str, DemoKey] = field(default_factory=dict)
    switches: Switches = field(default_factory=Switches)

    def __post_init__(self) -> None:
        self._searches = Searches(self.library, v3=self.is_v3)
        self.jobs = Jobs(self.library, self.version)

    @property
    def is_v3(self) -> bool:
        return self.version[0] >= 3

    def answer(self, call: Call, key: Optional[str]) -> Reply:
        """What Immich says to a call with that key."""
        path_known = False
        for method, pattern, permission, respond in _ROUTES:
            found = re.fullmatch(pattern, call.path)
            path_known = path_known or found is not None
            if found is None or method != call.method:
                continue
            if self.switches.maintenance and call.path != "/server/config":
                return self.refusal(503, "Server is in maintenance mode")
            if permission is None:
                return respond(self, _matched(call, found.groups(), DemoKey("", frozenset())))
            holder = self.keys.get(key or "")
            if holder is None:
                return self.refusal(401, "Invalid API key" if key else "Authentication required")
            if permission == JOB_CREATE and not self.is_v3:
                permission = ALL  # the route had no permission of its own
            if permission and not holder.permissions & {permission, ALL}:
                return self.refusal(403, f"Missing required permission: {permission}")
            return respond(self, _matched(call, found.groups(), holder))
        return self.refusal(404, f"Cannot {call.method} /api{call.path}")

    def refusal(self, status: int, message: str, blamed: str = "") -> Reply:
        """An error body: up to 2.x with an id and lists of messages, since 3.0 with `errors`."""
        reasons = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
        body: Json = {"message": message, "error": reasons.get(status, "Error"), "statusCode": status}
        if self.is_v3 and blamed:
            body.update(
                message="Validation failed",
                errors=[{"code": "custom", "path": [blamed], "message": message}],
            )
        elif not self.is_v3:
            body.update(message=[message] if blamed else message, correlationId="0a1b2c3d")
        return Reply(body, status)

    def ping(self, _call: Call) -> Reply:
        return Reply({"res": "pong"})

    def server_version(self, _call: Call) -> Reply:
        major, minor, patch = self.version
        body: Json = {"major": major, "minor": minor, "patch": patch}
        if self.is_v3:
            body["prerelease"] = None
        return Reply(body)

    def features(self, _call: Call) -> Reply:
        imports = self.switches.imports_faces
        return Reply({"importFaces": imports, "sidecar": True, "trash": True, "facialRecognition": True})

    def config(self, _call: Call) -> Reply:
        return Reply({"trashDays": 30, "maintenanceMode": self.switches.maintenance, "minFaces": 3})

    def about(self, _call: Call) -> Reply:
        return Reply({"version": "v{}.{}.{}".format(*self.version), "exiftool": "13.59"})

    def me(self, call: Call) -> Reply:
        return Reply(user_json(call.user_id))

    def my_key(self, call: Call) -> Reply:
        if self.version < OWN_KEY_SINCE:
            return self.refusal(404, f"Cannot GET /api{call.path}")
        return Reply({"id": "key", "name": "demo", "permissions": sorted(call.permissions)})

    def asset_statistics(self, call: Call) -> Reply:
        wanted = call.query.get("visibility")
        seen = (wanted,) if wanted else ("timeline", "archive")
        kinds = [
            each.kind
            for each in list(self.library.assets.values())
            if each.owner_id == call.user_id and each.visibility in seen and not each.is_trashed
        ]
        images, videos = kinds.count("IMAGE"), kinds.count("VIDEO")
        return Reply({"images": images, "videos": videos, "total": images + videos})

    def search(self, call: Call) -> Reply:
        size = call.body.get("size")
        if isinstance(size, int) and size > self.switches.max_page:
            return self.refusal(400, f"size must not be greater than {self.switches.max_page}", "size")
        try:
            hits = self._searches.hits(call.body, lists_trashed=self.switches.lists_trashed)
        except LockedSearchError:
            return self.refusal(401, "Elevated permission is required")
        except BadSearchError as error:
            return self.refusal(400, str(error), error.field)
        items = [
            self._told(
                asset,
                call.user_id,
                with_exif=call.body.get("withExif") is True,
                with_people=call.body.get("withPeople") is True,
                with_tags=self.switches.tells_tags,
            )
            for asset in hits.assets
        ]
        page: Json = {"total": len(items), "count": len(items), "items": items, "facets": []}
        page["nextPage"] = hits.next_page or None
        if self.version >= (3, 2, 0):
            page["nextCursor"] = None
        return Reply({"albums": {"total": 0, "count": 0, "items": [], "facets": []}, "assets": page})

    def some(self, call: Call) -> Reply:
        """POST /search/random: assets in no order, without pages."""
        size = call.body.get("size")
        shown = [each for each in self.library.assets.values() if each.visibility == "timeline" and not each.is_trashed]
        found = sorted(shown, key=lambda each: hashlib.sha256(each.id.encode()).digest())
        some = found[: size if isinstance(size, int) else 250]
        with_exif = call.body.get("withExif") is True
        return Reply([self._told(each, call.user_id, with_exif=with_exif, with_people=False) for each in some])

    def asset(self, call: Call) -> Reply:
        asset = self._visible(call.match[0])
        if asset is None:
            return self._no_access("asset.read")
        return Reply(self._told(asset, call.user_id, with_tags=True))

    def edits(self, call: Call) -> Reply:
        asset = self._visible(call.match[0])
        if self.version < EDITS_SINCE:
            return self.refusal(404, f"Cannot GET /api{call.path}")
        if asset is None:
            return self._no_access("asset.edit.get")
        steps = [{"id": str(at), **step} for at, step in enumerate(asset.edits)]
        return Reply({"assetId": asset.id, "edits": steps})

    def faces(self, call: Call) -> Reply:
        asset = self._visible(call.query.get("id", ""))
        if asset is None:
            return self._no_access("asset.read")
        mine = asset.owner_id == call.user_id
        faces = sorted(asset.faces, key=lambda face: face.box[0]) if mine else []
        return Reply([face_json(face) for face in faces])

    def thumbnail(self, call: Call) -> Reply:
        asset = self._visible(call.match[0])
        if asset is None:
            return self._no_access("asset.view")
        if call.query.get("size", "thumbnail") not in SIDES:
            return self.refusal(400, "size must be one of fullsize, preview, thumbnail", "size")
        picture = thumbnail_of(asset, call.query.get("size", "thumbnail"))
        return Reply(picture.content, kind=picture.kind)

    def people(self, _call: Call) -> Reply:
        return Reply(people_json(self.library))

    def albums(self, call: Call) -> Reply:
        found = list(self.library.albums.values())
        if not self.is_v3:
            shared = call.query.get("shared") == "true"
            found = [each for each in found if (each.shared if shared else each.owner_id == call.user_id)]
        else:
            found = [each for each in found if each.shared or each.owner_id == call.user_id]
        asset = call.query.get("assetId")
        return Reply([album_json(each, v3=self.is_v3) for each in found if asset in (None, *each.assets)])

    def album(self, call: Call) -> Reply:
        album = next((each for each in self.library.albums.values() if each.id == call.match[0]), None)
        if album is None:
            return self._no_access("album.read")
        told = album_json(album, v3=self.is_v3)
        if not self.is_v3 and call.query.get("withoutAssets") != "true":
            told["assets"] = [self._told(asset, call.user_id) for asset in self._in_album(album)]
        return Reply(told)

    def tags(self, _call: Call) -> Reply:
        return Reply([tag_json(tag) for tag in self.library.tags.values()])

    def tag(self, call: Call) -> Reply:
        found = [tag for tag in self.library.tags.values() if tag.id == call.match[0]]
        return Reply(tag_json(found[0])) if found else self._no_access("tag.read")

    def run_job(self, call: Call) -> Reply:
        wanted = call.body.get("assetIds")
        if call.body.get("name") != "refresh-metadata" or not isinstance(wanted, list):
            return self.refusal(400, "Validation failed", "name")
        assets = [self._visible(str(each)) for each in wanted]
        mine = [each for each in assets if each is not None and each.owner_id == call.user_id]
        if len(mine) < len(wanted):
            return self._no_access("asset.update")
        self.jobs.refresh(mine, imports_faces=self.switches.imports_faces)
        return Reply(None, 204)

    def scan(self, call: Call) -> Reply:
        if not self.switches.is_admin:
            return self.refusal(403, "Forbidden")
        library_id = call.match[0]
        if library_id not in {each.library_id for each in self.library.assets.values()}:
            return self.refusal(400, "Library not found")
        self.jobs.scan(library_id, imports_faces=self.switches.imports_faces)
        return Reply(None, 204)

    def _in_album(self, album: DemoAlbum) -> list[DemoAsset]:
        """What an album shows: the timeline's and the archive's assets, trashed ones not."""
        assets = (self.library.assets.get(each) for each in album.assets)
        shown = ("timeline", "archive")
        return [each for each in assets if each and each.visibility in shown and not each.is_trashed]

    def _visible(self, ident: str) -> Optional[DemoAsset]:
        asset = self.library.assets.get(ident)
        return asset if asset and asset.visibility != "locked" else None

    def _told(
        self,
        asset: DemoAsset,
        user_id: str,
        *,
        with_exif: bool = True,
        with_people: bool = True,
        with_tags: bool = False,
    ) -> Json:
        return asset_json(
            asset,
            user_id=user_id,
            v3=self.is_v3,
            with_exif=with_exif,
            with_people=with_people,
            with_tags=with_tags,
        )

    def _no_access(self, permission: str) -> Reply:
        # Unknown and forbidden are told alike, and with 400.
        return self.refusal(400, f"Not found or no {permission} access")


def _matched(call: Call, groups: tuple[str, ...], key: DemoKey) -> Call:
    return Call(call.method, call.path, call.query, call.body, key.user_id, groups, key.permissions)


def parsed_body(content_type: str, body: bytes) -> Optional[Mapping[str, object]]:
    """The body as Immich sees it: without the JSON content type it does not look at it (#31311).

    None for what is not a JSON object.
    """
    if not body or content_type.partition(";")[0].strip().lower() != "application/json":
        return {}
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


# (method, path, permission, what responds); None: no key needed, "": any key.
_ROUTES: tuple[tuple[str, str, Optional[str], Callable[[DemoApi, Call], Reply]], ...] = (
    ("GET", "/server/ping", None, DemoApi.ping),
    ("GET", "/server/version", None, DemoApi.server_version),
    ("GET", "/server/features", None, DemoApi.features),
    ("GET", "/server/config", None, DemoApi.config),
    ("GET", "/server/about", "server.about", DemoApi.about),
    ("GET", "/users/me", "user.read", DemoApi.me),
    ("GET", "/api-keys/me", "", DemoApi.my_key),
    ("POST", "/search/metadata", "asset.read", DemoApi.search),
    ("GET", "/assets/statistics", "asset.statistics", DemoApi.asset_statistics),
    ("POST", "/search/random", "asset.read", DemoApi.some),
    ("GET", "/assets/([^/]+)", "asset.read", DemoApi.asset),
    ("GET", "/assets/([^/]+)/edits", "asset.edit.get", DemoApi.edits),
    ("GET", "/assets/([^/]+)/thumbnail", "asset.view", DemoApi.thumbnail),
    ("GET", "/faces", "face.read", DemoApi.faces),
    ("GET", "/people", "person.read", DemoApi.people),
    ("GET", "/albums", "album.read", DemoApi.albums),
    ("GET", "/albums/([^/]+)", "album.read", DemoApi.album),
    ("POST", "/assets/jobs", JOB_CREATE, DemoApi.run_job),
    ("POST", "/libraries/([^/]+)/scan", "library.update", DemoApi.scan),
    ("GET", "/tags", "tag.read", DemoApi.tags),
    ("GET", "/tags/([^/]+)", "tag.read", DemoApi.tag),
)
