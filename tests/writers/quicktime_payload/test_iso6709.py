"""Places as texts: every spelling that programs use is read, one is written."""

from __future__ import annotations

from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers import iso6709


@pytest.mark.parametrize(
    ("text", "latitude", "longitude", "altitude"),
    [
        ("+52.520000+013.405000/", 52.52, 13.405, None),
        ("+52.5200+013.4050+034.500/", 52.52, 13.405, 34.5),
        ("-33.8568+151.2153-012.5CRSWGS_84/", -33.8568, 151.2153, -12.5),
        ("+48.8577+002.295", 48.8577, 2.295, None),
        ("+5.1-2.25+7/", 5.1, -2.25, 7.0),
        ("+5231.2+01324.3/", 52.52, 13.405, None),
        ("+523112+0132418+034/", 52.52, 13.405, 34.0),
        ("+523112.00-0132418.00/", 52.52, -13.405, None),
        (" +52 +013/ ", 52.0, 13.0, None),
        ("+52.52+013.405/\0", 52.52, 13.405, None),
        ("+00-000/", 0.0, 0.0, None),
    ],
)
def test_a_spelling_is_read(text: str, latitude: float, longitude: float, altitude: Optional[float]) -> None:
    place = iso6709.parse(text)
    assert place is not None
    assert place.latitude.degrees == pytest.approx(latitude)
    assert place.longitude.degrees == pytest.approx(longitude)
    assert place.altitude == altitude


@pytest.mark.parametrize(
    "text", ["", "/", "Berlin", "52.5 13.4", "+91+013/", "+52+181/", "+52", "+520+013/", "+52+013/x", "+" + "9" * 10**5]
)
def test_anything_else_is_no_place(text: str) -> None:
    assert iso6709.parse(text) is None


@pytest.mark.parametrize(
    ("text", "step"),
    [("+52+013/", 1), ("+52.52+013.40/", 0.01), ("+5231.2+01324.3/", 0.1 / 60), ("+523112+0132418/", 1 / 3600)],
)
def test_the_step_tells_how_exact_a_text_is(text: str, step: float) -> None:
    place = iso6709.parse(text)
    assert place is not None
    assert (place.latitude.step, place.longitude.step) == (pytest.approx(step), pytest.approx(step))


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), altitude=st.none() | st.floats(-(10**4), 10**6))
def test_what_is_spelled_reads_back(latitude: float, longitude: float, altitude: Optional[float]) -> None:
    text = iso6709.spell(latitude, longitude, "" if altitude is None else iso6709.spell_height(altitude))
    place = iso6709.parse(text)
    assert place is not None
    assert place.latitude.degrees == pytest.approx(latitude, abs=6e-7)
    assert place.longitude.degrees == pytest.approx(longitude, abs=6e-7)
    assert place.altitude == (None if altitude is None else pytest.approx(altitude, abs=6e-4))


def test_six_decimals_and_all_digits_are_written() -> None:
    assert iso6709.spell(52.52, 13.405) == "+52.520000+013.405000/"
    assert iso6709.spell(-5.1, -2.0, iso6709.spell_height(34.5)) == "-05.100000-002.000000+34.500/"
