"""The run: asset after asset made a task, done or known to be settled, reported, counted, remembered.

Not here: settings and the command line (cli/), and every decision about one file (task.py, work.py, the writers).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Optional, Union

from immich_meta.api.models import VIDEO, Asset, InvalidAsset, Listed, SettledAsset
from immich_meta.errors import ImmichMetaError
from immich_meta.sync.crew import Crew
from immich_meta.sync.identity import Claims
from immich_meta.sync.path_outcomes import Resolved
from immich_meta.sync.report import Failure, Result, Status
from immich_meta.sync.settled import Ledger
from immich_meta.sync.task import Mode, PlanningOptions, Resolver, Task, to_task
from immich_meta.sync.turns import Turn
from immich_meta.sync.work import Answer, Asks, Outcome
from immich_meta_writers.commit import sweep
from immich_meta_writers.plan import marks, written_in

_MOST_KNOWN = 20_000


@dataclass(frozen=True)
class Engine:
    """What a run needs, handed in.

    `crew` does the tasks; `ledger` knows what need not be done. `confirm` is asked once, before the first file of the
    upload library is changed that never was before; when it says no, those are left. None: nobody needs to be asked.
    `will_write_in` hears of each directory before anything is written there. `turn`: whose run it is, of several users.
    """

    resolve: Resolver
    crew: Crew
    options: PlanningOptions
    today: date
    albums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dry_run: bool = False
    confirm: Optional[Callable[[], bool]] = None
    ledger: Ledger = field(default_factory=Ledger)
    will_write_in: Callable[[str], None] = lambda directory: None
    turn: Turn = field(default_factory=Turn)

    def run(self, assets: Iterable[Listed]) -> Iterator[Outcome]:
        """The outcome of each asset, in the order of the assets. When these end early, what is in hand is finished.

        Raises what `assets` raises (a ServerError); AccessError when the last renames cannot be made durable.
        """
        return self.begin().outcomes(assets)

    def begin(self) -> Run:
        """A run that has seen nothing yet."""
        return Run(self)


class Run:
    """What the run has seen so far."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._crew = engine.crew
        self._may_touch: Optional[bool] = True if engine.confirm is None else None
        self._swept: set[str] = set()
        self._claims = Claims()
        self._in_hand: dict[str, tuple[Task, bytes, bytes]] = {}
        self._known: OrderedDict[str, Task] = OrderedDict()

    def outcomes(self, assets: Iterable[Listed]) -> Iterator[Outcome]:
        """As Engine.run."""
        with self._crew:
            try:
                for asset in assets:
                    self._begin(asset)
                    yield from self._ended(self._crew.finished())
            except ImmichMetaError:
                # The server is gone; what was begun is still brought to its end, and counted.
                yield from self._ended(self._crew.rest())
                raise
            yield from self._ended(self._crew.rest())
            self._crew.flush()

    def place_if_settled(self, asset: Asset) -> Optional[str]:
        """For a listing: the path of the file of an asset that is settled by what the list says alone."""
        if not self._engine.ledger.can_tell_by_listing:
            return None
        found = self._engine.resolve(asset)
        if not isinstance(found, Resolved):
            return None
        tree = self._engine.options.writing.sidecar_dir
        if not self._engine.ledger.is_as_listed(asset.id, self._listed(asset), found.path, tree):
            return None
        self._sweep(found.path)
        return found.path

    def _listed(self, asset: Asset) -> bytes:
        engine = self._engine
        return engine.ledger.listed_of(asset, engine.albums.get(asset.id, ()), engine.options)

    def knows_faces(self, asset: Asset) -> bool:
        """Whether the asset is settled as it was listed, so that nobody has to ask where its faces are."""
        task = self._task(asset)
        if isinstance(task, Result) or not self._engine.ledger.is_settled(task, self._engine.ledger.faces_of(asset)):
            return False
        self._known[task.asset_id] = task
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return True

    def _begin(self, asset: Listed) -> None:
        """Hand the asset's task in, or its outcome when there is nothing to be done."""
        if isinstance(asset, SettledAsset):
            self._claims.add(asset.path, asset.id)
            self._engine.turn.reach(asset.path)
            self._crew.known(Outcome(Result(asset.path, Status.UNCHANGED, asset_id=asset.id)))
            return
        if isinstance(asset, InvalidAsset):
            self._crew.known(Outcome(_bad(asset)))
            return
        known = self._known.pop(asset.id, None)
        task = known or self._task(asset)
        if isinstance(task, Result):
            self._crew.known(Outcome(task))
            return
        self._sweep(task.path)
        faces = self._engine.ledger.faces_of(asset)
        is_shared = self._claims.add(task.path, task.asset_id)
        earlier = self._engine.turn.reach(task.path, task.files)
        # What there is to be told of an asset is told in every run: a list alone would not know it.
        listed = b"" if task.notes or task.asset_notes else self._listed(asset)
        if not is_shared and (known or self._engine.ledger.is_settled(task, faces)):
            # By another list: next time this one will do.
            self._engine.ledger.remember(task, faces, task.files, listed)
            self._crew.known(Outcome(task.settled(), date_moved=task.date_moved))
            return
        if self._are_faces_known(asset, task):
            self._in_hand[task.asset_id] = task, faces, listed
        if earlier is not None:  # whose part is written by now
            task = replace(task, mode=Mode.FOLLOW, earlier=earlier)
        else:
            task = self._allowed(task, is_shared=is_shared)
        self._crew.hand_in(task)

    def _task(self, asset: Asset) -> Union[Task, Result]:
        engine = self._engine
        return to_task(asset, engine.albums, engine.resolve, engine.options, engine.today)

    def _are_faces_known(self, asset: Asset, task: Task) -> bool:
        """Without the boxes a file may still say something else of them; what is wanted of a video never has any."""
        return task.wanted.regions is not None or not self._engine.ledger.asks_faces or asset.kind == VIDEO

    def _allowed(self, task: Task, *, is_shared: bool) -> Task:
        """The task with what may be done. For a file that is another asset's too, what that one wrote is waited for."""
        if self._engine.dry_run:
            return replace(task, mode=Mode.LOOK)
        self._engine.will_write_in(written_in(task.path, task.options))
        if is_shared:
            self._crew.settle()
            return replace(task, mode=Mode.FOLLOW, files=marks(task.path, task.options.sidecar_dir))
        if self._may_touch is None:
            return replace(task, mode=Mode.ASK)
        return task if self._may_touch else replace(task, mode=Mode.SPARE)

    def passes_over(self, asset: Listed) -> None:
        """An asset that is not this run's to do (done before, another shard's); its file is this user's all the same.
        """
        if not self._engine.turn.user or isinstance(asset, InvalidAsset):
            return
        found = asset if isinstance(asset, SettledAsset) else self._engine.resolve(asset)
        if isinstance(found, (SettledAsset, Resolved)) and found.path:
            self._engine.turn.reach(found.path)

    def _sweep(self, path: str) -> None:
        """Once per directory, before anything is written there: what a killed run had left goes."""
        directory = written_in(path, self._engine.options.writing)
        if directory not in self._swept and not self._engine.dry_run:
            self._swept.add(directory)
            sweep(directory)

    def _ended(self, answers: Iterator[Answer]) -> Iterator[Outcome]:
        for answer in answers:
            outcome = answer if isinstance(answer, Outcome) else self._asked(answer)
            self._remember(outcome)
            yield self._signed(outcome)

    def _signed(self, outcome: Outcome) -> Outcome:
        """With the user's name, where there are several."""
        turn, result = self._engine.turn, outcome.result
        if not turn.user:
            return outcome
        if result.status is Status.SIMULATED:
            turn.would_write(result.path)
        return replace(outcome, result=replace(result, user=turn.user))

    def _asked(self, asks: Asks) -> Outcome:
        if self._may_touch is None:
            confirm = self._engine.confirm
            self._may_touch = confirm is None or confirm()
        answer = self._crew.at_once(replace(asks.task, mode=Mode.WRITE if self._may_touch else Mode.SPARE))
        assert isinstance(answer, Outcome)  # noqa: S101 - neither mode asks
        return answer

    def _remember(self, outcome: Outcome) -> None:
        in_hand = self._in_hand.pop(outcome.result.asset_id or "", None)
        if in_hand is not None and outcome.files:
            task, faces, listed = in_hand
            self._engine.ledger.remember(task, faces, outcome.files, listed)


def _bad(asset: InvalidAsset) -> Result:
    return Result(asset.name, Status.FAILED, asset_id=asset.id, error=Failure("bad_answer", asset.reason))
