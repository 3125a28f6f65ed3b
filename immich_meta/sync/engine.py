"""The run: asset after asset planned, carried out, reported, counted.

Not here: settings and the command line (cli/), and every decision about one file (plan.py, the writers).
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Optional, Union

from immich_meta.api.models import Asset, InvalidAsset
from immich_meta.errors import ImmichMetaError
from immich_meta.mapping.notes import NoteKind
from immich_meta.sync.identity import Claims
from immich_meta.sync.plan import (
    Planned,
    Planner,
    PlanningOptions,
    Resolver,
    failed,
    plan_asset,
    succeeded,
)
from immich_meta.sync.report import Failure, Result, Status
from immich_meta_writers import WriterError
from immich_meta_writers.commit import sweep, sync_directory

# Carrying out is waiting for the disk: a few at once overlap their flushes, more bring nothing.
WRITERS = 4
_MOST_PENDING = 2 * WRITERS
_LATEST_DIRECTORIES = 64
_FIRST_TOUCH = "XMP-immichmeta:AssetId"


@dataclass(frozen=True)
class Outcome:
    """One asset's result, and what the summary wants to know of it."""

    result: Result
    date_moved: bool = False
    is_first_touch: bool = False
    is_upload: bool = False


@dataclass(frozen=True)
class Engine:
    """What a run needs, handed in. `confirm` is asked once, before the first file of the upload library is changed
    that never was before; when it says no, those are left."""

    resolve: Resolver
    planner: Planner
    options: PlanningOptions
    today: date
    albums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dry_run: bool = False
    confirm: Callable[[], bool] = lambda: True

    def run(self, assets: Iterable[Union[Asset, InvalidAsset]]) -> Iterator[Outcome]:
        """The outcome of each asset, in the order of the assets. When these end early, what is in hand is finished.

        Raises what `assets` raises (a ServerError).
        """
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="writer") as pool:
            run = _Run(self, pool)
            try:
                for asset in assets:
                    run.begin(asset)
                    yield from run.finished()
            except ImmichMetaError:
                # The server is gone; what was begun is still brought to its end, and counted.
                yield from run.rest()
                raise
            yield from run.rest()
            run.flush()


class _Run:
    """What is in hand, and what the run has seen so far."""

    def __init__(self, engine: Engine, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._pool = pool
        self._pending: deque[_Pending] = deque()
        self._confirmed = _AskedOnce(engine.confirm)
        self._swept: set[str] = set()
        self._claims = Claims()
        self._latest: deque[str] = deque(maxlen=_LATEST_DIRECTORIES)

    def begin(self, asset: Union[Asset, InvalidAsset]) -> None:
        self._pending.append(self._begin(asset))

    def finished(self) -> Iterator[Outcome]:
        """The outcomes that are there, in order; when too many are under way, the first is waited for."""
        while self._pending and (len(self._pending) > _MOST_PENDING or self._pending[0].is_done):
            yield self._pending.popleft().outcome()

    def rest(self) -> Iterator[Outcome]:
        while self._pending:
            yield self._pending.popleft().outcome()

    def _begin(self, asset: Union[Asset, InvalidAsset]) -> _Pending:
        planned = self._plan(asset)
        if isinstance(planned, Planned):
            planned = self._alone(planned)
        if isinstance(planned, Result):
            return _Pending(planned.path, Outcome(planned))
        path = planned.plan.path
        if not self._engine.dry_run:
            self._sweep(os.path.dirname(path))
        if planned.plan.is_empty:
            return _Pending(path, _outcome(planned, Status.UNCHANGED))
        if self._engine.dry_run or (_touches_upload(planned) and not self._confirmed()):
            return _Pending(path, _outcome(planned, Status.SIMULATED))
        if os.path.dirname(path) not in self._latest:
            self._latest.append(os.path.dirname(path))
        return _Pending(path, future=self._pool.submit(_carry_out, planned))

    def flush(self) -> None:
        """Make the latest renames durable; the flush of every later photo has done that for the earlier ones."""
        for directory in self._latest:
            with contextlib.suppress(OSError):  # removed meanwhile, or not to be opened: the photos in it are whole
                sync_directory(directory)

    def _plan(self, asset: Union[Asset, InvalidAsset]) -> Union[Planned, Result]:
        engine = self._engine
        return plan_asset(asset, engine.albums, engine.resolve, engine.planner, engine.options, engine.today)

    def _alone(self, planned: Planned) -> Union[Planned, Result]:
        """The plan, made again when another asset has the same file: it has to see what that one wrote.

        When the two say different things the first one wins: else each run would write the file twice, for ever.
        """
        path, asset = planned.plan.path, planned.asset
        if not self._claims.add(path, asset.id) or self._engine.dry_run:
            return planned
        for other in self._pending:
            other.wait()
        again = self._plan(asset)
        if isinstance(again, Result) or again.plan.is_empty:
            return again
        claim = f"{path} is the file of another asset too, which says something else: that one was followed"
        failure = Failure("ambiguous", f"{claim}; remove one of the two in Immich, or its library")
        return Result(path, Status.PATH_MISMATCH, asset_id=asset.id, error=failure)

    def _sweep(self, directory: str) -> None:
        """Once per directory, before anything is written there: what a killed run had left goes."""
        if directory not in self._swept:
            self._swept.add(directory)
            sweep(directory)


class _AskedOnce:
    """A question whose answer is remembered."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask
        self._answer: Optional[bool] = None

    def __call__(self) -> bool:
        if self._answer is None:
            self._answer = self._ask()
        return self._answer


@dataclass(frozen=True)
class _Pending:
    """An outcome, now or soon."""

    path: str
    known: Optional[Outcome] = None
    future: Optional[Future[Outcome]] = None

    @property
    def is_done(self) -> bool:
        return self.future is None or self.future.done()

    def wait(self) -> None:
        if self.future is not None:
            self.future.result()

    def outcome(self) -> Outcome:
        if self.known is not None:
            return self.known
        if self.future is None:
            raise ValueError("neither an outcome nor a future")
        return self.future.result()


def _carry_out(planned: Planned) -> Outcome:
    try:
        planned.plan.apply()
    except WriterError as error:
        return Outcome(failed(planned.asset, planned.plan.path, error))
    return _outcome(planned, Status.UPDATED)


def _touches_upload(planned: Planned) -> bool:
    """Whether Immich's integrity check will find this original changed, for the first time."""
    media = planned.plan.media
    return planned.asset.library_id is None and media is not None and bool(media.patch and media.patch.splices) and (
        _is_first_touch(planned)
    )


def _is_first_touch(planned: Planned) -> bool:
    return any(change.tag == _FIRST_TOUCH and change.old is None for change in planned.plan.changes)


def _outcome(planned: Planned, status: Status) -> Outcome:
    return Outcome(
        succeeded(planned, status),
        date_moved=any(note.kind is NoteKind.DATE_MOVED for note in planned.notes),
        is_first_touch=_is_first_touch(planned),
        is_upload=_touches_upload(planned),
    )
