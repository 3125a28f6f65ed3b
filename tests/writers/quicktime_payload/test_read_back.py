"""What ExifTool reads in a movie whose atoms were grafted: every row, by its name, in every form of the atoms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Optional

import pytest

from fixtures.exiftool import ExifTool
from immich_meta_writers.addresses import QuickTimeAddress
from immich_meta_writers.payloads import quicktime
from immich_meta_writers.tags import TABLE
from tests.writers.quicktime_payload.atoms import (
    EPOCH_1970,
    atom,
    data,
    headers,
    international,
    itunes,
    keyed,
    movie,
    place_3gpp,
    text_3gpp,
)

UND = 0x55C4
ROWS: Mapping[str, QuickTimeAddress] = {
    tag.name: tag.address for tag in TABLE if isinstance(tag.address, QuickTimeAddress)
}
UTC, LOCAL = "2021:06:15 10:34:56", "2021-06-15T12:34:56+0200"
CAPTION, PLACE = "Größe 😀 Ada, Łódź", "-33.856784+151.215297+12.500/"
# ExifTool puts the dates of a track under the track's own group.
GROUPS = {"QuickTime:Track": "Track1:Track", "QuickTime:Media": "Track1:Media"}
EXPECTED = {
    "Date": "2021:06:15 12:34:56+02:00",
    "Description": CAPTION,
    "GPSCoordinates": "-33.856784 151.215297 12.5",
}
SECOND_HOMES = (
    atom("\xa9xyz", international((UND, "+1+2/")))
    + atom("\xa9day", international((UND, "1999")))
    + atom("date", b"1999-01-01T00:00:00")
    + atom("dscp", text_3gpp("old"))
    + atom("loci", place_3gpp(1, 2, 3))
)
ITEMS = [("desc", data("old")), ("\xa9day", data("1999")), ("\xa9xyz", data("+1+2/")), ("\xa9nam", data("Title"))]


def text_of(name: str, address: QuickTimeAddress) -> str:
    if address.box in quicktime.HEADERS:
        return UTC
    return CAPTION if name.endswith("Description") else LOCAL if "Date" in name else PLACE


def written(atoms: Mapping[str, bytes], folder: Path, brand: bytes = b"isom", only: Optional[str] = None) -> Path:
    """A movie in which every row that can be written is."""
    edits: dict[QuickTimeAddress, Optional[str]] = {
        address: text_of(name, address) for name, address in ROWS.items() if only in (None, address.box)
    }
    block = quicktime.parse(atoms)
    made, _ = quicktime.graft(block, edits)
    assert quicktime.parse(made).foreign(edits) == block.foreign(edits)
    path = folder / "movie.mp4"
    path.write_bytes(movie(made, brand))
    return path


def expected(name: str) -> str:
    if ROWS[name].box in quicktime.HEADERS:
        return UTC
    if name == "UserData:LocationInformation":
        return "home Role=shooting Lat=-33.85678 Lon=151.21530 Alt=12.50 Body=earth Notes=note"
    return next(value for end, value in EXPECTED.items() if end in name)


def exiftools(name: str) -> str:
    return next((name.replace(ours, theirs) for ours, theirs in GROUPS.items() if name.startswith(ours)), name)


def test_every_row_is_read_under_its_name(exiftool: ExifTool, tmp_path: Path) -> None:
    keys = keyed([("com.apple.quicktime.make", data("Apple")), ("date", data("1999"))])
    user = SECOND_HOMES + atom("meta", itunes(ITEMS)) + bytes(4)
    path = written({**headers(EPOCH_1970), "meta": keys, "udta": user}, tmp_path)
    reading = exiftool.read(path)
    assert {name: reading.get(exiftools(name)) for name in ROWS} == {name: (expected(name),) for name in ROWS}
    assert (reading["Keys:Make"], reading["ItemList:Title"]) == (("Apple",), ("Title",))
    assert exiftool.warnings(path) == ()


@pytest.mark.parametrize("version", [0, 1])
def test_dates_of_both_versions_are_utc(exiftool: ExifTool, tmp_path: Path, version: int) -> None:
    path = written(headers(0, version), tmp_path)
    names = [name for name, address in ROWS.items() if address.box in quicktime.HEADERS]
    assert len(names) == 6
    raw = exiftool.read(path)
    assert {raw[exiftools(name)] for name in names} == {(UTC,)}
    in_utc = exiftool.read(path, "-api", "QuickTimeUTC", "-api", "TimeZone=UTC")
    assert {str(in_utc[exiftools(name)][0])[:19] for name in names} == {UTC}


@pytest.mark.parametrize("brand", [b"isom", b"qt  ", b"3gp5"])
def test_new_keys_are_read_in_every_kind_of_movie(exiftool: ExifTool, tmp_path: Path, brand: bytes) -> None:
    path = written(headers(EPOCH_1970), tmp_path, brand)
    reading = exiftool.read(path)
    made = ("Keys:CreationDate", "Keys:Description", "Keys:GPSCoordinates")
    assert {name: reading[name] for name in made} == {name: (expected(name),) for name in made}
    assert not any(name.startswith(("UserData:", "ItemList:")) for name in reading)
    assert exiftool.warnings(path) == ()


def test_keys_in_user_data_are_read_where_they_were(exiftool: ExifTool, tmp_path: Path) -> None:
    user = atom("meta", keyed([("com.apple.quicktime.make", data("Lavf"))], iso=True)) + bytes(4)
    path = written({**headers(EPOCH_1970), "udta": user}, tmp_path, only="keys")
    reading = exiftool.read(path)
    for name in ("Keys:CreationDate", "Keys:Description", "Keys:GPSCoordinates"):
        assert reading[name] == (expected(name),)
    assert exiftool.warnings(path) == ()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2021-06-15T12:34:56", "2021:06:15 12:34:56"),
        ("2021-06-15T12:34:56+0000", "2021:06:15 12:34:56+00:00"),
        ("2021-06-15T12:34:56.25+0200", "2021:06:15 12:34:56.25+02:00"),
    ],
)
def test_a_date_is_read_with_its_offset_and_without(exiftool: ExifTool, tmp_path: Path, text: str, read: str) -> None:
    block = quicktime.parse(headers(EPOCH_1970))
    made = quicktime.graft(block, {ROWS["Keys:CreationDate"]: text}).atoms
    path = tmp_path / "movie.mp4"
    path.write_bytes(movie(made))
    assert exiftool.read(path)["Keys:CreationDate"] == (read,)
