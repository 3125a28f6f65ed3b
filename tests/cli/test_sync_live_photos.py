"""Live photos in a run: the video gets what is said of the still, and is counted, reported, remembered as its own."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from immich_meta.demo.library import DemoAsset
from immich_meta.demo.movies import mov
from immich_meta.demo.reading import found_in
from immich_meta.demo.reread import reread
from immich_meta_writers import read
from immich_meta_writers.errors import UnsupportedError
from immich_meta_writers.plan import read_sidecar_of
from tests.cli.home import UPLOADS, Home, jpeg, snapshot, statuses, wait_until

TAKEN = datetime(2024, 5, 1, 12, 0)
SAID: Mapping[str, Any] = {
    "people": ["Ada", "Łukasz"], "albums": ["Spring"], "tags": ["Travel/Berlin"], "rating": 4, "favorite": True,
    "description": "Picnic", "latitude": 52.52, "longitude": 13.405,
}  # fmt: skip


def movie() -> bytes:
    """With a pairing tag, and the hour of a clock that goes wrong."""
    pairing = {"com.apple.quicktime.content.identifier": "5F1B-PAIR"}
    return mov([jpeg(1), jpeg(2)], (64, 48), datetime(2024, 5, 1, 3, tzinfo=timezone.utc), pairing)


def add_pair(home: Home, name: str, **fields: Any) -> tuple[Path, Path, DemoAsset, DemoAsset]:
    fields.setdefault("date", TAKEN)
    still_path, still = home.add(f"{name}.jpg", **fields)
    video_path = home.photo(f"{name}.mov", movie())
    video = home.library.add_motion_part(still, f"{UPLOADS}/{name}.mov", content=movie(), library_id=still.library_id)
    return still_path, video_path, still, video


def said(path: Path) -> dict[str, Any]:
    """What a file and its sidecar say."""
    try:
        values: dict[str, Any] = dict(read(path))
    except UnsupportedError:
        values = {}
    return {**read_sidecar_of(path)[1], **values}


def test_the_video_gets_all_that_is_said_of_the_still_but_where_faces_are(home: Home) -> None:
    still, video, _, asset = add_pair(home, "a", **SAID, boxes={"Ada": (8.0, 8.0, 24.0, 24.0)}, width=64, height=48)
    ran = home.sync()
    assert (ran.code, ran.sums()["total"], ran.sums()["updated"]) == (0, 2, 2)
    for name in ("XMP-dc:Subject", "XMP-iptcExt:PersonInImage", "XMP-iptcExt:Event", "XMP-lr:HierarchicalSubject",
                 "XMP-digiKam:TagsList", "XMP-xmp:Rating", "XMP-xmp:Label", "XMP-fstop:Favorite",
                 "XMP-dc:Description", "XMP-photoshop:DateCreated", "XMP-xmp:CreateDate"):  # fmt: skip
        assert said(video)[name] == said(still)[name], name
    assert said(video)["XMP-immichmeta:AssetId"] == asset.id
    assert "XMP-mwg-rs:RegionInfo" in said(still)
    assert "XMP-mwg-rs:RegionInfo" not in said(video)
    found = found_in(video, (64, 48), is_video=True)
    assert (found.date, found.description, found.rating) == (TAKEN, "Picnic", 4)
    assert found.mtime.replace(microsecond=0) == datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    assert (found.latitude, found.longitude) == pytest.approx((52.52, 13.405))
    assert b"5F1B-PAIR" in video.read_bytes()
    before = snapshot(home.photos)
    assert home.sync().sums()["unchanged"] == 2
    assert snapshot(home.photos) == before


def test_what_is_taken_from_the_still_is_taken_from_the_video(home: Home) -> None:
    _, video, still, _ = add_pair(home, "a", **SAID)
    home.sync()
    home.library.set_people(still, ["Ada"])
    home.library.take_from_album(still, "Spring")
    home.library.set_tags(still, [])
    still.rating, still.is_favorite, still.description = None, False, ""
    assert home.sync("--clear-album-cache").sums()["updated"] == 2
    values = said(video)
    assert values["XMP-dc:Subject"] == ("Ada",)
    for name in ("XMP-iptcExt:Event", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList", "XMP-xmp:Label"):
        assert not values.get(name)
    assert not values.get("XMP-dc:Description")
    assert home.sync().sums()["unchanged"] == 2


def test_what_immich_itself_says_of_the_video_counts_for_nothing(home: Home) -> None:
    _, video, _, asset = add_pair(home, "a", **SAID)
    asset.description, asset.rating, asset.is_favorite = "made by a re-read", 1, False
    asset.set_date(datetime(1999, 1, 1), "UTC")
    home.sync()
    values = said(video)
    assert (values["XMP-dc:Description"], values["XMP-xmp:Rating"]) == ("Picnic", "4")
    assert values["XMP-photoshop:DateCreated"] == "2024-05-01T12:00:00+02:00"


@pytest.mark.parametrize("by", ["option", "environment", "file"])
def test_still_leaves_the_videos_alone_and_counts_them(home: Home, by: str) -> None:
    still, video, _, asset = add_pair(home, "a", **SAID)
    before = video.read_bytes(), video.stat().st_mtime_ns
    if by == "file":
        (home.directory / "immich-sync.conf").write_text("[immich]\nIMMICH_LIVE_PHOTOS = still\n")
    options = ("--live-photos", "still") if by == "option" else ()
    environ = {"IMMICH_LIVE_PHOTOS": "still"} if by == "environment" else {}
    lines = home.report(*options, **environ)
    assert statuses(lines) == {still.name: "updated", video.name: "unchanged"}
    assert any("--live-photos still" in note for note in lines[1]["notes"])
    assert (video.read_bytes(), video.stat().st_mtime_ns) == before
    assert sorted(path.name for path in home.photos.iterdir()) == ["a.jpg", "a.mov"]
    assert home.sync("--live-photos", "both", **environ).sums()["updated"] == 1
    assert said(video)["XMP-immichmeta:AssetId"] == asset.id


def test_a_wrong_value_is_a_usage_error(home: Home) -> None:
    assert home.sync("--live-photos", "video").code == 2
    ran = home.sync(IMMICH_LIVE_PHOTOS="video")
    assert ran.code == 2
    assert "IMMICH_LIVE_PHOTOS" in ran.err


def test_the_report_names_both(home: Home) -> None:
    _, _, still, video = add_pair(home, "a", people=["Ada"])
    home.add("alone.jpg", people=["Ada"])
    lines = {line["asset_id"]: line for line in home.report("--people")}
    assert len(lines) == 3
    assert lines[still.id]["live_photo"] == {"part": "still", "other": video.id}
    assert lines[video.id]["live_photo"] == {"part": "video", "other": still.id}
    assert [line for line in lines.values() if "live_photo" not in line] == [lines[max(lines)]]
    assert "a.mov (video of a.jpg): updated" in home.log


def test_a_dry_run_shows_the_video_and_writes_nothing(home: Home) -> None:
    add_pair(home, "a", **SAID)
    before = snapshot(home.photos)
    ran = home.sync("--dry-run")
    assert (ran.sums()["simulated"], ran.sums()["total"]) == (2, 2)
    assert "a.mov (video of a.jpg): would be updated" in ran.out
    assert snapshot(home.photos) == before


def test_only_new_writes_a_video_whose_still_is_done(home: Home) -> None:
    still, video, _, asset = add_pair(home, "a", **SAID)
    home.sync("--live-photos", "still")
    lines = home.report("--only-new")
    assert statuses(lines) == {still.name: "unchanged", video.name: "updated"}
    assert said(video)["XMP-immichmeta:AssetId"] == asset.id


def test_a_run_that_is_resumed_between_still_and_video_writes_the_video(home: Home) -> None:
    stills = [add_pair(home, f"{at:02}", people=["Ada"], date=datetime(2024, 5, 1, 12, at)) for at in range(20)]
    assert home.server is not None
    child = home.start("sync", "--people", IMMICH_ASSET_BATCH_SIZE="1", IMMICH_SEARCH_PAGE_SIZE="2")
    wait_until(lambda: "XMP-immichmeta" in str(said(stills[1][0])) or child.poll() is not None)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    ran = home.sync("--people", "--resume")
    sums = ran.sums()
    assert sums["total"] + sums.get("resumed", 0) == 40
    for still, video, *_ in stills:
        assert said(still)["XMP-dc:Subject"] == said(video)["XMP-dc:Subject"] == ("Ada",)


def test_a_video_that_is_not_on_disk_is_missing_and_its_still_is_written(home: Home) -> None:
    _, video, _, _ = add_pair(home, "a", people=["Ada"])
    video.unlink()
    ran = home.sync("--people")
    assert (ran.code, ran.sums()["updated"], ran.sums()["missing"], ran.sums()["failed"]) == (0, 1, 1, 0)


@pytest.mark.parametrize("change", [{"is_trashed": True}, {"is_offline": True}, {"visibility": "locked"}])
def test_a_video_that_the_server_does_not_hand_out_is_one_note(home: Home, change: dict[str, Any]) -> None:
    still, video, _, asset = add_pair(home, "a", people=["Ada"])
    for name, value in change.items():
        setattr(asset, name, value)
    before = video.read_bytes()
    (line,) = home.report("--people")
    assert (line["status"], len(line["notes"])) == ("updated", 1)
    assert "video of this live photo" in line["notes"][0]
    assert video.read_bytes() == before
    assert said(still)["XMP-dc:Subject"] == ("Ada",)


@pytest.mark.parametrize("state", ["locked", "trashed"])
def test_the_video_of_a_still_that_is_locked_or_trashed_keeps_what_it_has(home: Home, state: str) -> None:
    _, _, still, _ = add_pair(home, "a", **SAID)
    add_pair(home, "b", people=["Ada"])
    home.sync()
    before = snapshot(home.photos)
    still.visibility, still.is_trashed = ("locked", False) if state == "locked" else ("timeline", True)
    lines = home.report()
    assert statuses(lines) == {"a.mov": "unsupported", "b.jpg": "unchanged", "b.mov": "unchanged"}
    assert next(line["error"]["kind"] for line in lines if line["error"]) == "still_not_listed"
    assert snapshot(home.photos) == before


def test_a_motion_part_that_immich_made_is_never_written(home: Home) -> None:
    still, asset = home.add("a.jpg", **SAID)
    part = home.photo("encoded-video/u/ab/cd/x-MP.mp4", movie())
    home.library.add_motion_part(asset, f"{UPLOADS}/encoded-video/u/ab/cd/x-MP.mp4")
    for mode in ("both", "still"):
        lines = home.report("--live-photos", mode)
        assert [line["status"] for line in lines][1] == "unsupported"
        assert lines[1]["error"]["kind"] == "derived"
    assert part.read_bytes() == movie()
    assert [path.name for path in part.parent.iterdir()] == [part.name]
    assert said(still)["XMP-dc:Subject"]


def test_a_plain_video_is_written_with_what_is_said_of_itself(home: Home) -> None:
    path = home.photo("plain.mov", movie())
    asset = home.library.add_video(f"{UPLOADS}/plain.mov", content=movie(), date=TAKEN, time_zone="UTC", **SAID)
    assert home.sync("--yes").sums()["updated"] == 1
    values = said(path)
    assert (values["XMP-dc:Description"], values["XMP-immichmeta:AssetId"]) == ("Picnic", asset.id)
    assert found_in(path, (64, 48), is_video=True).date == TAKEN
    assert home.sync("--yes").sums()["unchanged"] == 1


def test_nothing_moves_when_immich_reads_both_parts_again(home: Home) -> None:
    still, video, *assets = add_pair(home, "a", **SAID)
    home.sync()
    before = snapshot(home.photos)
    for _ in range(3):
        for path, asset in zip((still, video), assets):
            reread(home.library, asset, found_in(path, (64, 48), is_video=path == video))
        assert home.sync("--clear-album-cache").sums()["unchanged"] == 2
        assert snapshot(home.photos) == before
