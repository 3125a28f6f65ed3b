"""After a run: Immich is asked to read again what was changed, and only that.

Not here: which files are changed (engine.py), and the requests (api/client.py).

Nothing is asked before the run is over: an asset that gets another date by a re-read changes its place in the lists
that the run walks through, and its neighbours could be left out (IMMICH.md, 1.2).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Optional, Protocol, TypeVar
from uuid import UUID

from immich_meta.api.models import Asset
from immich_meta.errors import RefusedError, ServerError
from immich_meta.sync.report import Status
from immich_meta.sync.work import Outcome
from immich_meta_writers.tags import Module

T = TypeVar("T")
BUNCH = 500
_ID_BYTES = 16
# So many bunches and parts of bunches may be refused until none is tried any more.
_MOST_REFUSALS = 40
# What a re-read takes from the files (IMMICH.md, 6.5), and the option that writes it.
_READ_BACK = {
    Module.TIME: ("dates", "--time"),
    Module.GPS: ("places", "--gps"),
    Module.CAPTION: ("captions", "--caption"),
    Module.RATING: ("stars", "--rating"),
    Module.TAGS: ("tags", "--tags"),
}


class Refresh(Enum):
    """What is asked after a run."""

    NONE = "none"
    IMMICH = "immich"
    LIBRARY = "library"


class Server(Protocol):
    """What is asked of an Immich; every method may raise a ServerError."""

    def refresh_metadata(self, asset_ids: Sequence[str]) -> None: ...

    def scan_library(self, library_id: str) -> None: ...


class Refresher:
    """Remembers what a run changes, in 16 bytes for each asset, and asks for it in the end."""

    def __init__(self, kind: Refresh, server: Server, log: logging.Logger) -> None:
        self._kind = kind
        self._server = server
        self._log = log
        self._ids = bytearray()
        self._library_of: dict[str, str] = {}
        self._libraries: dict[str, None] = {}
        self._changed = 0
        self._in_uploads = 0
        self._new_sidecars = 0

    def begin(self, modules: frozenset[Module], *, imports_faces: bool) -> None:
        """Say what a re-read will do that the user may not expect."""
        if self._kind is Refresh.NONE:
            return
        lost = [row for module, row in _READ_BACK.items() if module not in modules]
        if lost:
            self._log.warning(
                "When Immich reads files again it takes %s from them, and this run does not write those: what only "
                "Immich knows of them may be lost. Add %s",
                ", ".join(words for words, _ in lost),
                " ".join(option for _, option in lost),
            )
        if imports_faces and Module.FACES in modules:
            self._log.warning(
                "Immich's face import is on: faces that are written come back as second faces. Switch it off in "
                "Immich under Administration > Settings > Metadata, or leave --face-coordinates out"
            )

    def watched(self, assets: Iterable[T]) -> Iterator[T]:
        """The assets; of those under way their library is known."""
        for asset in assets:
            if self._kind is Refresh.LIBRARY and isinstance(asset, Asset) and asset.library_id is not None:
                self._library_of[asset.id] = asset.library_id
            yield asset

    def count(self, outcome: Outcome) -> None:
        """One asset is done."""
        asset_id = outcome.result.asset_id or ""
        library = self._library_of.pop(asset_id, None)
        if outcome.result.status is not Status.UPDATED:
            return
        self._changed += 1
        self._new_sidecars += outcome.makes_sidecar
        if self._kind is Refresh.IMMICH:
            self._ids += _packed(asset_id)
        elif library is not None:
            self._libraries[library] = None
        else:
            self._in_uploads += 1

    def close(self, *, server_is_lost: bool) -> None:
        """Ask, and say what was asked. A server that refuses is a warning, the run has done its work."""
        if not self._changed:
            return
        if self._kind is Refresh.NONE:
            self._log.info(
                "Immich has not read the changed files again (%d): --refresh immich asks it to", self._changed
            )
        elif server_is_lost:
            self._log.warning("Immich was not asked to read the changed files again (%d)", self._changed)
        elif self._kind is Refresh.IMMICH:
            self._ask()
        else:
            self._scan()

    def _ask(self) -> None:
        asked, problem = self._asked(_bunches(self._ids))
        if asked:
            self._log.info("Immich was asked to read the changed files again (%d)", asked)
        if asked < self._changed:
            self._log.warning(
                "Immich was not asked to read %d of %d changed assets again: %s",
                self._changed - asked,
                self._changed,
                problem or "they have no usable id",
            )
        if asked and self._new_sidecars:
            self._log.warning(
                "New sidecars were made (%d), and Immich reads only those again that it knows: let it look for them "
                "under Administration > Job Queues > Sidecar Metadata > Discover",
                self._new_sidecars,
            )

    def _asked(self, bunches: Iterator[list[str]]) -> tuple[int, Optional[ServerError]]:
        """How many were accepted. One that is gone spoils its bunch: a refused one is asked for in halves."""
        asked, refusals, problem = 0, 0, None
        for bunch in bunches:
            parts = [bunch]
            while parts:
                part = parts.pop()
                try:
                    self._server.refresh_metadata(part)
                    asked += len(part)
                except RefusedError as error:
                    refusals, problem = refusals + 1, error
                    if error.status != 400 or refusals > _MOST_REFUSALS:
                        return asked, error
                    if len(part) > 1:
                        middle = len(part) // 2
                        parts += [part[middle:], part[:middle]]
                except ServerError as error:
                    return asked, error
        return asked, problem

    def _scan(self) -> None:
        scanned = 0
        for library in self._libraries:
            try:
                self._server.scan_library(library)
                scanned += 1
            except ServerError as error:
                self._log.warning("A library was not scanned, for which an administrator's key is needed: %s", error)
        if scanned:
            self._log.info(
                "Immich was asked to scan the external libraries of changed files (%d). A scan notices files whose "
                "date has changed, and no sidecars: --refresh immich has exactly the changed files read again",
                scanned,
            )
        if self._in_uploads:
            self._log.warning(
                "Changed files of Immich's upload library (%d) are read by no scan: use --refresh immich",
                self._in_uploads,
            )


def _packed(asset_id: str) -> bytes:
    try:
        return UUID(asset_id).bytes
    except ValueError:  # not an id that Immich gives: it would refuse it
        return b""


def _bunches(ids: bytearray) -> Iterator[list[str]]:
    for start in range(0, len(ids), BUNCH * _ID_BYTES):
        part = bytes(ids[start : start + BUNCH * _ID_BYTES])
        yield [str(UUID(bytes=part[at : at + _ID_BYTES])) for at in range(0, len(part), _ID_BYTES)]
