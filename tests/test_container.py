"""The image, the Compose file and Portainer's stack.env: they name what there is, all of it, and nothing else.

Not here: an engine. The Dockerfile's lines are read, not built.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from immich_meta.cli import commands
from immich_meta.settings import load
from immich_meta.settings_table import VARIABLES

ROOT = Path(__file__).resolve().parents[1]
ENTRYPOINT = ROOT / "docker" / "entrypoint.sh"
DOCKERFILE = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8")))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS = {variable.name for variable in VARIABLES}
# Of the Compose file and the entrypoint.
OURS = {"PUID", "PGID", "PHOTOS", "STATE", "LOGS", "WEB_PORT"}
# A container without a command line syncs all the same.
WHEN = {"IMMICH_META_SCHEDULE", "IMMICH_META_SYNC_OPTIONS"}
# Said by the Compose file itself, as they belong to its volumes and ports.
SAID = {"IMMICH_META_STATE_DIR", "FLASK_HOST", "FLASK_PORT"}
_USED = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def stack() -> dict[str, str]:
    lines = (ROOT / "stack.env").read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def environment(service: str, given: Mapping[str, str]) -> dict[str, str]:
    """What a service's container gets, as Compose fills it in."""
    said = SERVICES[service]["environment"]
    return {name: _USED.sub(lambda use: given.get(use[1]) or use[3] or "", str(value)) for name, value in said.items()}


def spoken(words: list[str]) -> Iterator[list[str]]:
    """What is said to immich-meta, if it is."""
    if words and words[0] in commands.list_commands(click.Context(commands)):
        yield words
    elif words and words[0] == "immich-meta":
        yield words[1:]


def said_to_immich_meta() -> list[list[str]]:
    """Every command that the image and the services run."""
    found = [json.loads(line) for line in re.findall(r"(?m)(?:^| )CMD (\[.*\])$", DOCKERFILE)]
    for service in SERVICES.values():
        found += [service.get("command", []), service.get("healthcheck", {}).get("test", ["CMD"])[1:]]
    return [words for each in found for words in spoken(each)]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_every_setting_and_no_unknown_one(service: str) -> None:
    assert set(SERVICES[service]["environment"]) == SETTINGS | {"PUID", "PGID"}


def test_the_stack_names_every_setting_and_no_unknown_one() -> None:
    assert set(stack()) == (SETTINGS - SAID) | OURS


def test_whatever_compose_asks_for_is_in_the_stack() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert {use[1] for use in _USED.finditer(text)} == set(stack())


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("given", [{}, stack()], ids=["defaults", "stack.env"])
def test_the_settings_of_a_service_are_valid(service: str, given: dict[str, str], tmp_path: Path) -> None:
    needed = {"IMMICH_API_KEY": "key", "PHOTOS": "/srv/photos", "IMMICH_META_WEB_PASSWORD": "a password"}
    settings = load(environment(service, {**given, **needed}), None, tmp_path)
    assert str(settings.state_dir) == "/state"
    assert str(settings.photo_dir) == "/library"
    assert [str(rule) for rule in settings.path_map] == ["/data=/library"]


def test_the_stack_shows_the_defaults() -> None:
    """Of those that are not about a container, which has folders and addresses of its own."""
    elsewhere = {"IMMICH_INSTANCE_URL", "IMMICH_PATH_MAP", "IMMICH_LOG_FILE", *WHEN, *OURS}
    said = {name: value for name, value in stack().items() if name not in elsewhere}
    assert said == {variable.name: variable.default for variable in VARIABLES if variable.name in said}


def test_commands_of_the_image_and_the_services_are_understood() -> None:
    said = said_to_immich_meta()
    assert ["watch"] in [words[:1] for words in said]
    for name, *words in said:
        command = commands.get_command(click.Context(commands), name)
        assert command is not None
        command.make_context(name, list(words)).close()


def test_without_a_word_about_it_a_service_syncs_at_night(tmp_path: Path) -> None:
    said = environment("sync", {})
    assert said["IMMICH_META_SCHEDULE"] == "0 3 * * *"
    assert said["IMMICH_META_SYNC_OPTIONS"] == "--all --albums --tags"
    assert {name: stack()[name] for name in WHEN} == {name: said[name] for name in WHEN}


def test_no_service_may_do_more_than_it_needs() -> None:
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert set(service["cap_add"]) == {"CHOWN", "SETGID", "SETUID"}
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service


def test_what_the_image_copies_is_there_and_is_not_ignored() -> None:
    copies = re.findall(r"(?m)^COPY (?!--from)(?:--\S+ )*(.+) \S+$", DOCKERFILE)
    copied = {name for line in copies for name in line.split()}
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert copied == kept
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_is_built_elsewhere_and_gets_two_packages_only() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"install --yes --no-install-recommends (.*?) +&&", final) == ["libexempi8 postgresql-client"]
    assert "pip" not in final.split()


class Started:
    """The entrypoint with a program in the place of immich-meta that says who it is and what it was told."""

    def __init__(self, folder: Path) -> None:
        if os.name == "nt" or os.geteuid() != 0 or shutil.which("setpriv") is None:
            pytest.skip("needs root and setpriv")
        self._folder = folder
        folder.chmod(0o755)
        program = folder / "immich-meta"
        program.write_text('#!/bin/sh\necho "$(id -u):$(id -g):$(id -G)"\nfor word; do echo "<$word>"; done\n')
        program.chmod(0o755)
        self.state = folder / "state"
        self.state.mkdir()

    def __call__(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        path = f"{self._folder}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["sh", str(ENTRYPOINT), *words],
            env={"PATH": path, "IMMICH_META_STATE_DIR": str(self.state), **environ},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def started(open_folder: Path) -> Started:
    return Started(open_folder)


def test_the_container_becomes_the_user_it_is_told_and_passes_its_words_on(started: Started) -> None:
    ran = started("sync", "--config", "a file.conf", PUID="1234", PGID="2345")
    assert ran.stdout.splitlines() == ["1234:2345:2345", "<sync>", "<--config>", "<a file.conf>"]
    assert (started.state.stat().st_uid, started.state.stat().st_gid) == (1234, 2345)


def test_without_a_word_about_it_the_container_is_not_root(started: Started) -> None:
    assert started("--version").stdout.splitlines()[0] == "1000:1000:1000"


@pytest.mark.parametrize("wrong", ["anna", "-1", "1 2"])
def test_a_user_that_is_no_number_is_refused(started: Started, wrong: str) -> None:
    ran = started("--version", PUID=wrong)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert wrong in ran.stderr
