"""Provenance: `module@u TAG=value`, split at the first space and the first `=`; written only with another change.

Not here: what the rules do with a claim.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.merge import ADDED, ASSET_ID, asked_modules, merge, provenance
from immich_meta_writers.merge.provenance import Claim, Claims, claim_text, parse_record
from immich_meta_writers.metadata import Moment, PhotoMetadata, Position, RatingSource
from immich_meta_writers.tags import Module
from tests.writers.merge.test_dates import moment
from tests.writers.merge.views import File, view

SUBJECT = "XMP-dc:Subject"


def test_a_record_names_module_user_tag_and_value() -> None:
    file = File()
    file.run(PhotoMetadata(people=("Ada",)), user="1f2e3d4c")
    assert f"people@1f2e3d4c {SUBJECT}=Ada" in file.added


@pytest.mark.parametrize("value", ["Ada", "a=b", "a b", "=", " leading", "line\nbreak", "x@y z=1", "", "🎉"])
def test_a_record_is_split_at_the_first_space_and_the_first_equals_sign(value: str) -> None:
    claim = Claim("people", "local", SUBJECT, value)
    assert parse_record(claim.record) == claim


@pytest.mark.parametrize(
    "record",
    [
        "",
        "people",
        "people@local",
        f"people@local {SUBJECT}",
        f"people {SUBJECT}=Ada",
        f"@u {SUBJECT}=Ada",
        f"people@ {SUBJECT}=Ada",
        "people@local =Ada",
        f"people@local{SUBJECT}=Ada",
        " =",
    ],
)
def test_anything_else_claims_nothing_and_stays(record: str) -> None:
    assert parse_record(record) is None
    file = File(added=(record,))
    file.run(PhotoMetadata(people=("Ada",)))
    assert file.added[0] == record


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=90))
def test_texts_over_64_characters_are_held_as_a_digest(value: str) -> None:
    text = claim_text(value)
    assert len(text) <= 64
    assert claim_text(text) == text


def test_the_digest_is_sha256_and_16_hex_digits() -> None:
    assert claim_text("x" * 64) == "x" * 64
    assert claim_text("x" * 65) == "sha256:" + hashlib.sha256(b"x" * 65).hexdigest()[:16]


def test_normal_forms_make_one_claim() -> None:
    assert claim_text("Zoe\u0308") == "Zoë"
    claims = Claims("local", (f"people@local {SUBJECT}=Zoe\u0308",))
    assert claims.is_mine(Module.PEOPLE, SUBJECT, "Zoë")
    assert claims.after((), claims.all) == ()


def test_only_this_users_claims_are_ours() -> None:
    claims = Claims("1", ("people@1 T=a", "people@2 T=b", "tags@1 T=c", "people@1 U=d"))
    assert [claim.value for claim in claims.mine(Module.PEOPLE, "T")] == ["a"]
    assert [claim.value for claim in claims.of("T")] == ["a", "b", "c"]


def test_records_keep_their_order_and_come_once() -> None:
    claims = Claims("1", ("other", "people@1 T=a", "people@1 T=b"))
    a, b = claims.all
    new = claims.new(Module.PEOPLE, "T", "c")
    assert claims.after((new, a, new), (a, b)) == ("other", "people@1 T=a", "people@1 T=c")


# -- when it is written -----------------------------------------------------------------------------------------------


def test_the_asset_id_is_written_with_a_change_and_never_compared() -> None:
    wanted = PhotoMetadata(people=("Ada",), asset_id="asset-1")
    file = File()
    file.run(wanted)
    assert file[ASSET_ID] == "asset-1"
    other = PhotoMetadata(people=("Ada",), asset_id="asset-2")
    assert file.run(other).changes == ()


def test_an_asset_id_that_stands_there_is_not_written_again() -> None:
    wanted = PhotoMetadata(people=("Ada",), asset_id="asset-1")
    seen = view()
    changes = provenance(seen, wanted, merge(seen, wanted), skipped=(), asset_id="asset-1")
    assert [change.tag for change in changes] == [ADDED]


def test_a_tag_that_did_not_reach_the_file_is_not_claimed() -> None:
    wanted = PhotoMetadata(caption="Hello")
    seen = view()
    changes = provenance(seen, wanted, merge(seen, wanted), skipped=("IFD0:ImageDescription",), asset_id=None)
    assert isinstance(changes[0].new, tuple)
    assert not [record for record in changes[0].new if "IFD0" in record]


def test_nothing_of_ours_means_no_record_at_all() -> None:
    seen = view()
    wanted = PhotoMetadata(captured=moment())
    assert provenance(seen, wanted, merge(seen, wanted), skipped=(), asset_id=None) == ()


@pytest.mark.parametrize(
    ("wanted", "module"),
    [
        (PhotoMetadata(people=()), Module.PEOPLE),
        (PhotoMetadata(gps=Position(1, 2)), Module.GPS),
        (PhotoMetadata(caption=""), Module.CAPTION),
        (PhotoMetadata(captured=moment()), Module.TIME),
        (PhotoMetadata(rating=0), Module.RATING),
        (PhotoMetadata(favorite=False), Module.RATING),
        (PhotoMetadata(albums=()), Module.ALBUMS),
        (PhotoMetadata(regions=()), Module.FACES),
        (PhotoMetadata(tags=()), Module.TAGS),
    ],
)
def test_what_is_not_none_is_asked_for(wanted: PhotoMetadata, module: Module) -> None:
    assert asked_modules(wanted) == {module}


def test_nothing_asked_changes_nothing() -> None:
    file = File({SUBJECT: ("Ada",)}, added=(f"people@local {SUBJECT}=Ada",))
    assert asked_modules(PhotoMetadata(asset_id="asset")) == frozenset()
    assert file.run(PhotoMetadata(asset_id="asset")).changes == ()


# -- protected files --------------------------------------------------------------------------------------------------

EDITED = {
    "XMP-dc:Subject": ("sea",),
    "IFD0:ImageDescription": "edited",
    "ExifIFD:DateTimeOriginal": "2001:01:01 00:00:00",
    "IFD0:Rating": 2,
    "GPS:GPSLatitude": (Fraction(1), Fraction(2), Fraction(3)),
    "XMP-iptcExt:Event": "Wedding",
}
EVERYTHING = PhotoMetadata(
    people=("Ada",),
    caption="Hello",
    rating=4,
    rating_source=RatingSource.STARS,
    favorite=True,
    gps=Position(52.5, -13.4, 34.5),
    captured=moment(),
    albums=("Trip",),
    tags=("Travel/Berlin",),
)


def test_in_a_protected_file_lists_are_merged_and_single_values_left_and_reported() -> None:
    file = File(EDITED)  # type: ignore[arg-type]
    merged = file.run(EVERYTHING, protect=True)
    assert file[SUBJECT] == ("sea", "Ada", "Berlin")
    assert {tag for tag in EDITED if tag != SUBJECT} <= {each.tag for each in merged.kept}
    assert [file[tag] for tag in EDITED if tag != SUBJECT] == [EDITED[tag] for tag in EDITED if tag != SUBJECT]


def test_a_value_that_is_left_gets_no_second_home_that_says_otherwise() -> None:
    file = File(EDITED)  # type: ignore[arg-type]
    file.run(EVERYTHING, protect=True)
    for tag in ("XMP-dc:Description", "XMP-xmp:CreateDate", "ExifIFD:OffsetTimeOriginal", "XMP-xmp:Rating"):
        assert file[tag] is None, tag
    assert file["GPS:GPSLongitude"] is file["GPS:GPSLatitudeRef"] is None
    assert not [record for record in file.added if record.startswith(("caption", "rating@local XMP-xmp:Rating"))]


def test_a_protected_file_still_takes_what_it_does_not_say() -> None:
    file = File({"XMP-dc:Subject": ("sea",)})
    merged = file.run(EVERYTHING, protect=True)
    assert merged.kept == ()
    assert file["IFD0:ImageDescription"] == "Hello"
    assert file["XMP-xmp:Rating"] == "4"
    assert file["XMP-fstop:Favorite"] == "1"


def test_a_protected_file_keeps_the_rules_own_reasons() -> None:
    file = File({"XMP-xmp:Label": "Red"})
    merged = file.run(PhotoMetadata(favorite=True), protect=True)
    assert [(each.tag, each.reason) for each in merged.kept] == [("XMP-xmp:Label", "a label of another program")]


def test_regions_are_merged_in_a_protected_file() -> None:
    from tests.writers.merge.test_regions import ADA, TAG, faces, holding, shift, stored

    file = holding(stored("Eve", 0.5, 0.5, 0.1, 0.1))
    file.run(faces(ADA), protect=True)
    file.run(faces(shift(ADA, 0.02)), protect=True)
    assert len(file[TAG].regions) == 2  # type: ignore[attr-defined]


def test_moments_are_asked_for_by_their_own_module() -> None:
    assert isinstance(moment(), Moment)
    assert set(Module) == set().union(*(asked_modules(each) for each in (EVERYTHING, PhotoMetadata(regions=()))))
