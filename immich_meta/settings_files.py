"""Configuration files: INI, .env and JSON become names and texts.

Not here: which names there are and what they mean (settings_table.py). No message quotes a line of the
file: it may hold the API key.
"""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from immich_meta.errors import SettingsError

SECTION = "immich"
USERS = "users"
KEYS = "IMMICH_API_KEYS"
MAX_BYTES = 1 << 20

_ASSIGNMENT = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(?P<value>.*)")
_QUOTED = re.compile(r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)')\s*(?:\#.*)?""")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True)
class ConfigFile:
    """Names (upper case) and texts: those for everybody, and those of each user who has a section, in its order."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    users: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)


def read_config(path: Path) -> ConfigFile:
    """What a configuration file of at most 1 MiB says.

    The form follows from the name (.json, .env, .ini, .conf, .cfg), else from the content.
    Raises SettingsError when the file is missing, unreadable or garbled.
    """
    text = _read_text(path)
    form = _form(path.name.lower(), text)
    if form == "json":
        return _parse_json(text, path)
    if form == "env":
        return ConfigFile(_parse_env(text, path))
    return _parse_ini(text, path)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SettingsError(
            f"the configuration file {path} does not exist", cure="check the path that was given to --config"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise SettingsError(f"the configuration file {path} cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise _garbled(path, "it is larger than 1 MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _garbled(path, "it is not UTF-8 text") from None
    if "\0" in text:
        raise _garbled(path, "it holds a NUL byte")
    return text


def _garbled(path: Path, reason: str) -> SettingsError:
    return SettingsError(
        f"the configuration file {path} cannot be understood: {reason}",
        cure="it may be INI with a section [immich], lines of NAME=value in a .env, or one JSON object",
    )


def _form(name: str, text: str) -> str:
    if name.endswith(".json"):
        return "json"
    if name.endswith(".env") or name.startswith(".env"):
        return "env"
    if name.endswith((".ini", ".conf", ".cfg")):
        return "ini"
    for line in map(str.strip, text.splitlines()):
        if line and line[0] not in "#;":
            return {"{": "json", "[": "ini"}.get(line[0], "env")
    return "ini"


def _parse_json(text: str, path: Path) -> ConfigFile:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise _garbled(path, f"no valid JSON in line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise _garbled(path, "no valid JSON") from None
    users: object = {}
    if isinstance(found, dict):
        users = _taken(found, USERS)
        nested = _taken(found, SECTION)
        found = found if nested is None else nested
    if isinstance(found, dict) and users is None:
        users = _taken(found, USERS)
    users = {} if users is None else users
    if not isinstance(found, dict):
        raise _garbled(path, "the JSON is not one object of names and values")
    if not isinstance(users, dict) or not all(isinstance(each, dict) for each in users.values()):
        raise _garbled(path, f'"{USERS}" is not an object with an object for each user')
    return ConfigFile(
        _json_texts(found, path), {user.strip(): _json_texts(each, path) for user, each in users.items()}
    )


def _taken(found: dict[str, object], wanted: str) -> object:
    """The value of that name, in any case, which is taken out; None when there is none."""
    name = next((name for name in found if name.lower() == wanted), None)
    return None if name is None else found.pop(name)


def _json_texts(found: Mapping[str, object], path: Path) -> Mapping[str, str]:
    return {name.upper(): _json_text(name, value, path) for name, value in found.items() if value is not None}


def _json_text(name: str, value: object, path: Path) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if name.upper() == KEYS and isinstance(value, dict) and all(isinstance(key, str) for key in value.values()):
        return ",".join(f"{user}:{key}" for user, key in value.items())
    raise SettingsError(
        f"{name.upper()} in {path} is a JSON {'list' if isinstance(value, list) else 'object'}",
        name=name.upper(),
        cure="a text, a number, true or false is allowed",
    )


def _parse_ini(text: str, path: Path) -> ConfigFile:
    parser = _ini(text, path)
    sections = {section.lower().strip(): section for section in parser.sections()}
    users = {
        section.partition(":")[2].strip(): section
        for section in parser.sections()
        if section.partition(":")[0].strip().lower() == SECTION and ":" in section
    }
    if SECTION not in sections and not users:
        if parser.sections() or parser.defaults():
            raise _garbled(path, f"there is no section [{SECTION}]")
        return ConfigFile()
    common = _ini_texts(parser.items(sections[SECTION])) if SECTION in sections else {}
    inherited = parser.defaults()
    return ConfigFile(
        common,
        {
            user: _ini_texts((name, value) for name, value in parser.items(section) if inherited.get(name) != value)
            for user, section in users.items()
        },
    )


def _ini_texts(items: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    return {name.upper(): _unquote(value) for name, value in items}


def _ini(text: str, path: Path) -> configparser.ConfigParser:
    # `%` belongs to values here and `;` separates the pairs of IMMICH_PATH_MAP:
    # no interpolation, no inline comments.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        raise _garbled(path, f"line {error.lineno} stands before any [section]") from None
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else "?"
        raise _garbled(path, f"line {line} is not NAME = value") from None
    except configparser.DuplicateOptionError as error:
        raise _garbled(path, f"{error.option.upper()} is set twice (line {error.lineno})") from None
    except configparser.Error:
        raise _garbled(path, "a section or a name is there twice") from None
    return parser


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _parse_env(text: str, path: Path) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if match is None:
            raise _garbled(path, f"line {number} is not NAME=value")
        found[match["name"].upper()] = _env_value(match["value"], number, path)
    return found


def _env_value(text: str, number: int, path: Path) -> str:
    if text[:1] in ("'", '"'):
        match = _QUOTED.fullmatch(text)
        if match is None:
            raise _garbled(path, f"the quote in line {number} is not closed, or is followed by more text")
        if match["single"] is not None:
            return match["single"]
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), match["double"])
    # A `#` is a comment only behind a blank: `pass#word` is a value.
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].rstrip()
