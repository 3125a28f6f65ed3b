"""Which files count as backups of a database, how old they are, and when somebody is reminded."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from immich_meta.backup import backups_in, reminder, reminder_about

DAY = 86_400
NOW = datetime(2026, 11, 30, 12, tzinfo=timezone.utc).timestamp()


def a_file(folder: Path, name: str, *, days_old: float = 0, size: int = 500) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (NOW - days_old * DAY,) * 2)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "immich-meta-db-20261130T110000Z.sql.gz",
        "immich-db-backup-1796036400000.sql.gz",
        "immich-db-backup-20261130T110000-v3.2.2-pg14.17.sql.gz",
        "20261130_030000/database/immich_db_20261130_030000.sql.gz",
        "immich.dump",
        "DUMP.SQL",
        "all databases.sql.zst",
    ],
)
def test_backups_of_every_maker_are_known(tmp_path: Path, name: str) -> None:
    path = a_file(tmp_path, name)
    assert [each.path for each in backups_in(tmp_path).found] == [path]
    assert reminder_about(tmp_path, NOW, 5) is None


@pytest.mark.parametrize(
    "name", ["photo.jpg", ".immich-meta-db-20261130T110000Z.sql.gz.7.tmp", "a.sql.gz.tmp", "other/a.sql", "sql"]
)
def test_other_files_are_none(tmp_path: Path, name: str) -> None:
    a_file(tmp_path, name)
    assert backups_in(tmp_path).found == ()


def test_what_a_failed_pipe_leaves_is_no_backup(tmp_path: Path) -> None:
    a_file(tmp_path, "immich.sql.gz", size=20)
    (tmp_path / "folder.sql").mkdir()
    (tmp_path / "link.sql").symlink_to(tmp_path / "nowhere")
    assert backups_in(tmp_path).found == ()


@pytest.mark.parametrize(("days", "kind"), [(4.9, ""), (5.1, "old"), (400, "old"), (-3, "")])
def test_a_reminder_comes_when_the_newest_is_older_than_the_limit(tmp_path: Path, days: float, kind: str) -> None:
    a_file(tmp_path, "immich.sql", days_old=days)
    a_file(tmp_path, "older.sql", days_old=500)
    due = reminder_about(tmp_path, NOW, 5)
    assert (due.kind if due else "") == kind
    assert due is None or "immich.sql" in str(due)
    assert due is None or "DB_BACKUP_MAX_AGE_DAYS" in str(due)


@pytest.mark.parametrize(
    "name",
    [
        "immich-meta-db-20261101T120000Z.sql.gz",
        "immich-db-backup-20261101T120000-v3.2.2-pg14.17.sql.gz",
        "immich-db-backup-1793534400000.sql.gz",
        "20261101_120000/database/immich_db_20261101_120000.sql.gz",
    ],
)
def test_a_copy_is_as_old_as_its_name_says(tmp_path: Path, name: str) -> None:
    a_file(tmp_path, name, days_old=0)
    due = reminder_about(tmp_path, NOW, 5)
    assert due is not None
    assert "29 days old" in str(due)


def test_a_name_with_a_date_that_does_not_exist_is_as_old_as_the_file(tmp_path: Path) -> None:
    a_file(tmp_path, "immich-db-backup-20269999T990000-v3.sql.gz", days_old=2)
    (found,) = backups_in(tmp_path).found
    assert found.made == NOW - 2 * DAY


def test_the_newest_comes_first_whoever_made_it(tmp_path: Path) -> None:
    for days, name in ((3, "a.sql"), (1, "immich-db-backup-20261129T120000-v3.sql.gz"), (2, "b.dump")):
        a_file(tmp_path, name, days_old=days)
    assert [each.path.name[0] for each in backups_in(tmp_path).found] == ["i", "b", "a"]


def test_an_empty_folder_is_a_reminder_of_its_own(tmp_path: Path) -> None:
    due = reminder_about(tmp_path, NOW, 5)
    assert due is not None
    assert due.kind == "none"
    assert "immich-meta backup" in due.cure


@pytest.mark.parametrize("broken", ["absent", "a file", "forbidden"])
def test_a_folder_that_cannot_be_read_is_a_finding(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "target"
    if broken == "a file":
        folder.write_bytes(b"")
    elif broken == "forbidden":
        folder.mkdir(mode=0)
        if os.access(folder, os.R_OK):
            pytest.skip("this user may read everything")
    found = backups_in(folder)
    assert found.problem
    due = reminder(found, NOW, 5)
    assert due is not None
    assert due.kind == "unreadable"
    assert str(folder) in str(due)
