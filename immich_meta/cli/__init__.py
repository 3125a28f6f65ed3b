"""The command line: one file per command, each loaded only when it is called.

Not here: what a command does; a command reads options, calls the rest of the package, and prints.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Callable, Optional

import click

from immich_meta.errors import ImmichMetaError
from immich_meta_writers.errors import MetadataError, WriterError

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_SERVER, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

EXIT_CODES = """\b
Exit codes:
  0    all well
  1    at least one file failed
  2    wrong usage or configuration
  3    the server was not reached, or refused
  130  interrupted
"""

_COMMANDS = {
    "sync": "Write Immich's metadata into your own files.",
    "watch": "Sync at times of your choice, for ever.",
    "doctor": "Find out what is wrong with the set-up, and what to do.",
    "show": "Show what photos say.",
    "write": "Write metadata from a JSON file into photos, without a server.",
    "undo": "Take back what a run wrote, byte for byte.",
    "history": "Show past runs and what they wrote.",
    "verify": "Check that files still say what the last run wrote.",
    "backup": "Back up Immich's database with pg_dump.",
    "web": "Look, sync and take back in a browser.",
    "formats": "Show what is done with each kind of file.",
    "completion": "Let the Tab key complete commands and options.",
    "demo": "Try it: a made-up library and server, no configuration.",
}


class _Commands(click.Group):
    """Knows every command's first line without importing it: `--help` has to be quick."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> Optional[click.Command]:
        if name not in _COMMANDS:
            return None
        command = importlib.import_module(f"immich_meta.cli.{name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(package_name="immich-meta", message="immich-meta %(version)s")
def commands() -> None:
    """Writes what your family made in Immich - names, faces, albums, captions, stars, places, dates - back into
    your own photo files, without losing anything that is in them.

    \b
    To begin:
      immich-meta demo                     see it work on a made-up library
      export IMMICH_INSTANCE_URL=http://localhost:2283  IMMICH_API_KEY=...
      export IMMICH_PHOTO_DIR=/library     where the photos are on this machine
      immich-meta doctor                   is all as it should be?
      immich-meta sync --all --dry-run     what would change?
      immich-meta sync --all               change it
    """


def run(command: click.Command, name: str, arguments: Sequence[str]) -> int:
    """Run a command; every error becomes a line on standard error and an exit code."""
    return exit_code_of(lambda: command.main(args=list(arguments), prog_name=name, standalone_mode=False))


def exit_code_of(action: Callable[[], object]) -> int:
    """The same of an action that answers with its exit code, or with nothing."""
    try:
        code = action()
        return code if isinstance(code, int) else EXIT_OK
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except ImmichMetaError as error:
        return _say(error.exit_code, error)
    except MetadataError as error:
        return _say(EXIT_USAGE, error)
    except WriterError as error:
        return _say(EXIT_FAILED, error)
    except (click.Abort, KeyboardInterrupt):
        return _say(EXIT_INTERRUPTED, "interrupted")


def _say(code: int, message: object) -> int:
    click.echo(f"immich-meta: {message}", err=True)
    return code


