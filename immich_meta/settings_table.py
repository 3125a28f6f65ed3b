"""Every setting there is: its name, default, what is allowed and how its text is read.

Not here: where the text comes from (settings.py).
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from immich_meta.path_map import parse_path_map

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


@dataclass(frozen=True)
class Variable:
    """One setting. `default` is text as a user would write it, empty for none; `allowed` is for people.

    `parse` gets a stripped, non-empty text without control characters and raises ValueError.
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


def _url(text: str) -> str:
    parts = urlsplit(text)
    # Reading .port raises ValueError for one that is no number or out of range.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("not an http address")
    if parts.query or parts.fragment or re.search(r"\s", text):
        raise ValueError("more than an address")
    return text.rstrip("/")


def _api_key(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("not a key")
    return text


def _directory(text: str) -> Path:
    return Path(os.path.expanduser(text))


def _log_file(text: str) -> Optional[Path]:
    return None if text == "-" else Path(os.path.expanduser(text))


def _whole(low: int, high: Optional[int] = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,12}", text):
            raise ValueError("not a whole number")
        number = int(text)
        if number < low or (high is not None and number > high):
            raise ValueError("out of range")
        return number

    return parse


def _rate(text: str) -> Optional[float]:
    if text.lower() == "unlimited":
        return None
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError("not a rate")
    return number or None


def _flag(text: str) -> bool:
    lowered = text.lower()
    if lowered not in _TRUE + _FALSE:
        raise ValueError("neither yes nor no")
    return lowered in _TRUE


def _one_of(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in names:
            raise ValueError("unknown")
        return text.lower()

    return parse


def _time_zone(text: str) -> ZoneInfo:
    # POSIX writes TZ=:Europe/Berlin for a name of the database, and TZ=:/etc/localtime for a file of it.
    name = text[1:] if text.startswith(":") else text
    if name.startswith("/"):
        name = os.path.realpath(name).rpartition("/zoneinfo/")[2]
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError("unknown") from error


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "IMMICH_INSTANCE_URL",
        "instance_url",
        "",
        _url,
        "http://host:port or https://host/path, with or without /api",
        "the address of the Immich server",
        required=True,
        empty="",
    ),
    Variable(
        "IMMICH_API_KEY",
        "api_key",
        "",
        _api_key,
        "the key as Immich shows it once, in Account Settings > API Keys",
        "the key of the user whose assets are synced",
        secret=True,
        required=True,
        empty="",
    ),
    Variable(
        "IMMICH_PHOTO_DIR",
        "photo_dir",
        "/library",
        _directory,
        "a directory",
        "where the originals are on this machine",
        aliases=("PHOTO_DIR",),
    ),
    Variable(
        "IMMICH_PATH_MAP",
        "path_map",
        "",
        parse_path_map,
        "pairs SERVER=HERE, separated by ';', e.g. /data/library=/library;/mnt/photos=/photos",
        "which directory of the server is which directory here; the longest one that fits is used",
        empty=(),
    ),
    Variable(
        "IMMICH_PATH_SEGMENTS",
        "path_segments",
        "3",
        _whole(1, 10),
        "a whole number from 1 to 10",
        "without a path map: so many last parts of the server's path are looked for in IMMICH_PHOTO_DIR",
    ),
    Variable(
        "TZ",
        "time_zone",
        "Europe/Berlin",
        _time_zone,
        "a name of the time zone database, e.g. Europe/Berlin, America/New_York or UTC",
        "the time zone of moments for which Immich knows none",
    ),
    Variable(
        "IMMICH_LOG_FILE",
        "log_file",
        "immich_ultra_sync.txt",
        _log_file,
        "a file, or - for none",
        "the log file, beside standard output",
        aliases=("LOG_FILE",),
    ),
    Variable(
        "IMMICH_LOG_FORMAT",
        "log_format",
        "text",
        _one_of("text", "json"),
        "text or json",
        "the form of a log line",
    ),
    Variable(
        "IMMICH_STRUCTURED_LOGS",
        "structured_logs",
        "false",
        _flag,
        "true or false",
        "true is the same as IMMICH_LOG_FORMAT=json",
    ),
    Variable(
        "CAPTION_MAX_LEN",
        "caption_max_len",
        "2000",
        _whole(1, 1_000_000),
        "a whole number from 1 to 1000000",
        "captions are cut at so many characters",
    ),
    Variable(
        "IMMICH_ALBUM_CACHE_TTL",
        "album_cache_ttl",
        "86400",
        _whole(0),
        "a whole number of seconds, 0 or more",
        "how long the album cache is used without asking the server",
    ),
    Variable(
        "IMMICH_ALBUM_CACHE_MAX_STALE",
        "album_cache_max_stale",
        "604800",
        _whole(0),
        "a whole number of seconds, 0 or more",
        "how old the album cache may be when the server fails",
    ),
    Variable(
        "IMMICH_ASSET_BATCH_SIZE",
        "asset_batch_size",
        "25",
        _whole(1, 100_000),
        "a whole number from 1 to 100000",
        "the checkpoint is written after so many assets, and at least once a second",
    ),
    Variable(
        "IMMICH_SEARCH_PAGE_SIZE",
        "search_page_size",
        "1000",
        _whole(1),
        "a whole number, 1 or more; more than the server takes is cut",
        "so many assets are asked for at a time",
    ),
    Variable(
        "IMMICH_RATE_LIMIT",
        "rate_limit",
        "unlimited",
        _rate,
        "requests per second, e.g. 5 or 0.5; 0 or unlimited for no limit",
        "how many requests the server gets per second",
    ),
    Variable(
        "IMMICH_LIVE_PHOTOS",
        "live_photos",
        "both",
        _one_of("both", "still"),
        "both or still",
        "whether the video of a live photo gets what is said of its still; --live-photos on the command line wins",
    ),
    Variable(
        "IMMICH_META_XMP_ENGINE",
        "xmp_engine",
        "auto",
        _one_of("auto", "exempi", "builtin"),
        "auto, exempi or builtin",
        "which encoder writes XMP; auto takes Exempi when it is installed",
    ),
    Variable(
        "IMMICH_META_STATE_DIR",
        "state_dir",
        "",
        _directory,
        "a directory; empty for the platform's own place, e.g. ~/.local/state/immich-meta",
        "where it is remembered which assets are settled, and how to undo what was written",
    ),
    Variable(
        "IMMICH_META_KEEP_UNDO",
        "keep_undo",
        "90",
        _whole(0, 36_500),
        "a whole number of days from 0 (keep none) to 36500",
        "so long what a run wrote can be taken back; --keep-undo on the command line wins",
    ),
    Variable(
        "IMMICH_META_JOBS",
        "jobs",
        "",
        _whole(0, 64),
        "a whole number from 0 to 64; empty for one per core, at most 4",
        "so many processes write files; --jobs on the command line wins",
    ),
    Variable(
        "IMMICH_META_FILE_TIMEOUT",
        "file_timeout",
        "120",
        _whole(1, 86_400),
        "a whole number of seconds from 1 to 86400",
        "a file that takes longer than this is given up",
    ),
)
