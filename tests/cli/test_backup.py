"""`backup` end to end: with a real PostgreSQL where there is one, and with a pg_dump that has faults."""

from __future__ import annotations

import ast
import gzip
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup import postgres
from tests.cli.home import ROOT, Home
from tests.conftest import absent
from tests.places import folder_for_all

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-ins are shell scripts")
SECRET = "s3cret-pass"
OURS = "immich-meta-db-20200101T00000{}Z.sql.gz"


@pytest.fixture(scope="module")
def database() -> Iterator[dict[str, str]]:
    programs = postgres.binaries()
    if programs is None or not shutil.which("pg_dump") or not shutil.which("psql"):
        absent("postgresql")
    assert programs is not None
    with folder_for_all() as folder, postgres.running(folder, programs) as settings:
        postgres.sql(settings, "immich", "CREATE TABLE asset (name text); INSERT INTO asset VALUES ('Zoë''s 山.jpg')")
        yield settings


@pytest.fixture
def target(offline: Home, tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    offline.environ |= {"BACKUP_TARGET": str(folder), "DB_PASSWORD": SECRET, "IMMICH_API_KEY": "the-api-key"}
    return folder


def fake(home: Home, tmp_path: Path, script: str) -> None:
    """A pg_dump in front of any other."""
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    program.chmod(0o755)
    home.environ["PATH"] = f"{program.parent}:/usr/bin:/bin"


def test_a_database_comes_back_from_its_backup(offline: Home, target: Path, database: dict[str, str]) -> None:
    ran = offline.run("backup", "--json", **database)
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    (path,) = target.iterdir()
    assert told["path"] == str(path)
    assert told["size"] == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    postgres.sql(database, "postgres", "CREATE DATABASE other")
    postgres.sql(database, "other", "", gzip.decompress(path.read_bytes()))
    assert postgres.sql(database, "other", "SELECT name FROM asset") == "Zoë's 山.jpg"


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ({"DB_PASSWORD": "not-the-password"}, "DB_PASSWORD"),
        ({"DB_PORT": "1"}, "DB_PORT"),
        ({"DB_NAME": "imich"}, "DB_NAME"),
        ({"DB_NAME": "host=elsewhere dbname=x"}, "DB_NAME"),
        ({"DB_HOST": "no.such.host.invalid"}, "DB_HOST"),
    ],
)
def test_what_pg_dump_says_comes_with_the_setting_to_check(
    offline: Home, target: Path, database: dict[str, str], wrong: dict[str, str], cure: str
) -> None:
    ran = offline.run("backup", **{**database, **wrong})
    assert ran.code == 1
    assert "pg_dump failed (exit code 1): pg_dump: error:" in ran.err
    assert f"check {cure}" in ran.err.replace("DB_USERNAME and ", "").replace("DB_HOST and DB_PORT", cure)
    assert postgres.PASSWORD not in ran.said
    assert "not-the-password" not in ran.said
    assert list(target.iterdir()) == []


def test_pg_dump_gets_no_setting_as_argument_and_none_of_our_secrets(
    offline: Home, target: Path, tmp_path: Path
) -> None:
    fake(offline, tmp_path, f'echo "$@" > {tmp_path}/arguments; env > {tmp_path}/environ; echo "-- SQL"')
    assert offline.run("backup", DB_HOST="db host", DB_NAME="--help").code == 0
    arguments, environ = ((tmp_path / name).read_text() for name in ("arguments", "environ"))
    assert SECRET not in arguments
    assert "--help" not in arguments
    for line in (f"PGPASSWORD={SECRET}", "PGHOST=db host", "PGDATABASE=--help", "PGUSER=postgres", "PGPORT=5432"):
        assert line in environ.splitlines()
    assert "the-api-key" not in environ
    assert f"DB_PASSWORD={SECRET}" not in environ.splitlines()


