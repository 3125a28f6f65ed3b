"""What a run says when it ends: the sums, and what the user should know or do next.

Not here: counting rules (sync/statistics.py) and the hints about paths (sync/path_hints.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from immich_meta.api.models import Asset, Listed
from immich_meta.cli.past import files
from immich_meta.settings import Settings
from immich_meta.sync.path_hints import SHOWN_EXAMPLES, PathExample, path_hints
from immich_meta.sync.path_outcomes import Mismatch, NotFound, Resolution
from immich_meta.sync.paths import PathMapper
from immich_meta.sync.statistics import Statistics, finish_line
from immich_meta.sync.work import Outcome
from immich_meta_writers.tags import Module

_KEYWORDS = frozenset({Module.PEOPLE, Module.ALBUMS})


class Summary:
    """Watches a run, asset by asset; `close` says the last words."""

    def __init__(
        self,
        log: logging.Logger,
        settings: Settings,
        modules: frozenset[Module],
        modes: Sequence[str],
        mapper: PathMapper,
    ) -> None:
        self._log = log
        self._settings = settings
        self._modules = modules
        self._modes = modes
        self._mapper = mapper
        self._sums = Statistics()
        self._seen = 0
        self._examples: list[PathExample] = []
        self._first_touches = 0
        self._uploads = 0

    def resolve(self, asset: Asset) -> Resolution:
        """The mapper's answer; the first paths that led nowhere are remembered."""
        found = self._mapper.resolve(asset)
        if isinstance(found, (NotFound, Mismatch)) and len(self._examples) < SHOWN_EXAMPLES:
            tried = found.tried if isinstance(found, NotFound) else (found.path,)
            self._examples.append(PathExample(asset.original_path, tried))
        return found

    def seen(self, assets: Iterable[Listed]) -> Iterator[Listed]:
        """The assets, counted as they come: each has to be in one of the sums in the end."""
        for asset in assets:
            self._seen += 1
            yield asset

    def count(self, outcome: Outcome) -> None:
        self._sums = self._sums.with_result(outcome.result, date_moved=outcome.date_moved)
        self._first_touches += outcome.is_first_touch
        self._uploads += outcome.is_upload

    def close(self, resumed: int, seconds: float, *, interrupted: bool) -> Statistics:
        """Say how it went."""
        sums = self._sums.with_seen(self._seen).with_resumed(resumed).with_seconds(seconds)
        self._log.info("%s", finish_line(sums, self._modes, interrupted=interrupted, user=self._settings.user))
        for line in self._lines(sums):
            self._log.warning("%s", line)
        return sums

    def _lines(self, sums: Statistics) -> Iterator[str]:
        settings = self._settings
        yield from path_hints(
            sums,
            self._examples,
            photo_dir=str(settings.photo_dir),
            segments=settings.path_segments,
            path_map=";".join(map(str, settings.path_map)),
        )
        line = self._mapper.map_line()
        if line:
            yield f"Where the files are was found by trying. To keep it and be sure: {line}"
        if sums.date_moved:
            yield (
                f"Dates were moved to an older one that Immich knows ({sums.date_moved}, date_moved in the report); "
                "--date-source immich takes the date that Immich shows and nothing else"
            )
        if sums.disagreements:
            yield (
                f"Of what is another user's first, {settings.user}'s Immich says something else "
                f"({files(sums.disagreements)}): it is left as it is (disagreement in the report)"
            )
        if self._uploads:
            change = "would be changed" if "dry-run" in self._modes else "were changed"
            yield (
                f"Originals of Immich's upload library {change} for the first time ({self._uploads}): its integrity "
                'check will list them. Never use "delete" in that report for them; --write-to sidecar leaves originals '
                "alone"
            )
        if self._first_touches and self._modules & _KEYWORDS and Module.TAGS not in self._modules:
            yield (
                "Names and albums are keywords now: Immich makes tags of them when it reads the files again, unless "
                "they hold a list of tags already (add --tags to write Immich's own)"
            )
