"""Whether the files still say what a run wrote, and whether nothing else in them has changed.

Not here: what was written (archive.py), and reading a file (immich_meta_writers).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import NamedTuple, Optional

from immich_meta.changed import Value
from immich_meta.state.archive import Archive, Entry, KeptRun
from immich_meta_writers.changes import Shown
from immich_meta_writers.commit.refusals import mapped
from immich_meta_writers.errors import UnsupportedError, WriterError
from immich_meta_writers.plan import read, read_sidecar_of
from immich_meta_writers.plan.times import MTIME_TAG
from immich_meta_writers.undo import Found, Undo, found

_COARSEST_NS = 2_000_000_000  # the clock of FAT


class Difference(NamedTuple):
    """A tag that says something else than what was written."""

    tag: str
    wanted: Value
    found: Value


class Verified(NamedTuple):
    """One file. `problem` is for people, "" when there is none.

    `kind` is for machines: sound, tags (a tag says something else), bytes (other bytes have changed), missing, error,
    lost (it is not known any more what was written), later (a later run wrote to it: nothing to compare).
    """

    path: str
    asset_id: Optional[str]
    kind: str
    problem: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def is_wrong(self) -> bool:
        return self.kind not in ("sound", "later")


def verify(archive: Archive, run: KeptRun) -> Iterator[Verified]:
    """Every file that a run wrote and that was not taken back since; each is read."""
    for group in _by_file(archive.entries(run)):
        yield _verified(archive, group)


def _by_file(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The writes to each file, newest first."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.undone is None:
            groups.setdefault(entry.path, []).append(entry)
    yield from groups.values()


def _verified(archive: Archive, group: list[Entry]) -> Verified:
    newest = group[0]

    def result(kind: str, problem: str = "", differences: tuple[Difference, ...] = ()) -> Verified:
        return Verified(newest.path, newest.asset_id, kind, problem, differences)

    later = archive.later_run(newest)
    if later is not None:
        return result("later", f"written again by the run {later}")
    try:
        wanted = {change.tag: change.new for entry in reversed(group) for change in entry.changes()}
        undo = newest.undo()
    except (WriterError, ValueError) as error:
        return result("lost", f"what was written is not known any more: {error}")
    try:
        seen = found(undo)
        if seen is Found.MISSING:
            return result("missing", "not there any more")
        differences = tuple(_differences(undo, wanted))
    except WriterError as error:
        return result("error", str(error))
    if differences:
        return result("tags", "says something else than what was written", differences)
    if seen is Found.NEW:
        return result("sound")
    if seen is Found.OLD:
        return result("bytes", "is as it was before")
    return result("bytes", "changed since; what was written is still there")


def _differences(undo: Undo, wanted: Mapping[str, Value]) -> Iterator[Difference]:
    """Raises WriterError."""
    says = _read(undo.path) if set(wanted) - {MTIME_TAG} else {}
    for tag, value in wanted.items():
        if tag == MTIME_TAG:
            yield from _moved(undo, value)
        elif _plain(says.get(tag)) != _plain(value):
            yield Difference(tag, value, says.get(tag))


def _moved(undo: Undo, wanted: Value) -> Iterator[Difference]:
    with mapped(undo.path):
        mtime_ns = os.stat(undo.path).st_mtime_ns
    if undo.new_mtime_ns is not None and abs(mtime_ns - undo.new_mtime_ns) >= _COARSEST_NS:
        moment = datetime.fromtimestamp(mtime_ns // 1_000_000 / 1000, timezone.utc)
        yield Difference(MTIME_TAG, wanted, moment.isoformat(timespec="milliseconds"))


def _read(path: str) -> Mapping[str, Shown]:
    if path.endswith(".xmp"):
        return read_sidecar_of(path[: -len(".xmp")])[1]
    try:
        return read(path)
    except UnsupportedError:
        return {}


def _plain(value: Value) -> object:
    """Absent and empty are the same."""
    return value if value not in ("", ()) else None
