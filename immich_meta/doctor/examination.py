"""All checks in their order, each with what it needs: those that need a server are left out when there is none.

Not here: the checks themselves.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, TypeVar

from immich_meta.doctor import configuration, disks, key, path_mapping, server, xmp
from immich_meta.doctor.backup import backup_young
from immich_meta.doctor.clock import clocks_agree
from immich_meta.doctor.directories import directories_there, roots
from immich_meta.doctor.finding import Finding, Level, of_error
from immich_meta.doctor.folders import Folder, folders_of, folders_writable, try_folder
from immich_meta.doctor.machine import Machine
from immich_meta.doctor.mounts import mount_of
from immich_meta.doctor.path_mapping import Trial
from immich_meta.doctor.state import others_at_work, state_kept, working_directory_writable
from immich_meta.doctor.visit import Visit, visit
from immich_meta.doctor.web_page import page_closed
from immich_meta.errors import SettingsError
from immich_meta.settings import Settings
from immich_meta.state import state_directory
from immich_meta.sync.identity import ReadAssetId

T = TypeVar("T")


@dataclass(frozen=True)
class _Seen:
    """What is known of one user. `visit` None: the server was not asked."""

    settings: Settings
    visit: Optional[Visit]
    trial: Trial


def examine(
    users: Sequence[Settings],
    errors: Sequence[SettingsError],
    machine: Machine,
    *,
    working_directory: Path,
    read_asset_id: ReadAssetId,
) -> Iterator[Finding]:
    """Every check that can be made. `users` and `errors` as settings.load_what_is_right gives them.

    The server is asked a few requests with a short patience. Nothing is written but hidden temporary files, which are
    gone again.
    """
    common = users[0]
    yield from configuration.settings_understood(users, errors)
    seen: list[_Seen] = []
    for settings in users:
        looked_at = yield from _named(_look_at_user(settings, errors, machine, read_asset_id), settings.user)
        seen.append(looked_at)
    yield from key.keys_differ([(each.settings, each.visit) for each in seen if each.visit])
    yield from _look_at_folders(seen, machine)
    directory = state_directory(common.state_dir)
    yield from state_kept(directory, machine)
    yield from others_at_work(directory)
    yield from working_directory_writable(working_directory)
    for engine in dict.fromkeys(settings.xmp_engine for settings in users):
        yield from xmp.engine_there(engine)
    yield from backup_young(common, machine)
    yield from page_closed(common)
    for each in seen:
        if each.visit is not None:
            yield from _named(_what_immich_makes_of_it(each.visit), each.settings.user)


def _named(findings: Generator[Finding, None, T], user: str) -> Generator[Finding, None, T]:
    """The same findings as those of a user."""
    while True:
        try:
            finding = next(findings)
        except StopIteration as end:
            value: T = end.value
            return value
        yield replace(finding, user=user)


def _look_at_user(
    settings: Settings, errors: Sequence[SettingsError], machine: Machine, read_asset_id: ReadAssetId
) -> Generator[Finding, None, _Seen]:
    """Server, key, clock and paths: each user may have others."""
    seen = yield from _ask(settings, machine)
    if not any(error.name == "TZ" for error in errors):
        yield from configuration.time_zone(settings, machine)
    yield from directories_there(settings, machine)
    trial = path_mapping.try_paths(seen.assets if seen else (), settings, read_asset_id)
    yield from path_mapping.paths_lead_to_files(trial, settings)
    yield from path_mapping.files_are_the_assets(trial, read_asset_id)
    return _Seen(settings, seen, trial)


def _what_immich_makes_of_it(seen: Visit) -> Generator[Finding, None, None]:
    yield from server.faces_imported(seen)
    yield from server.uploads_change(seen)
    yield from server.keywords_come_back(seen)


def _ask(settings: Settings, machine: Machine) -> Generator[Finding, None, Optional[Visit]]:
    """What the server says; None when it was not asked."""
    if not settings.instance_url:
        yield Finding("server.not_asked", Level.NOTE, "The server was not asked: its address is not known")
        return None
    try:
        seen = visit(settings.instance_url, settings.api_key, machine.now)
    except SettingsError as error:
        yield of_error("settings.wrong", error)
        return None
    yield from server.server_reached(seen)
    yield from key.key_may(seen, settings.refresh)
    yield from clocks_agree(seen.clock)
    return seen


def _look_at_folders(seen: Sequence[_Seen], machine: Machine) -> Iterator[Finding]:
    """Rights first, then each disk once, for all users together."""
    folders = tuple({folder.path: folder for each in seen for folder in _folders(each)}.values())
    largest = max((asset.exif.file_size or 0 for each in seen if each.visit for asset in each.visit.assets), default=0)
    tried = [(folder, try_folder(folder)) for folder in folders]
    yield from folders_writable(folders, [refusal for _, refusal in tried if refusal is not None])
    disks_seen: set[int] = set()
    # A folder that can be written speaks for its disk, if there is one.
    for folder, refusal in sorted(tried, key=lambda each: each[1] is not None):
        device = _device(folder.path)
        if device is None or device in disks_seen:
            continue
        disks_seen.add(device)
        yield from disks.room(folder.path, largest)
        if refusal is None:
            yield from _try_disk(folder.path, machine)


def _folders(seen: _Seen) -> tuple[Folder, ...]:
    """Where a run writes: with a sidecar directory nowhere else, and nothing is tried in the library either."""
    tree = seen.settings.sidecar_dir
    if tree is not None:
        return (Folder(str(tree if tree.is_dir() else tree.parent)),)
    return folders_of(seen.trial.files, roots(seen.settings))


def _try_disk(folder: str, machine: Machine) -> Iterator[Finding]:
    try:
        can = disks.try_abilities(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        yield Finding("disk.features", Level.WARNING, f"What the disk of {folder} can do was not tried: {reason}")
        return
    yield from disks.file_system(folder, can, mount_of(os.path.realpath(folder), machine.mounts))


def _device(path: str) -> Optional[int]:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None
