"""What the commands about past runs share: the configured history, JSON lines, runs, counts and sizes in words.

Not here: the commands (undo.py, history.py, verify.py).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional, TextIO, TypeVar

import click

from immich_meta.errors import PathsError
from immich_meta.logs import json_line, one_line

if TYPE_CHECKING:
    from immich_meta.state import Archive, KeptRun

F = TypeVar("F", bound=Callable[..., Any])
Lines = Callable[[Mapping[str, Any]], None]

config_option: Callable[[F], F] = click.option(
    "--config", type=click.Path(path_type=Path), help="INI, .env or JSON file (default immich-sync.conf)."
)
keep_undo_option: Callable[[F], F] = click.option(
    "--keep-undo",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="So long what is written can be taken back; 0: not at all (default 90).",
)


def warn(message: str) -> None:
    """On standard error."""
    click.echo(f"immich-meta: {message}", err=True)


@contextlib.contextmanager
def history_of(config: Optional[Path]) -> Iterator[Archive]:
    """The history in the configured state directory."""
    from immich_meta import settings
    from immich_meta.state import open_archive, state_directory

    chosen = settings.load(os.environ, config, Path.cwd(), needs_server=False)
    with open_archive(state_directory(chosen.state_dir), warn=warn) as archive:
        yield archive


@contextlib.contextmanager
def json_lines(target: Optional[str]) -> Iterator[Optional[Lines]]:
    """One JSON object per line into a file, which is replaced, or onto standard output (`-`); None without a target.

    When writing fails later, that is said once and the command goes on. Raises PathsError when it cannot be made.
    """
    if target is None:
        yield None
    elif target == "-":
        yield lambda value: click.echo(json_line(value, ascii_only=True))
    else:
        with contextlib.closing(_Report(target, _created(target))) as report:
            yield report


def _created(target: str) -> TextIO:
    try:
        return open(target, "w", encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PathsError(f"the report {target} cannot be written: {reason}", path=target) from error


class _Report:
    """Writes lines to a file until that fails."""

    def __init__(self, target: str, stream: TextIO) -> None:
        self._target = target
        self._stream = stream
        self._works = True

    def __call__(self, value: Mapping[str, Any]) -> None:
        if self._works:
            with self._saying_once():
                self._stream.write(json_line(value) + "\n")
                self._stream.flush()

    def close(self) -> None:
        with self._saying_once():
            self._stream.close()

    @contextlib.contextmanager
    def _saying_once(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self._works:
                warn(f"The report {self._target} is not complete: {error.strerror or error}")
            self._works = False


@contextlib.contextmanager
def progress(total: Optional[int] = None) -> Iterator[Callable[[], None]]:
    """A counter on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit=" files", dynamic_ncols=True, smoothing=0.1) as bar:

        def advance() -> None:
            bar.update(1)

        yield advance


def command_of(run: KeptRun) -> str:
    """`sync`; `sync of anna` where there are several users."""
    user = run.details.get("user")
    return one_line(f"{run.command} of {user}" if user else run.command)


def files(count: int) -> str:
    """`1 file`, `1234 files`."""
    return f"{count} file" if count == 1 else f"{count} files"


def size(number: int) -> str:
    """Bytes in words: `812 bytes`, `3.4 kB`, `120 MB`."""
    if number < 1000:
        return f"{number} bytes"
    value, units = number / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}" if value < 10 else f"{value:.0f} {units[0]}"
