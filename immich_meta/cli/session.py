"""One run of `sync`, put together: settings, logs, server, paths, engine, report, summary.

Not here: the options (sync.py), and the work of a run (immich_meta.sync).
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Optional, Union

from immich_meta import logs
from immich_meta.api.client import ImmichClient
from immich_meta.api.models import Asset, InvalidAsset, SettledAsset
from immich_meta.cli import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from immich_meta.cli.assembly import Assembly, Flags
from immich_meta.cli.beforehand import clear, remind_of_backup
from immich_meta.cli.household import Household, chosen
from immich_meta.cli.interrupt import Interrupt
from immich_meta.cli.options import may_sweep, with_sidecar_dir
from immich_meta.cli.past import size
from immich_meta.cli.resumed import Resumed
from immich_meta.cli.summary import Summary
from immich_meta.cli.watching import Phase, Watcher, terminal
from immich_meta.errors import ImmichMetaError
from immich_meta.settings import Settings, load_users
from immich_meta.state import Run, Store
from immich_meta.sync import engine, statistics
from immich_meta.sync.asset_ids import read_asset_id
from immich_meta.sync.checkpoint import Checkpoint, checkpoint_path, fingerprint, open_checkpoint
from immich_meta.sync.identity import owner_hash
from immich_meta.sync.path_check import check_library
from immich_meta.sync.paths import PathMapper
from immich_meta.sync.refresh import Refresh, Refresher
from immich_meta.sync.report import ReportWriter, Status, render
from immich_meta.sync.shard import Shard
from immich_meta.sync.statistics import Statistics
from immich_meta.sync.turns import Turn
from immich_meta.sync.work import Outcome
from immich_meta_writers.commit import sweep
from immich_meta_writers.tags import Module

Listed = Union[Asset, InvalidAsset, SettledAsset]
Told = Callable[[Statistics], None]

# A checkpoint of a run with other choices says nothing about this one.
_DECIDES_CONTENT = (
    *("write_to", "mtime", "rating_percent", "clear_ratings"),
    *("date_source", "protect_newer", "live_photos"),
)


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
            return _Session(
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


@dataclass(frozen=True)
class _Session:
    modules: frozenset[Module]
    flags: Flags
    settings: Settings
    directory: Path
    client: ImmichClient
    log: logging.Logger
    report: Optional[ReportWriter]
    watcher: Watcher
    turn: Turn
    told: Optional[Told]

    @property
    def modes(self) -> tuple[str, ...]:
        names = {
            "dry_run": "dry-run",
            "only_new": "only-new",
            "resume": "resume",
            "protect_newer": "protect-newer",
            "verify": "verify",
        }
        shard = self.flags["shard"]
        return (*(name for flag, name in names.items() if self.flags[flag]), *((f"shard {shard}",) if shard else ()))

    def run(self) -> int:
        names = [module.value for module in Module if module in self.modules]
        self.log.info("%s", statistics.start_line(names, self.modes, self.settings.user))
        with Interrupt() as stop:
            self.watcher.entered(Phase.CONNECTING)
            with stop.waiting():
                server, me = self.client.server(), self.client.me()
            self.log.info("Immich %s at %s", server, self.client.address)
            owner = owner_hash(self.settings.instance_url, me.id)
            self.turn.require_another(owner)
            assembly = Assembly(
                self.modules, self.flags, self.settings, self.directory, self.client, self.log, owner, self.turn
            )
            with assembly.store() as store, self._checkpoint(owner, names) as checkpoint:
                for note in (*store.notes, *checkpoint.notes):
                    self.log.info("%s", note)
                return self._work(assembly, store, checkpoint, stop)

    def _checkpoint(self, owner: str, names: Sequence[str]) -> Checkpoint:
        batch_size = self.settings.asset_batch_size

        def warn(text: str) -> None:
            self.log.warning("%s", text)

        if self.flags["dry_run"]:
            # Nothing is written, and what a real run that was interrupted had finished is not forgotten.
            notes = ("A dry run looks at every asset: --resume is for real ones",) if self.flags["resume"] else ()
            path = checkpoint_path(self.directory, owner if self.settings.user else "")
            return Checkpoint(path, None, batch_size=batch_size, clock=time.monotonic, warn=warn, notes=notes)
        options = [f"{name}={self.flags[name]}" for name in _DECIDES_CONTENT]
        options += [f"sidecar_dir={tree}"] if (tree := self.flags["sidecar_dir"]) else []
        return open_checkpoint(
            self.directory,
            fingerprint(owner, names, options),
            owner=owner if self.settings.user else "",
            resume=self.flags["resume"],
            batch_size=batch_size,
            warn=warn,
        )

    def _work(self, assembly: Assembly, store: Store, checkpoint: Checkpoint, stop: Interrupt) -> int:
        started = time.monotonic()
        mapper = PathMapper(
            self.settings.path_map, str(self.settings.photo_dir), self.settings.path_segments, self._read_asset_id
        )
        summary = Summary(self.log, self.settings, self.modules, self.modes, mapper)
        resumed = Resumed(checkpoint, self.watcher)
        refresher = Refresher(Refresh(self.flags["refresh"]), self.client, self.log)
        if not assembly.dry_run:
            refresher.begin(self.modules, imports_faces=self.client.server().imports_faces)
        failure: Optional[BaseException] = None
        history = None if assembly.dry_run else self._begin_history(store)
        if history is not None and store.is_kept:
            self.watcher.is_kept_as(history.id)
        try:
            self.watcher.entered(Phase.ALBUMS)
            with stop.waiting():
                self._tell_total()
                albums = assembly.albums()
            self.watcher.entered(Phase.FILES)
            run = assembly.engine(store, history, summary.resolve, albums, stop).begin()
            assets = refresher.watched(resumed.without_done(self._assets(run), run.passes_over))
            for outcome in run.outcomes(summary.seen(stop.waiting_for(assets))):
                self._tell(outcome)
                summary.count(outcome)
                if not self.flags["sidecar_dir"]:  # where Immich does not look
                    refresher.count(outcome)
                if outcome.result.status in _DONE and outcome.result.asset_id:
                    checkpoint.record(outcome.result.asset_id)
                self.watcher.came(outcome)
        except BaseException as error:
            failure = error
            raise
        finally:
            self.watcher.entered(Phase.ENDING)
            sums = summary.close(
                resumed.count, time.monotonic() - started, interrupted=stop.requested or failure is not None
            )
            self.watcher.ended(sums)
            self._export(sums)
            if history is not None and (failure is None or isinstance(failure, ImmichMetaError)):
                # Any other end may have killed writers: the next run looks after what they left.
                history.end({status.value: sums[status] for status in Status}, self._keep_days)
                self._tell_way_back(store, history, sums)
                refresher.close(server_is_lost=failure is not None)
        sums.check()
        if stop.requested:
            return EXIT_INTERRUPTED
        if sums[Status.FAILED]:
            return EXIT_FAILED
        checkpoint.finish()
        return EXIT_OK

    def _read_asset_id(self, path: str) -> Optional[str]:
        return read_asset_id(path, self.flags["sidecar_dir"])

    def _tell_total(self) -> None:
        """Of a part of the library it is not known."""
        if self.watcher.wants_total:
            self.watcher.expects(None if self.flags["shard"] else self.client.count())

    def _tell_way_back(self, store: Store, history: Run, sums: Statistics) -> None:
        if sums[Status.UPDATED] and store.is_kept and self._keep_days:
            self.log.info(
                "To take it back: immich-meta undo --run %s (kept for %d days; the whole history takes %s)",
                history.id,
                self._keep_days,
                size(store.undo_size()),
            )

    @property
    def _keep_days(self) -> int:
        days: Optional[int] = self.flags["keep_undo"]
        return self.settings.keep_undo if days is None else days

    def _begin_history(self, store: Store) -> Run:
        """A run in the history; what a killed run had left in the folders where it wrote goes first."""
        for directory in store.unfinished_directories():
            if may_sweep(directory, self.flags["sidecar_dir"]):
                sweep(directory)
        shown: dict[str, object] = {
            "modules": sorted(module.value for module in self.modules),
            "modes": self.modes,
            **({"user": self.settings.user} if self.settings.user else {}),
        }
        return store.begin_run("sync", shown, keeps_undo=self._keep_days > 0)

    def _assets(self, run: engine.Run) -> Iterator[Listed]:
        shard: Optional[Shard] = self.flags["shard"]

        def is_another_ones(asset: Asset) -> bool:
            return shard is not None and not shard.has(asset.id)

        def place(asset: Asset) -> Optional[str]:
            if not is_another_ones(asset):
                return run.place_if_settled(asset)
            run.passes_over(asset)
            return ""

        listed = self.client.assets(
            face_boxes=Module.FACES in self.modules,
            tags=Module.TAGS in self.modules,
            knows_faces=lambda asset: is_another_ones(asset) or run.knows_faces(asset),
            place_if_settled=place,
        )
        return shard.of(listed) if shard else listed

    def _tell(self, outcome: Outcome) -> None:
        result = outcome.result
        if self.report:
            self.report.write(result)
        if result.error is not None:
            self.log.log(_LEVELS[result.status], "%s: %s", result.status.value, result.error.message)
            return
        is_news = result.status in (Status.UPDATED, Status.SIMULATED) or result.disagreement is not None
        first = logging.INFO if is_news else logging.DEBUG
        rest = logging.INFO if result.status is Status.SIMULATED or result.disagreement is not None else logging.DEBUG
        if self.log.isEnabledFor(first):
            headline, *details = render(result)
            self.log.log(first, "%s", headline)
            for line in details if self.log.isEnabledFor(rest) else ():
                self.log.log(rest, "%s", line)

    def _export(self, sums: Statistics) -> None:
        form = self.flags["export_stats"]
        if self.told is not None:
            self.told(sums)
        elif form:
            path = statistics.export(sums, form, self.directory, datetime.now(self.settings.time_zone))
            self.log.info("Statistics: %s", path)


# What is meant to be left alone is no warning: it comes again in every run.
_LEVELS = {
    Status.FAILED: logging.ERROR,
    Status.MISSING: logging.WARNING,
    Status.PATH_MISMATCH: logging.WARNING,
    Status.UNSUPPORTED: logging.INFO,
}
_DONE = (Status.UPDATED, Status.UNCHANGED, Status.UNSUPPORTED)
