"""Whoever watches a run hears of each phase, of what is to come, and of each asset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

from immich_meta.cli.session import run_session
from immich_meta.cli.sync import command as sync
from immich_meta.cli.watching import Phase, Watcher
from immich_meta.sync.statistics import Statistics
from immich_meta.sync.work import Outcome
from immich_meta_writers.tags import Module
from tests.cli.home import KEY, Home


class Listening(Watcher):
    wants_total = True

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.sums: Optional[Statistics] = None

    def entered(self, phase: Phase) -> None:
        self.heard.append(phase.value)

    def expects(self, total: Optional[int]) -> None:
        self.heard.append(total)

    def came(self, outcome: Outcome) -> None:
        self.heard.append(Path(outcome.result.path).name)

    def is_kept_as(self, run_id: str) -> None:
        self.heard.append("kept")

    def ended(self, sums: Statistics) -> None:
        self.sums = sums


def watched(home: Home, *arguments: str, log: Optional[list[str]] = None) -> Listening:
    watcher = Listening()
    context = sync.make_context("sync", [*arguments])
    flags: dict[str, Any] = {name: value for name, value in context.params.items() if name != "config"}
    modules = frozenset([Module.PEOPLE])
    write = None if log is None else log.append
    run_session(modules, None, flags, environ=home.environ, directory=home.directory, watcher=watcher, write_json=write)
    return watcher


def test_a_watcher_hears_of_phases_of_the_total_and_of_each_asset(home: Home) -> None:
    home.fill(3)
    heard = watched(home).heard
    names = [f"IMG_{at:04}.jpg" for at in range(3)]
    assert heard == ["connecting", "kept", "albums", 3, "files", *names, "ending"]


def test_nothing_of_a_dry_run_is_kept_and_its_sums_are_told(home: Home) -> None:
    home.fill(2)
    watcher = watched(home, "--dry-run")
    assert "kept" not in watcher.heard
    assert watcher.sums is not None
    assert watcher.sums.total == 2


def test_where_the_key_may_not_ask_there_is_no_total(home: Home) -> None:
    assert home.server is not None
    home.server.add_key(KEY, "asset.read", "user.read", "person.read")
    home.fill(1)
    assert watched(home).heard[3] is None


def test_of_a_part_of_the_library_there_is_no_total(home: Home) -> None:
    home.fill(1)
    assert watched(home, "--shard", "0/2").heard[3] is None


def test_each_log_line_comes_as_json_too_and_without_the_key(home: Home) -> None:
    home.add(f"{KEY}.jpg", people=["Ada"])
    log: list[str] = []
    watched(home, log=log)
    lines = [json.loads(line) for line in log]
    assert lines[0]["message"].startswith("START modules=people")
    assert {line["level"] for line in lines} >= {"INFO"}
    assert KEY not in "".join(log)
