"""GPS: equal is the same place, whatever its form; the reference carries the sign.

Not here: whether the coordinates are sane (tests/mapping, test_wanted.py).
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.merge.places import (
    exif_angle,
    parse_xmp_angle,
    to_rationals,
    xmp_angle,
)
from immich_meta_writers.metadata import PhotoMetadata, Position
from immich_meta_writers.tags import FileKind
from tests.writers.merge.views import File, Values, changed

LAT, LAT_REF = "GPS:GPSLatitude", "GPS:GPSLatitudeRef"
LON, LON_REF = "GPS:GPSLongitude", "GPS:GPSLongitudeRef"
ALT, ALT_REF, VERSION = "GPS:GPSAltitude", "GPS:GPSAltitudeRef", "GPS:GPSVersionID"
XMP_LAT, XMP_LON = "XMP-exif:GPSLatitude", "XMP-exif:GPSLongitude"
XMP_ALT, XMP_ALT_REF = "XMP-exif:GPSAltitude", "XMP-exif:GPSAltitudeRef"


def at(latitude: float, longitude: float, altitude: Optional[float] = None) -> PhotoMetadata:
    return PhotoMetadata(gps=Position(latitude, longitude, altitude))


def dms(degrees: object, minutes: object = 0, seconds: object = 0) -> tuple[Fraction, ...]:
    return tuple(Fraction(str(part)) for part in (degrees, minutes, seconds))


def berlin(**other: object) -> Values:
    values: dict[str, object] = {
        VERSION: b"\2\2\0\0",
        LAT_REF: "N",
        LAT: dms(52, 31, "12.345"),
        LON_REF: "E",
        LON: dms(13, 24, "18.123"),
    }
    return {**values, **other}  # type: ignore[dict-item]


BERLIN = (52 + 31 / 60 + 12.345 / 3600, 13 + 24 / 60 + 18.123 / 3600)


@pytest.mark.parametrize(
    ("latitude", "longitude", "refs"),
    [(52.5, 13.4, ("N", "E")), (-33.9, 151.2, ("S", "E")), (40.7, -74.0, ("N", "W")), (-22.9, -43.2, ("S", "W"))],
)
def test_the_reference_carries_the_sign(latitude: float, longitude: float, refs: tuple[str, str]) -> None:
    file = File()
    file.run(at(latitude, longitude))
    assert (file[LAT_REF], file[LON_REF]) == refs
    angle = exif_angle(file[LAT])
    assert angle is not None
    assert angle.degrees == pytest.approx(abs(latitude), abs=1e-9)
    assert file[VERSION] == b"\2\3\0\0"
    assert file[ALT] is file[XMP_LAT] is None


def test_a_version_that_is_there_stays() -> None:
    file = File(berlin())
    file.run(at(1.0, 2.0))
    assert file[VERSION] == b"\2\2\0\0"


def test_an_equal_place_is_not_rewritten_whatever_its_form() -> None:
    as_decimal = {LAT: (Fraction(str(round(BERLIN[0], 9))), Fraction(0), Fraction(0))}
    for values in (berlin(), berlin(**as_decimal), berlin(**{LAT_REF: "n"}), berlin(**{LAT_REF: "N\0"})):
        assert File(values).run(at(*BERLIN)).changes == ()


def test_a_lost_hemisphere_is_repaired_without_touching_the_angle() -> None:
    file = File(berlin())
    assert changed(file.run(at(-BERLIN[0], BERLIN[1]))) == {LAT_REF: "S"}
    absent = berlin()
    del absent[LON_REF]
    assert changed(File(absent).run(at(*BERLIN))) == {LON_REF: "E"}


def test_within_a_millionth_of_a_degree_is_equal() -> None:
    assert File(berlin()).run(at(BERLIN[0] + 9e-7, BERLIN[1])).changes == ()
    assert set(changed(File(berlin()).run(at(BERLIN[0] + 2e-6, BERLIN[1])))) == {LAT}


def test_a_file_that_rounds_to_four_decimals_is_trusted() -> None:
    rounded = {LAT: dms("52.5201"), LON: dms("13.405")}
    assert File(berlin(**rounded)).run(at(52.52014, 13.40504)).changes != ()  # three decimals of longitude
    rounded[LON] = dms("13.4051")
    assert File(berlin(**rounded)).run(at(52.52014, 13.40506)).changes == ()
    assert LAT in changed(File(berlin(**rounded)).run(at(52.52016, 13.4051)))


def test_a_file_that_rounds_to_seconds_is_not() -> None:
    coarse = {LAT: dms(52, 31, 12), LON: dms(13, 24, 18)}
    assert set(changed(File(berlin(**coarse)).run(at(*BERLIN)))) == {LAT, LON}


def test_a_file_that_counts_in_hundredths_of_a_minute_is_not_and_in_ten_thousandths_is() -> None:
    wanted = at(52 + 31.20575 / 60, BERLIN[1])
    assert LAT in changed(File(berlin(**{LAT: dms(52, "31.21")})).run(wanted))
    assert LAT not in changed(File(berlin(**{LAT: dms(52, "31.2057")})).run(wanted))


@pytest.mark.parametrize("broken", [(), (Fraction(52),), "52.5", b"52", dms(252, 31, 12)])
def test_what_is_no_angle_is_replaced(broken: object) -> None:
    file = File(berlin(**{LAT: broken}))
    file.run(at(*BERLIN))
    angle = exif_angle(file[LAT])
    assert angle is not None
    assert angle.degrees == pytest.approx(BERLIN[0])


def test_the_equator_and_the_poles_and_the_date_line() -> None:
    for latitude, longitude in ((0.0, 10.0), (-0.0, -180.0), (90.0, 180.0), (-90.0, 0.0)):
        file = File()
        file.run(at(latitude, longitude))
    assert xmp_angle(59.99999999999, "NS") == "60,0.00000000N"
    assert to_rationals(59.99999999999) == dms(60)


# -- altitude ---------------------------------------------------------------------------------------------------------


def test_an_altitude_is_never_made_up() -> None:
    file = File()
    file.run(at(52.5, 13.4))
    assert file[ALT] is file[ALT_REF] is None
    kept = File(berlin(**{ALT: (Fraction(34),), ALT_REF: b"\0"}))
    kept.run(at(1.0, 2.0))
    assert kept[ALT] == (34,)


@pytest.mark.parametrize(("altitude", "ref"), [(34.5, b"\0"), (-430.25, b"\1"), (0.0, b"\0")])
def test_below_sea_level_is_reference_one(altitude: float, ref: bytes) -> None:
    file = File()
    file.run(at(31.5, 35.5, altitude))
    assert (file[ALT], file[ALT_REF]) == ((Fraction(str(abs(altitude))),), ref)


@pytest.mark.parametrize(("found", "ref"), [("34.5", b"\0"), ("34.59", b"\0"), ("34.41", None)])
def test_within_ten_centimetres_is_equal(found: str, ref: Optional[bytes]) -> None:
    values = berlin(**{ALT: (Fraction(found),)}, **({} if ref is None else {ALT_REF: ref}))
    assert File(values).run(at(*BERLIN, 34.5)).changes == ()


def test_only_the_sign_of_an_altitude_is_repaired() -> None:
    file = File(berlin(**{ALT: (Fraction(34),), ALT_REF: b"\1"}))
    assert changed(file.run(at(*BERLIN, 34.0))) == {ALT_REF: 0}


@pytest.mark.parametrize("broken", [(), "34", b"4"])
def test_what_is_no_altitude_is_replaced(broken: object) -> None:
    file = File(berlin(**{ALT: broken}))
    file.run(at(*BERLIN, 34.0))
    assert file[ALT] == (34,)


# -- XMP --------------------------------------------------------------------------------------------------------------


def test_a_sidecar_takes_degrees_and_minutes_with_eight_decimals() -> None:
    file = File(kind=FileKind.SIDECAR)
    file.run(at(-33.8688, 151.2093, -1.5))
    assert (file[XMP_LAT], file[XMP_LON]) == ("33,52.12800000S", "151,12.55800000E")
    assert (file[XMP_ALT], file[XMP_ALT_REF]) == ("1500/1000", "1")
    assert file[LAT] is None


def test_a_second_home_in_a_photo_is_updated_and_not_made() -> None:
    file = File(berlin(**{XMP_LAT: "1,2.00000000N", XMP_LON: "1,2.00000000E", XMP_ALT: "5/1"}))
    file.run(at(*BERLIN, 34.0))
    assert file[XMP_LAT] == xmp_angle(BERLIN[0], "NS")
    assert file[XMP_ALT] == "34000/1000"


@pytest.mark.parametrize("text", ["52,31.20000000N", "52,31,12N", "52,31,12.0000N", " 52,31.2n ", "52,31.2 N"])
def test_an_equal_xmp_coordinate_is_not_rewritten_whatever_its_form(text: str) -> None:
    file = File({XMP_LAT: text, XMP_LON: "13,24.00000000E"}, kind=FileKind.SIDECAR)
    assert XMP_LAT not in changed(file.run(at(52.52, 13.4)))


@pytest.mark.parametrize("text", ["52,31.2000S", "52.52", "52,31.2", "N", "", "52,31.2000N extra", "1e9,0N"])
def test_another_xmp_coordinate_is_rewritten(text: str) -> None:
    file = File({XMP_LAT: text, XMP_LON: "13,24.00000000E"}, kind=FileKind.SIDECAR)
    file.run(at(52.52, 13.4))
    assert file[XMP_LAT] == "52,31.20000000N"


@pytest.mark.parametrize(
    ("text", "ref", "altitude"),
    [("345/10", "0", 34.5), ("34.5", "0", 34.5), ("69/2", "1", -34.5), ("+34.45", "", 34.5)],
)
def test_an_equal_xmp_altitude_is_not_rewritten(text: str, ref: str, altitude: float) -> None:
    values: Values = {XMP_LAT: "52,31.20000000N", XMP_LON: "13,24.00000000E", XMP_ALT: text, XMP_ALT_REF: ref}
    assert File(values, kind=FileKind.SIDECAR).run(at(52.52, 13.4, altitude)).changes == ()


HOSTILE = ["", "1/0", "x", "nan", "inf", "1/", "1e999999999", "9" * 5000, "1/1/1", "-1e999999999"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_altitude_costs_nothing_and_is_replaced(text: str) -> None:
    file = File({XMP_ALT: text}, kind=FileKind.SIDECAR)
    started = time.process_time()
    file.run(at(52.52, 13.4, 34.5))
    assert time.process_time() - started < 1
    assert file[XMP_ALT] == "34500/1000"


# -- whatever the place is --------------------------------------------------------------------------------------------

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
positions = st.builds(Position, latitudes, longitudes, st.none() | st.floats(-420, 9000))
numerators = st.fractions(0, 90, max_denominator=10_000)
angles = st.tuples(numerators, numerators.map(lambda part: part % 60), numerators.map(lambda part: part % 60))


@given(latitudes)
def test_angles_round_trip(degrees: float) -> None:
    back = parse_xmp_angle(xmp_angle(degrees, "NS"))
    assert back is not None
    assert back.degrees == pytest.approx(degrees, abs=1e-10)
    rationals = to_rationals(abs(degrees))
    angle = exif_angle(rationals)
    assert angle is not None
    assert angle.degrees == pytest.approx(abs(degrees), abs=2e-10)
    assert rationals[1] < 60 > rationals[2]


@given(
    lat=st.none() | angles,
    lon=st.none() | angles,
    refs=st.tuples(st.sampled_from(["N", "S", "", "x"]), st.sampled_from(["E", "W", None])),
    height=st.none() | st.tuples(st.fractions(0, 9000)),
    below=st.sampled_from([None, b"\0", b"\1", b"\2", b""]),
    steps=st.lists(positions, min_size=1, max_size=3),
    kind=st.sampled_from([FileKind.IMAGE, FileKind.SIDECAR]),
)
def test_places_settle(
    lat: object, lon: object, refs: object, height: object, below: object, steps: list[Position], kind: FileKind
) -> None:
    assert isinstance(refs, tuple)
    values = {LAT: lat, LON: lon, LAT_REF: refs[0], LON_REF: refs[1], ALT: height, ALT_REF: below}
    if kind is FileKind.SIDECAR:
        values = {XMP_LAT: "52,31.2000N", XMP_ALT: None if height is None else "12.3"}
    file = File({tag: value for tag, value in values.items() if value is not None}, kind=kind)
    for position in steps:
        file.run(PhotoMetadata(gps=position))
