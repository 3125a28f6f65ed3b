"""`immich-meta watch`: sync at times of the user's choice, for ever; and how that goes, for a container's health check.

Not here: the times and the waiting (immich_meta.schedule), one run (scheduled.py), and the options of a run (sync.py).
"""

from __future__ import annotations

import os
import random
import shlex
import signal
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional

import click

from immich_meta.cli import EXIT_CODES, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from immich_meta.cli.household import chosen
from immich_meta.cli.interrupt import Interrupt
from immich_meta.cli.sync import command as sync
from immich_meta.cli.sync import modules_of
from immich_meta.errors import SettingsError, UsageError
from immich_meta.schedule import Health, Plan, Schedule, cron, every, parse_duration
from immich_meta.schedule.health import RUNNING, WAITING, problem_of, read_health, write_health

if TYPE_CHECKING:
    from immich_meta.settings import Settings


def _parsed(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, Optional[str]], Any]:
    def callback(context: click.Context, option: click.Parameter, text: Optional[str]) -> Any:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error), context, option) from error

    return callback


@click.command("watch", epilog=EXIT_CODES)
@click.option("--every", metavar="TIME", callback=_parsed(every), help="So often: 6h, 90m, 1d12h.")
@click.option("--cron", metavar="LINE", callback=_parsed(cron), help='At these times (zone TZ): "0 3 * * *", @daily.')
@click.option(
    "--jitter",
    metavar="TIME",
    callback=_parsed(parse_duration),
    help="Each run comes up to so much later, by chance (default a tenth of the interval, at most 5m; 0: on time).",
)
@click.option("--now", is_flag=True, help="The first run comes at once.")
@click.option(
    "--health-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where it is said how the runs go (default watch.json in the state's directory).",
)
@click.option("--health", is_flag=True, help="Only say how the runs go: exit code 0 when all is well, else 1.")
def command(health: bool, health_file: Optional[Path], **params: Any) -> int:
    """Sync at times of your choice, until it is stopped. All options of sync go with it.

    \b
    immich-meta watch --every 6h --all --albums --tags
    immich-meta watch --cron "0 3 * * *" --now --all
    immich-meta watch --health                   for a container: is all well?

    IMMICH_META_SCHEDULE and IMMICH_META_SYNC_OPTIONS say the same without a command line. One run at a time; a run
    that fails is logged, and the next one comes at its time, or sooner when the server was not reached. A run that
    was missed while the program was not running is made up for. SIGTERM lets a run finish the files in hand.
    """
    from immich_meta.settings import load_users

    users = load_users(os.environ, params["config"], Path.cwd(), needs_server=not health)
    settings = users[0]
    path = health_file or settings.health_file or _default_health_file(settings)
    if health:
        return _say_health(path)
    plan = _plan(params, settings)
    flags = _sync_params(params, settings)
    if not modules_of(dict(flags)):
        raise UsageError(
            "nothing was chosen to be written",
            cure="add --all, or --people, --gps, --caption ...; or set IMMICH_META_SYNC_OPTIONS",
        )
    chosen(users, flags["user"] or ())
    return _Watch(plan, flags, settings, path).go()


# The options of a run, after its own ones.
command.params += sync.params


@dataclass(frozen=True)
class _Watch:
    plan: Plan
    flags: dict[str, Any]
    settings: Settings
    health_file: Path

    def go(self) -> int:
        from immich_meta.cli.scheduled import run_apart
        from immich_meta.schedule import Clocks, keep_running

        with Interrupt() as stop:

            def sleep(seconds: float) -> None:
                with stop.waiting():
                    time.sleep(seconds)

            clocks = Clocks(time.time, sleep, random.random)
            try:
                keep_running(self.plan, partial(run_apart, self.flags, stop), clocks, self._tell, self._told_before())
            except KeyboardInterrupt:
                if not stop.requested:
                    raise
        return EXIT_OK if stop.number == signal.SIGTERM else EXIT_INTERRUPTED

    def _told_before(self) -> Optional[Health]:
        try:
            return read_health(self.health_file)
        except (OSError, ValueError):  # there was none, or it is damaged
            return None

    def _tell(self, health: Health) -> None:
        zone, last = self.settings.time_zone, health.last_run
        problem = ""
        try:
            write_health(self.health_file, health, zone)
        except OSError as error:
            problem = f"The health file {self.health_file} cannot be written: {error.strerror or error}"
        if health.state == WAITING and health.next_run is not None:
            after = f"after exit code {last.exit_code}, " if last is not None and last.exit_code else ""
            moment = datetime.fromtimestamp(health.next_run, zone)
            self._log(f"Next run: {after}{moment:%Y-%m-%d %H:%M:%S %Z} ({health.schedule})", problem)
        elif problem and health.state != RUNNING:
            self._log("The watch has ended", problem)

    def _log(self, line: str, problem: str) -> None:
        """Opened for each line: while a run goes on the log file is the run's."""
        from immich_meta import logs

        with logs.configure(
            self.settings.log_file,
            level=self.flags["log_level"],
            json_lines=self.settings.json_logs,
            secrets=self.settings.keys_of_all,
            stream=sys.stderr if self.flags["report"] == "-" else sys.stdout,
            zone=self.settings.time_zone,
        ) as log:
            log.logger.info("%s", line)
            if problem:
                log.logger.warning("%s", problem)


def _plan(params: dict[str, Any], settings: Settings) -> Plan:
    from immich_meta.schedule import default_jitter

    if params["every"] is not None and params["cron"] is not None:
        raise UsageError("--every and --cron are two times", cure="give one of them")
    schedule: Optional[Schedule] = params["every"] or params["cron"] or settings.schedule
    if schedule is None:
        raise UsageError(
            "nobody said when to sync", cure='add --every 6h or --cron "0 3 * * *", or set IMMICH_META_SCHEDULE'
        )
    jitter = params["jitter"]
    if jitter is None:
        jitter = default_jitter(schedule, time.time(), settings.time_zone)
    return Plan(schedule, settings.time_zone, jitter, begins_now=params["now"])


def _sync_params(params: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """What a run is called with: what the setting says, and what the command line says over it."""
    context, said = click.get_current_context(), _from_setting(settings.sync_options)
    given = click.core.ParameterSource.COMMANDLINE
    return {
        name: params[name] if name == "config" or context.get_parameter_source(name) is given else value
        for name, value in said.items()
    }


def _from_setting(text: str) -> dict[str, Any]:
    try:
        return sync.make_context("sync", shlex.split(text)).params
    except (click.UsageError, ValueError) as error:
        reason = error.format_message() if isinstance(error, click.UsageError) else str(error)
    except click.exceptions.Exit:
        reason = "it asks for help"
    raise SettingsError(
        f"IMMICH_META_SYNC_OPTIONS is {text!r}: {reason}",
        name="IMMICH_META_SYNC_OPTIONS",
        cure="allowed: options of immich-meta sync, e.g. --all --albums --tags",
    )


def _default_health_file(settings: Settings) -> Path:
    from immich_meta.state.place import state_directory

    return state_directory(settings.state_dir) / "watch.json"


def _say_health(path: Path) -> int:
    try:
        health = read_health(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is damaged"
        click.echo(f"immich-meta: nothing is known of any watch: {path}: {reason}", err=True)
        return EXIT_FAILED
    problem = problem_of(health, time.time())
    click.echo(problem or f"well: {health.state} ({health.schedule})")
    return EXIT_FAILED if problem else EXIT_OK
