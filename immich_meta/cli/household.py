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
    """Carries out the runs of `users`, who are some of `everybody`."""

    def __init__(
        self,
        everybody: Sequence[Settings],
        users: Sequence[Settings],
        log: logging.Logger,
        *,
        export: Optional[str],
        directory: Path,
    ) -> None:
        self._everybody = everybody
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
            for settings in self._everybody:
                turn = turn.next(settings.user)
                if settings in self._users:
                    code = max(code, self._one(one, settings, turn))
                if code == EXIT_INTERRUPTED:
                    break
                if settings not in self._users or settings.user in self._not_finished:
                    self._recall(turn)
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

    def _recall(self, turn: Turn) -> None:
        """Whose assets were not all listed in this run: what the last ones left is this user's still. Else the other
        one would write the files of both in a night in which a key is refused, and they would be written back later."""
        from immich_meta.state import open_archive, state_directory

        with open_archive(state_directory(self._everybody[0].state_dir), warn=self._log.warning) as archive:
            turn.left(archive.settled_files(turn.user))

    def _tell(self) -> None:
        total = sum(self._sums.values(), Statistics())
        self._log.info("%s", statistics.total_line(total, len(self._users), self._not_finished))
        if self._export:
            now = datetime.now(self._users[0].time_zone)
            path = statistics.export(total, self._export, self._directory, now, self._sums)
            self._log.info("Statistics: %s", path)
