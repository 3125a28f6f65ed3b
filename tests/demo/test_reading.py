"""The reader of the stand-in: which of several values counts, as Immich's reader decides it."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional

import pytest

from immich_meta.demo.movies import mov
from immich_meta.demo.reading import found_in, found_of
from tests.cli.home import jpeg

NOON = datetime(2024, 5, 1, 12)
HOURS = timedelta(hours=1)

Values = dict[str, Any]


@pytest.mark.parametrize(
    ("values", "date", "offset"),
    [
        ({"ExifIFD:DateTimeOriginal": "2024:05:01 12:00:00"}, NOON, None),
        ({"ExifIFD:DateTimeOriginal": "2024:05:01 12:00:00", "ExifIFD:OffsetTimeOriginal": "-03:30"}, NOON, -3.5),
        # With an offset alone there is a composite, and it comes before every plain date.
        ({"ExifIFD:DateTimeOriginal": "2024:06:01 12:00:00", "ExifIFD:CreateDate": "2024:05:01 12:00:00",
          "ExifIFD:OffsetTimeDigitized": "+02:00"}, NOON, 2),
        ({"ExifIFD:DateTimeOriginal": "2024:05:01 12:00:00", "XMP-xmp:CreateDate": "2024-05-01T12:00:00+02:00"},
         NOON, 2),
        ({"XMP-exif:DateTimeOriginal": "2023-01-01T00:00:00", "XMP-photoshop:DateCreated": "2024-05-01T12:00:00Z"},
         NOON, 0),
        ({"ExifIFD:DateTimeOriginal": "0000:00:00 00:00:00", "XMP-xmp:CreateDate": "2024-05-01T12:00"}, NOON, None),
        ({"ExifIFD:DateTimeOriginal": "    :  :     :  :  "}, None, None),
    ],
)  # fmt: skip
def test_the_date_of_an_image(values: Values, date: Optional[datetime], offset: Optional[float]) -> None:
    found = found_of(values)
    assert (found.date, found.offset) == (date, None if offset is None else offset * HOURS)


@pytest.mark.parametrize(
    ("values", "offset"),
    [
        ({"QuickTime:CreateDate": "2024:05:01 12:00:00"}, None),
        ({"QuickTime:CreateDate": ("2024:05:01 12:00:00",)}, None),
        ({"QuickTime:CreateDate": "2024:05:01 09:00:00", "Keys:CreationDate": "2024-05-01T12:00:00+0300"}, 3),
        ({"Keys:CreationDate": "2023-01-01T00:00:00+0100", "XMP-photoshop:DateCreated": "2024-05-01T12:00:00Z"}, 0),
        ({"XMP-xmp:CreateDate": "2024-05-01T12:00:00+02:00"}, 2),
    ],
)
def test_the_date_of_a_video(values: Values, offset: Optional[float]) -> None:
    found = found_of(values, is_video=True)
    assert (found.date, found.offset) == (NOON, None if offset is None else offset * HOURS)


def test_a_sidecar_with_a_date_hides_the_dates_of_the_file_and_their_zone() -> None:
    media = {"ExifIFD:DateTimeOriginal": "2020:01:01 00:00:00", "ExifIFD:OffsetTimeOriginal": "+09:00"}
    found = found_of(media, {"XMP-photoshop:DateCreated": "2024-05-01T12:00:00"})
    assert (found.date, found.offset) == (NOON, None)
    beside = {"XMP-exif:DateTimeOriginal": "2024-05-01T12:00:00", "XMP-exif:OffsetTimeOriginal": "+02:00"}
    found = found_of(media, beside)
    assert (found.date, found.offset) == (NOON, 2 * HOURS)
    assert found_of(media, {"XMP-xmp:Rating": "3"}).date == datetime(2020, 1, 1)


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"GPS:GPSLatitude": 33.5, "GPS:GPSLatitudeRef": "S", "GPS:GPSLongitude": 151.25, "GPS:GPSLongitudeRef": "E"},
         (-33.5, 151.25)),
        ({"XMP-exif:GPSLatitude": "33,30.00000000S", "XMP-exif:GPSLongitude": "151,15,0E"}, (-33.5, 151.25)),
        ({"Keys:GPSCoordinates": "-33.500000+151.250000/"}, (-33.5, 151.25)),
        ({"UserData:GPSCoordinates": "-33.5+151.25+012.3/"}, (-33.5, 151.25)),
        ({"XMP-exif:GPSLatitude": "33,30S"}, (None, None)),
        ({}, (None, None)),
    ],
)  # fmt: skip
def test_the_place(values: Values, place: tuple[Optional[float], Optional[float]]) -> None:
    found = found_of(values)
    assert (found.latitude, found.longitude) == place


@pytest.mark.parametrize(
    ("values", "beside", "description"),
    [
        ({"IFD0:ImageDescription": "a", "XMP-dc:Description": "b"}, {"XMP-dc:Description": "c"}, "a"),
        ({"IFD0:ImageDescription": "a"}, {"XMP-tiff:ImageDescription": "c"}, "c"),
        ({"XMP-dc:Description": "b"}, {"XMP-dc:Description": "c"}, "c"),
        ({"Keys:Description": "k", "ItemList:Description": "i", "XMP-dc:Description": "b"}, {}, "k"),
        ({"IPTC:Caption-Abstract": "t"}, {}, "t"),
    ],
)
def test_the_description(values: Values, beside: Values, description: str) -> None:
    assert found_of(values, beside).description == description


def test_tags_of_the_first_list_that_holds_any() -> None:
    listed = {"XMP-digiKam:TagsList": ("A/B",), "XMP-lr:HierarchicalSubject": ("C|D",), "XMP-dc:Subject": ("E",)}
    assert found_of(listed, {"XMP-dc:Subject": ("F",)}).tags == ("A/B",)
    assert found_of({"XMP-lr:HierarchicalSubject": ("C|D",), "XMP-dc:Subject": ("E",)}).tags == ("C/D",)
    assert found_of({"XMP-dc:Subject": ("E",)}, {"XMP-dc:Subject": ("F",)}).tags == ("F",)


def test_a_real_file_and_its_time(tmp_path: Path) -> None:
    created = datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    path = tmp_path / "a.mov"
    path.write_bytes(mov([jpeg()], (64, 48), created, {"com.apple.quicktime.description": "Waves"}))
    os.utime(path, ns=(0, 1_714_539_600_123_456_789))
    found = found_in(path, (64, 48), is_video=True)
    assert (found.date, found.offset, found.description) == (created.replace(tzinfo=None), None, "Waves")
    assert found.mtime == datetime(2024, 5, 1, 5, 0, 0, 123_000, tzinfo=timezone.utc)
    assert found.size == path.stat().st_size
