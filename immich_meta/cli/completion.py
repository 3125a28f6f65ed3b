"""`immich-meta completion`: the script that lets a shell complete commands and options.

Not here: what is completed (click knows the commands).
"""

from __future__ import annotations

import click

from immich_meta.cli import EXIT_CODES, EXIT_OK, commands

_VARIABLE = "_IMMICH_META_COMPLETE"


@click.command("completion", epilog=EXIT_CODES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print what makes the Tab key complete commands and options, for bash (4.4 or newer), zsh or fish.

    \b
    immich-meta completion bash > ~/.local/share/bash-completion/completions/immich-meta
    immich-meta completion zsh > ~/.zfunc/_immich-meta        (a folder of $fpath)
    immich-meta completion fish > ~/.config/fish/completions/immich-meta.fish
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - it is one of the three that click has
    # Not the class's own `source`: for bash it would start a bash, to ask for its version.
    click.echo(ShellComplete.source(kind(commands, {}, "immich-meta", _VARIABLE)))
    return EXIT_OK
