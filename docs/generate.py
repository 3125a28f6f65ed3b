"""Makes the pages that are told by the code: docs/tags.md and docs/reference.md. `python docs/generate.py` writes them.

Not here: docs/formats.md (`immich-meta formats --markdown`), and pages that people write.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from immich_meta.cli import EXIT_CODES, commands
from immich_meta.cli.formats import payload_of
from immich_meta.cli.sync import command as sync
from immich_meta.settings_table import VARIABLES
from immich_meta.settings_values import Variable
from immich_meta_writers.addresses import ExifAddress, IimAddress, XmpAddress, XmpKind
from immich_meta_writers.tags import TABLE, FileKind, Module, Tag

HERE = Path(__file__).resolve().parent
_KINDS = {
    FileKind.IMAGE: "images",
    FileKind.VIDEO: "videos",
    FileKind.GIF: "GIF",
    FileKind.SIDECAR: "sidecars",
}
_TIFF_TYPES = {1: "BYTE", 2: "ASCII", 3: "SHORT", 4: "LONG", 5: "RATIONAL", 7: "UNDEFINED"}
_MODULES = {
    Module.PEOPLE: ("People", "--people", "One list item for each named person who is not hidden."),
    Module.GPS: ("Places", "--gps", "Only when Immich knows a place; the reference (N, S, E, W) carries the sign."),
    Module.CAPTION: ("Captions", "--caption", "Line breaks stay, and so do captions in other languages."),
    Module.TIME: ("Dates", "--time", "The wall clock and its offset; UTC in QuickTime headers. The file's date too."),
    Module.RATING: ("Stars and heart", "--rating", "A zero is never made: an unrated photo is left as it is."),
    Module.ALBUMS: ("Albums", "--albums", "The first album as the event, all of them as a branch `Albums|Name`."),
    Module.FACES: ("Faces", "--face-coordinates", "Regions (MWG) in the stored, unrotated picture."),
    Module.TAGS: ("Tags", "--tags", "Full paths, and their last parts as plain keywords."),
}

_TAGS_PAGE = """\
# Tags

<!-- Made by `python docs/generate.py`; a test holds it to the code. -->

Which tag holds what. The names are ExifTool's, so that everybody can look: `exiftool -G1 -a IMG_0001.jpg`. Which kinds
of file take which payloads is in [formats.md](formats.md), and which programs read them in
[interoperability.md](interoperability.md).

- **made in**: the kinds of file in which the tag is created. Where it says *nowhere* the tag is only updated where it
  stands already, so that a file never tells two truths.
- IPTC goes into JPEG, TIFF and DNG only. Files without EXIF (videos, GIF, sidecars) say the same in XMP.
- Lists are merged: what others wrote stays, what is ours comes and goes with Immich. Single values are Immich's to set,
  with the exceptions that a report calls `kept`.
{modules}
## What is ours

With every module goes what a file remembers of it, so that a value which goes in Immich goes from the file too, from
any machine:

{provenance}
"""

_REFERENCE_PAGE = """\
# Reference

<!-- Made by `python docs/generate.py`; a test holds it to the code. -->

Every command with its options, and every setting. In German: [de/reference.md](de/reference.md).

## Commands

`immich-meta --help` lists them, `immich-meta COMMAND --help` tells about one. `-h` is the same as `--help`, and
`immich-meta --version` tells the version. `immich-ultra-sync` is `immich-meta sync`.
{commands}
## Settings

The environment wins over the file given with `--config` (an INI file with a section `[immich]`, a `.env` file, or JSON;
without the option `immich-sync.conf` in the current directory), and that over the defaults. An option of the command
wins over all of them. An empty value counts as not set. A wrong value is an error that names it.

{settings}
## Exit codes

