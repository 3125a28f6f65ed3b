"""The page answers at once while a run has the processors at work; benchmarks/web.py tries it with 100,000 photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.web import BAR, PAGES, measured

pytestmark = pytest.mark.slow

COUNT = 2000
SLACK = 2  # other tests want the processors, too


def test_every_page_is_there_in_no_time_while_a_run_is_under_way(tmp_path: Path) -> None:
    rows = measured(COUNT, tmp_path, seconds=4.0, pause=0.2)
    assert [row.page for row in rows] == list(PAGES)
    assert {row.page: row for row in rows if row.times < 5} == {}, "too few to judge by"
    assert {row.page: row for row in rows if row.median > SLACK * BAR} == {}
