"""The file that says how scheduled runs go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Optional
from zoneinfo import ZoneInfo

import pytest

from immich_meta.schedule import Health, LastRun, problem_of, read_health, write_health

ZONE = ZoneInfo("Europe/Berlin")
NOW = 1_796_040_000.0


@pytest.mark.parametrize("last", [None, LastRun(NOW - 900, NOW - 600, 1)])
@pytest.mark.parametrize("due", [None, NOW + 3600])
def test_what_was_written_is_read(tmp_path: Path, last: Optional[LastRun], due: Optional[float]) -> None:
    health = Health("waiting", "0 3 * * *", last, due)
    path = tmp_path / "made" / "health.json"
    write_health(path, health, ZONE)
    assert read_health(path) == health
    assert [each.name for each in path.parent.iterdir()] == ["health.json"]


def test_it_is_json_with_moments_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    write_health(path, Health("waiting", "6h", LastRun(NOW, NOW + 61, 3), NOW + 300), ZONE)
    assert json.loads(path.read_text()) == {
        "state": "waiting",
        "schedule": "6h",
        "last_run": {"started": "2026-11-30T13:00:00+01:00", "ended": "2026-11-30T13:01:01+01:00", "exit_code": 3},
        "next_run": "2026-11-30T13:05:00+01:00",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"state": "asleep"}',
        b'{"state": "waiting", "next_run": 7}',
        b'{"state": "waiting", "next_run": "soon"}',
        b'{"state": "waiting", "last_run": {"exit_code": "0"}}',
        b'{"state": "waiting", "last_run": {"exit_code": 0, "started": "2026-11-30T13:00:00+01:00"}}',
        b"[" * 100_000,
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "health.json"
    path.write_bytes(content)
    with pytest.raises(ValueError):
        read_health(path)


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (Health("waiting", "6h", None, NOW + 10), ""),
        (Health("waiting", "6h", LastRun(NOW, NOW, 0), NOW - 500), ""),
        (Health("waiting", "6h", LastRun(NOW, NOW, 1), NOW + 10), ""),
        (Health("running", "6h", LastRun(NOW, NOW, 0), None), ""),
        (Health("running", "6h", None, None), ""),
        (Health("waiting", "6h", LastRun(NOW, NOW, 0), NOW - 700), "overdue"),
        (Health("waiting", "6h", LastRun(NOW, NOW, 3), NOW + 10), "exit code 3"),
        (Health("waiting", "6h", LastRun(NOW, NOW, 137), NOW + 10), "exit code 137"),
        (Health("running", "6h", LastRun(NOW, NOW, 2), None), "exit code 2"),
        (Health("stopped", "6h", LastRun(NOW, NOW, 0), None), "stopped"),
    ],
)
def test_what_is_not_well_is_named(health: Health, words: str) -> None:
    problem = problem_of(health, NOW)
    assert (words in problem) if words else problem == ""


def test_a_file_that_cannot_be_replaced_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    path.mkdir()
    (path / "something").touch()
    with pytest.raises(OSError, match=r"."):
        write_health(path, Health("waiting", "6h"), ZONE)
    assert [each.name for each in tmp_path.iterdir()] == ["health.json"]
