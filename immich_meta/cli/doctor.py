"""`immich-meta doctor`: what is right and wrong about this set-up, and what to do.

Not here: the checks (immich_meta.doctor).
"""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import click

from immich_meta.cli import EXIT_CODES, EXIT_FAILED, EXIT_OK, EXIT_SERVER, EXIT_USAGE
from immich_meta.cli.past import config_option
from immich_meta.logs import Redactor, one_line

if TYPE_CHECKING:
    from immich_meta.doctor import Finding, Level
    from immich_meta.settings import Settings

_TITLES = {
    "settings": "Settings",
    "server": "Server",
    "key": "API key",
    "clock": "Clock",
    "paths": "Paths",
    "folders": "Folders",
    "disk": "Disk",
    "state": "State",
    "xmp": "XMP",
    "backup": "Backup",
    "web": "Web page",
    "immich": "What Immich makes of it",
}
_COLOURS = {"ok": "green", "note": "cyan", "warning": "yellow", "fault": "red"}
_INDENT, _LEVEL = 2, 9
_WIDEST = 100
_DO = "-> "


@click.command("doctor", epilog=EXIT_CODES)
@click.option("--json", "as_json", is_flag=True, help="One JSON object with all findings.")
@config_option
def command(as_json: bool, config: Optional[Path]) -> int:
    """Look at the whole set-up: settings, server, API key, clock, paths, folders, disk, state. Each thing that is
    found comes with what it means and what to do.

    \b
    immich-meta doctor
    immich-meta doctor --json

    No photo is changed. Folders and disks are tried with small hidden files, which are removed at once. Every check
    that can be made is made, also with wrong settings or without the server.

    Exit code 1: at least one fault; notes and warnings are none. 2: the settings are wrong. 3: the server was not
    reached, or let nobody in.
    """
    from immich_meta.doctor import examine, this_machine
    from immich_meta.settings import load_what_is_right
    from immich_meta.sync.asset_ids import read_asset_id

    users, errors = load_what_is_right(os.environ, config, Path.cwd())
    redact = Redactor(_secrets(users[0], os.environ))
    found: list[Finding] = []
    findings = examine(users, errors, this_machine(), working_directory=Path.cwd(), read_asset_id=read_asset_id)
    for finding in findings:
        if not as_json:
            is_new = not found or (found[-1].area, found[-1].user) != (finding.area, finding.user)
            click.echo(redact("\n".join(_lines(finding, _width(), with_title=is_new))))
        found.append(finding)
    code = exit_code(found)
    click.echo(redact(_json(found, code) if as_json else f"\n{_sum(found)}"))
    return code


def exit_code(findings: Iterable[Finding]) -> int:
    """As in the help: wrong settings before an absent server before any other fault."""
    from immich_meta.doctor.server import REFUSED

    faults = {finding.id for finding in findings if finding.is_fault}
    if any(ident.startswith("settings.") for ident in faults):
        return EXIT_USAGE
    if faults & REFUSED:
        return EXIT_SERVER
    return EXIT_FAILED if faults else EXIT_OK


def _secrets(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Keys and passwords that are used, and what stands in the environment in their places, however wrong."""
    from immich_meta.settings_table import VARIABLES

    yield from settings.keys_of_all
    for variable in VARIABLES:
        if variable.secret:
            value = getattr(settings, variable.field)
            yield from (value,) if isinstance(value, str) else ()
            yield from (environ[name] for name in (variable.name, *variable.aliases) if name in environ)


def _width() -> int:
    return min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)


def _lines(finding: Finding, width: int, *, with_title: bool) -> Iterator[str]:
    if with_title:
        whose = f" ({finding.user})" if finding.user else ""
        yield click.style(f"\n{_TITLES.get(finding.area, finding.area)}{whose}", bold=True)
    head, *rest = _wrapped(finding.found, width)
    yield f"{' ' * _INDENT}{_level(finding.level)}{head}"
    margin = " " * (_INDENT + _LEVEL)
    for text, sign in ((finding.means, ""), (finding.cure, _DO)):
        rest += _wrapped(text, width, sign) if text else []
    yield from (margin + line for line in rest)
    if finding.paste:
        yield f"{margin}  {click.style(one_line(finding.paste), bold=True)}"
    yield from (f"{margin}  {one_line(line)}" for line in finding.details)


def _wrapped(text: str, width: int, sign: str = "") -> list[str]:
    """Lines that begin with a sign, the others below it. Paths are not broken: they are there to be copied."""
    room, below = max(width - _INDENT - _LEVEL, 30), " " * len(sign)
    wrapper = textwrap.TextWrapper(
        room, initial_indent=sign, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(one_line(text)) or [""]


def _level(level: Level) -> str:
    word = level.value.upper() if level.value == "fault" else level.value
    return click.style(word, fg=_COLOURS[level.value]) + " " * (_LEVEL - len(word))


def _sum(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.level.value for finding in findings)
    told = [_count(counts[word], word) for word in ("fault", "warning", "note") if counts[word]]
    if not counts["fault"]:
        told.insert(0, "No faults")
    return f"{', '.join(told)}; {counts['ok']} checks are fine."


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _json(findings: Sequence[Finding], code: int) -> str:
    counts = Counter(finding.level.value for finding in findings)
    value = {
        "exit_code": code,
        "counts": {word: counts[word] for word in _COLOURS},
        "findings": [_object(finding) for finding in findings],
    }
    return json.dumps(value, indent=2)


def _object(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "level": finding.level.value,
        "user": finding.user,
        "found": finding.found,
        "means": finding.means,
        "cure": finding.cure,
        "paste": finding.paste,
        "details": list(finding.details),
    }
