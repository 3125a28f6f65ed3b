"""What holds for every fixture under both engines: everything wanted is in the file, nothing else has changed.

Not here: taking values back (test_removal.py) and damaged files (test_damage.py).
"""

from __future__ import annotations

import os
import re

import pytest

from fixtures import expected
from fixtures.exiftool import ExifTool, stable
from fixtures.values import EVERYTHING
from immich_meta_writers import read
from immich_meta_writers.plan import read_sidecar_of
from tests.contract.cases import OLD_TIME_NS, REVEALING, Case, digest, items, original
from tests.contract.kinds import MOVIE
from tests.contract.readers import READERS, frames, register_heif, streams

# The packet of another picture in the file is read as the photo's.
OTHERS = ("auxiliary.heic", "gain-map.heic")

# What comes with an announced change: the charset mark, the digest, the name of an extension.
UNANNOUNCED = {
    "XMP-xmpNote:HasExtendedXMP",
    "IPTC:CodedCharacterSet",
    "IPTC:ApplicationRecordVersion",
    "Photoshop:IPTCDigest",
}


def _areas(reading: dict[str, object]) -> list[tuple[str, tuple[float, ...]]]:
    info = dict(reading["XMP-mwg-rs:RegionInfo"][0])  # type: ignore[index]
    regions = [dict(region) for region in info["RegionList"]]
    return [(region.get("Name", ""), tuple(float(dict(region["Area"])[side]) for side in "XYWH")) for region in regions]


def test_every_wanted_value_is_what_exiftool_reads(case: Case, exiftool: ExifTool) -> None:
    found = case.reading(exiftool, "written")
    wanted = {name: value for name, value in case.expected.items() if case.shows(name)}
    assert {name: found.get(name, (None,))[0] for name in wanted} == {
        name: pytest.approx(value, abs=1e-6) if isinstance(value, float) else value for name, value in wanted.items()
    }


def test_every_wanted_item_stands_once_behind_the_foreign_ones(case: Case, exiftool: ExifTool) -> None:
    before, after = case.reading(exiftool, "untouched"), case.reading(exiftool, "written")
    for name, wanted in case.expected_lists.items():
        foreign = expected.ITEMS_BEFORE.get(case.fixture.name, {}).get(name, items(before, name))
        assert items(after, name) == (*foreign, *(item for item in wanted if item not in foreign)), name


def test_faces_stand_in_the_stored_raster(case: Case, exiftool: ExifTool) -> None:
    found = _areas(case.reading(exiftool, "written"))  # type: ignore[arg-type]
    for name, area in expected.FACES:
        stored = expected.stored(area, case.fixture.orientation)
        assert any(name == other and stored == pytest.approx(place, abs=1e-9) for other, place in found), (
            name,
            stored,
            found,
        )


def test_read_says_what_exiftool_reads(case: Case) -> None:
    path = case.written
    found = read_sidecar_of(case.photo_of(path))[1] if case.is_sidecar else read(path)
    wanted = {name: value for name, value in case.expected.items() if name not in ("IPTC:CodedCharacterSet",)}
    assert {name: found.get(name) for name in wanted if _comparable(name)} == {
        name: pytest.approx(value, abs=1e-6) if isinstance(value, float) else _as_read(name, value)
        for name, value in wanted.items()
        if _comparable(name)
    }


def _comparable(name: str) -> bool:
    """Dates and angles are shown in the payload's own spelling; the golden files hold those. IPTC2 is ExifTool's."""
    return not any(part in name for part in ("Date", "Time", "GPS", "IPTC2:"))


def _as_read(name: str, value: object) -> object:
    return str(value) if name.startswith("XMP-") else value


def test_foreign_tags_survive(case: Case, exiftool: ExifTool) -> None:
    before, after = (
        case.comparable(stable(case.reading(exiftool, step), expected.EDITED)) for step in ("untouched", "written")
    )
    if case.fixture.name in REVEALING:
        after = {name: value for name, value in after.items() if name in before}
    assert after == before


def test_foreign_regions_keep_all_their_fields(case: Case, exiftool: ExifTool) -> None:
    before = case.reading(exiftool, "untouched").get("XMP-mwg-rs:RegionInfo")
    if case.fixture.name in OTHERS:
        before = None
    after = case.reading(exiftool, "written")["XMP-mwg-rs:RegionInfo"]
    if before is None:
        assert dict(dict(after[0])["AppliedToDimensions"]) == {"W": 64, "H": 48, "Unit": "pixel"}
        return
    kept = dict(before[0])["RegionList"]
    assert dict(after[0])["RegionList"][: len(kept)] == kept
    assert dict(after[0])["AppliedToDimensions"] == dict(before[0])["AppliedToDimensions"]


