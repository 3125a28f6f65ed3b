"""What the user has set: environment first, then a configuration file, then defaults.

Not here: which settings there are (settings_table.py), how a configuration file is read (settings_files.py),
and options of a single command (cli/).
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Optional
from zoneinfo import ZoneInfo

from immich_meta.errors import SettingsError
from immich_meta.path_map import PathRule
from immich_meta.schedule import Schedule
from immich_meta.settings_files import read_config
from immich_meta.settings_table import VARIABLES
from immich_meta.settings_values import Variable

DEFAULT_CONFIG = "immich-sync.conf"
HIDDEN = "(hidden)"
_SHOWN_CHARACTERS = 100
_CREDENTIALS = re.compile(r"//[^/?#]*@")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class Source(Enum):
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True)
class Origin:
    """Where a value came from; `name` is the one used (maybe an alias), `place` the file's path."""

    source: Source
    name: str
    place: str = ""

    def __str__(self) -> str:
        if self.source is Source.FILE:
            return f"{self.name} in {self.place}"
        return f"environment variable {self.name}" if self.source is Source.ENVIRONMENT else "default"


@dataclass(frozen=True)
class Settings:
    """All settings, checked. The API key and other secrets are in no repr.

    Seconds: `album_cache_ttl`, `album_cache_max_stale`. Requests per second: `rate_limit`, None = unlimited.
    `path_map` has the longest prefix first. `log_file` None: none. `state_dir` None: the platform's. `keep_undo`: days.
    `jobs` None: as many as there are cores, at most 4. `file_timeout`: seconds. `backup_target` None: nobody is
    reminded of backups; `backup_max_age`: days. `origins`: variable name -> Origin.
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
        if value is None:
            return {"rate_limit": "unlimited", "log_file": "-"}.get(variable.field, "")
        if isinstance(value, tuple):
            return ";".join(map(str, value))
        if isinstance(value, bool):
            return "true" if value else "false"
        return shown_value(variable, str(value))


def shown_value(variable: Variable, text: str) -> str:
    """The text of a setting as it may be shown: no key, no password of an address, at most 100 characters."""
    if variable.secret:
        return HIDDEN if text else ""
    text = _CREDENTIALS.sub("//***@", text)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def load(environ: Mapping[str, str], config_path: Optional[Path], cwd: Path, *, needs_server: bool = True) -> Settings:
    """The settings of a run that is started in `cwd`.

    `config_path` is the file given to --config; without one `immich-sync.conf` there is read if it exists.
    An empty value counts as not set. Relative paths are meant from `cwd`.
    Raises SettingsError: a wrong value, a missing address or key (with `needs_server`), an unusable file.
    """
    settings, errors = load_what_is_right(environ, config_path, cwd, needs_server=needs_server)
    if errors:
        raise errors[0]
    return settings


def load_what_is_right(
    environ: Mapping[str, str], config_path: Optional[Path], cwd: Path, *, needs_server: bool = True
) -> tuple[Settings, tuple[SettingsError, ...]]:
    """The same, with each wrong value as if it were not set, and all that is wrong."""
    errors: list[SettingsError] = []
    path, in_file = _read_file(config_path, cwd, errors)
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for variable in VARIABLES:
        text, origin = _find(variable, environ, in_file, str(path or ""))
        try:
            values[variable.field] = _parse(variable, text, origin)
        except SettingsError as error:
            errors.append(error)
            values[variable.field] = _parse(variable, variable.default, origin)
        origins[variable.name] = origin
    missing = [each.name for each in VARIABLES if each.required and origins[each.name].source is Source.DEFAULT]
    if needs_server and missing:
        errors.append(_missing(missing))
    for name in ("photo_dir", "log_file", "state_dir", "health_file", "backup_target"):
        values[name] = None if values[name] is None else cwd / values[name]
    notes = _unknown_names(path, in_file)
    settings = Settings(**values, config_path=path, origins=MappingProxyType(origins), notes=notes)
    return settings, tuple(errors)


def _read_file(
    config_path: Optional[Path], cwd: Path, errors: list[SettingsError]
) -> tuple[Optional[Path], Mapping[str, str]]:
    path = cwd / (DEFAULT_CONFIG if config_path is None else os.path.expanduser(config_path))
    # lexists: a dangling link or an unreadable file is a mistake, only an absent one is normal.
    if config_path is None and not os.path.lexists(path):
        return None, {}
    try:
        return path, read_config(path)
    except SettingsError as error:
        errors.append(error)
        return path, {}


def _find(variable: Variable, environ: Mapping[str, str], in_file: Mapping[str, str], place: str) -> tuple[str, Origin]:
    for source, values in ((Source.ENVIRONMENT, environ), (Source.FILE, in_file)):
        for name in (variable.name, *variable.aliases):
            text = values.get(name, "").strip()
            if text:
                return text, Origin(source, name, place if source is Source.FILE else "")
    return variable.default, Origin(Source.DEFAULT, variable.name)


def _parse(variable: Variable, text: str, origin: Origin) -> Any:
    if not text:
        return variable.empty
    reason = ""
    try:
        if not _CONTROL.search(text) and ("\n" not in text or variable.field == "path_map"):
            return variable.parse(text)
        reason = "a control character"
    except ValueError as error:
        reason = str(error) if variable.field in ("path_map", "schedule") else ""
    detail = f" ({reason})" if reason else ""
    raise SettingsError(
        f"{origin.name} is {_quoted(variable, text)}{detail}, from the {_place(origin)}",
        name=origin.name,
        cure=f"allowed: {variable.allowed}",
    ) from None


def _quoted(variable: Variable, text: str) -> str:
    return "not usable" if variable.secret else repr(shown_value(variable, text))


def _place(origin: Origin) -> str:
    return f"file {origin.place}" if origin.source is Source.FILE else origin.source.value


def _missing(names: list[str]) -> SettingsError:
    ways = {
        "IMMICH_INSTANCE_URL": "IMMICH_INSTANCE_URL=http://192.168.1.10:2283",
        "IMMICH_API_KEY": "IMMICH_API_KEY=... (made in Immich under Account Settings > API Keys)",
    }
    return SettingsError(
        f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not set",
        name=names[0],
        cure=f"set {' and '.join(ways[name] for name in names)} in the environment, or under [immich] in "
        f"{DEFAULT_CONFIG} or another file given with --config",
    )


def _unknown_names(path: Optional[Path], in_file: Mapping[str, str]) -> tuple[str, ...]:
    """Misspellings. A .env file is often shared with other programs: unlike names there are not ours."""
    known = [name for variable in VARIABLES for name in (variable.name, *variable.aliases)]
    notes = []
    for name in sorted(set(in_file) - set(known)):
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if close:
            notes.append(f"{path}: {name} is not a setting and is ignored; did you mean {close[0]}?")
    return tuple(notes)
