"""What the command line says of itself, and what it loads to say it."""

from __future__ import annotations

import click
import pytest

from immich_meta.cli import commands
from tests.cli.home import Home

HEAVY = ("requests", "urllib3", "PIL", "piexif", "libxmp", "iptcinfo3", "mutagen", "tqdm", "sqlite3", "flask")
NAMES = tuple(commands.list_commands(click.Context(commands)))
COMMANDS = [[], *([name] for name in NAMES)]
CODES = ("0    all well", "1    at least one file failed", "2    wrong usage", "3    the server", "130  interrupted")


def test_the_first_screen_is_enough_to_begin(offline: Home) -> None:
    ran = offline.run("--help")
    assert ran.code == 0
    assert len(ran.out.splitlines()) <= 40
    for words in ("IMMICH_INSTANCE_URL=", "IMMICH_API_KEY=", "IMMICH_PHOTO_DIR=", "sync --all --dry-run", "demo"):
        assert words in ran.out
    for name in NAMES:
        assert f"\n  {name} " in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_exit_codes_are_in_every_help(offline: Home, command: list[str]) -> None:
    ran = offline.run(*command, "--help")
    assert ran.code == 0
    for line in CODES:
        assert line in ran.out


def test_the_help_of_sync_has_every_documented_flag(offline: Home) -> None:
    said = offline.run("sync", "--help").out
    flags = (
        "--all --people --gps --caption --time --rating --albums --face-coordinates --tags --dry-run --only-new "
        "--report --resume --clear-checkpoint --clear-album-cache --export-stats --date-source --protect-newer "
        "--live-photos --write-to --mtime --rating-percent --clear-ratings --config --log-level"
    )
    for flag in flags.split():
        assert flag in said


def test_the_fields_of_write_are_in_its_help(offline: Home) -> None:
    said = offline.run("write", "--help").out
    for field in ("people", "caption", "rating", "favorite", "gps", "captured", "albums", "tags", "regions"):
        assert f'"{field}"' in said


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy(offline: Home, command: list[str]) -> None:
    script = (
        "import sys\n"
        "from immich_meta.cli import commands, run\n"
        "code = run(commands, 'immich-meta', sys.argv[1:])\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded: {heavy}' if heavy or code else 0)\n"
    )
    child = offline.start(*command, "--help", script=script)
    _, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, "")


def test_the_library_face_loads_no_command_line_and_no_server(offline: Home) -> None:
    script = (
        "import sys\n"
        "from immich_meta_writers import PhotoMetadata, plan, read\n"
        f"found = [name for name in {('click', 'immich_meta', *HEAVY)!r} if name in sys.modules]\n"
        "sys.exit(f'loaded: {found}' if found else 0)\n"
    )
    child = offline.start(script=script)
    _, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, "")


def test_an_unknown_command_is_a_usage_error(offline: Home) -> None:
    ran = offline.run("snyc")
    assert ran.code == 2
    assert "snyc" in ran.err
