"""`immich-meta doctor`: what it says of a sound set-up, in which form, and what it never says or does."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from immich_meta.demo.server import DemoServer
from immich_meta_writers.commit import sweep
from immich_meta_writers.commit.replacement import temporary_file
from tests.cli.home import KEY, UPLOADS, Home, snapshot

LEVELS = ("ok", "note", "warning", "fault")


def findings(home: Home, **environ: Any) -> dict[str, dict[str, Any]]:
    """By their ids; of several with one id the last one."""
    said = json.loads(home.run("doctor", "--json", **environ).out)
    return {finding["id"]: finding for finding in said["findings"]}


def test_a_sound_set_up_has_no_fault(sound: Home) -> None:
    before = snapshot(sound.photos)
    ran = sound.run("doctor", "--json")
    said = json.loads(ran.out)
    assert (ran.code, said["exit_code"], said["counts"]["fault"]) == (0, 0, 0)
    fine = {finding["id"] for finding in said["findings"] if finding["level"] == "ok"}
    assert fine >= {
        *("settings.understood", "server.reached", "key.permissions", "clock.server", "clock.zone", "paths.mapping"),
        *("folders.writable", "disk.features", "state.directory", "immich.face_import"),
    }
    assert snapshot(sound.photos) == before


@pytest.mark.parametrize("version", [(1, 133, 0), (2, 2, 3), (2, 7, 5), (3, 2, 2)])
def test_every_version_that_is_supported_is_sound(sound: Home, version: tuple[int, int, int]) -> None:
    with DemoServer(sound.library, version=version) as server:
        server.add_key(KEY, "all")
        assert sound.run("doctor", IMMICH_INSTANCE_URL=server.url).code == 0


def test_what_is_fine_is_said_too(sound: Home, server: DemoServer) -> None:
    (sound.directory / "dump.sql.gz").write_bytes(bytes(1000))
    for asset in sound.library.assets.values():
        asset.library_id = "5f1b1f0c-0000-4000-8000-0000000000ff"
    found = findings(
        sound,
        BACKUP_TARGET=str(sound.directory),
        IMMICH_META_XMP_ENGINE="builtin",
        FLASK_HOST="127.0.0.1",
    )
    fine = {ident for ident, finding in found.items() if finding["level"] == "ok"}
    assert fine >= {"backup.age", "xmp.engine", "web.closed", "immich.upload_library"}


def test_the_readmes_key_is_enough(sound: Home, server: DemoServer) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    line = readme[readme.index("make an API key") : readme.index("The key only needs to read")]
    named = [word for word in line.replace("`", " ").split() if word.rstrip(",.").count(".")]
    key = server.add_key("as-in-the-readme", *(word.rstrip(",.") for word in named))
    assert findings(sound, IMMICH_API_KEY=key)["key.permissions"]["level"] == "ok"


def test_each_finding_has_the_same_fields_and_all_but_good_ones_say_more(sound: Home, server: DemoServer) -> None:
    key = server.add_key("little", "asset.read", "user.read")
    said = json.loads(sound.run("doctor", "--json", IMMICH_API_KEY=key, IMMICH_META_JOBS="x").out)
    assert set(said) == {"exit_code", "counts", "findings"}
    assert sum(said["counts"].values()) == len(said["findings"])
    for finding in said["findings"]:
        assert set(finding) == {"id", "level", "user", "found", "means", "cure", "paste", "details"}
        assert finding["level"] in LEVELS
        assert finding["found"]
        if finding["level"] in ("warning", "fault"):
            assert finding["cure"]


def test_the_text_is_aligned_and_ends_with_the_sum(sound: Home, server: DemoServer) -> None:
    server.switches.imports_faces = True
    ran = sound.run("doctor", IMMICH_PATH_MAP=f"/data/library={sound.photos}")
    lines = ran.out.splitlines()
    assert "\x1b" not in ran.out
    for title in ("Settings", "Server", "API key", "Clock", "Paths", "Folders", "Disk", "State", "XMP"):
        assert title in lines
    levels = [line for line in lines if line.startswith("  ") and line[2] != " "]
    assert {line[2:11].strip().lower() for line in levels} <= set(LEVELS)
    assert any(line.startswith("  FAULT    Of 9 paths tried, 9 do not lead") for line in levels)
    at = lines.index("           -> The files are elsewhere. Set this:")
    assert lines[at + 1] == f"             IMMICH_PATH_MAP={UPLOADS}={sound.photos}"
    assert all(len(line) <= 100 or str(sound.photos) in line for line in lines)
    assert lines[-1].startswith("1 fault, ")
    assert ran.code == 1


def test_the_line_to_paste_mends_the_map(sound: Home) -> None:
    wrong = f"/data/library={sound.photos};/mnt/other={sound.directory}"
    paste = findings(sound, IMMICH_PATH_MAP=wrong)["paths.mapping"]["paste"]
    name, _, value = paste.partition("=")
    assert name == "IMMICH_PATH_MAP"
    mended = findings(sound, IMMICH_PATH_MAP=value)["paths.mapping"]
    assert (mended["level"], mended["paste"]) == ("ok", "")


def test_libraries_in_several_places_get_a_line_with_all_of_them(sound: Home, tmp_path: Path) -> None:
    for at in range(3):
        path = tmp_path / f"disk/trips/alps/IMG_9{at:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photo %d" % at)
        sound.library.add_photo(
            f"/mnt/external/trips/alps/{path.name}",
            content=path.read_bytes(),
            library_id="5f1b1f0c-0000-4000-8000-0000ee",
        )
    (tmp_path / "disk/empty").mkdir()
    wrong = {"IMMICH_PHOTO_DIR": str(sound.photos), "IMMICH_PATH_MAP": f"/mnt/external={tmp_path}/disk/empty"}
    paste = findings(sound, **wrong)["paths.mapping"]["paste"]
    assert set(paste.partition("=")[2].split(";")) == {f"{UPLOADS}={sound.photos}", f"/mnt/external={tmp_path}/disk"}


@pytest.mark.parametrize("segments", ["1", "3", "10"])
def test_files_that_are_found_by_searching_give_the_line_to_keep(sound: Home, segments: str) -> None:
    environ = {"IMMICH_PATH_MAP": None, "IMMICH_PATH_SEGMENTS": segments}
    found = findings(sound, **environ)["paths.mapping"]
    assert (found["level"], found["paste"]) == ("note", f"IMMICH_PATH_MAP={UPLOADS}={sound.photos}")


def test_three_paths_are_shown_those_that_lead_nowhere_first(sound: Home) -> None:
    lost = next(sound.photos.rglob("IMG_0005.jpg"))
    lost.unlink()
    shown = findings(sound)["paths.mapping"]["details"]
    assert len(shown) == 3
    assert shown[0] == f"{UPLOADS}/2024/02/IMG_0005.jpg -> {lost} (not found)"
    assert all(line.endswith(".jpg (found)") for line in shown[1:])


def test_a_file_that_was_written_before_is_no_stranger(sound: Home) -> None:
    sound.sync("--people", "--yes")
    assert "paths.other_files" not in findings(sound)


def test_a_partners_photos_do_not_count(sound: Home) -> None:
    for at in range(20):
        partners = sound.library.partner_ids[0]
        sound.library.add_photo(f"/data/library/ben/IMG_{at}.jpg", owner_id=partners)
    assert findings(sound)["paths.mapping"]["found"].startswith("All 9 paths")


def test_what_needs_no_server_is_checked_without_one(sound: Home, server: DemoServer) -> None:
    url = server.url
    server.close()
    found = findings(sound, IMMICH_INSTANCE_URL=url, IMMICH_META_JOBS="several")
    assert {"settings.wrong", "server.unreachable"} == {each for each in found if found[each]["level"] == "fault"}
    assert {"paths.directory", "folders.writable", "disk.space", "disk.features", "state.directory", "xmp.engine"} <= {
        "paths.directory" if ident == "paths.not_mounted" else ident for ident in found
    }


def test_no_setting_at_all_ends_with_findings_and_not_with_an_error(sound: Home) -> None:
    sound.environ = {}
    ran = sound.run("doctor")
    assert ran.code == 2
    assert ran.err == ""
    assert "IMMICH_INSTANCE_URL and IMMICH_API_KEY are not set" in ran.out


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_chooses_nothing_by_chance_gives_its_oldest_and_newest(
    sound: Home, server: DemoServer, status: int
) -> None:
    server.fail(status, path="/search/random", times=None)
    assert findings(sound)["paths.mapping"]["found"].startswith("All 9 paths")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_secret_is_ever_told(sound: Home, server: DemoServer, form: tuple[str, ...]) -> None:
    url = server.url.replace("http://", "http://ada:pa55w0rd@")
    runs = [
        sound.run("doctor", *form, IMMICH_INSTANCE_URL=url),
        sound.run("doctor", *form, IMMICH_INSTANCE_URL=url + "/?x", IMMICH_API_KEY=f"{KEY} {KEY}"),
        sound.run("doctor", *form, DB_PASSWORD="s3cr3t-word", BACKUP_TARGET="/no/s3cr3t-word"),
        sound.run("doctor", *form, IMMICH_PHOTO_DIR=f"/nowhere/{KEY}", IMMICH_PATH_MAP=None),
    ]
    server.fail(400, path="/users/me", times=None, message=f"the key {KEY} is not welcome")
    runs.append(sound.run("doctor", *form))
    for ran in runs:
        assert KEY not in ran.said
        assert "pa55w0rd" not in ran.said
        assert "s3cr3t-word" not in ran.said
        assert "Traceback" not in ran.said


def test_names_that_would_forge_a_line_do_not(sound: Home) -> None:
    name = "2024/01/x\n  FAULT    \x1b[31mforged\u202e.jpg"
    sound.library.add_photo(f"{UPLOADS}/{name}", library_id="5f1b1f0c-0000-4000-8000-0000000000ee")
    ran = sound.run("doctor")
    assert "x\\n  FAULT    \\x1b[31mforged\\u202e.jpg" in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize(("host", "password"), [("::1", None), ("localhost", None), ("0.0.0.0", "long-enough")])
def test_a_page_for_this_machine_or_with_a_password_is_fine(sound: Home, host: str, password: Any) -> None:
    found = findings(sound, FLASK_HOST=host, IMMICH_META_WEB_PASSWORD=password)
    assert found["web.closed"]["level"] == "ok"
    assert "web.open" not in found


def test_the_page_names_every_finding_and_no_other() -> None:
    root = Path(__file__).parents[2]
    areas = "settings|server|key|clock|paths|folders|disk|state|xmp|backup|web|immich"
    page = (root / "docs/doctor.md").read_text("utf-8")
    code = "".join(path.read_text("utf-8") for path in (root / "immich_meta/doctor").glob("*.py"))
    assert 'f"backup.{due.kind}"' in code
    told = set(re.findall(rf"`((?:{areas})\.[a-z_]+)`", page)) - {"backup.old", "backup.none", "backup.unreadable"}
    assert told == set(re.findall(rf'"((?:{areas})\.[a-z_]+)"', code))


def test_what_a_killed_doctor_leaves_is_swept_by_the_next_run(tmp_path: Path) -> None:
    with temporary_file(str(tmp_path)) as temporary:
        left = tmp_path / (os.path.basename(temporary.path)[:-8] + "dead.tmp")
        left.write_bytes(b"a try")
    assert sweep(str(tmp_path)) == 1
    assert not left.exists()


def test_with_a_sidecar_directory_the_library_is_neither_tried_nor_found_fault_with(sound: Home) -> None:
    before = {str(path): path.stat().st_mtime_ns for path in (sound.photos, *sound.photos.rglob("*"))}
    side = sound.directory.parent / "side"
    found = findings(sound, IMMICH_META_SIDECAR_DIR=str(side))
    assert found["folders.writable"]["level"] == "ok"
    assert {str(path): path.stat().st_mtime_ns for path in (sound.photos, *sound.photos.rglob("*"))} == before
    assert not side.exists()
    found = findings(sound, IMMICH_META_SIDECAR_DIR=str(sound.photos / "side"))
    assert found["paths.sidecar_dir"]["level"] == "fault"
