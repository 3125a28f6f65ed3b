"""What is taken back in Immich disappears from the file; what others wrote stays.

Not here: writing (test_writing.py).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import expected
from fixtures.catalogue import BY_NAME
from fixtures.exiftool import ExifTool, stable
from fixtures.values import NOTHING
from immich_meta_writers import PhotoMetadata, PlanOptions, plan, read
from tests.contract.cases import REVEALING, Case, digest, items, only

# Single values that Immich sets and that nobody can bring back, and ratings, which become 0.
SET_FOR_GOOD = {
    *(name for name in expected.EDITED if "GPS" in name or "Date" in name or "Time" in name),
    "XMP-xmp:Rating",
    "IFD0:Rating",
    "IFD0:RatingPercent",
    "XMP-microsoft:RatingPercent",
    "XMP-fstop:Favorite",
    "XMP-immichmeta:AssetId",
    "IPTC:CodedCharacterSet",
    "IPTC:ApplicationRecordVersion",
    "Photoshop:IPTCDigest",
    "XMP-xmpNote:HasExtendedXMP",
}
CAPTIONS = (
    "XMP-dc:Description",
    "IPTC:Caption-Abstract",
    "IFD0:ImageDescription",
    "XMP-tiff:ImageDescription",
    "IPTC2:Caption-Abstract",
    "Keys:Description",
    "ItemList:Description",
)


def test_tags_are_as_in_the_beginning(case: Case, exiftool: ExifTool) -> None:
    before, after = (
        case.comparable(stable(case.reading(exiftool, step), SET_FOR_GOOD)) for step in ("untouched", "taken_back")
    )
    for name in expected.LISTS:
        foreign = expected.ITEMS_BEFORE.get(case.fixture.name, {}).get(name, items(before, name))
        assert items(after, name) == foreign, name
        before.pop(name, None)
        after.pop(name, None)
    for name in ("XMP-xmp:Label", "ExifIFD:UserComment"):  # empty ones were filled, then removed
        if before.get(name) == ("",):
            before.pop(name)
    for name in CAPTIONS:  # Immich's caption took the place of a foreign one
        before.pop(name, None)
        assert name not in after or name in case.reading(exiftool, "untouched"), name
        after.pop(name, None)
    revealed = case.fixture.name in REVEALING
    assert {name: value for name, value in after.items() if not revealed or name in before} == before


def test_no_claim_is_left_but_for_what_stays_set(case: Case, exiftool: ExifTool) -> None:
    records = case.reading(exiftool, "taken_back").get("XMP-immichmeta:Added", ())
    assert not [record for part in records for record in part if "people@" in record or "tags@" in record]


def test_stars_become_zero_where_they_stand(case: Case, exiftool: ExifTool) -> None:
    after = case.reading(exiftool, "taken_back")
    for name in ("XMP-xmp:Rating", "IFD0:Rating", "IFD0:RatingPercent", "XMP-microsoft:RatingPercent"):
        assert after.get(name, (0,)) == (0,), name


def test_a_second_run_after_that_changes_nothing(case: Case) -> None:
    before = digest(case.taken_back)
    planned = case.plan(case.taken_back, NOTHING)
    assert planned.is_empty
    planned.apply()
    assert digest(case.taken_back) == before


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(BY_NAME["xmp-digikam-regions.jpg"].build())
    return path


def test_two_households_do_not_undo_each_other(photo: Path, engine: str) -> None:
    ours = PlanOptions(claimant="11111111", xmp_engine=engine)
    theirs = PlanOptions(claimant="22222222", xmp_engine=engine)
    plan(photo, only(people=("Ada", "Both"), regions=()), ours).apply()
    plan(photo, only(people=("Bob", "Both"), regions=()), theirs).apply()
    plan(photo, PhotoMetadata(people=()), ours).apply()
    assert read(photo)["XMP-iptcExt:PersonInImage"] == ("Both", "Bob")
    plan(photo, PhotoMetadata(people=()), theirs).apply()
    assert "XMP-iptcExt:PersonInImage" not in read(photo)


def test_a_name_that_was_there_before_is_not_ours(photo: Path, engine: str) -> None:
    options = PlanOptions(xmp_engine=engine)
    before = read(photo)["XMP-digiKam:TagsList"]
    plan(photo, PhotoMetadata(tags=("Pets/Mimi", "Pets/Rex")), options).apply()
    plan(photo, PhotoMetadata(tags=()), options).apply()
    assert read(photo)["XMP-digiKam:TagsList"] == before


def test_only_the_asked_modules_are_looked_at(photo: Path, engine: str) -> None:
    options = PlanOptions(xmp_engine=engine)
    plan(photo, only(), options).apply()
    before = read(photo)
    plan(photo, PhotoMetadata(people=()), options).apply()
    after = read(photo)
    gone = {name for name in before if before[name] != after.get(name)}
    assert gone == {"XMP-dc:Subject", "IPTC:Keywords", "XMP-iptcExt:PersonInImage", "XMP-immichmeta:Added"}
    assert after["XMP-dc:Subject"] == ("Berlin",)


def test_a_person_is_renamed_in_place(photo: Path, engine: str) -> None:
    options = PlanOptions(xmp_engine=engine)
    plan(photo, only(people=("Ada", "Bob")), options).apply()
    plan(photo, only(people=("Ada", "Robert")), options).apply()
    assert read(photo)["XMP-iptcExt:PersonInImage"] == ("Ada", "Robert")
    assert "Bob" not in str(read(photo)["XMP-immichmeta:Added"])


def test_an_item_claimed_by_two_modules_goes_with_the_last(photo: Path, engine: str) -> None:
    options = PlanOptions(xmp_engine=engine)
    plan(photo, PhotoMetadata(people=("Ada",), tags=("Family/Ada",)), options).apply()
    plan(photo, PhotoMetadata(people=()), options).apply()
    assert read(photo)["XMP-dc:Subject"] == ("Ada",)
    plan(photo, PhotoMetadata(tags=()), options).apply()
    assert "XMP-dc:Subject" not in read(photo)


def test_a_hundred_edits_do_not_let_the_file_grow(photo: Path, engine: str) -> None:
    options = PlanOptions(xmp_engine=engine)
    plan(photo, only(), options).apply()
    first = photo.stat().st_size
    for step in range(40):
        wanted = replace(only(), caption=f"Caption number {step}", rating=step % 5 + 1, people=(f"Person {step:03d}",))
        plan(photo, wanted, options).apply()
    assert photo.stat().st_size < first + 4096
