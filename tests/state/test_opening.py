"""Opening a store never keeps a run from starting, unless another run has it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from immich_meta.state import database, open_archive, state_directory
from immich_meta.state.database import NewerStoreError, connect, file_system_of, is_damage
from immich_meta.state.place import store_path
from immich_meta.state.schema import MIGRATIONS
from immich_meta_writers.errors import DamagedError
from tests.state.stores import ADA, CHANGES, SETTLED, Warnings, log, opened
from tests.writers.commit.children import NOBODY, as_nobody


def filled(directory: Path) -> Path:
    """A store with an asset and a run, as a run left it."""
    with opened(directory).store as store:
        store.remember(ADA, SETTLED)
        run = store.begin_run("sync --all", {})
        log(run, "/photos/a.jpg")
        run.end({"updated": 1})
    return store.path


def test_a_missing_store_is_made_silently_and_for_this_user_alone(tmp_path: Path) -> None:
    directory = tmp_path / "some" / "state"
    with opened(directory).store as store:
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert {"host-owner.sqlite", "host-owner.lock", "host-owner.sqlite-wal"} <= set(modes)
    assert (store.notes, sorted(os.listdir(directory))) == ((), ["host-owner.lock", "host-owner.sqlite"])


def test_a_directory_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    opened(tmp_path).store.close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_the_directory_is_the_configured_one_or_the_platforms(tmp_path: Path) -> None:
    assert state_directory(tmp_path) == tmp_path
    assert state_directory(None).name == "immich-meta"


@pytest.mark.parametrize("name", ["nas:2283-ab", "../../etc/x", "Host-A", "host-a", ".", "x" * 300, "äö", "a/b", "a_b"])
def test_any_name_is_a_file_in_the_directory(tmp_path: Path, name: str) -> None:
    names = ["nas:2283-ab", "../../etc/x", "Host-A", "host-a", ".", "x" * 300, "äö", "a/b", "a_b", "x" * 301]
    with opened(tmp_path, name).store as store:
        assert store.is_kept
        assert store.path.parent == tmp_path
    assert len({str(store_path(tmp_path, each)).lower() for each in names}) == len(names)


# -- versions ---------------------------------------------------------------------------------------------------------


def test_a_store_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = filled(tmp_path)
    newer = (*MIGRATIONS, "ALTER TABLE settled ADD COLUMN extra TEXT; CREATE TABLE made_up (a)", "DROP TABLE made_up")
    for _ in range(2):
        connection = connect(path, migrations=newer)
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        assert connection.execute("SELECT count(*), max(extra) FROM settled").fetchone() == (1, None)
        connection.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with pytest.raises(sqlite3.OperationalError):
        connect(path, migrations=(*MIGRATIONS, "CREATE TABLE made_up (a); CREATE TABLE run (a)"))
    with opened(tmp_path).store as store:
        assert store.settled(ADA) == SETTLED


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = filled(tmp_path)
    connect(path, migrations=(*MIGRATIONS, "CREATE TABLE made_up (a)")).close()
    before = path.read_bytes()
    store, warnings = opened(tmp_path)
    with store:
        assert not store.is_kept
        assert store.settled(ADA) is None
        store.remember(ADA, SETTLED)
        log(store.begin_run("sync", {}), "/photos/a.jpg")
    assert len(warnings) == 1
    assert "later version" in warnings[0]
    assert path.read_bytes() == before
    with pytest.raises(NewerStoreError):
        connect(path)
    said = Warnings()
    with open_archive(tmp_path, warn=said) as archive:
        assert archive.runs() == ()
    assert "later version" in said[0]


# -- nothing to write to ----------------------------------------------------------------------------------------------


def _as_user(act: Callable[[], None]) -> None:
    assert as_nobody(act) is None


@pytest.mark.parametrize("exists", [True, False])
def test_a_directory_that_cannot_be_written_is_a_warning_and_the_run_goes_on(open_folder: Path, exists: bool) -> None:
    if exists:
        path = filled(open_folder)
        os.chown(path, NOBODY, NOBODY) if os.geteuid() == 0 else None
    open_folder.chmod(0o555)

    def act() -> None:
        store, warnings = opened(open_folder)
        with store:
            assert not store.is_kept
            store.remember(ADA, SETTLED)
            assert store.settled(ADA) is None
            run = store.begin_run("sync", {})
            assert run.log_at().path is None
            run.will_write_in("/photos")
            log(run, "/photos/a.jpg")
            run.end({})
            assert (store.undo_size(), store.unfinished_directories()) == (0, ())
        assert len(warnings) == 1
        assert "cannot be undone" in warnings[0]
        assert "IMMICH_META_STATE_DIR" in warnings[0]

    _as_user(act)
    open_folder.chmod(0o777)
    assert len(os.listdir(open_folder)) == (3 if exists else 0)


def test_another_users_store_is_a_warning_and_the_run_goes_on(open_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may change users")
    path = filled(open_folder)
    for each in open_folder.iterdir():
        each.chmod(0o644)
    (open_folder / "host-owner.lock").chmod(0o666)

    def act() -> None:
        store, warnings = opened(open_folder)
        with store:
            assert not store.is_kept
        assert "cannot be used" in warnings[0]

    _as_user(act)
    assert path.exists()


def test_a_file_in_the_place_of_the_directory_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    store, warnings = opened(tmp_path / "state")
    assert not store.is_kept
    assert len(warnings) == 1
    store.close()


def test_a_dry_run_reads_and_writes_nothing(tmp_path: Path) -> None:
    assert opened(tmp_path / "none", writable=False).store.settled(ADA) is None
    assert not (tmp_path / "none").exists()
    path = filled(tmp_path)
    before = {each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in tmp_path.iterdir()}
    store, warnings = opened(tmp_path, writable=False)
    with store:
        assert not store.is_kept
        assert store.settled(ADA) == SETTLED
        store.forget(ADA)
        store.remember("other", SETTLED)
        run = store.begin_run("sync --dry-run", {})
        run.will_write_in("/photos")
        run.end({})
        assert (store.settled(ADA), store.settled("other")) == (SETTLED, None)
        assert store.undo_size() > 0
    assert warnings == []
    assert {each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in tmp_path.iterdir()} == before
    with opened(tmp_path).store as writer:
        writer.remember("new", SETTLED)
        writer.commit()
        with opened(tmp_path, writable=False).store as reader:
            assert reader.settled("new") == SETTLED
    assert path.exists()


# -- file systems of other machines -----------------------------------------------------------------------------------

MOUNTS = """\
/dev/sda / ext4 rw 0 0
nas:/a /mnt/my\\040nas nfs4 rw 0 0
tmpfs /mnt/my\\040nas/tmp tmpfs rw 0 0
//nas/b /mnt cifs rw 0 0
odd
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/home/me", "ext4"),
        ("/mnt/x", "cifs"),
        ("/mntx", "ext4"),
        ("/mnt/my nas/x", "nfs4"),
        ("/mnt/my nas", "nfs4"),
        ("/mnt/my nas/tmp/x", "tmpfs"),
    ],
)
def test_the_mounts_tell_which_file_system_a_directory_is_on(place: str, kind: str) -> None:
    assert file_system_of(place, MOUNTS) == kind


