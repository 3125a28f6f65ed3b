"""The files of one run: how many, which, and what is told of each, whatever the run left.

Not here: how it looks (immich_meta.web.pages), and as what it is taken away (export.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Optional, Protocol

from immich_meta.web.report.entry import FileEntry
from immich_meta.web.report.index import Index, Item, Overview, Row, Wanted, open_index

PER_PAGE = 50
LOOK_SECONDS = 0.1
LONGEST_LISTED = 1 << 18  # bytes; fifty of them are on a page
_CHUNK = 1000
_ELSEWHERE = "so much is told of this file that it has a page of its own"


class Source(Protocol):
    """Where files are told of. `read` raises OSError and HistoryError: it may be gone."""

    def size(self) -> int: ...
    def feed(self, reached: int) -> Iterator[Item]: ...
    def read(self, row: Row) -> FileEntry: ...


class Numbered(NamedTuple):
    """A file and its number in the run, from 1 on."""

    number: int
    entry: FileEntry


class Page(NamedTuple):
    """One page of the wanted files; `number` from 1 to `pages`, `found` files on all of them."""

    files: tuple[Numbered, ...]
    number: int
    pages: int
    found: int


class Files:
    """Get one from `open_files`. `is_complete`: all that is there was read."""

    def __init__(self, index: Index, source: Source) -> None:
        self._index = index
        self._source = source
        self.is_complete = False

    def look(self, seconds: Optional[float] = LOOK_SECONDS) -> Overview:
        """Read on for so long (None: to the end), and say what there is."""
        if self._source.size() < self._index.overview().reached:  # it is another one
            self._index.forget()
        self.is_complete = self._index.catch_up(self._source.feed, seconds)
        return self._index.overview()

    def share(self) -> float:
        """How much is read, from 0 to 1."""
        size = self._source.size()
        return min(1.0, self._index.overview().reached / size) if size else 1.0

    def page(self, wanted: Wanted, number: int = 1, per_page: int = PER_PAGE) -> Page:
        """That page, or the last one."""
        found = self._index.count(wanted)
        pages = max(1, -(-found // per_page))
        number = min(max(1, number), pages)
        rows = self._index.rows(wanted, skip=(number - 1) * per_page, most=per_page)
        return Page(tuple(Numbered(row.number, self._listed(row)) for row in rows), number, pages, found)

    def _listed(self, row: Row) -> FileEntry:
        entry = self._source.read(row)
        if row.size <= LONGEST_LISTED:
            return entry
        return replace(entry, changes=(), kept=(), skipped=(), notes=(_ELSEWHERE,))

    def one(self, number: int) -> Optional[FileEntry]:
        """The file of that number; None when there is none."""
        row = self._index.row(number)
        return None if row is None else self._source.read(row)

    def all(self, wanted: Wanted) -> Iterator[FileEntry]:
        """Every wanted file, a thousand places of them in memory at a time."""
        last = 0
        while rows := self._index.rows(wanted, after=last, most=_CHUNK):
            for row in rows:
                yield self._source.read(row)
            last = rows[-1].number


@contextlib.contextmanager
def open_files(index: Path, source: Source) -> Iterator[Files]:
    """The files of a source; `index` is the file that helps to find them, made when it is not there."""
    with open_index(index) as opened:
        yield Files(opened, source)
