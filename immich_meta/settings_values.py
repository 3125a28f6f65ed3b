"""What a setting is, and how the text of each kind of setting is read.

Not here: which settings there are (settings_table.py).
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


@dataclass(frozen=True)
class Variable:
    """One setting. `default` is text as a user would write it, empty for none; `allowed` is for people.

    `parse` gets a stripped, non-empty text without control characters (`has_lines`: but line ends) and raises
    ValueError.
    """

    name: str
    field: str
    default: str
    parse: Callable[[str], Any]
    allowed: str
    meaning: str
    aliases: tuple[str, ...] = ()
    secret: bool = False
    required: bool = False
    empty: Any = None
    has_lines: bool = False


def url(text: str) -> str:
    parts = urlsplit(text)
    # Reading .port raises ValueError for one that is no number or out of range.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("not an http address")
    if parts.query or parts.fragment or re.search(r"\s", text):
        raise ValueError("more than an address")
    return text.rstrip("/")


def api_key(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("not a key")
    return text


def words(text: str) -> str:
    """Any text."""
    return text


def secret(least: int) -> Callable[[str], str]:
    """At least so many characters."""

    def parse(text: str) -> str:
        if len(text) < least:
            raise ValueError("too short")
        return text

    return parse


def host(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.:_-]{1,253}", text):
        raise ValueError("neither a name nor an address")
    return text


@dataclass(frozen=True)
class UserKey:
    """One of several users in one configuration, and the key of that user; the key is in no repr."""

    user: str
    key: str = field(repr=False)


def user_name(text: str) -> str:
    """A name that may be part of a section's name and of a line in a log. Raises ValueError."""
    if not re.fullmatch(r"\w[\w.-]{0,39}", text):
        raise ValueError("not a name")
    return text


def api_keys(text: str) -> tuple[UserKey, ...]:
    """`anna:KEY1,ben:KEY2`, in this order; line ends separate, too."""
    found: dict[str, UserKey] = {}
    for pair in filter(None, map(str.strip, re.split(r"[,\n]", text))):
        name, colon, key = pair.partition(":")
        user = user_name(name.strip())
        if not colon:
            raise ValueError("there is no ':' between a name and a key")
        if user.casefold() in found:
            raise ValueError("a name is there twice")
        found[user.casefold()] = UserKey(user, api_key(key.strip()))
    return tuple(found.values())


def directory(text: str) -> Path:
    return Path(os.path.expanduser(text))


def log_file(text: str) -> Optional[Path]:
    return None if text == "-" else Path(os.path.expanduser(text))


def whole(low: int, high: Optional[int] = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,12}", text):
            raise ValueError("not a whole number")
        number = int(text)
        if number < low or (high is not None and number > high):
            raise ValueError("out of range")
        return number

    return parse


def rate(text: str) -> Optional[float]:
    if text.lower() == "unlimited":
        return None
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError("not a rate")
    return number or None


def yes_or_no(text: str) -> bool:
    lowered = text.lower()
    if lowered not in _TRUE + _FALSE:
        raise ValueError("neither yes nor no")
    return lowered in _TRUE


def one_of(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in names:
            raise ValueError("unknown")
        return text.lower()

    return parse


def time_zone(text: str) -> ZoneInfo:
    # POSIX writes TZ=:Europe/Berlin for a name of the database, and TZ=:/etc/localtime for a file of it.
    name = text[1:] if text.startswith(":") else text
    if name.startswith("/"):
        name = os.path.realpath(name).rpartition("/zoneinfo/")[2]
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError("unknown") from error