def test_the_names_of_immichs_own_env_file_are_understood(offline: Home, target: Path, tmp_path: Path) -> None:
    fake(offline, tmp_path, f'env > {tmp_path}/environ; echo "-- SQL"')
    assert offline.run("backup", DB_HOSTNAME="database", DB_DATABASE_NAME="photos").code == 0
    environ = (tmp_path / "environ").read_text().splitlines()
    assert {"PGHOST=database", "PGDATABASE=photos"} <= set(environ)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"echo 'half of it'; echo 'wrong: {SECRET} refused' >&2; exit 3", "pg_dump failed (exit code 3): wrong: ***"),
        ("echo 'half of it'; kill -9 $$", "pg_dump failed (SIGKILL): it did not say why"),
        ("exit 0", "pg_dump wrote nothing"),
        ("echo 'server version mismatch' >&2; exit 1", "as new as the server"),
        ("yes 'a long complaint' | head -c 3000000 >&2; exit 1", "a long complaint"),
    ],
)
def test_a_failed_dump_leaves_nothing_and_removes_nothing(
    offline: Home, target: Path, tmp_path: Path, script: str, said: str
) -> None:
    fake(offline, tmp_path, script)
    old = [target / OURS.format(at) for at in range(9)]
    for path in old:
        path.write_bytes(b"x" * 500)
    ran = offline.run("backup", KEEP_BACKUPS="2")
    assert ran.code == 1
    assert said in ran.err
    assert SECRET not in ran.said
    assert "Traceback" not in ran.said
    assert len(ran.err) < 1500
    assert sorted(target.iterdir()) == old


def test_a_full_disk_leaves_nothing(offline: Home, target: Path, tmp_path: Path, tiny_disk: Path) -> None:
    fake(offline, tmp_path, "head -c 3000000 /dev/urandom")
    ran = offline.run("backup", BACKUP_TARGET=str(tiny_disk))
    assert ran.code == 1
    assert "No space left" in ran.err
    assert "Traceback" not in ran.err
    assert list(tiny_disk.iterdir()) == []


def test_the_oldest_of_our_own_go_and_nothing_else(offline: Home, target: Path, tmp_path: Path) -> None:
    fake(offline, tmp_path, 'echo "-- SQL"')
    for name in (*map(OURS.format, range(5)), "immich-db-backup-1577836800000.sql.gz", f"x{OURS.format(0)}", "a.jpg"):
        (target / name).write_bytes(b"x" * 500)
    (target / OURS.format(7)).symlink_to(target / "a.jpg")
    ran = offline.run("backup", "--json", KEEP_BACKUPS="3")
    assert ran.code == 0
    assert json.loads(ran.out)["removed"] == [str(target / OURS.format(at)) for at in range(3)]
    left = {path.name for path in target.iterdir()} - {Path(json.loads(ran.out)["path"]).name}
    others = {"immich-db-backup-1577836800000.sql.gz", f"x{OURS.format(0)}", "a.jpg"}
    assert left == {*map(OURS.format, (3, 4, 7)), *others}


def test_a_new_backup_is_kept_also_when_the_clock_went_back(offline: Home, target: Path, tmp_path: Path) -> None:
    fake(offline, tmp_path, 'echo "-- SQL"')
    for second in range(3):
        (target / f"immich-meta-db-20990101T00000{second}Z.sql.gz").write_bytes(b"x" * 500)
    ran = offline.run("backup", "--json", KEEP_BACKUPS="1")
    assert [str(path) for path in target.iterdir()] == [json.loads(ran.out)["path"]]


def test_what_a_killed_backup_left_goes_after_a_day(offline: Home, target: Path, tmp_path: Path) -> None:
    fake(offline, tmp_path, 'echo "-- SQL"')
    old, young = (target / f".immich-meta-db-2020010{day}T000000Z.sql.gz.7.tmp" for day in (1, 2))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    assert offline.run("backup").code == 0
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("number", [2, 15])
def test_a_stopped_backup_leaves_nothing(offline: Home, target: Path, tmp_path: Path, number: int) -> None:
    fake(offline, tmp_path, f"echo half; touch {tmp_path}/begun; exec sleep 60")
    child = offline.start("backup")
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    child.send_signal(number)
    _, err = child.communicate(timeout=10)
    assert (child.returncode, list(target.iterdir())) == (130, [])
    assert "Traceback" not in err


