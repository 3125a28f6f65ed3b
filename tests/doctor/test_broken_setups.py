"""`doctor` and set-ups that are broken, each for real: it names the fault and the cure."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

import pytest

from immich_meta.demo.server import DemoServer
from immich_meta.state import open_store
from tests.cli.home import KEY, UPLOADS, Home, jpeg, snapshot
from tests.places import small_disk

ADMIN = "/data/library"
NOBODY = 65534


class Broken(NamedTuple):
    """`breaks` prepares the home, and answers with variables to set or to take away; what it opens stays open until
    the doctor has been. Afterwards there is a finding `id` of this level, its cure says `words`, and the command ends
    with `code`."""

    breaks: Callable[[Home, contextlib.ExitStack], Optional[dict[str, Optional[str]]]]
    id: str
    words: tuple[str, ...]
    level: str = "fault"
    code: int = 1


def no_server(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return {"IMMICH_INSTANCE_URL": f"http://127.0.0.1:{listener.getsockname()[1]}"}


def tls_where_there_is_none(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"IMMICH_INSTANCE_URL": server_of(home).url.replace("http:", "https:")}


def a_web_page(home: Home, stack: contextlib.ExitStack) -> None:
    server_of(home).web_page()


def an_old_server(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return another_server(home, stack, (1, 132, 3))


def maintenance(home: Home, stack: contextlib.ExitStack) -> None:
    server_of(home).switches.maintenance = True


def a_wrong_key(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"IMMICH_API_KEY": "another-one"}


def a_key_that_may_little(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"IMMICH_API_KEY": server_of(home).add_key("little", "asset.read", "user.read", "tag.read", "face.read")}


def a_key_that_may_little_on_a_server_that_does_not_tell(
    home: Home, stack: contextlib.ExitStack
) -> dict[str, Optional[str]]:
    environ = another_server(home, stack, (2, 0, 1))
    assert home.server is not None
    return {**environ, "IMMICH_API_KEY": home.server.add_key("little", "asset.read", "user.read", "album.read")}


def a_key_that_does_not_list(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"IMMICH_API_KEY": server_of(home).add_key("little", "album.read")}


def a_clock_of_another_zone(home: Home, stack: contextlib.ExitStack) -> None:
    server_of(home).switches.clock_offset = -5 * 3600


def a_clock_that_is_a_little_fast(home: Home, stack: contextlib.ExitStack) -> None:
    server_of(home).switches.clock_offset = 180


def imported_faces(home: Home, stack: contextlib.ExitStack) -> None:
    server_of(home).switches.imports_faces = True


def no_photo_directory(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"IMMICH_PATH_MAP": None, "IMMICH_PHOTO_DIR": "/no/such/library"}


def an_empty_mount(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    (home.directory / "library").mkdir()
    return {"IMMICH_PATH_MAP": None, "IMMICH_PHOTO_DIR": str(home.directory / "library")}


def a_map_one_level_off(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"IMMICH_PATH_MAP": f"{ADMIN}={home.photos}"}


def a_library_that_is_not_here(home: Home, stack: contextlib.ExitStack) -> None:
    for folder in home.photos.glob("2024/*"):
        shutil.rmtree(folder)
    home.photo("2024/note.txt", b"")


def some_files_gone(home: Home, stack: contextlib.ExitStack) -> None:
    next(home.photos.rglob("IMG_0004.jpg")).unlink()


def an_older_copy(home: Home, stack: contextlib.ExitStack) -> None:
    for path in home.photos.rglob("*.jpg"):
        path.write_bytes(jpeg(7) + b"older")


def files_of_another_user(home: Home, stack: contextlib.ExitStack) -> None:
    for path in home.photos.rglob("*"):
        if path.is_dir():
            path.chmod(0o777)
        else:
            path.chmod(0o666)
    stack.enter_context(as_nobody(home))


def photos_that_are_read_only(home: Home, stack: contextlib.ExitStack) -> None:
    only_root()
    for path in home.photos.rglob("*"):
        os.chown(path, NOBODY, NOBODY)
        if path.is_file():
            path.chmod(0o444)
    stack.enter_context(as_nobody(home))


def folders_of_another_user(home: Home, stack: contextlib.ExitStack) -> None:
    stack.enter_context(as_nobody(home))


def a_read_only_mount(home: Home, stack: contextlib.ExitStack) -> None:
    photos = str(home.photos)
    for command in (["mount", "--bind", photos, photos], ["mount", "-o", "remount,bind,ro", photos]):
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("only root may mount a file system")
        if command[1] == "--bind":
            stack.callback(subprocess.run, ["umount", photos], check=True)


def a_full_disk(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    disk = stack.enter_context(small_disk(home.directory, "256k"))
    shutil.copytree(home.photos / "2024", disk / "2024")
    return {"IMMICH_PATH_MAP": f"{UPLOADS}={disk}"}


def a_disk_for_few_files(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    disk = stack.enter_context(small_disk(home.directory, "16m,nr_inodes=30"))
    shutil.copytree(home.photos / "2024", disk / "2024")
    return {"IMMICH_PATH_MAP": f"{UPLOADS}={disk}"}


def a_state_that_cannot_be_kept(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    (home.directory / "state").write_bytes(b"")
    return {"IMMICH_META_STATE_DIR": str(home.directory / "state")}


def a_read_only_place_to_start_in(home: Home, stack: contextlib.ExitStack) -> None:
    stack.enter_context(as_nobody(home))


def a_key_that_may_not_refresh(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    reads = ("asset.read", "user.read", "album.read", "tag.read", "face.read", "person.read", "asset.edit.get")
    return {"IMMICH_API_KEY": server_of(home).add_key("reads", *reads), "IMMICH_META_REFRESH": "immich"}


def another_run(home: Home, stack: contextlib.ExitStack) -> None:
    state = Path(home.environ["IMMICH_META_STATE_DIR"])
    stack.enter_context(open_store(state, "busy", warn=pytest.fail, command="sync"))


def exempi_that_does_not_load(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    patch.setitem(__import__("sys").modules, "libxmp", None)
    return {"IMMICH_META_XMP_ENGINE": "exempi"}


def wrong_settings(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"IMMICH_PATH_SEGMENTS": "many", "TZ": "Europe/Atlantis"}


def no_settings(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"IMMICH_INSTANCE_URL": None, "IMMICH_API_KEY": None}


def a_misspelt_setting(home: Home, stack: contextlib.ExitStack) -> None:
    (home.directory / "immich-sync.conf").write_text("[immich]\nIMMICH_PATHMAP = /data=/photos\n", "utf-8")


def a_server_of_the_future(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return another_server(home, stack, (4, 0, 0))


def a_garbled_file(home: Home, stack: contextlib.ExitStack) -> None:
    (home.directory / "immich-sync.conf").write_text("IMMICH_JOBS = 2\n", "utf-8")


def an_old_backup(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    backup = home.directory / "immich-db-backup-20240101T030000-v3.2.2.sql.gz"
    backup.write_bytes(bytes(1000))
    return {"BACKUP_TARGET": str(home.directory)}


def a_backup_disk_that_is_not_there(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"BACKUP_TARGET": "/no/such/disk"}


def a_page_for_everybody(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"FLASK_HOST": "0.0.0.0"}


def a_zone_that_nobody_chose(home: Home, stack: contextlib.ExitStack) -> dict[str, Optional[str]]:
    return {"TZ": None}


BROKEN = (
    Broken(no_server, "server.unreachable", ("IMMICH_INSTANCE_URL", "runs"), code=3),
    Broken(tls_where_there_is_none, "server.tls", ("http://",), code=3),
    Broken(a_web_page, "server.not_immich", ("IMMICH_INSTANCE_URL", "opens Immich in a browser"), code=3),
    Broken(an_old_server, "server.too_old", ("1.133 or newer",), code=3),
    Broken(a_server_of_the_future, "server.too_new", ("newer immich-meta",), "warning", 0),
    Broken(maintenance, "server.maintenance", ("maintenance", "wait"), code=3),
    Broken(a_wrong_key, "key.wrong", ("Account Settings > API Keys", "IMMICH_API_KEY"), code=3),
    Broken(a_key_that_may_little, "key.permissions", ("album.read, person.read, asset.edit.get", "API Keys")),
    Broken(a_key_that_may_little_on_a_server_that_does_not_tell, "key.permissions", ("tag.read, face.read",)),
    Broken(a_key_that_does_not_list, "key.permissions", ("asset.read, user.read",)),
    Broken(a_key_that_may_not_refresh, "key.permissions", ("Add job.create",), "warning", 0),
    Broken(a_clock_of_another_zone, "clock.server", ("NTP", "date -u")),
    Broken(a_clock_that_is_a_little_fast, "clock.server", ("NTP",), "note", 0),
    Broken(a_zone_that_nobody_chose, "clock.zone_guessed", ("TZ=Europe/Berlin",), "", 0),
    Broken(imported_faces, "immich.face_import", ("Metadata Settings", "--face-coordinates"), "warning", 0),
    Broken(no_photo_directory, "paths.directory", ("IMMICH_PHOTO_DIR", "mount it there")),
    Broken(an_empty_mount, "paths.directory", ("-v /path/on/the/host:",)),
    Broken(a_map_one_level_off, "paths.mapping", ("Set this",)),
    Broken(a_library_that_is_not_here, "paths.mapping", ("IMMICH_PATH_MAP=/data/library=", "mounted")),
    Broken(some_files_gone, "paths.mapping", ("IMMICH_PATH_MAP",), "warning", 0),
    Broken(an_older_copy, "paths.other_files", ("IMMICH_PATH_MAP",), "warning", 0),
    Broken(folders_of_another_user, "folders.no_permission", ("PUID", "write access")),
    Broken(files_of_another_user, "folders.owner", ("Run as 0:0", "PUID")),
    Broken(photos_that_are_read_only, "folders.read_only_files", ("chmod u+w",)),
    Broken(a_read_only_mount, "folders.read_only", (":ro",)),
    Broken(a_full_disk, "disk.space", ("Free some space",)),
    Broken(a_disk_for_few_files, "disk.inodes", ("Remove files",)),
    Broken(a_state_that_cannot_be_kept, "state.directory", ("IMMICH_META_STATE_DIR",)),
    Broken(a_read_only_place_to_start_in, "state.working_directory", ("working_dir",), "warning", 1),
    Broken(another_run, "state.busy", ("Wait",), "note", 0),
    Broken(an_old_backup, "backup.old", ("immich-meta backup",), "warning", 0),
    Broken(a_backup_disk_that_is_not_there, "backup.unreadable", ("mounted",), "warning", 0),
    Broken(a_page_for_everybody, "web.open", ("IMMICH_META_WEB_PASSWORD", "FLASK_HOST=127.0.0.1")),
    Broken(exempi_that_does_not_load, "xmp.engine", ("libexempi8", "builtin")),
    Broken(wrong_settings, "settings.wrong", ("from 1 to 10", "Europe/Berlin"), code=2),
    Broken(no_settings, "settings.missing", ("IMMICH_INSTANCE_URL=", "IMMICH_API_KEY="), code=2),
    Broken(a_misspelt_setting, "settings.unknown", ("name in the file",), "warning", 0),
    Broken(a_garbled_file, "settings.wrong", ("[immich]",), code=2),
)


def server_of(home: Home) -> DemoServer:
    assert home.server is not None
    return home.server


def another_server(
    home: Home, stack: contextlib.ExitStack, version: tuple[int, int, int]
) -> dict[str, Optional[str]]:
    """A server of that version with the same library; it is the home's from now on."""
    home.server = stack.enter_context(DemoServer(home.library, version=version))
    home.server.add_key(KEY, "all")
    return {"IMMICH_INSTANCE_URL": home.server.url}