def test_without_wal_those_who_ask_do_not_hold_up_those_who_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_is_networked", lambda directory: True)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    store, warnings = opened(tmp_path)
    with store:
        store.remember(ADA, SETTLED)
        store.commit()
        run = store.begin_run("sync", {})
        assert store.settled(ADA) == SETTLED
        log(run, "/photos/a.jpg")
        run.end({})
        assert not list(tmp_path.glob("*-wal"))
        assert store.undo_size() > 0
    assert warnings == []


def test_with_wal_they_do_not_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    with opened(tmp_path).store as store:
        run = store.begin_run("sync", {})
        assert store.settled(ADA) is None
        log(run, "/photos/a.jpg")
        store.remember(ADA, SETTLED)
        store.commit()
        assert store.settled(ADA) == SETTLED
        assert store.undo_size() > 0


# -- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(4096), bytes(100)])
def test_a_damaged_store_is_put_aside_and_a_new_one_begins(tmp_path: Path, content: bytes) -> None:
    path = filled(tmp_path)
    path.write_bytes(content)
    store, warnings = opened(tmp_path)
    with store:
        assert store.is_kept
        assert store.settled(ADA) is None
        store.remember(ADA, SETTLED)
    assert len(warnings) == 1
    (aside,) = tmp_path.glob("*.damaged-*")
    assert str(aside) in warnings[0]
    assert aside.read_bytes() == content
    store, warnings = opened(tmp_path)
    with store:
        assert (store.settled(ADA), warnings) == (SETTLED, [])


