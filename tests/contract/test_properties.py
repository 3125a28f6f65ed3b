"""Whatever people, captions, dates, places and faces may be: they round-trip, settle, and both engines agree.

Not here: fixed examples (test_writing.py).
"""

from __future__ import annotations

import tempfile
import unicodedata
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixtures import expected
from immich_meta_writers import Moment, PhotoMetadata, PlanOptions, Position, Region, plan, read
from immich_meta_writers.changes import Shown
from tests.contract.cases import original

PHOTO = "iptc-digest-in-sync.jpg"
EXAMPLES = settings(max_examples=40)

# What a person can type: no control characters, no lone surrogates, no line and paragraph separators.
typed = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"), max_size=80
)
lines = st.lists(typed, max_size=4).map("\n".join).map(str.strip)
names = typed.map(str.strip).filter(bool)
people = st.lists(names.map(lambda name: unicodedata.normalize("NFC", name)), max_size=5).map(
    lambda found: tuple(sorted(set(found)))
)
moments = st.builds(
    lambda wall, minutes: _moment(wall, minutes),
    st.datetimes(datetime(1000, 1, 3), datetime(9999, 12, 28)).map(lambda wall: wall.replace(microsecond=0)),
    st.none() | st.integers(-14 * 60, 14 * 60),
)
positions = st.builds(
    Position,
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.none() | st.floats(-420, 9000),
).filter(lambda place: place.latitude != 0 or place.longitude != 0)
unit = st.floats(0, 1)
regions = st.lists(st.builds(Region, names, unit, unit, unit, unit), max_size=3, unique_by=lambda r: r.name).map(tuple)


def _moment(wall: datetime, minutes: Optional[int]) -> Moment:
    offset = None if minutes is None else timedelta(minutes=minutes)
    return Moment(wall, offset, (wall - (offset or timedelta())).replace(tzinfo=timezone.utc))


