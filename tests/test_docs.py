"""The documents name what there is: every command, option, setting and page in them exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from immich_meta.cli import commands
from immich_meta.settings_table import VARIABLES

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/de/README.md",
    "docs/de/reference.md",
    "docs/de/runbook.md",
    "docs/doctor.md",
    "docs/formats.md",
    "docs/interoperability.md",
    "docs/library.md",
    "docs/recovery.md",
    "docs/reference.md",
    "docs/runbook.md",
    "docs/scale.md",
    "docs/tags.md",
)
_LINK = re.compile(r"\]\(([^)#:]+)\)")
_ENDS = {"#", "(kept", "|", "&&", ":::", ">"}


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def command_lines(page: str) -> Iterator[list[str]]:
    """What follows `immich-meta` in the lines of code, and between backticks; a service of Compose is the same."""
    found = text(page).replace("docker compose run --rm sync ", "immich-meta ")
    blocks = [line for line in found.splitlines() if line.startswith("    ")]
    spans = [span for span in re.findall(r"`([^`\n]+)`", found) if span.startswith("immich-meta ")]
    for line in (*blocks, *spans):
        _, name, rest = line.partition("immich-meta ")
        if name and re.match(r"[a-z]+ ", rest + " ") and not re.search(r"  [a-z]+ ", rest):
            words = shlex.split(rest.replace("'", " "), comments=False)
            end = next((at for at, word in enumerate(words) if word in _ENDS), len(words))
            if words[0] in commands.list_commands(click.Context(commands)):
                yield words[:end]


def test_the_settings_of_the_readme_are_known_and_the_needed_ones_are_there() -> None:
    """All of them are in docs/reference.md, which the code makes, and in German (test_pages.py)."""
    rows = re.findall(r"^\| `([A-Z_]+)` \|", text("README.md"), re.MULTILINE)
    assert sorted(set(rows)) == sorted(rows)
    assert set(rows) <= {variable.name for variable in VARIABLES}
    assert {variable.name for variable in VARIABLES if variable.required} <= set(rows)
    assert "docs/reference.md" in _LINK.findall(text("README.md"))


def test_the_readme_names_every_command() -> None:
    named = set(re.findall(r"^    immich-meta ([a-z]+)   ", text("README.md"), re.MULTILINE))
    named |= set(re.findall(r"^    immich-meta ([a-z]+)  +[a-zI]", text("README.md"), re.MULTILINE))
    assert named == set(commands.list_commands(click.Context(commands)))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_a_page_is_understood(page: str) -> None:
    for words in command_lines(page):
        command = commands.get_command(click.Context(commands), words[0])
        assert command is not None
        options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= options, words


@pytest.mark.parametrize("page", PAGES)
def test_every_option_in_a_page_is_one_of_some_command(page: str) -> None:
    context = click.Context(commands)
    found = (commands.get_command(context, name) for name in commands.list_commands(context))
    known = {name for command in found if command for each in command.params for name in each.opts}
    ours = set(re.findall(r"`(--[a-z][a-z-]+)", text(page)))
    assert ours <= known | {"--help", "--durations", "--guided"}


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_in_a_page_is_known(page: str) -> None:
    known = {name for variable in VARIABLES for name in (variable.name, *variable.aliases)}
    assert set(re.findall(r"\bIMMICH_[A-Z_]+[A-Z]\b", text(page))) <= known


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_is_linked_is_there(page: str) -> None:
    folder = (ROOT / page).parent
    missing = [target for target in _LINK.findall(text(page)) if not (folder / target).exists()]
    assert missing == []


def test_commands_are_found_in_the_pages() -> None:
    assert ["undo", "--last"] in list(command_lines("README.md"))
    assert sum(1 for page in PAGES for _ in command_lines(page)) > 15
