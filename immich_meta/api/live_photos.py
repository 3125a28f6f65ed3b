"""Live photos: each still with its video behind it, whatever the order in which the server lists them.

Not here: requests (client.py), and what the still says for its video (sync/task.py).

The video is an asset of its own, hidden, with no people, albums or tags; the still names it. So hidden videos are put
aside until their still comes, and one that is not listed is asked for by its id.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import blake2b
from typing import Callable, Optional, TypeVar, Union

from immich_meta.api import decode
from immich_meta.api.models import HIDDEN, VIDEO, Asset, InvalidAsset, Listed, SettledAsset, Tag
from immich_meta.errors import BadAnswerError, FaultError, MissingPermissionError, RefusedError

_LOG = logging.getLogger(__name__)

A = TypeVar("A", Asset, Union[Asset, InvalidAsset])
# What can go wrong with one video and leave its still, and all others, well.
_OF_ONE_VIDEO = (RefusedError, FaultError, BadAnswerError, MissingPermissionError)


class LivePhotos:
    """Gives stills their videos.

    `hidden` lists what the server hides, and is only asked when the first still names a video; `ask` gets one item by
    its id and may raise a ServerError; `belongs` says whether an asset is the user's, alive and new, and makes it
    known. `place_if_settled` gets an asset as decode.head reads it, and answers with its file's path when nothing
    more of it is needed. Memory: about 400 bytes for each hidden video.
    """

    def __init__(
        self,
        hidden: Callable[[], Iterator[Sequence[object]]],
        ask: Callable[[str], object],
        belongs: Callable[[Listed], bool],
        concurrency: int,
        place_if_settled: Optional[Callable[[Asset], Optional[str]]] = None,
    ) -> None:
        self._place_if_settled = place_if_settled
        self._hidden = hidden
        self._ask = ask
        self._belongs = belongs
        self._shelf = _Shelf()
        self._is_listed = False
        self._has_others = True
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="immich-live")

    def visible(
        self, items: Iterable[object], tags: Optional[Mapping[str, tuple[Tag, ...]]] = None
    ) -> list[Listed]:
        """The assets of a page without the hidden videos on it, which wait for their stills.

        `tags`: those of each asset's id, where the server does not list them with it.
        """
        page: list[Listed] = []
        for item in items:
            listed = decode.listing_digest(item, tags) if self._place_if_settled else b""
            head = decode.head(item, listed)
            if self._belongs(head):
                if isinstance(head, Asset) and head.is_hidden_video:
                    self._shelf.put(head.id, item)
                else:
                    page.append(self._settled(head) or decode.asset(item, listed))
        return page

    def _settled(self, head: Union[Asset, InvalidAsset]) -> Optional[SettledAsset]:
        """The parts of a live photo are told together, and so never here."""
        if self._place_if_settled is None or not isinstance(head, Asset) or head.live_photo_video_id:
            return None
        path = self._place_if_settled(head)
        return None if path is None else SettledAsset(head.id, path)

    def joined(self, page: Sequence[Listed], filled: Iterable[Listed]) -> Iterator[Listed]:
        """The assets of `filled` (the page with more in it), each still followed by its video, if that can be had."""
        named = [asset.live_photo_video_id for asset in page if isinstance(asset, Asset) and asset.live_photo_video_id]
        if named and not self._is_listed:
            self._list_hidden()
        missing = [ident for ident in dict.fromkeys(named) if ident not in self._shelf]
        asked = dict(zip(missing, self._pool.map(self._one, missing)))
        for asset in filled:
            if isinstance(asset, Asset) and asset.live_photo_video_id:
                yield from self._pair(asset, asset.live_photo_video_id, asked)
            else:
                yield asset

    def rest(self) -> Iterator[Listed]:
        """The hidden assets that no still has named."""
        for item in self._shelf.take_all():
            yield _as_hidden(decode.asset(item))
        for items in self._hidden() if self._has_others else ():
            yield from filter(self._belongs, (_as_hidden(decode.asset(item)) for item in items))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _list_hidden(self) -> None:
        self._is_listed, self._has_others = True, False
        for items in self._hidden():
            for item in items:
                asset = _as_hidden(decode.asset(item))
                if not isinstance(asset, Asset) or not asset.is_hidden_video:
                    self._has_others = True
                elif self._belongs(asset):
                    self._shelf.put(asset.id, item)

    def _one(self, ident: str) -> Union[Asset, str]:
        """A video that was not listed, or why it is not to be had."""
        try:
            found = decode.asset(decode.essentials(self._ask(ident)))
        except _OF_ONE_VIDEO as error:
            return str(error)
        if isinstance(found, InvalidAsset):
            return found.reason
        if found.is_trashed or found.is_offline:
            return "it is in the trash" if found.is_trashed else "its file is offline"
        if found.id != ident:
            return "the server answered with another asset"
        return found if found.kind == VIDEO else "the server says that it is no video"

    def _pair(self, still: Asset, ident: str, asked: dict[str, Union[Asset, str]]) -> Iterator[Asset]:
        item = self._shelf.take(ident)
        video: Union[Asset, InvalidAsset, str] = asked.pop(ident, _HANDLED) if item is None else decode.asset(item)
        if isinstance(video, Asset) and item is None:
            if video.visibility not in (HIDDEN, None):
                # Somebody unhid it: it is listed by itself, and what the user says of it counts.
                yield still
                return
            video = video if self._belongs(video) else _HANDLED
        if isinstance(video, Asset):
            yield still
            yield replace(_as_hidden(video), still=still)
        else:
            yield _noted(still, video if isinstance(video, str) else video.reason)


_HANDLED = "it is another user's, or the video of another still too"


def _as_hidden(asset: A) -> A:
    """An asset of a search for hidden ones: not every server says the visibility of each."""
    if isinstance(asset, Asset) and asset.visibility is None:
        return replace(asset, visibility=HIDDEN)
    return asset


def _noted(still: Asset, reason: str) -> Asset:
    note = f"the video of this live photo is left as it is: {reason}"
    _LOG.info("%s: %s", still.original_file_name, note)
    return replace(still, notes=(*still.notes, note))


class _Shelf:
    """Items by their ids, as small as can be: 100,000 videos are nothing unusual."""

    # What every item holds; the compressor then needs no bytes for it.
    _WORDS = json.dumps(
        {
            "exifInfo": {"fileSizeInByte": 0},
            "fileModifiedAt": "2024-01-01T00:00:00.000Z",
            "libraryId": None,
            "visibility": "hidden",
            "type": "VIDEO",
            "ownerId": "",
            "originalFileName": "IMG_0.MOV",
            "originalPath": "/data/upload/library/admin/2024/",
            "checksum": "",
            "isTrashed": False,
            "isOffline": False,
            "id": "",
        }
    ).encode()

    def __init__(self) -> None:
        self._items: dict[bytes, bytes] = {}

    def __contains__(self, ident: str) -> bool:
        return _key(ident) in self._items

    def put(self, ident: str, item: object) -> None:
        packer = zlib.compressobj(zdict=self._WORDS)
        text = json.dumps(decode.essentials(item), separators=(",", ":")).encode()
        self._items[_key(ident)] = packer.compress(text) + packer.flush()

    def take(self, ident: str) -> Optional[object]:
        packed = self._items.pop(_key(ident), None)
        return None if packed is None else self._unpacked(packed)

    def take_all(self) -> Iterator[object]:
        """In the order in which they came."""
        packed, self._items = self._items, {}
        return map(self._unpacked, packed.values())

    def _unpacked(self, packed: bytes) -> object:
        found: object = json.loads(zlib.decompressobj(zdict=self._WORDS).decompress(packed))
        return found


def _key(ident: str) -> bytes:
    return blake2b(ident.encode("utf-8", "replace"), digest_size=16).digest()
