"""One user's run: connected, with what is remembered opened, from the first line of the log to the exit code.

Not here: whose runs there are (session.py), the parts (assembly.py), and the work of a run (immich_meta.sync).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Optional

from immich_meta.api.client import ImmichClient
from immich_meta.api.models import Asset, Listed
from immich_meta.cli import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from immich_meta.cli.assembly import Assembly, Flags
from immich_meta.cli.chronicle import Chronicle, begin_chronicle
from immich_meta.cli.interrupt import Interrupt
from immich_meta.cli.resumed import Resumed
from immich_meta.cli.summary import Summary
from immich_meta.cli.telling import Teller
from immich_meta.cli.watching import Phase, Watcher
from immich_meta.errors import ImmichMetaError
from immich_meta.settings import Settings
from immich_meta.state import Store
from immich_meta.sync import engine, statistics
from immich_meta.sync.asset_ids import read_asset_id
from immich_meta.sync.checkpoint import Checkpoint, checkpoint_path, fingerprint, open_checkpoint
from immich_meta.sync.identity import owner_hash
from immich_meta.sync.paths import PathMapper
from immich_meta.sync.refresh import Refresh, Refresher
from immich_meta.sync.report import ReportWriter, Status
from immich_meta.sync.shard import Shard
from immich_meta.sync.statistics import Statistics
from immich_meta.sync.turns import Turn
from immich_meta.sync.work import Outcome
from immich_meta_writers.tags import Module

Told = Callable[[Statistics], None]

# A checkpoint of a run with other choices says nothing about this one.
_DECIDES_CONTENT = (
    *("write_to", "mtime", "rating_percent", "clear_ratings"),
    *("date_source", "protect_newer", "live_photos"),
)


@dataclass(frozen=True)
class UserRun:
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
        summary = Summary(self.log, self.settings, self.modules, self.modes, self._mapper())
        resumed = Resumed(checkpoint, self.watcher)
        refresher = self._refresher()
        chronicle = self._begin_chronicle(store)
        failure: Optional[BaseException] = None
        try:
            self.watcher.entered(Phase.ALBUMS)
            with stop.waiting():
                self._tell_total()
                albums = assembly.albums()
            self.watcher.entered(Phase.FILES)
            run = assembly.engine(store, chronicle.run, summary.resolve, albums, stop).begin()
            assets = refresher.watched(resumed.without_done(self._assets(run), run.passes_over))
            hears = self._hears(summary, refresher, resumed)
            for outcome in run.outcomes(summary.seen(stop.waiting_for(assets))):
                for hear in hears:
                    hear(outcome)
        except BaseException as error:
            failure = error
            raise
        finally:
            self.watcher.entered(Phase.ENDING)
            was_cut_off = stop.requested or failure is not None
            sums = summary.close(resumed.passed, time.monotonic() - started, interrupted=was_cut_off)
            self.watcher.ended(sums)
            self._export(sums)
            if failure is None or isinstance(failure, ImmichMetaError):
                # Any other end may have killed writers: the next run looks after what they left.
                chronicle.end(sums, self.log)
                refresher.close(server_is_lost=failure is not None)
        sums.check()
        if stop.requested:
            return EXIT_INTERRUPTED
        if sums[Status.FAILED]:
            return EXIT_FAILED
        checkpoint.finish()
        return EXIT_OK

    def _mapper(self) -> PathMapper:
        settings = self.settings
        return PathMapper(settings.path_map, str(settings.photo_dir), settings.path_segments, self._read_asset_id)

    def _hears(self, summary: Summary, refresher: Refresher, resumed: Resumed) -> Sequence[Callable[[Outcome], None]]:
        """Who hears of each asset that is done, in this order."""
        # Immich does not look into a tree of sidecars: there is nothing for it to read again.
        refreshing = () if self.flags["sidecar_dir"] else (refresher.count,)
        told = Teller(self.report, self.log).count
        return told, summary.count, *refreshing, resumed.count, self.watcher.came

    def _refresher(self) -> Refresher:
        refresher = Refresher(Refresh(self.flags["refresh"]), self.client, self.log)
        if not self.flags["dry_run"]:
            refresher.begin(self.modules, imports_faces=self.client.server().imports_faces)
        return refresher

    def _begin_chronicle(self, store: Store) -> Chronicle:
        flags, user = self.flags, self.settings.user
        modules = sorted(module.value for module in self.modules)
        chronicle = begin_chronicle(
            store,
            {"modules": modules, "modes": self.modes, **({"user": user} if user else {})},
            keep_days=self.settings.keep_undo if flags["keep_undo"] is None else flags["keep_undo"],
            sidecar_dir=flags["sidecar_dir"],
            dry_run=flags["dry_run"],
        )
        if chronicle.run_id is not None:
            self.watcher.is_kept_as(chronicle.run_id)
        return chronicle

    def _read_asset_id(self, path: str) -> Optional[str]:
        return read_asset_id(path, self.flags["sidecar_dir"])

    def _tell_total(self) -> None:
        """Of a part of the library it is not known."""
        if self.watcher.wants_total:
            self.watcher.expects(None if self.flags["shard"] else self.client.count())

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

    def _export(self, sums: Statistics) -> None:
        form = self.flags["export_stats"]
        if self.told is not None:
            self.told(sums)
        elif form:
            path = statistics.export(sums, form, self.directory, datetime.now(self.settings.time_zone))
            self.log.info("Statistics: %s", path)

