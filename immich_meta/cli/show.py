"""`immich-meta show`: what photos say.

Not here: reading them (immich_meta_writers).
"""

from __future__ import annotations

from typing import Any

import click

from immich_meta.cli import EXIT_CODES, EXIT_FAILED, EXIT_OK
from immich_meta.logs import json_line, one_line
from immich_meta.sync.report import render_value
from immich_meta_writers.errors import UnsupportedError, WriterError
from immich_meta_writers.plan import read, read_sidecar_of


@click.command("show", epilog=EXIT_CODES)
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file and line.")
def command(files: tuple[str, ...], as_json: bool) -> int:
    """Show what photos and their sidecars say, by ExifTool's tag names."""
    failed = False
    for path in files:
        described = _describe(path)
        failed = failed or described["error"] is not None
        if as_json:
            click.echo(json_line(described))
        else:
            _print(described)
    return EXIT_FAILED if failed else EXIT_OK


def print_file(path: str) -> None:
    """What a photo and its sidecar say, for people."""
    _print(_describe(path))


def _describe(path: str) -> dict[str, Any]:
    described: dict[str, Any] = {"path": path, "tags": {}, "sidecar": None, "sidecar_tags": {}, "error": None}
    try:
        try:
            described["tags"] = read(path)
        except UnsupportedError:
            described["tags"] = {}  # a format whose metadata is in the sidecar
        described["sidecar"], described["sidecar_tags"] = read_sidecar_of(path)
    except WriterError as error:
        described["error"] = {"kind": error.kind, "message": str(error)}
    return described


def _print(described: dict[str, Any]) -> None:
    click.echo(one_line(described["path"]))
    if described["error"]:
        click.echo(f"  {one_line(described['error']['message'])}")
        return
    _print_tags(described["tags"])
    if described["sidecar"]:
        click.echo(f"  beside it: {one_line(described['sidecar'])}")
        _print_tags(described["sidecar_tags"])


def _print_tags(tags: dict[str, Any]) -> None:
    for name, value in tags.items():
        click.echo(f"  {name:32} {render_value(value)}")
    if not tags:
        click.echo("  nothing that this program writes")
