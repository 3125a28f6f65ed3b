"""`immich-meta backup`: a backup of Immich's database into BACKUP_TARGET, or what is there already.

Not here: how it is made, and which files are backups (immich_meta.backup).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import click

from immich_meta.cli import EXIT_CODES, EXIT_OK
from immich_meta.cli.past import config_option, files, size, warn
from immich_meta.errors import PathsError, SettingsError
from immich_meta.logs import json_line, one_line

if TYPE_CHECKING:
    from immich_meta.backup import Backup, Backups
    from immich_meta.settings import Settings


@click.command("backup", epilog=EXIT_CODES)
@click.option("--list", "only_list", is_flag=True, help="Only show which backups are there, newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --list one per backup and line.")
@config_option
def command(only_list: bool, as_json: bool, config: Optional[Path]) -> int:
    """Back up Immich's database into the folder BACKUP_TARGET, and remove the oldest of our own backups there.

    \b
    export BACKUP_TARGET=/backup  DB_HOST=immich_postgres  DB_PASSWORD=...
    immich-meta backup
    immich-meta backup --list

    PostgreSQL's own pg_dump makes it, which has to be installed. KEEP_BACKUPS (7) are kept; files that this
    command has not made are never removed. The photos are not part of it: back them up, too.
    """
    from immich_meta.backup import backups_in
    from immich_meta.settings import load

    settings = load(os.environ, config, Path.cwd(), needs_server=False)
    target = settings.backup_target
    if target is None:
        raise SettingsError(
            "BACKUP_TARGET is not set",
            name="BACKUP_TARGET",
            cure="set it to the folder for backups of the database, e.g. BACKUP_TARGET=/backup",
        )
    if only_list:
        _show(backups_in(target), settings, as_json=as_json)
    else:
        _make(target, settings, as_json=as_json)
    return EXIT_OK


def _make(target: Path, settings: Settings, *, as_json: bool) -> None:
    from immich_meta.backup import Database, backups_in, dump, make_backup, prune
    from immich_meta.cli.interrupt import Interrupt

    database = Database(
        settings.db_host, settings.db_port, settings.db_username, settings.db_password, settings.db_name
    )
    began = time.time()
    with Interrupt() as stop, stop.waiting():
        made = make_backup(target, partial(dump, database, os.environ), began)
    removed, problems = prune(backups_in(target).found, made, settings.keep_backups)
    for problem in problems:
        warn(one_line(problem))
    if as_json:
        told = {**_object(made, began), "seconds": time.time() - began, "removed": list(map(str, removed))}
        click.echo(json_line(told, ascii_only=True))
        return
    gone = f"; {files(len(removed))} removed, {settings.keep_backups} are kept" if removed else ""
    click.echo(f"{one_line(str(made.path))}: {size(made.size)}{gone}")


def _show(backups: Backups, settings: Settings, *, as_json: bool) -> None:
    from immich_meta.backup import reminder

    if backups.problem:
        raise PathsError(f"BACKUP_TARGET ({backups.directory}): {backups.problem}", path=str(backups.directory))
    now = time.time()
    if as_json:
        for backup in backups.found:
            click.echo(json_line(_object(backup, now), ascii_only=True))
        return
    for line in _lines(backups, settings):
        click.echo(line)
    due = reminder(backups, now, settings.backup_max_age)
    if due is not None:
        warn(one_line(str(due)))


def _lines(backups: Backups, settings: Settings) -> Iterator[str]:
    for backup in backups.found:
        moment = datetime.fromtimestamp(backup.made, settings.time_zone)
        name = os.path.relpath(backup.path, backups.directory)
        yield f"{moment:%Y-%m-%d %H:%M}  {size(backup.size):>9}  {one_line(name)}"


def _object(backup: Backup, now: float) -> dict[str, Any]:
    from immich_meta.backup.present import age_in_days

    return {
        "path": str(backup.path),
        "made": backup.made,
        "size": backup.size,
        "age_days": round(age_in_days(backup, now), 2),
        "ours": backup.is_ours,
    }
