"""Lists that come in pages, the next one asked for while this one is worked on.

Not here: what stands on a page (decode.py) and how it is asked for (client.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from typing import Callable, Optional

from immich_meta.api.decode import ids
from immich_meta.api.values import mapping
from immich_meta.errors import BadAnswerError

FIRST = 1
_DIGEST = 16


@dataclass(frozen=True)
class Page:
    """`items` as they came; `next` is the number to ask for, None after the last."""

    items: Sequence[object]
    next: Optional[int]


def read_page(answer: object, number: int) -> Page:
    """Page `number` out of an answer of POST /search/metadata. Raises BadAnswerError."""
    assets = mapping(mapping(answer).get("assets"))
    items, following = assets.get("items"), assets.get("nextPage")
    if not isinstance(items, list):
        raise BadAnswerError("the answer to a search holds no list of assets")
    if following is None or following == "":
        return Page(items, None)
    # "2" since ever; a whole number would do as well.
    text = str(following) if isinstance(following, (str, int)) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 9) or int(text) <= number:
        raise BadAnswerError(f"the page after {number} is said to be {text[:20]!r}")
    if not items:
        # Half a list is worse than none: what is missing from it would be taken for removed.
        raise BadAnswerError(f"page {number} is empty and yet not the last")
    return Page(items, int(text))


def walk(fetch: Callable[[int], Page]) -> Iterator[Sequence[object]]:
    """The items of each page, in order. `fetch` runs in a thread of its own, one page ahead.

    Raises what `fetch` raises, and BadAnswerError when a page comes for the second time.
    """
    shown: set[bytes] = set()
    ahead = ThreadPoolExecutor(1, thread_name_prefix="immich-page")
    try:
        waiting: Optional[Future[Page]] = ahead.submit(fetch, FIRST)
        while waiting is not None:
            page = waiting.result()
            fingerprint = blake2b("\n".join(ids(page.items)).encode("utf-8", "replace")).digest()
            if page.items and fingerprint in shown:
                raise BadAnswerError("the server sends the same page again and again")
            shown.add(fingerprint)
            waiting = ahead.submit(fetch, page.next) if page.next is not None else None
            yield page.items
    finally:
        ahead.shutdown(wait=False, cancel_futures=True)


class SeenIds:
    """A set of ids at about 20 bytes each, so that a library of a million assets stays small."""

    def __init__(self) -> None:
        self._buckets: dict[bytes, bytearray] = {}

    def add(self, ident: str) -> bool:
        """Whether it is new."""
        digest = blake2b(ident.encode("utf-8", "replace"), digest_size=_DIGEST).digest()
        bucket = self._buckets.setdefault(digest[:2], bytearray())
        rest = digest[2:]
        at = bucket.find(rest)
        while at >= 0:
            if at % len(rest) == 0:
                return False
            at = bucket.find(rest, at + 1)
        bucket += rest
        return True
