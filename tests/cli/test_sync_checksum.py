"""`--check-checksum`: an original of the upload library that is not what was uploaded is reported and left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from immich_meta.demo.library import DemoAsset
from tests.cli.home import Home, jpeg, keywords, lines_of, snapshot, statuses
from tests.cli.opened import opened_below

CHECK = ("--people", "--check-checksum")


def rotten(home: Home, name: str, **fields: Any) -> tuple[Path, DemoAsset]:
    """A file of the size that was uploaded, with other bytes in it."""
    path, asset = home.add(name, people=["Ada"], **fields)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1  # the picture, not its structure
    path.write_bytes(content)
    return path, asset


def test_an_upload_that_is_not_what_was_uploaded_is_reported_and_not_written(home: Home) -> None:
    bad, asset = rotten(home, "bad.jpg", library_id=None)
    good, _ = home.add("good.jpg", jpeg(1), people=["Ada"], library_id=None)
    before = snapshot(home.photos)
    report = home.directory / "report.jsonl"
    for _ in range(2):
        ran = home.sync(*CHECK, "--report", str(report))
        assert ran.code == 1
        (line,) = [line for line in lines_of(report) if line["asset_id"] == asset.id]
        assert (line["status"], line["error"]["kind"], line["changes"]) == ("failed", "checksum_mismatch", [])
        assert str(bad) in line["error"]["message"]
        assert snapshot(home.photos)[str(bad)] == before[str(bad)]
        assert keywords(good) == ("Ada",)


def test_after_the_first_touch_the_checksum_is_another_and_is_not_compared(home: Home) -> None:
    path, asset = home.add("a.jpg", people=["Ada"], library_id=None)
    assert home.sync(*CHECK).code == 0
    assert home.sync(*CHECK).sums()["unchanged"] == 1
    home.library.set_people(asset, ["Ada", "Eve"])
    assert (home.sync(*CHECK).code, keywords(path)) == (0, ("Ada", "Eve"))
    assert home.sync(*CHECK, "--verify").code == 0


def test_the_original_brought_back_is_written(home: Home) -> None:
    path, _ = rotten(home, "a.jpg", library_id=None)
    assert home.sync(*CHECK).code == 1
    path.write_bytes(jpeg())
    assert (home.sync(*CHECK).code, keywords(path)) == (0, ("Ada",))


def test_without_the_option_nothing_is_compared(home: Home) -> None:
    path, _ = rotten(home, "a.jpg", library_id=None)
    assert (home.sync("--people").code, keywords(path)) == (0, ("Ada",))


def test_files_of_an_external_library_have_no_checksum_of_their_content(home: Home) -> None:
    path, _ = rotten(home, "a.jpg")
    assert (home.sync(*CHECK).code, keywords(path)) == (0, ("Ada",))


def test_a_sidecar_beside_an_upload_touches_no_original(home: Home) -> None:
    path, _ = rotten(home, "a.jpg", library_id=None)
    before = path.read_bytes()
    assert home.sync(*CHECK, "--write-to", "sidecar").code == 0
    assert path.read_bytes() == before
    assert path.with_name("a.jpg.xmp").exists()


@pytest.mark.parametrize("checksum", ["", "no checksum", "AAAA"])
def test_a_server_that_tells_no_checksum_is_no_reason_to_refuse(home: Home, checksum: str) -> None:
    path, _ = home.add("a.jpg", people=["Ada"], library_id=None, checksum=checksum)
    assert (home.sync(*CHECK).code, keywords(path)) == (0, ("Ada",))


def test_a_dry_run_writes_nothing_and_workers_compare_too(home: Home) -> None:
    rotten(home, "a.jpg", library_id=None)
    before = snapshot(home.photos)
    assert statuses(home.report(*CHECK, "--dry-run")) == {"a.jpg": "simulated"}
    assert home.sync(*CHECK, "--jobs", "1").code == 1
    assert snapshot(home.photos) == before


def test_a_mismatch_is_looked_at_again_each_time(home: Home) -> None:
    rotten(home, "a.jpg", library_id=None)
    for _ in range(2):
        with opened_below(home.photos) as names:
            assert home.sync(*CHECK).code == 1
        assert set(names) == {"a.jpg"}
