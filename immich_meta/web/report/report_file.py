"""The report of a run as a file of JSON lines that may still grow, may be cut, and may hold anything.

Not here: what a line says (entry.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from immich_meta.web.report.entry import UNREADABLE, FileEntry, entry_of, heading_of
from immich_meta.web.report.index import Item, Row

# A caption may have 2,000 characters, a face 200, an album of 10,000 names more than anybody has.
LONGEST_LINE = 4 << 20
_CHUNK = 1 << 18


class ReportFile:
    """A report; one that is not there has no lines."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self) -> int:
        """Bytes; 0 when it is not there."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def feed(self, reached: int) -> Iterator[Item]:
        """The lines from that byte on. One without an end is still being written, or cut: it is not told."""
        for place, line, size in _lines(self._path, reached):
            path, status, tags = heading_of(line)
            yield Item(place, size, place + size, path, status, tags)

    def read(self, row: Row) -> FileEntry:
        """What the line of this row says. Raises OSError."""
        if row.size > LONGEST_LINE:
            return FileEntry(path="", status=UNREADABLE)
        with self._path.open("rb") as stream:
            stream.seek(row.place)
            return entry_of(stream.read(row.size))


def _lines(path: Path, reached: int) -> Iterator[tuple[int, bytes, int]]:
    """Place, content and size with its end of each whole line; of one that is too long there is no content."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        stream.seek(reached)
        place, left = reached, b""
        skipped = 0  # bytes of a line that is too long
        while chunk := stream.read(_CHUNK):
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                size = skipped + len(left) + len(line) + 1
                yield place, b"" if size > LONGEST_LINE else left + line, size
                place, left, skipped = place + size, b"", 0
            if skipped + len(left) + len(rest) > LONGEST_LINE:
                left, skipped = b"", skipped + len(left) + len(rest)
            else:
                left += rest
