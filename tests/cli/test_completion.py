"""Completion, in the shells that are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.home import ROOT, Home

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shells of POSIX")
# Loads the script, and says what it offers for the words typed so far.
COMPLETE = {
    "bash": """
source "$1"
COMP_WORDS=(immich-meta $2)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_immich_meta_completion immich-meta
printf "%s\\n" "${COMPREPLY[@]}"
""",
    "zsh": """
compdef() { }
source "$1"
compadd() { print -rl -- $completions }
_describe() { print -rl -- ${(P)3} }
words=(immich-meta ${=2})
CURRENT=${#words}
_immich_meta_completion
""",
    "fish": """
source $argv[1]
complete -C "immich-meta $argv[2]"
""",
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Where `immich-meta` is this checkout."""
    program = tmp_path / "bin" / "immich-meta"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m immich_meta "$@"\n')
    program.chmod(0o755)
    paths = os.pathsep.join(str(ROOT / each) for each in (".", "writers"))
    return {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": paths,
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
    }


def completed(shell: str, script: Path, typed: str, environ: dict[str, str]) -> set[str]:
    """What the Tab key offers."""
    # fish has no word for the script's own name before its arguments.
    arguments = [str(script), typed] if shell == "fish" else [shell, str(script), typed]
    ran = subprocess.run(
        [shell, "-c", COMPLETE[shell], *arguments], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stderr == ""
    return {line.split("\t")[0].split(":")[0] for line in ran.stdout.splitlines()}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_options_and_choices(
    offline: Home, tmp_path: Path, environ: dict[str, str], shell: str
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    ran = offline.run("completion", shell)
    assert ran.code == 0
    script = tmp_path / "completion"
    script.write_text(ran.out)
    assert "sync" in completed(shell, script, "sy", environ)
    assert completed(shell, script, "completion ba", environ) == {"bash"}
    assert {"--write-to"} <= completed(shell, script, "sync --wr", environ)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_without_starting_a_shell(offline: Home, tmp_path: Path, shell: str) -> None:
    ran = offline.run("completion", shell, PATH=str(tmp_path))
    assert (ran.code, ran.err) == (0, "")
    assert "immich-meta" in ran.out
    assert f"_IMMICH_META_COMPLETE={shell}_complete" in ran.out


def test_another_shell_is_a_usage_error(offline: Home) -> None:
    ran = offline.run("completion", "csh")
    assert ran.code == 2
    assert "bash" in ran.err