def test_without_pg_dump_it_is_said_what_to_do(offline: Home, target: Path, tmp_path: Path) -> None:
    ran = offline.run("backup", PATH=str(tmp_path))
    assert ran.code == 2
    assert "pg_dump was not found" in ran.err
    assert "postgresql-client" in ran.err
    assert list(target.iterdir()) == []


def test_without_a_folder_it_is_said_which_setting_it_is(offline: Home) -> None:
    ran = offline.run("backup", BACKUP_TARGET=None)
    assert ran.code == 2
    assert "BACKUP_TARGET is not set" in ran.err


def test_a_folder_that_is_not_there_is_not_made(offline: Home, target: Path, tmp_path: Path) -> None:
    fake(offline, tmp_path, 'echo "-- SQL"')
    ran = offline.run("backup", BACKUP_TARGET=str(target / "usb"))
    assert ran.code == 2
    assert "mount the disk" in ran.err
    assert list(target.iterdir()) == []


def test_what_is_there_is_listed_newest_first(offline: Home, target: Path) -> None:
    for at in (1, 2):
        (target / OURS.format(at)).write_bytes(b"x" * 500)
    ran = offline.run("backup", "--list", TZ="Asia/Tokyo")
    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()] == [
        ["2020-01-01", "09:00", "500", "bytes", OURS.format(2)],
        ["2020-01-01", "09:00", "500", "bytes", OURS.format(1)],
    ]
    assert "days old" in ran.err
    first, _ = (json.loads(line) for line in offline.run("backup", "--list", "--json").out.splitlines())
    assert (first["path"], first["size"], first["ours"]) == (str(target / OURS.format(2)), 500, True)
    assert first["age_days"] > 2000


def test_a_folder_that_cannot_be_listed_is_an_error(offline: Home, target: Path) -> None:
    ran = offline.run("backup", "--list", BACKUP_TARGET=str(target / "usb"))
    assert ran.code == 2
    assert "BACKUP_TARGET" in ran.err


@pytest.mark.parametrize(
    ("age", "warned"), [(None, "there is no backup"), (9, "9 days old"), (1, ""), ("gone", "no backup of")]
)
def test_a_run_that_writes_reminds_of_a_backup_and_goes_on(
    home: Home, tmp_path: Path, age: object, warned: str
) -> None:
    target = tmp_path / "backups"
    if age != "gone":
        target.mkdir()
    if isinstance(age, int):
        path = target / "immich-db-backup-x.sql.gz"
        path.write_bytes(b"x" * 500)
        os.utime(path, (time.time() - age * 86_400 - 60,) * 2)
    home.fill(1)
    dry = home.sync("--people", "--dry-run", BACKUP_TARGET=str(target))
    ran = home.sync("--people", BACKUP_TARGET=str(target))
    assert (ran.code, ran.sums()["updated"]) == (0, 1)
    assert "backup" not in dry.out
    assert ("WARNING" in ran.out and "backup" in ran.out) == bool(warned)
    assert warned.lower() in ran.out.lower()


def test_nobody_is_reminded_who_has_no_target(home: Home) -> None:
    home.fill(1)
    assert "backup" not in home.sync("--people").out


def test_only_the_backup_can_start_another_program() -> None:
    """Promise 1 of the project: no other file imports what starts one."""
    starters = {"subprocess", "pty", "popen2", "asyncio.subprocess"}
    calls = {"system", "popen", "execv", "execve", "execvp", "execl", "spawnv", "spawnl", "posix_spawn", "startfile"}
    found = set()
    for folder in ("immich_meta", "writers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = {each.name for each in node.names} if isinstance(node, (ast.Import, ast.ImportFrom)) else set()
                modules = {node.module} if isinstance(node, ast.ImportFrom) else names
                is_call = isinstance(node, ast.Attribute) and node.attr in calls
                if modules & starters or (isinstance(node, ast.Attribute) and is_call and _is_os(node)):
                    found.add(str(path.relative_to(ROOT)))
    assert found == {"immich_meta/backup/pg_dump.py"}


def _is_os(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "os"
