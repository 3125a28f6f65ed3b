"""What became of each asset: one JSON line for machines, readable lines for people.

Not here: sums (statistics.py), and deciding what becomes of an asset (engine.py).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional, Protocol, TextIO

from immich_meta.changed import ChangedTag, Value
from immich_meta.errors import PathsError
from immich_meta.logs import json_line, one_line

_SHOWN_CHARACTERS = 80
_SHOWN_ITEMS = 8


class Status(Enum):
    """What became of an asset; every asset has exactly one."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SIMULATED = "simulated"
    MISSING = "missing"
    PATH_MISMATCH = "path_mismatch"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


class KeptTag(Protocol):
    """A foreign value that stays."""

    @property
    def tag(self) -> str: ...
    @property
    def value(self) -> Value: ...
    @property
    def reason(self) -> str: ...


class SkippedTag(Protocol):
    """A row that this file cannot take."""

    @property
    def tag(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class Failure:
    """`kind` is stable and meant for machines; `message` is for people."""

    kind: str
    message: str


@dataclass(frozen=True)
class LivePhoto:
    """Which `part` of a live photo an asset is (still, video), and which asset is the other one."""

    part: str
    other_id: str
    other_name: str = ""


@dataclass(frozen=True)
class Disagreement:
    """A file that another user reached first says what that one's Immich says; `changes` are left undone."""

    first: str
    changes: Sequence[ChangedTag]


@dataclass(frozen=True)
class Result:
    """What became of one asset, or of one file of the `write` command (`asset_id` None).

    `path` is the local file; when none was found, the path that the server gave. `user`: whose asset it is, where there
    are several users.
    """

    path: str
    status: Status
    changes: Sequence[ChangedTag] = ()
    kept: Sequence[KeptTag] = ()
    skipped: Sequence[SkippedTag] = ()
    sidecar: Optional[str] = None
    asset_id: Optional[str] = None
    error: Optional[Failure] = None
    notes: Sequence[str] = ()
    live_photo: Optional[LivePhoto] = None
    disagreement: Optional[Disagreement] = None
    user: str = ""


def to_json(result: Result, *, ascii_only: bool = False) -> str:
    """The result as one line of JSON, without a line end; `live_photo` only for the parts of one, `user` only where
    there are several, `disagreement` only where there is one."""
    pair, disagreement = result.live_photo, result.disagreement
    return json_line(
        {
            "path": result.path,
            "status": result.status.value,
            "changes": _told(result.changes),
            "kept": [{"tag": kept.tag, "value": kept.value, "reason": kept.reason} for kept in result.kept],
            "skipped": [{"tag": skipped.tag, "reason": skipped.reason} for skipped in result.skipped],
            "sidecar": result.sidecar,
            "asset_id": result.asset_id,
            "error": result.error and {"kind": result.error.kind, "message": result.error.message},
            "notes": list(result.notes),
            **({"live_photo": {"part": pair.part, "other": pair.other_id}} if pair else {}),
            **({"user": result.user} if result.user else {}),
            **(
                {"disagreement": {"with": disagreement.first, "changes": _told(disagreement.changes)}}
                if disagreement
                else {}
            ),
        },
        ascii_only=ascii_only,
    )


def _told(changes: Sequence[ChangedTag]) -> list[dict[str, Value]]:
    return [{"tag": change.tag, "old": change.old, "new": change.new} for change in changes]


class ReportWriter:
    """Writes results as JSON lines while the run goes on, each of them at once.

    `target` is a file (UTF-8), which is replaced, or `-` for `stdout` (ASCII). When writing fails later (full
    disk, closed pipe), `warn` hears of it once and the run goes on without a report. `redact` gets each line.
    Raises PathsError when the file cannot be made.
    """

    def __init__(
        self,
        target: str,
        *,
        warn: Callable[[str], None],
        stdout: Optional[TextIO] = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._target = target
        self._warn = warn
        self._redact = redact
        self._owned = target != "-"
        self._stream: Optional[TextIO] = _create(target) if self._owned else (stdout or sys.stdout)

    def write(self, result: Result) -> None:
        if self._stream is None:
            return
        try:
            line = to_json(result, ascii_only=not self._owned)
            self._stream.write(self._redact(line) + "\n")
            self._stream.flush()
        except OSError as error:
            self._warn(f"The report {self._target} is not complete: {error.strerror or error}")
            self.close()
            self._stream = None

    def close(self) -> None:
        if self._owned and self._stream is not None:
            try:
                self._stream.close()
            except OSError:  # what did not fit was reported by write()
                return

    def __enter__(self) -> ReportWriter:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def _create(target: str) -> TextIO:
    try:
        return Path(target).open("w", encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PathsError(
            f"the report {target} cannot be written: {reason}",
            path=target,
            cure="give --report a file in a directory that exists and can be written",
        ) from error


def render(result: Result) -> tuple[str, ...]:
    """Lines for people: the file, then old -> new of each tag, what was kept and what was skipped."""
    sidecar = f" (sidecar {one_line(result.sidecar)})" if result.sidecar else ""
    pair = result.live_photo
    still = f" (video of {one_line(pair.other_name)})" if pair and pair.part == "video" else ""
    lines = [f"{one_line(result.path)}{still}: {_headline(result)}{sidecar}"]
    changes = result.disagreement.changes if result.disagreement else result.changes
    names = [entry.tag for group in (changes, result.kept, result.skipped) for entry in group]
    width = min(max(map(len, names), default=0), 40)
    lines += [
        f"    {one_line(change.tag):<{width}}  {render_change(change.old, change.new)}" for change in changes
    ]
    lines += [
        f"    {one_line(kept.tag):<{width}}  kept {render_value(kept.value)}: {one_line(kept.reason)}"
        for kept in result.kept
    ]
    lines += [
        f"    {one_line(skipped.tag):<{width}}  skipped: {one_line(skipped.reason)}" for skipped in result.skipped
    ]
    return tuple(lines)


def _headline(result: Result) -> str:
    words = result.status.value.replace("_", " ")
    if result.status is Status.SIMULATED:
        words = "would be updated"
    if result.disagreement:
        words += f", it is {result.disagreement.first}'s first; {result.user} would say"
    return f"{words}: {one_line(result.error.message)}" if result.error else words


def render_change(old: Value, new: Value) -> str:
    """`old -> new`; of lists only what comes and goes: `+added -removed`."""
    if isinstance(old, tuple) or isinstance(new, tuple):
        return _render_lists(old, new)
    return f"{render_value(old)} -> {render_value(new)}"


def _items(value: Value) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)


def _render_lists(old: Value, new: Value) -> str:
    before, after = Counter(_items(old)), Counter(_items(new))
    changes = [f"+{render_value(item)}" for item in (after - before).elements()]
    changes += [f"-{render_value(item)}" for item in (before - after).elements()]
    if not changes:
        return f"{render_value(old)} -> {render_value(new)}"
    more = len(changes) - _SHOWN_ITEMS
    return "  ".join(changes[:_SHOWN_ITEMS]) + (f"  … and {more} more" if more > 0 else "")


def render_value(value: Value) -> str:
    """A value on one line, texts in quotes and cut at 80 characters; `(none)` for an absent one."""
    if value is None:
        return "(none)"
    if isinstance(value, tuple):
        shown = ", ".join(render_value(item) for item in value[:_SHOWN_ITEMS])
        more = len(value) - _SHOWN_ITEMS
        return f"[{shown}{f', … and {more} more' if more > 0 else ''}]"
    if not isinstance(value, str):
        return str(value)
    if len(value) <= _SHOWN_CHARACTERS:
        return f'"{one_line(value)}"'
    return f'"{one_line(value[:_SHOWN_CHARACTERS])}…" ({len(value)} characters)'
