"""`immich-meta demo`: the real sync against a made-up server and library.

Not here: the server and the photos (immich_meta.demo).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import click

from immich_meta.cli import EXIT_CODES, EXIT_OK
from immich_meta.errors import UsageError

_ALL_MODULES = "--all --albums --face-coordinates --tags"


@click.command("demo", epilog=EXIT_CODES)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to put the photos (default: a new temporary folder).",
)
def command(folder: Optional[Path]) -> int:
    """Try it without a server, a configuration or a network.

    Draws a few photos and videos, starts a stand-in for Immich on this machine, runs the real sync twice, and shows
    what they say before and after.
    """
    from immich_meta.demo.photos import SHOWN, make_library
    from immich_meta.demo.server import DemoServer

    folder = _prepared(folder)
    photos = folder / "photos"
    try:
        library = make_library(photos)
    except OSError as error:
        raise UsageError(f"the photos cannot be put into {photos}: {error.strerror or error}") from error
    shown = [photos / name for name in SHOWN]
    with DemoServer(library) as server:
        count = len(library.assets)
        click.echo(f"A stand-in for Immich is at {server.url}, {count} photos and videos are in {photos}\n")
        _show("Before", shown)
        environ = {
            "IMMICH_INSTANCE_URL": server.url,
            "IMMICH_API_KEY": server.api_key,
            "IMMICH_PHOTO_DIR": str(photos),
            "IMMICH_LOG_FILE": str(folder / "immich_ultra_sync.txt"),
            "IMMICH_META_STATE_DIR": str(folder / "state"),
        }
        for words in ("The first run", "The second run: nothing is left to do"):
            click.secho(f"{words} (immich-meta sync {_ALL_MODULES})", bold=True)
            code = _sync(environ, folder)
            if code != EXIT_OK:
                return code
            click.echo()
        _show("After", shown)
    click.echo(f"Look at the photos with any other program: {photos}")
    return EXIT_OK


def _prepared(folder: Optional[Path]) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="immich-meta-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder} cannot be used: {error.strerror or error}") from error
    if not is_empty:
        raise UsageError(f"{folder} is not empty", cure="give --folder a new one: the demo overwrites nothing")
    return folder.resolve()


def _show(words: str, paths: list[Path]) -> None:
    from immich_meta.cli import show

    click.secho(words, bold=True)
    for path in paths:
        show.print_file(str(path))
    click.echo()


def _sync(environ: Mapping[str, str], directory: Path) -> int:
    from immich_meta.cli.session import run_session
    from immich_meta.cli.sync import command as sync
    from immich_meta_writers.tags import Module

    context = sync.make_context("sync", ["--all", "--yes", "--log-level", "INFO"])
    flags: dict[str, Any] = {name: value for name, value in context.params.items() if name != "config"}
    return run_session(frozenset(Module), None, flags, environ=environ, directory=directory)