def test_no_reader_complains_of_anything_new(case: Case, exiftool: ExifTool) -> None:
    assert set(exiftool.warnings(case.written)) <= set(exiftool.warnings(case.untouched))


def test_other_readers_find_no_new_error(case: Case) -> None:
    for name in case.kind.readers:
        before, after = READERS[name](case.untouched), READERS[name](case.written)
        assert after <= before, name


def test_a_second_plan_is_empty(case: Case) -> None:
    planned = case.plan(case.written)
    assert planned.is_empty
    assert planned.changes == ()


def test_a_second_run_leaves_bytes_time_and_inode(case: Case) -> None:
    before = digest(case.written)
    case.plan(case.written).apply()
    assert digest(case.written) == before


def test_a_plan_alone_touches_nothing(case: Case) -> None:
    assert not case.first_plan.is_empty
    assert digest(case.untouched)[:2] == (digest(case.untouched)[0], OLD_TIME_NS)
    assert case.untouched.read_bytes() == original(case.fixture.name)
    assert sorted(os.listdir(case.untouched.parent)) == sorted({case.fixture.name, case.photo_of(case.untouched).name})


def test_nothing_is_left_behind_in_the_folder(case: Case) -> None:
    assert sorted(os.listdir(case.written.parent)) == sorted(os.listdir(case.untouched.parent))


def test_every_change_has_been_announced(case: Case, exiftool: ExifTool) -> None:
    """What the dry run says is what the reader sees: tags that differ are tags that were named."""
    if case.fixture.name in REVEALING:
        return
    announced = {change.tag for change in case.first_plan.changes}
    before, after = case.reading(exiftool, "untouched"), case.reading(exiftool, "written")
    named = set(expected.EDITED) - UNANNOUNCED
    # A date of all tracks is one row, an IPTC of two places too.
    differing = {
        re.sub(r"^Track\d", "QuickTime", name).replace("IPTC2", "IPTC")
        for name in named
        if before.get(name) != after.get(name)
    }
    assert differing <= announced, differing - announced


def test_what_a_file_cannot_take_is_named(case: Case) -> None:
    skipped = {skipped.tag.partition(":")[0] for skipped in case.first_plan.skipped}
    assert skipped == set(case.fixture.cannot_take)


def test_what_is_kept_is_reported(case: Case, exiftool: ExifTool) -> None:
    kept = {kept.tag: kept.value for kept in case.first_plan.kept}
    foreign = {name: str(value) for name, value in expected.FOREIGN.get(case.fixture.name, {}).items()}
    assert {name: str(value) for name, value in kept.items()} == foreign


def test_everything_in_the_file_that_is_not_ours_stays(case: Case) -> None:
    if case.is_sidecar:
        assert case.photo_of(case.written).read_bytes() == original("plain-jfif.jpg")
        return
    before = case.kind.skeleton(original(case.fixture.name))
    assert case.kind.skeleton(case.written.read_bytes()) == before
    assert case.kind.skeleton(case.taken_back.read_bytes()) == before


def test_every_frame_and_stream_stays(case: Case) -> None:
    """As Pillow, libheif and ffmpeg decode or copy them."""
    if case.is_sidecar:
        return
    if case.kind is MOVIE:
        assert streams(case.written) == streams(case.untouched)
        return
    if "pillow-heif" in case.kind.readers:
        register_heif()
    assert frames(case.written) == frames(case.untouched)


def test_every_date_of_a_movie_is_the_chosen_one(case: Case, exiftool: ExifTool) -> None:
    if case.kind is not MOVIE:
        return
    found = case.reading(exiftool, "written")
    dates = [name for name in found if re.fullmatch(r"(QuickTime|Track\d):.*(Create|Modify)Date", name)]
    assert len(dates) > 5
    assert {found[name] for name in dates} == {(expected.UTC,)}


def test_the_inverse_patch_restores_every_byte(case: Case) -> None:
    part = case.first_plan.sidecar if case.is_sidecar else case.first_plan.media
    assert part is not None
    assert part.patch is not None
    before = original(case.fixture.name)
    after = part.patch.apply(before)
    undo = part.patch.invert(lambda offset, length: before[offset : offset + length])
    assert undo.apply(after) == before


def test_the_patch_is_what_reaches_the_disk(case: Case) -> None:
    part = case.first_plan.sidecar if case.is_sidecar else case.first_plan.media
    assert part is not None
    assert part.patch is not None
    assert case.written.read_bytes() == part.patch.apply(original(case.fixture.name))


def test_the_capture_time_becomes_the_file_s(case: Case) -> None:
    if case.is_sidecar:
        return
    assert EVERYTHING.captured is not None
    assert int(case.written.stat().st_mtime) == int(EVERYTHING.captured.instant.timestamp())