{exit_codes}"""


def pages() -> dict[str, str]:
    """File name to text."""
    return {"tags.md": tags_page(), "reference.md": reference_page()}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tags_page() -> str:
    every = tuple(Module)
    sections = []
    for module, (title, flag, words) in _MODULES.items():
        rows = [_tag_row(tag) for tag in TABLE if module in tag.modules and tag.modules != every]
        sections.append(f"\n## {title} (`{flag}`)\n\n{words}\n\n{table(_TAG_HEADS, rows)}")
    ours = table(_TAG_HEADS, [_tag_row(tag) for tag in TABLE if tag.modules == every])
    return _TAGS_PAGE.format(modules="".join(sections), provenance=ours.rstrip())


_TAG_HEADS = ("tag", "kept as", "made in")


def _tag_row(tag: Tag) -> tuple[str, str, str]:
    made = [words for kind, words in _KINDS.items() if kind in tag.created_in]
    return f"`{tag.name}`", f"{payload_of(tag)}: {_address(tag)}", ", ".join(made) or "*nowhere*"


def _address(tag: Tag) -> str:
    address = tag.address
    if isinstance(address, ExifAddress):
        return f"{address.ifd} 0x{address.tag:04X}, {_TIFF_TYPES[address.type]}"
    if isinstance(address, IimAddress):
        repeated = ", repeated" if address.repeatable else ""
        return f"{address.record}:{address.dataset}, at most {address.max_bytes} bytes{repeated}"
    if isinstance(address, XmpAddress):
        kind = "" if address.kind is XmpKind.SIMPLE else f", {address.kind.value}"
        return f"`{address.name}` of <{address.uri}>{kind}"
    return f"{address.box} `{address.name}`"


def reference_page() -> str:
    context = click.Context(commands)
    found = ((name, commands.get_command(context, name)) for name in commands.list_commands(context))
    sections = [_command(f"immich-meta {name}", command) for name, command in found if command is not None]
    settings = table(_SETTING_HEADS, map(_setting_row, VARIABLES))
    return _REFERENCE_PAGE.format(commands="".join(sections), settings=settings, exit_codes=_exit_codes())


def _command(name: str, command: click.Command) -> str:
    arguments = [_argument(param) for param in command.params if isinstance(param, click.Argument)]
    own = (param for param in command.params if command is sync or param not in sync.params)
    options = [_option_row(param) for param in own if isinstance(param, click.Option) and not param.hidden]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *arguments])
    parts = [f"\n### {name}\n\n    {usage}\n\n{_prose(command.help or '')}"]
    if options:
        parts.append(table(("option", "default", "meaning"), options))
    if command is not sync and set(sync.params) <= set(command.params):
        parts.append("And all options of `immich-meta sync`.\n")
    if isinstance(command, click.Group):
        inner = (command.commands[each] for each in sorted(command.commands))
        parts += [_command(f"{name} {each.name}", each) for each in inner]
    return "\n".join(parts)


def _argument(argument: click.Argument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    shown = name if argument.required or name.startswith("[") else f"[{name}]"
    return shown if argument.nargs == 1 or shown.endswith("...") else f"{shown}..."


def _prose(words: str) -> str:
    """The text of a help: paragraphs, and what click is told not to wrap as lines of code."""
    text = inspect.cleandoc(words).partition("\f")[0].strip()
    blocks = [block for block in re.split(r"\n\s*\n", text) if block.strip()]
    shown = []
    for block in blocks:
        if block.startswith("\b"):
            shown.append("\n".join(f"    {line.strip()}" for line in block.splitlines()[1:]))
        else:
            shown.append(" ".join(block.split()))
    return "\n\n".join(shown) + "\n"


def _option_row(option: click.Option) -> tuple[str, str, str]:
    names = [*option.opts, *option.secondary_opts]
    takes = "" if option.is_flag or option.count else f" {_metavar(option)}"
    shown = ", ".join(f"`{name}{takes}`" for name in sorted(names, key=len))
    times = "may be given several times. " if option.multiple else ""
    return shown, _default(option), f"{times}{' '.join((option.help or '').split())}".strip()


def _metavar(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    if isinstance(option.type, click.IntRange) and option.metavar is None:
        high = "" if option.type.max is None else str(option.type.max)
        return f"{option.type.min}-{high}" if high else f"{option.type.min}..."
    return option.metavar or option.type.name.upper()


def _default(option: click.Option) -> str:
    value: Any = option.default
    if option.is_flag or option.multiple or value is None or callable(value) or "Sentinel" in type(value).__name__:
        return ""
    return f"`{value}`"


_SETTING_HEADS = ("variable", "default", "allowed", "meaning")


def _setting_row(variable: Variable) -> tuple[str, str, str, str]:
    notes = ["required"] if variable.required else []
    notes += ["never shown"] if variable.secret else []
    notes += [f"`{alias}` is accepted" for alias in variable.aliases]
    meaning = variable.meaning + "".join(f"; {note}" for note in notes)
    default = f"`{variable.default}`" if variable.default else ""
    return f"`{variable.name}`", default, variable.allowed, meaning


def _exit_codes() -> str:
    return table(("code", "meaning"), _exit_rows())


def _exit_rows() -> Iterator[tuple[str, str]]:
    for line in EXIT_CODES.splitlines():
        code, _, words = line.strip().partition("  ")
        if code.isdigit():
            yield code, words.strip()


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, "utf-8", newline="\n")
