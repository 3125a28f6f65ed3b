"""`immich-meta history`: past runs, what they wrote, and how much is kept to take it back.

Not here: taking it back (undo.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import click

from immich_meta.cli import EXIT_CODES, EXIT_OK
from immich_meta.cli.past import command_of, config_option, files, history_of, size
from immich_meta.logs import json_line, one_line
from immich_meta.sync.report import render_change

if TYPE_CHECKING:
    from immich_meta.state import Archive, Entry, KeptRun


@click.command("history", epilog=EXIT_CODES)
@click.option("--run", "run_id", metavar="ID", help="What this run wrote: each file, old -> new of each tag.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per run and line; with --run one per file.")
@config_option
def command(run_id: Optional[str], as_json: bool, config: Optional[Path]) -> int:
    """Show past runs, newest first: what each wrote, whether it was undone, and how much is kept to undo it.

    \b
    immich-meta history
    immich-meta history --run 2026-11-22T21-05-07
    immich-meta undo --run 2026-11-22T21-05-07
    """
    with history_of(config) as archive:
        if run_id is not None:
            _show_run(archive, archive.run(run_id), as_json=as_json)
        elif as_json:
            for run in archive.runs():
                click.echo(json_line(_run_object(run), ascii_only=True))
        else:
            click.echo("\n".join(_table(archive.runs())))
    return EXIT_OK


def _show_run(archive: Archive, run: KeptRun, *, as_json: bool) -> None:
    if not as_json:
        click.echo("  ".join(_cells(run)).rstrip())
    for entry in archive.entries(run):
        if as_json:
            click.echo(json_line(_file_object(entry), ascii_only=True))
        else:
            click.echo("\n".join(_file_lines(entry)))


def _table(runs: Sequence[KeptRun]) -> Iterator[str]:
    if not runs:
        yield "Nothing is kept yet: no run has written anything, or it is too long ago."
        return
    rows = [_cells(run) for run in runs]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
    yield ""
    yield f"{size(sum(run.size for run in runs))} in all. To take a run back: immich-meta undo --last, or --run ID"


def _cells(run: KeptRun) -> tuple[str, ...]:
    return run.id, command_of(run), files(run.files), size(run.size), _state(run)


def _state(run: KeptRun) -> str:
    left = run.files - run.taken_back
    if run.is_running:
        return "is running"
    if run.files and not left:
        return "undone"
    if run.taken_back or run.undone is not None:
        return f"undone but for {files(left)}"
    return "interrupted" if run.is_interrupted else ""


def _run_object(run: KeptRun) -> dict[str, Any]:
    return {
        "run": run.id,
        "command": run.command,
        "details": run.details,
        "started": run.started,
        "ended": run.ended,
        "sums": run.sums,
        "files": run.files,
        "undone_files": run.taken_back,
        "undone": run.files > 0 and run.files == run.taken_back,
        "interrupted": run.is_interrupted,
        "running": run.is_running,
        "size": run.size,
        "state": str(run.store),
    }


def _file_object(entry: Entry) -> dict[str, Any]:
    try:
        changes: Optional[list[dict[str, Any]]] = [change._asdict() for change in entry.changes()]
    except ValueError:
        changes = None
    return {
        "run": entry.run_id,
        "path": entry.path,
        "asset_id": entry.asset_id,
        "at": entry.at,
        "undone": entry.undone is not None,
        "changes": changes,
    }


def _file_lines(entry: Entry) -> Iterator[str]:
    yield one_line(entry.path) + (" (undone)" if entry.undone is not None else "")
    try:
        changes = entry.changes()
    except ValueError:
        yield "    what was changed is not known any more: this note is damaged"
        return
    width = min(max((len(change.tag) for change in changes), default=0), 40)
    for change in changes:
        yield f"    {one_line(change.tag):<{width}}  {render_change(change.old, change.new)}"
