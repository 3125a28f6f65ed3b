"""What is kept of a run's writes in the state: files and changes of runs that left no report.

Not here: the state itself (immich_meta.state).
"""

from __future__ import annotations

from collections.abc import Iterator

from immich_meta.state import Archive, Entry, KeptChange, KeptRun
from immich_meta.web.report.entry import FileEntry
from immich_meta.web.report.index import Item, Row

_AT_ONCE = 256


class KeptFiles:
    """The writes of one run, oldest first."""

    def __init__(self, archive: Archive, run: KeptRun) -> None:
        self._archive = archive
        self._run = run

    def size(self) -> int:
        """How far `feed` can get."""
        return self._archive.last_number(self._run)

    def feed(self, reached: int) -> Iterator[Item]:
        while entries := self._archive.entries_after(self._run, reached, _AT_ONCE):
            for entry in entries:
                reached = entry.number
                tags = tuple(dict.fromkeys(change.tag for change in _changes(entry)[0]))
                yield Item(entry.number, 0, entry.number, entry.path, "updated", tags)

    def read(self, row: Row) -> FileEntry:
        """Raises HistoryError when it is no longer kept."""
        return entry_of_write(self._archive.entry(self._run, row.place))


def entry_of_write(entry: Entry) -> FileEntry:
    """What is kept of one write."""
    changes, is_damaged = _changes(entry)
    return FileEntry(
        path=entry.path,
        status="updated",
        changes=changes,
        asset_id=entry.asset_id,
        notes=("what was changed is not known any more: this note is damaged",) if is_damaged else (),
        undone=entry.undone is not None,
    )


def _changes(entry: Entry) -> tuple[tuple[KeptChange, ...], bool]:
    try:
        return entry.changes(), False
    except ValueError:
        return (), True
