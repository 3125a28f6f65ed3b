"""A `sync` from its settings to its exit code: the log, the report, the run of each user.

Not here: the options (sync.py), and one user's run (user_run.py).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from immich_meta import logs
from immich_meta.api.client import ImmichClient
from immich_meta.cli import EXIT_OK
from immich_meta.cli.assembly import Flags
from immich_meta.cli.beforehand import clear, remind_of_backup
from immich_meta.cli.household import Household, chosen
from immich_meta.cli.options import with_sidecar_dir
from immich_meta.cli.user_run import Told, UserRun
from immich_meta.cli.watching import Watcher, terminal
from immich_meta.settings import Settings, load_users
from immich_meta.sync.path_check import check_library
from immich_meta.sync.report import ReportWriter
from immich_meta.sync.turns import Turn
from immich_meta_writers.tags import Module


def run_session(
    modules: frozenset[Module],
    config: Optional[Path],
    flags: Flags,
    *,
    environ: Mapping[str, str],
    directory: Path,
    watcher: Optional[Watcher] = None,
    write_json: Optional[logs.Write] = None,
) -> int:
    """Carry out a run whose checkpoint, cache and statistics are in `directory`. Returns the exit code.

    `watcher` hears of what happens, a terminal's bar unless there is one; `write_json` gets each log line, as JSON.
    Raises SettingsError, PathsError, ServerError.
    """
    everybody = load_users(environ, config, directory, needs_server=bool(modules))
    users = chosen(everybody, flags.get("user") or ())
    settings = users[0]
    with logs.configure(
        settings.log_file,
        level=flags["log_level"],
        json_lines=settings.json_logs,
        secrets=settings.keys_of_all,
        stream=sys.stderr if flags["report"] == "-" else sys.stdout,
        zone=settings.time_zone,
        write_json=write_json,
    ) as log:
        for note in dict.fromkeys(note for each in users for note in each.notes):
            log.logger.warning("%s", note)
        clear(directory, flags, log.logger)
        if not modules:
            return EXIT_OK
        if not flags["dry_run"]:
            remind_of_backup(settings, log.logger)
        with contextlib.ExitStack() as stack:
            watched_by = terminal() if watcher is None else watcher
            runs = _Runs(modules, flags, directory, log, watched_by, stack)
            if not settings.user:
                return runs.of(settings)
            export = flags["export_stats"]
            household = Household(everybody, users, log.logger, export=export, directory=directory)
            return household.run(runs.of)


class _Runs:
    """The run of each user; all write to one report."""

    def __init__(
        self,
        modules: frozenset[Module],
        flags: Flags,
        directory: Path,
        log: logs.Logs,
        watcher: Watcher,
        stack: contextlib.ExitStack,
    ) -> None:
        self._modules = modules
        self._flags = flags
        self._directory = directory
        self._log = log
        self._watcher = watcher
        self._stack = stack
        self._report: Optional[ReportWriter] = None

    def of(self, settings: Settings, turn: Optional[Turn] = None, told: Optional[Told] = None) -> int:
        """One user's run, from the look at the library to the last words. `told` gets the sums, else they are exported.
        """
        flags = {
            **self._flags,
            "live_photos": self._flags["live_photos"] or settings.live_photos,
            "refresh": self._flags["refresh"] or settings.refresh,
        }
        roots = (*(rule.target for rule in settings.path_map), str(settings.photo_dir))
        flags = with_sidecar_dir(flags, settings.sidecar_dir, roots)
        check_library(settings.path_map, str(settings.photo_dir))
        with ImmichClient(
            settings.instance_url,
            settings.api_key,
            page_size=settings.search_page_size,
            rate_limit=settings.rate_limit,
        ) as client:
            return UserRun(
                modules=self._modules,
                flags=flags,
                settings=settings,
                directory=self._directory,
                client=client,
                log=self._log.logger,
                report=self._opened(flags["report"]),
                watcher=self._watcher,
                turn=turn or Turn(),
                told=told,
            ).run()

    def _opened(self, target: Optional[str]) -> Optional[ReportWriter]:
        if self._report is None and target:
            writer = ReportWriter(target, warn=self._log.logger.warning, redact=self._log.redact)
            self._report = self._stack.enter_context(writer)
        return self._report
