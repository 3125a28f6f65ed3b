"""JSON bytes to plain values, and single values out of them, whatever a server sends.

Not here: which field of an answer is what (decode.py).
Every reader answers None for what is missing, null, of another type or out of its range; none raises.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Optional

Json = Mapping[str, object]

# Integers that a double holds exactly: nothing in an answer is larger, and arithmetic on it stays cheap.
MAX_INTEGER = 2**53
_MAX_DIGITS = 17

# Immich sends `...Z` with milliseconds; rows that the database turned into JSON have `+00:00`, or `+00`.
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)


def parse(body: bytes) -> object:
    """The value of a JSON text in UTF-8, UTF-16 or UTF-32.

    NaN and Infinity become null, integers of more than 17 digits too. Raises ValueError for what is not JSON,
    nesting too deep to follow included.
    """
    try:
        value: object = json.loads(body, parse_int=_integer, parse_constant=_nothing)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _integer(text: str) -> Optional[int]:
    # int() of a long text takes quadratic time, and raises from 4300 digits on.
    return int(text) if len(text) <= _MAX_DIGITS else None


def _nothing(_token: str) -> None:
    return None


def mapping(value: object) -> Json:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> Iterator[Json]:
    """The objects of a list; anything else in it is dropped."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield item


def text(value: object) -> Optional[str]:
    """A string that is not empty."""
    return value if isinstance(value, str) and value else None


def flag(value: object) -> bool:
    """True only for JSON's true."""
    return value is True


def number(value: object) -> Optional[float]:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def integer(value: object) -> Optional[int]:
    """A whole number up to 2**53 either side of 0; 4.0 is 4."""
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value == int(value) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -MAX_INTEGER <= value <= MAX_INTEGER else None


def wall(value: object) -> Optional[datetime]:
    """The wall clock of a date, naive: whatever zone it is written with is stripped."""
    parts = _DATE.fullmatch(value) if isinstance(value, str) and len(value) <= 40 else None
    return _wall(parts) if parts else None


def instant(value: object) -> Optional[datetime]:
    """A date as an aware UTC instant; one without a zone is UTC."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    if len(value) == 24 and value[4] == value[7] == "-" and value[10] == "T" and value[23] == "Z":
        # Nearly all are of this form, and this is seven times as fast as the way below.
        try:
            return datetime.fromisoformat(f"{value[:23]}+00:00")
        except ValueError:
            return None
    parts = _DATE.fullmatch(value)
    naive = _wall(parts) if parts else None
    if parts is None or naive is None:
        return None
    zone = parts.group(8)
    utc = naive.replace(tzinfo=timezone.utc)
    if zone is None or zone == "Z":
        return utc
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 15 or minutes > 59:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    try:
        return utc + offset if zone[0] == "-" else utc - offset
    except OverflowError:
        return None


def _wall(parts: re.Match[str]) -> Optional[datetime]:
    year, month, day, hour, minute, second, fraction = parts.group(1, 2, 3, 4, 5, 6, 7)
    micro = int(f"{fraction or '0':0<6.6}")
    try:
        return datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micro
        )
    except ValueError:
        return None
