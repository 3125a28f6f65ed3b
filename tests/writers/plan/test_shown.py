"""Values as they are shown: plain types, by ExifTool's tag names.

Not here: the order and layout of the command line (tests/cli).
"""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from immich_meta_writers.addresses import LangAlt, RegionInfo, StoredRegion, Value
from immich_meta_writers.plan.shown import shown


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("XMP-dc:Subject", ("a", "b"), ("a", "b")),
        ("XMP-dc:Description", LangAlt((("de", "Hallo"), ("x-default", "Hello"))), "Hello"),
        ("XMP-dc:Description", LangAlt((("de", "Hallo"),)), "Hallo"),
        ("XMP-dc:Description", LangAlt(()), None),
        ("IFD0:Rating", 4, 4),
        ("IFD0:ImageDescription", "text", "text"),
        ("GPS:GPSLatitude", (Fraction(52), Fraction(31), Fraction(123, 10)), 52.52008333333333),
        ("GPS:GPSLatitude", (), None),
        ("GPS:GPSLongitude", (Fraction(13, 2),), 6.5),
        ("GPS:GPSAltitude", (Fraction(69, 2),), 34.5),
        ("GPS:GPSAltitudeRef", b"\1", 1),
        ("GPS:GPSVersionID", b"\2\3\0\0", "2.3.0.0"),
        ("GPS:GPSVersionID", b"", ""),
        ("Other:Rationals", (Fraction(1), Fraction(1, 2)), "1 0.5"),
        (
            "XMP-mwg-rs:RegionInfo",
            RegionInfo(None, (StoredRegion("Ada", "Face", 0.1, 0.2, 0.3, 0.4),)),
            ("Ada (0.100, 0.200, 0.300 x 0.400)",),
        ),
    ],
)
def test_a_value_is_shown_in_plain_types(name: str, value: Value, expected: object) -> None:
    found = shown({name: value})[name]
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)
    json.dumps(found)


def test_tracks_that_say_the_same_are_shown_once() -> None:
    same, other = "2021:06:15 10:34:56", "2021:06:15 10:34:57"
    assert shown({"QuickTime:TrackCreateDate": (same, same)}) == {"QuickTime:TrackCreateDate": same}
    assert shown({"QuickTime:TrackCreateDate": (same, other)}) == {"QuickTime:TrackCreateDate": (same, other)}
