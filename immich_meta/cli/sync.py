"""`immich-meta sync`: the options of a run.

Not here: the run (cli/session.py puts it together, sync/ carries it out).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Optional

import click

from immich_meta.cli import EXIT_CODES
from immich_meta.cli.options import writing_options
from immich_meta.cli.past import keep_undo_option
from immich_meta.errors import UsageError
from immich_meta.sync.shard import Shard, parse_shard
from immich_meta_writers.tags import Module

_ALL = (Module.PEOPLE, Module.GPS, Module.CAPTION, Module.TIME, Module.RATING)
SWITCHES = {
    "people": Module.PEOPLE,
    "gps": Module.GPS,
    "caption": Module.CAPTION,
    "time": Module.TIME,
    "rating": Module.RATING,
    "albums": Module.ALBUMS,
    "face_coordinates": Module.FACES,
    "tags": Module.TAGS,
}
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def modules_of(flags: dict[str, Any]) -> frozenset[Module]:
    """What the switches among the flags choose; they are taken out of them."""
    modules = {module for name, module in SWITCHES.items() if flags.pop(name)}
    return frozenset(modules.union(_ALL if flags.pop("everything") else ()))


def _shard(text: Optional[str]) -> Optional[Shard]:
    try:
        return None if text is None else parse_shard(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("sync", epilog=EXIT_CODES)
@click.option("--all", "everything", is_flag=True, help="People, gps, caption, time and rating.")
@click.option("--people", is_flag=True, help="Names of the people in a photo.")
@click.option("--gps", is_flag=True, help="Where it was taken.")
@click.option("--caption", is_flag=True, help="The description.")
@click.option("--time", is_flag=True, help="When it was taken; the oldest date wins.")
@click.option("--rating", is_flag=True, help="Stars and the heart.")
@click.option("--albums", is_flag=True, help="Album names.")
@click.option("--face-coordinates", is_flag=True, help="Where each face is in the picture (MWG regions).")
@click.option("--tags", is_flag=True, help="Immich's own tags.")
@click.option("--dry-run", is_flag=True, help="Show each change, old -> new; write nothing.")
@click.option("--only-new", is_flag=True, help="Write only what differs. That is always so; the summary then says it.")
@click.option("--report", metavar="FILE.jsonl", help="One JSON object per asset, into this file; - is standard output.")
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped.")
@click.option("--clear-checkpoint", is_flag=True, help="Forget where an interrupted run stopped.")
@click.option("--clear-album-cache", is_flag=True, help="Ask the server for the albums again.")
@click.option("--export-stats", type=click.Choice(["json", "csv"]), help="Write the sums into immich_sync_stats_*.")
@click.option(
    "--date-source",
    type=click.Choice(["oldest", "immich"]),
    default="oldest",
    show_default=True,
    help="The oldest date that Immich knows, or the date that Immich shows.",
)
@click.option(
    "--live-photos",
    type=click.Choice(["both", "still"]),
    help="The video of a live photo gets what is said of its still, or is left alone (default both).",
)
@click.option("--protect-newer", is_flag=True, help="Leave values of files that were edited since Immich read them.")
@click.option("--verify", is_flag=True, help="Read every file, also those that the last run left as they should be.")
@click.option(
    "--check-checksum",
    is_flag=True,
    help="Compare originals of the upload library with Immich's SHA-1 before they are changed for the first time.",
)
@writing_options
@click.option(
    "--jobs",
    type=click.IntRange(0, 64),
    help="So many processes write files (default: cores, at most 4); 0: this one, without a time limit per file.",
)
@click.option("--file-timeout", type=click.IntRange(1), metavar="SECONDS", help="Give a file up after this (120).")
@click.option(
    "--shard",
    metavar="I/N",
    callback=lambda context, option, text: _shard(text),
    help="Only part I (from 0) of N parts of the library, so that N machines can share it.",
)
@click.option(
    "--refresh",
    type=click.Choice(["none", "immich", "library"]),
    help="When all is written, Immich reads the changed files again (immich; the key needs job.create), or scans their "
    "external libraries (library; an administrator's key), or is left alone (default none).",
)
@keep_undo_option
@click.option("--user", multiple=True, metavar="NAME", help="Only this one of several users; again for another one.")
@click.option("--yes", is_flag=True, help="Do not ask before originals of the upload library are changed.")
@click.option("--config", type=click.Path(path_type=Path), help="INI, .env or JSON file (default immich-sync.conf).")
@click.option(
    "--log-level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    default="INFO",
    show_default=True,
    help="How much to say.",
)
def command(config: Optional[Path], **flags: Any) -> int:
    """Write Immich's metadata into your own files. Say what: --all, and more if you like.

    \b
    immich-meta sync --all --dry-run             look first
    immich-meta sync --all --albums --tags       the usual run
    immich-meta sync --face-coordinates          faces as regions

    Only what differs is written; a second run changes nothing. Keywords, captions in other languages, labels
    and regions of other programs stay. Settings come from the environment or a configuration file; see
    the README for all of them.
    """
    modules = modules_of(flags)
    clears = flags["clear_checkpoint"] or flags["clear_album_cache"]
    if not modules and not clears:
        raise UsageError(
            "nothing was chosen to be written", cure="add --all, or --people, --gps, --caption ...; see --help"
        )
    from immich_meta.cli.session import run_session

    return run_session(modules, config, flags, environ=os.environ, directory=Path.cwd())
