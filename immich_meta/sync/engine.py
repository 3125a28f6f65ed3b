"""The run: asset after asset planned, carried out, reported, counted.

Not here: settings and the command line (cli/), and every decision about one file (plan.py, the writers).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
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
from immich_meta_writers.commit import sweep
from immich_meta_writers.plan.batch import Window

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

        Raises what `assets` raises (a ServerError); AccessError when the last renames cannot be made durable.
        """
        window: Window[Outcome] = Window()
        with window:
            run = _Run(self, window)
            try:
                for asset in assets:
                    run.begin(asset)
                    yield from window.finished()
            except ImmichMetaError:
                # The server is gone; what was begun is still brought to its end, and counted.
                yield from window.rest()
                raise
            yield from window.rest()
            window.flush()


class _Run:
    """What the run has seen so far, and the window in which its plans are carried out."""

    def __init__(self, engine: Engine, window: Window[Outcome]) -> None:
        self._engine = engine
        self._window = window
        self._confirmed = _AskedOnce(engine.confirm)
        self._swept: set[str] = set()
        self._claims = Claims()

    def begin(self, asset: Union[Asset, InvalidAsset]) -> None:
        ready = self._ready(asset)
        if isinstance(ready, Outcome):
            self._window.known(ready)
        else:
            self._window.carry_out(ready.plan, partial(_carried_out, ready))

    def _ready(self, asset: Union[Asset, InvalidAsset]) -> Union[Planned, Outcome]:
        """What is to be carried out, or the outcome when there is nothing to do."""
        planned = self._plan(asset)
        if isinstance(planned, Planned):
            planned = self._alone(planned)
        if isinstance(planned, Result):
            return Outcome(planned)
        if not self._engine.dry_run:
            self._sweep(os.path.dirname(planned.plan.path))
        if planned.plan.is_empty:
            return _outcome(planned, Status.UNCHANGED)
        if self._engine.dry_run or (_touches_upload(planned) and not self._confirmed()):
            return _outcome(planned, Status.SIMULATED)
        return planned

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
        self._window.settle()
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


def _carried_out(planned: Planned, error: Optional[WriterError]) -> Outcome:
    if error is not None:
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
