"""What a run says of one file, out of a line that anybody may have written.

Not here: where the lines are (report_file.py), and how they are found again (index.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

from immich_meta.changed import Value
from immich_meta.state import KeptChange

UNREADABLE = "unreadable"
_LONGEST_NAME = 200  # characters of a tag or a status; a longer one is no such thing


class Kept(NamedTuple):
    """A foreign value that stays."""

    tag: str
    value: Value
    reason: str


class Skipped(NamedTuple):
    """A row that the file cannot take."""

    tag: str
    reason: str


@dataclass(frozen=True)
class FileEntry:
    """One file in one run. `status` as in the report, of an undo (`restored`, `changed` ...), or `unreadable`.

    `message`: what went wrong, or more about it; "" for nothing. `undone`: it was taken back since.
    """

    path: str
    status: str
    changes: tuple[KeptChange, ...] = ()
    kept: tuple[Kept, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    sidecar: Optional[str] = None
    asset_id: Optional[str] = None
    message: str = ""
    notes: tuple[str, ...] = ()
    undone: bool = False


def entry_of(line: bytes) -> FileEntry:
    """The entry of a line of a report; one of the status `unreadable` for what is none."""
    row = _row(line)
    if row is None:
        return FileEntry(path="", status=UNREADABLE)
    error = row.get("error")
    message = error.get("message") if isinstance(error, dict) else row.get("message")
    return FileEntry(
        path=_text(row["path"]),
        status=_name(row["status"]),
        changes=tuple(KeptChange(_name(each.get("tag")), *_pair(each)) for each in _rows(row, "changes")),
        kept=tuple(
            Kept(_name(each.get("tag")), value_of(each.get("value")), _text(each.get("reason")))
            for each in _rows(row, "kept")
        ),
        skipped=tuple(Skipped(_name(each.get("tag")), _text(each.get("reason"))) for each in _rows(row, "skipped")),
        sidecar=_text(row.get("sidecar")) or None,
        asset_id=_text(row.get("asset_id")) or None,
        message=_text(message),
        notes=tuple(filter(None, map(_text, _list(row.get("notes"))))),
    )


def heading_of(line: bytes) -> tuple[str, str, tuple[str, ...]]:
    """Path, status and the tags that a line tells of: what is looked for. Quicker than `entry_of`."""
    row = _row(line)
    if row is None:
        return "", UNREADABLE, ()
    told = (each.get("tag") for group in ("changes", "kept", "skipped") for each in _rows(row, group))
    return _text(row["path"]), _name(row["status"]), tuple(dict.fromkeys(filter(None, map(_name, told))))


def value_of(value: object) -> Value:
    """A tag's value out of JSON; what no tag can have becomes its text."""
    if isinstance(value, list):
        return tuple(_text(item) if isinstance(item, str) else json.dumps(item) for item in value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    return json.dumps(value)


def _row(line: bytes) -> Optional[Mapping[str, Any]]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_entry = isinstance(row, dict) and isinstance(row.get("path"), str) and isinstance(row.get("status"), str)
    return row if is_entry else None


def _pair(change: Mapping[str, Any]) -> tuple[Value, Value]:
    return value_of(change.get("old")), value_of(change.get("new"))


def _rows(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [each for each in _list(row.get(name)) if isinstance(each, dict)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _name(value: object) -> str:
    return _text(value)[:_LONGEST_NAME]
