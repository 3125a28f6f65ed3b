"""What the fuzzer found once is answered now: with a named error, or with a file that reads back.

Not here: the fuzzer (run.py).
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fixtures.generate import MEDIA
from tests.fuzz.target import attempt, mutants

FINDS = sorted(path for path in (Path(__file__).parent / "finds").rglob("*") if path.is_file())
SEEDS = sorted(path for path in MEDIA.iterdir() if path.suffix != ".xmp")


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_find_stays_answered(path: Path) -> None:
    error = attempt(path.read_bytes(), path.name)
    assert error is None or error.cause


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_a_few_lies_in_any_file_have_a_named_answer(path: Path) -> None:
    for data in mutants(path.read_bytes(), random.Random(path.name), 15):
        error = attempt(data, path.name)
        assert error is None or error.cause
