"""GPS: a position is equal when it is the same place, whatever its form.

Not here: whether Immich's coordinates are sane (the caller's mapping).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple, Optional

from immich_meta_writers.changes import Change
from immich_meta_writers.merge.decisions import Decision, View
from immich_meta_writers.metadata import Position
from immich_meta_writers.tags import BY_NAME

SAME_PLACE = 1e-6  # degrees
SAME_HEIGHT = 0.1  # metres
ROUNDED_AT_LEAST = 1e-4  # a file that keeps four decimals of a degree is trusted to have rounded
VERSION = b"\2\3\0\0"
SECONDS_DENOMINATOR = 1_000_000

# Bounded: Fraction("1e999999999") would take all memory.
_RATIONAL = re.compile(r"([+-]?\d{1,20}(?:\.\d{1,20})?)(?:/(\d{1,20}))?")
_XMP_COORDINATE = re.compile(r"(\d{1,3}),(\d{1,2})(?:\.(\d{1,12})|,(\d{1,2})(?:\.(\d{1,9}))?)?\s*([NSEW])", re.I)


class Angle(NamedTuple):
    """Signed degrees as found, and the step in which the file counts."""

    degrees: float
    step: float


def merge_position(view: View, position: Position) -> Iterator[Decision]:
    """Set latitude, longitude and a known altitude wherever the file keeps them."""
    if view.takes(BY_NAME["GPS:GPSLatitude"]):
        yield from _exif_position(view, position)
    for name, degrees, signs in (
        ("XMP-exif:GPSLatitude", position.latitude, "NS"),
        ("XMP-exif:GPSLongitude", position.longitude, "EW"),
    ):
        if view.takes(BY_NAME[name]) and not is_same(parse_xmp_angle(view.text(name)), degrees):
            text = xmp_angle(degrees, signs)
            yield Change(name, view.text(name) or None, text, text)
    if position.altitude is not None:
        yield from _exif_altitude(view, position.altitude)
        yield from _xmp_altitude(view, position.altitude)


def _exif_position(view: View, position: Position) -> Iterator[Decision]:
    changes = [
        *_exif_angle(view, "GPS:GPSLatitude", position.latitude, "NS"),
        *_exif_angle(view, "GPS:GPSLongitude", position.longitude, "EW"),
    ]
    if changes and view.get("GPS:GPSVersionID") is None:
        yield Change("GPS:GPSVersionID", None, "2.3.0.0", VERSION)
    yield from changes


def _exif_angle(view: View, name: str, degrees: float, signs: str) -> Iterator[Change]:
    """EXIF 3.0, 4.6.8: three rationals, and a reference that carries the sign."""
    ref, ref_name = signs[degrees < 0], f"{name}Ref"
    old_ref = view.text(ref_name).strip("\0 ").upper()[:1]
    found = exif_angle(view.get(name))
    signed = found and Angle(-found.degrees if old_ref in ("S", "W") else found.degrees, found.step)
    if old_ref and is_same(signed, degrees):
        return
    if old_ref != ref:
        yield Change(ref_name, old_ref or None, ref, ref)
    if not is_same(found, abs(degrees)):
        old = round(found.degrees, 7) if found else None
        yield Change(name, old, round(abs(degrees), 7), to_rationals(abs(degrees)))


def exif_angle(value: object) -> Optional[Angle]:
    """Unsigned degrees of three rationals."""
    if not isinstance(value, tuple) or not value or not all(isinstance(part, Fraction) for part in value):
        return None
    degrees, step = 0.0, 1.0
    # The finest part that is in use tells how exact the writer was: degrees, minutes or seconds with decimals.
    for part, unit in zip(value, (1, 60, 3600)):
        if part:
            numerator, denominator = part.numerator, part.denominator
            degrees += numerator / denominator / unit
            step = 1 / (unit * denominator)
    return Angle(degrees, step)


def to_rationals(degrees: float) -> tuple[Fraction, ...]:
    """Degrees, minutes, and seconds in millionths; `degrees` is not negative."""
    millionths = round(Fraction(degrees) * 3600 * SECONDS_DENOMINATOR)
    minutes, seconds = divmod(millionths, 60 * SECONDS_DENOMINATOR)
    whole, minutes = divmod(minutes, 60)
    return Fraction(whole), Fraction(minutes), Fraction(seconds, SECONDS_DENOMINATOR)


def xmp_angle(degrees: float, signs: str) -> str:
    """`D,M.mmmmmmmmH` (XMP part 2, GPSCoordinate)."""
    whole, rest = divmod(round(abs(degrees) * 60 * 10**8), 60 * 10**8)
    return f"{whole},{rest // 10**8}.{rest % 10**8:08}{signs[degrees < 0]}"


def parse_xmp_angle(text: str) -> Optional[Angle]:
    match = _XMP_COORDINATE.fullmatch(text.strip())
    if not match:
        return None
    whole, minutes, decimals, seconds, second_decimals, sign = match.groups()
    degrees = int(whole) + float(f"{minutes}.{decimals or 0}") / 60
    step = 10.0 ** -len(decimals or "") / 60
    if seconds is not None:
        degrees += float(f"{seconds}.{second_decimals or 0}") / 3600
        step = 10.0 ** -len(second_decimals or "") / 3600
    return Angle(-degrees if sign.upper() in "SW" else degrees, step)


def is_same(found: Optional[Angle], wanted: float) -> bool:
    """Within 1e-6 degree, once `wanted` is rounded as a file does that keeps at least four decimals."""
    if found is None:
        return False
    slack = found.step * 0.5001 if found.step <= ROUNDED_AT_LEAST else 0.0
    return abs(found.degrees - wanted) <= max(SAME_PLACE, slack)


def _exif_altitude(view: View, altitude: float) -> Iterator[Decision]:
    if not view.takes(BY_NAME["GPS:GPSAltitude"]):
        return
    value, ref = view.get("GPS:GPSAltitude"), view.get("GPS:GPSAltitudeRef")
    below = isinstance(ref, bytes) and ref[:1] == b"\1"
    height = value[0] if isinstance(value, tuple) and value and isinstance(value[0], Fraction) else None
    found = None if height is None else -float(height) if below else float(height)
    if found is not None and abs(found - altitude) <= SAME_HEIGHT:
        return
    if ref is None or below != (altitude < 0):
        new_ref = int(altitude < 0)
        yield Change("GPS:GPSAltitudeRef", None if ref is None else int(below), new_ref, bytes([new_ref]))
    if height is None or abs(float(height) - abs(altitude)) > SAME_HEIGHT:
        old = None if height is None else round(float(height), 3)
        edit = (Fraction(round(abs(altitude) * 1000), 1000),)
        yield Change("GPS:GPSAltitude", old, round(abs(altitude), 3), edit)


def _xmp_altitude(view: View, altitude: float) -> Iterator[Decision]:
    if not view.takes(BY_NAME["XMP-exif:GPSAltitude"]):
        return
    found, below = _rational(view.text("XMP-exif:GPSAltitude")), view.text("XMP-exif:GPSAltitudeRef") == "1"
    if found is not None and abs((-found if below else found) - altitude) <= SAME_HEIGHT:
        return
    for name, new in (
        ("XMP-exif:GPSAltitude", f"{round(abs(altitude) * 1000)}/1000"),
        ("XMP-exif:GPSAltitudeRef", str(int(altitude < 0))),
    ):
        if view.text(name) != new:
            yield Change(name, view.text(name) or None, new, new)


def _rational(text: str) -> Optional[float]:
    match = _RATIONAL.fullmatch(text.strip())
    if not match or not int(match[2] or 1):
        return None
    return float(match[1]) / int(match[2] or 1)