def only_root() -> None:
    if os.name != "posix" or os.getuid() != 0:
        pytest.skip("only root can be another user")


@contextlib.contextmanager
def as_nobody(home: Home) -> Iterator[None]:
    """As an ordinary user, who gets as far as the photos."""
    only_root()
    for folder in home.photos.resolve().parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    Path(home.environ["IMMICH_META_STATE_DIR"]).mkdir(mode=0o777, exist_ok=True)
    Path(home.environ["IMMICH_META_STATE_DIR"]).chmod(0o777)
    os.setresgid(NOBODY, NOBODY, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


def examined(home: Home, **environ: Optional[str]) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON, and all that was said."""
    ran = home.run("doctor", "--json", **environ)
    assert ran.err == ""
    return ran.code, json.loads(ran.out), ran.said


@pytest.mark.parametrize("row", BROKEN, ids=[row.breaks.__name__ for row in BROKEN])
def test_the_doctor_names_the_fault_and_the_cure(sound: Home, row: Broken) -> None:
    # What a first call imports is not in reach of every user.
    assert examined(sound)[0] == 0
    with contextlib.ExitStack() as stack:
        environ = row.breaks(sound, stack) or {}
        before = snapshot(sound.photos)
        code, said, text = examined(sound, **environ)
    named = [finding for finding in said["findings"] if finding["id"] == row.id and finding["level"] != "ok"]
    assert named, said["findings"]
    assert {finding["level"] for finding in named} <= ({row.level} if row.level else {"note", "warning"})
    for words in row.words:
        assert any(words in finding["cure"] for finding in named), (words, named)
    assert (code, said["exit_code"]) == (row.code, row.code)
    assert KEY not in text
    assert snapshot(sound.photos) == before
    assert not list(sound.photos.rglob(".*"))
