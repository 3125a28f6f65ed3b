"""One task at one file: plan, ask whether it may be written, write, say what came of it.

Not here: which files (task.py), and in which process and in which order (crew.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Optional, Union

from immich_meta.changed import ChangedTag
from immich_meta.state import LogPlace, UndoLog
from immich_meta.sync.identity import decode_checksum, sha1_of
from immich_meta.sync.report import Disagreement, Failure, Result, Status
from immich_meta.sync.task import Mode, Task
from immich_meta.sync.turns import Earlier
from immich_meta_writers import FilePlan, PhotoMetadata, Plan, PlanOptions, WriterError
from immich_meta_writers.errors import UnsupportedError
from immich_meta_writers.plan import marks, plan
from immich_meta_writers.plan.batch import Window
from immich_meta_writers.plan.target import BOOKKEEPING
from immich_meta_writers.undo import Undo

NOWHERE = LogPlace(None, 0)
Planner = Callable[[str, PhotoMetadata, PlanOptions], Plan]

# Enough that one is planned while another goes to the disk; there are other processes, too.
_WRITES_AT_ONCE = 4
_FIRST_TOUCH = "XMP-immichmeta:AssetId"


@dataclass(frozen=True)
class Outcome:
    """One asset's result, and what the summary wants to know of it.

    `files` marks the photo and its sidecar when they are known to say what was wanted; else it is empty.
    """

    result: Result
    date_moved: bool = False
    is_first_touch: bool = False
    is_upload: bool = False
    makes_sidecar: bool = False
    files: str = ""


@dataclass(frozen=True)
class Asks:
    """An original of the upload library would be changed for the first time: somebody has to say whether it may."""

    task: Task


Answer = Union[Outcome, Asks]


@dataclass(frozen=True)
class Work:
    """How a task is done; can be sent to another process."""

    planner: Planner = plan
    log: LogPlace = NOWHERE

    def __call__(self, tasks: tuple[Task, ...]) -> tuple[Answer, ...]:
        """Do them, from the look at the files to the bytes on the disk; the next is planned while one is written.

        No two of them are for one photo. Directories are flushed by whoever calls.
        """
        log = _opened(self.log)
        with Window[Answer](_WRITES_AT_ONCE) as window:
            for task in tasks:
                ready = self.prepare(task)
                if isinstance(ready, Ready):
                    window.carry_out(ready.plan, ready.told, ready.keep(log))
                else:
                    window.known(self._said_again(task, ready, log) if task.is_again else ready)
            return tuple(window.rest())

    def prepare(self, task: Task) -> Union[Ready, Answer]:
        """What is to be carried out, or the answer when nothing is."""
        try:
            found = self.planner(task.path, task.wanted, task.options)
        except WriterError as error:
            return _failed(task, error)
        if found.is_empty:
            return _outcome(task, found, Status.UNCHANGED)
        if task.mode is Mode.LOOK:
            return _outcome(task, found, Status.SIMULATED)
        if task.mode is Mode.FOLLOW:
            return _contradicted(task) if task.earlier is None else _disagreed(task, task.earlier, found)
        if _touches_upload(task, found):
            if task.mode is Mode.ASK:
                return Asks(task)
            if task.mode is Mode.SPARE:
                return _outcome(task, found, Status.SIMULATED)
            if task.checksum is not None and _is_another(task.checksum, found.path):
                return _not_the_servers(task)
        return Ready(task, found)

    def _said_again(self, task: Task, answer: Answer, log: UndoLog) -> Answer:
        """An unchanged file that is not what it was before the process was lost was written by that one."""
        if not isinstance(answer, Outcome) or answer.result.status is not Status.UNCHANGED:
            return answer
        now = marks(task.path, task.options.sidecar_dir)
        if not task.files or now == task.files:
            return answer
        result = replace(answer.result, status=Status.UPDATED, changes=log.changes_of(task.asset_id))
        is_first_touch = any(map(_marks_first_touch, result.changes))
        return replace(
            answer,
            result=result,
            is_first_touch=is_first_touch,
            is_upload=is_first_touch and task.is_upload,
            files=now,
        )


@dataclass(frozen=True)
class Ready:
    """A plan that may be carried out."""

    task: Task
    plan: Plan

    def keep(self, log: UndoLog) -> Callable[[FilePlan, Undo], None]:
        """Writes down how to take a file back, before it is touched."""
        return partial(_keep, log, self.task.asset_id)

    def told(self, error: Optional[WriterError]) -> Outcome:
        """The outcome, once it has been carried out."""
        return _outcome(self.task, self.plan, Status.UPDATED) if error is None else _failed(self.task, error)


def lost(task: Task, kind: str, what: str) -> Outcome:
    """The outcome of a task whose worker was lost over it."""
    return Outcome(task.failed(Failure(kind, f"{task.path}: {what}")))


def _keep(log: UndoLog, asset_id: str, part: FilePlan, undo: Undo) -> None:
    log.append(undo, part.changes, asset_id)


@lru_cache(maxsize=1)
def _opened(place: LogPlace) -> UndoLog:
    """A worker process opens the log once."""
    return UndoLog(place)


def _failed(task: Task, error: WriterError) -> Outcome:
    """The file could not be read or written."""
    status = Status.UNSUPPORTED if isinstance(error, UnsupportedError) else Status.FAILED
    return Outcome(task.failed(Failure(error.kind, str(error)), status))


def _contradicted(task: Task) -> Outcome:
    """Of two assets with one file the first one wins: else each run would write it twice, for ever."""
    claim = f"{task.path} is the file of another asset too, which says something else: that one was followed"
    failure = Failure("ambiguous", f"{claim}; remove one of the two in Immich, or its library")
    return Outcome(Result(task.path, Status.PATH_MISMATCH, asset_id=task.asset_id, error=failure))


def _disagreed(task: Task, earlier: Earlier, found: Plan) -> Outcome:
    """Of two users with one file the first one's Immich is followed: else each run would write it twice, for ever."""
    changes = tuple(change for change in found.changes if change.tag not in BOOKKEEPING)
    notes = task.notes + task.asset_notes
    if earlier.is_pending:
        note = f"{earlier.user} reaches this file first; what is said of it otherwise is known once that is written"
        return Outcome(replace(task.settled(), notes=(*notes, note)))
    return Outcome(replace(task.settled(), disagreement=Disagreement(earlier.user, changes)))


