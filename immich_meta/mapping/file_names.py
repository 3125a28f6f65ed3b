"""The date in a file name: what is left when nothing else knows when a picture was taken.

Not here: when it is asked (time.py).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from re import Match
from typing import Optional

FIRST_YEAR = 1900

# Not inside a longer word or number, but `IMG20210615` is one.
_START = r"(?:^[^\W\d_]*|(?<![^\W_]))"
_END = r"(?![^\W_])"
_COMPACT_DAY = r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
_COMPACT_TIME = r"[-_ T](?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})(?:[0-9]{3})?(?P<half>)"
_DAY = r"(?P<year>[0-9]{4})(?P<dash>[-_.])(?P<month>[0-9]{2})(?P=dash)(?P<day>[0-9]{2})"
_TIME = (
    r"(?: at |[-_ T])(?P<hour>[0-9]{1,2})(?P<colon>[-_.:]?)(?P<minute>[0-9]{2})(?P=colon)(?P<second>[0-9]{2})"
    r"(?:[.,]?[0-9]{3})?(?:[ \u202f]?(?P<half>[AaPp])[Mm])?"
)
_PATTERNS = (
    re.compile(f"{_START}{_COMPACT_DAY}(?:{_COMPACT_TIME})?{_END}"),
    re.compile(f"{_START}{_DAY}(?:{_TIME})?{_END}"),
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONGEST = 255


def wall_clock_in(name: str, today: date) -> Optional[datetime]:
    """The first real date from 1900 to tomorrow in `name`, naive; 00:00:00 when it gives no real time of day.

    Source: TAGS.md, Time, row 6: `IMG_20210615_123456`, `photo_2021-06-15`, `2021_06_15`,
    `PXL_20210615_123456789`, `WhatsApp Image 2021-06-15 at 12.34.56`, `IMG-20210615-WA0001`.
    """
    name = _UUID.sub("", name[:_LONGEST])
    found: list[tuple[int, datetime]] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(name):
            day = _day(match)
            if day is not None and day.toordinal() <= today.toordinal() + 1:
                found.append((match.start(), datetime.combine(day, _time(match))))
                break
    return min(found)[1] if found else None


def _day(match: Match[str]) -> Optional[date]:
    year = int(match["year"])
    if year < FIRST_YEAR:
        return None
    try:
        return date(year, int(match["month"]), int(match["day"]))
    except ValueError:
        return None


def _time(match: Match[str]) -> time:
    if match["hour"] is None:
        return time()
    hour, half = int(match["hour"]), (match["half"] or "").lower()
    if half and 1 <= hour <= 12:  # WhatsApp writes the clock of the phone's country
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, int(match["minute"]), int(match["second"]))
    except ValueError:  # a counter of six digits
        return time()
