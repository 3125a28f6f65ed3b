"""`immich-meta write`: metadata from a JSON file into photos, without a server.

Not here: what the JSON may say (immich_meta_writers.metadata_json).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Optional

import click

from immich_meta import settings
from immich_meta.cli import EXIT_CODES, EXIT_FAILED, EXIT_OK
from immich_meta.cli.options import may_sweep, plan_options, with_sidecar_dir, writing_options
from immich_meta.cli.past import keep_undo_option, warn
from immich_meta.errors import UsageError
from immich_meta.sync.report import Failure, ReportWriter, Result, Status, render
from immich_meta_writers import PhotoMetadata, Plan, PlanOptions, WriterError, apply_all, plan
from immich_meta_writers.commit import sweep
from immich_meta_writers.errors import MetadataError, UnsupportedError
from immich_meta_writers.metadata_json import photo_metadata
from immich_meta_writers.plan import written_in
from immich_meta_writers.plan.outcome import Keep

_LARGEST_JSON = 16 << 20


@click.command("write", epilog=EXIT_CODES)
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILE...")
@click.option("--metadata", "source", required=True, metavar="META.json", help="What to write; - is standard input.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.option("--report", metavar="R.jsonl", help="One JSON object per file, into this file; - is standard output.")
@keep_undo_option
@writing_options
def command(
    files: tuple[str, ...], source: str, dry_run: bool, report: Optional[str], keep_undo: Optional[int], **flags: Any
) -> int:
    """Write metadata from a JSON file into photos. No server is asked.

    \b
    {"people": ["Ada"], "caption": "Picnic", "rating": 4, "favorite": true,
     "gps": {"latitude": 52.52, "longitude": 13.405, "altitude": 34},
     "captured": "2024-05-01T12:00:00+02:00", "albums": ["Berlin"], "tags": ["Travel/Berlin"],
     "regions": [{"name": "Ada", "x": 0.5, "y": 0.4, "w": 0.1, "h": 0.15}]}

    Absent or null: left alone. An empty list or text: ours is removed. Regions are as displayed: centre and
    size, 0-1.
    """
    chosen = settings.load(os.environ, None, Path.cwd(), needs_server=False)
    wanted = photo_metadata(_load(source), chosen.time_zone)
    flags = with_sidecar_dir(flags, chosen.sidecar_dir, ())
    options = plan_options(flags, xmp_engine=chosen.xmp_engine)
    counts: Counter[Status] = Counter()
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(ReportWriter(report, warn=warn)) if report else None
        days = chosen.keep_undo if keep_undo is None else keep_undo
        keep = None if dry_run else stack.enter_context(_kept(files, options, chosen.state_dir, days, counts))
        for result in _results(dict.fromkeys(files), wanted, options, keep):
            counts[result.status] += 1
            if writer:
                writer.write(result)
            if report != "-":
                click.echo("\n".join(render(result)))
    return EXIT_FAILED if counts[Status.FAILED] or counts[Status.UNSUPPORTED] else EXIT_OK


@contextlib.contextmanager
def _kept(
    files: Sequence[str], options: PlanOptions, state_dir: Optional[Path], days: int, counts: Counter[Status]
) -> Iterator[Keep]:
    """A run in the history of the files that were written without a server: what takes each of them back."""
    from immich_meta.state import UndoLog, open_free_store, state_directory

    with open_free_store(state_directory(state_dir), "files", warn=warn, command="write") as store:
        directories = {written_in(os.path.realpath(path), options) for path in files}
        for directory in directories.union(store.unfinished_directories()):
            if may_sweep(directory, options.sidecar_dir):
                sweep(directory)
        run = store.begin_run("write", {"files": len(files)}, keeps_undo=days > 0)
        for directory in directories:
            run.will_write_in(directory)
        with UndoLog(run.log_at(), warn=warn) as log:
            yield lambda part, undo: log.append(undo, part.changes, None)
        run.end({status.value: count for status, count in counts.items()}, days)


def _load(source: str) -> object:
    try:
        with contextlib.ExitStack() as stack:
            stream = sys.stdin.buffer if source == "-" else stack.enter_context(open(source, "rb"))
            data = stream.read(_LARGEST_JSON + 1)
    except OSError as error:
        raise UsageError(f"--metadata {source}: {error.strerror or error}") from error
    if len(data) > _LARGEST_JSON:
        raise UsageError(f"--metadata {source}: more than 16 MiB")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--metadata {source} is not JSON: {error}") from error


def _results(
    files: Iterable[str], wanted: PhotoMetadata, options: PlanOptions, keep: Optional[Keep]
) -> Iterator[Result]:
    """One result for each file, those that are refused before those still on their way to the disk.

    `keep` None: nothing is written.
    """
    refused: deque[Result] = deque()

    def plans() -> Iterator[Plan]:
        for path in files:
            try:
                yield plan(path, wanted, options)
            except MetadataError:
                raise
            except WriterError as error:
                refused.append(_refused(path, error))

    if keep is None:
        for planned in plans():
            yield from _taken(refused)
            yield _result(planned, Status.SIMULATED)
    else:
        for planned, failure in apply_all(plans(), keep=keep):
            yield from _taken(refused)
            yield _refused(planned.path, failure) if failure else _result(planned, Status.UPDATED)
    yield from _taken(refused)


def _taken(results: deque[Result]) -> Iterator[Result]:
    while results:
        yield results.popleft()


def _refused(path: str, error: WriterError) -> Result:
    status = Status.UNSUPPORTED if isinstance(error, UnsupportedError) else Status.FAILED
    return Result(path, status, error=Failure(error.kind, str(error)))


def _result(planned: Plan, status: Status) -> Result:
    sidecar = planned.sidecar
    return Result(
        planned.path,
        Status.UNCHANGED if planned.is_empty else status,
        planned.changes,
        planned.kept,
        planned.skipped,
        sidecar=sidecar.path if sidecar and sidecar.changes else None,
        notes=planned.notes,
    )
