"""What is published: the source distribution and the wheel, looked at and used without the sources.

Not here: the Docker image (test_container.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"immich_meta/": "immich_meta/", "writers/immich_meta_writers/": "immich_meta_writers/"}

pytestmark = pytest.mark.slow


def run(*words: object, cwd: Path, **environ: str) -> str:
    """What a program says; it must end well."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "IMMICH_", "COV"))}
    ended = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**ours, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def tracked() -> list[str]:
    """The files that make the project, as the version control knows them."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    names = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def copy_of_the_sources(folder: Path) -> Path:
    """Only what is tracked, so that nothing left over from an earlier build gets in."""
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return folder


def build(kind: str, source: Path, into: Path) -> Path:
    """The one sdist or wheel that comes out."""
    run(sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", into, source, cwd=into.parent)
    (made,) = into.iterdir()
    return made


def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


def test_the_sdist_holds_all_that_is_tracked_and_builds_the_same_wheel(tmp_path: Path) -> None:
    source = copy_of_the_sources(tmp_path / "source")
    sdist = build("sdist", source, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
        if sys.version_info >= (3, 12):
            archive.extractall(tmp_path / "unpacked", filter="data")
        else:
            archive.extractall(tmp_path / "unpacked")
    assert set(tracked()) - held == set()

    (unpacked,) = (tmp_path / "unpacked").iterdir()
    wheels = [members(build("wheel", each, tmp_path / f"from-{each.name}")) for each in (source, unpacked)]
    assert wheels[0] == wheels[1]
    code = {PACKAGES[top] + name[len(top) :] for name in tracked() for top in PACKAGES if name.startswith(top)}
    published = {name for name in wheels[0] if ".dist-info/" not in name}
    assert published == code, "every file of the two packages, and nothing else"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheels[0])


def test_the_wheel_works_from_an_empty_folder_without_the_sources(tmp_path: Path) -> None:
    wheel = build("wheel", copy_of_the_sources(tmp_path / "source"), tmp_path / "wheel")
    shutil.rmtree(tmp_path / "source")
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python, command = programs / "python", programs / "immich-meta"
    quiet = ("--quiet", "--disable-pip-version-check")
    run(python, "-m", "pip", "install", *quiet, f"immich-meta[web] @ {wheel.as_uri()}", cwd=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()

    assert run(command, "--version", cwd=empty).startswith("immich-meta ")
    assert "Exit codes" in run(command, "--help", cwd=empty)
    said = run(command, "demo", "--folder", tmp_path / "demo", cwd=empty)
    assert "updated=0" in said.rpartition("FINISH")[2], "the second run settles"
    assert "--dry-run" in run(programs / "immich-ultra-sync", "--help", cwd=empty)
    where = "import immich_meta_writers as w, pathlib as p; print(p.Path(w.__file__).with_name('py.typed'))"
    typed = Path(run(python, "-c", where, cwd=empty).strip())
    assert typed.is_file()
    assert tmp_path / "venv" in typed.parents, "it is the installed one"
    run(python, "-m", "pip", "check", *quiet, cwd=empty)
    assert list(empty.iterdir()) == []
