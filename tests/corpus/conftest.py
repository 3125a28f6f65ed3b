"""The photos and movies beside the checkout, and the judge that compares a file before and after.

Not here: fixtures of our own (fixtures/).
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

import pytest

from tests.contract.kinds import JPEG, KINDS, SIDECAR, Kind


@pytest.fixture(scope="session")
def photos(shared: Path) -> tuple[Path, ...]:
    """Every photo and movie of the media folder."""
    files = (path for path in sorted((shared / "media").rglob("*")) if path.is_file())
    return tuple(path for path in files if kind_of(path) not in (None, SIDECAR))


def kind_of(path: Path) -> Optional[Kind]:
    """By the name, but for JPEGs, which hide behind several."""
    with path.open("rb") as file:
        return JPEG if file.read(2) == b"\xff\xd8" else KINDS.get(path.suffix[1:].lower())


@pytest.fixture(scope="session")
def judge_module(shared: Path, exiftool: object) -> ModuleType:
    """tools/judge.py; it silences all warnings when it is imported, which is taken back."""
    spec = importlib.util.spec_from_file_location("judge", shared / "tools" / "judge.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def judge(judge_module: ModuleType) -> Iterator[Any]:
    """One judge for all, whose ExifTool is ended with the session."""
    judge = judge_module.Judge(use_exiv2=True)
    yield judge
    process = judge.et.p
    if process is not None:
        process.communicate(b"-stay_open\nFalse\n", timeout=10)
