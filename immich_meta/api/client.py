"""What this project asks an Immich server: who it is, whose key this is, the assets, albums, tags, faces.

Not here: HTTP (transport.py), trying again (retry.py), paged searches (search.py), field names (decode.py).
Speaks to 1.133 and newer, 2.x and 3.x. Changes nothing there; may ask that files are read again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Callable, Literal, Optional, Union
from urllib.parse import quote

from immich_meta.api import decode
from immich_meta.api.address import parse_address
from immich_meta.api.exchange import Request, Transport
from immich_meta.api.faces import BoxFetcher
from immich_meta.api.live_photos import LivePhotos
from immich_meta.api.membership import albums_of, deepest_tags
from immich_meta.api.models import (
    ARCHIVE,
    HIDDEN,
    TIMELINE,
    Album,
    Asset,
    Edit,
    Face,
    InvalidAsset,
    Listed,
    Server,
    SettledAsset,
    Tag,
    User,
)
from immich_meta.api.pace import Pace
from immich_meta.api.paging import FIRST, SeenIds
from immich_meta.api.refusals import content, refusal
from immich_meta.api.retry import Retrying, RetryPolicy
from immich_meta.api.search import MAX_PAGE_SIZE, Search
from immich_meta.api.values import flag, mapping
from immich_meta.errors import (
    BadAnswerError,
    MaintenanceError,
    MissingPermissionError,
    NotImmichError,
    RefusedError,
    TooOldError,
)

if TYPE_CHECKING:
    import requests

_LOG = logging.getLogger(__name__)

OLDEST = (1, 133, 0)
# On 2.x an album comes with all its assets in one answer: above this many it is walked in pages instead.
MAX_ALBUM_IN_ONE_ANSWER = 5000

MOST_PEOPLE_PAGES = 10_000
MAX_THUMBNAIL_BYTES = 5 << 20

_VISIBILITIES = (TIMELINE, ARCHIVE, HIDDEN)


class ImmichClient:
    """A reader of one Immich server, with one user's key.

    `page_size`: assets per search, cut to 1000. `rate_limit`: requests per second, None or 0 for no limit.
    `faces_concurrency`: requests at once where each asset needs its own. `timeout`: seconds per read.
    `transport` replaces HTTP, `session` only the requests.Session; `clock` and `sleep` are for tests.
    Every method may raise a ServerError; the constructor a SettingsError. A context manager.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: Optional[Transport] = None,
        session: Optional[requests.Session] = None,
        timeout: float = 60.0,
        page_size: int = MAX_PAGE_SIZE,
        rate_limit: Optional[float] = None,
        faces_concurrency: int = 8,
        retry: Optional[RetryPolicy] = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Optional[Callable[[float], object]] = None,
    ) -> None:
        address = parse_address(base_url)
        if address.assumed_http:
            _LOG.info("the address of the server says neither http nor https: using %s", address.shown)
        self._address = address
        self._concurrency = max(1, faces_concurrency)
        if transport is None:
            # The requests library takes a tenth of a second to import; `--help` can do without.
            from immich_meta.api.transport import HttpTransport

            connections = self._concurrency + 2
            transport = HttpTransport(
                address, api_key, timeout=timeout, connections=connections, session=session, clock=clock
            )
        pace = Pace(rate_limit, clock=clock, sleep=sleep or time.sleep) if rate_limit else None
        self._transport = Retrying(transport, policy=retry, pace=pace, sleep=sleep)
        self._search = Search(self._json, page_size)
        self._server: Optional[Server] = None
        self._me: Optional[User] = None

    def __repr__(self) -> str:
        return f"ImmichClient({self._address.shown!r})"

    def __enter__(self) -> ImmichClient:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back, and ends all waiting for another try."""
        self._transport.close()

    @property
    def address(self) -> str:
        """The root of the API, without user and password."""
        return self._address.shown

    @property
    def host(self) -> str:
        """The server's host name, as it was typed, in lower case."""
        return self._address.host

    def server(self) -> Server:
        """What answers; asked once. Raises NotImmichError, TooOldError, MaintenanceError."""
        if self._server is None:
            self._server = self._ask_server()
        return self._server

    def me(self) -> User:
        """Whose key it is; asked once. Raises WrongKeyError, MissingPermissionError."""
        if self._me is None:
            found = decode.user(self._get("/users/me", permission="user.read"))
            if found is None:
                raise BadAnswerError("the answer does not say whose key it is", request="GET /users/me")
            self._me = found
        return self._me

    def assets(
        self,
        *,
        face_boxes: bool = False,
        tags: bool = False,
        knows_faces: Callable[[Asset], bool] = lambda asset: False,
        place_if_settled: Optional[Callable[[Asset], Optional[str]]] = None,
    ) -> Generator[Union[Asset, InvalidAsset, SettledAsset], None, None]:
        """Every asset of the key's owner, oldest first in each of timeline, archive and hidden; each once.

        Behind the still of a live photo comes its video, with Asset.still. Left out: partners' assets, trashed and
        offline ones. `face_boxes` fills Person.faces (None where it could not be had, with a note) and Asset.edits;
        `knows_faces` says of which assets they are not needed. `place_if_settled` may answer for an asset of which only
        its place and Asset.listed are known yet: with its file's path, a SettledAsset comes instead. `tags` fills
        Asset.tags.
        Memory: two pages, and some 400 bytes for each hidden video.
        """
        self.server()
        mine, seen = self.me().id, SeenIds()
        boxes = BoxFetcher(self.faces, self.edits, self._concurrency, knows_faces) if face_boxes else None
        pairs = LivePhotos(
            lambda: self._listing(HIDDEN),
            self._asset,
            lambda each: _belongs(each, mine, seen),
            self._concurrency,
            place_if_settled,
        )
        index: Optional[Mapping[str, tuple[Tag, ...]]] = None
        try:
            for visibility in (TIMELINE, ARCHIVE):
                for items in self._listing(visibility):
                    if tags and index is None and any(not decode.has_tags(item) for item in items):
                        index = self.tags_by_asset()
                    page = pairs.visible(items, index)
                    if index is not None:
                        page = [_tagged(each, index) for each in page]
                    yield from pairs.joined(page, boxes.fill(page) if boxes else page)
            yield from pairs.rest()
        finally:
            pairs.close()
            if boxes:
                boxes.close()

    def count(self) -> Optional[int]:
        """About how many assets `assets` will give; None when the server does not tell (asset.statistics is needed)."""
        total = 0
        # Without a visibility: timeline and archive.
        for query in ((), (("visibility", HIDDEN),)):
            answer = mapping(self._optional("/assets/statistics", query, "asset.statistics"))
            number = answer.get("total")
            if not isinstance(number, int) or number < 0:
                return None
            total += number
        return total

    def albums(self) -> tuple[Album, ...]:
        """Own albums and those shared with the user."""
        answers = [self._get("/albums", permission="album.read")]
        if not self.server().is_v3:
            # Up to 2.x the plain list is the own ones; since 3.0 it is all, and `shared` is gone.
            answers.append(self._get("/albums", query=(("shared", "true"),), permission="album.read"))
        if not all(isinstance(answer, list) for answer in answers):
            raise BadAnswerError("the answer is not a list of albums", request="GET /albums")
        found = (album for answer in answers for album in decode.albums(answer))
        return tuple({album.id: album for album in found}.values())

    def album_assets(self, album: Album) -> Iterator[str]:
        """The ids of an album's assets, other people's included."""
        small = album.asset_count is None or album.asset_count <= MAX_ALBUM_IN_ONE_ANSWER
        if not self.server().is_v3 and small:
            answer = mapping(self._get(f"/albums/{quote(album.id, safe='')}", permission="album.read"))
            if isinstance(answer.get("assets"), list):
                yield from decode.ids(answer["assets"])
                return
        yield from self._members({"albumIds": [album.id]})

    def album_names_by_asset(self, albums: Optional[Iterable[Album]] = None) -> dict[str, tuple[str, ...]]:
        """Asset id to the names of its albums, sorted by code point, each once; nameless ones skipped.

        `albums`: what `albums()` answered, when that is known already.
        """
        listed = self.albums() if albums is None else albums
        filled = (album for album in listed if album.asset_count != 0 and album.name.strip())
        return albums_of((album.name, self.album_assets(album)) for album in filled)

    def tags(self) -> tuple[Tag, ...]:
        """All tags of the user."""
        answer = self._get("/tags", permission="tag.read")
        if not isinstance(answer, list):
            raise BadAnswerError("the answer is not a list of tags", request="GET /tags")
        return decode.tags(answer)

    def tag_assets(self, tag: Tag) -> Iterator[str]:
        """The ids of the assets that carry a tag or one below it."""
        return self._members({"tagIds": [tag.id]})

    def tags_by_asset(self) -> dict[str, tuple[Tag, ...]]:
        """Asset id to its tags, the deepest of each branch: one walk per tag."""
        return deepest_tags((tag, self.tag_assets(tag)) for tag in self.tags())

    def faces(self, asset_id: str) -> tuple[Face, ...]:
        """The boxes of one asset, as it is displayed."""
        query = (("id", asset_id),)
        answer = self._get("/faces", query=query, permission="face.read")
        if not isinstance(answer, list):
            raise BadAnswerError("the answer is not a list of faces", request="GET /faces")
        return decode.faces(answer)

    def people(self) -> dict[str, str]:
        """The id of each person, hidden ones too, and when the server last changed it, as its text."""
        return dict(decode.people_states(self._people_pages()))

    def edits(self, asset_id: str) -> Optional[tuple[Edit, ...]]:
        """The non-destructive edits of one asset, in the order of application; None when unintelligible."""
        path = f"/assets/{quote(asset_id, safe='')}/edits"
        return decode.edits(self._get(path, permission="asset.edit.get"))

    def refresh_metadata(self, asset_ids: Sequence[str]) -> None:
        """Has the files of these assets read again, when the server comes to it; one that is unknown spoils all."""
        body = {"assetIds": list(asset_ids), "name": "refresh-metadata"}
        self._order(Request("POST", "/assets/jobs", body=body, permission="job.create"))

    def scan_library(self, library_id: str) -> None:
        """Has an external library looked through; an administrator's key is needed."""
        self._order(Request("POST", f"/libraries/{quote(library_id, safe='')}/scan", permission="library.update"))

    def thumbnail(self, asset_id: str, size: Literal["thumbnail", "preview"] = "thumbnail") -> bytes:
        """A small picture of an asset as it is displayed, 250 pixels high or, `preview`, up to 1440: whatever bytes the
        server calls so. Raises RefusedError when there is no such asset, or no picture of it yet."""
        path = f"/assets/{quote(asset_id, safe='')}/thumbnail"
        request = Request(
            "GET", path, (("size", size),), permission="asset.view", most_bytes=MAX_THUMBNAIL_BYTES
        )
        answer = self._transport.send(request)
        if answer.status != 200:
            raise refusal(request, answer)
        return answer.body

    def _people_pages(self) -> Iterator[object]:
        for number in range(FIRST, MOST_PEOPLE_PAGES):
            query = (("page", str(number)), ("size", str(MAX_PAGE_SIZE)), ("withHidden", "true"))
            answer = self._get("/people", query=query, permission="person.read")
            yield answer
            if not flag(mapping(answer).get("hasNextPage")):
                return

    def _listing(self, visibility: str) -> Iterator[Sequence[object]]:
        return self._search.walk({"visibility": visibility, "withExif": True, "withPeople": True})

    def _asset(self, asset_id: str) -> object:
        return self._get(f"/assets/{quote(asset_id, safe='')}", permission="asset.read")

    def _members(self, wanted: Mapping[str, object]) -> Iterator[str]:
        # Without a visibility 2.x searches the timeline alone, 3.x all that is not locked.
        everywhere: tuple[Mapping[str, object], ...] = ({},)
        if not self.server().is_v3:
            everywhere = tuple({"visibility": each} for each in _VISIBILITIES)
        for part in everywhere:
            for items in self._search.walk({**wanted, **part}):
                yield from decode.ids(items)

    def _ask_server(self) -> Server:
        try:
            answer = self._get("/server/version")
        except RefusedError as error:
            if error.status == 404:
                raise NotImmichError(
                    f"{self.address} answers, but knows no /server/version: no Immich, or one before 1.118"
                ) from error
            raise
        found = decode.server(answer, self._optional("/server/features"))
        if found is None:
            raise NotImmichError(f"{self.address} answers, but not as an Immich does")
        if flag(mapping(self._optional("/server/config")).get("maintenanceMode")):
            raise MaintenanceError("the server is in maintenance mode")
        if found.version < OLDEST:
            raise TooOldError(f"this is Immich {found}; versions from 1.133 on are supported")
        return found

    def _optional(self, path: str, query: tuple[tuple[str, str], ...] = (), permission: str = "") -> object:
        """What a server may be without: older ones do not know it, forks guard it."""
        try:
            return self._get(path, query=query, permission=permission)
        except (RefusedError, MissingPermissionError, BadAnswerError) as error:
            _LOG.debug("%s", error)
            return None

    def _get(self, path: str, *, query: tuple[tuple[str, str], ...] = (), permission: str = "") -> object:
        return self._json(Request("GET", path, query, permission=permission))

    def _json(self, request: Request) -> object:
        return content(request, self._transport.send(request))

    def _order(self, request: Request) -> None:
        """A request whose answer has no content (204)."""
        answer = self._transport.send(request)
        if not 200 <= answer.status < 300 or answer.body:
            content(request, answer)


def _belongs(each: Listed, mine: str, seen: SeenIds) -> bool:
    """Whether it is the user's, alive, and not yet seen; what cannot be told is kept, to be counted."""
    if not isinstance(each, Asset):
        return each.id is None or seen.add(each.id)
    is_alive = not each.is_trashed and not each.is_offline
    return is_alive and each.owner_id in (mine, None) and seen.add(each.id)


def _tagged(each: Listed, index: Mapping[str, tuple[Tag, ...]]) -> Listed:
    if not isinstance(each, Asset) or each.tags is not None:
        return each
    return replace(each, tags=index.get(each.id, ()))
