"""The sums of a run, and their export."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.errors import LostAssetError, PathsError
from immich_meta.sync.report import Result, Status
from immich_meta.sync.statistics import Statistics, export, finish_line, start_line

NOW = datetime(2026, 11, 22, 8, 5, 9, tzinfo=timezone.utc)
PREDECESSOR = [
    "total",
    "updated",
    "simulated",
    "skipped",
    "file_not_found",
    "path_segment_mismatch",
    "errors",
]


@dataclass(frozen=True)
class Kept:
    tag: str
    value: str
    reason: str


def _sums(*statuses: Status) -> Statistics:
    statistics = Statistics()
    for status in statuses:
        statistics = statistics.with_seen().with_result(Result("x.jpg", status))
    return statistics


@given(st.lists(st.sampled_from(Status)))
def test_every_asset_is_in_exactly_one_sum(statuses: list[Status]) -> None:
    statistics = _sums(*statuses)
    statistics.check()
    assert statistics.total == len(statuses)
    assert [statistics[status] for status in Status] == [statuses.count(status) for status in Status]


@pytest.mark.parametrize("lost", [1, -1])
def test_an_asset_that_vanished_or_came_from_nowhere_is_an_error(lost: int) -> None:
    with pytest.raises(LostAssetError, match="accounted for"):
        _sums(Status.UPDATED, Status.MISSING).with_seen(lost).check()


def test_counting_leaves_the_earlier_sums_as_they_were() -> None:
    before = _sums(Status.UPDATED)
    after = before.with_seen().with_result(Result("y.jpg", Status.UPDATED))
    assert (before.total, before[Status.UPDATED], after[Status.UPDATED]) == (1, 1, 2)


def test_an_asset_of_an_earlier_run_is_not_part_of_the_total() -> None:
    statistics = _sums(Status.UPDATED).with_resumed(5)
    statistics.check()
    assert (statistics.total, statistics.resumed) == (1, 5)


def test_sidecars_kept_values_and_moved_dates_are_counted() -> None:
    kept = (Kept("XMP-xmp:Label", "Red", "foreign"),) * 2
    statistics = Statistics().with_seen(3).with_result(Result("x", Status.UPDATED, sidecar="x.xmp", kept=kept))
    statistics = statistics.with_result(Result("y", Status.UNCHANGED, sidecar="y.xmp"), date_moved=True)
    statistics = statistics.with_result(Result("z", Status.SIMULATED, sidecar="z.xmp"))
    assert (statistics.sidecars, statistics.kept, statistics.date_moved) == (2, 2, 1)


def test_the_predecessors_names_come_first_and_mean_the_same() -> None:
    statistics = _sums(*Status, Status.UNCHANGED, Status.MISSING, Status.MISSING)
    found = statistics.as_dict()
    assert list(found)[: len(PREDECESSOR)] == PREDECESSOR
    assert [found[name] for name in PREDECESSOR] == [10, 1, 1, 2, 3, 1, 1]
    assert (found["unchanged"], found["missing"], found["unsupported"]) == (2, 3, 1)


def test_the_json_export_has_a_timestamp_and_the_sums(tmp_path: Path) -> None:
    path = export(_sums(Status.UPDATED), "json", tmp_path, NOW)
    assert path == tmp_path / "immich_sync_stats_20261122_080509.json"
    found = json.loads(path.read_text())
    assert list(found) == ["timestamp", "statistics"]
    assert datetime.fromisoformat(found["timestamp"]) == NOW
    assert found["statistics"]["updated"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_the_csv_export_has_one_metric_a_row(tmp_path: Path) -> None:
    path = export(_sums(Status.UPDATED), "csv", tmp_path, NOW)
    assert path.name == "immich_sync_stats_20261122_080509.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["Timestamp", "Metric", "Value"]
    assert {row["Metric"]: row["Value"] for row in rows}["updated"] == "1"
    assert {row["Timestamp"] for row in rows} == {"2026-11-22T08:05:09+00:00"}


def test_an_export_that_cannot_be_written_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(PathsError, match="immich_sync_stats_"):
        export(Statistics(), "json", tmp_path / "gone", NOW)


def test_the_lines_of_start_and_finish_carry_modes_and_counts() -> None:
    assert start_line(["people", "gps"], ["dry-run"]) == "START modules=people,gps modes=dry-run"
    line = finish_line(_sums(Status.UPDATED, Status.MISSING).with_seconds(1.25).with_resumed(), interrupted=True)
    assert line.startswith("FINISH (interrupted) total=2 updated=1 unchanged=0 simulated=0 missing=1 ")
    assert line.endswith(" resumed=1 modes=normal seconds=1.2")
