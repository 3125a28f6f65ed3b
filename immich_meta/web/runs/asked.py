"""What can be asked of a run: the options of `sync`, as a form; and a form's answer, as its arguments.

Not here: the options themselves (cli/sync.py), of which the form is made; how it looks (templates/sync.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Optional

import click

from immich_meta.cli.sync import SWITCHES, modules_of
from immich_meta.cli.sync import command as sync
from immich_meta_writers.tags import Module

# The page has its own places for these, and nobody at a terminal to ask. A path never comes from a request.
_NOT_OFFERED = frozenset({"everything", "report", "config", "yes", "help", "sidecar_dir"})
_SAFETY = frozenset({"dry_run", "protect_newer", "check_checksum", "verify", "keep_undo"})
_WRITING = frozenset({"write_to", "mtime", "date_source", "live_photos", "rating_percent", "clear_ratings"})
_MOST_CHARACTERS = 100
_MOST_VALUES = 50

Kind = Literal["switch", "choice", "number", "text"]
Group = Literal["modules", "safety", "writing", "run"]
GROUPS: tuple[Group, ...] = ("modules", "safety", "writing", "run")


@dataclass(frozen=True)
class Field:
    """One option. `low`, `high`: of a number, where there are bounds; `default` is what holds when nothing is said."""

    name: str
    flag: str
    kind: Kind
    group: Group
    help: str
    choices: tuple[str, ...] = ()
    default: str = ""
    low: Optional[int] = None
    high: Optional[int] = None
    is_repeatable: bool = False


class BadFormError(ValueError):
    """What was sent is not what the form sends. `field` is the one to blame, when one is."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def fields() -> tuple[Field, ...]:
    """Every option that can be chosen on the page, in the order of the command line."""
    return tuple(_field(option) for option in sync.params if isinstance(option, click.Option) and _is_offered(option))


def arguments(form: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The command line that a form means. Raises BadFormError for any field or value that the form has not."""
    known = {each.name: each for each in fields()}
    for name in form:
        if name not in known:
            raise BadFormError(f"there is no option {name[:_MOST_CHARACTERS]!r}", name)
    said = tuple(word for each in known.values() for word in _words(each, form.get(each.name, ())))
    parsed(said)
    return said


def parsed(said: Sequence[str]) -> tuple[frozenset[Module], dict[str, Any]]:
    """Modules and flags of a command line, as `sync` itself reads it. Raises BadFormError."""
    try:
        context = sync.make_context("sync", list(said))
    except click.ClickException as error:
        option = getattr(error, "param", None)
        raise BadFormError(error.format_message(), getattr(option, "name", None) or "") from error
    flags = {name: value for name, value in context.params.items() if name != "config"}
    modules = modules_of(flags)
    if not modules:
        raise BadFormError("nothing was chosen to be written", "modules")
    return modules, flags


def chosen(said: Sequence[str]) -> dict[str, str]:
    """Field name to what a form shows for it, of a command line that `arguments` gave: `1` of a switch that is on.

    Values of an option that may be repeated are joined by commas.
    """
    by_flag = {each.flag: each for each in fields()}
    found: dict[str, str] = {}
    for flag, equals, value in (word.partition("=") for word in said):
        if flag in by_flag:
            name, shown = by_flag[flag].name, value if equals else "1"
            found[name] = f"{found[name]},{shown}" if name in found else shown
    return found


def _words(field: Field, values: Sequence[str]) -> Iterator[str]:
    if len(values) > (_MOST_VALUES if field.is_repeatable else 1):
        raise BadFormError(f"{field.flag} was said too often", field.name)
    for value in filter(None, map(str.strip, values)):
        yield _word(field, value)


def _word(field: Field, value: str) -> str:
    if field.kind == "switch":
        if value != "1":
            raise BadFormError(f"{field.flag} is on or off", field.name)
        return field.flag
    if len(value) > _MOST_CHARACTERS or not value.isprintable():
        raise BadFormError(f"{field.flag}: this cannot be meant", field.name)
    return f"{field.flag}={value}"


def _is_offered(option: click.Option) -> bool:
    return option.name not in _NOT_OFFERED and not isinstance(option.type, (click.Path, click.File))


def _field(option: click.Option) -> Field:
    name, kind = option.name or "", option.type
    bounds = kind if isinstance(kind, click.IntRange) else None
    default = "" if option.is_flag or not isinstance(option.default, (str, int)) else str(option.default)
    return Field(
        name,
        max(option.opts, key=len),
        _kind(option),
        _group(name),
        option.help or "",
        tuple(map(str, kind.choices)) if isinstance(kind, click.Choice) else (),
        default,
        int(bounds.min) if bounds and bounds.min is not None else None,
        int(bounds.max) if bounds and bounds.max is not None else None,
        option.multiple,
    )


def _kind(option: click.Option) -> Kind:
    if option.is_flag:
        return "switch"
    if isinstance(option.type, click.Choice):
        return "choice"
    return "number" if isinstance(option.type, click.types.IntParamType) else "text"


def _group(name: str) -> Group:
    if name in SWITCHES:
        return "modules"
    if name in _SAFETY:
        return "safety"
    return "writing" if name in _WRITING else "run"
