"""What a run did as a table for spreadsheets, or as JSON, one piece after the other.

Not here: which files (files.py).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any, Union

from immich_meta.changed import Value
from immich_meta.logs import json_line
from immich_meta.web.report.entry import FileEntry

COLUMNS = ("path", "status", "what", "tag", "old", "new", "reason", "sidecar", "asset_id")
_BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for something else
# A cell that begins so is calculated by a spreadsheet, also behind blanks (OWASP, CSV injection). One that separates
# cells by `;` (German, French ...) or tabs takes what is behind them for another cell, and quotes do not hold it back.
_CALCULATED = re.compile("^[ \u00a0]*(?=[=+\\-@\t\r\n＝＋－＠])|(?<=[;\t\r\n])[ \u00a0\"]*(?=[=+\\-@＝＋－＠])")
_CHUNK = 1 << 16
Cell = Union[str, int, float]


def as_csv(entries: Iterable[FileEntry]) -> Iterator[str]:
    """One row for each changed, kept or skipped tag, note and error; a file with none of them has one row, too."""
    table = io.StringIO()
    writer = csv.writer(table)
    table.write(_BYTE_ORDER_MARK)
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerows(tuple(map(_cell, row)) for row in _rows(entry))
        if table.tell() >= _CHUNK:
            yield _taken(table)
    yield _taken(table)


def as_json(entries: Iterable[FileEntry]) -> Iterator[str]:
    """An array with an object per file, as in the report."""
    start = "[\n"
    for entry in entries:
        yield start + json_line(_object(entry), ascii_only=True)
        start = ",\n"
    yield "[]\n" if start == "[\n" else "\n]\n"


def _rows(entry: FileEntry) -> Iterator[tuple[Cell, ...]]:
    def row(what: str, tag: str = "", old: Value = "", new: Value = "", reason: str = "") -> tuple[Cell, ...]:
        sidecar, asset = entry.sidecar or "", entry.asset_id or ""
        return entry.path, entry.status, what, tag, _joined(old), _joined(new), reason, sidecar, asset

    found = [row("changed", change.tag, change.old, change.new) for change in entry.changes]
    found += [row("kept", kept.tag, kept.value, kept.value, kept.reason) for kept in entry.kept]
    found += [row("skipped", skipped.tag, reason=skipped.reason) for skipped in entry.skipped]
    found += [row("note", reason=note) for note in entry.notes]
    if entry.message:
        found.append(row("message", reason=entry.message))
    yield from found or [row("")]


def _joined(value: Value) -> Cell:
    if isinstance(value, tuple):
        return "; ".join(value)
    return "" if value is None else value


def _cell(value: Cell) -> Cell:
    """As a text that no spreadsheet calculates; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = value.encode("utf-8", "replace").decode()
    return _CALCULATED.sub(lambda match: f"'{match[0]}", text)


def _taken(table: io.StringIO) -> str:
    text = table.getvalue()
    table.seek(0)
    table.truncate()
    return text


def _object(entry: FileEntry) -> dict[str, Any]:
    return {
        "path": entry.path,
        "status": entry.status,
        "changes": [change._asdict() for change in entry.changes],
        "kept": [kept._asdict() for kept in entry.kept],
        "skipped": [skipped._asdict() for skipped in entry.skipped],
        "sidecar": entry.sidecar,
        "asset_id": entry.asset_id,
        "message": entry.message,
        "notes": list(entry.notes),
        "undone": entry.undone,
    }
