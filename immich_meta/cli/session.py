"""One run of `sync`, put together: settings, logs, server, paths, engine, report, summary.

Not here: the options (sync.py), and the work of a run (immich_meta.sync).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Optional, Union

from immich_meta import logs
from immich_meta.api.client import ImmichClient
from immich_meta.api.models import Album, Asset, InvalidAsset
from immich_meta.cli import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from immich_meta.cli.interrupt import Interrupt
from immich_meta.cli.options import plan_options
from immich_meta.cli.summary import Summary
from immich_meta.errors import ServerError
from immich_meta.mapping.compose import MappingOptions
from immich_meta.settings import Settings, load
from immich_meta.sync import statistics
from immich_meta.sync.album_cache import ALBUM_CACHE, AlbumCache, clear_album_cache
from immich_meta.sync.engine import Engine, Outcome
from immich_meta.sync.identity import owner_hash
from immich_meta.sync.path_check import check_library
from immich_meta.sync.paths import PathMapper
from immich_meta.sync.plan import PlanningOptions
from immich_meta.sync.report import ReportWriter, Status, render
from immich_meta.sync.state import CHECKPOINT, Checkpoint, clear_checkpoint, fingerprint, open_checkpoint
from immich_meta.sync.statistics import Statistics
from immich_meta_writers import WriterError, plan
from immich_meta_writers.changes import Shown
from immich_meta_writers.merge import ASSET_ID
from immich_meta_writers.plan import read, read_sidecar_of
from immich_meta_writers.tags import Module

Flags = Mapping[str, Any]
"""What the options of `sync` said, by their names."""

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
) -> int:
    """Carry out a run whose checkpoint, cache and statistics are in `directory`. Returns the exit code.

    Raises SettingsError, PathsError, ServerError.
    """
    settings = load(environ, config, directory, needs_server=bool(modules))
    flags = {**flags, "live_photos": flags["live_photos"] or settings.live_photos}
    with logs.configure(
        settings.log_file,
        level=flags["log_level"],
        json_lines=settings.json_logs,
        secrets=(settings.api_key,),
        stream=sys.stderr if flags["report"] == "-" else sys.stdout,
        zone=settings.time_zone,
    ) as log:
        for note in settings.notes:
            log.logger.warning("%s", note)
        _clear(directory, flags, log.logger)
        if not modules:
            return EXIT_OK
        check_library(settings.path_map, str(settings.photo_dir))
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(
                ImmichClient(
                    settings.instance_url,
                    settings.api_key,
                    page_size=settings.search_page_size,
                    rate_limit=settings.rate_limit,
                )
            )
            report = flags["report"]
            writer = ReportWriter(report, warn=log.logger.warning, redact=log.redact) if report else None
            if writer:
                stack.enter_context(writer)
            return _Session(modules, flags, settings, directory, client, log.logger, writer).run()


def _clear(directory: Path, flags: Flags, log: logging.Logger) -> None:
    if flags["clear_checkpoint"]:
        found = clear_checkpoint(directory)
        log.info("The checkpoint is cleared" if found else "There was no checkpoint to clear")
    if flags["clear_album_cache"]:
        log.info("The album cache is cleared" if clear_album_cache(directory) else "There was no album cache to clear")


def read_asset_id(path: str) -> Optional[str]:
    """The immichmeta:AssetId of a photo or its sidecar; None when there is none to be read."""
    for say in (read, _sidecar_tags):
        try:
            value = say(path).get(ASSET_ID)
        except WriterError:
            continue
        if isinstance(value, str):
            return value
    return None


def _sidecar_tags(path: str) -> dict[str, Shown]:
    return read_sidecar_of(path)[1]


@dataclass(frozen=True)
class _Session:
    modules: frozenset[Module]
    flags: Flags
    settings: Settings
    directory: Path
    client: ImmichClient
    log: logging.Logger
    report: Optional[ReportWriter]

    @property
    def modes(self) -> tuple[str, ...]:
        names = {"dry_run": "dry-run", "only_new": "only-new", "resume": "resume", "protect_newer": "protect-newer"}
        return tuple(name for flag, name in names.items() if self.flags[flag])

    def run(self) -> int:
        names = [module.value for module in Module if module in self.modules]
        self.log.info("%s", statistics.start_line(names, self.modes))
        with Interrupt() as stop:
            with stop.waiting():
                server, me = self.client.server(), self.client.me()
            self.log.info("Immich %s at %s", server, self.client.address)
            owner = owner_hash(self.settings.instance_url, me.id)
            with self._checkpoint(owner, names) as checkpoint:
                for note in checkpoint.notes:
                    self.log.info("%s", note)
                return self._work(checkpoint, stop, owner)

    def _checkpoint(self, owner: str, names: Sequence[str]) -> Checkpoint:
        batch_size = self.settings.asset_batch_size

        def warn(text: str) -> None:
            self.log.warning("%s", text)

        if self.flags["dry_run"]:
            # Nothing is written, and what a real run that was interrupted had finished is not forgotten.
            notes = ("A dry run looks at every asset: --resume is for real ones",) if self.flags["resume"] else ()
            path = self.directory / CHECKPOINT
            return Checkpoint(path, None, batch_size=batch_size, clock=time.monotonic, warn=warn, notes=notes)
        options = (f"{name}={self.flags[name]}" for name in _DECIDES_CONTENT)
        return open_checkpoint(
            self.directory,
            fingerprint(owner, names, options),
            resume=self.flags["resume"],
            batch_size=batch_size,
            warn=warn,
        )

    def _work(self, checkpoint: Checkpoint, stop: Interrupt, owner: str) -> int:
        started = time.monotonic()
        mapper = PathMapper(
            self.settings.path_map, str(self.settings.photo_dir), self.settings.path_segments, read_asset_id
        )
        summary = Summary(self.log, self.settings, self.modules, self.modes, mapper)
        resumed = _Resumed(checkpoint)
        failure: Optional[BaseException] = None
        try:
            with stop.waiting():
                albums = self._albums(owner) if Module.ALBUMS in self.modules else {}
            engine = self._engine(summary, albums, stop)
            assets = resumed.without_done(
                self.client.assets(face_boxes=Module.FACES in self.modules, tags=Module.TAGS in self.modules)
            )
            with _progress() as advance:
                for outcome in engine.run(summary.seen(stop.waiting_for(assets))):
                    self._tell(outcome)
                    summary.count(outcome)
                    if outcome.result.status in _DONE and outcome.result.asset_id:
                        checkpoint.record(outcome.result.asset_id)
                    advance()
        except BaseException as error:
            failure = error
            raise
        finally:
            sums = summary.close(
                resumed.count, time.monotonic() - started, interrupted=stop.requested or failure is not None
            )
            self._export(sums)
        sums.check()
        if stop.requested:
            return EXIT_INTERRUPTED
        if sums[Status.FAILED]:
            return EXIT_FAILED
        checkpoint.finish()
        return EXIT_OK

    def _engine(self, summary: Summary, albums: Mapping[str, tuple[str, ...]], stop: Interrupt) -> Engine:
        host, user = self.client.host, self.client.me().id
        settings = self.settings
        return Engine(
            resolve=summary.resolve,
            planner=plan,
            options=PlanningOptions(
                MappingOptions(
                    self.modules, settings.time_zone, settings.caption_max_len, self.flags["date_source"]
                ),
                plan_options(dict(self.flags), xmp_engine=settings.xmp_engine, claimant=claimant(host, user)),
                protect_newer=self.flags["protect_newer"],
                live_photos=self.flags["live_photos"],
            ),
            today=datetime.now(settings.time_zone).date(),
            albums=albums,
            dry_run=self.flags["dry_run"],
            confirm=lambda: self._confirm(stop),
        )

    def _albums(self, owner: str) -> Mapping[str, tuple[str, ...]]:
        settings = self.settings
        cache = AlbumCache(
            self.directory / ALBUM_CACHE, owner, settings.album_cache_ttl, settings.album_cache_max_stale
        )
        state, albums = self._album_state()
        found = cache.get(lambda: self.client.album_names_by_asset(albums), state)
        for warning in found.warnings:
            self.log.warning("%s", warning)
        return found.by_asset

    def _album_state(self) -> tuple[str, Optional[Sequence[Album]]]:
        """One request tells whether the cached names still hold; without an answer the cache decides by its age."""
        try:
            albums = self.client.albums()
        except ServerError as error:
            self.log.debug("%s", error)
            return "", None
        rows = sorted(f"{each.id} {each.name} {each.asset_count} {each.updated_at}" for each in albums)
        return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest(), albums

    def _tell(self, outcome: Outcome) -> None:
        result = outcome.result
        if self.report:
            self.report.write(result)
        if result.error is not None:
            self.log.log(_LEVELS[result.status], "%s: %s", result.status.value, result.error.message)
            return
        first = logging.INFO if result.status in (Status.UPDATED, Status.SIMULATED) else logging.DEBUG
        rest = logging.INFO if result.status is Status.SIMULATED else logging.DEBUG
        if self.log.isEnabledFor(first):
            headline, *details = render(result)
            self.log.log(first, "%s", headline)
            for line in details if self.log.isEnabledFor(rest) else ():
                self.log.log(rest, "%s", line)

    def _confirm(self, stop: Interrupt) -> bool:
        """A person at a terminal is asked; a script goes on. No answer (Ctrl-C, end of input) is a no."""
        if self.flags["yes"] or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return True
        import click

        try:
            with stop.waiting():
                return click.confirm(
                    "These photos lie in Immich's upload library. Once they are changed, its integrity check will\n"
                    "list them: never use \"delete\" in that report for them (or use --write-to sidecar). Go on?"
                )
        except (click.Abort, KeyboardInterrupt):
            return False

    def _export(self, sums: Statistics) -> None:
        form = self.flags["export_stats"]
        if form:
            path = statistics.export(sums, form, self.directory, datetime.now(self.settings.time_zone))
            self.log.info("Statistics: %s", path)


def claimant(host: str, user_id: str) -> str:
    """Whose values these are in a file: the first 8 hex digits of SHA-256 of the server's host and the user's id."""
    return hashlib.sha256(f"{host}{user_id}".encode("utf-8", "surrogatepass")).hexdigest()[:8]


# What is meant to be left alone is no warning: it comes again in every run.
_LEVELS = {
    Status.FAILED: logging.ERROR,
    Status.MISSING: logging.WARNING,
    Status.PATH_MISMATCH: logging.WARNING,
    Status.UNSUPPORTED: logging.INFO,
}
_DONE = (Status.UPDATED, Status.UNCHANGED, Status.UNSUPPORTED)


class _Resumed:
    """Leaves out what an interrupted run had finished, and counts it."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self.count = 0

    def without_done(
        self, assets: Iterator[Union[Asset, InvalidAsset]]
    ) -> Iterator[Union[Asset, InvalidAsset]]:
        for asset in assets:
            if asset.id is not None and self._checkpoint.is_done(asset.id):
                self.count += 1
            else:
                yield asset


@contextlib.contextmanager
def _progress() -> Iterator[Any]:
    """A counter on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(unit=" files", dynamic_ncols=True, smoothing=0.1) as bar:
        yield lambda: bar.update(1)
