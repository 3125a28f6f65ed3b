"""What the user has set: environment first, then a configuration file, then defaults; for each of several users.

Not here: which settings there are (settings_table.py), how one of them is found (settings_sources.py), who the users
are (settings_users.py), how a file is read (settings_files.py), and options of a single command (cli/).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Optional
from zoneinfo import ZoneInfo

from immich_meta.errors import SettingsError
from immich_meta.path_map import PathRule
from immich_meta.schedule import Schedule
from immich_meta.settings_files import SECTION, ConfigFile, read_config
from immich_meta.settings_sources import HIDDEN, Layer, Origin, Source, misspellings, parsed, shown_value, text_of
from immich_meta.settings_table import VARIABLES
from immich_meta.settings_users import KEY, KEYS, members, no_key_of_all, same_key
from immich_meta.settings_values import UserKey, Variable

__all__ = ["HIDDEN", "Origin", "Settings", "Source", "load", "load_users", "load_what_is_right", "shown_value"]

DEFAULT_CONFIG = "immich-sync.conf"


@dataclass(frozen=True)
class Settings:
    """All settings, checked; of one user where there are several (`user`, else ""). No secret is in any repr.

    Seconds: `album_cache_ttl`, `album_cache_max_stale`. Requests per second: `rate_limit`, None = unlimited.
    `path_map` has the longest prefix first. `log_file` None: none. `state_dir` None: the platform's. `keep_undo`: days.
    `jobs` None: as many as there are cores, at most 4. `file_timeout`: seconds. `backup_target` None: nobody is
    reminded of backups; `backup_max_age`: days. `origins`: variable name -> Origin.
    `keys_of_all`: every API key that is configured, whoever's.
    `notes`: what the user should hear about (names in the file that nothing knows).
    """

    instance_url: str
    api_key: str = field(repr=False)
    photo_dir: Path
    path_map: tuple[PathRule, ...]
    path_segments: int
    time_zone: ZoneInfo
    log_file: Optional[Path]
    log_format: str
    structured_logs: bool
    caption_max_len: int
    album_cache_ttl: int
    album_cache_max_stale: int
    asset_batch_size: int
    search_page_size: int
    rate_limit: Optional[float]
    live_photos: Literal["both", "still"]
    refresh: str
    xmp_engine: str
    state_dir: Optional[Path]
    sidecar_dir: Optional[Path]
    keep_undo: int
    jobs: Optional[int]
    file_timeout: int
    schedule: Optional[Schedule]
    sync_options: str
    health_file: Optional[Path]
    backup_target: Optional[Path]
    backup_max_age: int
    keep_backups: int
    db_host: str
    db_port: int
    db_username: str
    db_password: str = field(repr=False)
    db_name: str
    web_host: str
    web_port: int
    web_debug: bool
    web_secret_key: str = field(repr=False)
    web_password: str = field(repr=False)
    api_keys: tuple[UserKey, ...] = field(default=(), repr=False)
    user: str = ""
    keys_of_all: tuple[str, ...] = field(default=(), repr=False)
    config_path: Optional[Path] = None
    origins: Mapping[str, Origin] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    notes: tuple[str, ...] = ()

    @property
    def json_logs(self) -> bool:
        """Whether log lines are JSON objects."""
        return self.structured_logs or self.log_format == "json"

    def shown(self) -> tuple[tuple[str, str, str], ...]:
        """Every variable, its value, its origin in words; the API key and a password in the URL hidden."""
        return tuple(
            (variable.name, self._shown_value(variable), str(self.origins.get(variable.name, "default")))
            for variable in VARIABLES
        )

    def _shown_value(self, variable: Variable) -> str:
        value = getattr(self, variable.field)
        if variable.secret:
            return shown_value(variable, "set" if value else "")
        if value is None:
            return {"rate_limit": "unlimited", "log_file": "-"}.get(variable.field, "")
        if isinstance(value, tuple):
            return ";".join(map(str, value))
        if isinstance(value, bool):
            return "true" if value else "false"
        return shown_value(variable, str(value))


def load(environ: Mapping[str, str], config_path: Optional[Path], cwd: Path, *, needs_server: bool = True) -> Settings:
    """The settings of a run that is started in `cwd`; of several users the first one's, with `needs_server`.

    As `load_users`.
    """
    return load_users(environ, config_path, cwd, needs_server=needs_server)[0]


def load_users(
    environ: Mapping[str, str], config_path: Optional[Path], cwd: Path, *, needs_server: bool = True
) -> tuple[Settings, ...]:
    """The settings of each user, in the order in which they are configured: those of IMMICH_API_KEYS, then those who
    have a section only. One without a name when there are no users, or no server is needed.

    `config_path` is the file given to --config; without one `immich-sync.conf` there is read if it exists.
    What a user's section says is believed first, then the environment, then what the file says for everybody.
    An empty value counts as not set. Relative paths are meant from `cwd`.
    Raises SettingsError: a wrong value, a missing address or key (with `needs_server`), an unusable file.
    """
    errors: list[SettingsError] = []
    users = _load(environ, config_path, cwd, errors, needs_server=needs_server)
    if errors:
        raise errors[0]
    return users


def load_what_is_right(
    environ: Mapping[str, str], config_path: Optional[Path], cwd: Path, *, needs_server: bool = True
) -> tuple[tuple[Settings, ...], tuple[SettingsError, ...]]:
    """As `load_users`, with each wrong value as if it were not set, and all that is wrong."""
    errors: list[SettingsError] = []
    users = _load(environ, config_path, cwd, errors, needs_server=needs_server)
    return users, tuple({str(error): error for error in errors}.values())


def _load(
    environ: Mapping[str, str],
    config_path: Optional[Path],
    cwd: Path,
    errors: list[SettingsError],
    *,
    needs_server: bool,
) -> tuple[Settings, ...]:
    path, file = _read_file(config_path, cwd, errors)
    layers = (Layer(Source.ENVIRONMENT, environ), Layer(Source.FILE, file.values, str(path or "")))
    common = replace(_resolved(layers, cwd, errors), config_path=path, notes=misspellings(path, file.values))
    sections = (values.get(KEY, "").strip() for values in file.users.values())
    keys = (common.api_key, *(each.key for each in common.api_keys), *sections)
    common = replace(common, keys_of_all=tuple(dict.fromkeys(filter(None, keys))))
    if not needs_server:
        return (common,)
    users = []
    try:
        users = list(_users(common, file, layers, cwd, errors))
    except SettingsError as error:
        errors.append(error)
    for settings in users or (common,):
        _require_server(settings, errors)
    return tuple(users) or (common,)


def _resolved(layers: Sequence[Layer], cwd: Path, errors: list[SettingsError]) -> Settings:
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for variable in VARIABLES:
        text, origin = text_of(variable, layers)
        try:
            values[variable.field] = parsed(variable, text, origin)
        except SettingsError as error:
            errors.append(error)
            values[variable.field] = parsed(variable, variable.default, origin)
        origins[variable.name] = origin
    for name in ("photo_dir", "log_file", "state_dir", "sidecar_dir", "health_file", "backup_target"):
        values[name] = None if values[name] is None else cwd / values[name]
    return Settings(**values, origins=MappingProxyType(origins))


def _users(
    common: Settings, file: ConfigFile, layers: Sequence[Layer], cwd: Path, errors: list[SettingsError]
) -> Iterator[Settings]:
    owners: dict[tuple[str, str], str] = {}
    path = common.config_path or Path(DEFAULT_CONFIG)
    for member in members(common.api_keys, common.origins[KEYS], file, path, layers):
        if common.api_key:
            raise no_key_of_all(common.origins[KEY])
        settings = _resolved(member.layers, cwd, errors)
        owner = owners.setdefault((settings.instance_url, settings.api_key), member.user)
        if settings.api_key and owner != member.user:
            raise same_key(owner, member.user)
        yield replace(
            settings,
            user=member.user,
            keys_of_all=common.keys_of_all,
            config_path=common.config_path,
            notes=common.notes + member.notes,
        )


def _read_file(
    config_path: Optional[Path], cwd: Path, errors: list[SettingsError]
) -> tuple[Optional[Path], ConfigFile]:
    path = cwd / (DEFAULT_CONFIG if config_path is None else os.path.expanduser(config_path))
    # lexists: a dangling link or an unreadable file is a mistake, only an absent one is normal.
    if config_path is None and not os.path.lexists(path):
        return None, ConfigFile()
    try:
        return path, read_config(path)
    except SettingsError as error:
        errors.append(error)
        return path, ConfigFile()


def _require_server(settings: Settings, errors: list[SettingsError]) -> None:
    names = [each.name for each in VARIABLES if each.required and settings.origins[each.name].source is Source.DEFAULT]
    if not names:
        return
    ways = {
        "IMMICH_INSTANCE_URL": "IMMICH_INSTANCE_URL=http://192.168.1.10:2283",
        "IMMICH_API_KEY": "IMMICH_API_KEY=... (made in Immich under Account Settings > API Keys)",
    }
    whose = f" for {settings.user}" if settings.user else ""
    where = f"[{SECTION}:{settings.user}]" if settings.user else f"[{SECTION}]"
    error = SettingsError(
        f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not set{whose}",
        name=names[0],
        cure=f"set {' and '.join(ways[name] for name in names)} in the environment, or under {where} in "
        f"{DEFAULT_CONFIG} or another file given with --config",
    )
    errors.append(error)
