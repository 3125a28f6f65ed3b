"""The committed readings of what is written: our own reader agrees with them, and so does ExifTool where it is.

Not here: why a value is what it is (tests/contract).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fixtures.catalogue import EMBEDDED, Fixture
from fixtures.exiftool import ExifTool
from fixtures.expected import NOT_SHOWN, SHOWN_AS
from fixtures.make_golden import GOLDEN, produce, reading
from immich_meta_writers import read
from immich_meta_writers.plan import read_sidecar_of
from immich_meta_writers.tags import TABLE
from tests.conftest import require_engine
from tests.contract.conftest import CASES
from tests.contract.kinds import KINDS

# Shown in another shape: faces as texts, the version as dots, ISO 6709 as numbers.
OTHER_SHAPE = (
    "XMP-mwg-rs:RegionInfo",
    "GPS:GPSVersionID",
    "Keys:GPSCoordinates",
    "UserData:GPSCoordinates",
    "ItemList:GPSCoordinates",
)
EXTENSION = "XMP-xmpNote:HasExtendedXMP"


class Produced(NamedTuple):
    """A written fixture on disk."""

    fixture: Fixture
    engine: str
    path: Path


@pytest.fixture(params=CASES, ids=lambda pair: f"{pair[0].name}-{pair[1]}")
def produced(request: pytest.FixtureRequest, tmp_path: Path) -> Produced:
    """Everything written into each fixture, under the engines that the contract suite tries it with."""
    fixture, engine = request.param
    require_engine(engine)
    return Produced(fixture, engine, produce(fixture.name, tmp_path, engine))


def golden(fixture: Fixture) -> dict[str, Any]:
    found = json.loads((GOLDEN / f"{fixture.name}.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_there_is_one_reading_for_every_fixture() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{fixture.name}.json" for fixture in EMBEDDED}


def test_read_agrees_with_the_golden_reading(produced: Produced) -> None:
    fixture, _, path = produced
    ours = read_sidecar_of(path.with_suffix(""))[1] if path.suffix == ".xmp" else read(path)
    theirs = as_read(fixture, golden(fixture))
    for name in filter(KINDS[fixture.ending].has_home_for, (tag.name for tag in TABLE)):
        hidden = name.partition(":")[0] in NOT_SHOWN.get(fixture.name, ())
        closed = "IPTC" in fixture.cannot_take and name.startswith("IPTC:")
        if name not in OTHER_SHAPE and not hidden and not closed:
            assert normal(name, ours.get(name)) == normal(name, theirs.get(name)), name


def as_read(fixture: Fixture, exiftool: dict[str, Any]) -> dict[str, Any]:
    """ExifTool's reading by our names: made-up groups renamed, the first track's dates, a second IIM with the first."""
    found = {re.sub(r"^Track1:", "QuickTime:", name): value for name, value in exiftool.items()}
    for ours, shown in SHOWN_AS.get(fixture.name, {}).items():
        found[ours] = found.get(shown)
    if fixture.ending == "jpg" and "IPTC2:Keywords" in found:
        second = found["IPTC2:Keywords"]
        found["IPTC:Keywords"] = [*found["IPTC:Keywords"], *(second if isinstance(second, list) else [second])]
    return found


def test_exiftool_still_says_so(produced: Produced, exiftool: ExifTool) -> None:
    fixture, engine, path = produced
    found = json.loads(json.dumps(reading(exiftool, path)))
    expected = golden(fixture)
    if engine == "exempi":  # an extension is named by its digest, and each engine spells it in its own way
        expected = {name: value for name, value in expected.items() if name != EXTENSION}
        found.pop(EXTENSION, None)
    assert found == expected


def normal(name: str, value: Any) -> Any:
    """One shape for both readers: numbers as rounded floats, lists as lists, dates by their digits and zone."""
    if isinstance(value, dict):  # several copies: readers take the first
        return normal(name, value["copies"][0])
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if re.search(r"Date|TimeCreated", name):
        return re.sub(r"[-:T ]", "", str(value)[:10]) + str(value)[10:].replace("T", "").replace(":", "").strip()
    try:
        return round(float(value), 6)
    except ValueError:
        return angle(name, str(value))


def angle(name: str, text: str) -> Any:
    """`52,31.2N` in degrees, `345/10` as a number."""
    match = re.fullmatch(r"(\d+),([\d.]+)([NSEW])", text)
    if match:
        degrees = float(match[1]) + float(match[2]) / 60
        return round(-degrees if match[3] in "SW" else degrees, 6)
    match = re.fullmatch(r"(-?\d+)/(\d+)", text)
    return round(int(match[1]) / int(match[2]), 6) if match and "GPS" in name else text