def written(wanted: PhotoMetadata, engine: str, photo: str = PHOTO) -> dict[str, Shown]:
    """What a photo says after a run; a second one has to find nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        path.write_bytes(original(photo))
        options = PlanOptions(xmp_engine=engine)
        plan(path, wanted, options).apply()
        assert plan(path, wanted, options).changes == ()
        return read(path)


@EXAMPLES
@given(caption=lines)
@example(caption="quote \" ' & <tag> ]]> &amp; &#233;")
@example(caption="a\n\n\n  indented\ttab")
@example(caption="é" * 1500)
@example(caption="\u202eright to left\u202c \u200d \ufeff 🏳️‍🌈")
def test_any_caption_round_trips(engine: str, caption: str) -> None:
    found = written(PhotoMetadata(caption=caption), engine)
    if not caption:
        return
    assert found["XMP-dc:Description"] == caption
    assert found["IFD0:ImageDescription"] == caption
    cut = found["IPTC:Caption-Abstract"]
    assert isinstance(cut, str)
    assert caption.startswith(cut)
    assert len(cut.encode()) > 1996 or cut == caption


@EXAMPLES
@given(text=st.text(max_size=60))
@example(text="\x00\x1f\x7f\x85\u2028\ud800\ufffe")
@example(text="line\r\nbreak\rs")
def test_text_that_no_file_can_hold_is_cleaned_and_settles(engine: str, text: str) -> None:
    found = written(PhotoMetadata(caption=text, people=(text,), albums=(text,), tags=(text,)), engine)
    shown = found.get("XMP-dc:Description", "")
    assert isinstance(shown, str)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in shown)
    letters = [char for char in text if char.isalnum()]
    assert [char for char in shown if char.isalnum()] == letters


@EXAMPLES
@given(found_people=people)
@example(found_people=("Jr., John", "a,b", "c;d", "é" * 40, "🎉" * 17))
def test_any_people_stay_one_item_each(engine: str, found_people: tuple[str, ...]) -> None:
    found = written(PhotoMetadata(people=found_people), engine)
    if not found_people:
        return
    assert found["XMP-iptcExt:PersonInImage"] == found_people
    assert found["XMP-dc:Subject"] == found_people
    keywords = found["IPTC:Keywords"]
    assert isinstance(keywords, tuple)
    assert keywords[:2] == ("Küche", "Garden, small")
    for name in found_people:
        assert any((name.startswith(str(word)) and len(str(word).encode()) > 60) or name == word for word in keywords)
    assert all(len(str(word).encode()) <= 64 for word in keywords)


@EXAMPLES
@given(moment=moments)
@example(moment=_moment(datetime(1826, 6, 1, 12, 0, 0), None))
@example(moment=_moment(datetime(2021, 12, 31, 23, 59, 59), -570))
def test_any_date_round_trips(engine: str, moment: Moment) -> None:
    found = written(PhotoMetadata(captured=moment), engine)
    exif = f"{moment.wall.year:04}:{moment.wall:%m:%d %H:%M:%S}"
    iso = moment.wall.isoformat(sep="T", timespec="seconds")
    zone = ""
    if moment.offset is not None:
        minutes = moment.offset // timedelta(minutes=1)
        zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
        assert found["ExifIFD:OffsetTimeOriginal"] == zone
    else:
        assert "ExifIFD:OffsetTimeOriginal" not in found
    assert found["ExifIFD:DateTimeOriginal"] == found["ExifIFD:CreateDate"] == found["IFD0:ModifyDate"] == exif
    assert found["XMP-xmp:CreateDate"] == found["XMP-photoshop:DateCreated"] == iso + zone
    assert found["IPTC:DateCreated"] == f"{moment.wall.year:04}{moment.wall:%m%d}"
    assert found["IPTC:TimeCreated"] == f"{moment.wall:%H%M%S}{zone.replace(':', '')}"


@EXAMPLES
@given(place=positions)
@example(place=Position(-89.99999999, 179.99999999, -0.04))
@example(place=Position(0.0, -1e-9))
@example(place=Position(52.99999999999, 13.0))
def test_any_place_round_trips_with_its_hemisphere(engine: str, place: Position) -> None:
    found = written(PhotoMetadata(gps=place), engine)
    latitude, longitude = found["GPS:GPSLatitude"], found["GPS:GPSLongitude"]
    assert isinstance(latitude, float)
    assert isinstance(longitude, float)
    assert latitude * (-1 if found["GPS:GPSLatitudeRef"] == "S" else 1) == pytest.approx(place.latitude, abs=1e-6)
    assert longitude * (-1 if found["GPS:GPSLongitudeRef"] == "W" else 1) == pytest.approx(place.longitude, abs=1e-6)
    if place.altitude is None:
        assert "GPS:GPSAltitude" not in found
        return
    altitude = found["GPS:GPSAltitude"]
    assert isinstance(altitude, (int, float))
    assert altitude * (-1 if found["GPS:GPSAltitudeRef"] == 1 else 1) == pytest.approx(place.altitude, abs=0.1)


@EXAMPLES
@given(faces=regions, orientation=st.integers(1, 8))
def test_any_face_stays_in_its_place(engine: str, faces: tuple[Region, ...], orientation: int) -> None:
    found = written(PhotoMetadata(regions=faces), engine, f"orientation-{orientation}.jpg")
    texts = found.get("XMP-mwg-rs:RegionInfo", ())
    assert isinstance(texts, tuple)
    for face in faces:
        left, right = max(0.0, face.x - face.w / 2), min(1.0, face.x + face.w / 2)
        top, bottom = max(0.0, face.y - face.h / 2), min(1.0, face.y + face.h / 2)
        if right - left < 1e-3 or bottom - top < 1e-3:
            continue
        shown = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        stored = expected.stored(shown, orientation)
        assert any(
            text.startswith(face.name) and _numbers(str(text)) == pytest.approx(stored, abs=1e-3) for text in texts
        ), (stored, texts)


def _numbers(text: str) -> tuple[float, ...]:
    """The place at the end of `Ada (0.100, 0.200, 0.300 x 0.400)`."""
    inside = text[text.rindex("(") + 1 : -1].replace(" x ", ", ")
    return tuple(float(part) for part in inside.split(", "))


@settings(max_examples=30)
@given(
    wanted=st.builds(
        PhotoMetadata,
        people=people,
        caption=lines,
        rating=st.integers(-1, 5),
        favorite=st.booleans(),
        gps=positions,
        captured=moments,
        albums=people,
        tags=people,
        regions=regions,
    ),
    photo=st.sampled_from(["xmp-digikam-regions.jpg", "xmp-odd-containers.jpg", "xmp-second-homes.jpg", PHOTO]),
)
def test_both_engines_write_the_same(has_exempi: None, wanted: PhotoMetadata, photo: str) -> None:
    assert written(wanted, "builtin", photo) == written(wanted, "exempi", photo)
