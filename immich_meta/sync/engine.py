"""The run: asset after asset planned, carried out, reported, counted.

Not here: settings and the command line (cli/), and every decision about one file (plan.py, the writers).
"""

from __future__ import annotations

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
from immich_meta.sync.plan import (
    Planned,
    Planner,
    PlanningOptions,
    Resolver,
    failed,
    plan_asset,
    succeeded,
)
from immich_meta.sync.report import Result, Status
from immich_meta_writers import WriterError
from immich_meta_writers.commit import sweep

# Carrying out is waiting for the disk: a few at once overlap their flushes, more bring nothing.
WRITERS = 4
_MOST_PENDING = 2 * WRITERS
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
        pending: deque[_Pending] = deque()
        asked = _AskedOnce(self.confirm)
        swept: set[str] = set()
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="writer") as pool:
            try:
                for asset in assets:
                    pending.append(self._begin(asset, pool, pending, asked, swept))
                    while pending and (len(pending) > _MOST_PENDING or pending[0].is_done):
                        yield pending.popleft().outcome()
            except ImmichMetaError:
                # The server is gone; what was begun is still brought to its end, and counted.
                yield from (each.outcome() for each in pending)
                raise
            yield from (each.outcome() for each in pending)

    def _begin(
        self,
        asset: Union[Asset, InvalidAsset],
        pool: ThreadPoolExecutor,
        pending: Iterable[_Pending],
        asked: _AskedOnce,
        swept: set[str],
    ) -> _Pending:
        planned = plan_asset(asset, self.albums, self.resolve, self.planner, self.options, self.today)
        if isinstance(planned, Planned) and any(other.path == planned.plan.path for other in pending):
            # Two assets with one file: the second has to see what the first one wrote.
            for other in pending:
                other.wait()
            planned = plan_asset(asset, self.albums, self.resolve, self.planner, self.options, self.today)
        if isinstance(planned, Result):
            return _Pending(planned.path, Outcome(planned))
        if planned.plan.is_empty:
            return _Pending(planned.plan.path, _outcome(planned, Status.UNCHANGED))
        if self.dry_run:
            return _Pending(planned.plan.path, _outcome(planned, Status.SIMULATED))
        if _touches_upload(planned) and not asked():
            return _Pending(planned.plan.path, _outcome(planned, Status.SIMULATED))
        directory = os.path.dirname(planned.plan.path)
        if directory not in swept:
            swept.add(directory)
            sweep(directory)
        return _Pending(planned.plan.path, future=pool.submit(_carry_out, planned))


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
