"""Several users in one run: each syncs as if alone, a file of two is the first one's, and nothing flips to and fro."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, Optional

import pytest

from immich_meta.demo.library import DemoAsset, Library
from immich_meta.demo.server import DemoServer
from immich_meta_writers import read
from tests.cli.home import UPLOADS, Home, Ran, keywords, lines_of, snapshot
from tests.cli.opened import opened_below

ANNA, BEN = "k3y-of-anna-nobody-may-see", "k3y-of-ben-nobody-may-see"
BENS_ID = "a6b1c5d2-0000-4000-8000-00000000000b"
BENS = "/data/library/ben"
EXTERNAL = "5f1b1f0c-0000-4000-8000-0000000000bb"
MODULES = ("--all", "--albums", "--tags")


class Household:
    """Anna and Ben on one server; each has a folder, and both have `shared` in an external library of their own."""

    def __init__(self, home: Home, server: DemoServer) -> None:
        self.home, self.server = home, server
        self.anna = server.library
        self.ben = Library(owner_id=BENS_ID, partner_ids=(), first_number=100_000)
        server.add_key(ANNA, "all")
        server.add_user(self.ben, BEN)
        photos = home.photos
        home.environ |= {
            "IMMICH_API_KEYS": f"anna:{ANNA},ben:{BEN}",
            "IMMICH_PATH_MAP": f"{UPLOADS}={photos}/anna;{BENS}={photos}/ben;/mnt/shared={photos}/shared",
        }
        del home.environ["IMMICH_API_KEY"]
        for name in ("anna", "ben", "shared"):
            (home.photos / name).mkdir()
            home.photo(f"{name}/kept.jpg")

    def add(self, user: str, path: str, **fields: Any) -> DemoAsset:
        """An asset of `anna` or `ben`; the file is there already or is made."""
        library: Library = getattr(self, user)
        place = {"anna": UPLOADS, "ben": BENS, "shared": "/mnt/shared"}
        folder, _, name = path.partition("/")
        file = self.home.photos / path
        if not file.exists():
            self.home.photo(path)
        fields = {"date": datetime(2024, 5, 1, 12), "time_zone": "Europe/Berlin", "library_id": EXTERNAL, **fields}
        return library.add_photo(f"{place[folder]}/{name}", content=file.read_bytes(), **fields)

    def share(self, name: str, anna: dict[str, Any], ben: dict[str, Any]) -> Path:
        """A file that both have, and what each says of it."""
        self.add("anna", f"shared/{name}", **anna)
        self.add("ben", f"shared/{name}", **ben)
        return self.home.photos / "shared" / name

    def sync(self, *arguments: str, **environ: Optional[str]) -> Ran:
        return self.home.run("sync", *MODULES, *arguments, **environ)

    def report(self, *arguments: str, **environ: Optional[str]) -> list[dict[str, Any]]:
        path = self.home.directory / "report.jsonl"
        self.sync("--report", str(path), *arguments, **environ)
        return lines_of(path)

    def file(self, path: str) -> Path:
        return self.home.photos / path


@pytest.fixture
def family(home: Home, server: DemoServer) -> Household:
    return Household(home, server)


def disagreements(lines: list[dict[str, Any]]) -> list[tuple[str, str, str, list[str]]]:
    """Name, whose, with whom, and the tags."""
    return [
        (
            os.path.basename(line["path"]),
            line["user"],
            line["disagreement"]["with"],
            sorted({change["tag"] for change in line["disagreement"]["changes"]}),
        )
        for line in lines
        if "disagreement" in line
    ]


def test_both_users_are_synced_with_a_line_for_each_and_a_total(family: Household) -> None:
    family.add("anna", "anna/a.jpg", people=["Ada"])
    family.add("ben", "ben/b.jpg", people=["Bob"])
    ran = family.sync()
    assert ran.code == 0, ran.said
    assert (keywords(family.file("anna/a.jpg")), keywords(family.file("ben/b.jpg"))) == (("Ada",), ("Bob",))
    lines = [line.split("] ", 2)[-1] for line in ran.out.splitlines()]
    finish = [line for line in lines if line.startswith("FINISH")]
    assert [(line.split()[1:3], line.split()[-1]) for line in finish] == [
        (["total=1", "updated=1"], "user=anna"),
        (["total=1", "updated=1"], "user=ben"),
    ]
    assert lines[-1].startswith("TOTAL users=2 total=2 updated=2 unchanged=0")


def test_the_history_says_whose_run_it_was(family: Household) -> None:
    family.add("anna", "anna/a.jpg", people=["Ada"])
    family.add("ben", "ben/b.jpg", people=["Bob"])
    family.sync()
    newest, oldest, *_ = family.home.run("history").out.splitlines()
    assert ("sync of ben" in newest, "sync of anna" in oldest) == (True, True)


def test_nobodys_key_is_in_the_log_the_report_or_an_error(family: Household) -> None:
    family.add("anna", f"anna/{BEN}.jpg", people=[BEN])
    family.add("ben", "ben/b.jpg", description=ANNA)
    ran = family.sync("--log-level", "DEBUG", "--report", str(family.home.directory / "report.jsonl"))
    report = (family.home.directory / "report.jsonl").read_text()
    for text in (ran.said, report, family.home.log):
        assert ANNA not in text
        assert BEN not in text
    assert "***" in report


def test_a_file_of_two_users_is_written_once_and_then_settles(family: Household) -> None:
    path = family.share("a.jpg", {"description": "Ours", "rating": 4}, {"description": "Ours", "rating": 4})
    first = family.report()
    assert [(line["user"], line["status"]) for line in first] == [("anna", "updated"), ("ben", "unchanged")]
    assert disagreements(first) == []
    before = snapshot(family.home.photos)
    with opened_below(family.home.photos) as names:
        assert [line["status"] for line in family.report()] == ["unchanged", "unchanged"]
    assert (names, snapshot(family.home.photos)) == ([], before)
    assert read(path)["XMP-dc:Description"] == "Ours"


DISAGREE = ({"description": "Hers", "people": ["Ada"], "rating": 4}, {"description": "His", "rating": 4})


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_a_disagreement_is_reported_in_every_run_and_never_written(family: Household, jobs: str) -> None:
    path = family.share("a.jpg", *DISAGREE)
    told = [("a.jpg", "ben", "anna", ["IFD0:ImageDescription", "IPTC:Caption-Abstract", "XMP-dc:Description"])]
    assert disagreements(family.report(IMMICH_META_JOBS=jobs)) == told
    before = snapshot(family.home.photos)
    for _ in range(3):
        lines = family.report(IMMICH_META_JOBS=jobs)
        assert disagreements(lines) == told
        assert [line["status"] for line in lines] == ["unchanged", "unchanged"]
    assert snapshot(family.home.photos) == before
    assert (read(path)["XMP-dc:Description"], keywords(path)) == ("Hers", ("Ada",))


def test_the_log_names_the_file_both_users_and_what_is_said(family: Household) -> None:
    family.share("a.jpg", *DISAGREE)
    ran = family.sync()
    assert ran.code == 0
    assert "a.jpg: unchanged, it is anna's first; ben would say" in ran.out
    assert '"Hers" -> "His"' in ran.out
    assert "Of what is another user's first, ben's Immich says something else (1 file)" in ran.out


def test_the_order_of_the_configuration_says_who_is_first(family: Household) -> None:
    path = family.share("a.jpg", *DISAGREE)
    family.sync(IMMICH_API_KEYS=f"ben:{BEN},anna:{ANNA}")
    assert read(path)["XMP-dc:Description"] == "His"


def test_nothing_flips_when_the_state_is_lost(family: Household) -> None:
    family.share("a.jpg", *DISAGREE)
    family.sync()
    before = snapshot(family.home.photos)
    for _ in range(2):
        shutil.rmtree(family.home.environ["IMMICH_META_STATE_DIR"])
        assert len(disagreements(family.report())) == 1
        assert snapshot(family.home.photos) == before


def test_nothing_flips_when_the_first_users_part_was_done_by_an_interrupted_run(family: Household) -> None:
    path = family.share("a.jpg", *DISAGREE)
    family.add("anna", "anna/broken.jpg")
    family.file("anna/broken.jpg").write_bytes(b"no photo at all")
    assert family.sync().code == 1
    assert len(list(family.home.directory.glob(".immich_sync_checkpoint.*"))) == 1
    ran = family.sync("--resume")
    assert "resumed=1" in ran.out
    assert read(path)["XMP-dc:Description"] == "Hers"


def test_nothing_flips_between_shards(family: Household) -> None:
    paths = [family.share(f"{at}.jpg", *DISAGREE) for at in range(6)]
    for _ in range(2):
        for shard in ("0/2", "1/2"):
            family.sync("--shard", shard)
        assert {read(path).get("XMP-dc:Description") for path in paths} == {"Hers"}


def test_a_file_that_both_reach_by_other_ways_is_one_file(family: Household) -> None:
    path = family.share("a.jpg", *DISAGREE)
    (family.home.photos / "by-link").symlink_to(family.home.photos / "shared")
    config = family.home.directory / "immich-sync.conf"
    config.write_text(f"[immich]\n[immich:ben]\nIMMICH_PATH_MAP=/mnt/shared={family.home.photos}/by-link\n")
    assert len(disagreements(family.report())) == 1
    assert read(path)["XMP-dc:Description"] == "Hers"


def test_a_dry_run_does_not_take_the_first_users_part_for_a_disagreement(family: Household) -> None:
    family.share("a.jpg", *DISAGREE)
    before = snapshot(family.home.photos)
    lines = family.report("--dry-run")
    assert [(line["user"], line["status"]) for line in lines] == [("anna", "simulated"), ("ben", "unchanged")]
    assert disagreements(lines) == []
    assert "anna reaches this file first" in lines[1]["notes"][0]
    assert snapshot(family.home.photos) == before
    family.sync()
    assert len(disagreements(family.report("--dry-run"))) == 1


def test_the_sections_of_an_ini_file_have_a_map_and_a_server_each(family: Household, tmp_path: Path) -> None:
    family.add("anna", "anna/a.jpg", people=["Ada"])
    with DemoServer(family.ben) as other:
        other.add_key(BEN, "all", user_id=BENS_ID)
        family.add("ben", "ben/b.jpg", people=["Bob"])
        config = family.home.directory / "family.conf"
        config.write_text(
            f"[immich]\nIMMICH_PHOTO_DIR={family.home.photos}\n"
            f"[immich:anna]\nIMMICH_API_KEY={ANNA}\nIMMICH_PATH_MAP={UPLOADS}={family.home.photos}/anna\n"
            f"[immich:ben]\nIMMICH_API_KEY={BEN}\nIMMICH_PATH_MAP={BENS}={family.home.photos}/ben\n"
            f"IMMICH_INSTANCE_URL={other.url}\n"
        )
        ran = family.sync("--config", str(config), IMMICH_API_KEYS=None, IMMICH_PATH_MAP=None)
    assert ran.code == 0, ran.said
    assert (keywords(family.file("anna/a.jpg")), keywords(family.file("ben/b.jpg"))) == (("Ada",), ("Bob",))


def test_one_users_revoked_key_stops_nobody_else_and_the_exit_code_says_so(family: Household) -> None:
    family.add("anna", "anna/a.jpg", people=["Ada"])
    family.add("ben", "ben/b.jpg", people=["Bob"])
    family.server.revoke(ANNA)
    ran = family.sync()
    assert ran.code == 3
    assert keywords(family.file("ben/b.jpg")) == ("Bob",)
    assert "[ERROR  ] anna: GET /users/me" in ran.out
    assert "not_finished=anna" in ran.out
    assert ANNA not in ran.said


def test_nothing_flips_in_a_night_in_which_the_first_user_is_not_heard_of(family: Household) -> None:
    path = family.share("a.jpg", *DISAGREE)
    family.sync()
    before = snapshot(family.home.photos)
    assert [each[:3] for each in disagreements(family.report("--user", "ben"))] == [("a.jpg", "ben", "anna")]
    family.server.revoke(ANNA)
    assert len(disagreements(family.report())) == 1
    family.server.add_key(ANNA, "all")
    family.server.fail(500, times=1, path="/albums")
    family.server.fail(500, times=None, path="/search/metadata")
    family.sync()
    family.server.clear_faults()
    assert snapshot(family.home.photos) == before
    assert len(disagreements(family.report())) == 1
    path.write_bytes(before[str(path)][0] + b"edited by somebody")
    family.sync("--user", "ben")
    assert read(path)["XMP-dc:Description"] == "His"  # it is nobody's any more
    family.sync()
    assert read(path)["XMP-dc:Description"] == "Hers"


def test_a_user_who_comes_first_does_not_wait_for_one_who_is_not_there(family: Household) -> None:
    path = family.share("a.jpg", *DISAGREE)
    family.sync()
    family.anna.by_path("/mnt/shared/a.jpg").description = "Hers, anew"
    family.sync("--user", "anna")
    assert read(path)["XMP-dc:Description"] == "Hers, anew"


def test_one_users_missing_library_stops_nobody_else(family: Household) -> None:
    family.add("ben", "ben/b.jpg", people=["Bob"])
    config = family.home.directory / "immich-sync.conf"
    config.write_text("[immich:anna]\nIMMICH_PATH_MAP=/data=/not/mounted\n")
    ran = family.sync()
    assert ran.code == 2
    assert "[ERROR  ] anna: " in ran.out
    assert keywords(family.file("ben/b.jpg")) == ("Bob",)


def test_two_keys_of_one_account_are_a_mistake_that_is_named(family: Household) -> None:
    family.server.add_key("another-key-of-anna", "all")
    ran = family.sync(IMMICH_API_KEYS=f"anna:{ANNA},ann:another-key-of-anna")
    assert ran.code == 2
    assert "the key of ann is of the same account as that of anna" in ran.out


def test_the_user_option_picks_some_in_the_configured_order(family: Household) -> None:
    family.add("anna", "anna/a.jpg", people=["Ada"])
    family.add("ben", "ben/b.jpg", people=["Bob"])
    assert [line["user"] for line in family.report("--user", "ben")] == ["ben"]
    assert keywords(family.file("anna/a.jpg")) == ()
    assert [line["user"] for line in family.report("--user", "ben", "--user", "Anna")] == ["anna", "ben"]
    ran = family.sync("--user", "eve")
    assert (ran.code, "there are anna, ben" in ran.err) == (2, True)


def test_each_user_has_an_album_cache_a_checkpoint_and_a_state_of_their_own(family: Household) -> None:
    family.add("anna", "anna/a.jpg", albums=["Spring"])
    family.add("ben", "ben/b.jpg", albums=["Summer"])
    family.sync()
    caches = sorted(family.home.directory.glob(".immich_album_cache*"))
    assert [len(json.loads(path.read_text())["albums_by_asset"]) for path in caches] == [1, 1]
    assert len(list(Path(family.home.environ["IMMICH_META_STATE_DIR"]).glob("*.sqlite"))) == 2
    seen = len(family.server.requests)
    family.sync()
    albums = [each for each in family.server.requests[seen:] if each.body.get("albumIds")]
    assert albums == []  # both caches serve
    assert family.home.run("sync", "--clear-album-cache").code == 0
    assert not list(family.home.directory.glob(".immich_album_cache*"))


def test_the_statistics_have_each_user_and_all_together(family: Household) -> None:
    family.add("anna", "anna/a.jpg")
    family.share("s.jpg", *DISAGREE)
    family.sync("--export-stats", "json")
    (path,) = family.home.directory.glob("immich_sync_stats_*.json")
    content = json.loads(path.read_text())
    assert (content["statistics"]["total"], content["statistics"]["disagreements"]) == (3, 1)
    assert {user: sums["total"] for user, sums in content["users"].items()} == {"anna": 2, "ben": 1}
    family.sync("--export-stats", "csv")
    (path,) = family.home.directory.glob("immich_sync_stats_*.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert rows[0] == ["Timestamp", "Metric", "Value", "User"]
    assert [row[2:] for row in rows if row[1] == "total"] == [["3", ""], ["2", "anna"], ["1", "ben"]]


def test_with_one_key_neither_report_nor_files_know_of_users(home: Home) -> None:
    home.add("a.jpg", people=["Ada"], albums=["Spring"])
    (line,) = home.report("--export-stats", "json")
    assert not {"user", "disagreement"} & set(line)
    (stats,) = home.directory.glob("immich_sync_stats_*.json")
    assert set(json.loads(stats.read_text())) == {"timestamp", "statistics"}
    assert (home.directory / ".immich_album_cache.json").exists()
