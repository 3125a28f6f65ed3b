"""`immich-meta verify`: whether files still say what the last run wrote, and whether all else in them is as it was.

Not here: comparing (state/verification.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import click

from immich_meta.cli import EXIT_CODES, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from immich_meta.cli.interrupt import Interrupt
from immich_meta.cli.past import config_option, files, history_of, json_lines, progress
from immich_meta.errors import UsageError
from immich_meta.logs import one_line
from immich_meta.sync.report import render_value

if TYPE_CHECKING:
    from immich_meta.state.verification import Verified


@click.command("verify", epilog=EXIT_CODES)
@click.option("--run", "run_id", metavar="ID", help="This run instead of the last one; immich-meta history shows all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file, and nothing else: --report -")
@click.option("--report", metavar="FILE.jsonl", help="One JSON object per file, into this file; - is standard output.")
@config_option
def command(run_id: Optional[str], as_json: bool, report: Optional[str], config: Optional[Path]) -> int:
    """Read every file that the last run wrote, and compare: each tag that was changed says what was written, and
    all other bytes are what they were before the file was touched first.

    Nothing is written. Files that somebody edited since are found, too: that is no damage, but they are named.
    """
    if as_json and report:
        raise UsageError("--json and --report are the same to different places", cure="choose one of them")
    target = "-" if as_json else report
    from immich_meta.state.verification import verify

    with history_of(config) as archive, Interrupt() as stop:
        run = archive.latest() if run_id is None else archive.run(run_id)
        if run is None:
            click.echo("There is no run to verify.", err=target == "-")
            return EXIT_OK
        with progress(run.files - run.taken_back) as advance:
            counts = _tell(stop.waiting_for(verify(archive, run)), target, advance)
        wrong = sum(count for is_wrong, count in counts.items() if is_wrong)
        summary = f"Run {run.id}: {files(sum(counts.values()))} read, {wrong or 'none'} not as written"
        click.echo(summary, err=target == "-")
        if stop.requested:
            return EXIT_INTERRUPTED
    return EXIT_FAILED if wrong else EXIT_OK


def _tell(found: Iterable[Verified], target: Optional[str], advance: Any) -> Counter[bool]:
    counts: Counter[bool] = Counter()
    with json_lines(target) as write:
        for each in found:
            counts[each.is_wrong] += 1
            if write:
                write(_object(each))
            if target != "-" and each.problem:
                click.echo(f"{one_line(each.path)}: {one_line(each.problem)}")
                for tag, wanted, value in each.differences:
                    click.echo(f"    {one_line(tag)}  {render_value(value)} instead of {render_value(wanted)}")
            advance()
    return counts


def _object(verified: Verified) -> dict[str, Any]:
    return {
        "path": verified.path,
        "status": verified.kind,
        "asset_id": verified.asset_id,
        "message": verified.problem,
        "differences": [difference._asdict() for difference in verified.differences],
    }
