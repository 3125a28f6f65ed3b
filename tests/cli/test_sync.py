"""`sync` end to end: what arrives in the files, what stays, what is said."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from immich_meta.demo.server import DemoServer
from immich_meta_writers import PhotoMetadata, plan, read
from tests.cli.home import EVERYTHING, UPLOADS, Home, jpeg, keywords, snapshot

KEYS = {"path", "status", "changes", "kept", "skipped", "sidecar", "asset_id", "error"}
RICH: dict[str, Any] = {
    "people": ["Ada", "Zoë O'Brien, Jr.", "山田太郎"],
    "boxes": {"Ada": (10.0, 10.0, 20.0, 22.0)},
    "albums": ["Spring, 2024"],
    "tags": ["Travel/Berlin"],
    "rating": 4,
    "favorite": True,
    "description": "Picnic\nby the lake 🎉",
    "latitude": -33.8915,
    "longitude": 151.2767,
    "width": 64,
    "height": 48,
}


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def server(request: pytest.FixtureRequest) -> Iterator[DemoServer]:
    with DemoServer(generation=request.param) as server:
        yield server


def seconds(text: str) -> int:
    """Seconds since 1970 of an ISO 8601 date with offset."""
    return int(datetime.fromisoformat(text).timestamp())


def test_every_module_arrives_in_the_file(home: Home) -> None:
    path, asset = home.add("2024/IMG_1.jpg", **RICH)
    assert home.sync().code == 0
    said = read(path)
    assert said["XMP-dc:Subject"] == ("Ada", "Zoë O'Brien, Jr.", "山田太郎", "Berlin")
    assert said["IPTC:Keywords"] == said["XMP-dc:Subject"]
    assert said["XMP-iptcExt:PersonInImage"] == ("Ada", "Zoë O'Brien, Jr.", "山田太郎")
    assert said["GPS:GPSLatitude"] == pytest.approx(33.8915)
    assert said["GPS:GPSLongitude"] == pytest.approx(151.2767)
    assert (said["GPS:GPSLatitudeRef"], said["GPS:GPSLongitudeRef"]) == ("S", "E")
    assert said["XMP-dc:Description"] == said["IFD0:ImageDescription"] == "Picnic\nby the lake 🎉"
    assert said["ExifIFD:DateTimeOriginal"] == "2024:05:01 12:00:00"
    assert said["ExifIFD:OffsetTimeOriginal"] == "+02:00"
    assert said["XMP-xmp:Rating"] == "4"
    assert said["XMP-xmp:Label"] == "Favorite"
    assert said["XMP-iptcExt:Event"] == said["ExifIFD:UserComment"] == "Spring, 2024"
    assert said["XMP-lr:HierarchicalSubject"] == ("Albums|Spring, 2024", "Travel|Berlin")
    assert said["XMP-digiKam:TagsList"] == ("Travel/Berlin",)
    assert said["XMP-mwg-rs:RegionInfo"] == ("Ada (0.234, 0.333, 0.156 x 0.250)",)
    assert said["XMP-immichmeta:AssetId"] == asset.id
    assert path.stat().st_mtime_ns // 10**9 == seconds("2024-05-01T12:00:00+02:00")


def test_a_second_run_changes_neither_a_byte_nor_a_time(home: Home) -> None:
    home.add("2024/IMG_1.jpg", **RICH)
    home.add("2024/IMG_2.jpg", people=["Ada"], rating=None, favorite=True)
    assert home.sync().sums()["updated"] == 2
    before = snapshot(home.photos)
    again = home.sync()
    assert (again.code, again.sums()["updated"], again.sums()["unchanged"]) == (0, 0, 2)
    assert snapshot(home.photos) == before


def test_what_goes_in_immich_goes_in_the_file_and_what_is_foreign_stays(home: Home) -> None:
    plan_path = home.photo("2024/IMG_1.jpg")
    plan(plan_path, PhotoMetadata(people=("Grandma's keyword",))).apply()
    path, asset = home.add("2024/IMG_1.jpg", plan_path.read_bytes(), **RICH)
    home.sync()
    assert keywords(path) == ("Grandma's keyword", "Ada", "Zoë O'Brien, Jr.", "山田太郎", "Berlin")
    home.library.set_people(asset, ["Ada"])
    home.library.rename_person("Ada", "Ada Lovelace")
    home.library.take_from_album(asset, "Spring, 2024")
    home.library.put_in_album(asset, "Summer")
    home.library.set_tags(asset, [])
    assert home.sync("--clear-album-cache").sums()["updated"] == 1
    said = read(path)
    assert keywords(path) == ("Grandma's keyword", "Ada Lovelace")
    assert said["XMP-iptcExt:PersonInImage"] == ("Grandma's keyword", "Ada Lovelace")
    assert said["XMP-lr:HierarchicalSubject"] == ("Albums|Summer",)
    assert said["XMP-iptcExt:Event"] == said["ExifIFD:UserComment"] == "Summer"
    assert "XMP-digiKam:TagsList" not in said
    assert [each.split(" (")[0] for each in said["XMP-mwg-rs:RegionInfo"]] == ["Ada Lovelace"]  # type: ignore[union-attr]
    assert home.sync().sums()["updated"] == 0


def test_a_module_that_is_not_asked_for_is_not_touched(home: Home) -> None:
    path, asset = home.add("2024/IMG_1.jpg", **RICH)
    home.sync()
    home.library.set_people(asset, [])
    home.sync("--rating")
    assert "Ada" in keywords(path)


def test_report_lines_have_the_documented_fields(home: Home) -> None:
    home.add("2024/IMG_1.jpg", **RICH)
    home.library.add_photo(f"{UPLOADS}/2024/gone.jpg", date=datetime(2024, 6, 1))
    updated, missing = home.report()
    assert KEYS <= set(updated) <= KEYS | {"notes"}
    assert KEYS <= set(missing) <= KEYS | {"notes"}
    assert (updated["status"], updated["error"], updated["sidecar"]) == ("updated", None, None)
    assert updated["path"] == str(home.photos / "2024/IMG_1.jpg")
    change = next(each for each in updated["changes"] if each["tag"] == "XMP-dc:Subject")
    assert change == {
        "tag": "XMP-dc:Subject",
        "old": None,
        "new": ["Ada", "Zoë O'Brien, Jr.", "山田太郎", "Berlin"],
    }
    assert missing["status"] == "missing"
    assert missing["error"]["kind"] == "missing"
    assert set(missing["error"]) == {"kind", "message"}
    assert missing["asset_id"]


def test_what_is_kept_is_reported(home: Home) -> None:
    foreign = home.photo("2024/IMG_1.jpg")
    plan(foreign, PhotoMetadata(albums=("Wedding",))).apply()
    home.add("2024/IMG_1.jpg", foreign.read_bytes(), albums=["Spring"])
    (line,) = home.report()
    kept = {each["tag"]: each for each in line["kept"]}
    assert kept["XMP-iptcExt:Event"]["value"] == "Wedding"
    assert set(kept["XMP-iptcExt:Event"]) == {"tag", "value", "reason"}
    assert read(foreign)["XMP-iptcExt:Event"] == "Wedding"


def test_the_report_may_go_to_standard_output_alone(home: Home) -> None:
    home.add("2024/山.jpg", **RICH)
    ran = home.run("sync", *EVERYTHING, "--report", "-")
    (line,) = [json.loads(line) for line in ran.out.splitlines()]
    assert line["path"].endswith("山.jpg")
    assert "FINISH" in ran.err


def test_a_dry_run_shows_old_and_new_and_writes_nothing(home: Home) -> None:
    _, asset = home.add("2024/IMG_1.jpg", **RICH)
    home.sync()
    before = snapshot(home.photos)
    asset.rating = 2
    home.library.set_people(asset, ["Ada", "Eve"])
    ran = home.sync("--dry-run")
    assert (ran.code, ran.sums()["simulated"], ran.sums()["updated"]) == (0, 1, 0)
    assert re.search(r'XMP-xmp:Rating +"4" -> "2"', ran.out)
    assert re.search(r'XMP-iptcExt:PersonInImage +\+"Eve"  -"Zoë O\'Brien, Jr\."  -"山田太郎"', ran.out)
    assert "modes=dry-run" in ran.out
    assert snapshot(home.photos) == before
    assert home.checkpoints() == []


def test_only_new_says_so_in_the_summary(home: Home) -> None:
    home.add("2024/IMG_1.jpg", **RICH)
    ran = home.sync("--only-new")
    assert (ran.code, ran.sums()["updated"]) == (0, 1)
    assert re.search(r"FINISH .*modes=only-new", ran.out)


def test_start_and_finish_carry_modes_and_counts(home: Home) -> None:
    home.add("2024/IMG_1.jpg", **RICH)
    lines = home.sync("--people", "--gps", "--dry-run").out.splitlines()
    stamp = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[INFO   \] "
    assert re.fullmatch(stamp + "START modules=people,gps modes=dry-run", lines[0])
    finish = next(line for line in lines if "FINISH" in line)
    assert re.match(stamp + "FINISH total=1 updated=0 unchanged=0 simulated=1 missing=0 path_mismatch=0 ", finish)
    assert "unsupported=0 failed=0 " in finish
    assert home.log.splitlines() == lines


def test_statistics_as_json(home: Home) -> None:
    home.add("2024/IMG_1.jpg", **RICH)
    home.library.add_photo(f"{UPLOADS}/2024/gone.jpg")
    home.sync("--export-stats", "json")
    (path,) = home.directory.glob("immich_sync_stats_*")
    assert re.fullmatch(r"immich_sync_stats_\d{8}_\d{6}\.json", path.name)
    content = json.loads(path.read_text())
    assert set(content) == {"timestamp", "statistics"}
    datetime.fromisoformat(content["timestamp"])
    sums = content["statistics"]
    assert list(sums)[:7] == [
        "total",
        "updated",
        "simulated",
        "skipped",
        "file_not_found",
        "path_segment_mismatch",
        "errors",
    ]
    assert [sums[name] for name in ("total", "updated", "file_not_found", "errors")] == [2, 1, 1, 0]


def test_statistics_as_csv(home: Home) -> None:
    home.add("2024/IMG_1.jpg", **RICH)
    home.sync("--export-stats", "csv", "--dry-run")
    (path,) = home.directory.glob("immich_sync_stats_*.csv")
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["Timestamp", "Metric", "Value"]
    values = {metric: value for _, metric, value in rows[1:]}
    assert (values["total"], values["simulated"], values["updated"]) == ("1", "1", "0")
    assert len({stamp for stamp, _, _ in rows[1:]}) == 1


def test_a_complete_run_leaves_no_checkpoint(home: Home) -> None:
    home.fill(3)
    assert home.sync("--people", IMMICH_ASSET_BATCH_SIZE="1").code == 0
    assert home.checkpoints() == []


def test_failed_assets_are_tried_again_by_resume_and_only_they(home: Home) -> None:
    first, second, third = home.fill(3)
    second.write_bytes(b"")
    ran = home.sync("--people")
    assert (ran.code, ran.sums()["failed"], ran.sums()["updated"]) == (1, 1, 2)
    second.write_bytes(jpeg())
    before = [path.stat().st_mtime_ns for path in (first, third)]
    ran = home.sync("--people", "--resume")
    assert (ran.code, ran.sums()["updated"], ran.sums()["total"], ran.sums()["resumed"]) == (0, 1, 1, 2)
    assert keywords(second) == ("Ada",)
    assert [path.stat().st_mtime_ns for path in (first, third)] == before
    assert home.checkpoints() == []


def test_a_dry_run_forgets_no_checkpoint_and_makes_none(home: Home) -> None:
    broken = home.fill(2)[0]
    broken.write_bytes(b"")
    home.sync("--people")
    (checkpoint,) = home.checkpoints()
    before = checkpoint.read_bytes()
    ran = home.sync("--people", "--dry-run", "--resume")
    assert ran.sums()["total"] == 2
    assert checkpoint.read_bytes() == before
    assert home.sync("--people", "--resume").sums()["resumed"] == 1


def test_a_checkpoint_of_other_choices_is_not_resumed(home: Home) -> None:
    home.fill(2)[0].write_bytes(b"")
    home.sync("--people")
    ran = home.sync("--people", "--resume", "--write-to", "sidecar")
    assert ran.sums()["total"] == 2
    assert "starting afresh" in ran.out


def test_a_checkpoint_can_be_cleared_alone(home: Home) -> None:
    home.fill(1)[0].write_bytes(b"")
    home.sync("--people")
    assert home.checkpoints()
    assert home.run("sync", "--clear-checkpoint").code == 0
    assert home.checkpoints() == []


def test_a_stray_temporary_file_is_gone_after_the_next_run(home: Home) -> None:
    (path,) = home.fill(1)
    home.sync("--people")
    stray = path.parent / ".immich-meta-1-0badcafe.tmp"
    stray.write_bytes(b"half a photo")
    assert home.sync("--people", "--dry-run").code == 0
    assert stray.exists()
    assert home.sync("--people").sums()["unchanged"] == 1
    assert not stray.exists()


def test_sidecars_are_made_updated_and_counted(home: Home) -> None:
    path, asset = home.add("2024/IMG_1.jpg", **RICH)
    before = path.read_bytes()
    (line,) = home.report("--write-to", "sidecar")
    assert line["sidecar"] == f"{path}.xmp"
    assert path.read_bytes() == before
    assert "Ada" in Path(line["sidecar"]).read_text("utf-8")
    home.library.set_people(asset, ["Eve"])
    (line,) = home.report()  # a sidecar that exists is always updated too
    assert line["sidecar"] == f"{path}.xmp"
    sidecar = Path(line["sidecar"]).read_text("utf-8")
    assert "Eve" in sidecar
    assert ">Ada<" not in sidecar
    assert keywords(path) == ("Eve", "Berlin")
    assert home.sync().sums()["unchanged"] == 1


def test_originals_of_the_upload_library_are_announced_once(home: Home) -> None:
    home.add("2024/IMG_1.jpg", people=["Ada"], library_id=None)
    assert "would be changed for the first time (1): its integrity check" in home.sync("--people", "--dry-run").out
    assert "were changed for the first time (1): its integrity check" in home.sync("--people").out
    home.library.set_people(next(iter(home.library.assets.values())), ["Eve"])
    assert "integrity check" not in home.sync("--people").out


def test_the_time_module_honours_tz_for_moments_without_a_zone(home: Home) -> None:
    path, _ = home.add("2024/IMG_1.jpg", time_zone=None)
    home.sync("--time", TZ="Asia/Tokyo")
    assert read(path)["ExifIFD:DateTimeOriginal"] == "2024:05:01 12:00:00"
    assert "ExifIFD:OffsetTimeOriginal" not in read(path)
    assert path.stat().st_mtime_ns // 10**9 == seconds("2024-05-01T12:00:00+09:00")


def test_the_predecessors_script_takes_the_same_flags(home: Home) -> None:
    (path,) = home.fill(1)
    child = home.start("--people", "--only-new", script="from immich_meta.__main__ import ultra_sync; ultra_sync()")
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert "FINISH total=1 updated=1" in out
    assert keywords(path) == ("Ada",)


def test_nothing_chosen_is_a_usage_error(home: Home) -> None:
    ran = home.run("sync")
    assert ran.code == 2
    assert "--all" in ran.err
    assert os.listdir(home.directory) == []
