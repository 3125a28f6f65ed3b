"""The sums of a run: every asset that was seen is in exactly one of them.

Not here: what became of a single asset (report.py).
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Optional

from immich_meta.errors import LostAssetError, PathsError
from immich_meta.sync.report import Result, Status

EXPORT_PREFIX = "immich_sync_stats_"
Users = Mapping[str, "Statistics"]
_NO_COUNTS: Mapping[Status, int] = MappingProxyType(dict.fromkeys(Status, 0))


@dataclass(frozen=True)
class Statistics:
    """`total`: assets seen. `by_status`: what became of them. `resumed`: done by an interrupted run,
    not part of `total`. `kept`, `skipped_tags`: values and rows. `date_moved`: files whose date an older
    source moved. `sidecars`: sidecars written, or that would be. `disagreements`: files that are another user's first,
    whose Immich says something else. `seconds`: how long the run took."""

    total: int = 0
    by_status: Mapping[Status, int] = field(default_factory=lambda: _NO_COUNTS)
    resumed: int = 0
    sidecars: int = 0
    kept: int = 0
    skipped_tags: int = 0
    date_moved: int = 0
    disagreements: int = 0
    seconds: float = 0.0

    def __getitem__(self, status: Status) -> int:
        return self.by_status[status]

    def with_seen(self, assets: int = 1) -> Statistics:
        return replace(self, total=self.total + assets)

    def with_resumed(self, assets: int = 1) -> Statistics:
        return replace(self, resumed=self.resumed + assets)

    def with_result(self, result: Result, *, date_moved: bool = False) -> Statistics:
        """The sums with one more result; `with_seen` counts its asset."""
        wrote = result.status in (Status.UPDATED, Status.SIMULATED)
        # Not replace(): this is done for every asset, and that would take as long as reading a page of them.
        return Statistics(
            total=self.total,
            by_status=MappingProxyType({**self.by_status, result.status: self.by_status[result.status] + 1}),
            resumed=self.resumed,
            sidecars=self.sidecars + (wrote and result.sidecar is not None),
            kept=self.kept + len(result.kept),
            skipped_tags=self.skipped_tags + len(result.skipped),
            date_moved=self.date_moved + date_moved,
            disagreements=self.disagreements + (result.disagreement is not None),
            seconds=self.seconds,
        )

    def __add__(self, other: Statistics) -> Statistics:
        """The sums of two users together."""
        numbers = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.name != "by_status"
        }
        by_status = MappingProxyType({status: self[status] + other[status] for status in Status})
        return Statistics(by_status=by_status, **numbers)

    def with_seconds(self, seconds: float) -> Statistics:
        return replace(self, seconds=seconds)

    def check(self) -> None:
        """Raises LostAssetError unless updated + unchanged + simulated + missing + path_mismatch +
        unsupported + failed = total."""
        counted = sum(self.by_status.values())
        if counted != self.total:
            sums = ", ".join(f"{status.value} {count}" for status, count in self.by_status.items())
            raise LostAssetError(f"{self.total} assets were seen but {counted} accounted for: {sums}")

    def as_dict(self) -> dict[str, object]:
        """The sums under the predecessor's names first, then under the report's own."""
        return {
            "total": self.total,
            "updated": self[Status.UPDATED],
            "simulated": self[Status.SIMULATED],
            "skipped": self[Status.UNCHANGED],
            "file_not_found": self[Status.MISSING],
            "path_segment_mismatch": self[Status.PATH_MISMATCH],
            "errors": self[Status.FAILED],
            "unchanged": self[Status.UNCHANGED],
            "missing": self[Status.MISSING],
            "path_mismatch": self[Status.PATH_MISMATCH],
            "unsupported": self[Status.UNSUPPORTED],
            "failed": self[Status.FAILED],
            "resumed": self.resumed,
            "sidecars": self.sidecars,
            "kept": self.kept,
            "skipped_tags": self.skipped_tags,
            "date_moved": self.date_moved,
            "seconds": round(self.seconds, 3),
        }


def start_line(modules: Sequence[str], modes: Sequence[str], user: str = "") -> str:
    """The first log line of a run, e.g. `START modules=people,gps modes=dry-run`; the user's name where there are
    several."""
    return f"START modules={','.join(modules) or 'none'} modes={','.join(modes) or 'normal'}{_whose(user)}"


def finish_line(
    statistics: Statistics, modes: Sequence[str] = (), *, interrupted: bool = False, user: str = ""
) -> str:
    """The last log line of a run, e.g. `FINISH total=3 updated=2 ... modes=normal seconds=0.8`."""
    word = "FINISH (interrupted)" if interrupted else "FINISH"
    ending = f"modes={','.join(modes) or 'normal'} seconds={statistics.seconds:.1f}{_whose(user)}"
    return f"{word} {_sums(statistics)} {ending}"


def total_line(statistics: Statistics, users: int, failed: Sequence[str]) -> str:
    """The last log line of a run for several users: `TOTAL users=2 total=3 updated=2 ... seconds=0.8`."""
    broken = f" not_finished={','.join(failed)}" if failed else ""
    return f"TOTAL users={users} {_sums(statistics)} seconds={statistics.seconds:.1f}{broken}"


def _sums(statistics: Statistics) -> str:
    sums = " ".join(f"{status.value}={statistics[status]}" for status in Status)
    resumed = f" resumed={statistics.resumed}" if statistics.resumed else ""
    return f"total={statistics.total} {sums}{resumed}"


def _whose(user: str) -> str:
    return f" user={user}" if user else ""


def export(
    statistics: Statistics, form: str, directory: Path, now: datetime, users: Optional[Users] = None
) -> Path:
    """Write `immich_sync_stats_<YYYYMMDD_HHMMSS>.json` or `.csv` (`form`) into `directory`; returns its path.

    With several `users` each one's sums are in it, too. Raises PathsError when it cannot be written.
    """
    path = directory / f"{EXPORT_PREFIX}{now:%Y%m%d_%H%M%S}.{form}"
    text = _as_csv(statistics, now, users) if form == "csv" else _as_json(statistics, now, users)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(text.encode())
        os.replace(temporary, path)
    except OSError as error:
        raise PathsError(
            f"the statistics {path} cannot be written: {error.strerror or error}",
            path=str(path),
            cure="run in a directory that can be written",
        ) from error
    return path


def _as_json(statistics: Statistics, now: datetime, users: Optional[Users]) -> str:
    content: dict[str, object] = {"timestamp": now.isoformat(timespec="seconds"), "statistics": statistics.as_dict()}
    if users is not None:
        content["statistics"] = _of_several(statistics)
        content["users"] = {user: _of_several(sums) for user, sums in users.items()}
    return json.dumps(content, indent=2) + "\n"


def _as_csv(statistics: Statistics, now: datetime, users: Optional[Users]) -> str:
    """Of several users each has rows of their own, and those of all together have no name in them."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    stamp = now.isoformat(timespec="seconds")
    if users is None:
        writer.writerow(("Timestamp", "Metric", "Value"))
        writer.writerows((stamp, metric, value) for metric, value in statistics.as_dict().items())
        return table.getvalue()
    writer.writerow(("Timestamp", "Metric", "Value", "User"))
    for user, sums in (("", statistics), *users.items()):
        writer.writerows((stamp, metric, value, user) for metric, value in _of_several(sums).items())
    return table.getvalue()


def _of_several(statistics: Statistics) -> dict[str, object]:
    return {**statistics.as_dict(), "disagreements": statistics.disagreements}