def _not_the_servers(task: Task) -> Outcome:
    cause = f"{task.path} is not what was uploaded: its SHA-1 differs from the one that Immich keeps"
    cure = "left as it is; bring the original back, or run without --check-checksum"
    return Outcome(task.failed(Failure("checksum_mismatch", f"{cause}; {cure}")))


def _is_another(checksum: str, path: str) -> bool:
    expected = decode_checksum(checksum)
    return expected is not None and sha1_of(path) != expected


def _touches_upload(task: Task, found: Plan) -> bool:
    """Whether Immich's integrity check will find this original changed, for the first time."""
    media = found.media
    has_bytes = media is not None and media.patch is not None and bool(media.patch.splices)
    return task.is_upload and has_bytes and _is_first_touch(found)


def _is_first_touch(found: Plan) -> bool:
    return any(map(_marks_first_touch, found.changes))


def _marks_first_touch(change: ChangedTag) -> bool:
    return change.tag == _FIRST_TOUCH and change.old is None


def _outcome(task: Task, found: Plan, status: Status) -> Outcome:
    return Outcome(
        _result(task, found, status),
        date_moved=task.date_moved,
        is_first_touch=_is_first_touch(found),
        is_upload=_touches_upload(task, found),
        makes_sidecar=found.sidecar is not None and bool(found.sidecar.changes) and found.sidecar.stamp is None,
        files=_marks(task, status),
    )


def _marks(task: Task, status: Status) -> str:
    """Of a file that was only read, what was seen before: whoever has written to it since is found out."""
    if status is Status.UPDATED:
        return marks(task.path, task.options.sidecar_dir)
    return task.files if status is Status.UNCHANGED else ""


def _result(task: Task, found: Plan, status: Status) -> Result:
    sidecar = found.sidecar if found.sidecar and found.sidecar.changes else None
    return Result(
        path=found.path,
        status=status,
        changes=found.changes,
        kept=found.kept,
        skipped=found.skipped,
        sidecar=sidecar.path if sidecar else None,
        asset_id=task.asset_id,
        live_photo=task.live_photo,
        notes=task.notes + task.asset_notes + found.notes,
    )
