"""What the checks make of disks, mounts and containers that the tests' machine does not have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta.doctor.directories import directories_there
from immich_meta.doctor.disks import Abilities, file_system, try_abilities
from immich_meta.doctor.finding import Level
from immich_meta.doctor.machine import Machine, this_machine
from immich_meta.doctor.mounts import Mount, mount_of, parse_mounts
from immich_meta.doctor.state import state_kept
from immich_meta.settings import load

MOUNTS = parse_mounts(
    "overlay / overlay rw,relatime 0 0\n"
    "nas:/volume1/photos /mnt/my\\040photos nfs4 rw,vers=4.1 0 0\n"
    "//nas/backup /mnt cifs ro,vers=3.0 0 0\n"
    "broken line\n"
)
ALL = Abilities(True, True, True, True, True, False, False)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/mnt/my photos/2024", "nfs4"), ("/mnt/my photo", "cifs"), ("/mnt", "cifs"), ("/library", "overlay")],
)
def test_the_innermost_mount_has_a_path(path: str, kind: str) -> None:
    found = mount_of(path, MOUNTS)
    assert found is not None
    assert found.kind == kind


def test_without_a_list_of_mounts_nothing_is_claimed(tmp_path: Path) -> None:
    assert mount_of("/library", ()) is None
    assert [each.level for each in file_system("/library", ALL, None)] == [Level.OK]


@pytest.mark.parametrize(
    ("lacking", "ident", "level"),
    [
        ({"renames": False}, "disk.rename", Level.FAULT),
        ({"syncs": False}, "disk.sync", Level.WARNING),
        ({"locks": False}, "disk.locks", Level.WARNING),
        ({"attributes": False}, "disk.attributes", Level.NOTE),
        ({"ignores_case": True}, "disk.case", Level.NOTE),
    ],
)
def test_what_a_disk_lacks_is_named(lacking: dict[str, bool], ident: str, level: Level) -> None:
    found = {each.id: each.level for each in file_system("/library", replace(ALL, **lacking), None)}
    assert found == {"disk.features": Level.OK, ident: level}


def test_only_a_path_below_it_is_in_a_mount() -> None:
    assert mount_of("/mnt2", (Mount("/mnt", "cifs"),)) is None


def test_a_disk_of_another_machine_is_named() -> None:
    found = {each.id: each for each in file_system("/mnt/my photos", ALL, mount_of("/mnt/my photos", MOUNTS))}
    assert set(found) == {"disk.features", "disk.network"}
    assert "nfs4" in found["disk.network"].found


def test_a_folder_that_no_volume_is_mounted_at_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    settings = load({"IMMICH_PHOTO_DIR": str(tmp_path)}, None, tmp_path, needs_server=False)
    container = Machine(None, MOUNTS, in_container=True)
    assert [each.id for each in directories_there(settings, container)] == ["paths.not_mounted"]
    mounted = Machine(None, (*MOUNTS, Mount(str(tmp_path.resolve()), "ext4")), in_container=True)
    assert [each.level for each in directories_there(settings, mounted)] == [Level.OK]
    at_home = Machine(None, MOUNTS)
    assert [each.level for each in directories_there(settings, at_home)] == [Level.OK]


def test_a_state_on_a_network_disk_is_named(tmp_path: Path) -> None:
    machine = Machine(None, (Mount(str(tmp_path.resolve()), "nfs4"),))
    found = {each.id: each for each in state_kept(tmp_path / "state", machine)}
    assert found["state.directory"].level is Level.OK
    assert "local disk" in found["state.network"].cure


def test_this_machine_can_be_looked_at(tmp_path: Path) -> None:
    can = try_abilities(str(tmp_path))
    assert can.renames
    assert can.syncs
    assert list(tmp_path.iterdir()) == []
    assert this_machine().now() > 1_700_000_000
