"""Several users in one run: one after another, whatever becomes of the others; their sums, and the exit code.

Not here: one user's run (session.py), and whose file it is that two of them reach (sync/turns.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Optional

from immich_meta.cli import EXIT_INTERRUPTED, EXIT_OK
from immich_meta.errors import ImmichMetaError, UsageError
from immich_meta.settings import Settings
from immich_meta.sync import statistics
from immich_meta.sync.statistics import Statistics
from immich_meta.sync.turns import Turn

OneUser = Callable[[Settings, Turn, Callable[[Statistics], None]], int]
"""Syncs one user, hands the sums over however it ends, and answers with the exit code."""


def chosen(users: Sequence[Settings], names: Sequence[str]) -> tuple[Settings, ...]:
    """Those of the users that --user names, all without it; in the configured order. Raises UsageError."""
    if not names:
        return tuple(users)
    known = {settings.user.casefold(): settings for settings in users if settings.user}
    for name in names:
        if name.casefold() not in known:
            there_are = ", ".join(settings.user for settings in users if settings.user)
            cure = f"there are {there_are}" if there_are else "IMMICH_API_KEYS=name:KEY,... gives users names"
            raise UsageError(f"--user {name}: there is no such user", cure=cure)
    wanted = {name.casefold() for name in names}
    return tuple(settings for folded, settings in known.items() if folded in wanted)


class Household:
    """Carries out the run of each user."""

    def __init__(self, users: Sequence[Settings], log: logging.Logger, *, export: str, directory: Path) -> None:
        self._users = users
        self._log = log
        self._export = export
        self._directory = directory
        self._sums: dict[str, Statistics] = {}
        self._not_finished: list[str] = []

    def run(self, one: OneUser) -> int:
        """The worst exit code of all. Raises PathsError when the statistics cannot be written."""
        code, turn = EXIT_OK, Turn()
        try:
            for settings in self._users:
                turn = turn.next(settings.user)
                code = max(code, self._one(one, settings, turn))
                if code == EXIT_INTERRUPTED:
                    break
        finally:
            self._tell()
        return code

    def _one(self, one: OneUser, settings: Settings, turn: Turn) -> int:
        def told(sums: Statistics) -> None:
            self._sums[settings.user] = sums

        try:
            return one(settings, turn, told)
        except ImmichMetaError as error:
            self._log.error("%s: %s", settings.user, error)
            self._not_finished.append(settings.user)
            return error.exit_code

    def _tell(self) -> None:
        total = sum(self._sums.values(), Statistics())
        self._log.info("%s", statistics.total_line(total, len(self._users), self._not_finished))
        if self._export:
            now = datetime.now(self._users[0].time_zone)
            path: Optional[Path] = statistics.export(total, self._export, self._directory, now, self._sums)
            self._log.info("Statistics: %s", path)
