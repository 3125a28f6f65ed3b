"""A browser shows the same picture, and every frame of it, before and after everything was written and taken back.

Not here: other programs (test_writing.py).
"""

from __future__ import annotations

from pathlib import Path

from fixtures.catalogue import EMBEDDED
from fixtures.values import EVERYTHING, NOTHING
from immich_meta_writers import PlanOptions, WriteTo, plan
from tests.contract.browser import TYPES, looked_at
from tests.contract.cases import original

# JPEGs are many, and left to quicker readers.
PICTURES = tuple(fixture.name for fixture in EMBEDDED if fixture.ending in TYPES and fixture.committed)
STEPS = ("before", "after", "taken-back")
DISTINCT = ("plain.png", "lossy.webp", "plain.avif", "turned.png")
ANIMATED = ("animated.png", "photo.apng", "animated.webp", "animated.gif")
OPTIONS = PlanOptions(xmp_engine="builtin", write_to=WriteTo.EMBED)


def test_a_browser_shows_what_it_showed_before(tmp_path: Path) -> None:
    """One test: a browser takes long to start, and looks at a hundred files in the time of one."""
    folder, profile = tmp_path / "pictures", tmp_path / "profile"
    folder.mkdir()
    for name in PICTURES:
        for steps, step in enumerate(STEPS):
            path = folder / f"{step}-{name}"
            path.write_bytes(original(name))
            for wanted in (EVERYTHING, NOTHING)[:steps]:
                plan(path, wanted, OPTIONS).apply()
        assert (folder / f"after-{name}").read_bytes() != original(name)
    sights = looked_at(folder, sorted(path.name for path in folder.iterdir()), profile)
    before, after, taken_back = ({name: sights[f"{step}-{name}"] for name in PICTURES} for step in STEPS)
    assert {name: sight.error for name, sight in before.items() if sight.error} == {}
    assert {name for name, sight in before.items() if set(sight.shown[:2]) != {64, 48}} == set()
    assert {name: (sight, before[name]) for name, sight in after.items() if sight != before[name]} == {}
    assert {name: (sight, before[name]) for name, sight in taken_back.items() if sight != before[name]} == {}
    # Else equal pixels would say nothing.
    assert len({after[name].shown for name in DISTINCT}) == len(DISTINCT)
    assert {name: len(set(after[name].frames)) for name in ANIMATED} == dict.fromkeys(ANIMATED, 2)
