"""Sound files that cannot take everything: named with `embed`, a sidecar with `auto`, themselves untouched.

Not here: damaged files (test_damage.py).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixtures.catalogue import REFUSED, Fixture
from fixtures.values import EVERYTHING
from immich_meta_writers import PlanOptions, WriteTo, plan
from immich_meta_writers.errors import UnsupportedError
from tests.contract.cases import digest, original

# Sound, embedded into when that is asked for, but not in `auto`: something beside the metadata would be lost.
RELUCTANT = ("from-jpeg.jxl",)


def _place(name: str, folder: Path) -> Path:
    path = folder / name
    path.write_bytes(original(name))
    return path


@pytest.mark.parametrize("fixture", REFUSED, ids=lambda fixture: fixture.name)
def test_embedding_is_refused_by_name(fixture: Fixture, tmp_path: Path) -> None:
    path = _place(fixture.name, tmp_path)
    before = digest(path)
    with pytest.raises(UnsupportedError) as refusal:
        plan(path, EVERYTHING, PlanOptions(write_to=WriteTo.EMBED))
    assert refusal.value.path == str(path)
    assert digest(path) == before


@pytest.mark.parametrize("name", [*(fixture.name for fixture in REFUSED), *RELUCTANT])
def test_auto_takes_the_sidecar(name: str, tmp_path: Path) -> None:
    path = _place(name, tmp_path)
    plan(path, EVERYTHING).apply()
    assert path.read_bytes() == original(name)
    assert sorted(os.listdir(tmp_path)) == sorted((name, f"{name}.xmp"))
    assert plan(path, EVERYTHING).is_empty


@pytest.mark.parametrize("name", RELUCTANT)
def test_embedding_says_what_it_costs(name: str, tmp_path: Path) -> None:
    path = _place(name, tmp_path)
    planned = plan(path, EVERYTHING, PlanOptions(write_to=WriteTo.EMBED))
    assert planned.media is not None
    assert any("JPEG" in note for note in planned.media.notes)
