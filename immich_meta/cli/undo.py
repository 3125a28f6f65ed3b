"""`immich-meta undo`: take back what a run wrote, or the latest change of one file.

Not here: taking a file back (state/taking_back.py, immich_meta_writers.undo).
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import click

from immich_meta.cli import EXIT_CODES, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from immich_meta.cli.interrupt import Interrupt
from immich_meta.cli.past import command_of, config_option, files, history_of, json_lines, progress
from immich_meta.errors import HistoryError, UsageError
from immich_meta.logs import one_line

if TYPE_CHECKING:
    from immich_meta.state import Archive, Entry, KeptRun
    from immich_meta.state.taking_back import Outcome, TakenBack


@click.command("undo", epilog=EXIT_CODES)
@click.option("--last", is_flag=True, help="The newest run that is not undone yet.")
@click.option("--run", "run_id", metavar="ID", help="This run; immich-meta history shows all.")
@click.option("--file", "path", metavar="PATH", help="The latest change of this file; again: the one before.")
@click.option("--dry-run", is_flag=True, help="Show what would be restored; write nothing.")
@click.option("--report", metavar="FILE.jsonl", help="One JSON object per file, into this file; - is standard output.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def command(
    last: bool,
    run_id: Optional[str],
    path: Optional[str],
    dry_run: bool,
    report: Optional[str],
    yes: bool,
    config: Optional[Path],
) -> int:
    """Take back what a run wrote: each file becomes what it was before, byte for byte, its date included.

    \b
    immich-meta undo --last --dry-run      look first
    immich-meta undo --last                the newest run; again: the one before
    immich-meta undo --file IMG_0001.jpg   the latest change of one file

    A file that was changed since by somebody else is left alone and named. An undo that was interrupted can
    simply be run again. The next sync writes the same again, unless it is told otherwise.
    """
    if sum((last, run_id is not None, path is not None)) != 1:
        raise UsageError("say what to take back", cure="one of --last, --run ID and --file PATH")
    with history_of(config) as archive:
        if path is not None:
            entry = _latest_of(archive, path)
            directories = frozenset([os.path.dirname(entry.path)])
            return _Undo(archive, entry.store, None, directories, dry_run, report).carry_out([entry])
        run = archive.latest() if run_id is None else archive.run(run_id)
        if run is None:
            click.echo("There is nothing to take back.", err=report == "-")
            return EXIT_OK
        if not dry_run and not yes and not _confirmed(run):
            return EXIT_OK
        entries = (entry for entry in archive.entries(run) if entry.undone is None)
        return _Undo(archive, run.store, run, archive.directories(run), dry_run, report).carry_out(entries)


def _latest_of(archive: Archive, path: str) -> Entry:
    entry = archive.newest_of(os.path.realpath(path))
    if entry is not None:
        return entry
    sidecar = path + ".xmp"
    beside = archive.newest_of(os.path.realpath(sidecar))
    cure = f"its sidecar was written: undo --file {sidecar}" if beside else ""
    raise HistoryError(f"no change of {path} is kept that could be taken back", cure=cure)


def _confirmed(run: KeptRun) -> bool:
    """A person at a terminal is asked; a script goes on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    left = files(run.files - run.taken_back)
    return click.confirm(f"Run {run.id} ({command_of(run)}) wrote {left}. Take it back?")


class _Undo:
    """One call of the command. `run` None: a single file."""

    def __init__(
        self,
        archive: Archive,
        store: Path,
        run: Optional[KeptRun],
        directories: frozenset[str],
        dry_run: bool,
        report: Optional[str],
    ) -> None:
        self._archive = archive
        self._store = store
        self._run = run
        self._directories = directories
        self._dry_run = dry_run
        self._report = report

    def carry_out(self, entries: Iterable[Entry]) -> int:
        with Interrupt() as stop:
            wanted = _until(stop, entries)
            if self._dry_run:
                counts = self._tell(self._simulated(wanted))
            else:
                counts = self._tell(self._taken_back(wanted, stop))
        self._sum_up(counts)
        if stop.requested:
            return EXIT_INTERRUPTED
        return EXIT_FAILED if any(outcome.failed for outcome in counts) else EXIT_OK

    def _simulated(self, entries: Iterable[Entry]) -> Iterator[TakenBack]:
        from immich_meta.state.taking_back import would_be

        return would_be(self._archive, entries)

    def _taken_back(self, entries: Iterable[Entry], stop: Interrupt) -> Iterator[TakenBack]:
        from immich_meta.state.taking_back import undo

        return undo(
            self._archive,
            self._store,
            entries,
            run=self._run,
            directories=self._directories,
            clock=time.time,
            is_stopped=lambda: stop.requested,
        )

    def _tell(self, taken: Iterable[TakenBack]) -> Counter[Outcome]:
        from immich_meta.state.taking_back import WORDS

        counts: Counter[Outcome] = Counter()
        total = None if self._run is None else self._run.files - self._run.taken_back
        with json_lines(self._report) as write, progress(total) as advance:
            for each in taken:
                counts[each.outcome] += 1
                if write:
                    write(_object(each))
                if self._report != "-":
                    more = f" ({one_line(each.message)})" if each.message else ""
                    click.echo(f"{one_line(each.entry.path)}: {WORDS[each.outcome]}{more}")
                advance()
        return counts

    def _sum_up(self, counts: Counter[Outcome]) -> None:
        from immich_meta.state.taking_back import WORDS

        if self._run is None:
            return
        sums = ", ".join(f"{counts[outcome]} {words}" for outcome, words in WORDS.items() if counts[outcome])
        click.echo(f"Run {self._run.id}: {sums or 'nothing is left to take back'}", err=self._report == "-")


def _until(stop: Interrupt, entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries, until somebody wants it to end."""
    for entry in entries:
        if stop.requested:
            return
        yield entry


def _object(taken: TakenBack) -> dict[str, Any]:
    return {
        "path": taken.entry.path,
        "status": taken.outcome.value,
        "run": taken.entry.run_id,
        "asset_id": taken.entry.asset_id,
        "message": taken.message,
    }
