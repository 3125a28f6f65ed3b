"""What the user hears when many files were not found."""

from __future__ import annotations

import pytest

from immich_meta.sync.path_hints import PathExample, path_hints
from immich_meta.sync.report import Result, Status
from immich_meta.sync.statistics import Statistics

EXAMPLES = [PathExample(f"/data/library/{number}\n.jpg", (f"/library/{number}.jpg",)) for number in range(5)]


def _hints(**counts: int) -> tuple[str, ...]:
    statistics = Statistics()
    for name, count in counts.items():
        for _ in range(count):
            statistics = statistics.with_seen().with_result(Result("x", Status(name)))
    return path_hints(statistics, EXAMPLES, photo_dir="/library", segments=3, path_map="/a=/b")


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"updated": 10},
        {"missing": 5, "updated": 5},
        {"path_mismatch": 5, "updated": 5},
        {"unsupported": 9},
    ],
)
def test_up_to_a_half_says_nothing(counts: dict[str, int]) -> None:
    assert _hints(**counts) == ()


@pytest.mark.parametrize("missing", [51, 90])
def test_over_half_missing_is_a_hint(missing: int) -> None:
    (hint,) = _hints(missing=missing, updated=100 - missing)
    assert f"{missing}%" in hint
    assert "IMMICH_PHOTO_DIR (/library)" in hint
    assert "IMMICH_PATH_MAP" in hint


@pytest.mark.parametrize("counts", [{"missing": 91, "updated": 9}, {"path_mismatch": 51, "updated": 49}])
def test_nearly_all_missing_or_over_half_mismatched_lists_the_steps_and_paths(counts: dict[str, int]) -> None:
    lines = _hints(**counts)
    text = "\n".join(lines)
    assert "Steps to check" in lines[0]
    for word in ("IMMICH_PATH_MAP", "IMMICH_PHOTO_DIR", "IMMICH_PATH_SEGMENTS", "/a=/b", "container"):
        assert word in text
    assert "  server: /data/library/0\\n.jpg" in lines
    assert "   tried: /library/0.jpg" in lines
    assert text.count("server: ") == 3
