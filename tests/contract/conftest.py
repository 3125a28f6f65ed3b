"""The cases of the contract suite: every fixture that can be embedded into, under every XMP engine.

Not here: what is demanded of them (test_*.py).
"""

from __future__ import annotations

import pytest

from fixtures.catalogue import EMBEDDED, Fixture
from tests.contract.cases import Case


@pytest.fixture(scope="session", params=EMBEDDED, ids=lambda fixture: fixture.name)
def fixture(request: pytest.FixtureRequest) -> Fixture:
    """Each file of the catalogue in turn."""
    assert isinstance(request.param, Fixture)
    return request.param


@pytest.fixture(scope="session")
def case(fixture: Fixture, engine: str, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(fixture, engine, tmp_path_factory.mktemp("case"))