def test_a_second_damaged_store_does_not_replace_the_first_one(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        path = filled(tmp_path)
        path.write_bytes(content)
        opened(tmp_path).store.close()
    assert {each.read_bytes() for each in tmp_path.glob("*.damaged-*")} == {b"one", b"two"}


def test_another_programs_database_is_put_aside(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    store, warnings = opened(tmp_path)
    with store:
        assert store.is_kept
    assert "not a store of this program" in warnings[0]


def test_a_torn_table_of_assets_is_seen_at_the_start(tmp_path: Path) -> None:
    with opened(tmp_path).store as store:
        for number in range(2000):
            store.remember(f"{number:08}-0000-0000-0000-000000000000", SETTLED)
    content = bytearray(store.path.read_bytes())
    content[-35 * 4096 :] = os.urandom(35 * 4096)
    store.path.write_bytes(content)
    store, warnings = opened(tmp_path)
    with store:
        assert (store.is_kept, len(warnings)) == (True, 1)
        assert store.settled("00000007-0000-0000-0000-000000000000") is None


def test_damage_that_shows_later_ends_the_remembering_with_one_warning(tmp_path: Path) -> None:
    with opened(tmp_path).store as store:
        run = store.begin_run("sync", {})
        log(run, *(f"/photos/{number}.jpg" for number in range(2000)))
        run.end({})
    content = bytearray(store.path.read_bytes())
    content[20 * 4096 :] = os.urandom(len(content) - 20 * 4096)
    store.path.write_bytes(content)
    store, warnings = opened(tmp_path)
    with store:
        assert (store.is_kept, warnings) == (True, [])
        assert store.undo_size() == 0
        assert not store.is_kept
        store.remember(ADA, SETTLED)
        log(store.begin_run("sync", {}), "/photos/a.jpg")
        assert len(warnings) == 1
        assert "is damaged" in warnings[0]
    (aside,) = tmp_path.glob("*.damaged-*")
    assert str(aside) in warnings[1]
    assert aside.read_bytes() == content
    store, warnings = opened(tmp_path)
    with store:
        assert (store.is_kept, warnings) == (True, [])


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sound")
    with opened(directory).store as store:
        for number in range(300):
            store.remember(f"{number:08}-0000-0000-0000-000000000000", SETTLED)
        for _ in range(3):
            run = store.begin_run("sync", {"all": True})
            run.will_write_in("/photos")
            log(run, *(f"/photos/{number}.jpg" for number in range(30)))
            run.end({})
    return store.path


@settings(max_examples=60)
@given(st.data())
def test_any_damage_is_at_most_a_warning(
    tmp_path_factory: pytest.TempPathFactory, sound: Path, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("damaged")
    content = bytearray(sound.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.one_of(st.integers(0, 200), st.integers(0, len(content) - 1)))
        new = data.draw(st.binary(min_size=1, max_size=64))
        content[place : place + len(new)] = new
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    (directory / sound.name).write_bytes(content)
    with open_archive(directory, warn=Warnings()) as archive:
        for run in archive.runs():
            for entry in archive.entries(run):
                archive.later_run(entry)
                with contextlib.suppress(DamagedError, ValueError):
                    assert (entry.undo().path, entry.changes()) == (entry.path, CHANGES)
            archive.directories(run)
        archive.newest_of("/photos/1.jpg")
    store, _ = opened(directory)
    with store:
        for number in range(300):
            store.settled(f"{number:08}-0000-0000-0000-000000000000")
        store.remember(ADA, SETTLED)
        run = store.begin_run("sync", {})
        run.will_write_in("/more")
        log(run, "/photos/a.jpg")
        run.end({}, 0)
        store.undo_size()
    shutil.rmtree(directory)


def test_a_full_disk_and_a_lock_are_no_damage() -> None:
    assert not is_damage(sqlite3.OperationalError("database or disk is full"))
    assert not is_damage(sqlite3.OperationalError("database is locked"))
    assert is_damage(sqlite3.DatabaseError("database disk image is malformed"))


# -- no space ---------------------------------------------------------------------------------------------------------


def test_a_full_disk_while_running_is_one_warning(tiny_disk: Path) -> None:
    store, warnings = opened(tiny_disk)
    with store:
        assert store.is_kept
        for number in range(20_000):
            store.remember(f"{number:08}-0000-0000-0000-000000000000", SETTLED)
        assert not store.is_kept
        assert len(warnings) == 1
        assert "full" in warnings[0]
    assert not list(tiny_disk.glob("*.damaged-*"))


def test_a_disk_that_is_full_at_the_start_is_a_warning(tiny_disk: Path) -> None:
    (tiny_disk / "big").write_bytes(bytes(256 * 1024))
    store, warnings = opened(tiny_disk)
    with store:
        assert not store.is_kept
    assert len(warnings) == 1
    (tiny_disk / "big").unlink()
    with opened(tiny_disk).store as store:
        assert store.is_kept
