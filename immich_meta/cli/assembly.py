"""The parts of one `sync`, each made from settings, options and what the server says: albums, records, crew, engine.

Not here: their order and their ends (session.py), and the options (sync.py).
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Optional

from immich_meta.api.client import ImmichClient
from immich_meta.api.models import Album
from immich_meta.cli.interrupt import Interrupt
from immich_meta.cli.options import plan_options
from immich_meta.errors import ServerError
from immich_meta.mapping.compose import MappingOptions
from immich_meta.settings import Settings
from immich_meta.state import LogPlace, Run, Store, open_store, state_directory
from immich_meta.sync.album_cache import AlbumCache, cache_path
from immich_meta.sync.crew import Crew, default_jobs
from immich_meta.sync.engine import Engine
from immich_meta.sync.here import Here
from immich_meta.sync.settled import Ledger
from immich_meta.sync.shard import Shard
from immich_meta.sync.task import PlanningOptions, Resolver
from immich_meta.sync.turns import Turn
from immich_meta.sync.work import NOWHERE, Work
from immich_meta.sync.workers import Workers
from immich_meta_writers.tags import Module

Flags = Mapping[str, Any]
"""What the options of `sync` said, by their names."""


@dataclass(frozen=True)
class Assembly:
    """Makes the parts. `owner` tells servers and users apart (sync/identity.py), `directory` is the working one."""

    modules: frozenset[Module]
    flags: Flags
    settings: Settings
    directory: Path
    client: ImmichClient
    log: logging.Logger
    owner: str
    turn: Turn

    @property
    def dry_run(self) -> bool:
        return bool(self.flags["dry_run"])

    def store(self) -> Store:
        """Raises StateBusyError."""
        shard: Optional[Shard] = self.flags["shard"]
        name = f"{self.client.host}-{self.owner[:12]}" + (f"-shard-{shard.index}-of-{shard.count}" if shard else "")
        directory = state_directory(self.settings.state_dir)
        return open_store(directory, name, warn=self._warn, writable=not self.dry_run, command="sync")

    def engine(
        self,
        store: Store,
        run: Optional[Run],
        resolve: Resolver,
        albums: Mapping[str, tuple[str, ...]],
        stop: Interrupt,
    ) -> Engine:
        """`run` None: nothing is going to be written."""
        settings, flags = self.settings, self.flags
        may_ask = not flags["yes"] and sys.stdin.isatty() and sys.stdout.isatty()
        return Engine(
            resolve=resolve,
            crew=self._crew(NOWHERE if run is None else run.log_at()),
            options=PlanningOptions(
                MappingOptions(self.modules, settings.time_zone, settings.caption_max_len, flags["date_source"]),
                plan_options(
                    dict(flags),
                    xmp_engine=settings.xmp_engine,
                    claimant=claimant(self.client.host, self.client.me().id),
                ),
                protect_newer=flags["protect_newer"],
                live_photos=flags["live_photos"] or settings.live_photos,
                check_checksum=flags["check_checksum"],
            ),
            today=datetime.now(settings.time_zone).date(),
            albums=albums,
            dry_run=self.dry_run,
            confirm=(lambda: _confirm(stop)) if may_ask else None,
            ledger=self._ledger(store),
            will_write_in=(lambda directory: None) if run is None else run.will_write_in,
            turn=self.turn,
        )

    def albums(self) -> Mapping[str, tuple[str, ...]]:
        """Asset id to album names; empty when albums are not asked for."""
        if Module.ALBUMS not in self.modules:
            return {}
        settings = self.settings
        path = cache_path(self.directory, self.owner if settings.user else "")
        cache = AlbumCache(path, self.owner, settings.album_cache_ttl, settings.album_cache_max_stale)
        state, albums = self._album_state()
        found = cache.get(lambda: self.client.album_names_by_asset(albums), state)
        for warning in found.warnings:
            self._warn(warning)
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

    def _crew(self, log: LogPlace) -> Crew:
        jobs = self.flags["jobs"] if self.flags["jobs"] is not None else self.settings.jobs
        jobs = default_jobs() if jobs is None else jobs
        timeout = self.flags["file_timeout"] or self.settings.file_timeout
        work = Work(log=log)
        return Workers(work, jobs, timeout) if jobs else Here(work)

    def _ledger(self, store: Store) -> Ledger:
        faces = Module.FACES in self.modules
        return Ledger(
            store,
            verify=self.flags["verify"],
            faces=faces,
            people=self._people() if faces else None,
            rules=version("immich-meta"),
        )

    def _people(self) -> Optional[Mapping[str, str]]:
        """Only where each asset's faces cost a request: up to 2.x they come with the list."""
        if not self.client.server().is_v3:
            return None
        try:
            return self.client.people()
        except ServerError as error:
            self.log.info("Faces are asked for one by one: %s", error)
            return None

    def _warn(self, text: str) -> None:
        self.log.warning("%s", text)


def claimant(host: str, user_id: str) -> str:
    """Whose values these are in a file: the first 8 hex digits of SHA-256 of the server's host and the user's id."""
    return hashlib.sha256(f"{host}{user_id}".encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _confirm(stop: Interrupt) -> bool:
    """A person at a terminal is asked; a script goes on. No answer (Ctrl-C, end of input) is a no."""
    import click

    try:
        with stop.waiting():
            return click.confirm(
                "These photos lie in Immich's upload library. Once they are changed, its integrity check will\n"
                "list them: never use \"delete\" in that report for them (or use --write-to sidecar). Go on?"
            )
    except (click.Abort, KeyboardInterrupt):
        return False
