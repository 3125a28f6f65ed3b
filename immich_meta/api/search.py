"""POST /search/metadata, walked to its end.

Not here: what is searched for (client.py), reading a page and asking one ahead (paging.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Callable

from immich_meta.api.exchange import Request
from immich_meta.api.paging import FIRST, Page, read_page, walk
from immich_meta.errors import BadAnswerError, RefusedError

_LOG = logging.getLogger(__name__)

MAX_PAGE_SIZE = 1000
_SMALLER_SIZES = (500, 250, 100)


class Search:
    """Searches in pages of `page_size` assets, cut to 1000, or of as many as the server takes."""

    def __init__(self, ask: Callable[[Request], object], page_size: int) -> None:
        self._ask = ask
        self._size = max(1, min(page_size, MAX_PAGE_SIZE))

    def walk(self, wanted: Mapping[str, object]) -> Iterator[Sequence[object]]:
        """The items of each page, oldest first: descending order shifts while new photos come in."""
        # A page number means something only with the size that the walk began with.
        size = 0

        def fetch(number: int) -> Page:
            nonlocal size
            if number == FIRST:
                page, size = self._first_page(wanted)
                return page
            return self._page(wanted, number, size)

        return walk(fetch)

    def _first_page(self, wanted: Mapping[str, object]) -> tuple[Page, int]:
        """The first page and its size: the next smaller one where the server refuses the size with 400."""
        smaller = [size for size in _SMALLER_SIZES if size < self._size]
        size = self._size
        while True:
            try:
                page = self._page(wanted, FIRST, size)
            except RefusedError as error:
                if error.status != 400 or not smaller:
                    raise
                _LOG.info("pages of %d assets are refused, trying fewer: %s", size, error.cause)
                size = smaller.pop(0)
            else:
                self._size = size
                return page, size

    def _page(self, wanted: Mapping[str, object], number: int, size: int) -> Page:
        body = {**wanted, "page": number, "size": size, "order": "asc"}
        request = Request("POST", "/search/metadata", body=body, permission="asset.read")
        try:
            return read_page(self._ask(request), number)
        except BadAnswerError as error:
            error.request = error.request or str(request)
            raise
