"""The cases of the contract suite: every fixture that can be embedded into, under the XMP engines.

Not here: what is demanded of them (test_*.py).
"""

from __future__ import annotations

import pytest

from fixtures.catalogue import CHAPTERS, EMBEDDED, JPEGS, SIDECARS, Fixture
from tests.conftest import ENGINES, require_engine
from tests.contract.cases import Case, original


def _engines(fixture: Fixture) -> tuple[str, ...]:
    """Both, where a packet is made or changed in a way of its own: engines see packets, not containers."""
    has_packet = fixture in JPEGS + SIDECARS or b"rdf:RDF" in original(fixture.name)
    makes_first = any(fixture is fixtures[0] for fixtures in CHAPTERS.values())
    return ENGINES if has_packet or makes_first else ENGINES[:1]


CASES = tuple((fixture, engine) for fixture in EMBEDDED for engine in _engines(fixture))


@pytest.fixture(scope="session", params=CASES, ids=lambda pair: f"{pair[0].name}-{pair[1]}")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    fixture, engine = request.param
    require_engine(engine)
    return Case(fixture, engine, tmp_path_factory.mktemp("case"))
